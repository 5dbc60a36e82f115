//! Sample entries (`stsd`): how the samples of a track are coded.
//!
//! H.264 and AAC are read; anything else keeps its bytes and gets a name, so that a refusal
//! can say what it was. The entry is kept whole, because the output repeats it.

use super::BoxType;

/// One entry of `stsd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleEntry {
    /// The type of the entry, such as `avc1`.
    pub format: BoxType,
    /// The whole entry, header included, as it was in the file.
    pub bytes: Vec<u8>,
    /// What the entry says about pictures, when it is a video entry.
    pub picture: Option<Picture>,
    /// What the samples are.
    pub codec: Codec,
}

/// The size and shape of coded pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Coded width in pixels.
    pub width: u16,
    /// Coded height in pixels.
    pub height: u16,
    /// Horizontal and vertical spacing of pixels (`pasp`), `(1, 1)` when the file is silent.
    pub pixel_aspect: (u32, u32),
}

/// What samples are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// AAC in any of its profiles.
    Aac(AacConfig),
    /// H.264.
    Avc(AvcConfig),
    /// Something else, by the name people know it by.
    Unsupported(String),
}

impl Codec {
    /// The RFC 6381 `codecs` string, when the codec is supported.
    #[must_use]
    pub fn codecs(&self) -> Option<&str> {
        match self {
            Self::Aac(config) => Some(&config.codecs),
            Self::Avc(config) => Some(&config.codecs),
            Self::Unsupported(_) => None,
        }
    }
}

/// What `esds` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AacConfig {
    /// The audio object type, SBR and PS counted when signalled explicitly: 2, 5, 29, 42...
    pub object_type: u8,
    /// Samples per second that come out of the decoder.
    pub sample_rate: u32,
    /// Channels that come out of the decoder.
    pub channels: u16,
    /// The RFC 6381 string, such as `mp4a.40.2`.
    pub codecs: String,
}

/// What `avcC` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    /// Bytes of the length before every NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// `AVCProfileIndication`, `profile_compatibility`, `AVCLevelIndication`.
    pub profile: [u8; 3],
    /// Sequence parameter sets, as NAL units.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets, as NAL units.
    pub pps: Vec<Vec<u8>>,
    /// The RFC 6381 string, such as `avc1.640028`.
    pub codecs: String,
}
