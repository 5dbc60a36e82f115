//! The cipher of `cenc`: AES-128 in counter mode, one key stream per sample.
//!
//! It never decides what the counter starts at: a repeated counter block under one key gives
//! the plaintext away, so that choice belongs to whoever numbers the samples of a track.
//!
//! A counter block is `IV (8) || counter (8)`. The counter is a 64-bit integer of its own: it
//! wraps without a carry into the IV, unlike the counter mode of most libraries. Clear bytes
//! consume no key stream, and a range that ends inside a block leaves the rest of that block
//! for the next range of the same sample.
//!
//! SPEC: ISO/IEC 23001-7 §9.2 (vectors), §9.3 (counter), §9.5 (subsamples).

use std::fmt;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt};

use super::{BLOCK, Coverage, CoverageError, Schedule};

/// Encrypts and decrypts samples of one `cenc` track.
pub struct CtrCipher {
    schedule: Schedule,
}

impl CtrCipher {
    /// Builds the key schedule, once per track.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self { schedule: Schedule::new(key) }
    }

    /// Encrypts or decrypts a sample in place; in counter mode the two are the same.
    ///
    /// # Errors
    ///
    /// When the map does not add up to the sample. The sample is then unchanged.
    pub fn apply(
        &self,
        start: CounterBlock,
        sample: &mut [u8],
        coverage: Coverage<'_>,
    ) -> Result<(), CoverageError> {
        let mut stream = KeyStream::new(&self.schedule.0, start);
        coverage.each_range(sample, |range| stream.mix_into(range))
    }
}

impl fmt::Debug for CtrCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CtrCipher")
    }
}

/// The counter block a sample's key stream starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CounterBlock {
    upper: [u8; 8],
    counter: u64,
}

impl CounterBlock {
    /// The first counter block of a sample with an 8-byte IV: its counter is zero.
    #[must_use]
    pub const fn from_iv8(iv: [u8; 8]) -> Self {
        Self { upper: iv, counter: 0 }
    }

    /// The first counter block of a sample with a 16-byte IV: its low half is the counter.
    #[must_use]
    pub const fn from_iv16(iv: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = iv;
        Self {
            upper: [a, b, c, d, e, f, g, h],
            counter: u64::from_be_bytes([i, j, k, l, m, n, o, p]),
        }
    }
}

struct KeyStream<'a> {
    schedule: &'a Aes128,
    next: CounterBlock,
    buffer: [u8; STREAM_BYTES],
    // INVARIANT: from <= until <= STREAM_BYTES; buffer[from..until] is key stream not yet used.
    from: usize,
    until: usize,
}

impl<'a> KeyStream<'a> {
    const fn new(schedule: &'a Aes128, next: CounterBlock) -> Self {
        Self { schedule, next, buffer: [0; STREAM_BYTES], from: 0, until: 0 }
    }

    fn mix_into(&mut self, mut data: &mut [u8]) {
        while !data.is_empty() {
            if self.from == self.until {
                self.refill(data.len());
            }
            let stream = self.buffer.get(self.from..self.until).unwrap_or(&[]);
            let count = stream.len().min(data.len());
            let (now, later) = data.split_at_mut(count);
            for (byte, key) in now.iter_mut().zip(stream) {
                *byte ^= key;
            }
            self.from += count;
            data = later;
        }
    }

    /// Makes enough key stream for `wanted` bytes, or as much as the buffer holds: many
    /// blocks at once is what makes the processor's AES unit fast.
    fn refill(&mut self, wanted: usize) {
        let bytes = wanted.div_ceil(BLOCK).saturating_mul(BLOCK).min(STREAM_BYTES);
        let part = self.buffer.get_mut(..bytes).unwrap_or(&mut []);
        let (blocks, _) = Array::slice_as_chunks_mut(part);
        for block in &mut *blocks {
            let (upper, lower) = block.split_at_mut(BLOCK / 2);
            upper.copy_from_slice(&self.next.upper);
            lower.copy_from_slice(&self.next.counter.to_be_bytes());
            self.next.counter = self.next.counter.wrapping_add(1);
        }
        self.schedule.encrypt_blocks(blocks);
        (self.from, self.until) = (0, bytes);
    }
}

const STREAM_BYTES: usize = 64 * BLOCK;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cenc::Subsample;

    const KEY: [u8; 16] = *b"sixteen byte key";

    fn plain(size: usize) -> Vec<u8> {
        (0..size).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn the_key_stream_does_not_depend_on_how_a_sample_is_cut() {
        let cipher = CtrCipher::new(&KEY);
        let start = CounterBlock::from_iv8([7; 8]);
        let mut whole = plain(5000);
        cipher.apply(start, &mut whole, Coverage::Whole).unwrap();
        for cut in [1, 15, 16, 17, 1023, 1024, 1025, 4999] {
            let map = [
                Subsample { clear: 0, protected: cut },
                Subsample { clear: 0, protected: 5000 - cut },
            ];
            let mut parts = plain(5000);
            cipher.apply(start, &mut parts, Coverage::Mapped(&map)).unwrap();
            assert!(parts == whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_map_that_does_not_add_up_changes_nothing() {
        let cipher = CtrCipher::new(&KEY);
        for protected in [15, 17] {
            let map = [Subsample { clear: 4, protected }];
            let mut sample = plain(20);
            let actual =
                cipher.apply(CounterBlock::from_iv8([0; 8]), &mut sample, Coverage::Mapped(&map));
            let mapped = u64::from(protected) + 4;
            assert_eq!(actual, Err(CoverageError { mapped, size: 20 }));
            assert_eq!(sample, plain(20));
        }
    }

    #[test]
    fn an_empty_sample_is_legal() {
        let cipher = CtrCipher::new(&KEY);
        cipher.apply(CounterBlock::from_iv8([0; 8]), &mut [], Coverage::Whole).unwrap();
    }

    #[test]
    fn the_cipher_does_not_print_its_key() {
        assert_eq!(format!("{:?}", CtrCipher::new(&KEY)), "CtrCipher");
    }
}
