//! Nothing that stands behind the request was revoked.
//!
//! Who looked up the revocations says how the request stands; here that becomes an answer. It
//! never speaks for a request, so that it cannot be what lets one through.

use crate::{Reason, Rule, decision::Step, model::Standing};

pub(crate) fn check(standing: Standing) -> Step {
    match standing {
        Standing::Good => Step::skip(Rule::Revocation, "nothing of it was revoked"),
        Standing::Revoked(kind) => {
            Step::refuse(Rule::Revocation, kind.reason(), format!("the {kind} was revoked"))
        }
        Standing::Unknown => {
            let detail = "what was revoked is not known";
            Step::refuse(Rule::Revocation, Reason::RuleUnavailable, detail)
        }
    }
}
