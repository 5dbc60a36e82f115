//! Key policies and rules; decides who may play what.
//!
//! `decide_*` are pure functions of a verified caller, the facts and the moment: they can be
//! called twice, or for show. This crate knows no SQL, no HTTP, nobody's JSON and no key
//! bytes; facts are brought to it, and what it hands back is a [`Decision`] with the reason
//! and with a trace of every rule that was looked at.
//!
//! Two things only this crate can make: a [`Grant`], against which the vault opens one
//! content key, and an [`Admission`], against which the edge answers one path.
//!
//! Refusing is the default. One rule that refuses beats any number that allow, and a rule
//! that cannot be evaluated refuses.

pub mod claims;
mod decision;
mod edge;
mod grant;
mod license;
mod listing;
pub mod model;
mod packaging;
mod reason;
mod rules;
mod token;
mod uses;
mod words;

pub use decision::{Decision, Outcome, Rule, Step, Verdict};
pub use edge::{
    Admission, EdgeAsk, EdgeCaller, EdgeKind, EdgeRoute, Level, NewSession, decide_edge,
};
pub use grant::{Grant, Purpose};
pub use license::{Caller, LicenseAsk, LicenseGrant, decide_license};
pub use listing::decide_listing;
pub use packaging::{PackagingAsk, PackagingFacts, PackagingGrant, decide_packaging};
pub use portcullis_token::identity::TokenIdentity;
pub use reason::{Kind, Reason, ReasonError};
pub use token::{TokenAsk, TokenGrant, decide_token};
pub use uses::{LimitedUse, UseCount};
