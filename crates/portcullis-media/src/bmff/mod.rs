//! ISO base media files (MP4, CMAF): reading hostile ones, writing our own.
//!
//! Readers take the payload of a box, never a file: the caller walks the top level with
//! [`read_header`](boxes::read_header) and hands in `moov` and `moof`. Sample data (`mdat`)
//! is never looked at here.
//!
//! SPEC: ISO/IEC 14496-12 (boxes, sample tables, fragments), 14496-14/-15 (sample entries).
