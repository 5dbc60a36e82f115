//! Licenses: one file per DRM system; what they share is here.
//!
//! [`judge`] is the pure part of every license request: facts, token, decision. It is shared
//! by the front doors and by `portcullis explain license`, so an explanation cannot differ
//! from what a viewer gets.

pub(crate) mod clearkey;

use http::StatusCode;
use portcullis_base::{ContentId, Timestamp, UserId};
use portcullis_policy::{
    Caller, Decision, Kind, LicenseAsk, LicenseGrant, Reason, Rule, decide_license,
};
use portcullis_store::{Error, Store};

use crate::{Trust, authenticate, http::stop::Stop};

/// A decision about a license, and what the record of it needs.
#[derive(Debug)]
pub struct Judged {
    /// The decision.
    pub decision: Decision<LicenseGrant>,
    /// The user the token named.
    pub subject: Option<UserId>,
    /// The key policy that decided.
    pub policy: Option<String>,
}

/// Decides whether the holder of `token` may have the keys in `ask`. An empty list of keys
/// means all of the content's.
///
/// # Errors
///
/// When the store cannot say; then nobody may.
pub fn judge(
    store: &Store,
    trust: &Trust,
    content: &ContentId,
    token: Option<&str>,
    mut ask: LicenseAsk,
    now: Timestamp,
) -> Result<Judged, Error> {
    let Some(mut facts) = store.license_facts(content, None)? else {
        let detail = format!("there is no content `{content}`");
        let decision = Decision::refused(Rule::Content, Reason::ContentUnknown, detail);
        return Ok(Judged { decision, subject: None, policy: None });
    };
    let policy = Some(facts.key_policy.name.to_string());
    let keys = trust.of(store, &facts.key_policy.name)?;
    let restriction = &facts.key_policy.restriction;
    let caller = match authenticate::playback(token, restriction, &keys.verifying, now) {
        Ok(caller) => caller,
        Err(error) => {
            let reason = Reason::from(&error);
            let decision = Decision::refused(Rule::Token, reason, error.to_string());
            return Ok(Judged { decision, subject: None, policy });
        }
    };
    let subject = caller.subject();
    if let (Caller::Holder(_), Some(subject)) = (&caller, &subject)
        && let Some(known) = store.license_facts(content, Some(subject))?
    {
        facts.entitled = known.entitled;
    }
    if ask.kids.is_empty() {
        ask.kids = facts.content.keys.iter().map(|key| key.kid).collect();
    }
    let decision = decide_license(&caller, &facts, &ask, now);
    Ok(Judged { decision, subject, policy })
}

/// How a refusal looks to a player.
///
/// SECURITY: an unknown content or key is a 403 like any other: with 404 the door would tell
/// strangers what there is.
fn refusal(reason: Reason) -> Stop {
    match reason.kind() {
        Kind::NotFound => Stop::fault(StatusCode::FORBIDDEN, reason.code(), reason.meaning()),
        _ => reason.into(),
    }
}
