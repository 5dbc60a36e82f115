//! What each DRM system wants: init data, license requests, license terms.
//!
//! Only payloads are made and read here. The `pssh` box around them belongs to
//! `portcullis-media`, sockets to the server, and whether anybody gets a license is decided
//! in `portcullis-policy`. Clear Key is the one system whose licenses are made here.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod clearkey;
pub mod playready;
pub mod system_id;
mod terms;
pub mod widevine;

pub use terms::{Hdcp, LicenseTerms, Persistence, Robustness, TermError, TermsError};
