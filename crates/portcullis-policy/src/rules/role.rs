//! What an API key's role permits.
//!
//! SPEC: SEC-62. Roles do not include one another: an `admin` key takes no content key.

use crate::{
    Reason, Rule,
    decision::Step,
    model::{Operator, Role},
};

pub(crate) fn check(operator: &Operator, needed: Role) -> Step {
    match operator {
        Operator::ApiKey { role, .. } if *role == needed => {
            Step::allow(Rule::Role, "the API key has the role for this")
        }
        Operator::ApiKey { role, .. } => {
            let detail = format!("the API key has the role `{role}`, this needs `{needed}`");
            Step::refuse(Rule::Role, Reason::RoleMissing, detail)
        }
        Operator::Local { .. } => Step::allow(Rule::Role, "a user of this machine"),
    }
}
