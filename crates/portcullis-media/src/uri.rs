//! What the rewriters of manifests must know about a URI, and no more: where it leads, and
//! whether it can stand in a manifest. Nothing is resolved or decoded.
//!
//! SPEC: RFC 3986 §3.1, §4.2; SEC-99 for what may be written.

/// Where a URI in a manifest leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To a host it names: `https://…`, `http://…`, `//…`.
    Absolute,
    /// Nowhere over HTTP: `data:`, `skd:`, or a scheme nobody here knows.
    Other,
    /// Wherever the manifest or its base is.
    Relative,
}

pub(crate) fn kind(uri: &str) -> Kind {
    match scheme(uri) {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => Kind::Absolute,
        Some(scheme) if scheme.eq_ignore_ascii_case("http") => Kind::Absolute,
        Some(_) => Kind::Other,
        None if uri.starts_with("//") => Kind::Absolute,
        None => Kind::Relative,
    }
}

/// Whether a rewritten URI can stand between the quotes of an attribute or on a line of its
/// own, and leads where a manifest may lead.
pub(crate) fn may_be_written(uri: &str) -> bool {
    let breaks_out =
        |c: char| c.is_control() || matches!(c, '"' | '<' | '>' | '\u{2028}' | '\u{2029}');
    let blank = |c: char| c.is_whitespace();
    !uri.is_empty()
        && !uri.starts_with(blank)
        && !uri.ends_with(blank)
        && !uri.starts_with('#')
        && !uri.contains(breaks_out)
        && kind(uri) != Kind::Other
}

fn scheme(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let named =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(in_scheme);
    named.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scheme_or_two_slashes_lead_away() {
        for (uri, expected) in [
            ("a/b.m4s", Kind::Relative),
            ("/a", Kind::Relative),
            ("", Kind::Relative),
            ("?a:b", Kind::Relative),
            ("a/b:c", Kind::Relative),
            ("hdntl=exp=1:2/a", Kind::Relative),
            ("//host/a", Kind::Absolute),
            ("HTTPS://host/a", Kind::Absolute),
            ("http://host", Kind::Absolute),
            ("httpsx://host", Kind::Other),
            ("data:text/plain,x", Kind::Other),
            ("skd://a", Kind::Other),
            ("javascript:x", Kind::Other),
            ("a:b", Kind::Other),
        ] {
            assert_eq!(kind(uri), expected, "{uri}");
        }
    }

    #[test]
    fn nothing_is_written_that_could_break_out() {
        for good in ["a", "/a b?c=d&e='f'", "https://h/ä", "//h/{$x}", "a#b"] {
            assert!(may_be_written(good), "{good}");
        }
        for bad in ["", " a", "a\t", "a\nb", "a\rb", "a\0", "a\"b", "a<b", "a>b", "#a", "ftp://a"] {
            assert!(!may_be_written(bad), "{bad:?}");
        }
        assert!(!may_be_written("a\u{85}b") && !may_be_written("a\u{2028}b"));
    }
}
