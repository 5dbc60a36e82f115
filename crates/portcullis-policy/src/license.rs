//! May this caller have a license for these keys?
//!
//! Looks at the token, at what the token is for, at the content's window, the viewer's
//! address, the entitlement list, the classes of the keys and what the DRM system can
//! enforce. It does not know what a license looks like, and it opens no key: it gives grants,
//! one per key.

use std::{net::IpAddr, time::Duration};

use portcullis_base::{DrmSystem, KeyId, Timestamp, UserId};
use portcullis_drm::LicenseTerms;
use portcullis_token::{Verified, identity::TokenIdentity, jwt::JwtClaims};

use crate::{
    Decision, Grant, LimitedUse, Purpose, Reason, Rule, UseCount,
    claims::{self, DEVICE_CLAIM, SESSION_CLAIM},
    decision::{Step, Trace},
    model::{Facts, Restriction},
    rules,
};

/// Who asks for a license.
#[derive(Debug)]
pub enum Caller {
    /// Somebody without a token. That is not a bad token: an open key policy serves them.
    Anonymous,
    /// The holder of a token that was verified.
    Holder(Verified<JwtClaims>),
}

impl Caller {
    /// What the token is known by.
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        match self {
            Self::Anonymous => None,
            Self::Holder(token) => token.claims().identity(),
        }
    }

    /// The session the token names.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Holder(token) => claims::name(token.claims(), SESSION_CLAIM),
        }
    }

    /// The device the token names.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Anonymous => None,
            Self::Holder(token) => claims::name(token.claims(), DEVICE_CLAIM),
        }
    }

    /// The user the token names, if it names one that can be a user id.
    #[must_use]
    pub fn subject(&self) -> Option<UserId> {
        match self {
            Self::Anonymous => None,
            Self::Holder(token) => token.claims().subject.as_ref()?.parse().ok(),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseAsk {
    /// The keys the player wants.
    pub kids: Vec<KeyId>,
    /// The DRM system the license is for.
    pub system: DrmSystem,
    /// The viewer's address, if it is known.
    pub address: Option<IpAddr>,
}

/// What a license may contain: one grant per key, and the terms; and the use of the token
/// that has to be taken for it, if its uses are counted.
///
/// ```compile_fail,E0451
/// fn forge(terms: portcullis_drm::LicenseTerms) -> portcullis_policy::LicenseGrant {
///     portcullis_policy::LicenseGrant { grants: Vec::new(), terms, limited: None }
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(one: &T) -> T { one.clone() }
/// fn spend(grant: &portcullis_policy::LicenseGrant) { twice(grant); }
/// ```
#[derive(Debug)]
#[must_use = "a grant that is not acted on must be recorded as abandoned"]
pub struct LicenseGrant {
    grants: Vec<Grant>,
    terms: LicenseTerms,
    limited: Option<LimitedUse>,
}

impl LicenseGrant {
    /// The keys that were granted, at least one, in the order of the content's keys.
    pub fn kids(&self) -> impl Iterator<Item = &KeyId> {
        self.grants.iter().map(Grant::kid)
    }

    /// The use that has to be taken, if the uses of the caller's token are counted.
    #[must_use]
    pub const fn limited_use(&self) -> Option<&LimitedUse> {
        self.limited.as_ref()
    }

    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &LicenseTerms {
        &self.terms
    }

    /// The grants and the terms, once the use was taken that [`Self::limited_use`] names.
    ///
    /// # Errors
    ///
    /// When a use had to be taken and was not; then nothing may be opened.
    pub fn settle(self, count: UseCount) -> Result<(Vec<Grant>, LicenseTerms), Reason> {
        count.settles(self.limited.as_ref())?;
        Ok((self.grants, self.terms))
    }
}

/// Decides whether `caller` may have a license for the keys in `ask`.
pub fn decide_license(
    caller: &Caller,
    facts: &Facts,
    ask: &LicenseAsk,
    now: Timestamp,
) -> Decision<LicenseGrant> {
    let Facts { content, key_policy, entitled, .. } = facts;
    let mut trace = Trace::new();
    trace.add(rules::key_policy::check(content, key_policy));
    trace.add(rules::token::check(&key_policy.restriction, caller));
    trace.add(lifetime(&key_policy.restriction, caller, now));
    trace.add(rules::revocation::check(facts.standing));
    trace.add(rules::token_content::check(&key_policy.restriction, caller, content));
    trace.add(rules::window::check(&content.window, now));
    trace.add(rules::address::check(&key_policy.addresses, ask.address));
    let subject = caller.subject();
    trace.add(rules::entitlement::check(key_policy.entitlement, entitled, subject.as_ref(), now));
    let (keys, step) = rules::keys::pick(facts, caller, &ask.kids);
    trace.add(step);
    trace.add(rules::terms::check(&key_policy.terms, caller, ask.system));
    trace.add(rules::uses::check(caller, facts));

    trace.conclude(|| LicenseGrant {
        grants: keys
            .into_iter()
            .map(|key| {
                let (tenant, content) = (content.tenant.clone(), content.id.clone());
                Grant::new(tenant, content, key.kid, Purpose::License)
            })
            .collect(),
        terms: key_policy.terms.clone(),
        limited: limited_use(caller, facts),
    })
}

fn limited_use(caller: &Caller, facts: &Facts) -> Option<LimitedUse> {
    let Caller::Holder(token) = caller else { return None };
    let token = token.claims();
    Some(LimitedUse {
        max: token.max_uses?,
        // INVARIANT: `rules::uses` refused a token that is limited and has no identity.
        identity: token.identity()?,
        tenant: facts.content.tenant.clone(),
        over: token.lifetime.end().saturating_add(leeway(&facts.key_policy.restriction)),
    })
}

fn leeway(restriction: &Restriction) -> Duration {
    match restriction {
        Restriction::Open => Duration::ZERO,
        Restriction::Token(wanted) => wanted.leeway,
    }
}

fn lifetime(restriction: &Restriction, caller: &Caller, now: Timestamp) -> Step {
    let Caller::Holder(token) = caller else {
        return Step::skip(Rule::Lifetime, "there is no token");
    };
    rules::lifetime::check(&token.claims().lifetime, leeway(restriction), now)
}
