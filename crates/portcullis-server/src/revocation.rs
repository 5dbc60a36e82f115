//! How requests stand with the revocations: what of them to look up, for every front door.
//!
//! Facts come from the store with an unknown standing, which refuses; only here do they get
//! another. Looked up is what was verified, and nothing else. No database is asked.
//!
//! | front door | looked up |
//! |---|---|
//! | license | tenant, content and its keys; the token, its user, session and device |
//! | token service | tenant, content and its keys, the user; the API key by the store |
//! | edge | tenant; the token, and its id as a session, a user and a device |
//!
//! SPEC: SEC-45.

use std::borrow::Cow;

use portcullis_base::{TenantId, Timestamp, UserId};
use portcullis_policy::{
    Caller, EdgeCaller,
    model::{Facts, Standing, SubjectKind},
};
use portcullis_store::{Store, TokenDigest};
use portcullis_token::jwt::VerificationKey;

use crate::app::default_tenant;

/// For a license.
pub(crate) fn of_caller(
    store: &Store,
    facts: &mut Facts,
    caller: &Caller,
    token: Option<TokenDigest>,
    now: Timestamp,
) {
    let digest = token.map(|token| token.to_string());
    let claims = match caller {
        Caller::Anonymous => None,
        Caller::Holder(token) => Some(token.claims()),
    };
    let subjects = [
        (SubjectKind::Token, digest.as_deref()),
        (SubjectKind::User, claims.and_then(|claims| claims.subject.as_deref())),
        (SubjectKind::Session, caller.session()),
        (SubjectKind::Device, caller.device()),
    ];
    look_up(store, facts, subjects, now);
}

/// For a token that is to be issued.
pub(crate) fn of_user(store: &Store, facts: &mut Facts, user: &UserId, now: Timestamp) {
    look_up(store, facts, [(SubjectKind::User, Some(user.as_str()))], now);
}

fn look_up<'a>(
    store: &Store,
    facts: &mut Facts,
    subjects: impl IntoIterator<Item = (SubjectKind, Option<&'a str>)>,
    now: Timestamp,
) {
    let (revocations, tenant) = (store.revocations(), &facts.content.tenant);
    let content = [(SubjectKind::Content, facts.content.id.as_str())];
    let named = subjects.into_iter().filter_map(|(kind, id)| id.map(|id| (kind, id)));
    let standing = revocations.standing(tenant, content.into_iter().chain(named), now);
    if revocations.any(tenant, SubjectKind::Key) {
        let kids = facts.content.keys.iter().map(|key| key.kid);
        let revoked = kids.filter(|kid| {
            let id = kid.to_string();
            revocations.standing(tenant, [(SubjectKind::Key, id.as_str())], now) != Standing::Good
        });
        facts.revoked_keys = revoked.collect();
    }
    facts.standing = standing;
}

/// For a request at the edge. The id of an edge token is whatever its issuer wants to revoke
/// by, so it is looked up as each of the things it may be.
pub fn of_edge(store: &Store, caller: &EdgeCaller, now: Timestamp) -> Standing {
    let (revocations, tenant) = (store.revocations(), default_tenant());
    let id = match caller {
        EdgeCaller::Access(token) => token.claims().id.as_deref(),
        EdgeCaller::Anonymous => None,
        EdgeCaller::Session(token) => token.claims().id.as_deref(),
    };
    let digest = if revocations.any(&tenant, SubjectKind::Token) {
        let identity = match caller {
            EdgeCaller::Access(token) => token.claims().identity(),
            EdgeCaller::Anonymous => None,
            EdgeCaller::Session(token) => token.claims().identity(),
        };
        identity.and_then(|identity| store.uses().digest(&tenant, &identity))
    } else {
        None
    };
    let digest = digest.map(|digest| digest.to_string());
    let kinds = [SubjectKind::Session, SubjectKind::User, SubjectKind::Device];
    let ids = kinds.into_iter().filter_map(|kind| id.map(|id| (kind, id)));
    let token = digest.as_deref().map(|digest| (SubjectKind::Token, digest));
    revocations.standing(&tenant, token.into_iter().chain(ids), now)
}

/// The keys that still verify tokens: all but those whose key id was revoked.
pub(crate) fn trusted<'a>(
    store: &Store,
    tenant: &TenantId,
    keys: &'a [VerificationKey],
    now: Timestamp,
) -> Cow<'a, [VerificationKey]> {
    let revocations = store.revocations();
    if !revocations.any(tenant, SubjectKind::IssuerKey) {
        return Cow::Borrowed(keys);
    }
    let good = keys.iter().filter(|key| is_trusted(store, tenant, key.kid(), now));
    Cow::Owned(good.cloned().collect())
}

/// Whether a key of this name, or of none, was not revoked.
pub(crate) fn is_trusted(
    store: &Store,
    tenant: &TenantId,
    kid: Option<&str>,
    now: Timestamp,
) -> bool {
    let name = kid.map(|kid| (SubjectKind::IssuerKey, kid));
    store.revocations().standing(tenant, name, now) != Standing::Revoked(SubjectKind::IssuerKey)
}
