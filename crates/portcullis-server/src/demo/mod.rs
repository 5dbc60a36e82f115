//! The demo: plays the streaming service's own back end, so that a page can show everything.
//!
//! In real use the service's back end holds the API key and the token generator's key, and
//! the page never sees either. Here `play` stands in for that back end; it goes through the
//! same token service and the same token library. The demo also shows traces of decisions,
//! which a real viewer never gets. None of its routes exist in `portcullis serve`.

mod prepare;
mod recent;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header::CACHE_CONTROL};
use portcullis_base::{
    ContentId, Timestamp,
    json::{self, Limits, Object, Value},
};
use portcullis_policy::model::{Operator, Role};
use portcullis_token::edge::{
    access::{self, AccessRequest, Covers},
    acl::Acl,
};

pub use prepare::{Film, PrepareError, Prepared, Progress, new_key_text, prepare};
pub(crate) use recent::Recent;

use crate::{
    app::{App, default_tenant},
    http::{
        bounds::{self, within},
        guard::RequestId,
        outcome::{FrontDoor, Outcome},
        stop::Stop,
    },
    tokens::{self, Wanted},
};

/// What the demo knows besides the running server.
#[derive(Debug, Default)]
pub struct Demo {
    pub(crate) recent: Recent,
    contents: Vec<Shown>,
}

/// A content on the page.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its id.
    pub id: ContentId,
    /// Its title.
    pub title: String,
}

impl Demo {
    /// A demo of these contents.
    #[must_use]
    pub fn new(contents: Vec<Shown>) -> Self {
        Self { recent: Recent::default(), contents }
    }
}

/// One of the people who want to watch.
struct Viewer {
    id: &'static str,
    name: &'static str,
    story: &'static str,
    address: &'static str,
    /// How long before now the viewer's tokens were made.
    tokens_age: Duration,
}

/// `GET /demo/api/state`
pub(crate) async fn state(State(app): State<Arc<App>>) -> Response {
    let Some(demo) = &app.demo else { return StatusCode::NOT_FOUND.into_response() };
    let stream = |name: &str, kind: &str, mode: &str, path: String| {
        object([
            ("name", name.into()),
            ("kind", kind.into()),
            ("mode", mode.into()),
            ("path", path.into()),
        ])
    };
    let content = |shown: &Shown| {
        let id = &shown.id;
        object([
            ("id", id.as_str().into()),
            ("title", shown.title.as_str().into()),
            (
                "streams",
                Value::Array(vec![
                    stream(DASH, "dash", "cookie", dash_path(id)),
                    stream(HLS, "hls", "path", hls_path(id)),
                ]),
            ),
        ])
    };
    let viewer = |viewer: &Viewer| {
        object([
            ("id", viewer.id.into()),
            ("name", viewer.name.into()),
            ("story", viewer.story.into()),
            ("address", viewer.address.into()),
        ])
    };
    json_answer(object([
        ("contents", Value::Array(demo.contents.iter().map(content).collect())),
        ("viewers", Value::Array(VIEWERS.iter().map(viewer).collect())),
        ("license_url", LICENSE_URL.into()),
    ]))
}

/// `POST /demo/api/play`
pub(crate) async fn play(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    match within(app.limits.request_timeout, start_playing(&app, &id, request)).await {
        Ok(answer) => answer,
        Err(stop) => {
            let outcome = Outcome::stopped(FrontDoor::Console, stop.code().to_owned());
            outcome.attach(stop.into_problem(&id))
        }
    }
}

async fn start_playing(app: &App, id: &RequestId, request: Request) -> Result<Response, Stop> {
    let malformed = || Stop::bad_request("request.malformed", "viewer, content, stream expected");
    let body = bounds::read(request.into_body(), BODY_BYTES_MAX).await?;
    let document = json::parse(&body, &Limits::BODY).map_err(|_| malformed())?;
    let text = |name: &str| {
        document.as_object().and_then(|members| members.get(name)?.as_str()).ok_or_else(malformed)
    };
    let named = text("viewer")?;
    let viewer = VIEWERS.iter().find(|viewer| viewer.id == named).ok_or_else(malformed)?;
    let content: ContentId = text("content")?.parse().map_err(|_| malformed())?;
    let path = match text("stream")? {
        "dash" | DASH => dash_path(&content),
        "hls" | HLS => hls_path(&content),
        _ => return Err(malformed()),
    };

    let made_at = app.clock.now().saturating_sub(viewer.tokens_age);
    let user = viewer.id.parse().map_err(|_| malformed())?;
    let wanted = Wanted { user, content, max_uses: None };
    let shop = Operator::ApiKey { tenant: default_tenant(), role: Role::Issuer };
    let issued = tokens::issue_for(app, id, shop, "demo", &wanted, made_at).await?;
    let address = viewer.address.parse::<IpAddr>().map_err(|_| malformed())?;
    let hdnts = access_token(app, &path, made_at)?;
    Ok(json_answer(object([
        ("token", issued.token.into()),
        ("expires_in", issued.expires_in.into()),
        ("manifest_url", format!("{path}?{}={hdnts}", access::NAME).into()),
        ("license_url", LICENSE_URL.into()),
        ("address", address.to_string().into()),
    ])))
}

fn dash_path(content: &ContentId) -> String {
    format!("/media/{content}/cenc/manifest.mpd")
}

fn hls_path(content: &ContentId) -> String {
    format!("/cookieless/{content}/cbcs/master.m3u8")
}

/// What the streaming service's token generator does: an access token for the manifest's
/// folder, for the next ten minutes.
fn access_token(app: &App, path: &str, made_at: Timestamp) -> Result<String, Stop> {
    let keys = app.edge.keys.as_ref().ok_or_else(|| Stop::bad_request("edge.no_key", ""))?;
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let acl: Acl = Acl::parse(&format!("{folder}/*"))
        .map_err(|_| Stop::bad_request("content.malformed", "this id cannot stand in an ACL"))?;
    let request = AccessRequest {
        covers: Covers::Acl(&acl),
        start: None,
        end: made_at.saturating_add(ACCESS_LIFETIME),
        address: None,
        id: None,
        data: None,
    };
    access::issue(&request, keys).map_err(|error| Stop::unavailable("edge.access", &error))
}

/// `GET /demo/api/trace/{id}`
pub(crate) async fn trace(State(app): State<Arc<App>>, Path(id): Path<String>) -> Response {
    match app.demo.as_ref().and_then(|demo| demo.recent.find(&id)) {
        Some(decision) => json_answer(decision),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn json_answer(value: Value) -> Response {
    let headers = [("content-type", "application/json"), (CACHE_CONTROL.as_str(), "no-store")];
    Outcome::done(FrontDoor::Console).attach((headers, value.to_string()).into_response())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(
        members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<Object>(),
    )
}

/// The network the demo does not serve; of the ranges kept for documentation.
pub(crate) const DENIED_NETWORK: &str = "203.0.113.0/24";

/// Who may watch: the two who bought the films and the one whose rental ended.
pub(crate) const ENTITLED: [&str; 3] = ["ada", "dan", "eve"];

const VIEWERS: [Viewer; 4] = [
    Viewer {
        id: "ada",
        name: "Ada",
        story: "Bought the film. Everything should work for her.",
        address: "192.0.2.10",
        tokens_age: Duration::ZERO,
    },
    Viewer {
        id: "ben",
        name: "Ben",
        story: "Has an account, but did not buy the film.",
        address: "192.0.2.20",
        tokens_age: Duration::ZERO,
    },
    Viewer {
        id: "eve",
        name: "Eve",
        story: "Bought the film, but comes with the tokens of yesterday.",
        address: "192.0.2.30",
        tokens_age: Duration::from_secs(86_400),
    },
    Viewer {
        id: "dan",
        name: "Dan",
        story: "Bought the film, but sits in a network that is not served.",
        address: "203.0.113.66",
        tokens_age: Duration::ZERO,
    },
];
/// The names of the two forms a film is shown in.
const DASH: &str = "DASH · cenc";
const HLS: &str = "HLS · cbcs";
const LICENSE_URL: &str = "/license/clearkey";
const ACCESS_LIFETIME: Duration = Duration::from_secs(600);
const BODY_BYTES_MAX: usize = 4 << 10;
