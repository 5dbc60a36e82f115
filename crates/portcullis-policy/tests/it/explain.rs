//! What an operator reads.

use portcullis_base::DrmSystem;
use portcullis_policy::{LicenseAsk, Reason, Verdict, decide_license};

use crate::{
    cast::{self, NOW},
    tokens,
};

#[test]
fn an_explanation_names_everything_that_stands_in_the_way() {
    let mut facts = cast::facts();
    cast::listed_for(&mut facts, -7200, -3600);
    facts.key_policy.entitlement = portcullis_policy::model::EntitlementRule::Listed;
    cast::window(&mut facts, 90, 7290);
    cast::denied(&mut facts);
    let ask = LicenseAsk {
        kids: vec![cast::SD, cast::FOREIGN],
        system: DrmSystem::ClearKey,
        address: Some(cast::AT_HOME),
    };
    let decision = decide_license(&tokens::for_film(), &facts, &ask, NOW);
    let expected = "\
content       allows  `film` under `standard`
token         allows  issued by `https://portcullis.example/` for `license`
lifetime      allows  the token is within its lifetime
revocation    skips   nothing of it was revoked
token-content allows  the token is for `film`
window        refuses opens at 2026-09-21T14:14:50Z, in 1 min 30 s
address       refuses 192.0.2.7 lies in the denied range 192.0.2.0/24
entitlement   refuses ended at 2026-09-21T13:13:20Z, 1 h ago
keys          allows  1 of 2 keys asked for: SD
terms         allows  clearkey can enforce the terms
uses          skips   the token may be used any number of times
refused: window.not_open (the content's time window has not begun)";
    assert_eq!(decision.to_string(), expected);
    assert_eq!(decision.reason(), Some(Reason::WindowNotOpen));
}

#[test]
fn a_decision_can_be_made_twice_and_comes_out_the_same() {
    let facts = cast::facts();
    let ask = LicenseAsk { kids: vec![cast::SD], system: DrmSystem::ClearKey, address: None };
    let caller = tokens::for_film();
    let first = decide_license(&caller, &facts, &ask, NOW);
    let second = decide_license(&caller, &facts, &ask, NOW);
    assert_eq!(first.trace(), second.trace());
    assert!(first.trace().iter().all(|step| !matches!(step.verdict, Verdict::Refuse(_))));
    assert!(first.to_string().ends_with("\nallowed"));
}
