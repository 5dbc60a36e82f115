//! What is told about the keys of issuers: log lines, and a report for the orchestrator.
//!
//! Keys are told by name and thumbprint. Places are told without the values of their query.

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};
use portcullis_policy::model::KeySource;
use portcullis_token::{
    jwks::{self, JwkFault, KeySet},
    jwt::VerificationKey,
};

use super::{FetchedSet, KeySources, Place};

/// How one place is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// The place, without the values of its query.
    pub url: String,
    /// Whether its tokens can be verified.
    pub state: SourceState,
    /// How many keys the last good set has.
    pub keys: usize,
    /// How many seconds ago that was fetched.
    pub age_s: Option<u64>,
    /// What went wrong since.
    pub fault: Option<String>,
}

/// Whether the tokens of a place can be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceState {
    /// Nothing was fetched yet.
    Missing,
    /// The last good set is too old.
    TooOld,
    /// They can.
    Usable,
}

impl SourceState {
    /// The name used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooOld => "too old",
            Self::Usable => "usable",
        }
    }
}

impl SourceReport {
    /// The form `/readyz` shows.
    pub(crate) fn to_json(&self) -> Value {
        let count = |number: usize| Value::from(u64::try_from(number).unwrap_or(u64::MAX));
        let members = [
            ("age_s", self.age_s.map_or(Value::Null, Value::from)),
            ("fault", self.fault.as_deref().map_or(Value::Null, Value::from)),
            ("keys", count(self.keys)),
            ("state", self.state.as_str().into()),
            ("url", self.url.as_str().into()),
        ];
        let named = members.map(|(name, value)| (name.to_owned(), value));
        Value::Object(Object::from(named))
    }
}

impl KeySources {
    /// How every place is doing, in order of their URLs.
    #[must_use]
    pub fn report(&self, now: Timestamp) -> Vec<SourceReport> {
        let places = self.places();
        let one = |(source, place): (&KeySource, &Place)| SourceReport {
            url: source.url.to_string(),
            state: match &place.set {
                None => SourceState::Missing,
                Some(set) if set.usable_until < now => SourceState::TooOld,
                Some(_) => SourceState::Usable,
            },
            keys: place.set.as_ref().map_or(0, |set| set.keys.len()),
            age_s: place.set.as_ref().map(|set| set.at.until(now).as_secs()),
            fault: place.fault.clone(),
        };
        let mut all: Vec<_> = places.all.iter().map(one).collect();
        drop(places);
        all.sort_by(|one, other| one.url.cmp(&other.url));
        all
    }
}

/// Says what changed; quiet when nothing did.
pub(super) fn log_fetched(
    source: &KeySource,
    old: Option<&[VerificationKey]>,
    new: &KeySet,
    failures: u32,
) {
    let names = |keys: &[VerificationKey]| keys.iter().map(name).collect::<Vec<_>>();
    let names_new = names(&new.keys);
    if old.is_some_and(|old| names(old) == names_new) {
        if failures > 0 {
            tracing::info!(failures, "keys come from {source} again");
        }
        return;
    }
    for left_out in &new.left_out {
        let (kid, fault) = (left_out.kid.as_deref().unwrap_or("-"), left_out.fault);
        if matches!(fault, JwkFault::Private | JwkFault::Secret) {
            tracing::error!(key.id = kid, %fault, "{source} publishes a secret key");
        } else {
            tracing::info!(key.id = kid, %fault, "a key from {source} is not used");
        }
    }
    if new.keys.is_empty() {
        tracing::error!("there is no usable key in what {source} publishes");
    } else {
        tracing::info!(keys = names_new.join(", "), "new keys come from {source}");
    }
}

/// Each failure is one line; an error when requests are refused because of it.
pub(super) fn log_failure(
    source: &KeySource,
    set: Option<&FetchedSet>,
    fault: &str,
    now: Timestamp,
) {
    match set {
        Some(set) if set.usable_until >= now => {
            let age_s = set.at.until(now).as_secs();
            tracing::warn!(fault, age_s, "no keys come from {source}; the last ones are used");
        }
        _ => tracing::error!(fault, "no keys come from {source}; its tokens are refused"),
    }
}

fn name(key: &VerificationKey) -> String {
    let thumbprint = jwks::thumbprint(key).unwrap_or_default();
    format!("{} `{}` {thumbprint}", key.algorithm(), key.kid().unwrap_or_default())
}
