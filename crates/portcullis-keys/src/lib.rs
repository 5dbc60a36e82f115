//! Content keys: generate them, seal them for the database, open them again.
//!
//! There is no database here, no network and no decision: who may open a key is decided
//! elsewhere, and the clock and the random source come from the caller. What is here is the
//! hierarchy of SEC-01: the [root key](root), which lies outside the database and wraps the
//! [kek ring](sealed::KekRing), whose keks seal every secret the database holds.
//!
//! Plaintext keys live in wiped heap buffers only. They are written there in place and lent
//! by reference, so that no copy is left on a stack.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

mod content_key;
pub mod derive;
pub mod root;
pub mod sealed;

pub use content_key::{ContentKey, new_key_id};
