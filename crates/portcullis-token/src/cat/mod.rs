//! Common Access Tokens (CTA-5007): CBOR Web Tokens that say what may be fetched, how, from
//! where, and how the token is renewed.
//!
//! Every claim is enforced or refuses the token; a claim nobody knows does, too, and so does
//! one that asks for what no verifier here can see (a TLS fingerprint, a proof of possession,
//! coordinates). `exp` must be there: 0 is a time long past, not an absent one.
//!
//! A token whose `catreplay` prohibits replay is good for one use, which the caller counts.
//!
//! SPEC: CTA-5007, known from its public implementations and the registry of its labels, for
//! the text was not to be had; RFC 8392, RFC 9052, RFC 9164; SEC-20 to 26, 40.

mod cbor;
mod claims;
mod cose;
mod format;
mod issue;
mod matching;
mod token;

pub use claims::{CatClaims, CatRenewal, RenewalType};
pub use format::Cat;
pub use issue::{CatRefusal, CatRenewed, Wanted, issue, renew};
pub use token::{CatRules, verify};

/// The header and cookie tokens travel in. The older name is [`NAME_OLD`].
pub const NAME: &str = "CTA-Common-Access-Token";

/// The name before the specification's first edition.
pub const NAME_OLD: &str = "Common-Access-Token";

/// The query parameters tokens travel in.
pub const PARAMETERS: [&str; 2] = ["CAT", "cat"];

/// The parameter tokens are sent in.
const fn parameter() -> &'static str {
    let [first, _] = PARAMETERS;
    first
}

/// With its name, a token of this length still fits one cookie.
const TOKEN_BYTES_MAX: usize = 4000;
