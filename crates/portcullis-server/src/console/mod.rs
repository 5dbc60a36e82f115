//! The player page, embedded in the binary.
//!
//! Its sources are in `console/` and are built by `cargo xtask ci console`. A binary built
//! without them still works; its page says how to build them. The page needs no other host,
//! and its policy allows none (SEC-68).

use axum::{
    body::Body,
    extract::Path,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY},
};

use crate::http::outcome::{FrontDoor, Outcome};

#[derive(Debug, rust_embed::RustEmbed)]
#[folder = "../../console/dist"]
#[allow_missing = true]
struct Assets;

/// `GET /`
pub(crate) async fn page() -> Response {
    Outcome::done(FrontDoor::Console).attach(asset("index.html").unwrap_or_else(unbuilt))
}

/// `GET /assets/…`
pub(crate) async fn file(Path(path): Path<String>) -> Response {
    let outcome = Outcome::done(FrontDoor::Console);
    match asset(&format!("assets/{path}")) {
        Some(answer) => outcome.attach(answer),
        None => outcome.attach(StatusCode::NOT_FOUND.into_response()),
    }
}

fn asset(path: &str) -> Option<Response> {
    let file = Assets::get(path)?;
    let body = match file.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    // Names under `assets/` carry a hash of their bytes, so they never change.
    let cache = match path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    Some(answer(body, kind.as_ref(), cache))
}

fn unbuilt() -> Response {
    answer(Bytes::from_static(UNBUILT.as_bytes()), "text/html; charset=utf-8", "no-cache")
}

fn answer(body: Bytes, kind: &str, cache: &'static str) -> Response {
    let mut answer = Response::new(Body::from(body));
    let fields = answer.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        fields.insert(CONTENT_TYPE, kind);
    }
    fields.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    fields.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    fields.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    answer
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; media-src 'self' blob:; img-src 'self' data:; font-src 'self'; \
     worker-src 'self' blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const UNBUILT: &str = "<!doctype html><meta charset=utf-8><title>Portcullis</title>\
     <h1>The player page is not in this binary</h1>\
     <p>Build it with <code>cargo xtask ci console</code> (needs node), then build Portcullis \
     again. Everything else works without it.</p>";
