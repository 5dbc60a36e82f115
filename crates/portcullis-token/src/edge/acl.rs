//! The list of paths a token covers, and the matcher.
//!
//! `!` separates alternatives; `*` is any run of characters, slashes included; `?` is exactly
//! one; everything else is itself, and case counts. A pattern without wildcards is one path.
//! Patterns are never turned into regular expressions: the matcher keeps two positions and
//! comes back to the last `*` only, so no pattern can make it slow.
//!
//! Each alternative is read as sent and, because some generators escape it, decoded once.
//! Decoding makes no wildcard and no separator out of `%2a`, `%3f` and `%21`.
//!
//! The path has to have passed [`super::path::check`].
//!
//! SPEC: Akamai EdgeAuth 2.0, `acl`; SEC-33, SEC-34.

use std::fmt;

use super::escape::triplet;

/// Patterns of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl(Box<str>);

impl Acl {
    /// Reads a list of patterns.
    ///
    /// # Errors
    ///
    /// Says which rule of the list's text is broken.
    pub fn parse(text: &str) -> Result<Self, AclError> {
        if text.len() > ACL_BYTES_MAX {
            return Err(AclError::TooLong);
        }
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'}')) {
            return Err(AclError::Character);
        }
        if text.split('!').count() > ALTERNATIVES_MAX {
            return Err(AclError::TooMany);
        }
        if text.split('!').any(str::is_empty) {
            return Err(AclError::Empty);
        }
        Ok(Self(text.into()))
    }

    /// Puts `value` in the place of `{}` in `template`.
    ///
    /// # Errors
    ///
    /// [`AclError::Value`] when the value has a character with a meaning in patterns, for it
    /// would widen what the template's author wrote.
    pub fn from_template(template: &str, value: &str) -> Result<Self, AclError> {
        if value.is_empty() || value.contains(['*', '?', '!', '~', '/', '%']) {
            return Err(AclError::Value);
        }
        Self::parse(&template.replace("{}", value))
    }

    /// Everything in the directory of `raw_path`, and below.
    ///
    /// # Errors
    ///
    /// [`AclError::Value`] when the directory has a character with a meaning in patterns.
    pub fn directory_of(raw_path: &str) -> Result<Self, AclError> {
        let (directory, _) = raw_path.rsplit_once('/').ok_or(AclError::Value)?;
        if directory.contains(['*', '?', '!', '~']) {
            return Err(AclError::Value);
        }
        Self::parse(&format!("{directory}/*"))
    }

    /// Whether one of the patterns matches the path as sent.
    #[must_use]
    pub fn admits(&self, raw_path: &str) -> bool {
        let path = raw_path.as_bytes();
        self.0.split('!').any(|pattern| {
            glob(pattern.as_bytes(), path, Reading::AsSent)
                || (pattern.contains('%') && glob(pattern.as_bytes(), path, Reading::DecodedOnce))
        })
    }

    /// Whether a pattern matches any path there is, as `*` and `/*` do.
    #[must_use]
    pub fn is_root(&self) -> bool {
        // No pattern can name this path, nor count its length with `?`.
        let nowhere = format!("/{}", "\u{1}".repeat(ACL_BYTES_MAX + 1));
        self.admits(&nowhere)
    }

    /// The deepest directory that all patterns lie in, with a slash at both ends: the `Path`
    /// of a cookie that carries a token with this list.
    #[must_use]
    pub fn directory(&self) -> &str {
        let mut patterns = self.0.split('!');
        let first = patterns.next().unwrap_or_default();
        let plain = |text: &str| text.bytes().take_while(|byte| !b"*?%".contains(byte)).count();
        let shared = patterns.fold(plain(first), |shared, pattern| {
            let same = first.bytes().zip(pattern.bytes()).take_while(|(a, b)| a == b).count();
            shared.min(same).min(plain(pattern))
        });
        let prefix = first.get(..shared).unwrap_or_default();
        match prefix.rfind('/') {
            Some(slash) if prefix.starts_with('/') => prefix.get(..=slash).unwrap_or("/"),
            _ => "/",
        }
    }

    /// The list as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a list of patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AclError {
    /// A character that cannot stand in a pattern.
    #[error("the ACL has a character other than printable ASCII, or `~`")]
    Character,
    /// A pattern is empty.
    #[error("the ACL has an empty pattern")]
    Empty,
    /// The list is too long.
    #[error("the ACL is longer than 1024 bytes")]
    TooLong,
    /// There are too many patterns.
    #[error("the ACL has more than 32 patterns")]
    TooMany,
    /// A value would add wildcards, separators or levels to the pattern it is put into.
    #[error("a value in the ACL is empty or has one of `* ? ! ~ / %`")]
    Value,
}

impl AclError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Character => "acl.character",
            Self::Empty => "acl.empty",
            Self::TooLong => "acl.too_long",
            Self::TooMany => "acl.too_many",
            Self::Value => "acl.value",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    AsSent,
    DecodedOnce,
}

enum Unit {
    Any,
    Byte(u8),
    One,
}

/// The first unit of a pattern, and the pattern after it.
fn unit(pattern: &[u8], reading: Reading) -> Option<(Unit, &[u8])> {
    let (first, rest) = pattern.split_first()?;
    Some(match first {
        b'*' => (Unit::Any, rest),
        b'?' => (Unit::One, rest),
        b'%' if reading == Reading::DecodedOnce => match triplet(pattern) {
            Some(byte) => (Unit::Byte(byte), rest.get(2..).unwrap_or_default()),
            None => (Unit::Byte(b'%'), rest),
        },
        byte => (Unit::Byte(*byte), rest),
    })
}

fn glob(mut pattern: &[u8], mut path: &[u8], reading: Reading) -> bool {
    // What follows the last `*`, and where its run ended when it was tried last.
    let mut last_any: Option<(&[u8], &[u8])> = None;
    loop {
        let next = unit(pattern, reading);
        let rest = match (next, path.split_first()) {
            (None, None) => return true,
            (Some((Unit::Any, after)), _) => {
                if after.is_empty() {
                    return true;
                }
                last_any = Some((after, path));
                pattern = after;
                continue;
            }
            // A longer run would leave even less for what is still to match.
            (Some(_), None) => return false,
            (Some((Unit::One, after)), Some((_, rest))) => Some((after, rest)),
            (Some((Unit::Byte(wanted), after)), Some((byte, rest))) => {
                (wanted == *byte).then_some((after, rest))
            }
            (None, Some(_)) => None,
        };
        (pattern, path) = match (rest, last_any) {
            (Some(rest), _) => rest,
            (None, Some((after, [_, longer @ ..]))) => {
                last_any = Some((after, longer));
                (after, longer)
            }
            (None, _) => return false,
        };
    }
}

const ACL_BYTES_MAX: usize = 1024;
const ALTERNATIVES_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(acl: &str, path: &str, expected: bool) {
        assert_eq!(Acl::parse(acl).unwrap().admits(path), expected, "{acl} {path}");
    }

    #[test]
    fn wildcards_mean_what_akamai_says() {
        check("/vod/*", "/vod/", true);
        check("/vod/*", "/vod/a/b/c", true);
        check("/vod/*", "/vod", false);
        check("/vod/*", "/Vod/a", false);
        check("/vod/*", "/live/vod/a", false);
        check("*/show/*", "/a/b/show/c", true);
        check("*/show/*", "/show/", true);
        check("/a?c", "/abc", true);
        check("/a?c", "/a/c", true);
        check("/a?c", "/ac", false);
        check("/a?c", "/abbc", false);
        check("/a.b", "/a.b", true);
        check("/a.b", "/axb", false);
        check("/[a]", "/[a]", true);
        check("/[a]", "/a", false);
        check("/a", "/a", true);
        check("/a", "/a/", false);
        check("/q_escape/?????????", "/q_escape/%EC%95%88", true);
    }

    #[test]
    fn any_alternative_admits() {
        check("/a/*!/b/?", "/a/x", true);
        check("/a/*!/b/?", "/b/x", true);
        check("/a/*!/b/?", "/b/xy", false);
    }

    #[test]
    fn an_escaped_pattern_is_decoded_once_without_making_wildcards() {
        check("%2fvod%2f*", "/vod/a", true);
        check("%252fvod%252f*", "/vod/a", false);
        check("/vod/%2a", "/vod/a", false);
        check("/vod/%2a", "/vod/*", true);
        check("/vod/%2a", "/vod/%2a", true);
        check("/vod/%3f", "/vod/a", false);
        check("/a%21/*", "/b", false);
        check("/%6d/*", "/m/x", true);
        check("/m/*", "/%6d/x", false);
        check("/a%", "/a%", true);
        check("/a%2", "/a%2", true);
    }

    #[test]
    fn a_pathological_pattern_answers_at_once() {
        let path = format!("/{}", "a".repeat(600));
        check(&"*a".repeat(24), &format!("{path}b"), false);
        check(&"*a".repeat(511), &path, true);
        check(&format!("*{}b", "a".repeat(500)), &format!("/{}", "a".repeat(8000)), false);
    }

    #[test]
    fn maxima_hold_on_both_sides() {
        let parse = |text: &str| Acl::parse(text).map(drop);
        assert_eq!(parse(&"a".repeat(1024)), Ok(()));
        assert_eq!(parse(&"a".repeat(1025)), Err(AclError::TooLong));
        assert_eq!(parse(&vec!["a"; 32].join("!")), Ok(()));
        assert_eq!(parse(&vec!["a"; 33].join("!")), Err(AclError::TooMany));
        assert_eq!(parse(""), Err(AclError::Empty));
        assert_eq!(parse("/a!"), Err(AclError::Empty));
        assert_eq!(parse("/a\n"), Err(AclError::Character));
        assert_eq!(parse("/a~b"), Err(AclError::Character));
        assert_eq!(parse("/é"), Err(AclError::Character));
    }

    #[test]
    fn a_list_that_admits_everything_is_known_as_such() {
        for (acl, root) in [
            ("*", true),
            ("/*", true),
            ("%2f*", true),
            ("**", true),
            ("*/*", true),
            ("/?*", true),
            ("/a/*!/*", true),
            ("/a*", false),
            ("*.m4s", false),
            ("/????", false),
        ] {
            assert_eq!(Acl::parse(acl).unwrap().is_root(), root, "{acl}");
        }
    }

    #[test]
    fn a_value_cannot_widen_its_template() {
        let fill = |value| Acl::from_template("/media/{}/*", value).map(|acl| acl.to_string());
        assert_eq!(fill("film").as_deref(), Ok("/media/film/*"));
        for value in ["", "*", "a?", "a!/", "a~b", "a/b", "%2f"] {
            assert_eq!(fill(value), Err(AclError::Value), "{value}");
        }
    }

    #[test]
    fn directories_are_found() {
        for (acl, directory) in [
            ("/media/film/*", "/media/film/"),
            ("/media/film/a.mpd", "/media/film/"),
            ("/media/film/*!/media/fiction/*", "/media/"),
            ("/media/film/*!/media/film/x/*", "/media/film/"),
            ("/a/*!/b/*", "/"),
            ("*/show/*", "/"),
            ("%2fa%2f*", "/"),
        ] {
            assert_eq!(Acl::parse(acl).unwrap().directory(), directory, "{acl}");
        }
        let of = |path| Acl::directory_of(path).map(|acl| acl.to_string());
        assert_eq!(of("/media/film/a.mpd").as_deref(), Ok("/media/film/*"));
        assert_eq!(of("/a.mpd").as_deref(), Ok("/*"));
        assert_eq!(of("/a*/b"), Err(AclError::Value));
    }

    /// Straight from the definition, and as slow as that is.
    fn matches_slowly(pattern: &[u8], path: &[u8]) -> bool {
        match pattern {
            [] => path.is_empty(),
            [b'*', rest @ ..] => (0..=path.len()).any(|run| matches_slowly(rest, &path[run..])),
            [first, rest @ ..] => path.split_first().is_some_and(|(byte, path)| {
                (*first == b'?' || first == byte) && matches_slowly(rest, path)
            }),
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

        #[test]
        fn the_matcher_agrees_with_the_definition(
            patterns in proptest::collection::vec("[ab/*?]{1,8}", 1..4),
            path in "/[ab/]{0,10}",
        ) {
            let slow = patterns.iter().any(|one| matches_slowly(one.as_bytes(), path.as_bytes()));
            let acl = Acl::parse(&patterns.join("!")).unwrap();
            proptest::prop_assert_eq!(acl.admits(&path), slow);
        }
    }
}
