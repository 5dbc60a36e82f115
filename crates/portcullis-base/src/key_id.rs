//! The id of a content key.
//!
//! Never the key itself. A kid prints as a lower-case hyphenated UUID everywhere; the byte
//! order is the order of that text (`tenc`, `cenc:default_KID`, Widevine, Clear Key).
//! PlayReady alone stores the first three groups byte-swapped: [`KeyId::to_guid_bytes`].

use std::{fmt, str::FromStr};

/// A key id: 16 bytes, in the order of its UUID text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// Takes 16 bytes in UUID text order.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes in UUID text order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The 16 bytes in PlayReady's mixed-endian GUID order: the first three groups swapped.
    #[must_use]
    pub const fn to_guid_bytes(&self) -> [u8; 16] {
        let b = self.0;
        [
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13],
            b[14], b[15],
        ]
    }

    /// 32 lower-case hex digits without hyphens, as `KEYID=0x…` and many tools write it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether all bytes are zero: a placeholder some packagers write, never a real key.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 16]
    }
}

impl From<[u8; 16]> for KeyId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    /// Reads a UUID with hyphens in the usual places, or 32 hex digits; any case.
    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let malformed = || KeyIdError { given: text.chars().take(48).collect() };
        let hyphenated = text.len() == 36;
        if !hyphenated && text.len() != 32 {
            return Err(malformed());
        }
        let mut bytes = [0; 16];
        let mut digits = 0;
        for (position, character) in text.char_indices() {
            if hyphenated && matches!(position, 8 | 13 | 18 | 23) {
                if character != '-' {
                    return Err(malformed());
                }
                continue;
            }
            let digit = character.to_digit(16).ok_or_else(malformed)?;
            let byte: &mut u8 = bytes.get_mut(digits / 2).ok_or_else(malformed)?;
            *byte = (*byte << 4) | digit as u8;
            digits += 1;
        }
        if digits == 32 { Ok(Self(bytes)) } else { Err(malformed()) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// The text is not a key id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a key id: expected a UUID or 32 hex digits")]
pub struct KeyIdError {
    given: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 16] = [
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
        0xff,
    ];

    #[test]
    fn both_spellings_read_and_the_hyphenated_one_prints() {
        for text in ["00112233-4455-6677-8899-AABBCCDDEEFF", "00112233445566778899aabbccddeeff"] {
            let kid: KeyId = text.parse().unwrap();
            assert_eq!(kid.as_bytes(), &BYTES);
            assert_eq!(kid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "0011223344556677-8899aabbccddeeff----",
            "00112233445566778899aabbccddeef",
            "00112233-4455-6677-8899_aabbccddeeff",
            "g0112233445566778899aabbccddeeff",
            "{00112233-4455-6677-8899-aabbccddeeff}",
            "0011223é445566778899aabbccddeef",
        ] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_guid_order_swaps_the_first_three_groups() {
        let guid = KeyId::from_bytes(BYTES).to_guid_bytes();
        assert_eq!(guid[..8], [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66]);
        assert_eq!(guid[8..], BYTES[8..]);
    }
}
