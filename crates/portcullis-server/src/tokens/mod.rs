//! `POST /api/token`: playback tokens for the operator's own back end.
//!
//! JSON in (`user_id`, `content_id` and, if the token is to be good for so many licenses only,
//! the number `max_uses`), JSON out (`token`, `expires_in`), as the token service of Azure's
//! media samples answered. Who calls shows an API key of the role `issuer`. The
//! decision whether this user may watch is made here for the first time, and again when the
//! license is asked for.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    Extension, Json,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL},
};
use portcullis_base::{
    ContentId, Timestamp, UserId,
    json::{self, Limits, Object},
};
use portcullis_policy::{
    Decision, Reason, Rule, TokenAsk, TokenGrant, decide_token, model::Operator,
};
use portcullis_store::{
    Error, Store,
    audit::{Action, Member, Outcome as Recorded, Record},
};
use portcullis_token::{
    api_key::ApiKey,
    bearer,
    jwt::{self, Issue},
};
use serde::Serialize;

use crate::{
    app::App,
    http::{
        bounds::{self, within},
        guard::RequestId,
        outcome::{FrontDoor, Outcome},
        stop::Stop,
    },
    revocation,
};

/// What a caller gets.
#[derive(Debug, Serialize)]
pub(crate) struct Issued {
    pub(crate) token: String,
    /// Seconds until the token ends.
    pub(crate) expires_in: u64,
}

/// The front door.
pub(crate) async fn issue(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let result = within(app.limits.request_timeout, answer(&app, &id, request)).await;
    match result {
        Ok(issued) => {
            let answer = ([(CACHE_CONTROL, "no-store")], Json(issued)).into_response();
            Outcome::done(FrontDoor::Tokens).attach(answer)
        }
        Err(stop) => {
            let outcome = Outcome::stopped(FrontDoor::Tokens, stop.code().to_owned());
            outcome.attach(stop.into_problem(&id))
        }
    }
}

async fn answer(app: &App, id: &RequestId, request: Request) -> Result<Issued, Stop> {
    let (parts, body) = request.into_parts();
    let (requester, key_id) = requester(&app.store, &parts.headers)?;
    let body = bounds::read(body, BODY_BYTES_MAX).await?;
    let wanted = parse(&body)?;
    issue_for(app, id, requester, &format!("apikey:{key_id}"), &wanted, app.clock.now()).await
}

/// Decides, records and signs.
pub(crate) async fn issue_for(
    app: &App,
    id: &RequestId,
    requester: Operator,
    actor: &str,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Issued, Stop> {
    let tenant = requester.tenant().clone();
    let ask = TokenAsk {
        requester,
        subject: wanted.user.clone(),
        address: None,
        key: None,
        max_uses: wanted.max_uses,
    };
    let decision = judge(&app.store, &wanted.content, &ask, now)
        .map_err(|error| Stop::unavailable("store.unavailable", &error))?;
    if let Some(demo) = &app.demo {
        demo.recent.keep(id, FrontDoor::Tokens, &decision);
    }
    let viewer = app.store.audit().pseudonym(&tenant, &wanted.user);
    let object = format!("content:{} {viewer}", wanted.content);
    let mut record = Record::new(Action::TokenIssue, actor, &object, tenant.as_str())
        .with(Member::RequestId, id.as_str());
    // Signed before it is recorded, so that the record says whether there is a token; handed
    // out only after the record is durable.
    let issued = match decision.into_allowed() {
        Ok(grant) => sign(app, &grant, now),
        Err(reason) => Err(reason.into()),
    };
    let outcome = match &issued {
        Ok(_) => Recorded::Ok,
        Err(stop) => {
            record = record.with(Member::Reason, stop.code());
            if matches!(stop, Stop::Refusal(_)) { Recorded::Refused } else { Recorded::Failed }
        }
    };
    app.store
        .audit()
        .append(&record, outcome)
        .await
        .map_err(|error| Stop::unavailable("audit.unavailable", &error))?;
    issued
}

/// Decides whether a token may be issued. Shared with `portcullis explain token`.
///
/// # Errors
///
/// When the store cannot say; then none may.
pub fn judge(
    store: &Store,
    content: &ContentId,
    ask: &TokenAsk,
    now: Timestamp,
) -> Result<Decision<TokenGrant>, Error> {
    Ok(match store.license_facts(content, Some(&ask.subject))? {
        Some(mut facts) => {
            revocation::of_user(store, &mut facts, &ask.subject, now);
            decide_token(ask, &facts, now)
        }
        None => {
            let detail = format!("there is no content `{content}`");
            Decision::refused(Rule::Content, Reason::ContentUnknown, detail)
        }
    })
}

fn sign(app: &App, grant: &TokenGrant, now: Timestamp) -> Result<Issued, Stop> {
    let facts = app
        .store
        .license_facts(grant.content(), None)
        .map_err(|error| Stop::unavailable("store.unavailable", &error))?;
    let policy = facts.as_ref().map(|facts| &facts.key_policy);
    let keys = policy.map(|policy| app.trust.of(&app.store, policy)).transpose();
    let keys = keys.map_err(|error| Stop::unavailable("store.unavailable", &error))?;
    let key = keys.as_ref().and_then(|keys| keys.signing.as_ref());
    let tenant = facts.map(|facts| facts.content.tenant);
    let Some(key) = key.zip(tenant).and_then(|(key, tenant)| {
        revocation::is_trusted(&app.store, &tenant, key.kid(), now).then_some(key)
    }) else {
        let detail = "the content's key policy has no key to sign with, or it was revoked";
        return Err(Stop::fault(StatusCode::CONFLICT, "token.no_signing_key", detail));
    };
    let lifetime = grant.lifetime().min(app.tokens.lifetime);
    let wanted = Issue {
        issuer: grant.issuer().to_owned(),
        audience: grant.audience().to_owned(),
        subject: Some(grant.subject().to_string()),
        issued_at: now,
        not_before: now,
        expires_at: now.saturating_add(lifetime),
        id: None,
        extra: grant.claims().clone(),
        token_type: "JWT".to_owned(),
    };
    let token = jwt::issue(&wanted, key, &*app.rng)
        .map_err(|error| Stop::unavailable("token.issue", &error))?;
    Ok(Issued { token, expires_in: lifetime.as_secs() })
}

/// Who calls, by API key; and the key's id for the record.
pub(crate) fn requester(store: &Store, headers: &HeaderMap) -> Result<(Operator, String), Stop> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(not_known()) };
    let text = bearer::strip(line.to_str().map_err(|_| not_known())?);
    let shown = ApiKey::parse(text).map_err(|_| not_known())?;
    let digest = shown.digest(store.api_key_pepper());
    let known = store
        .verify_api_key(shown.id().as_str(), digest.expose())
        .map_err(|error| Stop::unavailable("store.unavailable", &error))?
        .filter(|known| known.tenant == *shown.tenant())
        .ok_or_else(not_known)?;
    Ok((Operator::ApiKey { tenant: known.tenant, role: known.role }, known.id))
}

/// The same answer for no key, a malformed one, an unknown one and an expired one.
fn not_known() -> Stop {
    Stop::fault(
        StatusCode::UNAUTHORIZED,
        "api_key.unknown",
        "show a valid API key as a bearer token",
    )
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) user: UserId,
    pub(crate) content: ContentId,
    pub(crate) max_uses: Option<NonZeroU32>,
}

fn parse(body: &[u8]) -> Result<Wanted, Stop> {
    let malformed = |detail: String| Stop::bad_request("request.malformed", detail);
    let document =
        json::parse(body, &Limits::BODY).map_err(|error| malformed(error.to_string()))?;
    let members = document
        .as_object()
        .ok_or_else(|| malformed(format!("an object is expected, not {}", document.kind())))?;
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let known = MEMBERS.join(", ");
        return Err(malformed(format!("`{unknown}` is not known; expected {known}")));
    }
    Ok(Wanted {
        user: member(members, "user_id")?,
        content: member(members, "content_id")?,
        max_uses: max_uses(members)?,
    })
}

fn max_uses(members: &Object) -> Result<Option<NonZeroU32>, Stop> {
    let Some(value) = members.get("max_uses") else { return Ok(None) };
    let uses = value.as_number().and_then(|number| number.as_u64());
    let uses = uses.and_then(|uses| u32::try_from(uses).ok()).and_then(NonZeroU32::new);
    uses.map(Some).ok_or_else(|| {
        Stop::bad_request("request.malformed", "`max_uses` is a whole number of at least 1")
    })
}

fn member<T: std::str::FromStr<Err: std::fmt::Display>>(
    members: &Object,
    name: &str,
) -> Result<T, Stop> {
    let text = members.get(name).and_then(|value| value.as_str()).ok_or_else(|| {
        Stop::bad_request("request.malformed", format!("`{name}` is needed, as a string"))
    })?;
    text.parse().map_err(|error: T::Err| {
        Stop::bad_request("request.malformed", format!("`{name}`: {error}"))
    })
}

const MEMBERS: [&str; 3] = ["user_id", "content_id", "max_uses"];
const BODY_BYTES_MAX: usize = 16 << 10;
