//! Which of the keys asked for a license may contain.
//!
//! Keys that are not the content's, that the token does not cover, that were revoked or whose
//! class is not allowed are left out (SEC-08); the license is smaller, not refused. Only when
//! nothing is left is that a refusal.

use portcullis_base::KeyId;
use portcullis_token::native::Playback;

use crate::{
    Caller, Reason, Rule, claims,
    decision::Step,
    model::{Facts, TrackKey},
};

/// Picks the keys that may be granted. With a step that refuses, there are none.
pub(crate) fn pick<'a>(
    facts: &'a Facts,
    caller: &Caller,
    asked: &[KeyId],
) -> (Vec<&'a TrackKey>, Step) {
    let refuse = |reason, detail: String| (Vec::new(), Step::refuse(Rule::Keys, reason, detail));
    let (only_key, playback) = match caller {
        Caller::Anonymous => (None, Some(Playback::default())),
        Caller::Holder(token) => (token.claims().content_key_id, claims::playback(token.claims())),
    };
    let Some(playback) = playback else {
        let detail = "one of the claims of our own cannot be read, or is unknown".to_owned();
        return refuse(Reason::TokenClaim, detail);
    };

    let content = &facts.content;
    let known: Vec<_> = content.keys.iter().filter(|key| asked.contains(&key.kid)).collect();
    if known.is_empty() {
        let detail = format!("none of {} keys asked for is one of `{}`", asked.len(), content.id);
        return refuse(Reason::KeyUnknown, detail);
    }
    let named = |key: &&TrackKey| only_key.is_none_or(|only| only == key.kid);
    if !known.iter().any(named) {
        let detail = "the token names another key than those asked for".to_owned();
        return refuse(Reason::TokenContent, detail);
    }
    if known.iter().copied().filter(named).all(|key| facts.revoked_keys.contains(&key.kid)) {
        let detail = format!("only {} asked for, all of them revoked", list(&known));
        return refuse(Reason::KeyRevoked, detail);
    }
    let allowed = |key: &&TrackKey| {
        facts.key_policy.classes.contains(key.class)
            && playback.terms.allows_class(key.class)
            && !facts.revoked_keys.contains(&key.kid)
    };
    let granted: Vec<_> = known.iter().copied().filter(named).filter(allowed).collect();
    if granted.is_empty() {
        let detail = format!("only {} asked for, none of them allowed", list(&known));
        return refuse(Reason::KeyClass, detail);
    }
    let detail = format!("{} of {} keys asked for: {}", granted.len(), asked.len(), list(&granted));
    (granted, Step::allow(Rule::Keys, detail))
}

fn list(keys: &[&TrackKey]) -> String {
    keys.iter().map(|key| key.class.as_str()).collect::<Vec<_>>().join(", ")
}
