//! Multivariant and media playlists from typed values.
//!
//! It writes on-demand playlists of fragmented MP4 with sample encryption, version 7. It never
//! writes a key of format `identity`: next to a DRM system's tag that would give the key to
//! whoever asks. Text that could break out of its attribute is refused, not escaped, because
//! HLS has no escapes.
//!
//! SPEC: RFC 8216 §4.3; draft-pantos-hls-rfc8216bis §4.4.4.4 (keys), §4.4.6 (variants).

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_base::{Iv, KeyId, Scheme};

/// The playlist a player opens first.
#[derive(Clone, Debug)]
pub struct MasterPlaylist {
    /// The renditions of sound.
    pub audio: Vec<AudioRendition>,
    /// The keys of all playlists, so that players can ask for licenses early.
    pub session_keys: Vec<Key>,
    /// The variants, best guess of a starting point first.
    pub variants: Vec<Variant>,
}

impl MasterPlaylist {
    /// Writes the playlist.
    ///
    /// # Errors
    ///
    /// When a text holds a quote, a line break or another control character.
    pub fn to_text(&self) -> Result<String, HlsError> {
        let mut out = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        for key in &self.session_keys {
            key.put(&mut out, "#EXT-X-SESSION-KEY");
        }
        for rendition in &self.audio {
            rendition.put(&mut out)?;
        }
        for variant in &self.variants {
            variant.put(&mut out)?;
        }
        Ok(out)
    }
}

/// A rendition of sound.
#[derive(Clone, Debug)]
pub struct AudioRendition {
    /// Channels that come out of the decoder.
    pub channels: u16,
    /// The group that variants refer to.
    pub group: String,
    /// RFC 5646; `None` when unknown.
    pub language: Option<String>,
    /// What a player shows in its menu, unique in the group.
    pub name: String,
    /// Whether players take it without being asked.
    pub preference: Preference,
    /// Its playlist.
    pub uri: String,
}

impl AudioRendition {
    fn put(&self, out: &mut String) -> Result<(), HlsError> {
        let choice = match self.preference {
            Preference::Alternative => "DEFAULT=NO",
            Preference::Default => "DEFAULT=YES",
        };
        let group = checked("GROUP-ID", &self.group)?;
        let name = checked("NAME", &self.name)?;
        put(out, format_args!("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{name}\""));
        if let Some(language) = &self.language {
            put(out, format_args!(",LANGUAGE=\"{}\"", checked("LANGUAGE", language)?));
        }
        let (channels, uri) = (self.channels, checked("URI", &self.uri)?);
        put(out, format_args!(",{choice},AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{uri}\"\n"));
        Ok(())
    }
}

/// Whether a rendition is the one to take without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// It waits to be chosen.
    Alternative,
    /// It is taken first.
    Default,
}

/// A quality, with the sound that goes with it.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The group of sound renditions, when sound is apart from the pictures.
    pub audio_group: Option<String>,
    /// Bits per second on average, sound included.
    pub average_bandwidth: u64,
    /// Bits per second in the worst segment, sound included.
    pub bandwidth: u64,
    /// RFC 6381 strings of everything in it.
    pub codecs: Vec<String>,
    /// Frames per second, as a fraction.
    pub frame_rate: Option<(u64, u64)>,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Its playlist.
    pub uri: String,
}

impl Variant {
    fn put(&self, out: &mut String) -> Result<(), HlsError> {
        let (peak, average) = (self.bandwidth, self.average_bandwidth);
        let codecs = self.codecs.join(",");
        let codecs = checked("CODECS", &codecs)?;
        put(
            out,
            format_args!(
                "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\""
            ),
        );
        if let Some((width, height)) = self.resolution {
            put(out, format_args!(",RESOLUTION={width}x{height}"));
        }
        if let Some((frames, seconds)) = self.frame_rate
            && seconds != 0
        {
            let rate = thousandths(frames, seconds);
            put(out, format_args!(",FRAME-RATE={}.{:03}", rate / 1000, rate % 1000));
        }
        if let Some(group) = &self.audio_group {
            put(out, format_args!(",AUDIO=\"{}\"", checked("AUDIO", group)?));
        }
        put(out, format_args!(",CLOSED-CAPTIONS=NONE\n{}\n", checked_line(&self.uri)?));
        Ok(())
    }
}

/// The playlist of one track.
#[derive(Clone, Debug)]
pub struct MediaPlaylist {
    /// The alternatives for the key of all segments.
    pub keys: Vec<Key>,
    /// The header of the track.
    pub map_uri: String,
    /// The segments, in order.
    pub segments: Vec<Segment>,
}

impl MediaPlaylist {
    /// Writes the playlist.
    ///
    /// # Errors
    ///
    /// When a URI holds a quote, a line break or another control character.
    pub fn to_text(&self) -> Result<String, HlsError> {
        let mut out = String::from("#EXTM3U\n#EXT-X-VERSION:7\n");
        // SPEC: RFC 8216 §4.3.3.1: each duration, rounded, is at most the target duration.
        let rounded = |segment: &Segment| (segment.duration_us + 500_000) / 1_000_000;
        let target = self.segments.iter().map(rounded).max().unwrap_or(0).max(1);
        put(&mut out, format_args!("#EXT-X-TARGETDURATION:{target}\n"));
        out.push_str("#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PLAYLIST-TYPE:VOD\n");
        out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        for key in &self.keys {
            key.put(&mut out, "#EXT-X-KEY");
        }
        put(&mut out, format_args!("#EXT-X-MAP:URI=\"{}\"\n", checked("URI", &self.map_uri)?));
        for segment in &self.segments {
            let (seconds, rest) =
                (segment.duration_us / 1_000_000, segment.duration_us % 1_000_000);
            let uri = checked_line(&segment.uri)?;
            put(&mut out, format_args!("#EXTINF:{seconds}.{rest:06},\n{uri}\n"));
        }
        out.push_str("#EXT-X-ENDLIST\n");
        Ok(out)
    }
}

/// One segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Microseconds.
    pub duration_us: u64,
    /// Where it is.
    pub uri: String,
}

/// One way to get the key of the segments that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub kid: KeyId,
    /// How the segments are encrypted.
    pub method: Method,
    /// The system that is asked for it.
    pub system: KeySystem,
}

impl Key {
    fn put(&self, out: &mut String, tag: &str) {
        let method = match self.method {
            Method::SampleAes { .. } => "SAMPLE-AES",
            Method::SampleAesCtr => "SAMPLE-AES-CTR",
        };
        put(out, format_args!("{tag}:METHOD={method},URI=\""));
        let (kid, hex) = (self.kid, self.kid.to_hex());
        let (format, kid_attribute) = match &self.system {
            KeySystem::ClearKey => {
                let encoded = BASE64_STANDARD.encode(kid.as_bytes());
                put(out, format_args!("data:;base64,{encoded}"));
                ("org.w3.clearkey", String::new())
            }
            KeySystem::FairPlay => {
                put(out, format_args!("skd://{kid}"));
                ("com.apple.streamingkeydelivery", String::new())
            }
            KeySystem::PlayReady { object } => {
                let encoded = BASE64_STANDARD.encode(object);
                put(out, format_args!("data:text/plain;charset=UTF-16;base64,{encoded}"));
                ("com.microsoft.playready", String::new())
            }
            KeySystem::Widevine { pssh } => {
                let encoded = BASE64_STANDARD.encode(pssh);
                put(out, format_args!("data:text/plain;base64,{encoded}"));
                (WIDEVINE_FORMAT, format!(",KEYID=0x{hex}"))
            }
        };
        out.push('"');
        out.push_str(&kid_attribute);
        if let Method::SampleAes { iv } = self.method {
            put(out, format_args!(",IV={iv}"));
        }
        put(out, format_args!(",KEYFORMAT=\"{format}\",KEYFORMATVERSIONS=\"1\"\n"));
    }
}

/// How segments are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `cbcs`.
    SampleAes {
        /// The constant IV, as in `tenc`.
        iv: Iv,
    },
    /// `cenc`. There is no IV here: every sample brings its own.
    SampleAesCtr,
}

impl Method {
    /// The scheme it names.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::SampleAes { .. } => Scheme::Cbcs,
            Self::SampleAesCtr => Scheme::Cenc,
        }
    }
}

/// Whom a player asks for the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySystem {
    /// W3C Clear Key: the URI holds the key id, which is what hls.js reads.
    ClearKey,
    /// FairPlay: `skd://` and the key id.
    FairPlay,
    /// PlayReady: the header object.
    PlayReady {
        /// The PlayReady object, without a box around it.
        object: Vec<u8>,
    },
    /// Widevine: the initialization data.
    Widevine {
        /// The whole `pssh` box.
        pssh: Vec<u8>,
    },
}

/// A text that cannot stand in a playlist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the character {character:?} cannot stand in {place} of a playlist")]
pub struct HlsError {
    place: &'static str,
    character: char,
}

/// SECURITY: SEC-99. A quote would end the attribute and a line break the tag.
fn checked<'a>(place: &'static str, text: &'a str) -> Result<&'a str, HlsError> {
    match text.chars().find(|&character| character == '"' || character.is_control()) {
        Some(character) => Err(HlsError { place, character }),
        None => Ok(text),
    }
}

/// A URI on a line of its own: it must not look like a tag or a comment either.
fn checked_line(uri: &str) -> Result<&str, HlsError> {
    if uri.starts_with('#') {
        return Err(HlsError { place: "a URI line", character: '#' });
    }
    checked("a URI line", uri)
}

fn thousandths(top: u64, bottom: u64) -> u128 {
    let (top, bottom) = (u128::from(top), u128::from(bottom));
    (top * 2000 + bottom) / (2 * bottom)
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string does not fail");
}

const WIDEVINE_FORMAT: &str = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";

#[cfg(test)]
mod tests {
    use super::*;

    const KID: KeyId = KeyId::from_bytes([0x11; 16]);

    #[track_caller]
    fn check_key(method: Method, system: KeySystem, expected: &str) {
        let mut out = String::new();
        Key { kid: KID, method, system }.put(&mut out, "#EXT-X-KEY");
        assert_eq!(out, format!("#EXT-X-KEY:{expected}\n"));
    }

    #[test]
    fn every_system_has_its_own_form_of_key() {
        let cbcs = Method::SampleAes { iv: Iv([0xab; 16]) };
        let iv = "0xabababababababababababababababab";
        check_key(
            cbcs,
            KeySystem::FairPlay,
            &format!(
                "METHOD=SAMPLE-AES,URI=\"skd://11111111-1111-1111-1111-111111111111\",IV={iv},\
                 KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\""
            ),
        );
        check_key(
            Method::SampleAesCtr,
            KeySystem::ClearKey,
            "METHOD=SAMPLE-AES-CTR,URI=\"data:;base64,EREREREREREREREREREREQ==\",\
             KEYFORMAT=\"org.w3.clearkey\",KEYFORMATVERSIONS=\"1\"",
        );
        check_key(
            Method::SampleAesCtr,
            KeySystem::PlayReady { object: b"pro".to_vec() },
            "METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;charset=UTF-16;base64,cHJv\",\
             KEYFORMAT=\"com.microsoft.playready\",KEYFORMATVERSIONS=\"1\"",
        );
        check_key(
            cbcs,
            KeySystem::Widevine { pssh: b"box".to_vec() },
            &format!(
                "METHOD=SAMPLE-AES,URI=\"data:text/plain;base64,Ym94\",\
                 KEYID=0x11111111111111111111111111111111,IV={iv},\
                 KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\",\
                 KEYFORMATVERSIONS=\"1\""
            ),
        );
    }

    #[track_caller]
    fn check_target(durations_us: &[u64], expected: u64) {
        let segments = durations_us
            .iter()
            .map(|&duration_us| Segment { duration_us, uri: "1.m4s".into() })
            .collect();
        let playlist = MediaPlaylist { keys: vec![], map_uri: "init.mp4".into(), segments };
        let text = playlist.to_text().unwrap();
        assert!(text.contains(&format!("#EXT-X-TARGETDURATION:{expected}\n")), "{text}");
    }

    #[test]
    fn the_target_duration_is_the_longest_segment_rounded() {
        check_target(&[2_004_999], 2);
        check_target(&[2_000_000, 2_499_999], 2);
        check_target(&[2_000_000, 2_500_000], 3);
        check_target(&[100_000], 1);
        check_target(&[], 1);
    }

    #[test]
    fn a_frame_rate_has_three_decimals() {
        assert_eq!(thousandths(30000, 1001), 29970);
        assert_eq!(thousandths(25, 1), 25000);
        assert_eq!(thousandths(u64::MAX, 1), u128::from(u64::MAX) * 1000);
    }

    #[test]
    fn what_could_break_out_of_its_place_is_refused() {
        for bad in ["a\"b", "a\nb", "a\rb", "a\0b", "a\u{85}b"] {
            assert!(checked("URI", bad).is_err(), "{bad:?}");
            assert!(checked_line(bad).is_err(), "{bad:?}");
        }
        assert!(checked_line("#EXT-X-ENDLIST").is_err());
        assert_eq!(checked("URI", "a'b&c<d é"), Ok("a'b&c<d é"));
    }
}
