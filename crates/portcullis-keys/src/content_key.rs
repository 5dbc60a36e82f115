//! The 16 bytes that decrypt a track, and their id.
//!
//! A content key does not print, clone, compare or leave this type other than by
//! [`ContentKey::expose`]. New keys come from [`ContentKey::generate`]; a stored one comes
//! from [`KekRing::open_content_key`](crate::sealed::KekRing::open_content_key) alone.

use std::fmt;

use portcullis_base::{KeyId, Rng, Secret};

/// A content key in the clear.
///
/// Nobody can make one out of bytes they happen to have:
///
/// ```compile_fail,E0451
/// let kid = portcullis_base::KeyId::from_bytes([0; 16]);
/// let forged = portcullis_keys::ContentKey { kid, bytes: todo!() };
/// ```
///
/// and nobody can copy one:
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(one: &T) -> T { one.clone() }
/// fn copy(key: &portcullis_keys::ContentKey) { let _ = twice(key); }
/// ```
#[must_use = "a key that was opened and not used should not have been opened"]
pub struct ContentKey {
    kid: KeyId,
    bytes: Secret<16>,
}

impl ContentKey {
    /// Makes a new key of 128 random bits.
    pub fn generate(kid: KeyId, rng: &dyn Rng) -> Self {
        Self { kid, bytes: Secret::fill_with(|bytes| rng.fill(bytes)) }
    }

    pub(crate) const fn from_secret(kid: KeyId, bytes: Secret<16>) -> Self {
        Self { kid, bytes }
    }

    /// The key's id.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        self.kid
    }

    /// Lends the bytes. Whoever copies them wipes the copy.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        self.bytes.expose()
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentKey({})", self.kid)
    }
}

/// Makes the id of a new key: a random UUID, version 4 (SEC-07), hence never all zero.
#[must_use]
pub fn new_key_id(rng: &dyn Rng) -> KeyId {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    // SPEC: RFC 9562 §5.4: the version in the high half of byte 6, the variant in the two
    // high bits of byte 8.
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    KeyId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fill(u8);

    impl Rng for Fill {
        fn fill(&self, out: &mut [u8]) {
            out.fill(self.0);
        }
    }

    #[test]
    fn a_new_id_is_a_version_4_uuid_whatever_the_random_bits() {
        for (byte, expected) in [
            (0x00, "00000000-0000-4000-8000-000000000000"),
            (0xff, "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        ] {
            assert_eq!(new_key_id(&Fill(byte)).to_string(), expected);
        }
    }

    #[test]
    fn a_key_prints_its_id_and_not_its_bytes() {
        let key = ContentKey::generate(KeyId::from_bytes([1; 16]), &Fill(0xab));
        assert_eq!(key.expose(), &[0xab; 16]);
        assert_eq!(format!("{key:?}"), "ContentKey(01010101-0101-0101-0101-010101010101)");
    }
}
