//! Wiping what a cipher leaves on the stack.
//!
//! SECURITY: SEC-14. Secrets are wiped where they live, but the routines they pass through
//! spill them: the first round key of AES-128 is the key itself, a value moved out of a
//! function leaves the place it was built at, and vectorized AES-GCM keeps a block of its
//! text in its frame. Those copies belong to nobody. Whoever handles a key calls
//! [`with_washed_stack`] around it; nothing can be done here about registers.

use std::hint::black_box;

/// Runs `work`, then overwrites the part of the stack it ran on. What `work` returns is not
/// covered, so it returns a secret in a box or not at all.
pub fn with_washed_stack<T>(work: impl FnOnce() -> T) -> T {
    let done = below(work);
    wash();
    done
}

/// A frame of its own, so that what `work` leaves lies where [`wash`] writes.
#[inline(never)]
fn below<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn wash() {
    let mut area = [0_u8; WASHED_BYTES];
    // The compiler must believe that somebody reads the zeros.
    black_box(&mut area);
}

/// More than key expansion, AES-GCM and HKDF use, with every frame between.
const WASHED_BYTES: usize = 16 << 10;
