//! Uses of tokens, for every license door: taken after the decision, kept when the license
//! goes out, given back when our side failed before that.
//!
//! Whether a use is free is the store's word. What does not count never gets here: requests
//! that were refused earlier, preflights, and whatever hands out no key.
//!
//! SPEC: SEC-42 to SEC-44.

use portcullis_policy::{LicenseGrant, UseCount};
use portcullis_store::{Reserved, Store, Use};

use crate::http::stop::Stop;

/// Takes the use that a grant needs, if it needs one. `challenge` is what makes this request
/// the same one when a player asks again.
pub(super) async fn take(
    store: &Store,
    grant: &LicenseGrant,
    challenge: &[&[u8]],
) -> (UseCount, Option<Use>) {
    let Some(wanted) = grant.limited_use() else { return (UseCount::NotCounted, None) };
    match store.uses().reserve(wanted, challenge).await {
        Ok(Reserved::Use(taken)) => (UseCount::Taken, Some(taken)),
        Ok(Reserved::UsedUp) => (UseCount::UsedUp, None),
        Err(error) => {
            tracing::error!(error = ?error, "uses of tokens cannot be counted");
            (UseCount::Unavailable, None)
        }
    }
}

/// Keeps the use or gives it back, by whether there is something to hand out.
pub(super) async fn settle<T>(taken: Option<Use>, delivered: &Result<T, Stop>) {
    match (taken, delivered) {
        (None, _) => {}
        (Some(taken), Ok(_)) => taken.confirm(),
        (Some(taken), Err(_)) => {
            if let Err(error) = taken.release().await {
                tracing::error!(error = ?error, "the use of a token was not given back");
            }
        }
    }
}
