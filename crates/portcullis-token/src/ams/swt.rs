//! Simple Web Tokens: pairs of a form, signed as they were sent.
//!
//! The pair `HMACSHA256` is the last one. Names and values are decoded only after the
//! signature was looked at, and no name may stand twice. What follows the signature, or
//! stands outside ASCII, is refused.
//!
//! SPEC: Simple Web Token 0.9.5.1, as Azure Media Services took it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::json::{Object, Value};

use crate::{fault::Fault, jwt::TOKEN_BYTES_MAX};

/// A token taken apart. Nothing of it is verified or decoded except the MAC.
#[derive(Debug)]
pub(super) struct Swt<'a> {
    /// What was signed: everything before the last pair.
    pub(super) signed: &'a str,
    pub(super) mac: Vec<u8>,
}

impl<'a> Swt<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::Absent);
        }
        if text.len() > TOKEN_BYTES_MAX {
            return Err(Fault::TooLong { bytes_max: TOKEN_BYTES_MAX });
        }
        if !text.contains(['=', '&']) && text.split('.').count() == 3 {
            return Err(Fault::Kind { what: "a JSON Web Token" });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::malformed("a character that must be escaped"));
        }
        let split = text.rsplit_once(SIGNATURE_PAIR);
        let (signed, mac) = split.ok_or_else(|| Fault::malformed("it has no signature"))?;
        if mac.contains(['&', '=']) {
            return Err(Fault::malformed("something follows the signature"));
        }
        let mac = decode(mac).and_then(|mac| STANDARD.decode(mac).ok());
        let mac = mac.filter(|mac| mac.len() == MAC_BYTES);
        Ok(Self { signed, mac: mac.ok_or_else(|| Fault::malformed("its signature"))? })
    }

    /// The pairs, decoded.
    pub(super) fn pairs(&self) -> Result<Object, Fault> {
        let mut pairs = Object::new();
        for pair in self.signed.split('&') {
            let decoded = pair.split_once('=').and_then(|(name, value)| {
                Some((decode(name).filter(|name| !name.is_empty())?, decode(value)?))
            });
            let (name, value) = decoded.ok_or_else(|| Fault::malformed("a pair"))?;
            if pairs.len() >= PAIRS_MAX {
                return Err(Fault::malformed("too many pairs"));
            }
            if name == "HMACSHA256" || pairs.insert(name.clone(), Value::String(value)).is_some() {
                return Err(Fault::Duplicate { what: format!("the pair `{name}`") });
            }
        }
        Ok(pairs)
    }
}

/// The text of a token over these pairs, up to the signature.
pub(super) fn form<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> =
        pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

pub(super) fn close(signed: &str, mac: &[u8]) -> String {
    format!("{signed}{SIGNATURE_PAIR}{}", encode(&STANDARD.encode(mac)))
}

/// Decodes a name or value of a form. `None` when an escape is none, or the text is not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match *first {
            b'+' => out.push(b' '),
            b'%' => {
                let [high, low, after @ ..] = rest else { return None };
                let nibble = |digit: u8| char::from(digit).to_digit(16);
                out.push(u8::try_from(nibble(*high)? << 4 | nibble(*low)?).ok()?);
                rest = after;
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

/// Escapes everything but letters, digits and `-._~`, in lower case as .NET does.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    out
}

const SIGNATURE_PAIR: &str = "&HMACSHA256=";
const MAC_BYTES: usize = 32;
const PAIRS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%3d";

    #[track_caller]
    fn check(pairs: &str, expected: Result<&[(&str, &str)], &str>) {
        let text = format!("{pairs}&HMACSHA256={MAC}");
        let read = Swt::parse(&text).and_then(|token| token.pairs());
        let read = read.as_ref().map_err(Fault::code);
        let expected = expected.map(|pairs| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
        });
        assert_eq!(read.cloned(), expected, "{text}");
    }

    #[test]
    fn pairs_are_decoded_once_and_stand_once() {
        check("a=1&b=%3a%253a+x", Ok(&[("a", "1"), ("b", ":%3a x")]));
        check("a=", Ok(&[("a", "")]));
        for bad in ["a=1&a=2", "a=1&%61=1", "HMACSHA256=x&a=1", "HMACSHA25%36=x&a=1"] {
            check(bad, Err("token.duplicate"));
        }
        for bad in ["a", "=1", "a=1&", "&a=1", "a=%", "a=%4", "a=%zz", "a=%ff", "a= ", "a=é"] {
            check(bad, Err("token.malformed"));
        }
    }

    #[test]
    fn the_signature_is_the_last_pair_and_whole() {
        let check = |text: &str, expected: &str| {
            let code = Swt::parse(text).map_or_else(|fault| fault.code(), |_| "success");
            assert_eq!(code, expected, "{text}");
        };
        check(&format!("a=1&HMACSHA256={MAC}"), "success");
        check(&format!("a=1&HMACSHA256={MAC}&b=2"), "token.malformed");
        check(&format!("a=1&HMACSHA256={MAC}="), "token.malformed");
        check(&format!("HMACSHA256={MAC}"), "token.malformed");
        check("a=1&HMACSHA256=", "token.malformed");
        check("a=1&HMACSHA256=AAAA", "token.malformed");
        check("a=1", "token.malformed");
        check("", "token.missing");
        check("e30.e30.AA", "token.kind");
        check(&format!("a={}&HMACSHA256={MAC}", "x".repeat(8192)), "token.too_long");
    }

    #[test]
    fn what_is_encoded_decodes() {
        for text in ["", "a b+c%d&e=f", "jürgen/영화", "\n\0"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
    }
}
