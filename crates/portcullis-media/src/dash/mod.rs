//! DASH manifests: writing our own, changing the URLs of any.
//!
//! Nothing is fetched, and no URL is resolved.
//!
//! SPEC: ISO/IEC 23009-1.

pub mod rewrite;
pub mod write;
mod xml;
