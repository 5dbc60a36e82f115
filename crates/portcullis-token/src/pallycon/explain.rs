//! Shows a token, field by field and check by check.
//!
//! The policy is shown when the site's keys are there and the hash is right; keys in it never
//! are.

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};

use super::{
    Asked, PallyConSettings, PallyConSite, PallyConToken,
    policy::Document,
    timestamp,
    token::{is_custom_data, members},
};
use crate::{
    fault::{Fault, Step},
    format::{Explanation, Shown, advice},
    watch::{Check, Outcome, Recorder},
};

pub(super) fn explain(
    raw: &str,
    site: Option<&PallyConSite>,
    asked: Option<&Asked<'_>>,
    now: Timestamp,
) -> Explanation {
    let mut all = Explanation {
        format: super::format::ABOUT.name,
        fields: Vec::new(),
        checks: Vec::new(),
        claims: None,
    };
    let said = match members(raw) {
        Ok(said) => said,
        Err(refused) => {
            let outcome = Outcome::Failed(refused.fault);
            all.checks.push(Check { step: refused.step, outcome });
            return all;
        }
    };
    let count = said.len();
    all.fields = show_members(&said, now);
    let token = match PallyConToken::from_members(said) {
        Ok(token) => token,
        Err(refused) => {
            let outcome = Outcome::Failed(refused.fault);
            all.checks.push(Check { step: refused.step, outcome });
            return all;
        }
    };
    let passed = Outcome::Passed(format!("strict JSON with {count} members"));
    let mut recorder = Recorder { checks: vec![Check { step: Step::Form, outcome: passed }] };
    let Ok(mut found) = token.walk(site, asked, now, &mut recorder);
    all.checks = recorder.checks;
    if let Some(text) = found.policy_text.take() {
        show_policy(&text, &mut all.fields);
    }
    let settings = site.map_or_else(PallyConSettings::default, |site| site.settings);
    let claims = token.claims(found, &settings);
    all.saying(&claims)
}

/// The members in the guide's order, then those it does not know.
fn show_members(said: &Object, now: Timestamp) -> Vec<Shown> {
    let known = ORDER.into_iter().filter_map(|name| said.get_key_value(name));
    let others = said.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
    let show = |(name, value): (&String, &Value)| {
        let shown = Shown::new(name, plain(value));
        match name.as_str() {
            "cid" => shown.noted("must be the content that the request asks for"),
            "data" if is_custom_data(said) => {
                shown.noted("this is custom data for the callback, not a license token")
            }
            "drm_type" | "hash" | "site_id" => shown,
            "key_rotation" | "response_format" => {
                shown.noted("a hint: not under the hash, a client can change it")
            }
            "policy" => shown.noted("encrypted"),
            "timestamp" => match value.as_str().and_then(timestamp::read) {
                None => shown.noted("not a time such as `2026-01-31T12:00:00Z`"),
                Some(time) => match slip(time, now) {
                    Some(note) => shown.noted(note),
                    None => shown,
                },
            },
            "token" => shown.noted("encrypted; the older name of `policy`"),
            "user_id" if value.as_str() == Some(super::NO_USER) => shown.noted("nobody"),
            "user_id" => shown,
            _ => shown.noted("ignored"),
        }
    };
    known.chain(others).map(show).collect()
}

/// What seems to be wrong with the clock of whoever made the token.
///
/// It is told from the timestamp and not from the end, which lies ten minutes later: only the
/// timestamp is a time zone's offset away.
fn slip(time: Timestamp, now: Timestamp) -> Option<String> {
    let fault = if time > now {
        Fault::NotYet { start: time }
    } else if time.until(now) > PallyConSettings::default().duration {
        Fault::Expired { end: time }
    } else {
        return None;
    };
    advice(&fault, now)
}

/// Every leaf of the policy by its path. What could be a key is not shown.
fn show_policy(text: &[u8], fields: &mut Vec<Shown>) {
    let Ok(document) = Document::parse(text) else { return };
    let mut open = vec![("policy".to_owned(), &document.0)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Array(items) => {
                let items = items.iter().enumerate().rev();
                open.extend(items.map(|(at, item)| (format!("{path}[{at}]"), item)));
            }
            Value::Object(members) => {
                let members = members.iter().rev();
                open.extend(members.map(|(name, item)| (format!("{path}.{name}"), item)));
            }
            leaf => fields.push(show_leaf(path, leaf)),
        }
    }
    let said = |name: &str| fields.iter().position(|field| field.name == name);
    let lasting = said("policy.playback_policy.license_duration")
        .and_then(|at| fields.get(at))
        .is_some_and(|field| field.value != "0");
    let expiry = said("policy.playback_policy.expire_date").and_then(|at| fields.get_mut(at));
    if let Some(expiry) = expiry.filter(|_| lasting) {
        expiry.note = Some("ignored, for `license_duration` is set".to_owned());
    }
}

fn show_leaf(path: String, leaf: &Value) -> Shown {
    let mut names = path.split(['.', '[']).skip(1);
    // SECURITY: what is known to hold no key is shown; under a name nobody knows may be one.
    let among_keys = names.next().is_some_and(|name| !WITHOUT_KEYS.contains(&name));
    let last = path.rsplit('.').next().unwrap_or_default();
    if among_keys && !["iv", "key_id", "track_type"].contains(&last) {
        return Shown::new(path, "…").noted("not shown: it may be a key");
    }
    Shown::new(path, plain(leaf))
}

/// The members of a policy in which no key can stand.
const WITHOUT_KEYS: [&str; 3] = ["playback_policy", "policy_version", "security_policy"];

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

const ORDER: [&str; 11] = [
    "drm_type",
    "site_id",
    "user_id",
    "cid",
    "policy",
    "token",
    "data",
    "timestamp",
    "hash",
    "response_format",
    "key_rotation",
];
