//! CORS for the player routes (SEC-77).
//!
//! The same `Access-Control-Allow-Origin` stands on every answer, errors included, or the
//! page sees "network error" instead of the refusal. A preflight is answered without
//! authentication. An origin that is not listed gets no header and is still processed: CORS
//! protects pages, not us. Listeners for operators never pass through here.

use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        ORIGIN, VARY,
    },
};

use axum::{body::Body, response::Response};

use crate::config::Cors;

/// Whether this is a preflight: asked by the browser, not by the page.
pub(crate) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight, still to be marked.
pub(crate) fn preflight<B>(request: &Request<B>, cors: &Cors) -> Response {
    let headers = request.headers();
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    if is_listed(headers.get(ORIGIN), cors) {
        let asked = headers
            .get(ACCESS_CONTROL_REQUEST_HEADERS)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let granted: Vec<&str> = asked
            .split(',')
            .map(str::trim)
            .filter(|name| REQUEST_HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .collect();
        let fields = answer.headers_mut();
        fields.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, POST, OPTIONS"),
        );
        if let Ok(granted) = HeaderValue::from_str(&granted.join(", ")) {
            fields.insert(ACCESS_CONTROL_ALLOW_HEADERS, granted);
        }
        fields.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
    answer
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("Origin, Access-Control-Request-Headers"));
    answer
}

/// Marks an answer as readable by the page that asked, if its origin is listed.
pub(crate) fn mark(origin: Option<&HeaderValue>, answer: &mut HeaderMap, cors: &Cors) {
    answer.entry(VARY).or_insert(HeaderValue::from_static("Origin"));
    if let Some(origin) = origin.filter(|origin| is_listed(Some(origin), cors)) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        answer.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("X-Request-Id, Retry-After"),
        );
    }
}

fn is_listed(origin: Option<&HeaderValue>, cors: &Cors) -> bool {
    let origin = origin.and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| cors.origins.iter().any(|listed| matches(listed, origin)))
}

fn matches(listed: &str, origin: &str) -> bool {
    let Some((scheme, parent)) = listed.split_once("://*.") else {
        return listed == origin;
    };
    let label = origin
        .strip_prefix(scheme)
        .and_then(|rest| rest.strip_prefix("://"))
        .and_then(|host| host.strip_suffix(parent))
        .and_then(|label| label.strip_suffix('.'));
    label.is_some_and(|label| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// What players send; a name that is not listed is not granted.
const REQUEST_HEADERS: [&str; 16] = [
    "accept",
    "authorization",
    "content-type",
    "customdata",
    "hdntl",
    "hdnts",
    "origin",
    "pallycon-customdata-v2",
    "range",
    "soapaction",
    "x-axdrm-message",
    "x-drm-brandguid",
    "x-dt-auth-token",
    "x-dt-custom-data",
    "x-playback-session-id",
    "x-requested-with",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(listed: &str, origin: &str, expected: bool) {
        assert_eq!(matches(listed, origin), expected, "{listed} {origin}");
    }

    #[test]
    fn origins_match_exactly_or_by_one_label() {
        check("https://play.test", "https://play.test", true);
        check("https://play.test", "https://play.test:8443", false);
        check("https://play.test", "http://play.test", false);
        check("https://play.test", "https://play.test.evil", false);
        check("https://*.play.test", "https://a.play.test", true);
        check("https://*.play.test", "https://a.b.play.test", false);
        check("https://*.play.test", "https://play.test", false);
        check("https://*.play.test", "https://evilplay.test", false);
        check("https://*.play.test", "null", false);
    }
}
