//! How a track says that it is encrypted: `sinf` in its sample entry.
//!
//! ```text
//! sinf ( frma: the original format
//!        schm: the scheme, version 1.0
//!        schi ( tenc: version 0 for cenc; version 1, with pattern and constant IV, for cbcs ))
//! ```
//!
//! SPEC: ISO/IEC 23001-7 §8.2; ISO/IEC 14496-12 §8.12.

use portcullis_base::{Iv, KeyId, Scheme};

use super::{WriteError, put_box, put_full_box, put_u32};
use crate::cenc::Pattern;

/// The scheme of a track, with what its samples have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// AES-CBC with a pattern and one IV for the whole track.
    Cbcs {
        /// The key.
        kid: KeyId,
        /// The IV every protected range starts with.
        iv: Iv,
        /// Which blocks are encrypted.
        pattern: Pattern,
    },
    /// AES-CTR with 8-byte IVs that stand with the samples.
    Cenc {
        /// The key.
        kid: KeyId,
    },
}

impl Protection {
    /// The scheme.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::Cbcs { .. } => Scheme::Cbcs,
            Self::Cenc { .. } => Scheme::Cenc,
        }
    }

    /// The key.
    #[must_use]
    pub const fn kid(&self) -> KeyId {
        match self {
            Self::Cbcs { kid, .. } | Self::Cenc { kid } => *kid,
        }
    }

    /// Appends `sinf` for samples that were in `format` before.
    pub(super) fn put(&self, out: &mut Vec<u8>, format: [u8; 4]) {
        put_box(out, *b"sinf", |out| {
            put_box(out, *b"frma", |out| out.extend(format));
            put_full_box(out, *b"schm", 0, 0, |out| {
                out.extend(self.scheme().fourcc());
                put_u32(out, SCHEME_VERSION);
            });
            put_box(out, *b"schi", |out| self.put_tenc(out));
        });
    }

    fn put_tenc(&self, out: &mut Vec<u8>) {
        let (version, pattern, iv_size) = match self {
            Self::Cbcs { pattern, .. } => (1, pattern.nibbles(), 0),
            Self::Cenc { .. } => (0, 0, 8),
        };
        put_full_box(out, *b"tenc", version, 0, |out| {
            out.extend([0, pattern, 1, iv_size]);
            out.extend(self.kid().as_bytes());
            if let Self::Cbcs { iv, .. } = self {
                out.push(16);
                out.extend(iv.0);
            }
        });
    }

    /// Turns a clear sample entry into the encrypted one: another format, `sinf` at the end,
    /// and every other byte as it was.
    pub(super) fn protect(&self, entry: &[u8], kind: [u8; 4]) -> Result<Vec<u8>, WriteError> {
        let bad = WriteError::BadSampleEntry;
        let (size, rest) = entry.split_first_chunk::<4>().ok_or(bad.clone())?;
        let (format, rest) = rest.split_first_chunk::<4>().ok_or(bad.clone())?;
        if usize::try_from(u32::from_be_bytes(*size)) != Ok(entry.len()) {
            return Err(bad);
        }
        let mut out = Vec::with_capacity(entry.len() + 128);
        put_box(&mut out, kind, |out| {
            out.extend(rest);
            self.put(out, *format);
        });
        Ok(out)
    }
}

const SCHEME_VERSION: u32 = 0x0001_0000;

#[cfg(test)]
mod tests {
    use super::*;

    const KID: KeyId = KeyId::from_bytes([
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
        0xff,
    ]);
    const IV: Iv = Iv([
        0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e,
        0x1f,
    ]);
    const TENC_CENC: &str = "0000002074656e6300000000000001080011223344556677\
         8899aabbccddeeff";
    const TENC_CBCS_VIDEO: &str = "0000003174656e6301000000001901000011223344556677\
         8899aabbccddeeff10101112131415161718191a1b1c1d1e1f";
    const TENC_CBCS_AUDIO: &str = "0000003174656e6301000000000001000011223344556677\
         8899aabbccddeeff10101112131415161718191a1b1c1d1e1f";
    const SINF_CBCS_HEAD: &str = "0000006173696e660000000c66726d6161766331000000147363686d00000000\
         63626373000100000000003973636869";

    #[track_caller]
    fn check(protection: Protection, format: &[u8; 4], size: usize, tenc: &str) {
        let mut sinf = Vec::new();
        protection.put(&mut sinf, *format);
        assert_eq!(sinf.len(), size);
        let start = sinf.len() - tenc.len() / 2;
        assert_eq!(hex::encode(&sinf[start..]), tenc);
    }

    #[test]
    fn the_boxes_are_the_known_answers() {
        check(Protection::Cenc { kid: KID }, b"avc1", 80, TENC_CENC);
        let video = Protection::Cbcs { kid: KID, iv: IV, pattern: Pattern::OneInTen };
        check(video, b"avc1", 97, TENC_CBCS_VIDEO);
        check(video, b"avc1", 97, &[SINF_CBCS_HEAD, TENC_CBCS_VIDEO].concat());
        let audio = Protection::Cbcs { kid: KID, iv: IV, pattern: Pattern::Full };
        check(audio, b"mp4a", 97, TENC_CBCS_AUDIO);
    }

    #[test]
    fn an_entry_keeps_everything_but_its_format() {
        let entry = [&[0, 0, 0, 12][..], b"avc1", b"body"].concat();
        let protected = Protection::Cenc { kid: KID }.protect(&entry, *b"encv").unwrap();
        assert_eq!(protected.len(), 12 + 80);
        assert_eq!(protected[..12], [&[0, 0, 0, 92][..], b"encv", b"body"].concat());
        assert_eq!(&protected[20..32], [&[0, 0, 0, 12][..], b"frma", b"avc1"].concat());
    }

    #[test]
    fn an_entry_of_another_length_than_it_says_is_refused() {
        for entry in
            [&b""[..], b"\0\0\0\x08avc", b"\0\0\0\x07avc1", b"\0\0\0\x09avc1", b"\0\0\0\0avc1"]
        {
            let actual = Protection::Cenc { kid: KID }.protect(entry, *b"encv");
            assert_eq!(actual, Err(WriteError::BadSampleEntry), "{entry:?}");
        }
    }
}
