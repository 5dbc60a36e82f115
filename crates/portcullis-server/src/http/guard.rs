//! The outermost step of every request: an id in, exactly one outcome record out.
//!
//! It refuses what no door could use (a URI too long, a missing Host, a compressed body),
//! catches a panic at the boundary so that it costs one request, and writes the one line that
//! says how the request ended (SEC-90, REL-82), also when the client went away before that.
//! On listeners for players it also does what CORS asks, so that a page can read every answer.
//! It decides nothing about the viewer.
//!
//! SPEC: SEC-71. Most of message framing is hyper's: it refuses what cannot be read, and ends
//! the connection after a request with both `Content-Length` and `Transfer-Encoding`, which
//! it reads by the latter and shows us without the former.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt as _;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version,
    header::{
        CONNECTION, CONTENT_ENCODING, HOST, ORIGIN, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS,
    },
};
use portcullis_base::{Clock, RequestUrl, Rng};

use super::{
    cors,
    outcome::{FrontDoor, Outcome},
    stop::Stop,
};
use crate::config::Cors;

/// What the guard needs of the process.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    /// Which pages may read the answers, refusals of the guard included; `None` on listeners
    /// that no page talks to.
    pub(crate) cors: Option<Arc<Cors>>,
}

/// The id under which a request is recorded and returned to the player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(Box<str>);

impl RequestId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// 128 random bits in lower-case hex, for ids that must not be guessed or met twice.
pub(crate) fn random_id(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The middleware.
pub(crate) async fn run(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let id = RequestId(random_id(&*guard.rng).into());
    let open = Open {
        id: id.clone(),
        method: request.method().clone(),
        url: RequestUrl::new(request.uri().path(), request.uri().query()),
        started_ms: guard.clock.now_ms(),
        clock: guard.clock,
        closed: false,
    };
    // SECURITY: whoever disagrees with us about where this request ends must not get to say
    // what the next one is.
    let is_last = request.headers().contains_key(TRANSFER_ENCODING);
    let http_1 = request.version() < Version::HTTP_2;
    let refused = unusable(&request);
    let close = http_1 && (is_last || refused.is_some());
    let origin = request.headers().get(ORIGIN).cloned();
    let mut answer = match (refused, &guard.cors) {
        (Some(stop), _) => stopped(stop, &id),
        (None, Some(cors)) if cors::is_preflight(&request) => cors::preflight(&request, cors),
        (None, _) => {
            request.extensions_mut().insert(id.clone());
            match AssertUnwindSafe(next.run(request)).catch_unwind().await {
                Ok(answer) => answer,
                Err(_) => {
                    tracing::error!(request.id = id.as_str(), "a request panicked");
                    stopped(internal(), &id)
                }
            }
        }
    };
    if let Some(cors) = &guard.cors {
        cors::mark(origin.as_ref(), answer.headers_mut(), cors);
    }
    let fields = answer.headers_mut();
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        fields.insert(X_REQUEST_ID, value);
    }
    if close {
        fields.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    open.close(&mut answer);
    answer
}

fn stopped(stop: Stop, id: &RequestId) -> Response {
    let outcome = Outcome::stopped(FrontDoor::Http, stop.code().to_owned());
    outcome.attach(stop.into_problem(id))
}

fn internal() -> Stop {
    Stop::fault(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
}

fn unusable(request: &Request) -> Option<Stop> {
    let (uri, headers) = (request.uri(), request.headers());
    let uri_bytes = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if uri_bytes > URI_BYTES_MAX {
        let detail = format!("the URI is longer than {URI_BYTES_MAX} bytes");
        return Some(Stop::fault(StatusCode::URI_TOO_LONG, "request.uri_too_long", detail));
    }
    let parameters = uri.query().map_or(0, |query| query.split('&').count());
    if parameters > PARAMETERS_MAX {
        let detail = format!("more than {PARAMETERS_MAX} query parameters");
        return Some(Stop::bad_request("request.parameters", detail));
    }
    if headers.values().any(|value| value.len() > HEADER_BYTES_MAX) {
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let detail = format!("a header is longer than {HEADER_BYTES_MAX} bytes");
        return Some(Stop::fault(status, "request.header_too_long", detail));
    }
    let http_1 = request.version() < Version::HTTP_2;
    if http_1 && headers.get_all(HOST).iter().count() != 1 {
        return Some(Stop::bad_request("request.host", "exactly one Host header is expected"));
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = codings.next().is_none_or(|one| one.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !chunked || codings.next().is_some() {
        let detail = "the only transfer coding is one `chunked`";
        return Some(Stop::bad_request("request.framing", detail));
    }
    if !is_identity(headers) {
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

/// A request that has begun. Writes its record when it is closed, or when it is dropped
/// because the client went away.
struct Open {
    id: RequestId,
    method: Method,
    url: RequestUrl,
    clock: Arc<dyn Clock>,
    started_ms: u64,
    closed: bool,
}

impl Open {
    fn close(mut self, answer: &mut Response) {
        self.closed = true;
        let status = answer.status();
        let outcome = answer.extensions_mut().remove::<Outcome>();
        self.record(Some(status), &outcome.unwrap_or_else(|| Outcome::of_status(status)));
    }

    fn record(&self, status: Option<StatusCode>, outcome: &Outcome) {
        let (result, reason) = match &outcome.result {
            Ok(()) => ("done", None),
            Err(code) => ("stopped", Some(code.as_str())),
        };
        tracing::info!(
            request.id = self.id.as_str(),
            front_door = outcome.front_door.as_str(),
            method = %self.method,
            url = %self.url,
            status = status.map(|status| status.as_u16()),
            outcome = result,
            reason,
            content.id = outcome.content.as_ref().map(|content| content.as_str()),
            system = outcome.system.map(|system| system.as_str()),
            duration_ms = self.clock.now_ms().saturating_sub(self.started_ms),
            "request"
        );
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.closed {
            self.record(None, &Outcome::stopped(FrontDoor::Http, "request.abandoned"));
        }
    }
}

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const URI_BYTES_MAX: usize = 8 << 10;
const HEADER_BYTES_MAX: usize = 16 << 10;
const PARAMETERS_MAX: usize = 64;
