//! Licenses: one file per DRM system; what they share is here.
//!
//! [`judge`] is the pure part of every license request: facts, token, decision. It is shared
//! by the front doors and by `portcullis explain license`, so an explanation cannot differ
//! from what a viewer gets.

pub(crate) mod clearkey;
mod uses;

use http::StatusCode;
use portcullis_base::{ContentId, Timestamp, UserId};
use portcullis_policy::{
    Caller, Decision, Kind, LicenseAsk, LicenseGrant, Reason, Rule, decide_license,
};
use portcullis_store::{Error, Store, TokenDigest};
use portcullis_token::jwt::JwtError;

use crate::{Trust, authenticate, http::stop::Stop, revocation, trust::Published};

/// A decision about a license, and what the record of it needs.
#[derive(Debug)]
pub struct Judged {
    /// The decision.
    pub decision: Decision<LicenseGrant>,
    /// The user the token named.
    pub subject: Option<UserId>,
    /// The key policy that decided.
    pub policy: Option<String>,
    /// What the caller's token is known by.
    pub token: Option<TokenDigest>,
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
    ask: LicenseAsk,
    now: Timestamp,
) -> Result<Judged, Error> {
    judge_used(store, trust, content, token, ask, (None, now))
}

/// As [`judge`], for people to read: looks at how often the token was used so far, which a
/// request does not, since it takes a use and is told whether there was one.
///
/// # Errors
///
/// As [`judge`], and when the database cannot be read.
pub async fn explain(
    store: &Store,
    trust: &Trust,
    content: &ContentId,
    token: Option<&str>,
    ask: LicenseAsk,
    now: Timestamp,
) -> Result<Judged, Error> {
    let judged = judge(store, trust, content, token, ask.clone(), now)?;
    match judged.token {
        None => Ok(judged),
        Some(digest) => {
            let used = store.uses().count(digest).await?;
            judge_used(store, trust, content, token, ask, (Some(used), now))
        }
    }
}

fn judge_used(
    store: &Store,
    trust: &Trust,
    content: &ContentId,
    token: Option<&str>,
    mut ask: LicenseAsk,
    (used, now): (Option<u32>, Timestamp),
) -> Result<Judged, Error> {
    let Some(mut facts) = store.license_facts(content, None)? else {
        let detail = format!("there is no content `{content}`");
        let decision = Decision::refused(Rule::Content, Reason::ContentUnknown, detail);
        return Ok(Judged { decision, subject: None, policy: None, token: None });
    };
    let policy = Some(facts.key_policy.name.to_string());
    let keys = trust.of(store, &facts.key_policy)?;
    let restriction = &facts.key_policy.restriction;
    let tenant = facts.content.tenant.clone();
    let verifying = revocation::trusted(store, &tenant, keys.verifying(now), now);
    let caller = match authenticate::playback(token, restriction, &verifying, now) {
        Ok(caller) => caller,
        Err(error) => {
            trust.heed(&keys, &error, now);
            let (reason, detail) = why(&error, keys.published_set(now));
            let decision = Decision::refused(Rule::Token, reason, detail);
            return Ok(Judged { decision, subject: None, policy, token: None });
        }
    };
    let subject = caller.subject();
    if let (Caller::Holder(_), Some(subject)) = (&caller, &subject)
        && let Some(known) = store.license_facts(content, Some(subject))?
    {
        facts.entitled = known.entitled;
    }
    facts.used = used;
    if ask.kids.is_empty() {
        ask.kids = facts.content.keys.iter().map(|key| key.kid).collect();
    }
    let token = caller.identity();
    let token = token.and_then(|token| store.uses().digest(&tenant, &token));
    revocation::of_caller(store, &mut facts, &caller, token, now);
    let decision = decide_license(&caller, &facts, &ask, now);
    Ok(Judged { decision, subject, policy, token })
}

/// Why a token was refused, given how it stands with the keys its issuer publishes.
fn why(error: &JwtError, published: Published) -> (Reason, String) {
    let lack = match published {
        Published::Nothing | Published::Set => return (error.into(), error.to_string()),
        Published::NotFetched => "none of the issuer's published keys could be fetched yet",
        Published::TooOld => "the issuer's published keys were fetched too long ago",
    };
    (Reason::without_key_set(error), format!("{error}; {lack}"))
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
