//! The one place that asks the operating system for randomness.

use portcullis_base::Rng;

/// The operating system's random source, through the crypto library.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    /// SECURITY: a process that cannot get randomness must not go on making keys, so it
    /// aborts (security rules, fail-closed table).
    fn fill(&self, out: &mut [u8]) {
        if aws_lc_rs::rand::fill(out).is_err() {
            std::process::abort();
        }
    }
}
