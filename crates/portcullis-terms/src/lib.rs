//! What a license may do: one model for every token family, key policy and DRM system.
//!
//! A [`Terms`] says what somebody wanted said and leaves the rest open: every term is an
//! `Option`, and `None` means "not said here". Terms are laid over each other field by field
//! (the account's, the key policy's, the token's: [`Terms::overlay`]) and resolved at the end
//! for one DRM system and one track class. Formats translate into this model and out of it;
//! no format is the model. Nothing here decides, and nothing here knows a vendor's wire form.
//!
//! | module | terms |
//! |---|---|
//! | [`playback`] | how long, how often, kept or not |
//! | [`output`] | what the device and its outputs must be, per DRM system |
//! | [`terms`](Terms) | which classes, which overrides, how they are laid over each other |
//!
//! The JSON form ([`Terms::to_json`]) is the one our own tokens and policies carry. It reads
//! back exactly; unknown members are refused.

mod json;
mod macros;
pub mod output;
pub mod playback;
mod terms;

pub use json::TermsFault;
pub use terms::{ClassSet, Terms, Tracks};
