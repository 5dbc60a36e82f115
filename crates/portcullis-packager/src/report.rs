//! What was packaged, for programs (JSON) and for people.
//!
//! Key ids are in it, keys never.

use std::collections::BTreeMap;

use serde::Serialize;

/// What [`run`](crate::run()) did.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of the asset: hex of a SHA-256 over the inputs.
    pub asset_version: String,
    /// How long it plays, in microseconds.
    pub duration_us: u64,
    /// SHA-256 of every header, by its path in the output.
    pub init_sha256: BTreeMap<String, String>,
    /// `cenc` or `cbcs`.
    pub scheme: &'static str,
    /// The systems that are signalled.
    pub systems: Vec<&'static str>,
    /// The tracks.
    pub tracks: Vec<TrackReport>,
    /// What was repaired or is worth knowing.
    pub warnings: Vec<String>,
}

/// What became of one track.
#[derive(Clone, Debug, Serialize)]
pub struct TrackReport {
    /// Bits per second on average, boxes included.
    pub average_bandwidth: u64,
    /// Bits per second in the worst segment, boxes included.
    pub bandwidth: u64,
    /// Bytes of all its files.
    pub bytes: u64,
    /// The class whose key encrypts it.
    pub class: &'static str,
    /// The RFC 6381 string of its codec.
    pub codecs: String,
    /// How long it plays, in microseconds.
    pub duration_us: u64,
    /// Lines of the picture; `None` for sound.
    pub height: Option<u32>,
    /// The input it comes from.
    pub input: String,
    /// The key's id.
    pub kid: String,
    /// ISO 639-2/T.
    pub language: String,
    /// The name of its folder.
    pub name: String,
    /// How many samples.
    pub samples: u64,
    /// How many segments.
    pub segments: u64,
    /// Columns of the picture; `None` for sound.
    pub width: Option<u32>,
}
