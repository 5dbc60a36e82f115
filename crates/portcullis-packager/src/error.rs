//! Why an input was not packaged: a stable code, a place, and a sentence.
//!
//! The code is for programs, the sentence for people. No error ever holds key bytes or media.

use std::{fmt, io};

use portcullis_media::bmff::MediaError;

/// Why packaging stopped. Nothing was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageError {
    /// What kind of problem it is.
    pub code: Code,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// The input, as the caller named it.
    pub input: Option<String>,
    /// Where in the input, in bytes.
    pub offset: Option<u64>,
    /// The sample, in decode order from 0.
    pub sample: Option<u64>,
    /// The track's id in its input.
    pub track: Option<u32>,
}

impl PackageError {
    pub(crate) fn new(code: Code, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        Self { code, detail, input: None, offset: None, sample: None, track: None }
    }

    pub(crate) fn output(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(Code::OutputFailed, format_args!("{what}: {error}"))
    }

    pub(crate) fn media(error: &MediaError) -> Self {
        let code =
            if error.is_unsupported() { Code::UnsupportedFeature } else { Code::CorruptInput };
        Self::new(code, error)
    }

    pub(crate) fn of_input(mut self, input: &str) -> Self {
        self.input = Some(input.to_owned());
        self
    }

    pub(crate) const fn of_track(mut self, track: u32) -> Self {
        self.track = Some(track);
        self
    }

    pub(crate) const fn of_sample(mut self, sample: u64, offset: u64) -> Self {
        self.sample = Some(sample);
        self.offset = Some(offset);
        self
    }
}

impl fmt::Display for PackageError {
    /// `film.mp4: track 3: sample 7: the sentence`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(input) = &self.input {
            write!(f, "{input}: ")?;
        }
        if let Some(track) = self.track {
            write!(f, "track {track}: ")?;
        }
        if let Some(sample) = self.sample {
            write!(f, "sample {sample}: ")?;
        }
        f.write_str(&self.detail)
    }
}

impl std::error::Error for PackageError {}

/// What kind of problem stopped packaging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// An option has a value that it cannot have.
    BadOption,
    /// A sample is not what its codec prescribes.
    BadSample,
    /// An input contradicts itself.
    CorruptInput,
    /// A track has no samples.
    EmptyTrack,
    /// An input cannot be read.
    InputUnreadable,
    /// The caller brought no key for a class of tracks, or two.
    KeyMissing,
    /// Renditions have no common places to switch at.
    LadderMisaligned,
    /// No input was named.
    NoInput,
    /// The output folder exists already.
    OutputExists,
    /// The output cannot be written.
    OutputFailed,
    /// The output would lie inside an input, or replace one.
    OutputOverlapsInput,
    /// A track's codec is not supported.
    UnsupportedCodec,
    /// A track's edit list is not supported.
    UnsupportedEditList,
    /// Something else about an input is not supported.
    UnsupportedFeature,
}

impl Code {
    /// The name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadOption => "bad_option",
            Self::BadSample => "bad_sample",
            Self::CorruptInput => "corrupt_input",
            Self::EmptyTrack => "empty_track",
            Self::InputUnreadable => "input_unreadable",
            Self::KeyMissing => "key_missing",
            Self::LadderMisaligned => "ladder_misaligned",
            Self::NoInput => "no_input",
            Self::OutputExists => "output_exists",
            Self::OutputFailed => "output_failed",
            Self::OutputOverlapsInput => "output_overlaps_input",
            Self::UnsupportedCodec => "unsupported_codec",
            Self::UnsupportedEditList => "unsupported_edit_list",
            Self::UnsupportedFeature => "unsupported_feature",
        }
    }

    /// The exit code of a command that fails with it: 2 usage, 3 input, 4 unsupported, 5 key,
    /// 6 output.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::BadOption | Self::NoInput => 2,
            Self::BadSample | Self::CorruptInput | Self::EmptyTrack | Self::InputUnreadable => 3,
            Self::LadderMisaligned
            | Self::UnsupportedCodec
            | Self::UnsupportedEditList
            | Self::UnsupportedFeature => 4,
            Self::KeyMissing => 5,
            Self::OutputExists | Self::OutputFailed | Self::OutputOverlapsInput => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_place_from_the_outside_in() {
        let error = PackageError::new(Code::UnsupportedCodec, "VP9 is not supported yet");
        assert_eq!(error.to_string(), "VP9 is not supported yet");
        let error = error.of_track(3).of_input("film.mp4");
        assert_eq!(error.to_string(), "film.mp4: track 3: VP9 is not supported yet");
        let error = error.of_sample(7, 4096);
        assert_eq!(error.to_string(), "film.mp4: track 3: sample 7: VP9 is not supported yet");
        assert_eq!((error.sample, error.offset), (Some(7), Some(4096)));
    }
}
