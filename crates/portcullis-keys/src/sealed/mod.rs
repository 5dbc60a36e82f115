//! Secrets at rest: every secret the database holds is sealed, and bound to its place.
//!
//! A sealed value opens only under the kek that sealed it and only at the [`Place`] it was
//! sealed for: copied into another row, column or tenant it is refused. This module does not
//! know the database; the caller says where a value stands.
//!
//! ```text
//! envelope = 0x01 | alg | kek id (u32) | nonce (12) | ciphertext | tag (16)
//! aad      = envelope[0..6] | F(purpose) | F(tenant) | F(table) | F(row_key) | F(column)
//! F(x)     = length (u16) | x           numbers are big-endian; alg 0x01 is AES-256-GCM
//! ```
//!
//! SPEC: SEC-03; NIST SP 800-38D §8.3 bounds the seals under one kek.

mod envelope;
mod ring;

pub use envelope::{Place, SealedError, SealedFault};
pub use ring::{KekRing, KeyEncryptionKey, RingError};
