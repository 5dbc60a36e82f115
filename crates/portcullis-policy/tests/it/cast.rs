//! The tenant, the film and the people that every behaviour is tried with.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use portcullis_base::{KeyId, Scheme, Timestamp, TrackClass, UserId};
use portcullis_drm::{Hdcp, LicenseTerms};
use portcullis_policy::{
    EdgeRoute, Level,
    model::{
        AddressRule, AllowedAddresses, AllowedClasses, Binding, Content, Entitlement,
        EntitlementRule, Facts, KeyPolicy, Operator, RequiredClaim, Restriction, Role, Standing,
        TokenRestriction, TrackKey, Window,
    },
};

pub(crate) const NOW: Timestamp = Timestamp(1_790_000_000);
pub(crate) const AT_HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
pub(crate) const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));
pub(crate) const AUDIO: KeyId = KeyId::from_bytes([0xa0; 16]);
pub(crate) const SD: KeyId = KeyId::from_bytes([0x5d; 16]);
pub(crate) const HD: KeyId = KeyId::from_bytes([0x4d; 16]);
pub(crate) const FOREIGN: KeyId = KeyId::from_bytes([0xff; 16]);
pub(crate) const ISSUER: &str = "https://portcullis.example/";
pub(crate) const AUDIENCE: &str = "license";

pub(crate) fn film() -> Content {
    let key = |kid, class| TrackKey { kid, class, scheme: Scheme::Cenc };
    Content {
        id: "film".parse().unwrap(),
        tenant: "t1".parse().unwrap(),
        key_policy: "standard".parse().unwrap(),
        window: Window::ALWAYS,
        keys: vec![key(AUDIO, TrackClass::Audio), key(SD, TrackClass::Sd), key(HD, TrackClass::Hd)],
    }
}

/// A key policy that asks for a token and nothing else.
pub(crate) fn facts() -> Facts {
    let restriction = TokenRestriction {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        required_claims: Vec::new(),
        binding: Binding::Required,
        leeway: Duration::ZERO,
        lifetime_max: Duration::from_secs(1800),
        key_source: None,
    };
    let key_policy = KeyPolicy {
        name: "standard".parse().unwrap(),
        restriction: Restriction::Token(restriction),
        terms: LicenseTerms::UNRESTRICTED,
        classes: AllowedClasses::Any,
        entitlement: EntitlementRule::Anyone,
        addresses: AddressRule::NONE,
    };
    Facts {
        content: film(),
        key_policy,
        entitled: Entitlement::Absent,
        standing: Standing::Good,
        revoked_keys: BTreeSet::new(),
        used: None,
    }
}

pub(crate) fn token_restriction(facts: &mut Facts) -> &mut TokenRestriction {
    match &mut facts.key_policy.restriction {
        Restriction::Open => panic!("the key policy is open"),
        Restriction::Token(wanted) => wanted,
    }
}

pub(crate) fn open(facts: &mut Facts) {
    facts.key_policy.restriction = Restriction::Open;
}

pub(crate) fn binding_optional(facts: &mut Facts) {
    token_restriction(facts).binding = Binding::Optional;
}

pub(crate) fn tier_gold(facts: &mut Facts) {
    let claim = RequiredClaim { name: "tier".to_owned(), value: Some("gold".to_owned()) };
    token_restriction(facts).required_claims.push(claim);
}

pub(crate) fn listed(facts: &mut Facts) {
    facts.key_policy.entitlement = EntitlementRule::Listed;
    facts.entitled =
        Entitlement::Listed { subject: "alice".parse().unwrap(), window: Window::ALWAYS };
}

pub(crate) fn listed_for(facts: &mut Facts, from: i64, to: i64) {
    let window = window_around(from, to);
    facts.entitled = Entitlement::Listed { subject: "alice".parse().unwrap(), window };
}

pub(crate) fn unreadable(facts: &mut Facts) {
    facts.entitled = Entitlement::Unavailable;
}

/// The facts as the store brings them for `subject`: nobody else's entry.
pub(crate) fn for_subject(facts: &Facts, subject: Option<&UserId>) -> Facts {
    let mut facts = facts.clone();
    if matches!(&facts.entitled, Entitlement::Listed { subject: of, .. } if Some(of) != subject) {
        facts.entitled = Entitlement::Absent;
    }
    facts
}

pub(crate) fn window(facts: &mut Facts, from: i64, to: i64) {
    facts.content.window = window_around(from, to);
}

fn window_around(from: i64, to: i64) -> Window {
    let second = |offset| NOW.0.checked_add_signed(offset).map(Timestamp);
    Window::new(second(from), second(to)).unwrap()
}

pub(crate) fn denied(facts: &mut Facts) {
    facts.key_policy.addresses.deny = vec!["192.0.2.0/24".parse().unwrap()];
}

pub(crate) fn allowed_none(facts: &mut Facts) {
    facts.key_policy.addresses.allow = AllowedAddresses::Only(Vec::new());
}

pub(crate) fn up_to_sd(facts: &mut Facts) {
    facts.key_policy.classes =
        AllowedClasses::Only([TrackClass::Audio, TrackClass::Sd].into_iter().collect());
}

pub(crate) fn hdcp(facts: &mut Facts) {
    facts.key_policy.terms.hdcp = Hdcp::V2_2;
}

pub(crate) fn issuer() -> Operator {
    api_key("t1", Role::Issuer)
}

pub(crate) fn admin() -> Operator {
    api_key("t1", Role::Admin)
}

pub(crate) fn viewer() -> Operator {
    api_key("t1", Role::Viewer)
}

pub(crate) fn packager() -> Operator {
    api_key("t1", Role::Packager)
}

pub(crate) fn stranger() -> Operator {
    api_key("t2", Role::Issuer)
}

pub(crate) fn strange_packager() -> Operator {
    api_key("t2", Role::Packager)
}

pub(crate) fn local() -> Operator {
    Operator::Local { tenant: "t1".parse().unwrap() }
}

fn api_key(tenant: &str, role: Role) -> Operator {
    Operator::ApiKey { tenant: tenant.parse().unwrap(), role }
}

pub(crate) fn route() -> EdgeRoute {
    EdgeRoute {
        level: Level::Token,
        addresses: AddressRule::NONE,
        access_lifetime_max: Duration::from_secs(600),
        session_lifetime_max: Duration::from_secs(86_400),
    }
}

pub(crate) fn open_route() -> EdgeRoute {
    EdgeRoute { level: Level::Open, ..route() }
}

pub(crate) fn denied_route() -> EdgeRoute {
    let deny = vec!["192.0.2.0/24".parse().unwrap()];
    EdgeRoute { addresses: AddressRule { deny, ..AddressRule::NONE }, ..route() }
}
