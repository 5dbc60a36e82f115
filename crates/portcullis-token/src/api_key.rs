//! The keys machines show at our own interfaces.
//!
//! `pck_<tenant>_<id>_<secret>_<check>`: the fixed start lets scanners find leaked keys, the
//! checksum lets them be sure. The id (8 characters) finds the stored row; the secret (24
//! random bytes) is stored only as a digest under a key of ours. This module does not look
//! anything up and does not know what a key may do.
//!
//! Crockford's base 32, upper case; the secret takes 39 characters and the CRC-32 of all
//! before the last `_` takes 7, both big-endian and padded on the left. SPEC: SEC-61.

use std::fmt;

use aws_lc_rs::hmac;
use portcullis_base::{Rng, Secret, TenantId};
use zeroize::Zeroizing;

/// An API key, as text shows it.
#[derive(Debug)]
pub struct ApiKey {
    tenant: TenantId,
    id: ApiKeyId,
    secret: Secret<SECRET_BYTES>,
}

impl ApiKey {
    /// Makes a key nobody has seen.
    #[must_use]
    pub fn generate(tenant: TenantId, rng: &dyn Rng) -> Self {
        let mut id = [0; ID_BYTES];
        rng.fill(&mut id);
        let id = ApiKeyId(to_base32(&id, ID_CHARS).as_str().into());
        Self { tenant, id, secret: Secret::fill_with(|secret| rng.fill(secret)) }
    }

    /// Reads a key from the text a caller shows.
    ///
    /// # Errors
    ///
    /// Says which rule of the text is broken. A wrong checksum has an answer of its own: it
    /// means the text was mistyped or cut, where an unknown key means it was revoked.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        let (checked, check) = text.rsplit_once('_').ok_or(ApiKeyError::Malformed)?;
        let mut parts = checked.split('_');
        let (Some(PREFIX), Some(tenant), Some(id), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ApiKeyError::Malformed);
        };
        let tenant = tenant.parse().map_err(|_| ApiKeyError::Malformed)?;
        let id = ApiKeyId::parse(id)?;
        let secret = from_base32::<SECRET_BYTES>(secret, SECRET_CHARS)?;
        let secret = Secret::fill_with(|out| out.copy_from_slice(secret.as_slice()));
        let sum = from_base32::<4>(check, CHECK_CHARS)?;
        if u32::from_be_bytes(*sum) != crc32(checked.as_bytes()) {
            return Err(ApiKeyError::Checksum);
        }
        Ok(Self { tenant, id, secret })
    }

    /// The key as text. It is shown once, to whoever asked for the key.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        let secret = to_base32(self.secret.expose(), SECRET_CHARS);
        let mut text = Zeroizing::new(String::with_capacity(TEXT_BYTES_MAX));
        for part in [PREFIX, "_", self.tenant.as_str(), "_", self.id.as_str(), "_", &secret] {
            text.push_str(part);
        }
        let check = to_base32(&crc32(text.as_bytes()).to_be_bytes(), CHECK_CHARS);
        text.push('_');
        text.push_str(&check);
        text
    }

    /// Whose key this is.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// By which name it is stored.
    #[must_use]
    pub const fn id(&self) -> &ApiKeyId {
        &self.id
    }

    /// What is stored of it. Compare with [`Secret::ct_eq`].
    #[must_use]
    pub fn digest(&self, pepper: &Secret<32>) -> Secret<32> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, pepper.expose());
        let tag = hmac::sign(&key, self.secret.expose());
        Secret::copy_from(tag.as_ref()).expect("an HMAC-SHA-256 tag has 32 bytes")
    }
}

/// The name of an API key: 8 characters of Crockford's base 32. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKeyId(Box<str>);

impl ApiKeyId {
    /// Reads an id.
    ///
    /// # Errors
    ///
    /// [`ApiKeyError::Malformed`] unless the text is 8 characters of the alphabet.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        from_base32::<ID_BYTES>(text, ID_CHARS).map(|_| Self(text.into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// The checksum does not fit the rest.
    #[error("the API key was mistyped or cut: its checksum is wrong")]
    Checksum,
    /// The text does not have the form of an API key.
    #[error("not an API key: expected `pck_…` with five parts")]
    Malformed,
}

impl ApiKeyError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Checksum => "api_key.checksum",
            Self::Malformed => "api_key.malformed",
        }
    }
}

/// Writes big-endian `bytes` in `width` digits, padded with zeros on the left.
fn to_base32(bytes: &[u8], width: usize) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(Vec::with_capacity(width));
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes.iter().rev() {
        held |= u32::from(*byte) << bits;
        bits += 8;
        while bits >= 5 {
            digits.push(digit(held));
            held >>= 5;
            bits -= 5;
        }
    }
    if bits > 0 {
        digits.push(digit(held));
    }
    // Reserved at full width, so that nothing is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(width));
    text.extend(digits.iter().rev().copied());
    text
}

fn digit(held: u32) -> char {
    let place = usize::try_from(held & 31).unwrap_or_default();
    char::from(ALPHABET.get(place).copied().unwrap_or(b'0'))
}

/// Reads `width` digits into `N` bytes. The bits left over at the top must be zero: one key
/// has one text.
fn from_base32<const N: usize>(
    text: &str,
    width: usize,
) -> Result<Zeroizing<[u8; N]>, ApiKeyError> {
    if text.len() != width {
        return Err(ApiKeyError::Malformed);
    }
    let mut bytes = Zeroizing::new([0; N]);
    let mut places = bytes.iter_mut().rev();
    let (mut held, mut bits) = (0_u32, 0);
    for character in text.bytes().rev() {
        let value = ALPHABET.iter().position(|known| *known == character);
        let value = value.and_then(|value| u32::try_from(value).ok());
        held |= value.ok_or(ApiKeyError::Malformed)? << bits;
        bits += 5;
        if bits >= 8 {
            let place = places.next().ok_or(ApiKeyError::Malformed)?;
            *place = (held & 0xff) as u8;
            held >>= 8;
            bits -= 8;
        }
    }
    if held == 0 && places.next().is_none() { Ok(bytes) } else { Err(ApiKeyError::Malformed) }
}

/// SPEC: CRC-32 of ISO/IEC 13239 (as in zip and PNG). 80 bytes once per request need no table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    !crc
}

const PREFIX: &str = "pck";
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SECRET_BYTES: usize = 24;
const SECRET_CHARS: usize = 39;
const ID_BYTES: usize = 5;
const ID_CHARS: usize = 8;
const CHECK_CHARS: usize = 7;
/// 32 characters of tenant; the rest is fixed.
const TEXT_BYTES_MAX: usize = 3 + 1 + 32 + 1 + ID_CHARS + 1 + SECRET_CHARS + 1 + CHECK_CHARS;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "pck_t1_K7Q2M4XZ_00020G30G2GC1R81450P30D1R7H048J2CA1A5GQ_11XAHCD";

    #[derive(Debug)]
    struct Counting;

    impl Rng for Counting {
        fn fill(&self, out: &mut [u8]) {
            out.iter_mut().zip(0..).for_each(|(byte, count)| *byte = count);
        }
    }

    #[test]
    fn the_known_key_reads_prints_and_digests_as_published() {
        let key = ApiKey::parse(TEXT).unwrap();
        assert_eq!(key.tenant().as_str(), "t1");
        assert_eq!(key.id().as_str(), "K7Q2M4XZ");
        assert_eq!(key.expose_text().as_str(), TEXT);
        let secret: Vec<u8> = (0..24).collect();
        assert!(key.secret.ct_eq(&secret));
        let pepper = "c5c1a55473d737d3ae0d5604e6fd98a45a7d851a5f68bf348f2c0b7a5a45d64e";
        let pepper = Secret::copy_from(&hex::decode(pepper).unwrap()).unwrap();
        let stored = "334fa35f0db8c22f3088fe989b1d52254c84e285057d9dad255dfb3ce391535a";
        assert!(key.digest(&pepper).ct_eq(&hex::decode(stored).unwrap()));
    }

    #[test]
    fn a_generated_key_reads_back() {
        let key = ApiKey::generate("tenant-9".parse().unwrap(), &Counting);
        let text = key.expose_text();
        let again = ApiKey::parse(&text).unwrap();
        assert_eq!(again.expose_text().as_str(), text.as_str());
        assert_eq!(again.id(), key.id());
    }

    #[test]
    fn any_changed_character_is_noticed() {
        for place in 0..TEXT.len() {
            for other in ["0", "Z", "_", "a", "l"] {
                let mut changed = TEXT.to_owned();
                changed.replace_range(place..=place, other);
                if changed != TEXT {
                    assert!(ApiKey::parse(&changed).is_err(), "{changed}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_key_is_named() {
        for (text, expected) in [
            ("", ApiKeyError::Malformed),
            ("pck_t1_K7Q2M4XZ", ApiKeyError::Malformed),
            (&TEXT.to_lowercase(), ApiKeyError::Malformed),
            (&format!("{TEXT} "), ApiKeyError::Malformed),
            (&TEXT.replace("11XAHCD", "11XAHCE"), ApiKeyError::Checksum),
            (&TEXT.replace("t1", "t2"), ApiKeyError::Checksum),
            (&TEXT.replace("_0002", "_Z002"), ApiKeyError::Malformed),
        ] {
            assert_eq!(ApiKey::parse(text).unwrap_err(), expected, "{text}");
        }
    }
}
