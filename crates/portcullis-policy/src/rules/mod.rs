//! One file per rule.
//!
//! A rule looks at facts and says one thing: it allows, it refuses with a reason, or it does
//! not apply. It never sees what other rules said, and when it cannot be evaluated it
//! refuses with `rule.unavailable`.

pub(crate) mod address;
pub(crate) mod entitlement;
pub(crate) mod role;
pub(crate) mod tenant;
pub(crate) mod window;
