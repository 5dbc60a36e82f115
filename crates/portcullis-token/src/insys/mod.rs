//! Insys drm.cloud user tokens.
//!
//! A small JSON Web Token under a shared secret: an end, the keys it is for, and how long the
//! license may be used. What else a token claims may be a limit of Insys' own and refuses it,
//! the registered claims excepted.
//!
//! SPEC: Insys drm.cloud, user token authorization.

mod format;
mod issue;
mod walk;

use std::time::Duration;

use portcullis_base::Timestamp;

pub use format::Insys;
pub use issue::{Wish, issue};

use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused, Step},
    format::Request,
    jwt::VerificationKey,
    watch::Strict,
};

/// Whose tokens are accepted.
#[derive(Debug)]
pub struct Account {
    /// The HS256 keys of the account's shared secrets; at most
    /// [`KEYS_MAX`](crate::jwt::KEYS_MAX) are tried.
    pub keys: Vec<VerificationKey>,
    /// By how much clocks may differ.
    pub leeway: Duration,
}

/// Verifies a token.
///
/// The request says which keys are asked for.
///
/// # Errors
///
/// Says at which check the token was refused, and why.
pub fn verify(
    token: &str,
    account: &Account,
    request: &Request,
    now: Timestamp,
) -> Result<Verified<Claims>, Refused> {
    let walk = walk::Walk { account: Some(account), request: Some(request), now };
    match walk.go(token, &mut Strict)? {
        Some(claims) => Ok(Verified::new(claims)),
        None => Err(Fault::malformed("it could not be read").at(Step::Form)),
    }
}
