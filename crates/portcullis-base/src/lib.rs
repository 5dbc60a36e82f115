//! The words every crate of Portcullis shares.
//!
//! A type lives here when two crates in different layers need it. It may parse, print and
//! compare; it does nothing else. There is no I/O in this crate, no clock, no random source
//! (only the traits [`Clock`] and [`Rng`] through which callers hand them in), and no format
//! that belongs to somebody else's specification, with one exception: strict JSON
//! ([`json`]), because tokens, license requests and audit records all read it.

mod address;
mod class;
mod clock;
mod content_id;
mod iv;
pub mod json;
mod key_id;
mod names;
mod outbound_url;
mod rng;
mod scheme;
mod secret;
mod stack;
mod system;
mod url;

pub use address::{Cidr, CidrError, canonical_address};
pub use class::{TrackClass, TrackClassError};
pub use clock::{Clock, Timestamp};
pub use content_id::{ContentId, ContentIdError};
pub use iv::Iv;
pub use key_id::{KeyId, KeyIdError};
pub use names::{NameError, PolicyName, TenantId, UserId};
pub use outbound_url::{OutboundUrl, OutboundUrlError, WebScheme};
pub use rng::Rng;
pub use scheme::{Scheme, SchemeError};
pub use secret::{Secret, SecretBytes};
pub use stack::with_washed_stack;
pub use system::{DrmSystem, DrmSystemError};
pub use url::RequestUrl;
