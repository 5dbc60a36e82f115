//! Track classes: tracks of one class share a key.
//!
//! SEC-08: audio and each quality class have keys of their own, so a license can stop below
//! a quality by leaving a key out. The names are those of license tokens and of CPIX.

use std::{fmt, str::FromStr};

/// What kind of track a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrackClass {
    /// Sound.
    Audio,
    /// Pictures of up to 576 lines.
    Sd,
    /// Pictures of up to 1080 lines.
    Hd,
    /// Pictures of up to 2160 lines.
    Uhd1,
    /// Pictures of more than 2160 lines.
    Uhd2,
}

impl TrackClass {
    /// The class of a picture, by its shorter side, so that upright video is classed like
    /// the same video lying down.
    #[must_use]
    pub const fn of_picture(width: u32, height: u32) -> Self {
        let lines = if width < height { width } else { height };
        match lines {
            0..=576 => Self::Sd,
            577..=1088 => Self::Hd,
            1089..=2176 => Self::Uhd1,
            _ => Self::Uhd2,
        }
    }

    /// The name used in tokens, configuration and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "AUDIO",
            Self::Sd => "SD",
            Self::Hd => "HD",
            Self::Uhd1 => "UHD1",
            Self::Uhd2 => "UHD2",
        }
    }
}

impl fmt::Display for TrackClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TrackClass {
    type Err = TrackClassError;

    fn from_str(text: &str) -> Result<Self, TrackClassError> {
        match text {
            "AUDIO" => Ok(Self::Audio),
            "SD" => Ok(Self::Sd),
            "HD" => Ok(Self::Hd),
            "UHD1" => Ok(Self::Uhd1),
            "UHD2" => Ok(Self::Uhd2),
            _ => Err(TrackClassError),
        }
    }
}

/// The text names no track class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a track class: expected AUDIO, SD, HD, UHD1 or UHD2")]
pub struct TrackClassError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_classed_by_its_shorter_side() {
        for ((width, height), class) in [
            ((1024, 576), TrackClass::Sd),
            ((1024, 577), TrackClass::Hd),
            ((1920, 1088), TrackClass::Hd),
            ((1080, 1920), TrackClass::Hd),
            ((3840, 2160), TrackClass::Uhd1),
            ((7680, 4320), TrackClass::Uhd2),
        ] {
            assert_eq!(TrackClass::of_picture(width, height), class, "{width}x{height}");
        }
    }
}
