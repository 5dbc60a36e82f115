//! The key that edge tokens are signed with.
//!
//! It holds the two hash states HMAC starts from and not the bytes it was made of, so a dump
//! of the process's memory does not show the configured secret. It never prints either. One
//! key has one algorithm, chosen when it is made and never by a token.
//!
//! SHA-256 and MD5 are RustCrypto's, SHA-1 is aws-lc's: `docs/decisions/0006`.
//!
//! SPEC: RFC 2104; SEC-32.

use std::fmt;

use aws_lc_rs::{constant_time, hmac as aws};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use portcullis_base::{SecretBytes, with_washed_stack};
use sha2::Sha256;

/// An HMAC key, made ready for use.
#[derive(Clone)]
pub struct TokenKey(Prepared);

#[derive(Clone)]
enum Prepared {
    Md5(Box<Hmac<Md5>>),
    Sha1(Box<aws::Key>),
    Sha256(Box<Hmac<Sha256>>),
}

impl TokenKey {
    /// Prepares an HMAC-MD5 key, for generators that cannot be moved to SHA-256.
    ///
    /// Nobody has forged an HMAC-MD5 yet, but its hash is broken and the MAC has 128 bits.
    #[must_use]
    pub fn danger_hmac_md5(secret: &SecretBytes) -> Self {
        Self(Prepared::Md5(with_washed_stack(|| {
            Box::new(Hmac::new_from_slice(secret.expose()).expect(ANY_LENGTH))
        })))
    }

    /// Prepares an HMAC-SHA-1 key, for generators that cannot be moved to SHA-256.
    ///
    /// Nobody has forged an HMAC-SHA-1 yet, but its hash is broken.
    #[must_use]
    pub fn danger_hmac_sha1(secret: &SecretBytes) -> Self {
        let algorithm = aws::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
        Self(Prepared::Sha1(Box::new(aws::Key::new(algorithm, secret.expose()))))
    }

    /// Prepares an HMAC-SHA-256 key. The caller's copy of the bytes can be dropped afterwards.
    #[must_use]
    pub fn hmac_sha256(secret: &SecretBytes) -> Self {
        Self(Prepared::Sha256(with_washed_stack(|| {
            Box::new(Hmac::new_from_slice(secret.expose()).expect(ANY_LENGTH))
        })))
    }

    /// Which algorithm the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> MacAlgorithm {
        match self.0 {
            Prepared::Md5(_) => MacAlgorithm::Md5,
            Prepared::Sha1(_) => MacAlgorithm::Sha1,
            Prepared::Sha256(_) => MacAlgorithm::Sha256,
        }
    }

    /// The MAC over `parts`, one after the other.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> MacBytes {
        let parts = parts.iter().filter(|part| !part.is_empty());
        match &self.0 {
            Prepared::Md5(key) => {
                let mut context = Hmac::clone(key);
                parts.for_each(|part| context.update(part));
                MacBytes::of(&context.finalize().into_bytes())
            }
            Prepared::Sha1(key) => {
                let mut context = aws::Context::with_key(key);
                parts.for_each(|part| context.update(part));
                MacBytes::of(context.sign().as_ref())
            }
            Prepared::Sha256(key) => {
                let mut context = Hmac::clone(key);
                parts.for_each(|part| context.update(part));
                MacBytes::of(&context.finalize().into_bytes())
            }
        }
    }

    /// Whether `mac` is the MAC over `parts`, compared in constant time and at full length.
    #[inline]
    pub(crate) fn agrees(&self, parts: &[&[u8]], mac: &[u8]) -> bool {
        mac.len() == self.algorithm().mac_bytes()
            && constant_time::verify_slices_are_equal(self.mac(parts).as_ref(), mac).is_ok()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKey({})", self.algorithm())
    }
}

/// What a key makes its MACs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// HMAC-MD5: for old generators only.
    Md5,
    /// HMAC-SHA-1: for old generators only.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
}

impl MacAlgorithm {
    /// How many bytes its MACs have.
    #[must_use]
    pub const fn mac_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

impl fmt::Display for MacAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "HMAC-MD5",
            Self::Sha1 => "HMAC-SHA-1",
            Self::Sha256 => "HMAC-SHA-256",
        })
    }
}

/// A MAC: as many bytes as its algorithm's have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MacBytes {
    bytes: [u8; 32],
    length: usize,
}

impl MacBytes {
    fn of(mac: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(mac).for_each(|(place, byte)| *place = *byte);
        Self { bytes, length: mac.len() }
    }

    /// Reads lower-case hex digits; `None` unless there are as many as one of the algorithms'
    /// MACs have.
    #[inline]
    pub(crate) fn from_hex(digits: &str) -> Option<Self> {
        let length = digits.len() / 2;
        if !matches!(digits.len(), 32 | 40 | 64) {
            return None;
        }
        let mut bytes = [0; 32];
        let mut faults = 0;
        let (pairs, _) = digits.as_bytes().as_chunks::<2>();
        for (place, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = (nibble(*high), nibble(*low));
            faults |= (high | low) & NO_DIGIT;
            *place = high << 4 | low & 0x0f;
        }
        (faults == 0).then_some(Self { bytes, length })
    }
}

impl fmt::Debug for MacBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacBytes({})", self.length)
    }
}

impl AsRef<[u8]> for MacBytes {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// One MAC has one text: upper-case digits are none.
#[inline]
const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => NO_DIGIT,
    }
}

const NO_DIGIT: u8 = 0xf0;
const ANY_LENGTH: &str = "HMAC takes keys of any length";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_prints_nothing_of_itself() {
        let secret = SecretBytes::new(vec![222; 32]);
        for (key, printed) in [
            (TokenKey::danger_hmac_md5(&secret), "TokenKey(HMAC-MD5)"),
            (TokenKey::danger_hmac_sha1(&secret), "TokenKey(HMAC-SHA-1)"),
            (TokenKey::hmac_sha256(&secret), "TokenKey(HMAC-SHA-256)"),
        ] {
            assert_eq!(format!("{key:?}"), printed);
        }
    }

    #[test]
    fn a_mac_agrees_with_its_own_text_at_its_own_length_only() {
        let secret = SecretBytes::new(vec![1; 32]);
        let keys = [
            TokenKey::danger_hmac_md5(&secret),
            TokenKey::danger_hmac_sha1(&secret),
            TokenKey::hmac_sha256(&secret),
        ];
        for key in &keys {
            let mac = key.mac(&[b"ab", b"c"]);
            let length = mac.as_ref().len();
            assert_eq!(length, key.algorithm().mac_bytes());
            assert!(key.agrees(&[b"a", b"", b"bc"], mac.as_ref()));
            assert!(!key.agrees(&[b"abc"], &mac.as_ref()[..length - 1]));
            assert!(!key.agrees(&[b"abc"], &[mac.as_ref(), &[0]].concat()));
            assert!(!key.agrees(&[b"abd"], mac.as_ref()));
            let others = keys.iter().filter(|other| other.algorithm() != key.algorithm());
            others.for_each(|other| assert!(!other.agrees(&[b"abc"], mac.as_ref())));
        }
    }

    /// RFC 2202 and RFC 4231, test case 2.
    #[test]
    fn the_published_macs_come_out() {
        let secret = SecretBytes::new(b"Jefe".to_vec());
        for (key, mac) in [
            (TokenKey::danger_hmac_md5(&secret), "750c783e6ab0b503eaa86e310a5db738"),
            (TokenKey::danger_hmac_sha1(&secret), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (
                TokenKey::hmac_sha256(&secret),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ] {
            assert_eq!(hex::encode(key.mac(&[b"what do ya want ", b"for nothing?"])), mac);
            let read = MacBytes::from_hex(mac).unwrap();
            assert_eq!(hex::encode(read), mac);
            assert!(key.agrees(&[b"what do ya want for nothing?"], read.as_ref()));
        }
    }

    #[test]
    fn a_mac_is_written_in_lower_case_and_at_a_known_length() {
        let digits = "0123456789abcdef".repeat(4);
        let reads = |text: &str| MacBytes::from_hex(text).is_some();
        assert!(reads(&digits) && reads(&digits[..40]) && reads(&digits[..32]));
        for bad in ["", &digits[..30], &digits[..33], &digits[..38], &digits[..62]] {
            assert!(!reads(bad), "{bad}");
        }
        for digit in ["A", "F", "g", "/", ":", "`", " ", "\u{7f}"] {
            assert!(!reads(&format!("{digit}{}", &digits[1..])), "{digit}");
            assert!(!reads(&format!("{}{digit}", &digits[1..])), "{digit}");
        }
        assert!(!reads(&format!("{}é", &digits[2..])));
    }
}
