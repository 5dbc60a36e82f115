//! PallyCon license tokens, version 2: a policy sealed for the license server, and a hash.
//!
//! A token is base64 of a JSON object: who ([`user_id`](PallyConClaims::user)) may have a
//! license for what (`cid`) under which policy, from when. The policy is AES-256-CBC under the
//! site's key, the hash is SHA-256 over the access key and the fields, run together without
//! separators. The format is spoken for compatibility: new deployments take a JWT.
//!
//! In the order of a verification: form, DRM type, site, ids, timestamp, hash, times, the
//! site's rule for user ids, decryption, policy, system, content. Two weaknesses are closed
//! by that order and by nothing else: the hash does not say where `user_id` ends and `cid`
//! begins, so the `cid` must be the content that the *request* asks for; and a hash of this
//! kind can be extended by whoever sees one, so the text must be strict UTF-8 JSON and the
//! timestamp exactly one. `response_format` and `key_rotation` are not under the hash: they
//! are hints.
//!
//! What is not done here: the answer's form on the wire, HTTP status codes, counting uses,
//! finding content and the keys that are not in the token.
//!
//! | file | holds |
//! |---|---|
//! | `site` | keys made ready, and a site's settings |
//! | `token` | the token's text, and the walk of checks |
//! | `claims` | what a verified token says |
//! | [`policy`] | the policy: read (versions 2 and 1), written, resolved for a track |
//! | `issue` | making a token |
//! | `code` | the vendor's error codes |
//! | `format` | the face for callers that learn the family at run time |
//!
//! SPEC: PallyCon License Token Guide, policy specification 2.0; SEC-20 to 24, SEC-36.

mod claims;
mod code;
mod explain;
mod format;
mod issue;
pub mod policy;
mod site;
mod system;
mod timestamp;
mod token;

pub(crate) use format::PallyConFormat;

pub use claims::{KeyRotation, PallyConClaims, ResponseFormat};
pub use code::{outside_code, vendor_code};
pub use issue::{IssueError, PallyConIssue, issue};
pub use site::{
    DrmTypeCase, Hint, KeyError, PallyConKeys, PallyConSettings, PallyConSite, SiteIdError,
    UserIdRule,
};
pub use token::{Asked, PallyConToken, parse, verify};

/// A token is at most this long, as base64 (SEC-21): external keys need room.
pub const TOKEN_BYTES_MAX: usize = 64 << 10;

/// The user id that stands for nobody.
pub const NO_USER: &str = "LICENSETOKEN";

/// The header, and the query parameter, that carry a token.
pub const CARRIER: &str = "pallycon-customdata-v2";
