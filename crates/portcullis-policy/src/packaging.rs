//! May this operator take a content's keys to encrypt media with them?
//!
//! Looks at whose content it is and what the operator's role permits. Windows, entitlement
//! and addresses are about viewers and play no part.

use portcullis_base::Scheme;

use crate::{
    Decision, Grant, Purpose, Reason, Rule,
    decision::{Step, Trace},
    model::{Content, Operator, Role},
    rules,
};

/// What is known when keys are asked for to package a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackagingFacts {
    /// The content, with the ids of its keys.
    pub content: Content,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackagingAsk {
    /// The keys for this scheme.
    pub scheme: Scheme,
}

/// The keys that may be opened for packaging: one grant each.
///
/// ```compile_fail,E0451
/// let forged = portcullis_policy::PackagingGrant { grants: Vec::new() };
/// ```
#[derive(Debug)]
#[must_use = "a grant that is not acted on must be recorded as abandoned"]
pub struct PackagingGrant {
    grants: Vec<Grant>,
}

impl PackagingGrant {
    /// The grants, at least one.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The grants, at least one.
    #[must_use]
    pub fn into_grants(self) -> Vec<Grant> {
        self.grants
    }
}

/// Decides whether `operator` may take the content's keys for packaging.
pub fn decide_packaging(
    operator: &Operator,
    facts: &PackagingFacts,
    ask: &PackagingAsk,
) -> Decision<PackagingGrant> {
    let content = &facts.content;
    let mut trace = Trace::new();
    trace.add(rules::tenant::check(operator, content));
    trace.add(rules::role::check(operator, Role::Packager));

    let keys: Vec<_> = content.keys.iter().filter(|key| key.scheme == ask.scheme).collect();
    trace.add(if keys.is_empty() {
        let detail = format!("the content has no key for {}", ask.scheme);
        Step::refuse(Rule::Keys, Reason::KeyUnknown, detail)
    } else {
        Step::allow(Rule::Keys, format!("{} keys for {}", keys.len(), ask.scheme))
    });

    trace.conclude(|| PackagingGrant {
        grants: keys
            .into_iter()
            .map(|key| {
                let (tenant, content) = (content.tenant.clone(), content.id.clone());
                Grant::new(tenant, content, key.kid, Purpose::Packaging)
            })
            .collect(),
    })
}
