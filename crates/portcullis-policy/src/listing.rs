//! May this operator read what was revoked?
//!
//! Only the role is looked at. Nothing is loaded here.

use crate::{
    Decision,
    decision::Trace,
    model::{Operator, Role},
    rules,
};

/// Decides whether the operator may read the list of their tenant's revocations.
pub fn decide_listing(requester: &Operator) -> Decision<()> {
    let mut trace = Trace::new();
    trace.add(rules::role::check(requester, Role::Viewer));
    trace.conclude(|| ())
}
