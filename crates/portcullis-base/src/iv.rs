//! The constant vector of a `cbcs` track.
//!
//! Not a secret: it stands in the clear in `tenc` and in playlists.

use std::fmt;

/// 16 bytes with which AES-CBC starts every protected range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Iv(pub [u8; 16]);

impl fmt::Display for Iv {
    /// `0x` and 32 lower-case hex digits, the form of the HLS attribute.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
