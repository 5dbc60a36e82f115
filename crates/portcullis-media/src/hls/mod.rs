//! HLS playlists: writing our own, changing the URIs of any.
//!
//! Playlists are plain text in which a stray quote or line break means something, so whatever
//! is written goes through typed values. Nothing is fetched, and no URI is resolved.
//!
//! SPEC: RFC 8216, draft-pantos-hls-rfc8216bis.

pub mod rewrite;
pub mod write;
