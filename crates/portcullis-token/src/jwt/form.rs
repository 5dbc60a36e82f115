//! The outer form of a token: three segments of unpadded base64url joined by dots.
//!
//! One token has one text: padding, white space, another alphabet and unused bits that are
//! not zero are all refused. Nothing is read inside the segments.
//!
//! SPEC: RFC 7515 §3.1, §7.1; SEC-25.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::JwtError;

/// A token taken apart and decoded.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    /// Header and payload with the dot between them: what was signed.
    pub(crate) signed: &'a str,
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, JwtError> {
        if text.len() > TOKEN_BYTES_MAX {
            return Err(JwtError::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(JwtError::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(JwtError::Form)?;
        Ok(Self {
            signed,
            header: decode(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(segment: &str) -> Result<Vec<u8>, JwtError> {
    // What is decoded is shorter, and takes the place of what it was.
    let mut bytes = segment.as_bytes().to_vec();
    match URL_SAFE_NO_PAD.decode_slice(segment, &mut bytes) {
        Ok(length) if length > 0 => {
            bytes.truncate(length);
            Ok(bytes)
        }
        _ => Err(JwtError::Form),
    }
}

pub(crate) const TOKEN_BYTES_MAX: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(), JwtError>) {
        assert_eq!(Compact::parse(text).map(drop), expected, "{text}");
    }

    #[test]
    fn one_token_has_one_text() {
        check("e30.e30.AA", Ok(()));
        for bad in [
            "",
            ".",
            "..",
            "e30",
            "e30.e30",
            "e30.e30.",
            ".e30.AA",
            "e30..AA",
            "e30.e30.AA.AA",
            "e30.e30.AA==",
            "e30.e30.AA\n",
            " e30.e30.AA",
            "e30.e30.A",
            "e30.e30.AB",
            "e30.e30.A+AA",
            "e30.e30.A/AA",
            "e30.e30.é",
            "e31.e30.AA",
            "{\"payload\":\"e30\"}",
        ] {
            check(bad, Err(JwtError::Form));
        }
    }

    #[test]
    fn the_maximum_holds_on_both_sides() {
        let long = |total: usize| format!("e30.e30.{}", "A".repeat(total - 8));
        check(&long(8192), Ok(()));
        check(&long(8193), Err(JwtError::TooLong));
    }
}
