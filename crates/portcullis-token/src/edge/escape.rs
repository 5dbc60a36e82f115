//! Percent-encoding as edge tokens use it: the dialects of Akamai's libraries, our own for
//! what we write, and decoding once.
//!
//! Every dialect writes lower-case hex. Nothing here decodes twice.

/// How one of Akamai's libraries writes values. They agree on plain paths only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Java 1.0.0: `URLEncoder`. It escapes the ACL too, and keeps empty fields.
    Java,
    /// Node 0.2.0: `encodeURIComponent` and three more.
    Node,
    /// Python 0.3.2: `quote_plus`.
    Python,
    /// Ruby, as its source reads: `CGI::escape`, which writes what Python's does. It keeps
    /// empty fields.
    Ruby,
}

impl Dialect {
    /// All that differ in what they escape.
    pub(super) const ALL: [Self; 3] = [Self::Java, Self::Node, Self::Python];

    /// The text as the library escapes it.
    pub(super) fn escape(self, text: &str) -> String {
        let (kept, space) = match self {
            Self::Java => ("-._*", "+"),
            Self::Node => ("-._!()", "%20"),
            Self::Python | Self::Ruby => ("-._~", "+"),
        };
        let keeps = |byte: u8| byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte);
        let mut out = String::with_capacity(text.len() * 2);
        for byte in text.bytes() {
            if byte == b' ' { out.push_str(space) } else { push(&mut out, byte, keeps(byte)) }
        }
        out
    }

    /// Whether a field without a value is written.
    pub(super) const fn keeps_empty_fields(self) -> bool {
        matches!(self, Self::Java | Self::Ruby)
    }
}

/// Takes back what [`Dialect::Java`] does to an ACL; `None` for a text it cannot have written.
///
/// Java escapes `!` and `?` but not `*`: the first two are separator and wildcard again when
/// they are decoded, while a `%2a` was escaped before the library saw it, and stays what it
/// is.
///
/// SECURITY: only a text that has no plain `/`, `!` or `?`, whose every escape is one that
/// library writes, and whose patterns all look like patterns of paths, is read this way. In
/// any other text `%21` and `%3f` are not more than characters.
pub(super) fn decode_java_acl(text: &str) -> Option<String> {
    if !text.contains("%21") && !text.contains("%3f") {
        return None;
    }
    let plain = decode(&text.replace('+', "%20"))?;
    let of_paths = |pattern: &str| pattern.starts_with(['/', '*']) && pattern.contains('/');
    let java = plain.split('!').all(of_paths) && Dialect::Java.escape(&plain) == text;
    java.then_some(plain)
}

/// Escapes what has a meaning inside a token (`~ ! * %`) and whatever is not printable.
pub(super) fn value(text: &str) -> String {
    escape_unless(text, |byte| byte.is_ascii_graphic() && !b"~!*%".contains(&byte))
}

/// Escapes so that the text can stand in a path component and in a cookie, too.
pub(super) fn component(text: &str) -> String {
    escape_unless(text, |byte| byte.is_ascii_alphanumeric() || b"-._:@=+$".contains(&byte))
}

/// Escapes an ACL for a session token: `/` becomes `%2f`, `*` and `!` stay.
pub(super) fn session_acl(text: &str) -> String {
    escape_unless(text, |byte| byte.is_ascii_alphanumeric() || b"-._:@=+$*!".contains(&byte))
}

/// Decodes once. `None` when a `%` is not followed by two hex digits, or the result is not
/// UTF-8 without control characters.
pub(super) fn decode(text: &str) -> Option<String> {
    let bytes = decode_keeping(text, &[])?;
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

/// Decodes an ACL that [`session_acl`] wrote. An escaped `*` or `!` stays escaped: only a
/// plain one is a wildcard or a separator.
pub(super) fn decode_session_acl(text: &str) -> Option<String> {
    String::from_utf8(decode_keeping(text, b"*!")?).ok()
}

/// The byte that the escape sequence at the start of `text` stands for.
#[inline]
pub(super) fn triplet(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(nibble(*high)? << 4 | nibble(*low)?).ok()
}

fn decode_keeping(text: &str, kept: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (digits, after) = after.split_at_checked(2)?;
        rest = after;
        let [high, low] = digits else { return None };
        let byte = triplet(&[b'%', *high, *low])?;
        if kept.contains(&byte) {
            out.extend([b'%', *high, *low]);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

fn escape_unless(text: &str, keeps: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    text.bytes().for_each(|byte| push(&mut out, byte, keeps(byte)));
    out
}

fn push(out: &mut String, byte: u8, keep: bool) {
    if keep {
        out.push(char::from(byte));
    } else {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_escapes_as_its_library_does() {
        let path = "/v/a b~c/(d)'*!.m3u8";
        for (dialect, expected) in [
            (Dialect::Java, "%2fv%2fa+b%7ec%2f%28d%29%27*%21.m3u8"),
            (Dialect::Node, "%2fv%2fa%20b%7ec%2f(d)%27%2a!.m3u8"),
            (Dialect::Python, "%2fv%2fa+b~c%2f%28d%29%27%2a%21.m3u8"),
            (Dialect::Ruby, "%2fv%2fa+b~c%2f%28d%29%27%2a%21.m3u8"),
        ] {
            assert_eq!(dialect.escape(path), expected, "{dialect:?}");
        }
    }

    #[test]
    fn decoding_happens_once_and_only_when_it_can() {
        for (given, expected) in [
            ("a%2Fb", Some("a/b")),
            ("a%252fb", Some("a%2fb")),
            ("100%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
            ("%0a", None),
            ("%ff", None),
            ("%ec%95%88", Some("안")),
        ] {
            assert_eq!(decode(given).as_deref(), expected, "{given}");
        }
    }

    #[test]
    fn an_escaped_wildcard_or_separator_of_a_session_acl_stays_one_character() {
        assert_eq!(decode_session_acl("%2fa%2A%21*!%2f").as_deref(), Some("/a%2A%21*!/"));
        assert_eq!(decode_session_acl("%2fa%"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_we_escape_decodes_to_itself(text in "[^\\p{Cc}]*") {
            proptest::prop_assert_eq!(decode(&value(&text)), Some(text.clone()));
            proptest::prop_assert_eq!(decode(&component(&text)), Some(text));
        }

        #[test]
        fn a_session_acl_decodes_to_itself(text in "[ -~]*") {
            proptest::prop_assert_eq!(decode_session_acl(&session_acl(&text)), Some(text));
        }
    }
}
