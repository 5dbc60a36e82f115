//! Re-issues a verified token in another family.
//!
//! What the new family cannot say is not guessed from a table: the new token is verified in
//! its own family, and what it says is compared with what the old one said, leaf by leaf.

use std::collections::BTreeMap;

use portcullis_base::{Rng, Timestamp, json::Value};

use super::{Format, Given, GivenFault, Issued, Request};
use crate::{Verified, claims::Claims};

/// A token in its new family.
#[derive(Debug)]
pub struct Converted {
    /// The new token.
    pub issued: Issued,
    /// What the new token does not say as the old one did.
    pub losses: Vec<Loss>,
}

/// Something that changed on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What, in the words of [`Claims::to_json`], members joined by dots.
    pub what: String,
    /// What the old token says; `None` when it is silent.
    pub before: Option<String>,
    /// What the new token says; `None` when it is silent.
    pub after: Option<String>,
}

/// Re-issues what a verified token says as a token of the family `to`.
///
/// `given` holds the keys of the new family, and fields that take the place of what the old
/// token says. `request` is the one for which the new token is verified again.
///
/// # Errors
///
/// When the new family lacks a field it cannot do without, or the new token does not verify.
pub fn convert(
    token: &Verified<Claims>,
    to: &dyn Format,
    given: &Given,
    request: &Request,
    now: Timestamp,
    rng: &dyn Rng,
) -> Result<Converted, GivenFault> {
    let fields = to.fields_of(token.claims()).with(given);
    let issued = to.issue(&fields, now, rng)?;
    let verdict = to.verify(given, &issued.token, request, now)?;
    let said = verdict.map_err(|refused| {
        let step = refused.step.as_str();
        GivenFault::Denied(format!("the new token would be refused at {step}: {refused}"))
    })?;
    let losses = losses(token.claims(), said.claims());
    Ok(Converted { issued, losses })
}

/// What `after` does not say as `before` did, and what only `after` says. An id or a time of
/// issue that is new is no loss; one that is gone is.
fn losses(before: &Claims, after: &Claims) -> Vec<Loss> {
    let (before, after) = (leaves(before), leaves(after));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed = names.filter(|name| before.get(*name) != after.get(*name));
    let renewed = |name: &str| NEW_IN_EVERY_TOKEN.contains(&name) && after.contains_key(name);
    let changed = changed.filter(|name| !renewed(name));
    let loss = |name: &String| Loss {
        what: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    changed.map(loss).collect()
}

fn leaves(claims: &Claims) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let mut open: Vec<(String, Value)> = claims.to_json().into_iter().collect();
    while let Some((name, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                open.extend(
                    members.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)),
                );
            }
            Value::String(text) => {
                leaves.insert(name, text);
            }
            other => {
                leaves.insert(name, other.to_string());
            }
        }
    }
    leaves
}

const NEW_IN_EVERY_TOKEN: [&str; 2] = ["id", "issued_at"];
