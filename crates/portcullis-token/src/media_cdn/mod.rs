//! Google Media CDN's dual tokens: a short one that opens a stream, and a long one that
//! Media CDN's edge makes of it for everything the manifest names.
//!
//! `Name=value` fields joined by `~`, closed by an Ed25519 signature or an HMAC. Two fields
//! are signed otherwise than they stand in the token: `FullPath` is signed with the path of
//! the request, `Headers` with the values the request has for the headers it names. What
//! stands in the token beside them is signed as sent, in the order as sent.
//!
//! Refused are fields nobody knows, fields twice, more than one statement of what is covered,
//! a token without an end, and a long token where a short one is asked for (and the other way
//! round): both may be signed with one key.
//!
//! SPEC: Google Cloud, Media CDN, "Generate tokens"; SEC-20 to 24, SEC-33 to 35.

mod fields;
mod format;
mod issue;
mod keys;
mod token;

pub use format::MediaCdn;
pub use issue::{MediaCdnRefusal, Wanted, issue, issue_long};
pub use keys::{MediaCdnKey, MediaCdnKeys, MediaCdnSigner};
pub use token::{Covers, MediaCdnClaims, MediaCdnToken, Rules, TokenKind, parse};

/// The parameter, cookie or path component tokens travel in unless a route says otherwise.
pub const NAME: &str = "edge-cache-token";

/// The longest life of a long token.
pub const LONG_LIFETIME_MAX: std::time::Duration = std::time::Duration::from_secs(604_800);

/// With its name, a token of this length still fits one cookie.
const TOKEN_BYTES_MAX: usize = 4000;
