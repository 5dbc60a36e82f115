//! `moov`: the movie header, its tracks and their sample tables.

use super::{MediaError, Movie};

/// Reads the payload of `moov` of a file of `file_len` bytes.
///
/// # Errors
///
/// When a box is malformed or missing, or a table does not fit the others or the file.
pub fn parse(payload: &[u8], file_len: u64) -> Result<Movie, MediaError> {
    let _ = (payload, file_len);
    Err(MediaError::unsupported("`moov`"))
}
