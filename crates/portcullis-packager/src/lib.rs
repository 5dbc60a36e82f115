//! Source media in, encrypted CMAF segments and manifests out.
//!
//! Packaging has two halves, so that a caller can fetch keys in between:
//!
//! 1. [`Plan::read`] reads the inputs, refuses whatever is not supported, decides where the
//!    segments begin, and says [which keys it needs](Plan::keys_needed).
//! 2. [`run()`] encrypts with those keys and publishes the result in one step.
//!
//! Everything here is synchronous, over `Read + Seek` on one side and a folder on the other.
//! The crate knows no database, no network and no token, and never asks for the time: the same
//! inputs and keys give the same bytes, wherever and whenever (`docs/decisions/0004`).
//!
//! ```text
//! Source -> Plan (timeline, segmenter) -> encrypt -> Output folder
//!                                             \-> signalling, manifest, Report
//! ```

mod encrypt;
mod error;
mod keys;
mod language;
mod manifest;
mod output;
mod plan;
mod report;
mod run;
mod segmenter;
mod signalling;
mod source;
mod time;
mod timeline;

pub use error::{Code, PackageError};
pub use keys::KeyRing;
pub use output::Replace;
pub use plan::{Plan, PlanOptions, PlannedTrack};
pub use report::{Report, TrackReport};
pub use run::{Progress, RunOptions, run};
pub use source::Source;
