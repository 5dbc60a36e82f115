//! The path of a request, before a token is matched against it.
//!
//! Tokens are matched against the path exactly as sent. That is safe only if nobody behind
//! us reads the same bytes as another path, so a path that decoding or normalising would
//! change into a different place is refused here, and never rewritten.
//!
//! It also takes out the component that carries a session token in cookie-less play.
//!
//! SPEC: SEC-72; RFC 3986 §3.3.

use std::borrow::Cow;

use super::escape::triplet;

/// Refuses a path that could be read in more than one way.
///
/// # Errors
///
/// Says which of the ways it is.
pub fn check(raw_path: &str) -> Result<(), PathFault> {
    if raw_path.len() > PATH_BYTES_MAX {
        return Err(PathFault::TooLong);
    }
    let Some(inside) = raw_path.strip_prefix('/') else { return Err(PathFault::NotAbsolute) };
    let decoded = decode(raw_path.as_bytes())?;
    if let Cow::Owned(decoded) = &decoded {
        check_decoded(decoded)?;
    }
    let encoded = matches!(decoded, Cow::Owned(_));
    let mut rest = Some(inside.as_bytes());
    while let Some(path) = rest {
        let end = path.iter().position(|byte| *byte == b'/');
        let segment = path.get(..end.unwrap_or(path.len())).unwrap_or_default();
        rest = end.and_then(|end| path.get(end + 1..));
        let segment = if encoded { decode(segment)? } else { Cow::Borrowed(segment) };
        if matches!(&*segment, b"." | b"..") {
            return Err(PathFault::DotSegment);
        }
        if segment.is_empty() && rest.is_some() {
            return Err(PathFault::EmptySegment);
        }
    }
    Ok(())
}

/// Checks a path that decoding changed.
fn check_decoded(decoded: &[u8]) -> Result<(), PathFault> {
    if std::str::from_utf8(decoded).is_err() {
        return Err(PathFault::NotUtf8);
    }
    // A second decoding would not be ours, but it could happen behind us.
    let twice = (0..decoded.len()).filter_map(|at| decoded.get(at..).and_then(triplet));
    for byte in twice {
        if matches!(byte, b'/' | b'\\' | b'.' | b'%' | b';' | 0x7f | 0..0x20) {
            return Err(PathFault::EncodedTwice);
        }
    }
    Ok(())
}

/// Takes the component `hdntl=…` out of a path, wherever it stands.
///
/// Gives the path without it, and the token as sent.
///
/// # Errors
///
/// [`PathFault::TwoTokens`] when there is more than one: they are not compared, for no
/// manifest of ours repeats the component.
pub fn split_session(raw_path: &str) -> Result<(Cow<'_, str>, Option<&str>), PathFault> {
    let mut tokens = raw_path.split('/').filter_map(|part| part.strip_prefix(SESSION_COMPONENT));
    let Some(token) = tokens.next() else { return Ok((Cow::Borrowed(raw_path), None)) };
    if tokens.next().is_some() {
        return Err(PathFault::TwoTokens);
    }
    let rest: Vec<&str> =
        raw_path.split('/').filter(|part| !part.starts_with(SESSION_COMPONENT)).collect();
    let rest = rest.join("/");
    Ok((Cow::Owned(if rest.is_empty() { "/".to_owned() } else { rest }), Some(token)))
}

/// In how many ways a path can be ambiguous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFault {
    /// A character that others might take for a separator, or that cannot stand in a path.
    #[error("a character that cannot stand in a path, plain or encoded")]
    Character,
    /// A segment is `.` or `..`, plain or encoded.
    #[error("a segment of dots")]
    DotSegment,
    /// Two slashes in a row.
    #[error("an empty segment")]
    EmptySegment,
    /// A `%` without two hex digits.
    #[error("a `%` without two hex digits")]
    Encoding,
    /// Something is percent-encoded twice.
    #[error("something encoded twice")]
    EncodedTwice,
    /// The path does not start with a slash.
    #[error("no slash at the start")]
    NotAbsolute,
    /// Decoded, the path is not UTF-8.
    #[error("not UTF-8 when decoded")]
    NotUtf8,
    /// The path is longer than 8 KiB.
    #[error("longer than 8192 bytes")]
    TooLong,
    /// Two components carry a session token.
    #[error("two components that carry a session token")]
    TwoTokens,
}

impl PathFault {
    /// A stable name for logs and traces.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Character => "path.character",
            Self::DotSegment => "path.dot_segment",
            Self::EmptySegment => "path.empty_segment",
            Self::Encoding => "path.encoding",
            Self::EncodedTwice => "path.encoded_twice",
            Self::NotAbsolute => "path.not_absolute",
            Self::NotUtf8 => "path.not_utf8",
            Self::TooLong => "path.too_long",
            Self::TwoTokens => "path.two_tokens",
        }
    }
}

/// Decodes once and refuses what may stand in no path, plain or encoded.
fn decode(raw: &[u8]) -> Result<Cow<'_, [u8]>, PathFault> {
    let plain = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'\\' | b';' | b'?' | b'#' | b'"' | b'<' | b'>' | b'%')
    };
    // Every byte is looked at, whatever was found: that is quicker than to stop early.
    if raw.iter().fold(true, |all, byte| all & plain(*byte)) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let byte = triplet(rest).ok_or(PathFault::Encoding)?;
            if byte < 0x20 || matches!(byte, b'/' | b'\\' | b';' | 0x7f) {
                return Err(PathFault::Character);
            }
            decoded.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else if plain(*first) {
            decoded.push(*first);
            rest = after;
        } else {
            return Err(PathFault::Character);
        }
    }
    Ok(Cow::Owned(decoded))
}

const SESSION_COMPONENT: &str = "hdntl=";
const PATH_BYTES_MAX: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_path(path: &str, expected: Result<(), PathFault>) {
        assert_eq!(check(path), expected, "{path}");
    }

    #[test]
    fn plain_paths_pass() {
        for path in [
            "/",
            "/a",
            "/a/",
            "/media/film/video-720p/1.m4s",
            "/a/...",
            "/a/..b",
            "/a/b.",
            "/a%20b",
            "/%ec%95%88",
            "/100%25",
            "/a/%25b",
            "/a~b!c*d(e)'f,g:h@i&j=k+l$m",
        ] {
            check_path(path, Ok(()));
        }
    }

    #[test]
    fn each_way_to_mean_another_place_is_refused() {
        for (path, fault) in [
            ("", PathFault::NotAbsolute),
            ("a", PathFault::NotAbsolute),
            ("http://x/a", PathFault::NotAbsolute),
            ("/a/../b", PathFault::DotSegment),
            ("/a/..", PathFault::DotSegment),
            ("/./a", PathFault::DotSegment),
            ("/a/%2e%2e/b", PathFault::DotSegment),
            ("/a/.%2E/b", PathFault::DotSegment),
            ("/a/%2e", PathFault::DotSegment),
            ("//a", PathFault::EmptySegment),
            ("/a//b", PathFault::EmptySegment),
            ("/a//", PathFault::EmptySegment),
            ("/a\\b", PathFault::Character),
            ("/a%5cb", PathFault::Character),
            ("/a%2fb", PathFault::Character),
            ("/a%2Fb", PathFault::Character),
            ("/a%00b", PathFault::Character),
            ("/a\0b", PathFault::Character),
            ("/a%0d%0ab", PathFault::Character),
            ("/a%7fb", PathFault::Character),
            ("/a;b=c/d", PathFault::Character),
            ("/a%3bb", PathFault::Character),
            ("/a b", PathFault::Character),
            ("/a?b", PathFault::Character),
            ("/a#b", PathFault::Character),
            ("/é", PathFault::Character),
            ("/a%", PathFault::Encoding),
            ("/a%2", PathFault::Encoding),
            ("/a%zz", PathFault::Encoding),
            ("/a/%252e%252e/b", PathFault::EncodedTwice),
            ("/a%252fb", PathFault::EncodedTwice),
            ("/a%255Cb", PathFault::EncodedTwice),
            ("/a%2500b", PathFault::EncodedTwice),
            ("/a%25252fb", PathFault::EncodedTwice),
            ("/a%25%32%66b", PathFault::EncodedTwice),
            ("/%c0%ae%c0%ae/b", PathFault::NotUtf8),
            ("/%ff", PathFault::NotUtf8),
        ] {
            check_path(path, Err(fault));
        }
    }

    #[test]
    fn the_maximum_holds_on_both_sides() {
        check_path(&format!("/{}", "a".repeat(8191)), Ok(()));
        check_path(&format!("/{}", "a".repeat(8192)), Err(PathFault::TooLong));
    }

    #[test]
    fn the_session_component_is_taken_out_anywhere() {
        for (path, rest, token) in [
            ("/a/b", "/a/b", None),
            ("/hdntl=t/a/b", "/a/b", Some("t")),
            ("/a/hdntl=t=u~v/b", "/a/b", Some("t=u~v")),
            ("/a/b/hdntl=t", "/a/b", Some("t")),
            ("/a/hdntl=t/", "/a/", Some("t")),
            ("/hdntl=t", "/", Some("t")),
            ("/a/hdntl=/b", "/a/b", Some("")),
            ("/a/xhdntl=t/b", "/a/xhdntl=t/b", None),
        ] {
            assert_eq!(split_session(path), Ok((Cow::Borrowed(rest), token)), "{path}");
        }
        assert_eq!(split_session("/hdntl=t/a/hdntl=t/b"), Err(PathFault::TwoTokens));
    }

    proptest::proptest! {
        #[test]
        fn a_path_that_passes_decodes_unambiguously(path in "(/[a.%/2e5f\\\\c;]{0,4}){1,4}") {
            if check(&path).is_ok() {
                let decoded = decode(path.as_bytes()).unwrap();
                let decoded = std::str::from_utf8(&decoded).unwrap();
                proptest::prop_assert!(!decoded.contains("//") && !decoded.contains('\\'));
                proptest::prop_assert_eq!(decoded.matches('/').count(), path.matches('/').count());
                proptest::prop_assert!(!decoded.split('/').any(|part| part == ".." || part == "."));
            }
        }
    }
}
