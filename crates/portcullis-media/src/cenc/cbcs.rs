//! The cipher of `cbcs`: AES-128 in CBC mode with a constant IV, on a pattern of blocks.
//!
//! It pads nothing: trailing bytes that do not fill a block stay clear. The chain starts again
//! from the IV in every protected range and links only the encrypted blocks, so with pattern
//! 1:9 block 10 is chained to the ciphertext of block 0. The last block of a range is
//! encrypted when the pattern says so, also when nothing follows it (HLS SAMPLE-AES in
//! transport streams differs here).
//!
//! SPEC: ISO/IEC 23001-7 §9.6 (patterns), §10.4 (`cbcs`).

use std::fmt;

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, consts::U16};
use portcullis_base::Iv;

use super::{BLOCK, Coverage, CoverageError, Schedule};

/// Which blocks of a protected range are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Every whole block, written 0:0: audio.
    Full,
    /// The first of every ten blocks, written 1:9: video.
    OneInTen,
}

impl Pattern {
    /// The two nibbles of `tenc`: crypt, then skip.
    #[must_use]
    pub const fn nibbles(self) -> u8 {
        match self {
            Self::Full => 0x00,
            Self::OneInTen => 0x19,
        }
    }

    const fn stride(self) -> usize {
        match self {
            Self::Full => BLOCK,
            Self::OneInTen => 10 * BLOCK,
        }
    }

    /// The blocks of `range` the pattern encrypts. Bytes that fill no block are never among
    /// them: a stride's first chunk is left out when it is shorter than a block.
    fn blocks(self, range: &mut [u8]) -> impl Iterator<Item = &mut Block> {
        range.chunks_mut(self.stride()).filter_map(|stripe| {
            let first = stripe.first_chunk_mut::<BLOCK>()?;
            Some(first.into())
        })
    }
}

/// Encrypts and decrypts samples of one `cbcs` track.
pub struct CbcsCipher {
    schedule: Schedule,
    iv: Block,
    pattern: Pattern,
}

impl CbcsCipher {
    /// Builds the key schedule, once per track.
    #[must_use]
    pub fn new(key: &[u8; 16], iv: Iv, pattern: Pattern) -> Self {
        Self { schedule: Schedule::new(key), iv: iv.0.into(), pattern }
    }

    /// Encrypts a sample in place.
    ///
    /// # Errors
    ///
    /// When the map does not add up to the sample. The sample is then unchanged.
    pub fn encrypt(&self, sample: &mut [u8], coverage: Coverage<'_>) -> Result<(), CoverageError> {
        coverage.each_range(sample, |range| {
            let mut chain = self.iv;
            for block in self.pattern.blocks(range) {
                mix(block, &chain);
                self.schedule.0.encrypt_block(block);
                chain = *block;
            }
        })
    }

    /// Decrypts a sample in place.
    ///
    /// # Errors
    ///
    /// When the map does not add up to the sample. The sample is then unchanged.
    pub fn decrypt(&self, sample: &mut [u8], coverage: Coverage<'_>) -> Result<(), CoverageError> {
        coverage.each_range(sample, |range| {
            let mut chain = self.iv;
            for block in self.pattern.blocks(range) {
                let cipher_text = *block;
                self.schedule.0.decrypt_block(block);
                mix(block, &chain);
                chain = cipher_text;
            }
        })
    }
}

impl fmt::Debug for CbcsCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CbcsCipher({:?})", self.pattern)
    }
}

fn mix(block: &mut Block, chain: &Block) {
    for (byte, other) in block.iter_mut().zip(chain) {
        *byte ^= other;
    }
}

type Block = Array<u8, U16>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cenc::Subsample;

    const KEY: [u8; 16] = *b"sixteen byte key";

    /// Which of the bytes differ after encryption, as the offsets of whole blocks.
    #[track_caller]
    fn check(pattern: Pattern, size: usize, expected: &[usize]) {
        let cipher = CbcsCipher::new(&KEY, Iv([9; 16]), pattern);
        let plain: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let mut sample = plain.clone();
        cipher.encrypt(&mut sample, Coverage::Whole).unwrap();
        let changed: Vec<usize> = (0..size)
            .step_by(BLOCK)
            .filter(|&at| {
                let end = size.min(at + BLOCK);
                sample[at..end] != plain[at..end]
            })
            .collect();
        assert_eq!(changed, expected, "{pattern:?} over {size} bytes");
        cipher.decrypt(&mut sample, Coverage::Whole).unwrap();
        assert!(sample == plain, "{pattern:?} over {size} bytes does not come back");
    }

    #[test]
    fn the_pattern_touches_whole_blocks_only() {
        check(Pattern::OneInTen, 0, &[]);
        check(Pattern::OneInTen, 15, &[]);
        check(Pattern::OneInTen, 16, &[0]);
        check(Pattern::OneInTen, 175, &[0]);
        check(Pattern::OneInTen, 176, &[0, 160]);
        check(Pattern::OneInTen, 177, &[0, 160]);
        check(Pattern::Full, 15, &[]);
        check(Pattern::Full, 32, &[0, 16]);
        check(Pattern::Full, 47, &[0, 16]);
        check(Pattern::Full, 48, &[0, 16, 32]);
    }

    #[test]
    fn a_map_that_does_not_add_up_changes_nothing() {
        let cipher = CbcsCipher::new(&KEY, Iv([0; 16]), Pattern::OneInTen);
        let map = [Subsample { clear: 1, protected: 32 }];
        let mut sample = vec![1; 32];
        let wrong = Err(CoverageError { mapped: 33, size: 32 });
        assert_eq!(cipher.encrypt(&mut sample, Coverage::Mapped(&map)), wrong);
        assert_eq!(cipher.decrypt(&mut sample, Coverage::Mapped(&map)), wrong);
        assert_eq!(sample, vec![1; 32]);
    }
}
