//! AAC: what a sample entry says about the sound.
//!
//! Only descriptions are read, never frames: sound is encrypted whole.
//!
//! SPEC: ISO/IEC 14496-1 §7.2.6 (descriptors), 14496-3 §1.6 (`AudioSpecificConfig`).

mod config;
mod esds;

pub use config::AudioSpecificConfig;
pub(crate) use esds::codec;
