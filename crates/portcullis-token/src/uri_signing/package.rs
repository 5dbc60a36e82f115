//! The URI that a token is about: the request's, without the token in it, normalised.
//!
//! A path that others could read as another is refused and not repaired: dot segments are
//! none that can be left after the check, so nothing removes them.
//!
//! SPEC: RFC 3986 §6.2.2, §6.2.3; RFC 9246 §1.3, §3.

use std::borrow::Cow;

use crate::{fault::Fault, format::Request, uri};

/// The values that stand under `name` as path parameters, query parameters and cookies.
pub(super) fn presented<'a>(name: &'a str, request: &'a Request) -> impl Iterator<Item = &'a str> {
    let segments = request.path.iter().flat_map(|path| path.split('/'));
    let parameters = segments.flat_map(|segment| segment.split(';').skip(1));
    let parameters = parameters.filter_map(move |part| value_of(part, name));
    parameters.chain(request.parameter(name)).chain(request.cookie(name))
}

/// The path without the path parameters called `name`.
pub(super) fn path_without<'a>(name: &str, path: &'a str) -> Cow<'a, str> {
    if !path.contains(';') {
        return Cow::Borrowed(path);
    }
    let segment = |segment: &str| {
        let mut parts = segment.split(';').enumerate();
        // What stands before the first `;` is the segment itself.
        let kept = |(at, part): &(usize, &str)| *at == 0 || value_of(part, name).is_none();
        let kept: Vec<&str> = parts.by_ref().filter(kept).map(|(_, part)| part).collect();
        kept.join(";")
    };
    let segments: Vec<String> = path.split('/').map(segment).collect();
    Cow::Owned(segments.join("/"))
}

/// The whole URI without the package, normalised.
///
/// # Errors
///
/// [`Fault::RequestLacks`] when origin or path are not said, [`Fault::PathMalformed`] when
/// they could be read in more than one way.
pub(super) fn signed_uri(name: &str, request: &Request) -> Result<String, Fault> {
    let origin = uri::origin_of(request)?;
    let path = request.path.as_deref().ok_or(Fault::RequestLacks { what: "path" })?;
    let path = path_without(name, path);
    uri::check_path(&path)?;
    let mut whole = origin.to_string();
    normalise(&path, &mut whole)?;
    if let Some(query) = request.query_without(&[name]) {
        whole.push('?');
        normalise(&query, &mut whole)?;
    }
    Ok(whole)
}

/// Writes escapes in upper case, and what needed none without.
fn normalise(text: &str, out: &mut String) -> Result<(), Fault> {
    let fault = || Fault::PathMalformed { what: "a `%` without two hex digits".to_owned() };
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            if !byte.is_ascii_graphic() || *byte == b'#' {
                let what = "a character that cannot stand in a URI".to_owned();
                return Err(Fault::PathMalformed { what });
            }
            out.push(char::from(*byte));
            continue;
        }
        let ([high, low], after) = rest.split_first_chunk().ok_or_else(fault)?;
        rest = after;
        let byte = uri::hex_byte(*high, *low).ok_or_else(fault)?;
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(())
}

fn value_of<'a>(part: &'a str, name: &str) -> Option<&'a str> {
    part.strip_prefix(name)?.strip_prefix('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "URISigningPackage";

    #[test]
    fn the_package_is_taken_out_and_the_rest_is_normalised() {
        let check = |url: &str, expected: Result<&str, &str>| {
            let mut request = Request::default();
            request.set_url(url).unwrap();
            let signed = signed_uri(NAME, &request);
            let signed = signed.as_deref().map_err(Fault::code);
            assert_eq!(signed, expected, "{url}");
        };
        check("http://cdni.example/foo/bar", Ok("http://cdni.example/foo/bar"));
        check("http://CDNI.example:80/foo", Ok("http://cdni.example/foo"));
        check("https://cdni.example:80", Ok("https://cdni.example:80/"));
        check("http://a/p?URISigningPackage=t", Ok("http://a/p"));
        check("http://a/p?x=1&URISigningPackage=t&y", Ok("http://a/p?x=1&y"));
        check("http://a/p?x=1&URISigningPackage=t&URISigningPackage=u", Ok("http://a/p?x=1"));
        check("http://a/p;URISigningPackage=t/q", Ok("http://a/p/q"));
        check("http://a/p/q;URISigningPackage=t?x", Ok("http://a/p/q?x"));
        check("http://a/%7euser/%c3%a9?q=%2f%41", Ok("http://a/~user/%C3%A9?q=%2FA"));
        check("http://a/p?xURISigningPackage=t", Ok("http://a/p?xURISigningPackage=t"));
        check("http://a/p;x=1", Err("path.malformed"));
        check("http://a/p/../q", Err("path.malformed"));
        check("http://a/p/%2e%2e/q", Err("path.malformed"));
        check("http://a/p?q=%zz", Err("path.malformed"));
        check("http://a/p?q=é", Err("path.malformed"));
        check("/p", Err("request.lacks"));
    }

    #[test]
    fn a_package_is_found_in_each_place() {
        let found = |url: &str, cookie: &str| {
            let mut request = Request::default();
            request.set_url(url).unwrap();
            request.headers.push(("Cookie".into(), cookie.into()));
            presented(NAME, &request).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(found("/a?URISigningPackage=t", ""), ["t"]);
        assert_eq!(found("/a;URISigningPackage=t/b", "URISigningPackage=u"), ["t", "u"]);
        assert!(found("/URISigningPackage=t/b", "").is_empty());
        assert!(found("/a?xURISigningPackage=t", "uRISigningPackage=u").is_empty());
    }
}
