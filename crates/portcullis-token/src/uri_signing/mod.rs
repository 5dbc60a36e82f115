//! URI Signing of RFC 9246: a signed JWT in a request, over the URI it stands in.
//!
//! The token travels as `URISigningPackage` in the query, as a path parameter or, once
//! renewed, in a cookie. It names what it covers by a hash of the URI or by a POSIX regular
//! expression over the whole of it. Every claim the RFC defines is enforced; one that cannot
//! be, for want of a key or because nobody knows it, refuses the token.
//!
//! There is no leeway: `exp` is the first second outside. Expressions are evaluated only after
//! the signature holds, by an engine whose time is linear.
//!
//! A token with a `jti` is good for one use. Counting it needs a store: a `Verified` says that
//! everything else holds.
//!
//! SPEC: RFC 9246; SEC-20, 25 to 27, 40.

mod ere;
mod format;
mod issue;
mod jwe;
mod package;
mod said;
mod token;

pub use format::UriSigning;
pub use issue::{Renewal, Renewed, UriSigningRefusal, Wanted, issue, renew};
pub use jwe::ClaimKey;
pub use said::{Container, RenewalWay, UriSigningClaims};
pub use token::{UriSigningKey, UriSigningKeys, log_code, verify};

/// The parameter and cookie tokens travel in unless both sides agree on another.
pub const NAME: &str = "URISigningPackage";
