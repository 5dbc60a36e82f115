//! May a playback token be issued to this user for this content?
//!
//! The tenant's own back end asks, on behalf of a viewer. Whatever would refuse the license
//! later is looked at now, so that a viewer who may not watch is told before the player
//! starts; and it is looked at again then. Nothing is signed here.

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use portcullis_base::{
    ContentId, KeyId, Timestamp, UserId,
    json::{Object, Value},
};

use crate::{
    Decision, Reason, Rule,
    claims::{CONTENT_CLAIM, KEY_CLAIM, USES_CLAIM},
    decision::{Step, Trace},
    model::{Content, Entitlement, EntitlementRule, Facts, Operator, Restriction, Role},
    model::{RequiredClaim, TokenRestriction},
    rules,
};
use portcullis_token::jwt::COUNTED_LIFETIME_MAX;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAsk {
    /// Who asks.
    pub requester: Operator,
    /// The viewer the token is for.
    pub subject: UserId,
    /// The viewer's address, if the requester tells it. If not, the address is looked at
    /// when the license is asked for.
    pub address: Option<IpAddr>,
    /// A key to name in the token, for players and policies that expect it.
    pub key: Option<KeyId>,
    /// How often the token is to be good for a license; without end if absent.
    pub max_uses: Option<NonZeroU32>,
}

/// A token that may be issued.
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(one: &T) -> T { one.clone() }
/// fn spend(grant: &portcullis_policy::TokenGrant) { twice(grant); }
/// ```
///
/// ```compile_fail,E0451
/// let forged = portcullis_policy::TokenGrant { lifetime: std::time::Duration::MAX, ..todo!() };
/// ```
#[derive(Debug)]
#[must_use = "a grant that is not acted on must be recorded as abandoned"]
pub struct TokenGrant {
    content: ContentId,
    subject: UserId,
    issuer: String,
    audience: String,
    lifetime: Duration,
    claims: Object,
}

impl TokenGrant {
    /// The content the token is for.
    #[must_use]
    pub const fn content(&self) -> &ContentId {
        &self.content
    }

    /// The viewer the token is for.
    #[must_use]
    pub const fn subject(&self) -> &UserId {
        &self.subject
    }

    /// The issuer to name.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The audience to name.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// How long the token may live, in whole seconds, at least one. Never longer than the
    /// content's window or the viewer's entitlement.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The claims to put in besides the registered ones: what the token is for, and the
    /// required ones with a fixed value.
    #[must_use]
    pub const fn claims(&self) -> &Object {
        &self.claims
    }
}

/// Decides whether a token for the content may be issued.
pub fn decide_token(ask: &TokenAsk, facts: &Facts, now: Timestamp) -> Decision<TokenGrant> {
    let Facts { content, key_policy, entitled, .. } = facts;
    let mut trace = Trace::new();
    trace.add(rules::tenant::check(&ask.requester, content));
    trace.add(rules::role::check(&ask.requester, Role::Issuer));
    trace.add(rules::key_policy::check(content, key_policy));
    trace.add(rules::revocation::check(facts.standing));
    trace.add(restriction(&key_policy.restriction, ask));
    trace.add(rules::window::check(&content.window, now));
    trace.add(match ask.address {
        None => Step::skip(Rule::Address, "not told; looked at when the license is asked for"),
        address @ Some(_) => rules::address::check(&key_policy.addresses, address),
    });
    let rule = key_policy.entitlement;
    trace.add(rules::entitlement::check(rule, entitled, Some(&ask.subject), now));
    trace.add(key(ask.key, content));

    let Restriction::Token(wanted) = &key_policy.restriction else {
        return trace.refuse();
    };
    trace.conclude(|| TokenGrant {
        content: content.id.clone(),
        subject: ask.subject.clone(),
        issuer: wanted.issuer.clone(),
        audience: wanted.audience.clone(),
        lifetime: lifetime(wanted, facts, ask, now),
        claims: claims(wanted, content, ask),
    })
}

fn restriction(restriction: &Restriction, ask: &TokenAsk) -> Step {
    let Restriction::Token(wanted) = restriction else {
        let detail = "the key policy asks for no token";
        return Step::refuse(Rule::Token, Reason::TokenUnneeded, detail);
    };
    if wanted.lifetime_max.as_secs() == 0 {
        let detail = "the key policy leaves tokens no second to live";
        return Step::refuse(Rule::Token, Reason::RuleUnavailable, detail);
    }
    let cannot_fill = |claim: &&RequiredClaim| {
        if claim.name == USES_CLAIM {
            let asked = ask.max_uses.map(|uses| uses.to_string());
            return match &claim.value {
                None => asked.is_none(),
                Some(fixed) => asked.is_some_and(|asked| asked != *fixed),
            };
        }
        let ours = claim.name == CONTENT_CLAIM || claim.name == "sub";
        let named_key = claim.name == KEY_CLAIM && ask.key.is_some();
        claim.value.is_none() && !ours && !named_key
    };
    match wanted.required_claims.iter().find(cannot_fill) {
        None => {
            let detail = format!("issued as `{}` for `{}`", wanted.issuer, wanted.audience);
            Step::allow(Rule::Token, detail)
        }
        Some(claim) if claim.name == KEY_CLAIM => {
            let detail = "the key policy wants tokens to name a key, and none was asked for";
            Step::refuse(Rule::Token, Reason::KeyUnknown, detail)
        }
        Some(claim) => {
            let detail = format!("the key policy wants `{}`, which has no value here", claim.name);
            Step::refuse(Rule::Token, Reason::RuleUnavailable, detail)
        }
    }
}

fn key(asked: Option<KeyId>, content: &Content) -> Step {
    match asked {
        None => Step::skip(Rule::Keys, "no key is to be named"),
        Some(kid) if content.key(&kid).is_some() => {
            Step::allow(Rule::Keys, format!("the key {kid} is the content's"))
        }
        Some(kid) => {
            let detail = format!("`{}` has no key {kid}", content.id);
            Step::refuse(Rule::Keys, Reason::KeyUnknown, detail)
        }
    }
}

fn lifetime(wanted: &TokenRestriction, facts: &Facts, ask: &TokenAsk, now: Timestamp) -> Duration {
    let entitled_until = match (facts.key_policy.entitlement, &facts.entitled) {
        (EntitlementRule::Listed, Entitlement::Listed { window, .. }) => window.closes(),
        _ => None,
    };
    let until = |end: Option<Timestamp>| end.map_or(Duration::MAX, |end| now.until(end));
    let longest = Duration::from_secs(wanted.lifetime_max.as_secs());
    let limits = |claim: &RequiredClaim| {
        claim.name == USES_CLAIM && claim.value.as_deref() != Some("unlimited")
    };
    let required = wanted.required_claims.iter().any(limits);
    let counted = ask.max_uses.is_some() || required;
    let longest = if counted { longest.min(COUNTED_LIFETIME_MAX) } else { longest };
    longest.min(until(facts.content.window.closes())).min(until(entitled_until))
}

fn claims(wanted: &TokenRestriction, content: &Content, ask: &TokenAsk) -> Object {
    let fixed = wanted.required_claims.iter().filter_map(|claim| {
        claim.value.as_ref().map(|value| (claim.name.clone(), Value::from(value.as_str())))
    });
    let mut claims: Object = fixed.collect();
    claims.insert(CONTENT_CLAIM.to_owned(), Value::from(content.id.as_str()));
    if let Some(uses) = ask.max_uses {
        claims.insert(USES_CLAIM.to_owned(), Value::from(uses.to_string()));
    }
    if let Some(kid) = ask.key {
        claims.insert(KEY_CLAIM.to_owned(), Value::from(kid.to_string()));
    }
    claims
}
