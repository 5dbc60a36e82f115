//! `esds`: descriptors around the configuration of an audio decoder.
//!
//! ```text
//! ES_Descriptor(3) { DecoderConfigDescriptor(4) { objectType ... DecoderSpecificInfo(5) } ... }
//! ```
//!
//! A descriptor is a tag, a length of one to four bytes with seven bits each, and that many
//! bytes. Lengths are believed only as far as the box goes.

use super::AudioSpecificConfig;
use crate::bmff::{AacConfig, Codec, Fault, MediaError, Reader};

/// Reads the payload of `esds`; `channels` is what the sample entry says, for configurations
/// that do not.
pub(crate) fn codec(reader: &mut Reader<'_>, channels: u16) -> Result<Codec, MediaError> {
    reader.full_box()?;
    let mut stream = descriptor(reader, ES_DESCRIPTOR)?;
    // Some writers pad; descriptors after the first have no meaning here.
    reader.rest();
    stream.skip(2)?;
    let flags = stream.u8()?;
    if flags & 0x80 != 0 {
        stream.skip(2)?;
    }
    if flags & 0x40 != 0 {
        let length = stream.u8()?;
        stream.skip(length.into())?;
    }
    if flags & 0x20 != 0 {
        stream.skip(2)?;
    }
    let mut decoder = descriptor(&mut stream, DECODER_CONFIG)?;
    let object_type = decoder.u8()?;
    // Stream type, buffer size, bit rates.
    decoder.skip(12)?;
    let profile = match object_type {
        0x40 => None,
        0x66..=0x68 => Some(object_type),
        0x69 | 0x6b => return Ok(Codec::Unsupported("MP3".to_owned())),
        0xa5 => return Ok(Codec::Unsupported("AC-3".to_owned())),
        0xa6 => return Ok(Codec::Unsupported("E-AC-3".to_owned())),
        0xa9 => return Ok(Codec::Unsupported("DTS".to_owned())),
        0xdd => return Ok(Codec::Unsupported("Vorbis".to_owned())),
        other => {
            return Ok(Codec::Unsupported(format!("MPEG-4 sound of object type {other:#04x}")));
        }
    };
    let config = AudioSpecificConfig::parse(descriptor(&mut decoder, DECODER_INFO)?.rest())?;
    Ok(describe(config, profile, channels))
}

fn describe(config: AudioSpecificConfig, mpeg2: Option<u8>, channels: u16) -> Codec {
    let object_type = config.object_type;
    if !AAC_TYPES.contains(&object_type) {
        return Codec::Unsupported(format!("MPEG-4 audio object type {object_type}"));
    }
    let codecs = match mpeg2 {
        Some(profile) => format!("mp4a.{profile:02x}"),
        None => format!("mp4a.40.{object_type}"),
    };
    let channels = config.channels.unwrap_or(channels);
    Codec::Aac(AacConfig { object_type, sample_rate: config.sample_rate, channels, codecs })
}

fn descriptor<'a>(reader: &mut Reader<'a>, tag: u8) -> Result<Reader<'a>, MediaError> {
    let found = reader.u8()?;
    if found != tag {
        return Err(Fault::BadValue { field: "descriptor tag", value: found.into() }.into());
    }
    let mut length = 0usize;
    for _ in 0..LENGTH_BYTES_MAX {
        let byte = reader.u8()?;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return reader.bytes(length).map(Reader::new);
        }
    }
    Err(Fault::BadValue { field: "descriptor length", value: length as u64 }.into())
}

const ES_DESCRIPTOR: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_INFO: u8 = 5;

/// Bytes a descriptor's length may have.
const LENGTH_BYTES_MAX: usize = 4;

/// Main, LC, SSR, LTP, SBR, scalable, ER LC, ER LTP, ER scalable, ER LD, PS, ER ELD, USAC.
const AAC_TYPES: &[u8] = &[1, 2, 3, 4, 5, 6, 17, 19, 20, 23, 29, 39, 42];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], expected: Result<&str, &str>) {
        let actual = match codec(&mut Reader::new(payload), 2) {
            Ok(Codec::Aac(config)) => {
                Ok(format!("{} {} {}", config.codecs, config.sample_rate, config.channels))
            }
            Ok(other) => Ok(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        };
        assert_eq!(actual, expected.map(str::to_owned).map_err(str::to_owned));
    }

    const LC: &[u8] =
        b"\0\0\0\0\x03\x16\0\0\0\x04\x11\x40\x15\0\0\0\0\0\0\0\0\0\0\0\x05\x02\x12\x10";

    #[test]
    fn an_ordinary_description_is_read() {
        check(LC, Ok("mp4a.40.2 44100 2"));
    }

    #[test]
    fn lengths_may_have_up_to_four_bytes() {
        let long =
            b"\0\0\0\0\x03\x80\x80\x80\x1c\0\0\0\x04\x80\x80\x80\x14\x40\x15\0\0\0\0\0\0\0\0\0\0\0\
            \x05\x80\x80\x80\x02\x12\x10";
        check(long, Ok("mp4a.40.2 44100 2"));
        check(b"\0\0\0\0\x03\x80\x80\x80\x80\x10", Err("`descriptor length` cannot be 0"));
    }

    #[test]
    fn lengths_past_the_end_are_faults() {
        check(&LC[..27], Err("22 bytes needed, 21 left"));
        check(b"\0\0\0\0\x03\xff\xff\xff\x7f", Err("268435455 bytes needed, 0 left"));
        check(b"\0\0\0\0\x04\x02\0\0", Err("`descriptor tag` cannot be 4"));
        check(b"\0\0\0\0\x03\x04\0\0\x40\xff", Err("255 bytes needed, 0 left"));
    }

    #[test]
    fn other_kinds_of_sound_are_named() {
        let mut mp3 = LC.to_vec();
        mp3[11] = 0x6b;
        check(&mp3, Ok("Unsupported(\"MP3\")"));
    }
}
