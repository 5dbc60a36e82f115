//! JSON Web Tokens: verified strictly, issued plainly.
//!
//! Accepted is the compact form of a signature (JWS) and nothing else: no encryption, no JSON
//! serialization, no token inside a token. The key decides the algorithm; the header only has
//! to agree with it, and never brings a key along. Claims of a wrong type are failures, never
//! "absent". Keys are handed in by the caller; nothing is fetched.
//!
//! In the order of a verification: form (three segments), header, key, signature,
//! claims, times, issuer and audience.
//!
//! SPEC: RFC 7515, RFC 7519, RFC 8725; SEC-20 to 27, SEC-30.

mod algorithm;
mod claims;
mod der;
mod error;
mod form;
mod header;
mod issue;
mod key;
mod pem;
mod signing;
mod verify;

pub use algorithm::{Algorithm, AlgorithmError};
pub use claims::{CONTENT_KEY_ID, COUNTED_LIFETIME_MAX, JwtClaims, MAX_USES, ONE_TIME};
pub use error::{IssueError, JwtError, KeyError};
pub(crate) use form::{Compact, TOKEN_BYTES_MAX, encode as base64url};
pub(crate) use header::{Header, Thumbprints, is_key_id};
pub use issue::{Issue, issue};
pub(crate) use key::PublicPart;
pub use key::VerificationKey;
pub(crate) use pem::read as read_pem;
pub use signing::SigningKey;
pub use verify::{Expectations, KEYS_MAX, UnverifiedView, unverified_view, verify};
pub(crate) use verify::{check_signature, check_times};
