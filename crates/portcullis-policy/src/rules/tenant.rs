//! A tenant's operators reach that tenant's contents only.
//!
//! SPEC: SEC-64. A foreign content is answered like one that does not exist.

use crate::{
    Reason, Rule,
    decision::Step,
    model::{Content, Operator},
};

pub(crate) fn check(operator: &Operator, content: &Content) -> Step {
    if *operator.tenant() == content.tenant {
        Step::allow(Rule::Content, "the content is the tenant's")
    } else {
        Step::refuse(Rule::Content, Reason::ContentUnknown, "the content is another tenant's")
    }
}
