//! What one request may take: time and bytes.
//!
//! Every door names its own maximum; the way to hold it is here. Connections are bounded in
//! `listener.rs`.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::LengthLimitError;

use super::stop::Stop;

/// Does the work, or stops when it takes longer than `limit`. The work is dropped then; what
/// it had opened is closed by its own `Drop`.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Stop>>,
) -> Result<T, Stop> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let detail = "the request took too long";
        Err(Stop::fault(StatusCode::GATEWAY_TIMEOUT, "request.timeout", detail))
    })
}

/// Reads a body of at most `bytes_max` bytes.
pub(crate) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Stop> {
    to_bytes(body, bytes_max).await.map_err(|error| {
        if error.into_inner().is::<LengthLimitError>() {
            let detail = format!("the body has more than {bytes_max} bytes");
            Stop::fault(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", detail)
        } else {
            Stop::bad_request("request.body", "the body ended early or is not framed well")
        }
    })
}
