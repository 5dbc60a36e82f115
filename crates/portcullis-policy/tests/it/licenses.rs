//! What is granted when the answer is yes.

use std::{num::NonZeroU32, time::Duration};

use portcullis_base::{DrmSystem, KeyId, json::Value};
use portcullis_policy::{
    EdgeAsk, EdgeKind, EdgeRoute, LicenseAsk, Purpose, Reason, TokenAsk, UseCount,
    claims::USES_CLAIM,
    decide_edge, decide_license, decide_token,
    model::{Entitlement, Facts, RequiredClaim, Standing},
};

use crate::{
    cast::{self, NOW},
    tokens::{self, EdgeTokens},
};

fn ask(kids: &[KeyId]) -> LicenseAsk {
    LicenseAsk { kids: kids.to_vec(), system: DrmSystem::ClearKey, address: None }
}

#[track_caller]
fn check_kids(facts: &Facts, asked: &[KeyId], expected: Result<&[KeyId], Reason>) {
    let decision = decide_license(&tokens::for_film(), facts, &ask(asked), NOW);
    let granted = decision.into_allowed().map(|grant| grant.kids().copied().collect::<Vec<_>>());
    assert_eq!(granted, expected.map(<[_]>::to_vec));
}

#[test]
fn a_license_contains_keys_that_were_asked_for_and_no_others() {
    let facts = cast::facts();
    check_kids(&facts, &[cast::SD], Ok(&[cast::SD]));
    check_kids(&facts, &[cast::HD, cast::AUDIO], Ok(&[cast::AUDIO, cast::HD]));
    check_kids(&facts, &[cast::SD, cast::SD], Ok(&[cast::SD]));
    check_kids(&facts, &[cast::SD, cast::FOREIGN], Ok(&[cast::SD]));
    check_kids(&facts, &[], Err(Reason::KeyUnknown));
}

#[test]
fn a_class_that_is_not_allowed_is_left_out() {
    let mut facts = cast::facts();
    cast::up_to_sd(&mut facts);
    let all = [cast::AUDIO, cast::SD, cast::HD];
    check_kids(&facts, &all, Ok(&[cast::AUDIO, cast::SD]));
    check_kids(&facts, &[cast::HD], Err(Reason::KeyClass));
}

#[test]
fn a_grant_says_whose_key_it_opens_and_what_for() {
    let facts = cast::facts();
    let decision = decide_license(&tokens::for_film(), &facts, &ask(&[cast::SD]), NOW);
    let grant = decision.into_allowed().unwrap();
    let (grants, terms) = grant.settle(UseCount::NotCounted).unwrap();
    assert_eq!(terms, facts.key_policy.terms);
    assert_eq!(grants[0].tenant(), &facts.content.tenant);
    assert_eq!(grants[0].content(), &facts.content.id);
    assert_eq!(grants[0].purpose(), Purpose::License);
}

#[test]
fn an_entitlement_taken_away_counts_although_the_token_lives_on() {
    let mut facts = cast::facts();
    cast::listed(&mut facts);
    check_kids(&facts, &[cast::SD], Ok(&[cast::SD]));
    facts.entitled = Entitlement::Absent;
    check_kids(&facts, &[cast::SD], Err(Reason::EntitlementMissing));
}

#[test]
fn the_milder_key_policy_of_another_content_is_not_used() {
    let mut facts = cast::facts();
    facts.content.key_policy = "strict".parse().unwrap();
    check_kids(&facts, &[cast::SD], Err(Reason::RuleUnavailable));
}

fn token_ask(key: Option<KeyId>) -> TokenAsk {
    let subject = "alice".parse().unwrap();
    TokenAsk { requester: cast::issuer(), subject, address: None, key, max_uses: None }
}

#[track_caller]
fn check_lifetime(change: impl FnOnce(&mut Facts), expected_s: u64) {
    let mut facts = cast::facts();
    cast::listed(&mut facts);
    change(&mut facts);
    let grant = decide_token(&token_ask(None), &facts, NOW).into_allowed().unwrap();
    assert_eq!(grant.lifetime(), Duration::from_secs(expected_s));
}

#[test]
fn a_token_does_not_outlive_the_window_or_the_entitlement() {
    check_lifetime(|_| (), 1800);
    check_lifetime(|facts| cast::window(facts, -1, 1801), 1800);
    check_lifetime(|facts| cast::window(facts, -1, 1799), 1799);
    check_lifetime(|facts| cast::window(facts, -1, 1), 1);
    check_lifetime(|facts| cast::listed_for(facts, 0, 60), 60);
}

#[test]
fn a_counted_token_is_short_and_says_how_often_it_may_be_used() {
    let mut facts = cast::facts();
    cast::token_restriction(&mut facts).lifetime_max = Duration::from_secs(86_400);
    let grant = |facts: &Facts, uses: Option<u32>| {
        let max_uses = uses.and_then(NonZeroU32::new);
        decide_token(&TokenAsk { max_uses, ..token_ask(None) }, facts, NOW).into_allowed()
    };
    let unlimited = grant(&facts, None).unwrap();
    assert_eq!(unlimited.lifetime(), Duration::from_secs(86_400));
    assert_eq!(unlimited.claims().get(USES_CLAIM), None);
    let counted = grant(&facts, Some(3)).unwrap();
    assert_eq!(counted.lifetime(), Duration::from_secs(3600));
    assert_eq!(counted.claims().get(USES_CLAIM), Some(&Value::from("3")));

    // A key policy that wants its tokens counted.
    let want = |facts: &mut Facts, value: Option<&str>| {
        let claim = RequiredClaim { name: USES_CLAIM.to_owned(), value: value.map(str::to_owned) };
        cast::token_restriction(facts).required_claims = vec![claim];
    };
    want(&mut facts, None);
    assert_eq!(grant(&facts, None).unwrap_err(), Reason::RuleUnavailable);
    assert_eq!(grant(&facts, Some(3)).unwrap().lifetime(), Duration::from_secs(3600));
    want(&mut facts, Some("1"));
    assert_eq!(grant(&facts, Some(3)).unwrap_err(), Reason::RuleUnavailable);
    let fixed = grant(&facts, None).unwrap();
    assert_eq!(fixed.claims().get(USES_CLAIM), Some(&Value::from("1")));
    assert_eq!(fixed.lifetime(), Duration::from_secs(3600));
}

#[test]
fn a_token_we_may_issue_is_one_the_license_accepts() {
    let mut facts = cast::facts();
    cast::listed(&mut facts);
    cast::tier_gold(&mut facts);
    let claims = &mut cast::token_restriction(&mut facts).required_claims;
    let key_claim = portcullis_policy::claims::KEY_CLAIM.to_owned();
    claims.push(RequiredClaim { name: key_claim, value: None });

    let grant = decide_token(&token_ask(Some(cast::SD)), &facts, NOW).into_allowed().unwrap();
    let claims = grant.claims().iter().map(|(name, value)| (&**name, value.clone()));
    let caller = tokens::holder("alice", &claims.collect::<Vec<_>>());
    let all = ask(&[cast::AUDIO, cast::SD, cast::HD]);
    let license = decide_license(&caller, &facts, &all, NOW).into_allowed().unwrap();
    assert_eq!(license.kids().count(), 1, "the token names one key");

    let reason = decide_token(&token_ask(None), &facts, NOW).reason();
    assert_eq!(reason, Some(Reason::KeyUnknown), "such a token has to name a key");
}

#[test]
fn a_required_claim_whose_value_nobody_knows_cannot_be_issued() {
    let mut facts = cast::facts();
    let claim = RequiredClaim { name: "device".to_owned(), value: None };
    cast::token_restriction(&mut facts).required_claims.push(claim);
    let reason = decide_token(&token_ask(None), &facts, NOW).reason();
    assert_eq!(reason, Some(Reason::RuleUnavailable));
}

#[test]
fn required_claims_compare_by_their_text() {
    let check = |value: Value, wanted: Option<&str>, expected: Option<Reason>| {
        let mut facts = cast::facts();
        let claim = RequiredClaim { name: "x".to_owned(), value: wanted.map(str::to_owned) };
        cast::token_restriction(&mut facts).required_claims.push(claim);
        let content = (portcullis_policy::claims::CONTENT_CLAIM, Value::from("film"));
        let caller = tokens::holder("alice", &[content, ("x", value)]);
        let reason = decide_license(&caller, &facts, &ask(&[cast::SD]), NOW).reason();
        assert_eq!(reason, expected);
    };
    let wrong = Some(Reason::TokenClaim);
    check(Value::from(7), Some("7"), None);
    check(Value::from(true), Some("true"), None);
    check(Value::from(true), Some("True"), wrong);
    check(Value::from("gold"), Some("gold"), None);
    check(Value::from("gold "), Some("gold"), wrong);
    check(Value::Array(vec![Value::from("a"), Value::from("b")]), Some("b"), None);
    check(Value::Array(vec![Value::from("a")]), Some("b"), wrong);
    check(Value::Null, None, wrong);
    check(Value::from("anything"), None, None);
}

#[test]
fn a_session_lasts_as_long_as_the_shortest_of_route_media_and_a_day() {
    let check = |route_s: u64, media: Option<Duration>, expected_s: u64| {
        let session_lifetime_max = Duration::from_secs(route_s);
        let route = EdgeRoute { session_lifetime_max, ..cast::route() };
        let ask = EdgeAsk { media_duration: media, ..manifest() };
        let caller = EdgeTokens::access().verify(&ask).unwrap();
        let admission = decide_edge(&caller, &route, &ask, NOW).into_allowed().unwrap();
        let session = admission.session().unwrap();
        assert_eq!(session.lifetime(), Duration::from_secs(expected_s));
    };
    check(86_401, None, 86_400);
    check(86_399, None, 86_399);
    check(3600, Some(Duration::from_secs(3599)), 3599);
    check(3600, Some(Duration::from_secs(3601)), 3600);
    check(3600, Some(Duration::from_millis(500)), 1);
}

#[test]
fn a_session_carries_over_what_the_access_token_says() {
    let ask = manifest();
    let caller = EdgeTokens::access().verify(&ask).unwrap();
    let admission = decide_edge(&caller, &cast::route(), &ask, NOW).into_allowed().unwrap();
    assert_eq!(admission.path(), ask.path);
    let session = admission.session().unwrap();
    assert_eq!(session.acl().as_str(), "/media/film/*");
    assert_eq!(session.id(), Some("one"));
    assert_eq!(session.data(), Some("alice"));
    assert_eq!(session.address(), None);
}

#[test]
fn the_path_admitted_is_the_one_the_token_covers() {
    let caller = EdgeTokens::access().verify(&manifest()).unwrap();
    let other = EdgeAsk { path: "/media/other/manifest.mpd", ..manifest() };
    let reason = decide_edge(&caller, &cast::route(), &other, NOW).reason();
    assert_eq!(reason, Some(Reason::TokenPath));
}

fn manifest() -> EdgeAsk<'static> {
    EdgeAsk {
        path: "/media/film/manifest.mpd",
        kind: EdgeKind::Manifest,
        address: Some(cast::AT_HOME),
        media_duration: None,
        standing: Standing::Good,
    }
}
