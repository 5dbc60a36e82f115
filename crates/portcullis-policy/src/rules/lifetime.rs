//! A token is used within its lifetime.
//!
//! The verifier checked this too, at the moment of the request. It is looked at again so
//! that a decision tried out for another moment comes out as it would at that moment.

use std::time::Duration;

use portcullis_base::Timestamp;
use portcullis_token::lifetime::{Lifetime, LifetimeError};

use crate::{
    Reason, Rule,
    decision::Step,
    words::{span, utc},
};

pub(crate) fn check(lifetime: &Lifetime, leeway: Duration, now: Timestamp) -> Step {
    match lifetime.check(now, leeway) {
        Ok(()) => Step::allow(Rule::Lifetime, "the token is within its lifetime"),
        Err(LifetimeError::NotYet { start }) => {
            let detail = format!("usable from {}, in {}", utc(start), span(now.until(start)));
            Step::refuse(Rule::Lifetime, Reason::TokenNotYet, detail)
        }
        Err(LifetimeError::Over { end }) => {
            let detail = format!("ended at {}, {} ago", utc(end), span(end.until(now)));
            Step::refuse(Rule::Lifetime, Reason::TokenExpired, detail)
        }
        Err(_) => {
            let detail = "the lifetime cannot be compared with the clock";
            Step::refuse(Rule::Lifetime, Reason::TokenLifetime, detail)
        }
    }
}
