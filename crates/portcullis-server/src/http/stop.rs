//! Why a request ends without what it asked for, and how a player or back end is told.
//!
//! Three kinds, never mixed: a *refusal* is our decision, a *fault* is the request's own, a
//! *failure* is ours or the store's. Only a failure is logged as an error, once, here. The
//! body is a problem document without secrets, upstream text or hints for forgers; the stable
//! `code` is what an app shows and what `docs/reasons.md` explains.
//!
//! SPEC: RFC 9457.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use portcullis_base::json::{Object, Value};
use portcullis_policy::{Kind, Reason};

use super::guard::RequestId;

/// Why a request stops.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something of ours is broken; the operator must act.
    Failure(Failure),
    /// The request is malformed; whoever wrote it must act.
    Fault(Fault),
    /// We said no.
    Refusal(Reason),
}

/// A request that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

/// Something of ours that broke.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) status: StatusCode,
}

impl Stop {
    /// A malformed request: 400.
    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::fault(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn fault(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Fault(Fault { status, code, detail: detail.into() })
    }

    /// Logs what broke, once, and stops with 503: the same request may do later.
    pub(crate) fn unavailable(code: &'static str, error: &dyn std::error::Error) -> Self {
        tracing::error!(code, error = %chain(error), "a request failed on our side");
        Self::Failure(Failure { code, status: StatusCode::SERVICE_UNAVAILABLE })
    }

    /// The stable code for the outcome record.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Failure(failure) => failure.code,
            Self::Fault(fault) => fault.code,
            Self::Refusal(reason) => reason.code(),
        }
    }

    /// The status a player or back end gets.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Failure(failure) => failure.status,
            Self::Fault(fault) => fault.status,
            Self::Refusal(reason) => status_of(*reason),
        }
    }

    /// The answer with a problem document.
    pub(crate) fn into_problem(self, id: &RequestId) -> Response {
        let status = self.status();
        let detail = match &self {
            Self::Failure(_) => "the service cannot answer now; try again later".to_owned(),
            Self::Fault(fault) => fault.detail.clone(),
            Self::Refusal(reason) => reason.meaning().to_owned(),
        };
        let mut members = Object::new();
        let title = status.canonical_reason().unwrap_or("refused");
        members.insert("type".into(), "about:blank".into());
        members.insert("title".into(), title.into());
        members.insert("status".into(), u64::from(status.as_u16()).into());
        members.insert("detail".into(), detail.into());
        members.insert("code".into(), self.code().into());
        members.insert("request_id".into(), id.as_str().into());
        let mut answer = Response::new(Body::from(Value::Object(members).to_string()));
        *answer.status_mut() = status;
        let fields = answer.headers_mut();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            fields.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            fields.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        answer
    }

    /// A bare status, as players of media segments expect it.
    pub(crate) fn into_bare(self) -> Response {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = match &self {
            // The edge answers every refusal alike: no hint which step it was.
            Self::Refusal(_) => StatusCode::FORBIDDEN,
            other => other.status(),
        };
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }
}

impl From<Reason> for Stop {
    fn from(reason: Reason) -> Self {
        Self::Refusal(reason)
    }
}

fn status_of(reason: Reason) -> StatusCode {
    match reason.kind() {
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// An error with all its sources, for the one line it is logged in.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(next) = source {
        text.push_str(": ");
        text.push_str(&next.to_string());
        source = next.source();
    }
    text
}
