//! The four bytes that name a box, a sample entry, a handler or a brand.
//!
//! They are bytes, not text: a hostile file can put anything there, so printing escapes
//! whatever is not printable ASCII.

use std::fmt;

/// A four-character code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BoxType(pub [u8; 4]);

impl From<&[u8; 4]> for BoxType {
    fn from(bytes: &[u8; 4]) -> Self {
        Self(*bytes)
    }
}

impl fmt::Display for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for BoxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_bytes_never_reach_a_terminal() {
        assert_eq!(BoxType(*b"moov").to_string(), "moov");
        assert_eq!(BoxType(*b"\x1b[2J").to_string(), "\\x1b[2J");
        assert_eq!(BoxType(*b"\xa9nam").to_string(), "\\xa9nam");
    }
}
