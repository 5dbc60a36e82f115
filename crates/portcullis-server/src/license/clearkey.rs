//! `POST /license/clearkey?content=ID`: W3C Clear Key licenses.
//!
//! A license holds the keys the decision granted and no other. It never comes from a cache
//! and never goes into one, and the memory it is written in is wiped when it was sent.
//!
//! SPEC: W3C Encrypted Media Extensions §9.1.3 and §9.1.4, read by `portcullis_drm::clearkey`.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, PRAGMA},
};
use portcullis_base::{ContentId, DrmSystem};
use portcullis_drm::clearkey;
use portcullis_policy::{Grant, LicenseAsk, Outcome as Decided, Reason};
use portcullis_store::audit::{Action, Entry, Member, Outcome as Recorded, Record};
use zeroize::Zeroizing;

use super::{Judged, judge, refusal, uses};
use crate::{
    app::{App, default_tenant},
    authenticate,
    http::{
        address,
        bounds::{self, within},
        guard::RequestId,
        outcome::{FrontDoor, Outcome},
        query,
        stop::Stop,
    },
};

/// The front door.
pub(crate) async fn acquire(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let content = content_of(request.uri().query()).ok();
    let result = within(app.limits.request_timeout, answer(&app, peer, &id, request)).await;
    let outcome = match &result {
        Ok(_) => Outcome::done(FrontDoor::License),
        Err(stop) => Outcome::stopped(FrontDoor::License, stop.code().to_owned()),
    };
    let outcome = outcome.about(content).for_system(DrmSystem::ClearKey);
    outcome.attach(result.unwrap_or_else(|stop| stop.into_problem(&id)))
}

async fn answer(
    app: &App,
    peer: SocketAddr,
    id: &RequestId,
    request: Request,
) -> Result<Response, Stop> {
    let (parts, body) = request.into_parts();
    let content = content_of(parts.uri.query())?;
    let body = bounds::read(body, BODY_BYTES_MAX).await?;
    let asked = clearkey::parse(&body)
        .map_err(|fault| Stop::bad_request("license.malformed", fault.to_string()))?;
    let token = authenticate::credential(&parts.headers, parts.uri.query())?;
    let ask = LicenseAsk {
        kids: asked.kids,
        system: DrmSystem::ClearKey,
        address: address::of_viewer(peer, &parts.headers, &app.proxy),
    };

    let ask_address = ask.address;
    let now = app.clock.now();
    let judged = judge(&app.store, &app.trust, &content, token.as_deref(), ask, now)
        .map_err(|error| Stop::unavailable("store.unavailable", &error))?;
    if let Some(demo) = &app.demo {
        demo.recent.keep(id, FrontDoor::License, &judged.decision);
    }

    let record = record(app, &content, &judged, id);
    let grant = match judged.decision.into_parts().0 {
        Decided::Allow(grant) => grant,
        Decided::Refuse(reason) => return Err(refused(app, record, reason).await),
    };
    // A Clear Key request says nothing about the player. With the viewer's address beside it,
    // a shared token does not serve everybody for as long as a repeat is the same use.
    let from = ask_address.map(|address| address.to_string()).unwrap_or_default();
    let system = DrmSystem::ClearKey.as_str().as_bytes();
    let challenge = [system, content.as_str().as_bytes(), &body, from.as_bytes()];
    let (count, taken) = uses::take(&app.store, &grant, &challenge).await;
    let grants = match grant.settle(count) {
        Ok((grants, _terms)) => grants,
        Err(reason) => return Err(refused(app, record, reason).await),
    };
    let delivered = match app.store.audit().begin(record).await {
        Ok(entry) => open_and_write(app, &grants, entry).await,
        Err(error) => Err(Stop::unavailable("audit.unavailable", &error)),
    };
    uses::settle(taken, &delivered).await;
    delivered.map(license_answer)
}

/// Records the refusal; it is told to the player only if that is durable.
async fn refused(app: &App, record: Record, reason: Reason) -> Stop {
    let record = record.with(Member::Reason, reason.code());
    match app.store.audit().append(&record, Recorded::Refused).await {
        Ok(_) => refusal(reason),
        Err(error) => Stop::unavailable("audit.unavailable", &error),
    }
}

/// Opens the granted keys and writes the license; closes the audit entry either way.
async fn open_and_write(
    app: &App,
    grants: &[Grant],
    entry: Entry,
) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut keys = Vec::with_capacity(grants.len());
    for grant in grants {
        match app.store.vault().open(grant).await {
            Ok(key) => keys.push(key),
            Err(error) => {
                drop(entry.close(Recorded::Failed));
                return Err(Stop::unavailable("key.unavailable", &error));
            }
        }
    }
    let license = clearkey::license(&keys);
    // The opening record is durable; the closing one takes its place in the log now and is
    // written with the next group, without the viewer waiting for it.
    drop(entry.close(Recorded::Ok));
    Ok(license)
}

fn record(app: &App, content: &ContentId, judged: &Judged, id: &RequestId) -> Record {
    let tenant = default_tenant();
    let actor = match &judged.subject {
        Some(user) => app.store.audit().pseudonym(&tenant, user),
        None => "player".to_owned(),
    };
    let object = format!("content:{content}");
    let record = Record::new(Action::LicenseIssue, &actor, &object, tenant.as_str())
        .with(Member::RequestId, id.as_str())
        .with(Member::System, DrmSystem::ClearKey.as_str());
    let record = match &judged.policy {
        Some(policy) => record.with(Member::Policy, policy),
        None => record,
    };
    match &judged.token {
        Some(token) => record.with(Member::Token, &token.to_string()),
        None => record,
    }
}

fn license_answer(license: Zeroizing<Vec<u8>>) -> Response {
    // SECURITY: the body owns the wiped-on-drop buffer; nothing copies the keys out of it on
    // the way to the socket.
    let mut answer = Response::new(Body::from(Bytes::from_owner(Wiped(license))));
    let fields: &mut HeaderMap = answer.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    fields.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    answer
}

/// Lends a wiped-on-drop buffer to the HTTP library.
struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn content_of(query: Option<&str>) -> Result<ContentId, Stop> {
    let mut named = query::values(query, "content");
    let (Some(content), None) = (named.next(), named.next()) else {
        let detail = "name the content once, as in `?content=film`";
        return Err(Stop::bad_request("content.missing", detail));
    };
    content.parse().map_err(|error: portcullis_base::ContentIdError| {
        Stop::bad_request("content.malformed", error.to_string())
    })
}

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const BODY_BYTES_MAX: usize = 16 << 10;
