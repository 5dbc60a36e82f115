//! ISO base media files (MP4, CMAF): reading hostile ones, writing our own.
//!
//! Readers take the payload of a box, never a file: the caller walks the top level with
//! [`read_header`] and hands in `moov` and `moof`. Sample data (`mdat`)
//! is never looked at here.
//!
//! SPEC: ISO/IEC 14496-12 (boxes, sample tables, fragments), 14496-14/-15 (sample entries).

mod box_type;
pub mod boxes;
mod error;
mod groups;
mod model;
pub mod moof;
pub mod moov;
pub mod pssh;
mod reader;
mod sample_description;
mod sample_entry;
mod sample_format;
mod tables;
mod track;
pub mod write;

pub use box_type::BoxType;
pub use boxes::{Boxes, Child, Header, read_header};
pub use error::{Fault, MediaError};
pub use model::{Edit, Movie, RollRun, SAMPLES_MAX, Sample, Track, TrackKind};
pub use reader::Reader;
pub use sample_entry::{AacConfig, AvcConfig, Codec, Picture, SampleEntry};
