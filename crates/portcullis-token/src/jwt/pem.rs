//! PEM text: one block, one label, base64 between.
//!
//! Stricter than most readers: nothing before the block, nothing after, no headers inside.
//! What the bytes mean is not looked at.
//!
//! SPEC: RFC 7468 §3, the strict grammar; line ends may be CR LF.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// The bytes of the one block in `text`, if it bears `label`.
pub(crate) fn read(text: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = text
        .trim_ascii()
        .strip_prefix("-----BEGIN ")?
        .strip_prefix(label)?
        .strip_prefix("-----")?
        .strip_suffix("-----")?
        .strip_suffix(label)?
        .strip_suffix("-----END ")?;
    if body.len() > BODY_BYTES_MAX || !body.starts_with(['\r', '\n']) || !body.ends_with('\n') {
        return None;
    }
    let mut joined = Zeroizing::new(String::with_capacity(body.len()));
    joined.extend(body.chars().filter(|character| !matches!(character, '\r' | '\n')));
    let bytes = Zeroizing::new(STANDARD.decode(joined.as_bytes()).ok()?);
    (!bytes.is_empty()).then_some(bytes)
}

/// A private RSA key of 8192 bits takes about 6400 characters.
const BODY_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[u8]>) {
        assert_eq!(read(text, "PUBLIC KEY").as_ref().map(|b| b.as_slice()), expected, "{text}");
    }

    #[test]
    fn one_block_of_the_right_label_is_read() {
        let ends = ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----");
        check(&format!("{}\nAQID\nBAU=\n{}\n", ends.0, ends.1), Some(&[1, 2, 3, 4, 5]));
        check(&format!("{}\r\nAQID\r\n{}\r\n", ends.0, ends.1), Some(&[1, 2, 3]));
        check(&format!("{}\nAQID{}", ends.0, ends.1), None);
        check(&format!("{}\nAQ ID\n{}", ends.0, ends.1), None);
        check(&format!("{}\n\n{}", ends.0, ends.1), None);
        check(&format!("{}\nAQIE=\n{}", ends.0, ends.1), None);
        check(&format!("x\n{}\nAQID\n{}", ends.0, ends.1), None);
        let block = format!("{}\nAQID\n{}\n", ends.0, ends.1);
        check(&format!("{block}{block}"), None);
        check(&block.replace("PUBLIC", "PRIVATE"), None);
        check("", None);
    }
}
