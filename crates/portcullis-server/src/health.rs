//! Liveness and readiness, for the orchestrator's eyes only.
//!
//! `/livez` says the process answers; it looks at nothing. `/readyz` says requests would be
//! served: the store's snapshot is fresh and the process is not stopping. Beside that it
//! shows how old the keys are that issuers publish.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use portcullis_base::json::{Object, Value};

use crate::{
    app::App,
    http::outcome::{FrontDoor, Outcome},
    jwks::SourceReport,
};

/// `GET /livez`, and `GET /healthz` on the public listener.
pub(crate) async fn live() -> Response {
    Outcome::done(FrontDoor::Health).attach("ok\n".into_response())
}

/// `GET /readyz`
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    let store = app.store.version().is_ok();
    let running = !app.stopping.load(std::sync::atomic::Ordering::Relaxed);
    let check = |name: &str, ok: bool| {
        let members = [("name", Value::from(name)), ("ok", Value::from(ok))];
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    };
    let ready = store && running;
    let mut members = Object::new();
    members.insert("status".into(), if ready { "ready" } else { "not ready" }.into());
    let checks = vec![check("store", store), check("running", running)];
    members.insert("checks".into(), Value::Array(checks));
    // An issuer that cannot be reached takes its own tokens down and nothing else, so the
    // process stays ready.
    let sources = app.trust.sources().report(app.clock.now());
    let sources = sources.iter().map(SourceReport::to_json).collect();
    members.insert("key_sources".into(), Value::Array(sources));
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let answer =
        (status, [("content-type", "application/json")], Value::Object(members).to_string());
    Outcome::done(FrontDoor::Health).attach(answer.into_response())
}
