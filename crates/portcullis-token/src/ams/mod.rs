//! Azure Media Services key-delivery tokens: JSON Web Tokens and Simple Web Tokens under a
//! token restriction.
//!
//! A [`Restriction`] is what a content key policy asks of a token: issuer, audience, keys,
//! claims. The key decides the algorithm. Key ids, thumbprints and addresses in a header never
//! bring or choose a key. A claim that names the content key is enforced whether it was asked
//! for or not, and one that limits the uses binds the lifetime.
//!
//! Azure's older accounts hold secrets shorter than a hash and certificates; both are taken
//! here and nowhere else, the former only when asked.
//!
//! SPEC: Azure Media Services v3, content key policy token restriction; SEC-25 to 28.

mod format;
mod issue;
mod restriction;
mod said;
mod swt;
mod walk;

pub use format::Azure;
pub(crate) use format::{JWT, SWT};
pub use issue::{Wish, issue_jwt, issue_swt};
pub use restriction::{
    Algorithms, RequiredClaim, Restriction, RestrictionFault, Secrets, TokenType, certificate_keys,
    rsa_keys, symmetric_keys,
};

use portcullis_base::Timestamp;

use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused, Step},
    format::Request,
    watch::Strict,
};

/// Verifies a token under a restriction.
///
/// The request says which keys are asked for; a token that names a key opens no other.
///
/// # Errors
///
/// Says at which check the token was refused, and why.
pub fn verify(
    token: &str,
    restriction: &Restriction,
    request: &Request,
    now: Timestamp,
) -> Result<Verified<Claims>, Refused> {
    let walk = walk::Walk { restriction: Some(restriction), request: Some(request), now };
    match walk.go(token, restriction.token_type, &mut Strict)? {
        Some(claims) => Ok(Verified::new(claims)),
        None => Err(Fault::malformed("it could not be read").at(Step::Form)),
    }
}
