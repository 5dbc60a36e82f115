//! castLabs DRMtoday: upfront authorization tokens.
//!
//! A JSON Web Signature under a shared secret that the header names, good for one license. Who
//! plays stands in one claim as JSON text (`optData`), what the license may do in another
//! (`crt`, the customer rights token). A rights token may name a template kept at the server;
//! one that is unknown here refuses the token, for it may hold limits.
//!
//! SPEC: castLabs DRMtoday, License Delivery Authorization.

mod crt;
mod format;
mod issue;
mod output;
mod walk;

use std::{collections::BTreeMap, time::Duration};

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_terms::Terms;

pub use format::Drmtoday;
pub use issue::{Wish, issue, signing_key};

use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused, Step},
    format::Request,
    jwt::{Algorithm, KeyError, VerificationKey},
    watch::Strict,
};

/// Whose tokens are accepted, and how.
#[derive(Debug)]
pub struct Merchant {
    /// The organization's id, as `optData.merchant` says it.
    pub id: String,
    /// The shared secrets, each with its name ([`shared_secret`]).
    pub keys: Vec<VerificationKey>,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// How old a token without `exp` may be.
    pub age_max: Duration,
    /// What the templates say that a rights token may name (`ref`), by their names.
    pub templates: BTreeMap<String, Terms>,
}

impl Merchant {
    /// How old a token without `exp` may be unless something else is said.
    pub const AGE_MAX: Duration = Duration::from_secs(600);
}

/// A shared secret for one algorithm: HS256, HS384 or HS512. DRMtoday's secrets are 32 bytes
/// whatever the algorithm.
///
/// # Errors
///
/// [`KeyError::Short`] below 32 bytes, [`KeyError::Algorithm`] for others, and
/// [`KeyError::KeyId`] when the name cannot stand in a header.
pub fn shared_secret(
    kid: &str,
    algorithm: Algorithm,
    secret: &SecretBytes,
) -> Result<VerificationKey, KeyError> {
    VerificationKey::hmac_of_at_least(algorithm, secret, SECRET_BYTES_MIN)?.with_kid(kid)
}

const SECRET_BYTES_MIN: usize = 32;

/// Verifies a token.
///
/// The request says which content is asked for.
///
/// # Errors
///
/// Says at which check the token was refused, and why.
pub fn verify(
    token: &str,
    merchant: &Merchant,
    request: &Request,
    now: Timestamp,
) -> Result<Verified<Claims>, Refused> {
    let walk = walk::Walk { merchant: Some(merchant), request: Some(request), now };
    match walk.go(token, &mut Strict)? {
        Some(claims) => Ok(Verified::new(claims)),
        None => Err(Fault::malformed("it could not be read").at(Step::Form)),
    }
}
