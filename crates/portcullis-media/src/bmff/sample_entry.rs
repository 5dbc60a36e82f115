//! Sample entries (`stsd`): how the samples of a track are coded.
//!
//! H.264 and AAC are read; anything else keeps its bytes and gets a name, so that a refusal
//! can say what it was. The entry is kept whole, because the output repeats it.
//!
//! ```text
//! entry(video) = header(8) reserved(6) reference(2) fields(70) boxes: avcC [pasp] ...
//! entry(audio) = header(8) reserved(6) reference(2) fields(20) boxes: esds ...
//! ```
//!
//! SPEC: ISO/IEC 14496-12 §8.5.2 and §12, 14496-15 §5.3.3 (`avcC`), 14496-14 (`mp4a`).

use super::{
    BoxType, Boxes, Child, Fault, MediaError, Reader, TrackKind, boxes::required, sample_format,
};
use crate::aac;

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

/// Reads one entry and the index of its data reference. `version` is that of `stsd`.
pub(super) fn parse(
    child: &Child<'_>,
    kind: TrackKind,
    version: u8,
) -> Result<(SampleEntry, u16), MediaError> {
    let mut reader = Reader::new(child.payload);
    reader.skip(6)?;
    let reference = reader.u16()?;
    let (picture, codec) = match kind {
        TrackKind::Video => video(child, &mut reader)?,
        TrackKind::Audio => (None, audio(child, &mut reader, version)?),
        TrackKind::Other(handler) => (None, Codec::Unsupported(misplaced(child.kind, handler))),
    };
    let entry = SampleEntry { format: child.kind, bytes: child.whole.to_vec(), picture, codec };
    Ok((entry, reference))
}

/// The name of a format in a track that is neither sound nor video.
fn misplaced(format: BoxType, handler: BoxType) -> String {
    let name = sample_format::name(format);
    match &format.0 {
        // The format alone would be no reason.
        b"avc1" | b"avc3" | b"mp4a" => format!("{name} in a track of type `{handler}`"),
        _ => name,
    }
}

fn video(
    child: &Child<'_>,
    reader: &mut Reader<'_>,
) -> Result<(Option<Picture>, Codec), MediaError> {
    reader.skip(16)?;
    let (width, height) = (reader.u16()?, reader.u16()?);
    let boxes = child.boxes_after(VIDEO_FIELDS)?;
    let [pasp] = boxes.clone().collect_once([b"pasp"])?;
    let pixel_aspect = match pasp {
        Some(pasp) => pasp.read(|reader| Ok((reader.u32()?, reader.u32()?)))?,
        None => (1, 1),
    };
    // Writers that do not know the shape of pixels write zeros.
    let known = pixel_aspect.0 != 0 && pixel_aspect.1 != 0;
    let pixel_aspect = if known { pixel_aspect } else { (1, 1) };
    let codec = match &child.kind.0 {
        b"avc1" | b"avc3" => avc(child.kind, boxes)?,
        b"encv" => encrypted(boxes)?,
        _ => Codec::Unsupported(sample_format::name(child.kind)),
    };
    Ok((Some(Picture { width, height, pixel_aspect }), codec))
}

fn audio(child: &Child<'_>, reader: &mut Reader<'_>, version: u8) -> Result<Codec, MediaError> {
    let entry_version = reader.u16()?;
    reader.skip(6)?;
    let channels = reader.u16()?;
    // In version 1 of `stsd` the entry may be of version 1 as well; before that, a version
    // other than 0 is QuickTime's, whose fields are laid out differently.
    if entry_version > u16::from(version) {
        return Ok(Codec::Unsupported("a QuickTime sound description".to_owned()));
    }
    let boxes = child.boxes_after(AUDIO_FIELDS)?;
    match &child.kind.0 {
        b"mp4a" => {
            let [esds] = boxes.collect_once([b"esds"])?;
            required(esds, b"esds")?.read(|reader| aac::codec(reader, channels))
        }
        b"enca" => encrypted(boxes),
        _ => Ok(Codec::Unsupported(sample_format::name(child.kind))),
    }
}

/// Names what is encrypted and how, as far as `sinf` says.
fn encrypted(boxes: Boxes<'_>) -> Result<Codec, MediaError> {
    let [sinf] = boxes.collect_once([b"sinf"])?;
    required(sinf, b"sinf")?.open(|boxes| {
        let [frma, schm] = boxes.collect_once([b"frma", b"schm"])?;
        let format = required(frma, b"frma")?.read(Reader::fourcc)?;
        let name = sample_format::name(format);
        let Some(schm) = schm else {
            return Ok(Codec::Unsupported(format!("{name} encrypted in an unknown way")));
        };
        let scheme = schm.read(|reader| {
            reader.full_box()?;
            let scheme = reader.fourcc();
            reader.rest();
            scheme
        })?;
        Ok(Codec::Unsupported(format!("{name} that is already encrypted (`{scheme}`)")))
    })
}

fn avc(format: BoxType, boxes: Boxes<'_>) -> Result<Codec, MediaError> {
    let [avcc, mvcc, svcc] = boxes.collect_once([b"avcC", b"mvcC", b"svcC"])?;
    if mvcc.is_some() || svcc.is_some() {
        let name = if mvcc.is_some() { b"mvc1" } else { b"svc1" };
        return Ok(Codec::Unsupported(sample_format::name(name.into())));
    }
    required(avcc, b"avcC")?.read(|reader| avc_config(format, reader)).map(Codec::Avc)
}

fn avc_config(format: BoxType, reader: &mut Reader<'_>) -> Result<AvcConfig, MediaError> {
    let version = reader.u8()?;
    if version != 1 {
        let fault = Fault::BadValue { field: "configurationVersion", value: version.into() };
        return Err(fault.into());
    }
    let profile: [u8; 3] = reader.array()?;
    let length_size = (reader.u8()? & 3) + 1;
    if length_size == 3 {
        return Err(Fault::BadValue { field: "lengthSizeMinusOne", value: 2 }.into());
    }
    let count = reader.u8()? & 0x1f;
    let sps = nal_units(reader, count)?;
    let count = reader.u8()?;
    let pps = nal_units(reader, count)?;
    // What follows repeats the sequence parameter set, and some writers leave it out.
    reader.rest();
    let [idc, compatibility, level] = profile;
    let codecs = format!("{format}.{idc:02x}{compatibility:02x}{level:02x}");
    Ok(AvcConfig { length_size, profile, sps, pps, codecs })
}

fn nal_units(reader: &mut Reader<'_>, count: u8) -> Result<Vec<Vec<u8>>, MediaError> {
    let mut units = Vec::new();
    for _ in 0..count {
        let length = reader.u16()?;
        if length == 0 {
            return Err(Fault::BadValue { field: "parameterSetLength", value: 0 }.into());
        }
        units.push(reader.bytes(length.into())?.to_vec());
    }
    Ok(units)
}

/// Bytes of a video entry before its boxes.
const VIDEO_FIELDS: usize = 78;

/// Bytes of an audio entry before its boxes.
const AUDIO_FIELDS: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], expected: Result<&str, &str>) {
        let actual = avc_config(BoxType(*b"avc1"), &mut Reader::new(payload));
        let actual = actual.map(|config| config.codecs).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn a_codecs_string_repeats_three_bytes_of_the_configuration() {
        check(b"\x01\x64\x00\x28\xff\xe0\x00", Ok("avc1.640028"));
        check(b"\x01\x42\xc0\x0d\xff\xe1\0\x01\x67\x01\0\x01\x68", Ok("avc1.42c00d"));
    }

    #[test]
    fn an_avc_configuration_is_bounded_at_every_step() {
        check(b"\x02\x64\x00\x28\xff\xe0\x00", Err("`configurationVersion` cannot be 2"));
        check(b"\x01\x64\x00\x28\xfe\xe0\x00", Err("`lengthSizeMinusOne` cannot be 2"));
        check(b"\x01\x64\x00\x28\xff\xe1\0\x02\x67", Err("2 bytes needed, 1 left"));
        check(b"\x01\x64\x00\x28\xff\xe1\0\0", Err("`parameterSetLength` cannot be 0"));
        check(b"\x01\x64\x00\x28\xff\xe0", Err("1 bytes needed, 0 left"));
        check(b"\x01\x64\x00\x28\xff\xe0\x01\xff\xff", Err("65535 bytes needed, 0 left"));
        check(b"\x01\x64", Err("3 bytes needed, 1 left"));
    }
}
