//! The manifests: one MPD, one multivariant playlist, one media playlist per track.
//!
//! All of them are computed from the same measured segments, so they cannot disagree. Bit
//! rates count every byte a player fetches, boxes included, of the worst segment.

use portcullis_media::{
    bmff::{Codec, write::Protection},
    dash::write as dash,
    hls::write as hls,
};

use crate::{
    error::{Code, PackageError},
    language,
    plan::PlannedTrack,
    signalling::Signalling,
    time::Moment,
};

/// A track whose segments have been written.
#[derive(Debug)]
pub(crate) struct Packaged<'a> {
    pub(crate) planned: &'a PlannedTrack,
    pub(crate) protection: Protection,
    /// The bytes of every segment.
    pub(crate) sizes: Vec<u64>,
    target: Moment,
}

impl<'a> Packaged<'a> {
    pub(crate) const fn new(
        planned: &'a PlannedTrack,
        protection: Protection,
        sizes: Vec<u64>,
        target: Moment,
    ) -> Self {
        Self { planned, protection, sizes, target }
    }

    /// When each segment begins, and when the last one ends, in the track's ticks. Players
    /// trim what lies before the start.
    pub(crate) fn ticks(&self) -> Vec<i64> {
        let presented = &self.planned.timeline.presented;
        let segments = self.planned.segments.iter();
        let earliest = |range: &std::ops::Range<usize>| {
            presented.get(range.clone()).unwrap_or(&[]).iter().min().copied().unwrap_or(0).max(0)
        };
        let mut ticks: Vec<i64> = segments.map(earliest).collect();
        let last = ticks.last().copied().unwrap_or(0);
        ticks.push(self.planned.timeline.end.max(last + 1));
        ticks
    }

    fn moments(&self) -> Vec<Moment> {
        let timescale = self.planned.track.timescale;
        self.ticks().into_iter().map(|ticks| Moment::from_ticks(ticks, timescale)).collect()
    }

    /// Bits per second of the worst segment. A segment shorter than half the target is
    /// measured together with the one before, as players fetch it.
    pub(crate) fn bandwidth(&self) -> u64 {
        let moments = self.moments();
        let spans: Vec<(Moment, u64)> = moments
            .windows(2)
            .zip(&self.sizes)
            .map(|(ends, &bytes)| match ends {
                [start, end] => (end.minus(*start), bytes),
                _ => (Moment::ZERO, bytes),
            })
            .collect();
        let mut peak = 0;
        let mut before: Option<(Moment, u64)> = None;
        for (duration, bytes) in spans {
            let (whole, total) = match before {
                Some((earlier, more)) if duration < self.target.half() => {
                    (earlier.plus(duration), bytes.saturating_add(more))
                }
                _ => (duration, bytes),
            };
            peak = peak.max(whole.bits_per_second(total));
            before = Some((duration, bytes));
        }
        peak
    }

    pub(crate) fn average_bandwidth(&self) -> u64 {
        let moments = self.moments();
        match (moments.first(), moments.last()) {
            (Some(start), Some(end)) => end.minus(*start).bits_per_second(self.sizes.iter().sum()),
            _ => 0,
        }
    }

    fn media_playlist(&self, signalling: &Signalling) -> Result<String, PackageError> {
        // The first segment reaches back to the start of the presentation, so that the
        // positions of all playlists agree even when a track starts late.
        let mut position = 0;
        let mut segments = Vec::new();
        for (index, end) in self.moments().iter().skip(1).enumerate() {
            let end = end.micros();
            let uri = format!("{}.m4s", index + 1);
            segments.push(hls::Segment { duration_us: end.saturating_sub(position), uri });
            position = end.max(position);
        }
        let keys = signalling.hls(self.protection);
        let playlist = hls::MediaPlaylist { keys, map_uri: "init.mp4".into(), segments };
        playlist.to_text().map_err(|error| unwritable(&error))
    }

    fn representation(&self) -> dash::Representation {
        let ticks = self.ticks();
        let unsigned = |ticks: i64| u64::try_from(ticks).unwrap_or(0);
        let durations = ticks.windows(2).map(|ends| match ends {
            [start, end] => unsigned(end - start).max(1),
            _ => 1,
        });
        let shape = match (&self.planned.track.sample_entry.codec, self.planned.picture()) {
            (_, Some(picture)) => dash::Shape::Video {
                frame_rate: frame_rate(self.planned),
                height: picture.height.into(),
                pixel_aspect: picture.pixel_aspect,
                width: picture.width.into(),
            },
            (Codec::Aac(config), None) => {
                dash::Shape::Audio { channels: config.channels, sample_rate: config.sample_rate }
            }
            (Codec::Avc(_) | Codec::Unsupported(_), None) => {
                dash::Shape::Audio { channels: 0, sample_rate: 0 }
            }
        };
        dash::Representation {
            bandwidth: self.bandwidth(),
            codecs: self.planned.codecs().to_owned(),
            id: self.planned.name.clone(),
            shape,
            timeline: dash::Timeline {
                durations: durations.collect(),
                start: unsigned(ticks.first().copied().unwrap_or(0)),
                timescale: self.planned.track.timescale,
            },
        }
    }

    fn language_tag(&self) -> Option<String> {
        language::tag(&self.planned.track.language).map(str::to_owned)
    }
}

/// The media playlist of every track, in order.
pub(crate) fn media_playlists(
    tracks: &[Packaged<'_>],
    signalling: &Signalling,
) -> Result<Vec<String>, PackageError> {
    tracks.iter().map(|track| track.media_playlist(signalling)).collect()
}

/// The multivariant playlist: every rendition of pictures with every group of sound.
pub(crate) fn master(
    tracks: &[Packaged<'_>],
    signalling: &Signalling,
) -> Result<String, PackageError> {
    let (audio, video): (Vec<_>, Vec<_>) = tracks.iter().partition(|t| t.planned.is_audio());
    let mut session_keys = Vec::new();
    for key in tracks.iter().flat_map(|track| signalling.hls(track.protection)) {
        if !session_keys.contains(&key) {
            session_keys.push(key);
        }
    }
    let groups = audio_groups(&audio);
    let renditions = groups.iter().flat_map(|(group, members)| {
        members.iter().enumerate().map(|(place, track)| audio_rendition(group, place, track))
    });
    let mut variants = Vec::new();
    if video.is_empty() {
        variants.extend(groups.iter().filter_map(|group| variant(None, Some(group))));
    }
    for track in &video {
        if groups.is_empty() {
            variants.extend(variant(Some(track), None));
        }
        variants.extend(groups.iter().filter_map(|group| variant(Some(track), Some(group))));
    }
    let playlist = hls::MasterPlaylist { audio: renditions.collect(), session_keys, variants };
    playlist.to_text().map_err(|error| unwritable(&error))
}

type Group<'a> = (String, Vec<&'a Packaged<'a>>);

/// Sound by codec: all renditions of a group must suit the variants that name it.
fn audio_groups<'a>(audio: &[&'a Packaged<'a>]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for track in audio {
        let codecs = track.planned.codecs();
        let same = |(_, members): &&mut Group<'a>| {
            members.first().is_some_and(|first| first.planned.codecs() == codecs)
        };
        match groups.iter_mut().find(same) {
            Some((_, members)) => members.push(track),
            None => groups.push((format!("audio-{codecs}"), vec![track])),
        }
    }
    groups
}

fn audio_rendition(group: &str, place: usize, track: &Packaged<'_>) -> hls::AudioRendition {
    let channels = match &track.planned.track.sample_entry.codec {
        Codec::Aac(config) => config.channels,
        Codec::Avc(_) | Codec::Unsupported(_) => 0,
    };
    let name = &track.planned.name;
    hls::AudioRendition {
        channels,
        group: group.to_owned(),
        language: track.language_tag(),
        name: name.strip_prefix("audio-").unwrap_or(name).to_owned(),
        preference: match place {
            0 => hls::Preference::Default,
            _ => hls::Preference::Alternative,
        },
        uri: format!("{name}/playlist.m3u8"),
    }
}

fn variant(video: Option<&Packaged<'_>>, group: Option<&Group<'_>>) -> Option<hls::Variant> {
    let members = group.map_or(&[][..], |(_, members)| members);
    let main = video.or_else(|| members.first().copied())?;
    let sound = members.iter().map(|member| member.bandwidth()).max().unwrap_or(0);
    let sound_average = members.iter().map(|member| member.average_bandwidth()).max().unwrap_or(0);
    let picture = video.map_or((0, 0), |track| (track.bandwidth(), track.average_bandwidth()));
    let all = video.into_iter().chain(members.first().copied());
    Some(hls::Variant {
        audio_group: group.map(|(name, _)| name.clone()),
        average_bandwidth: picture.1.saturating_add(sound_average),
        bandwidth: picture.0.saturating_add(sound),
        codecs: all.map(|track| track.planned.codecs().to_owned()).collect(),
        frame_rate: video.and_then(|track| frame_rate(track.planned)),
        resolution: main.planned.picture().map(|p| (p.width.into(), p.height.into())),
        uri: format!("{}/playlist.m3u8", main.planned.name),
    })
}

/// The MPD. Renditions under one key share an adaptation set; sets with different keys are
/// linked, so that players may switch from one to the other.
pub(crate) fn mpd(
    tracks: &[Packaged<'_>],
    signalling: &Signalling,
    duration: Moment,
    target: Moment,
) -> Result<String, PackageError> {
    let mut sets: Vec<dash::AdaptationSet> = Vec::new();
    for track in tracks {
        let (kid, audio) = (track.protection.kid(), track.planned.is_audio());
        let media = if audio { dash::MediaType::Audio } else { dash::MediaType::Video };
        let language = track.language_tag();
        if !audio
            && let Some(set) =
                sets.iter_mut().find(|set| set.media == media && set.protection.kid == kid)
        {
            set.representations.push(track.representation());
            continue;
        }
        let taken = sets.iter().any(|set| audio && set.media == media && set.language == language);
        sets.push(dash::AdaptationSet {
            id: u32::try_from(sets.len() + 1).unwrap_or(u32::MAX),
            language: language.filter(|_| audio),
            media,
            protection: signalling.dash(track.protection),
            representations: vec![track.representation()],
            role: if taken { dash::Role::Alternate } else { dash::Role::Main },
            switchable_with: Vec::new(),
        });
    }
    let of_pictures = |set: &&mut dash::AdaptationSet| set.media == dash::MediaType::Video;
    let ids: Vec<u32> = sets.iter_mut().filter(of_pictures).map(|set| set.id).collect();
    for set in sets.iter_mut().filter(of_pictures) {
        set.switchable_with = ids.iter().copied().filter(|&id| id != set.id).collect();
    }
    let mpd = dash::Mpd {
        adaptation_sets: sets,
        duration_us: duration.micros_floor(),
        min_buffer_us: target.micros(),
    };
    mpd.to_text().map_err(|error| unwritable(&error))
}

/// Frames per second, rounded to a usual fraction when durations were rounded to ticks.
fn frame_rate(planned: &PlannedTrack) -> Option<(u64, u64)> {
    let (top, bottom) = planned.track.frame_rate()?;
    let (wide_top, wide_bottom) = (u128::from(top), u128::from(bottom));
    let usual = USUAL_RATES.iter().find(|(frames, seconds)| {
        let (a, b) = (wide_top * u128::from(*seconds), wide_bottom * u128::from(*frames));
        a.abs_diff(b) * 2000 <= b
    });
    let rounded = (wide_top * 1000).checked_div(wide_bottom)?;
    match usual {
        Some(rate) => Some(*rate),
        None if bottom == 1 => Some((top, 1)),
        None => Some((u64::try_from(rounded).ok()?, 1000)),
    }
}

fn unwritable(error: &dyn std::fmt::Display) -> PackageError {
    PackageError::new(Code::BadOption, error)
}

const USUAL_RATES: [(u64, u64); 9] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
];
