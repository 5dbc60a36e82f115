//! `GET /edge/v1/revocations?after=VERSION`: what was revoked, for other people's edges.
//!
//! A CDN that checks tokens itself has to hear of those that no longer count. The list holds
//! what an edge token can name: its own digest, and its id as a session, a user or a device.
//! It is in the order in which things were revoked; the `version` of the answer is what to ask
//! for next. An entry whose `until` is over is to be taken off the list, and one that comes
//! again replaces the one before. Who asks shows an API key of the role `viewer`.
//!
//! SPEC: SEC-46; RFC 9110 §13.1.2 for `If-None-Match`.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    request::Parts,
};
use portcullis_base::json::{Object, Value};
use portcullis_policy::{decide_listing, model::SubjectKind};
use portcullis_store::Listed;

use crate::{
    app::App,
    http::{
        bounds::within,
        guard::RequestId,
        outcome::{FrontDoor, Outcome},
        query,
        stop::Stop,
    },
    tokens,
};

/// The front door.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let parts = request.into_parts().0;
    match within(app.limits.request_timeout, answer(&app, &parts)).await {
        Ok(answer) => Outcome::done(FrontDoor::Edge).attach(answer),
        Err(stop) => {
            let outcome = Outcome::stopped(FrontDoor::Edge, stop.code().to_owned());
            outcome.attach(stop.into_problem(&id))
        }
    }
}

async fn answer(app: &App, parts: &Parts) -> Result<Response, Stop> {
    let (requester, _) = tokens::requester(&app.store, &parts.headers)?;
    decide_listing(&requester).into_allowed()?;
    let after = after(parts.uri.query())?;
    let listed = app
        .store
        .revocations_after(requester.tenant(), after, ENTRIES_MAX)
        .await
        .map_err(|error| Stop::unavailable("store.unavailable", &error))?;
    let version = listed.last().map_or(after, |last| last.version);
    let tag = format!("\"{after}-{version}\"");
    if names(&parts.headers, &tag) {
        return Ok(with_tag(StatusCode::NOT_MODIFIED, &tag, Body::empty()));
    }
    let mut members = Object::new();
    members.insert("version".into(), unsigned(version));
    members.insert("more".into(), (listed.len() >= ENTRIES_MAX as usize).into());
    let of_edges =
        listed.iter().filter(|listed| OF_EDGES.contains(&listed.revocation.subject.kind()));
    members.insert("revocations".into(), Value::Array(of_edges.map(entry).collect()));
    let mut answer = with_tag(StatusCode::OK, &tag, Body::from(Value::Object(members).to_string()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(answer)
}

fn entry(listed: &Listed) -> Value {
    let revocation = &listed.revocation;
    let until = revocation.until.map_or(Value::Null, |until| until.0.into());
    let members = [
        ("id", Value::from(revocation.subject.id())),
        ("kind", Value::from(revocation.subject.kind().as_str())),
        ("until", until),
        ("version", unsigned(listed.version)),
    ];
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
}

fn with_tag(status: StatusCode, tag: &str, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let fields = answer.headers_mut();
    // Kept by whoever asked, and asked about again each time.
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        fields.insert(ETAG, tag);
    }
    answer
}

/// Whether the request already has what bears this tag.
fn names(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|known| known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn after(query: Option<&str>) -> Result<i64, Stop> {
    let mut given = query::values(query, "after");
    let version = match (given.next(), given.next()) {
        (None, _) => Some(0),
        (Some(text), None) => {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse().ok() } else { None }
        }
        (Some(_), Some(_)) => None,
    };
    version.ok_or_else(|| {
        let detail = "`after` is the `version` of the answer before, once";
        Stop::bad_request("request.malformed", detail)
    })
}

fn unsigned(version: i64) -> Value {
    u64::try_from(version).unwrap_or(0).into()
}

/// What an edge token can name.
const OF_EDGES: [SubjectKind; 4] =
    [SubjectKind::Device, SubjectKind::Session, SubjectKind::Token, SubjectKind::User];
const ENTRIES_MAX: u32 = 1000;
