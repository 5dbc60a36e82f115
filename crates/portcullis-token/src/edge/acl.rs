//! The list of paths a token covers, and the matcher.
//!
//! `!` separates alternatives; `*` is any run of characters, slashes included; `?` is exactly
//! one; everything else is itself, and case counts. A pattern without wildcards is one path.
//! Patterns are never turned into regular expressions: what stands between two `*` is looked
//! for once, from left to right, by an automaton of bits, so no pattern can make it slow.
//!
//! Each alternative is read as sent and, because some generators escape it, decoded once.
//! Decoding makes no wildcard and no separator out of `%2a`, `%3f` and `%21`, but for lists
//! that Akamai's Java library wrote: it escapes separators and `?`, too, and no list of another
//! generator looks like one of its. An escaped `*` is never a wildcard.
//!
//! The path has to have passed [`super::path::check`].
//!
//! SPEC: Akamai EdgeAuth 2.0, `acl`; SEC-33, SEC-34.

use std::fmt;

use super::escape::{decode_java_acl, triplet};

/// Patterns of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    text: String,
    /// What the list says besides, if the Java library wrote it.
    java: Option<String>,
}

impl Acl {
    /// Reads a list of patterns.
    ///
    /// # Errors
    ///
    /// Says which rule of the list's text is broken.
    pub fn parse(text: &str) -> Result<Self, AclError> {
        Self::read(text.to_owned())
    }

    /// As [`Acl::parse`], without a copy of the text.
    pub(super) fn read(text: String) -> Result<Self, AclError> {
        check(&text)?;
        let java = if text.contains('%') { decode_java_acl(&text) } else { None };
        if let Some(list) = &java {
            check(list)?;
        }
        Ok(Self { text, java })
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
        let as_sent = |pattern: &str| glob(pattern.as_bytes(), path, Reading::AsSent);
        let by_list = self.text.split('!').any(|pattern| {
            as_sent(pattern)
                || (pattern.contains('%') && glob(pattern.as_bytes(), path, Reading::DecodedOnce))
        });
        by_list || self.java.as_deref().is_some_and(|list| list.split('!').any(as_sent))
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
        let mut patterns = self.text.split('!');
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
        &self.text
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
#[inline]
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

/// Whether a pattern of `*` and `?` matches a text, in time linear in the text.
pub(crate) fn glob_matches(pattern: &str, text: &str) -> bool {
    glob(pattern.as_bytes(), text.as_bytes(), Reading::AsSent)
}

/// Whether a pattern matches a path. Up to its first `*` it does so from the start, after its
/// last one up to the end, and what stands between two is looked for where it comes first: a
/// later place would leave less of the path and nothing more to choose from.
fn glob(pattern: &[u8], path: &[u8], reading: Reading) -> bool {
    let Some((mut pattern, mut path)) = literal(pattern, path, reading) else { return false };
    if pattern.is_empty() {
        return path.is_empty();
    }
    while let Some((Unit::Any, after)) = unit(pattern, reading) {
        let (length, rest) = stretch(after, reading);
        if rest.is_empty() {
            let end = path.len().checked_sub(length).and_then(|start| path.get(start..));
            return end.and_then(|end| literal(after, end, reading)).is_some();
        }
        if length > 0 {
            let Some(behind) = find(after, length, path, reading) else { return false };
            path = behind;
        }
        pattern = rest;
    }
    true
}

/// Matches the units before the first `*`; gives what is left of pattern and path.
#[inline]
fn literal<'a>(
    mut pattern: &'a [u8],
    mut path: &'a [u8],
    reading: Reading,
) -> Option<(&'a [u8], &'a [u8])> {
    loop {
        let wanted = match unit(pattern, reading) {
            None | Some((Unit::Any, _)) => return Some((pattern, path)),
            Some((wanted, after)) => {
                pattern = after;
                wanted
            }
        };
        let (byte, rest) = path.split_first()?;
        if matches!(wanted, Unit::Byte(wanted) if wanted != *byte) {
            return None;
        }
        path = rest;
    }
}

/// How many units stand before the next `*`, and the pattern from there on.
#[inline]
fn stretch(mut pattern: &[u8], reading: Reading) -> (usize, &[u8]) {
    let mut length = 0;
    while let Some((Unit::Byte(_) | Unit::One, after)) = unit(pattern, reading) {
        length += 1;
        pattern = after;
    }
    (length, pattern)
}

/// The path behind the first place where the pattern's next `length` units match.
///
/// Bit `n` of `state` says that the units up to `n` match what was just read. Each byte of
/// the path costs a step for every 64 units.
fn find<'a>(
    mut pattern: &[u8],
    length: usize,
    path: &'a [u8],
    reading: Reading,
) -> Option<&'a [u8]> {
    let words = length.div_ceil(64);
    // Which units each byte matches, and which any byte does.
    let mut table = vec![0_u64; 256 * words];
    let mut any = vec![0_u64; words];
    for place in 0..length {
        let (wanted, after) = unit(pattern, reading)?;
        pattern = after;
        let row = match wanted {
            Unit::Byte(byte) => table.chunks_exact_mut(words).nth(byte.into())?,
            Unit::Any | Unit::One => &mut any,
        };
        *row.get_mut(place / 64)? |= 1 << (place % 64);
    }
    let mut state = vec![0_u64; words];
    let last = 1_u64 << ((length - 1) % 64);
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let row = table.chunks_exact(words).nth(usize::from(*byte))?;
        let mut carry = 1;
        for (word, matches) in state.iter_mut().zip(row.iter().zip(&any)) {
            let next = *word >> 63;
            *word = (*word << 1 | carry) & (matches.0 | matches.1);
            carry = next;
        }
        if state.last()? & last != 0 {
            return Some(rest);
        }
    }
    None
}

/// Checks the text of a list.
fn check(text: &str) -> Result<(), AclError> {
    if text.len() > ACL_BYTES_MAX {
        return Err(AclError::TooLong);
    }
    // As if a separator stood before the text.
    let (mut last, mut separators) = (b'!', 0);
    let (mut strange, mut empty) = (false, false);
    for byte in text.bytes() {
        strange |= !matches!(byte, b' '..=b'}');
        empty |= byte == b'!' && last == b'!';
        separators += usize::from(byte == b'!');
        last = byte;
    }
    if strange {
        return Err(AclError::Character);
    }
    if separators >= ALTERNATIVES_MAX {
        return Err(AclError::TooMany);
    }
    if empty || last == b'!' {
        return Err(AclError::Empty);
    }
    Ok(())
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
        check("*%21*", "/a", false);
        check("/a%3f*", "/ab", false);
        check("/a%", "/a%", true);
        check("/a%2", "/a%2", true);
    }

    #[test]
    fn a_list_that_the_java_library_wrote_is_read_as_it_was_before() {
        let list = "%2fvod%2f*%21%2fkeys%2f%3f";
        check(list, "/vod/a", true);
        check(list, "/keys/1", true);
        check(list, "/keys/12", false);
        check(list, "/other", false);
        check("*%2fshow%2f*%21%2fa", "/x/show/y", true);
        check("%2fa+b%21%2fc", "/a+b!", false);
        // Somebody else's text: a plain slash, an upper-case escape, an escape of a character
        // that Java leaves alone, a pattern that cannot begin a path.
        for other in
            ["/a%21%2f*", "%2Fa%21%2F*", "%2fa%21%2f*%2a", "%2f%61%21%2f*", "%2fa%21b*", "a%21%2f*"]
        {
            check(other, "/b", false);
        }
        // What was escaped before the library escaped it is no wildcard.
        check("%2fa%21%2fb%252a", "/bc", false);
        check("%2fa%21%2fb%252a", "/b%2a", true);
    }

    #[test]
    fn a_pathological_pattern_answers_at_once() {
        let path = format!("/{}", "a".repeat(600));
        check(&"*a".repeat(24), &format!("{path}b"), false);
        check(&"*a".repeat(511), &path, true);
        let long = format!("/{}", "a".repeat(8000));
        check(&format!("*{}b", "a".repeat(500)), &long, false);
        check(&format!("*{}b*", "a".repeat(500)), &long, false);
        check(&format!("*{}b*", "a?".repeat(400)), &long, false);
        check(&format!("*{}*", "a?".repeat(400)), &long, true);
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

    #[test]
    fn a_stretch_is_found_whatever_its_length() {
        for length in [1, 2, 63, 64, 65, 127, 128, 129, 450] {
            let stretch = format!("{}b", "a".repeat(length - 1));
            let path = format!("/{}{stretch}/c", "a".repeat(70));
            check(&format!("*{stretch}*"), &path, true);
            check(&format!("*{stretch}*{stretch}*"), &path, false);
            check(&format!("*{stretch}/*"), &path, true);
            check(&format!("*/{stretch}*"), &path, false);
            check(&format!("*{stretch}*c"), &path, true);
            check(&format!("*{}c*", "?".repeat(length)), &path, true);
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
