//! When the samples of a track are presented, whatever way the source said it.
//!
//! | source | output |
//! |---|---|
//! | pictures with an edit list over reordered frames | the same edit list |
//! | pictures with negative composition offsets | offsets from 0 on, an edit list over the rest |
//! | sound with priming before its edit | all frames kept, edit list from the priming on |
//! | an empty edit: the track starts late | the delay goes into the decode times |
//! | an edit shorter than the media | all samples kept, the presentation ends earlier |
//!
//! CMAF also has a form without edit lists, with negative offsets. It is not written, because
//! FFmpeg 5 to 9 shows such pictures late by the largest of them.
//!
//! Players disagree on longer edit lists, so those are refused. One constant may be added to
//! the times of all tracks, never to some: sound and picture keep their distance.
//!
//! SPEC: ISO/IEC 14496-12 §8.6.6 (edit lists); ISO/IEC 23000-19 §7.5.13 (their use in CMAF).

use portcullis_media::bmff::{Sample, Track, TrackKind};

use crate::{
    error::{Code, PackageError},
    time::Moment,
};

/// The timeline of one track, in its own ticks.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    /// Decode time of the first sample of the source; samples that are left out have theirs.
    pub(crate) base_decode_time: u64,
    /// The first sample that is worth keeping: sound long before its edit is never heard.
    pub(crate) first_sample: usize,
    /// Added to every composition offset, so that none is negative.
    pub(crate) offset_shift: i64,
    /// Where presentation starts in the media, counted like composition times.
    pub(crate) first_media_time: Option<u64>,
    /// Presentation time of every sample.
    pub(crate) presented: Vec<i64>,
    /// When the track ends, as far as its edit list lets it.
    pub(crate) end: i64,
    timescale: u32,
}

impl Timeline {
    pub(crate) fn at(&self, sample: usize) -> Moment {
        let ticks = self.presented.get(sample).copied().unwrap_or(self.end);
        Moment::from_ticks(ticks, self.timescale)
    }

    pub(crate) fn end(&self) -> Moment {
        Moment::from_ticks(self.end, self.timescale)
    }
}

/// Builds the timelines of all tracks of a presentation.
pub(crate) fn build(
    tracks: &[(&Track, u32)],
) -> Result<(Vec<Timeline>, Vec<String>), PackageError> {
    let mut warnings = Vec::new();
    let origins: Vec<Origin> = tracks
        .iter()
        .map(|(track, movie_timescale)| {
            Origin::read(track, *movie_timescale).map_err(|error| error.of_track(track.id))
        })
        .collect::<Result<_, _>>()?;
    for (track, _) in tracks {
        let late = track.samples.first().map_or(0, |sample| sample.composition_offset);
        if track.kind == TrackKind::Video && track.edits.is_empty() && late > 0 {
            let late = Moment::from_ticks(late, track.timescale).micros();
            warnings.push(format!(
                "track {}: pictures start {late} us late: they are reordered, and no edit list \
                 makes up for it",
                track.id
            ));
        }
    }
    let starts = tracks.iter().zip(&origins).map(|((track, _), origin)| origin.start(track));
    let earliest = starts.min().unwrap_or(Moment::ZERO);
    if earliest < Moment::ZERO {
        let shown = Moment::ZERO.minus(earliest).micros();
        warnings.push(format!(
            "an edit list hides {shown} us of pictures before the start; they are shown, with \
             their sound, and everything else comes that much later"
        ));
    }
    let timelines = tracks
        .iter()
        .zip(&origins)
        .map(|((track, _), origin)| {
            origin.place(track, earliest).map_err(|error| error.of_track(track.id))
        })
        .collect::<Result<_, _>>()?;
    Ok((timelines, warnings))
}

/// What a track's edit list and first decode time say, in the track's ticks.
struct Origin {
    /// Decode time of the first sample, plus the delay of an empty edit.
    decode_start: i64,
    /// The delay of an empty edit: when the edit begins on the timeline.
    delay: i64,
    /// Where the edit begins in the media.
    media_time: i64,
    /// How long the edit lasts, when it says so.
    duration: Option<i64>,
}

impl Origin {
    fn read(track: &Track, movie_timescale: u32) -> Result<Self, PackageError> {
        let unsupported = |what: &str| {
            let detail = format!("an edit list {what} is not supported yet");
            PackageError::new(Code::UnsupportedEditList, detail)
        };
        let in_track = |ticks: u64| {
            Moment::from_ticks(bounded(ticks), movie_timescale).in_ticks(track.timescale)
        };
        let normal = track.edits.iter().position(|edit| edit.media_time.is_some());
        let (empty, rest) = track.edits.split_at(normal.unwrap_or(track.edits.len()));
        let delay = empty.iter().fold(0, |sum: u64, edit| sum.saturating_add(edit.duration));
        let (media_time, duration) = match rest {
            [] if empty.is_empty() => (0, None),
            [] => return Err(unsupported("of nothing but empty edits")),
            [edit] => {
                let duration = (edit.duration != 0).then(|| in_track(edit.duration));
                (bounded(edit.media_time.unwrap_or(0)), duration)
            }
            _ => return Err(unsupported("with several parts")),
        };
        let delay = in_track(delay);
        let decode_start = bounded(track.first_decode_time).saturating_add(delay);
        let largest = decode_start.max(media_time).max(duration.unwrap_or(0));
        if largest > TICKS_MAX {
            let detail = format!("a time of {largest} ticks is out of range");
            return Err(PackageError::new(Code::CorruptInput, detail));
        }
        Ok(Self { decode_start, delay, media_time, duration })
    }

    /// When the first sample is presented; sound before its edit is trimmed by players.
    fn start(&self, track: &Track) -> Moment {
        let first = self.presented(track).min().unwrap_or(0);
        let first = match track.kind {
            TrackKind::Audio => first.max(self.delay),
            TrackKind::Other(_) | TrackKind::Video => first,
        };
        Moment::from_ticks(first, track.timescale)
    }

    fn presented<'a>(&'a self, track: &'a Track) -> impl Iterator<Item = i64> + 'a {
        let mut decoded = self.decode_start;
        track.samples.iter().map(move |sample| {
            let at = decoded.saturating_add(sample.composition_offset) - self.media_time;
            decoded += i64::from(sample.duration);
            at
        })
    }

    fn place(&self, track: &Track, earliest: Moment) -> Result<Timeline, PackageError> {
        let shift = earliest.in_ticks(track.timescale).saturating_neg();
        if shift.saturating_abs() > TICKS_MAX {
            let detail = format!("it begins {shift} ticks after the first track, out of range");
            return Err(PackageError::new(Code::CorruptInput, detail));
        }
        let presented: Vec<i64> = self.presented(track).map(|at| at + shift).collect();
        // A shift shortens the edit first and moves the decode times by what is left: some
        // players take all of a track's edit for padding of its sound.
        let shortened = shift.clamp(0, self.media_time);
        let media_time = self.media_time - shortened;
        let base = self.decode_start + shift - shortened;
        let base_decode_time = base.max(0);
        let least = track.samples.iter().map(|sample| sample.composition_offset).min();
        let offset_shift = least.unwrap_or(0).min(0).saturating_neg();
        let first_media_time = (base_decode_time - base + media_time).saturating_add(offset_shift);
        if let Some(at) = track.samples.iter().position(|sample| {
            i32::try_from(sample.composition_offset.saturating_add(offset_shift)).is_err()
        }) {
            let offset = track.samples.get(at).map_or(0, |sample| sample.offset);
            let error = PackageError::new(Code::CorruptInput, "composition offset out of range");
            return Err(error.of_sample(at as u64, offset));
        }
        let media_end = presented.iter().zip(&track.samples).map(ends_at).max().unwrap_or(0);
        let edit_start = self.delay + shift;
        let edit_end = self.duration.map(|duration| edit_start.saturating_add(duration));
        // Where hidden pictures are shown, the sound that goes with them is heard: a track that
        // began later than the others would leave players waiting for it.
        let heard_from = edit_start.min(self.delay);
        let heard = presented.iter().zip(&track.samples).position(|at| ends_at(at) > heard_from);
        let first_sample = match track.kind {
            TrackKind::Audio => heard.unwrap_or(0).saturating_sub(PRIMING_SAMPLES_MAX),
            TrackKind::Other(_) | TrackKind::Video => 0,
        };
        Ok(Timeline {
            base_decode_time: u64::try_from(base_decode_time).unwrap_or(0),
            first_sample,
            offset_shift,
            first_media_time: u64::try_from(first_media_time).ok().filter(|&time| time > 0),
            end: edit_end.map_or(media_end, |end| end.min(media_end)),
            presented,
            timescale: track.timescale,
        })
    }
}

fn ends_at((at, sample): (&i64, &Sample)) -> i64 {
    at.saturating_add(sample.duration.into())
}

fn bounded(ticks: u64) -> i64 {
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// Frames of sound kept before the edit: more than any codec needs to get going.
const PRIMING_SAMPLES_MAX: usize = 8;

/// 2^56 ticks: 228 years at 10 MHz, and far enough from the end of 64 bits for sums.
const TICKS_MAX: i64 = 1 << 56;

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
