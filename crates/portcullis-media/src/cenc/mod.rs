//! Common encryption: the two ciphers, and which bytes of a sample each of them touches.
//!
//! A cipher is built once per track from 16 key bytes and then works on samples in place. It
//! does not choose initialization vectors, find NAL units or write boxes; it has no idea
//! whose key it holds. Key schedules are wiped when a cipher is dropped.
//!
//! | scheme | cipher | a protected range |
//! |---|---|---|
//! | `cenc` | [`CtrCipher`] | continues the sample's key stream |
//! | `cbcs` | [`CbcsCipher`] | starts again from the constant IV, pattern by [`Pattern`] |
//!
//! SPEC: ISO/IEC 23001-7 §9 and §10.

mod cbcs;
mod ctr;
mod subsample;

use std::hint::black_box;

use aes::{
    Aes128, Block,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use portcullis_base::with_washed_stack;

pub use cbcs::{CbcsCipher, Pattern};
pub use ctr::{CounterBlock, CtrCipher};
pub use subsample::Subsample;

/// Which bytes of a sample are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage<'a> {
    /// The ranges a subsample map names: video.
    Mapped(&'a [Subsample]),
    /// The whole sample: audio.
    Whole,
}

impl Coverage<'_> {
    /// Calls `act` with every protected range of `sample`, in order.
    ///
    /// The map is checked before the first call, so a sample is either processed whole or
    /// left as it was.
    fn each_range(
        self,
        sample: &mut [u8],
        mut act: impl FnMut(&mut [u8]),
    ) -> Result<(), CoverageError> {
        let Self::Mapped(map) = self else {
            act(sample);
            return Ok(());
        };
        let mapped = map.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size()));
        let size = sample.len() as u64;
        let wrong = CoverageError { mapped, size };
        if mapped != size {
            return Err(wrong);
        }
        let mut rest = sample;
        for entry in map {
            let protected = usize::try_from(entry.protected).map_err(|_| wrong)?;
            let (_, tail) = rest.split_at_mut_checked(usize::from(entry.clear)).ok_or(wrong)?;
            let (range, tail) = tail.split_at_mut_checked(protected).ok_or(wrong)?;
            act(range);
            rest = tail;
        }
        Ok(())
    }
}

/// The expanded key.
///
/// SECURITY: it stays where it was made, so that moving a cipher does not leave copies of the
/// first round key, which is the key itself, on every stack frame it passes.
struct Schedule(Box<Aes128>);

impl Schedule {
    fn new(key: &[u8; 16]) -> Self {
        with_washed_stack(|| Self(Box::new(Aes128::new(key.into()))))
    }
}

impl Drop for Schedule {
    /// Encrypts with a worthless key last, so that vector registers, which a core shows too,
    /// hold round keys of that one.
    fn drop(&mut self) {
        *self.0 = Aes128::new(&[0; BLOCK].into());
        let mut blocks = [Block::default(); 32];
        self.0.encrypt_blocks(&mut blocks);
        black_box(&mut blocks);
    }
}

/// A subsample map that does not describe the sample it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subsample map covers {mapped} bytes of a sample of {size}")]
pub struct CoverageError {
    /// The sum of the map's entries.
    pub mapped: u64,
    /// The size of the sample.
    pub size: u64,
}

const BLOCK: usize = 16;
