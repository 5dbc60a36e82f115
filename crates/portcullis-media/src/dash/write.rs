//! A static MPD of the live profile, from typed values.
//!
//! One period, one `SegmentTemplate` with a `SegmentTimeline` per representation, relative
//! URLs only. Protection is stated on adaptation sets, never on representations, so all
//! representations of a set share a key.
//!
//! SPEC: ISO/IEC 23009-1 §5; DASH-IF IOP, guidelines for security (order and placement of
//! `ContentProtection`).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use portcullis_base::{KeyId, Scheme};

use super::xml::Xml;

/// A whole presentation.
#[derive(Clone, Debug)]
pub struct Mpd {
    /// The adaptation sets.
    pub adaptation_sets: Vec<AdaptationSet>,
    /// How long it plays, in microseconds.
    pub duration_us: u64,
    /// How much a player buffers before it starts, in microseconds.
    pub min_buffer_us: u64,
}

impl Mpd {
    /// Writes the document.
    ///
    /// # Errors
    ///
    /// When a text holds a character that XML cannot hold.
    pub fn to_text(&self) -> Result<String, DashError> {
        let mut xml = Xml::document();
        xml.open("MPD");
        xml.attribute("xmlns", "urn:mpeg:dash:schema:mpd:2011")?;
        xml.attribute("xmlns:cenc", "urn:mpeg:cenc:2013")?;
        xml.attribute("xmlns:mspr", "urn:microsoft:playready")?;
        xml.attribute("xmlns:dashif", "https://dashif.org/CPS")?;
        xml.attribute("xmlns:clearkey", "http://dashif.org/guidelines/clearKey")?;
        xml.attribute("profiles", "urn:mpeg:dash:profile:isoff-live:2011")?;
        xml.attribute("type", "static")?;
        xml.attribute("mediaPresentationDuration", &duration(self.duration_us))?;
        xml.attribute("minBufferTime", &duration(self.min_buffer_us))?;
        xml.open("Period");
        xml.attribute("id", "0")?;
        xml.attribute("start", "PT0S")?;
        for set in &self.adaptation_sets {
            set.put(&mut xml)?;
        }
        xml.close("Period");
        xml.close("MPD");
        Ok(xml.into_text())
    }
}

/// Representations among which a player may switch.
#[derive(Clone, Debug)]
pub struct AdaptationSet {
    /// Unique in the period.
    pub id: u32,
    /// RFC 5646; `None` when unknown.
    pub language: Option<String>,
    /// Sound or pictures.
    pub media: MediaType,
    /// How it is encrypted, and where licenses are.
    pub protection: Protection,
    /// The representations.
    pub representations: Vec<Representation>,
    /// What it is for.
    pub role: Role,
    /// Sets with other keys that a player may switch to.
    pub switchable_with: Vec<u32>,
}

impl AdaptationSet {
    fn put(&self, xml: &mut Xml) -> Result<(), DashError> {
        let (content_type, mime_type) = match self.media {
            MediaType::Audio => ("audio", "audio/mp4"),
            MediaType::Video => ("video", "video/mp4"),
        };
        xml.open("AdaptationSet");
        xml.attribute("id", &self.id.to_string())?;
        xml.attribute("contentType", content_type)?;
        xml.attribute("mimeType", mime_type)?;
        if let Some(language) = &self.language {
            xml.attribute("lang", language)?;
        }
        xml.attribute("segmentAlignment", "true")?;
        xml.attribute("startWithSAP", "1")?;
        self.protection.put(xml)?;
        if !self.switchable_with.is_empty() {
            let ids: Vec<String> = self.switchable_with.iter().map(u32::to_string).collect();
            xml.open("SupplementalProperty");
            xml.attribute("schemeIdUri", "urn:mpeg:dash:adaptation-set-switching:2016")?;
            xml.attribute("value", &ids.join(","))?;
            xml.close("SupplementalProperty");
        }
        xml.open("Role");
        xml.attribute("schemeIdUri", "urn:mpeg:dash:role:2011")?;
        xml.attribute("value", self.role.as_str())?;
        xml.close("Role");
        for representation in &self.representations {
            representation.put(xml)?;
        }
        xml.close("AdaptationSet");
        Ok(())
    }
}

/// Sound or pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// What a set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instead of a main one in the same language.
    Alternate,
    /// What is played unless something else is asked for.
    Main,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Alternate => "alternate",
            Self::Main => "main",
        }
    }
}

/// How a set is encrypted. The descriptors are written in the order in which players look.
#[derive(Clone, Debug)]
pub struct Protection {
    /// The whole common `pssh` box.
    pub common_pssh: Vec<u8>,
    /// The key.
    pub kid: KeyId,
    /// Where Clear Key licenses are asked for; without it Clear Key is not announced.
    pub clear_key_url: Option<String>,
    /// The PlayReady object, and the whole `pssh` box that holds it.
    pub playready: Option<PlayReady>,
    /// The scheme.
    pub scheme: Scheme,
    /// The whole Widevine `pssh` box.
    pub widevine_pssh: Option<Vec<u8>>,
}

impl Protection {
    fn put(&self, xml: &mut Xml) -> Result<(), DashError> {
        xml.open("ContentProtection");
        xml.attribute("schemeIdUri", "urn:mpeg:dash:mp4protection:2011")?;
        xml.attribute("value", self.scheme.as_str())?;
        xml.attribute("cenc:default_KID", &self.kid.to_string())?;
        xml.close("ContentProtection");
        if let Some(pssh) = &self.widevine_pssh {
            Self::put_system(xml, WIDEVINE_URN, Some("Widevine"), |xml| put_pssh(xml, pssh))?;
        }
        if let Some(playready) = &self.playready {
            Self::put_system(xml, PLAYREADY_URN, Some("MSPR 2.0"), |xml| {
                put_pssh(xml, &playready.pssh)?;
                xml.leaf("mspr:pro", &BASE64_STANDARD.encode(&playready.object))
            })?;
        }
        if let Some(url) = &self.clear_key_url {
            Self::put_system(xml, CLEAR_KEY_URN, Some("ClearKey1.0"), |xml| {
                xml.open("dashif:Laurl");
                xml.attribute("licenseType", "EME-1.0")?;
                xml.text(url)?;
                xml.close("dashif:Laurl");
                xml.open("clearkey:Laurl");
                xml.attribute("Lic_type", "EME-1.0")?;
                xml.text(url)?;
                xml.close("clearkey:Laurl");
                put_pssh(xml, &self.common_pssh)
            })?;
        }
        Self::put_system(xml, COMMON_URN, None, |xml| put_pssh(xml, &self.common_pssh))
    }

    fn put_system(
        xml: &mut Xml,
        urn: &str,
        value: Option<&str>,
        body: impl FnOnce(&mut Xml) -> Result<(), DashError>,
    ) -> Result<(), DashError> {
        xml.open("ContentProtection");
        xml.attribute("schemeIdUri", urn)?;
        if let Some(value) = value {
            xml.attribute("value", value)?;
        }
        body(xml)?;
        xml.close("ContentProtection");
        Ok(())
    }
}

fn put_pssh(xml: &mut Xml, pssh: &[u8]) -> Result<(), DashError> {
    xml.leaf("cenc:pssh", &BASE64_STANDARD.encode(pssh))
}

/// What a PlayReady descriptor holds.
#[derive(Clone, Debug)]
pub struct PlayReady {
    /// The PlayReady object.
    pub object: Vec<u8>,
    /// The whole `pssh` box.
    pub pssh: Vec<u8>,
}

/// One encoding of the media.
#[derive(Clone, Debug)]
pub struct Representation {
    /// Bits per second of the worst stretch of `minBufferTime`, boxes included.
    pub bandwidth: u64,
    /// The RFC 6381 string.
    pub codecs: String,
    /// Unique in the period; the folder of its segments.
    pub id: String,
    /// What depends on the kind of media.
    pub shape: Shape,
    /// The segments: presentation time of the first, then durations.
    pub timeline: Timeline,
}

/// What is stated of sound, and of pictures.
#[derive(Clone, Debug)]
pub enum Shape {
    /// Sound.
    Audio {
        /// Channels that come out of the decoder.
        channels: u16,
        /// Samples per second that come out of the decoder.
        sample_rate: u32,
    },
    /// Pictures.
    Video {
        /// Frames per second, as a fraction.
        frame_rate: Option<(u64, u64)>,
        /// Coded height.
        height: u32,
        /// Pixel aspect ratio.
        pixel_aspect: (u32, u32),
        /// Coded width.
        width: u32,
    },
}

impl Representation {
    fn put(&self, xml: &mut Xml) -> Result<(), DashError> {
        xml.open("Representation");
        xml.attribute("id", &self.id)?;
        xml.attribute("bandwidth", &self.bandwidth.to_string())?;
        xml.attribute("codecs", &self.codecs)?;
        match &self.shape {
            Shape::Audio { channels, sample_rate } => {
                xml.attribute("audioSamplingRate", &sample_rate.to_string())?;
                xml.open("AudioChannelConfiguration");
                xml.attribute("schemeIdUri", "urn:mpeg:mpegB:cicp:ChannelConfiguration")?;
                xml.attribute("value", &channel_configuration(*channels).to_string())?;
                xml.close("AudioChannelConfiguration");
            }
            Shape::Video { frame_rate, height, pixel_aspect, width } => {
                xml.attribute("width", &width.to_string())?;
                xml.attribute("height", &height.to_string())?;
                match frame_rate {
                    Some((frames, 1)) => xml.attribute("frameRate", &frames.to_string())?,
                    Some((frames, seconds)) => {
                        xml.attribute("frameRate", &format!("{frames}/{seconds}"))?;
                    }
                    None => {}
                }
                let (horizontal, vertical) = pixel_aspect;
                xml.attribute("sar", &format!("{horizontal}:{vertical}"))?;
            }
        }
        self.timeline.put(xml)?;
        xml.close("Representation");
        Ok(())
    }
}

/// When the segments of a representation are.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The duration of every segment, in presentation order.
    pub durations: Vec<u64>,
    /// The presentation time of the first segment.
    pub start: u64,
    /// Ticks per second.
    pub timescale: u32,
}

impl Timeline {
    fn put(&self, xml: &mut Xml) -> Result<(), DashError> {
        xml.open("SegmentTemplate");
        xml.attribute("timescale", &self.timescale.to_string())?;
        xml.attribute("initialization", "$RepresentationID$/init.mp4")?;
        xml.attribute("media", "$RepresentationID$/$Number$.m4s")?;
        xml.attribute("startNumber", "1")?;
        xml.open("SegmentTimeline");
        let mut start = Some(self.start);
        for run in self.durations.chunk_by(|a, b| a == b) {
            let Some(duration) = run.first() else { continue };
            xml.open("S");
            if let Some(start) = start.take() {
                xml.attribute("t", &start.to_string())?;
            }
            xml.attribute("d", &duration.to_string())?;
            if run.len() > 1 {
                xml.attribute("r", &(run.len() - 1).to_string())?;
            }
            xml.close("S");
        }
        xml.close("SegmentTimeline");
        xml.close("SegmentTemplate");
        Ok(())
    }
}

/// A text that cannot stand in a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the character {character:?} cannot stand in `{place}` of a manifest")]
pub struct DashError {
    /// The attribute or element.
    pub(super) place: String,
    /// The character.
    pub(super) character: char,
}

/// ISO 8601, to the microsecond.
fn duration(microseconds: u64) -> String {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    if rest == 0 {
        return format!("PT{seconds}S");
    }
    let fraction = format!("{rest:06}");
    format!("PT{seconds}.{}S", fraction.trim_end_matches('0'))
}

/// SPEC: ISO/IEC 23091-3 table 10: the usual layout for a number of channels.
const fn channel_configuration(channels: u16) -> u16 {
    match channels {
        7 => 11,
        8 => 12,
        other => other,
    }
}

const CLEAR_KEY_URN: &str = "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e";
const COMMON_URN: &str = "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b";
const PLAYREADY_URN: &str = "urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95";
const WIDEVINE_URN: &str = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_no_needless_digits() {
        for (microseconds, expected) in [
            (0, "PT0S"),
            (4_000_000, "PT4S"),
            (4_040_000, "PT4.04S"),
            (999_999, "PT0.999999S"),
            (600_000_001, "PT600.000001S"),
        ] {
            assert_eq!(duration(microseconds), expected);
        }
    }

    #[track_caller]
    fn check_timeline(start: u64, durations: &[u64], expected: &str) {
        let timeline = Timeline { durations: durations.to_vec(), start, timescale: 48000 };
        let mut xml = Xml::document();
        timeline.put(&mut xml).unwrap();
        let text = xml.into_text();
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| line.starts_with("<S ")).collect();
        assert_eq!(lines.join(""), expected);
    }

    #[test]
    fn equal_durations_in_a_row_are_counted() {
        check_timeline(0, &[4, 4, 4, 5], r#"<S t="0" d="4" r="2"/><S d="5"/>"#);
        check_timeline(7, &[4], r#"<S t="7" d="4"/>"#);
        check_timeline(0, &[4, 5, 4, 4], r#"<S t="0" d="4"/><S d="5"/><S d="4" r="1"/>"#);
    }
}
