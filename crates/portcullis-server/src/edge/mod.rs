//! The edge: lets media out only to sessions that were let in.
//!
//! A manifest asked for with an access token (`hdnts`) opens a session (`hdntl`), which then
//! admits everything the manifest names. Every refusal looks alike from outside: 403 and
//! nothing else; which step refused stands in the outcome record.
//!
//! SPEC: Akamai EdgeAuth 2.0 as set down in `portcullis_token::edge`; SEC-72, SEC-75, SEC-78.

mod cookie;
mod duration;
mod judge;
mod manifest;
pub(crate) mod revocations;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{
    HeaderValue, Method, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE},
    request::Parts,
};
use portcullis_policy::{Admission, Decision, EdgeCaller, NewSession, Outcome as Decided};
use portcullis_token::edge::{
    path,
    session::{self, SessionRequest},
};

pub use judge::{Presented, StandingOf, judge};

use self::manifest::{Carry, ManifestKind};
pub use crate::revocation::of_edge as standing;
use crate::{
    app::App,
    config::{Route, SessionCarriage},
    http::{
        address,
        guard::{self, RequestId},
        outcome::{FrontDoor, Outcome},
        query,
        stop::Stop,
    },
    origin,
};

/// Anything on the public listener that no other door claims.
pub(crate) async fn serve(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let answer = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
        return Outcome::stopped(FrontDoor::Edge, "request.method").attach(answer);
    }
    match answer(&app, peer, &id, &request.into_parts().0).await {
        Ok(answer) => Outcome::done(FrontDoor::Edge).attach(answer),
        Err(stop) => {
            if let Some(demo) = &app.demo {
                demo.recent.keep_stop(&id, FrontDoor::Edge, stop.code());
            }
            Outcome::stopped(FrontDoor::Edge, stop.code().to_owned()).attach(stop.into_bare())
        }
    }
}

async fn answer(
    app: &App,
    peer: SocketAddr,
    id: &RequestId,
    request: &Parts,
) -> Result<Response, Stop> {
    let sent = request.uri.path();
    let (clear, component) = path::split_session(sent).map_err(bad_path)?;
    path::check(&clear).map_err(bad_path)?;
    // SECURITY: the route is chosen by the path that will be served, so that no spelling of a
    // path in a strict tree falls under the rules of a lenient one around it. Tokens are
    // matched against the path as sent.
    let served = query::percent_decoded(&clear);
    let Some(route) = app.edge.route(&served) else {
        return Err(Stop::fault(StatusCode::NOT_FOUND, "route.unknown", ""));
    };
    let rest = served.strip_prefix(route.prefix.as_str()).unwrap_or_default();

    let mut presented = Presented {
        path: &clear,
        component,
        query: request.uri.query(),
        headers: &request.headers,
        address: address::of_viewer(peer, &request.headers, &app.proxy),
        media_duration: None,
    };
    let now = app.clock.now();
    let stands = |caller: &EdgeCaller| standing(&app.store, caller, now);
    let mut decision = judge(&app.edge, route, &presented, &stands, now);
    if opens_session(&decision) && route.session == SessionCarriage::Path {
        // How long the session lasts depends on the manifest, which nobody without a good
        // token makes us read.
        presented.media_duration = media_duration(route, rest).await;
        decision = judge(&app.edge, route, &presented, &stands, now);
    }
    if let Some(demo) = &app.demo {
        demo.recent.keep(id, FrontDoor::Edge, &decision);
    }
    let admission = decision.into_allowed()?;
    respond(app, route, &admission, request, rest, &presented).await
}

fn opens_session(decision: &Decision<Admission>) -> bool {
    matches!(decision.outcome(), Decided::Allow(admission) if admission.session().is_some())
}

async fn respond(
    app: &App,
    route: &Route,
    admission: &Admission,
    request: &Parts,
    rest: &str,
    presented: &Presented<'_>,
) -> Result<Response, Stop> {
    let found = origin::find(&route.folder, rest).await?;
    let session = match admission.session() {
        Some(session) => Some((session, issue(app, session, presented)?)),
        None => None,
    };
    let kind = ManifestKind::of(rest);
    let (Some(kind), Some((session, token))) = (kind, session) else {
        let mut answer = found.answer(&request.method, &request.headers).await?;
        // Cached by the viewer's own browser at most: a shared cache must ask us.
        let cache = match kind {
            None if answer.status() != StatusCode::RANGE_NOT_SATISFIABLE => "private, max-age=3600",
            _ => "private, no-store",
        };
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(cache));
        return Ok(answer);
    };
    let media_type = found.media_type();
    let manifest = found.read_manifest().await?;
    let same_site = app.edge.cookie_same_site;
    let set_cookie = match route.session {
        SessionCarriage::Cookie => {
            cookie::set(&token, session.acl().directory(), session.lifetime(), same_site)
        }
        SessionCarriage::Path => None,
    };
    if set_cookie.is_none() && route.session == SessionCarriage::Cookie {
        // The browser would drop it in silence; the path carries any length.
        tracing::warn!("a session token does not fit a cookie, it travels in the path");
    }
    let manifest = if set_cookie.is_some() {
        manifest
    } else {
        let carry = Carry { path: admission.path(), prefix: &route.prefix, token: &token };
        manifest::carry_session(kind, &manifest, &carry).map_err(|problem| {
            tracing::warn!(problem, "a manifest cannot be rewritten");
            Stop::fault(StatusCode::BAD_GATEWAY, "manifest.malformed", "")
        })?
    };
    Ok(manifest_answer(manifest, media_type, set_cookie, &request.method))
}

fn manifest_answer(
    manifest: String,
    media_type: &'static str,
    set_cookie: Option<HeaderValue>,
    method: &Method,
) -> Response {
    let length = manifest.len();
    let body = if *method == Method::HEAD { Body::empty() } else { Body::from(manifest) };
    let mut answer = Response::new(body);
    let fields = answer.headers_mut();
    fields.insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Some(cookie) = set_cookie {
        fields.insert(SET_COOKIE, cookie);
    }
    answer
}

/// Signs the token of a session that was opened.
fn issue(app: &App, opened: &NewSession, presented: &Presented<'_>) -> Result<String, Stop> {
    let Some(keys) = &app.edge.keys else {
        return Err(Stop::fault(StatusCode::INTERNAL_SERVER_ERROR, "edge.no_key", ""));
    };
    // Without an id from the access token the session gets one of its own, so that it can be
    // told apart and revoked.
    let fresh;
    let id = match opened.id() {
        Some(id) => id,
        None => {
            fresh = guard::random_id(&*app.rng);
            &fresh
        }
    };
    let issued_at = app.clock.now();
    let header_salt = judge::header_salt(&app.edge, presented.headers);
    let request = SessionRequest {
        acl: opened.acl(),
        issued_at,
        end: issued_at.saturating_add(opened.lifetime()),
        address: opened.address(),
        id: Some(id),
        data: opened.data(),
        header_salt: &header_salt,
    };
    session::issue(&request, keys).map_err(|error| Stop::unavailable("edge.session", &error))
}

/// How long the media behind a manifest last, where that bounds the session.
async fn media_duration(route: &Route, rest: &str) -> Option<Duration> {
    let kind = ManifestKind::of(rest)?;
    let manifest = origin::find(&route.folder, rest).await.ok()?.read_manifest().await.ok()?;
    let found = match kind {
        ManifestKind::Dash => duration::of_mpd(&manifest),
        ManifestKind::Hls => match duration::first_variant(&manifest) {
            None => duration::of_media_playlist(&manifest),
            Some(variant) => {
                let folder = rest.rsplit_once('/').map_or("", |(folder, _)| folder);
                let variant = format!("{folder}/{variant}");
                let plain = path::check(&format!("/{variant}")).is_ok() && !variant.contains(':');
                let found = if plain {
                    origin::find(&route.folder, variant.trim_start_matches('/')).await.ok()
                } else {
                    None
                };
                duration::of_media_playlist(&found?.read_manifest().await.ok()?)
            }
        },
    };
    found.map(|media| media.max(route.session_min))
}

fn bad_path(fault: path::PathFault) -> Stop {
    Stop::bad_request(fault.code(), "")
}
