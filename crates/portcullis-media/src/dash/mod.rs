//! DASH manifests: writing our own.
//!
//! Nothing is fetched, and no URL is resolved.
//!
//! SPEC: ISO/IEC 23009-1.

pub mod write;
mod xml;
