//! H.264: as much of it as encryption needs, which is where slice data begins.
//!
//! Parameter sets and slice headers are read to find the end of the header, bit by bit.
//! Pictures are not decoded, and nothing after the slice header is looked at.
//!
//! SPEC: ITU-T H.264 §7.3 (syntax), ISO/IEC 14496-15 §5 (length-prefixed NAL units).

mod bits;
mod error;
mod parameter_sets;
mod slice_header;
mod subsamples;

pub use error::{AvcError, AvcFault};
pub use parameter_sets::ParameterSets;
pub use subsamples::{subsamples, subsamples_max};
