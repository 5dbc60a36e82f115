//! The outermost step of every request: an id in, exactly one outcome record out.
//!
//! It refuses what no door could use (a URI too long, a missing Host, a compressed body),
//! catches a panic at the boundary so that it costs one request, and writes the one line that
//! says how the request ended (SEC-90, REL-82). It decides nothing about the viewer.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{CONTENT_ENCODING, HOST, X_CONTENT_TYPE_OPTIONS},
};
use portcullis_base::{Clock, RequestUrl, Rng};

use super::{outcome::Outcome, stop::Stop};

/// What the guard needs of the process.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

/// The id under which a request is recorded and returned to the player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Box<str>);

impl RequestId {
    fn new(rng: &dyn Rng) -> Self {
        let mut bytes = [0; 16];
        rng.fill(&mut bytes);
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The middleware.
pub(crate) async fn run(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let started_ms = guard.clock.now_ms();
    let id = RequestId::new(&*guard.rng);
    let method = request.method().clone();
    let url = RequestUrl::new(request.uri().path(), request.uri().query());

    let mut answer = match unusable(&request) {
        Some(stop) => stop.into_problem(&id),
        None => {
            request.extensions_mut().insert(id.clone());
            match AssertUnwindSafe(next.run(request)).catch_unwind().await {
                Ok(answer) => answer,
                Err(_) => {
                    tracing::error!(request.id = id.as_str(), "a request panicked");
                    internal().into_problem(&id)
                }
            }
        }
    };
    let fields = answer.headers_mut();
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        fields.insert(X_REQUEST_ID, value);
    }
    let duration_ms = guard.clock.now_ms().saturating_sub(started_ms);
    record(&id, &method, &url, &answer, duration_ms);
    answer
}

fn internal() -> Stop {
    Stop::fault(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
}

fn unusable(request: &Request) -> Option<Stop> {
    let uri = request.uri();
    let uri_bytes = uri.path().len() + uri.query().map_or(0, str::len);
    if uri_bytes > URI_BYTES_MAX {
        let detail = format!("the URI is longer than {URI_BYTES_MAX} bytes");
        return Some(Stop::fault(StatusCode::URI_TOO_LONG, "request.uri_too_long", detail));
    }
    let parameters = uri.query().map_or(0, |query| query.split('&').count());
    if parameters > PARAMETERS_MAX {
        let detail = format!("more than {PARAMETERS_MAX} query parameters");
        return Some(Stop::bad_request("request.parameters", detail));
    }
    if request.version() < Version::HTTP_2 && request.headers().get_all(HOST).iter().count() != 1 {
        return Some(Stop::bad_request("request.host", "exactly one Host header is expected"));
    }
    if !is_identity(request.headers()) {
        return Some(Stop::fault(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "request.encoding",
            "compressed request bodies are not accepted",
        ));
    }
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        return Some(Stop::fault(status, "request.method", "this method is not served"));
    }
    None
}

fn is_identity(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().all(|coding| coding.as_bytes() == b"identity")
}

fn record(
    id: &RequestId,
    method: &Method,
    url: &RequestUrl,
    answer: &Response<Body>,
    duration_ms: u64,
) {
    let status = answer.status().as_u16();
    let request_id = id.as_str();
    let Some(outcome) = answer.extensions().get::<Outcome>() else {
        tracing::info!(request.id = request_id, %method, %url, status, duration_ms, "request");
        return;
    };
    let front_door = outcome.front_door.as_str();
    let content = outcome.content.as_ref().map(ToString::to_string).unwrap_or_default();
    let system = outcome.system.map(|system| system.as_str()).unwrap_or_default();
    let (result, reason) = match &outcome.result {
        Ok(()) => ("done", ""),
        Err(code) => ("stopped", code.as_str()),
    };
    tracing::info!(
        request.id = request_id,
        front_door,
        %method,
        %url,
        status,
        outcome = result,
        reason,
        content.id = content,
        system,
        duration_ms,
        "request"
    );
}

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const URI_BYTES_MAX: usize = 8 << 10;
const PARAMETERS_MAX: usize = 64;
