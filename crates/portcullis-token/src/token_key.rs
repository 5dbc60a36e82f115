//! The key that edge tokens are signed with.
//!
//! It holds the two hash states HMAC starts from and not the bytes it was made of, so a dump
//! of the process's memory does not show the configured secret. It never prints either.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use portcullis_base::SecretBytes;

/// An HMAC-SHA-256 key, made ready for use.
#[derive(Clone)]
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// Prepares a key. The caller's copy of the bytes can be dropped afterwards.
    #[must_use]
    pub fn hmac_sha256(secret: &SecretBytes) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
    }

    /// The MAC over `parts`, one after the other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        context.sign()
    }

    /// Whether `mac` is the MAC over `parts`, compared in constant time and at full length.
    pub(crate) fn agrees(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(self.mac(parts).as_ref(), mac).is_ok()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(HMAC-SHA-256)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_prints_nothing_of_itself() {
        let key = TokenKey::hmac_sha256(&SecretBytes::new(vec![222; 32]));
        assert_eq!(format!("{key:?}"), "TokenKey(HMAC-SHA-256)");
    }

    #[test]
    fn a_shortened_mac_does_not_agree() {
        let key = TokenKey::hmac_sha256(&SecretBytes::new(vec![1; 32]));
        let mac = key.mac(&[b"ab", b"c"]);
        assert!(key.agrees(&[b"a", b"bc"], mac.as_ref()));
        assert!(!key.agrees(&[b"abc"], &mac.as_ref()[..31]));
        assert!(!key.agrees(&[b"abd"], mac.as_ref()));
    }
}
