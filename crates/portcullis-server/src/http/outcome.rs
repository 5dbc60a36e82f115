//! How a request ended: exactly one record each, refusals included.
//!
//! A door puts an [`Outcome`] into its answer; `guard.rs` writes the record. An answer
//! without one comes from no door (an unknown route, a wrong method) and is recorded by its
//! status.

use axum::response::Response;
use http::StatusCode;
use portcullis_base::{ContentId, DrmSystem};

/// How one request ended, in the words of the front door that handled it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) front_door: FrontDoor,
    pub(crate) result: Result<(), String>,
    pub(crate) content: Option<ContentId>,
    pub(crate) system: Option<DrmSystem>,
}

impl Outcome {
    /// The request got what it asked for.
    pub(crate) const fn done(front_door: FrontDoor) -> Self {
        Self { front_door, result: Ok(()), content: None, system: None }
    }

    /// The request ended with this code.
    pub(crate) fn stopped(front_door: FrontDoor, code: impl Into<String>) -> Self {
        Self { front_door, result: Err(code.into()), content: None, system: None }
    }

    /// The outcome of an answer that no door gave.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::METHOD_NOT_ALLOWED => Self::stopped(FrontDoor::Http, "request.method"),
            StatusCode::NOT_FOUND => Self::stopped(FrontDoor::Http, "route.unknown"),
            refused if refused.is_client_error() || refused.is_server_error() => {
                Self::stopped(FrontDoor::Http, "request.refused")
            }
            _ => Self::done(FrontDoor::Http),
        }
    }

    /// Puts the outcome into the answer, where the guard finds it.
    pub(crate) fn attach(self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self);
        answer
    }

    /// Names the content the request was about.
    pub(crate) fn about(mut self, content: Option<ContentId>) -> Self {
        self.content = content;
        self
    }

    /// Names the DRM system the request was for.
    pub(crate) const fn for_system(mut self, system: DrmSystem) -> Self {
        self.system = Some(system);
        self
    }
}

/// A front door: one HTTP surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrontDoor {
    /// The player page and the demo's own calls.
    Console,
    /// Media.
    Edge,
    /// Liveness and readiness.
    Health,
    /// None: the HTTP layer answered by itself.
    Http,
    /// Licenses and keys.
    License,
    /// The token service.
    Tokens,
}

impl FrontDoor {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Edge => "edge",
            Self::Health => "health",
            Self::Http => "http",
            Self::License => "license",
            Self::Tokens => "tokens",
        }
    }
}
