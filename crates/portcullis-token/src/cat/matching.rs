//! How a token matches a part of a URL, or a header: every kind of match that is stated has
//! to hold.
//!
//! Expressions are evaluated only after the signature, by an engine whose time is linear, and
//! have to match the whole part: the specification's rule was not to be had, and this one
//! refuses where another might accept.
//!
//! SPEC: CTA-5007, `catu` and `cath`, as its public implementations speak it.

use std::borrow::Cow;

use aws_lc_rs::digest;
use portcullis_base::json;
use regex::bytes::RegexBuilder;

use super::cbor::Value;
use crate::{fault::Fault, format::Request, uri};

/// The parts of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Extension,
    Filename,
    Host,
    ParentPath,
    Path,
    Port,
    Query,
    Scheme,
    Stem,
}

/// In the order of their numbers.
const PARTS: [(Part, &str); 9] = [
    (Part::Scheme, "scheme"),
    (Part::Host, "host"),
    (Part::Port, "port"),
    (Part::Path, "path"),
    (Part::Query, "query"),
    (Part::ParentPath, "parent-path"),
    (Part::Filename, "filename"),
    (Part::Stem, "stem"),
    (Part::Extension, "extension"),
];

/// The kinds of match, with their numbers.
const KINDS: [(i64, &str); 7] = [
    (0, "exact-match"),
    (1, "prefix-match"),
    (2, "suffix-match"),
    (3, "contains-match"),
    (4, "regex-match"),
    (-1, "sha256-match"),
    (-2, "sha512-256-match"),
];

/// Checks `catu` against the URL of a request; `names` are the parameters tokens travel in.
pub(super) fn check_url(catu: &Value, request: &Request, names: &[&str]) -> Result<(), Fault> {
    for (label, matches) in catu.as_map().unwrap_or_default() {
        let part = part_of(label).ok_or_else(|| unsupported("catu", label))?;
        let text = read_part(part, request, names)?;
        if !holds("catu", matches, &text)? {
            return Err(Fault::Path);
        }
    }
    Ok(())
}

/// Checks `cath` against the headers of a request: each that is named stands there once.
pub(super) fn check_headers(cath: &Value, request: &Request) -> Result<(), Fault> {
    for (name, matches) in cath.as_map().unwrap_or_default() {
        let mut values = request.header(name.as_text().unwrap_or_default());
        let value = values.next().ok_or(Fault::Path)?;
        if values.next().is_some() || !holds("cath", matches, value)? {
            return Err(Fault::Path);
        }
    }
    Ok(())
}

/// Whether a claim of matches has its form: names or numbers, and for each a map of matches.
pub(super) fn is_sound(claim: &Value) -> bool {
    let inner = |(_, matches): &(Value, Value)| matches.as_map().is_some_and(|map| !map.is_empty());
    claim.as_map().is_some_and(|map| !map.is_empty() && map.iter().all(inner))
}

fn part_of(label: &Value) -> Option<Part> {
    PARTS.get(usize::try_from(label.as_u64()?).ok()?).map(|(part, _)| *part)
}

fn unsupported(claim: &str, label: &Value) -> Fault {
    let label = label.as_i64().map_or_else(|| "text".to_owned(), |label| label.to_string());
    Fault::Unsupported { what: format!("{claim} {label}") }
}

fn read_part<'a>(part: Part, request: &'a Request, names: &[&str]) -> Result<Cow<'a, str>, Fault> {
    let path = || {
        let path = request.path.as_deref().ok_or(Fault::RequestLacks { what: "path" })?;
        uri::check_path(path).map(|()| path)
    };
    let (parent, filename) = match part {
        Part::Scheme => return Ok(Cow::Owned(uri::origin_of(request)?.scheme)),
        Part::Host => return Ok(Cow::Owned(uri::origin_of(request)?.host)),
        Part::Port => return Ok(Cow::Owned(uri::origin_of(request)?.port_meant().to_string())),
        Part::Path => return path().map(Cow::Borrowed),
        Part::Query => {
            path()?;
            return Ok(Cow::Owned(request.query_without(names).unwrap_or_default()));
        }
        _ => path()?.rsplit_once('/').unwrap_or_default(),
    };
    let dot = filename.rfind('.').unwrap_or(filename.len());
    let (stem, extension) = filename.split_at_checked(dot).unwrap_or_default();
    Ok(Cow::Borrowed(match part {
        Part::ParentPath => parent,
        Part::Stem => stem,
        Part::Extension => extension,
        _ => filename,
    }))
}

/// Whether every match holds.
fn holds(claim: &str, matches: &Value, text: &str) -> Result<bool, Fault> {
    let wrong = || Fault::Claim { name: claim.to_owned() };
    let mut all = true;
    for (kind, wanted) in matches.as_map().ok_or_else(wrong)? {
        let number = match wanted {
            // A port may be written as a number.
            Value::Unsigned(number) => Some(number.to_string()),
            _ => None,
        };
        let plain = number.as_deref().or(wanted.as_text());
        all &= match kind.as_i64() {
            Some(0) => text == plain.ok_or_else(wrong)?,
            Some(1) => text.starts_with(plain.ok_or_else(wrong)?),
            Some(2) => text.ends_with(plain.ok_or_else(wrong)?),
            Some(3) => text.contains(plain.ok_or_else(wrong)?),
            Some(4) => {
                matches_whole(expression(wanted).ok_or_else(wrong)?, text).ok_or_else(wrong)?
            }
            Some(-1) => {
                let digest = digest::digest(&digest::SHA256, text.as_bytes());
                digest.as_ref() == wanted.as_bytes().ok_or_else(wrong)?
            }
            Some(-2) => {
                let digest = digest::digest(&digest::SHA512_256, text.as_bytes());
                digest.as_ref() == wanted.as_bytes().ok_or_else(wrong)?
            }
            _ => return Err(unsupported(claim, kind)),
        };
    }
    Ok(all)
}

/// An expression stands alone, or in a list without groups to compare.
fn expression(wanted: &Value) -> Option<&str> {
    match wanted.as_array() {
        None => wanted.as_text(),
        Some([one]) => one.as_text(),
        Some(_) => None,
    }
}

fn matches_whole(expression: &str, text: &str) -> Option<bool> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        return None;
    }
    let build = |pattern: &str| {
        RegexBuilder::new(pattern)
            .unicode(false)
            .nest_limit(64)
            .size_limit(COMPILED_BYTES_MAX)
            .build()
            .ok()
    };
    // SECURITY: alone, too, or `a)|(?:b` would close the group that holds it.
    build(expression)?;
    let whole = build(&format!(r"\A(?:{expression})\z"))?;
    Some(whole.is_match(text.as_bytes()))
}

/// Reads matches as people write them: `{"path": {"prefix-match": "/vod/"}}`, hashes in hex.
pub(super) fn catu_from_json(object: &json::Object) -> Option<Value> {
    let mut parts = Vec::new();
    for (number, (_, name)) in (0_i64..).zip(PARTS) {
        if let Some(matches) = object.get(name) {
            parts.push((number.into(), matches_from_json(matches)?));
        }
    }
    (!parts.is_empty() && parts.len() == object.len()).then_some(Value::Map(parts))
}

/// The same for headers, by their names.
pub(super) fn cath_from_json(object: &json::Object) -> Option<Value> {
    let read = |(name, matches): (&String, &json::Value)| {
        Some((Value::from(name.as_str()), matches_from_json(matches)?))
    };
    let headers: Option<Vec<_>> = object.iter().map(read).collect();
    headers.filter(|headers| !headers.is_empty()).map(Value::Map)
}

fn matches_from_json(value: &json::Value) -> Option<Value> {
    let object = value.as_object()?;
    let mut matches = Vec::new();
    for (number, name) in KINDS {
        if let Some(wanted) = object.get(name) {
            let text = wanted.as_str()?;
            let wanted = if number < 0 {
                Value::Bytes(hex::decode(text).ok().filter(|bytes| bytes.len() == 32)?)
            } else {
                Value::from(text)
            };
            matches.push((number.into(), wanted));
        }
    }
    let sound = !matches.is_empty() && matches.len() == object.len();
    let regex = object.get("regex-match").and_then(json::Value::as_str);
    let readable = regex.is_none_or(|regex| matches_whole(regex, "").is_some());
    (sound && readable).then_some(Value::Map(matches))
}

/// What people write, from what a token says; labels nobody knows as numbers.
pub(super) fn to_json(claim: &Value) -> json::Value {
    let name = |label: &Value, known: &dyn Fn(i64) -> Option<&'static str>| match label {
        Value::Text(text) => text.clone(),
        other => other.as_i64().and_then(known).map_or_else(|| other.to_string(), str::to_owned),
    };
    let part = |number: i64| Some(PARTS.get(usize::try_from(number).ok()?)?.1);
    let kind = |number: i64| Some(KINDS.iter().find(|(known, _)| *known == number)?.1);
    let wanted = |value: &Value| match value {
        Value::Bytes(bytes) => json::Value::from(hex::encode(bytes)),
        Value::Text(text) => json::Value::from(text.as_str()),
        other => json::Value::from(other.to_string()),
    };
    let matches = |value: &Value| {
        let pairs = value.as_map().unwrap_or_default().iter();
        json::Value::Object(pairs.map(|(key, value)| (name(key, &kind), wanted(value))).collect())
    };
    let pairs = claim.as_map().unwrap_or_default().iter();
    json::Value::Object(pairs.map(|(key, value)| (name(key, &part), matches(value))).collect())
}

const EXPRESSION_BYTES_MAX: usize = 1024;
const COMPILED_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(catu: &str, url: &str, expected: Result<(), &str>) {
        let json::Value::Object(object) =
            json::parse(catu.as_bytes(), &json::Limits::TOKEN).unwrap()
        else {
            panic!("no object")
        };
        let claim = catu_from_json(&object).unwrap();
        let mut request = Request::default();
        request.set_url(url).unwrap();
        let outcome = check_url(&claim, &request, &["CAT"]);
        assert_eq!(outcome.as_ref().map_err(Fault::code).copied(), expected, "{catu} {url}");
        assert_eq!(to_json(&claim), json::Value::Object(object));
    }

    #[test]
    fn each_part_is_matched_in_each_kind() {
        let url = "https://CDN.example/vod/m/a.b.m3u8?x=1&CAT=t";
        for (part, text) in [
            ("scheme", "https"),
            ("host", "cdn.example"),
            ("port", "443"),
            ("path", "/vod/m/a.b.m3u8"),
            ("query", "x=1"),
            ("parent-path", "/vod/m"),
            ("filename", "a.b.m3u8"),
            ("stem", "a.b"),
            ("extension", ".m3u8"),
        ] {
            let (first, last) = (&text[..1], &text[text.len() - 1..]);
            let sha256 = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
            let sha512 = hex::encode(digest::digest(&digest::SHA512_256, text.as_bytes()));
            let all = format!(
                r#"{{"{part}":{{"exact-match":"{text}","prefix-match":"{first}",
                "suffix-match":"{last}","contains-match":"{text}","regex-match":".+",
                "sha256-match":"{sha256}","sha512-256-match":"{sha512}"}}}}"#
            );
            check(&all, url, Ok(()));
            for kind in ["exact", "prefix", "suffix", "contains", "regex"] {
                check(&format!(r#"{{"{part}":{{"{kind}-match":"~"}}}}"#), url, Err("token.path"));
            }
            // One kind that does not hold is enough.
            let one = all.replace(&sha512, &"0".repeat(64));
            check(&one, url, Err("token.path"));
        }
    }

    #[test]
    fn a_file_without_an_extension_has_none_and_a_directory_no_name() {
        let exact = |part: &str, text: &str| format!(r#"{{"{part}":{{"exact-match":"{text}"}}}}"#);
        check(&exact("extension", ""), "/a/b", Ok(()));
        check(&exact("stem", "b"), "/a/b", Ok(()));
        check(&exact("filename", ""), "/a/", Ok(()));
        check(&exact("parent-path", "/a"), "/a/", Ok(()));
        check(&exact("parent-path", ""), "/a", Ok(()));
        check(&exact("port", "80"), "http://a/b", Ok(()));
        check(&exact("port", "8443"), "https://a:8443/b", Ok(()));
        check(&exact("host", "a"), "/b", Err("request.lacks"));
        check(&exact("path", "/b"), "/a/../b", Err("path.malformed"));
        check(&exact("query", ""), "/a/../b", Err("path.malformed"));
    }

    #[test]
    fn an_expression_has_to_match_the_whole_part_and_has_bounds() {
        let regex = |text: &str| format!(r#"{{"path":{{"regex-match":"{text}"}}}}"#);
        check(&regex("/vod/"), "/x/vod/y", Err("token.path"));
        check(&regex(".*/vod/.*"), "/x/vod/y", Ok(()));
        for bad in [
            r"(a)\1",
            "(?=a)",
            "(",
            "((a{1000}){1000}){1000}",
            "a)|(?:b",
            "a(?x)#",
            &"a".repeat(1025),
        ] {
            assert_eq!(matches_whole(bad, "a"), None, "{bad}");
        }
    }
}
