//! `moof`: the samples of one fragment.

use super::{MediaError, Movie};

/// Appends the samples of a fragment, whose `moof` box starts at `moof_offset` in the file.
///
/// # Errors
///
/// When a box is malformed, names an unknown track or samples outside the file.
pub fn append(movie: &mut Movie, payload: &[u8], moof_offset: u64) -> Result<(), MediaError> {
    let _ = (movie, payload, moof_offset);
    Err(MediaError::unsupported("`moof`"))
}
