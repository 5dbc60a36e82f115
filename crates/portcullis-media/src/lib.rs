//! Media bytes: MP4 boxes, CENC ciphers, HLS and DASH manifests.
//!
//! Everything here is a plain function over byte slices and values. There are no files, no
//! key lookup and no DRM vendor's payload in this crate: a caller hands in a box's payload or
//! a sample and gets a value, other bytes, or a fault that says where the input is wrong.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod aac;
pub mod avc;
pub mod bmff;
pub mod cenc;
pub mod dash;
pub mod hls;
mod uri;
