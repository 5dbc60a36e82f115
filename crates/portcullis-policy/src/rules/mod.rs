//! One file per rule.
//!
//! A rule looks at facts and says one thing: it allows, it refuses with a reason, or it does
//! not apply. It never sees what other rules said, and when it cannot be evaluated it
//! refuses with `rule.unavailable`.

pub(crate) mod address;
pub(crate) mod entitlement;
pub(crate) mod key_policy;
pub(crate) mod keys;
pub(crate) mod lifetime;
pub(crate) mod revocation;
pub(crate) mod role;
pub(crate) mod tenant;
pub(crate) mod terms;
pub(crate) mod token;
pub(crate) mod token_content;
pub(crate) mod uses;
pub(crate) mod window;
