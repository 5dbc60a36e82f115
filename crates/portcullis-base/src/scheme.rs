//! The protection schemes Portcullis writes.
//!
//! SPEC: ISO/IEC 23001-7 §10; CMAF allows these two. `cens` and `cbc1` have no players.

use std::{fmt, str::FromStr};

/// How the samples of a track are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// AES-128-CBC, pattern 1:9 for video, constant IV.
    Cbcs,
    /// AES-128-CTR, an 8-byte IV per sample.
    Cenc,
}

impl Scheme {
    /// The four-character code, as in `schm` and in the MPD.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cbcs => "cbcs",
            Self::Cenc => "cenc",
        }
    }

    /// The four-character code as bytes.
    #[must_use]
    pub const fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Cbcs => *b"cbcs",
            Self::Cenc => *b"cenc",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(text: &str) -> Result<Self, SchemeError> {
        match text {
            "cbcs" => Ok(Self::Cbcs),
            "cenc" => Ok(Self::Cenc),
            _ => Err(SchemeError),
        }
    }
}

/// The text names no scheme we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a protection scheme we write: expected `cenc` or `cbcs`")]
pub struct SchemeError;
