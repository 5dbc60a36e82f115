//! Predictable random sources and ready-made keys. Checks nothing.

use std::sync::atomic::{AtomicU8, Ordering};

use portcullis_base::Rng;
use portcullis_keys::{root::RootKey, sealed::KeyEncryptionKey};

/// Hands out the bytes it was made with, as often as asked.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) Vec<u8>);

impl Rng for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

/// Hands out bytes that differ from call to call.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU8);

impl Rng for Counting {
    fn fill(&self, out: &mut [u8]) {
        let call = self.0.fetch_add(1, Ordering::Relaxed);
        for (byte, position) in out.iter_mut().zip(0_u8..) {
            *byte = call.wrapping_mul(41) ^ position;
        }
    }
}

pub(crate) fn root() -> RootKey {
    RootKey::read(&(0..32).collect::<Vec<u8>>()).unwrap()
}

pub(crate) fn kek(id: u32, first: u8) -> KeyEncryptionKey {
    KeyEncryptionKey::generate(id, &Fixed((first..first + 32).collect())).unwrap()
}
