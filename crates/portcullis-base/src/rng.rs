//! The trait through which a caller hands in randomness.
//!
//! The one implementation over the operating system lives in `portcullis-server`; tests use
//! predictable ones.

use std::fmt;

/// A source of bytes nobody can predict.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Fills `out`. A source that cannot deliver aborts the process rather than return.
    fn fill(&self, out: &mut [u8]);
}
