//! The DRM systems.

use std::{fmt, str::FromStr};

/// A DRM system: whose player module asks for the license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DrmSystem {
    /// W3C Clear Key, served by Portcullis itself.
    ClearKey,
    /// Apple FairPlay Streaming.
    FairPlay,
    /// Microsoft PlayReady.
    PlayReady,
    /// Google Widevine.
    Widevine,
}

impl DrmSystem {
    /// The name used in URLs, logs and configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClearKey => "clearkey",
            Self::FairPlay => "fairplay",
            Self::PlayReady => "playready",
            Self::Widevine => "widevine",
        }
    }
}

impl fmt::Display for DrmSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DrmSystem {
    type Err = DrmSystemError;

    fn from_str(text: &str) -> Result<Self, DrmSystemError> {
        match text {
            "clearkey" => Ok(Self::ClearKey),
            "fairplay" => Ok(Self::FairPlay),
            "playready" => Ok(Self::PlayReady),
            "widevine" => Ok(Self::Widevine),
            _ => Err(DrmSystemError),
        }
    }
}

/// The text names no DRM system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a DRM system: expected `clearkey`, `fairplay`, `playready` or `widevine`")]
pub struct DrmSystemError;
