//! What is known about contents, key policies and viewers.
//!
//! Plain values. They come from the store or from a configuration file, both of which have
//! already turned text into types; nothing here reads a format or decides anything. No field
//! means "everything" by being empty: where everything is meant, a variant says so.

mod addresses;
mod classes;
mod content;
mod entitlement;
mod facts;
mod key_policy;
mod operator;
mod standing;
mod window;

pub use addresses::{AddressRule, AllowedAddresses};
pub use classes::{AllowedClasses, every_class};
pub use content::{Content, TrackKey};
pub use entitlement::{Entitlement, EntitlementRule};
pub use facts::Facts;
pub use key_policy::{
    Binding, KeyPolicy, KeySource, KeySourceKind, RequiredClaim, Restriction, TokenRestriction,
};
pub use operator::{Operator, Role, RoleError};
pub use standing::{Standing, SubjectKind, SubjectKindError};
pub use window::{Window, WindowError};
