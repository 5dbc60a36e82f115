//! The root key: the one secret that lies outside the database.
//!
//! It never encrypts anything itself. Every use gets a key of its own, derived by HKDF under
//! a [`Label`] (SEC-04). Where the bytes come from (a file, the environment) is the caller's
//! business, and so is wiping what was read.
//!
//! SPEC: RFC 5869; SEC-02 for the forms of a key file, SEC-06 for the check value.

use std::fmt;

use aws_lc_rs::{hkdf, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use portcullis_base::Secret;
use zeroize::Zeroizing;

/// 32 bytes from which every other secret at rest is derived or under which it is wrapped.
pub struct RootKey(Secret<32>);

impl RootKey {
    /// Reads a root key as it stands in a file: 32 raw bytes, or 64 hex digits, or 44
    /// characters of base64. A text may end in one line break. The caller wipes `bytes`.
    ///
    /// # Errors
    ///
    /// When the bytes have none of the three forms, or are all zero.
    pub fn read(bytes: &[u8]) -> Result<Self, RootKeyError> {
        let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let secret = match (bytes.len(), text.len()) {
            // 32 hex digits are half a key, not a raw one: chance writes such a raw key once
            // in 10^33.
            (32, _) if bytes.iter().all(u8::is_ascii_hexdigit) => return Err(RootKeyError::Half),
            (32, _) => Secret::copy_from(bytes),
            (_, 64) => from_hex(text),
            (_, 44) => from_base64(text),
            _ => None,
        };
        match secret {
            None => Err(RootKeyError::Form { bytes: bytes.len() }),
            Some(secret) if secret.ct_eq(&[0; 32]) => Err(RootKeyError::Zero),
            Some(secret) => Ok(Self(secret)),
        }
    }

    /// The key for one use.
    #[must_use]
    pub fn derive(&self, label: Label) -> Secret<32> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, SALT).extract(self.0.expose());
        Secret::fill_with(|out| {
            prk.expand(&[label.as_str().as_bytes()], hkdf::HKDF_SHA256)
                .and_then(|okm| okm.fill(out))
                .expect("32 bytes is one block of output, far below the limit of 255");
        })
    }

    /// A value that tells root keys apart and reveals nothing about them. It is stored beside
    /// the kek ring, so that a wrong root is noticed before anything is opened (SEC-06).
    #[must_use]
    pub fn check(&self) -> [u8; 8] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose());
        let mac = hmac::sign(&key, CHECK);
        *mac.as_ref().first_chunk().expect("a SHA-256 MAC is 32 bytes long")
    }

    /// The id under which operators know this root: its check value in hex.
    #[must_use]
    pub fn key_id(&self) -> String {
        hex::encode(self.check())
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}

/// What a derived key is for. One label, one use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Hashes API keys, so that the database cannot be used to find them.
    ApiKeyPepper,
    /// Chains the audit log.
    AuditMac,
    /// Signs the console's session cookies.
    ConsoleSession,
    /// Wraps the keks.
    KekWrap,
    /// Turns viewers' ids into pseudonyms.
    Pseudonym,
    /// Hashes the ids of tokens that were used.
    ReplayDigest,
}

impl Label {
    /// Every label.
    pub const ALL: [Self; 6] = [
        Self::ApiKeyPepper,
        Self::AuditMac,
        Self::ConsoleSession,
        Self::KekWrap,
        Self::Pseudonym,
        Self::ReplayDigest,
    ];

    /// The `info` of the derivation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeyPepper => "api-key-pepper",
            Self::AuditMac => "audit-mac",
            Self::ConsoleSession => "console-session",
            Self::KekWrap => "kek-wrap",
            Self::Pseudonym => "pseudonym",
            Self::ReplayDigest => "replay-digest",
        }
    }
}

/// The bytes are not a root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootKeyError {
    /// None of the three forms.
    #[error(
        "not a root key: expected 32 raw bytes, 64 hex digits or 44 characters of base64, \
         got {bytes} bytes"
    )]
    Form {
        /// How many bytes there were.
        bytes: usize,
    },
    /// 32 hex digits: 16 bytes where 32 are needed.
    #[error("not a root key: 32 hex digits are 16 bytes, a root key has 32")]
    Half,
    /// All bytes are zero.
    #[error("not a root key: all bytes are zero")]
    Zero,
}

fn from_hex(text: &[u8]) -> Option<Secret<32>> {
    let mut bytes = Zeroizing::new(vec![0; 32]);
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Secret::copy_from(&bytes)
}

fn from_base64(text: &[u8]) -> Option<Secret<32>> {
    // 44 characters stand for up to 33 bytes; the padding of a good key says it is 32.
    let mut bytes = Zeroizing::new(vec![0; 33]);
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    Secret::copy_from(bytes.get(..length)?)
}

const SALT: &[u8] = b"portcullis/root/v1";
const CHECK: &[u8] = b"portcullis/root-check/v1";

#[cfg(test)]
mod tests {
    use super::*;

    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<(), RootKeyError>) {
        let raw: Vec<u8> = (0..32).collect();
        let actual = RootKey::read(bytes).map(|root| assert!(root.0.ct_eq(&raw)));
        assert_eq!(actual, expected);
    }

    #[test]
    fn the_three_forms_read_as_the_same_key() {
        check(&(0..32).collect::<Vec<u8>>(), Ok(()));
        for text in [HEX, BASE64, &HEX.to_uppercase()] {
            check(text.as_bytes(), Ok(()));
            check(format!("{text}\n").as_bytes(), Ok(()));
            check(format!("{text}\r\n").as_bytes(), Ok(()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let form = |bytes| Err(RootKeyError::Form { bytes });
        check(b"", form(0));
        check(&(0..31).collect::<Vec<u8>>(), form(31));
        check(&(0..33).collect::<Vec<u8>>(), form(33));
        check(&HEX.as_bytes()[1..], form(63));
        check(format!("{HEX}\n\n").as_bytes(), form(66));
        check(HEX.replace('f', "g").as_bytes(), form(64));
        check(BASE64.replace('=', "A").as_bytes(), form(44));
        check(BASE64.replace("8=", "==").as_bytes(), form(44));
        check(&HEX.as_bytes()[..32], Err(RootKeyError::Half));
        check(&[0; 32], Err(RootKeyError::Zero));
        check("0".repeat(64).as_bytes(), Err(RootKeyError::Zero));
    }

    #[test]
    fn a_root_prints_neither_its_bytes_nor_derived_ones() {
        let root = RootKey::read(HEX.as_bytes()).unwrap();
        assert_eq!(format!("{root:?} {:?}", root.derive(Label::KekWrap)), "RootKey Secret<32>");
    }
}
