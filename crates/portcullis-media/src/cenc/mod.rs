//! Common encryption: which bytes of a sample are protected, and the two ciphers.
//!
//! SPEC: ISO/IEC 23001-7 §9 and §10.

mod subsample;

pub use subsample::Subsample;
