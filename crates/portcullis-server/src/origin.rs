//! Where media come from: a folder.
//!
//! Serves whole files and single ranges, with validators, and reads manifests whole so that
//! they can be rewritten. Decides nothing: whoever calls holds an admission. Never follows a
//! link out of the folder, never lists one, and serves regular files only. Names that start
//! with a dot do not exist for it: the packager's unfinished work has such names.
//!
//! SPEC: RFC 9110 §13 (conditional requests), §14 (ranges; several ranges in one request are
//! answered with the whole file, which §14.2 permits).

use std::{io, path::Path, time::UNIX_EPOCH};

use crate::{http::stop::Stop, media_file::MediaFile};
use axum::{body::Body, response::Response};
use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{
        ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
        RANGE,
    },
};

/// A file that was found and opened.
#[derive(Debug)]
pub(crate) struct Found {
    file: MediaFile,
    length: u64,
    etag: String,
    media_type: &'static str,
}

/// Finds the file that `path` (relative, percent-decoded, without dot segments) names.
pub(crate) async fn find(folder: &Path, path: &str) -> Result<Found, Stop> {
    let unknown = || Stop::fault(StatusCode::NOT_FOUND, "media.unknown", "there is no such file");
    if path.split('/').any(|name| name.starts_with('.')) {
        return Err(unknown());
    }
    let opened = MediaFile::open(folder, path).await;
    let Ok((file, facts)) = opened else { return Err(unknown()) };
    let changed = facts.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let changed_ns = changed.map_or(0, |since| since.as_nanos());
    let etag = format!("\"{:x}-{changed_ns:x}\"", facts.len());
    Ok(Found { file, length: facts.len(), etag, media_type: media_type(path) })
}

impl Found {
    /// The whole file as text, for a manifest.
    pub(crate) async fn read_manifest(self) -> Result<String, Stop> {
        if self.length > MANIFEST_BYTES_MAX {
            let detail = "the manifest is larger than this edge rewrites";
            return Err(Stop::fault(StatusCode::BAD_GATEWAY, "manifest.too_long", detail));
        }
        let read = self.file.read(0..self.length).await;
        read.and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
            .map_err(|error| Stop::unavailable("origin.unreadable", &error))
    }

    /// The media type, from the file's name.
    pub(crate) const fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// The answer: the whole, a range of it, or "you have it".
    pub(crate) async fn answer(
        self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response, Stop> {
        if matches_etag(headers.get(IF_NONE_MATCH), &self.etag) {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            self.describe(answer.headers_mut());
            return Ok(answer);
        }
        let range = match *method {
            Method::GET => wanted_range(headers, &self.etag, self.length),
            _ => Ok(None),
        };
        let Ok(range) = range else { return Ok(self.unsatisfiable()) };
        let (start, length) = range.unwrap_or((0, self.length));
        let mut answer = Response::new(Body::empty());
        self.describe(answer.headers_mut());
        answer.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        if range.is_some() {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            let end = start + length - 1;
            let shown = format!("bytes {start}-{end}/{}", self.length);
            if let Ok(value) = HeaderValue::from_str(&shown) {
                answer.headers_mut().insert(CONTENT_RANGE, value);
            }
        }
        if *method != Method::HEAD {
            *answer.body_mut() = self
                .file
                .body(start..start + length)
                .await
                .map_err(|error| Stop::unavailable("origin.unreadable", &error))?;
        }
        Ok(answer)
    }

    fn describe(&self, fields: &mut HeaderMap) {
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Ok(etag) = HeaderValue::from_str(&self.etag) {
            fields.insert(ETAG, etag);
        }
    }

    fn unsatisfiable(&self) -> Response {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        if let Ok(value) = HeaderValue::from_str(&format!("bytes */{}", self.length)) {
            answer.headers_mut().insert(CONTENT_RANGE, value);
        }
        answer
    }
}

/// The range lies outside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// The start and length of the range asked for; `None` for the whole file.
fn wanted_range(
    headers: &HeaderMap,
    etag: &str,
    length: u64,
) -> Result<Option<(u64, u64)>, Unsatisfiable> {
    let if_range = headers.get(IF_RANGE);
    if if_range.is_some_and(|value| value.as_bytes() != etag.as_bytes()) {
        return Ok(None);
    }
    let Some(text) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    let Some(spec) = text.strip_prefix("bytes=") else { return Ok(None) };
    let Some((first, last)) = spec.split_once('-') else { return Ok(None) };
    match (number(first), number(last)) {
        (Ok(first), Ok(last)) if first <= last && first < length => {
            Ok(Some((first, last.min(length - 1) - first + 1)))
        }
        (Ok(first), Err(_)) if last.is_empty() && first < length => {
            Ok(Some((first, length - first)))
        }
        (Err(_), Ok(suffix)) if first.is_empty() && suffix > 0 && length > 0 => {
            let suffix = suffix.min(length);
            Ok(Some((length - suffix, suffix)))
        }
        (Ok(first), Ok(last)) if first > last => Ok(None),
        (Ok(_), Ok(_)) => Err(Unsatisfiable),
        (Ok(_), Err(_)) if last.is_empty() => Err(Unsatisfiable),
        (Err(_), Ok(_)) if first.is_empty() => Err(Unsatisfiable),
        _ => Ok(None),
    }
}

/// Digits only: `parse` alone would take a sign, too.
fn number(text: &str) -> Result<u64, Unsatisfiable> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(Unsatisfiable)
}

fn matches_etag(condition: Option<&HeaderValue>, etag: &str) -> bool {
    let Some(text) = condition.and_then(|value| value.to_str().ok()) else { return false };
    text.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

fn media_type(path: &str) -> &'static str {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "mpd" => "application/dash+xml",
        "m3u8" => "application/vnd.apple.mpegurl",
        "m4s" | "mp4" | "cmfv" => "video/mp4",
        "cmfa" | "m4a" => "audio/mp4",
        "ts" => "video/mp2t",
        "vtt" => "text/vtt",
        _ => "application/octet-stream",
    }
}

const MANIFEST_BYTES_MAX: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, expected: Result<Option<(u64, u64)>, Unsatisfiable>) {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        assert_eq!(wanted_range(&headers, "\"e\"", 100), expected, "{range}");
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        check("bytes=0-0", Ok(Some((0, 1))));
        check("bytes=90-", Ok(Some((90, 10))));
        check("bytes=90-200", Ok(Some((90, 10))));
        check("bytes=-10", Ok(Some((90, 10))));
        check("bytes=-200", Ok(Some((0, 100))));
    }

    #[test]
    fn ranges_outside_are_unsatisfiable_and_others_are_ignored() {
        check("bytes=100-", Err(Unsatisfiable));
        check("bytes=100-101", Err(Unsatisfiable));
        check("bytes=-0", Err(Unsatisfiable));
        check("bytes=5-4", Ok(None));
        check("bytes=0-1,3-4", Ok(None));
        check("items=0-1", Ok(None));
        check("bytes=+0-1", Ok(None));
        check("bytes=a-b", Ok(None));
    }

    #[test]
    fn a_changed_file_is_sent_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "bytes=0-0".parse().unwrap());
        headers.insert(IF_RANGE, "\"old\"".parse().unwrap());
        assert_eq!(wanted_range(&headers, "\"e\"", 100), Ok(None));
    }
}
