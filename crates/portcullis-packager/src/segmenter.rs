//! Where segments begin.
//!
//! Boundaries are moments, chosen once on the pictures and then applied to every track, so
//! that all renditions switch at the same places and sound never drifts from its picture.
//! Nothing is re-encoded: pictures are cut at sync samples only, sound between frames.
//!
//! SPEC: ISO/IEC 23009-1 §5.3.3.2 (segment alignment); RFC 8216 §6.2.4.

use std::{cmp::Reverse, ops::Range};

use portcullis_media::bmff::Track;

use crate::{
    error::{Code, PackageError},
    time::Moment,
    timeline::Timeline,
};

/// The segments of one track, as ranges over its samples in decode order.
pub(crate) type Segments = Vec<Range<usize>>;

/// A track with its timeline and the name errors use.
#[derive(Clone, Copy)]
pub(crate) struct Timed<'a> {
    pub(crate) name: &'a str,
    pub(crate) track: &'a Track,
    pub(crate) timeline: &'a Timeline,
}

impl Timed<'_> {
    /// Sync samples and when they are presented.
    fn sync(&self) -> impl Iterator<Item = (usize, Moment)> + '_ {
        let samples = self.track.samples.iter().enumerate();
        samples.filter(|(_, s)| s.is_sync).map(|(index, _)| (index, self.timeline.at(index)))
    }

    fn sample_count(&self) -> usize {
        self.track.samples.len()
    }

    /// The usual duration of a frame: the one in the middle of all.
    fn frame(&self) -> Moment {
        let mut durations: Vec<u32> = self.track.samples.iter().map(|s| s.duration).collect();
        let middle = durations.len() / 2;
        if durations.is_empty() {
            return Moment::ZERO;
        }
        let (_, &mut median, _) = durations.select_nth_unstable(middle);
        Moment::from_ticks(median.into(), self.track.timescale)
    }
}

/// Cuts every track. `video` and `audio` keep their order in the answer.
pub(crate) fn cut(
    video: &[Timed<'_>],
    audio: &[Timed<'_>],
    target: Moment,
) -> Result<(Vec<Segments>, Vec<Segments>), PackageError> {
    let boundaries = picture_boundaries(video, target);
    let pictures = video
        .iter()
        .map(|track| cut_pictures(track, &boundaries))
        .collect::<Result<Vec<_>, _>>()?;
    let picture_end = video.iter().map(|track| track.timeline.end()).max();
    let sounds = audio
        .iter()
        .map(|track| cut_sound(track, &extended(&boundaries, track, target, picture_end)))
        .collect();
    Ok((pictures, sounds))
}

/// The moments after the start at which segments of pictures begin: the first sync sample at
/// or after every multiple of `target`. The rendition with the fewest sync samples, over the
/// time that all of them last, is asked: where it cannot be cut nothing can.
fn picture_boundaries(video: &[Timed<'_>], target: Moment) -> Vec<Moment> {
    let common_end = video.iter().map(|track| track.timeline.end()).min().unwrap_or(Moment::ZERO);
    let reference = video.iter().min_by_key(|track| {
        let common = track.sync().filter(|(_, at)| *at < common_end).count();
        (common, Reverse(track.timeline.end()))
    });
    let Some(reference) = reference else { return Vec::new() };
    let tolerance = reference.frame().half();
    let start = reference.timeline.at(0);
    let mut boundaries = Vec::new();
    let mut wanted = target;
    for (index, at) in reference.sync() {
        let position = at.minus(start).plus(tolerance);
        if index == 0 || position < wanted {
            continue;
        }
        boundaries.push(at);
        wanted = target.times(position.whole(target).saturating_add(1));
    }
    boundaries
}

/// Cuts a rendition at its sync samples nearest to the boundaries.
fn cut_pictures(track: &Timed<'_>, boundaries: &[Moment]) -> Result<Segments, PackageError> {
    let tolerance = track.frame().half();
    let mut sync = track.sync().peekable();
    let mut starts = vec![0];
    for &boundary in boundaries {
        while sync.next_if(|(_, at)| at.plus(tolerance) < boundary).is_some() {}
        match sync.peek() {
            Some((index, at)) if at.distance(boundary) <= tolerance => starts.push(*index),
            // A rendition may end before the others do.
            None if track.timeline.end() <= boundary.plus(tolerance) => break,
            other => return Err(misaligned(track, boundary, other.map(|(_, at)| *at))),
        }
    }
    Ok(ranges(starts, track.sample_count()))
}

fn misaligned(track: &Timed<'_>, boundary: Moment, next: Option<Moment>) -> PackageError {
    let name = track.name;
    let next =
        next.map_or_else(|| "no later one".into(), |at| format!("one at {} us", at.micros()));
    let boundary = boundary.micros();
    let detail = format!(
        "rendition `{name}` has no sync sample at {boundary} us, where the others switch, but \
         {next}; encode all renditions with the same key frames"
    );
    PackageError::new(Code::LadderMisaligned, detail).of_track(track.track.id)
}

/// The boundaries for a track of sound: those of the pictures, then multiples of `target` for
/// as long as sound goes on alone.
fn extended(
    boundaries: &[Moment],
    track: &Timed<'_>,
    target: Moment,
    picture_end: Option<Moment>,
) -> Vec<Moment> {
    let last = boundaries.last().copied().unwrap_or(Moment::ZERO);
    let alone = picture_end.unwrap_or(last).max(last);
    let steps = alone.minus(last).minus(Moment::NANOSECOND).whole(target).saturating_add(1).max(1);
    let mut all = boundaries.to_vec();
    let mut next = last.plus(target.times(steps));
    for _ in 0..track.sample_count() {
        if track.timeline.end() <= next {
            break;
        }
        all.push(next);
        next = next.plus(target);
    }
    all
}

/// Cuts sound before the frame that starts nearest to each boundary. A rest too short to be a
/// segment stays with the one before.
fn cut_sound(track: &Timed<'_>, boundaries: &[Moment]) -> Segments {
    let end = track.timeline.end();
    let first = track.timeline.first_sample;
    let mut starts = vec![first];
    let mut at = first;
    for &boundary in boundaries {
        while at < track.sample_count() && track.timeline.at(at) < boundary {
            at += 1;
        }
        let nearest = match at.checked_sub(1) {
            Some(before)
                if boundary.distance(track.timeline.at(before))
                    <= boundary.distance(track.timeline.at(at)) =>
            {
                before
            }
            _ => at,
        };
        let after_last = starts.last().is_some_and(|&last| last < nearest);
        let rest = end.minus(track.timeline.at(nearest));
        if after_last && nearest < track.sample_count() && SOUND_MIN <= rest {
            starts.push(nearest);
        }
    }
    ranges(starts, track.sample_count())
}

fn ranges(starts: Vec<usize>, count: usize) -> Segments {
    let ends = starts.iter().skip(1).copied().chain([count]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).map(|(start, end)| start..end).collect()
}

/// Half a second.
const SOUND_MIN: Moment = Moment::HALF_SECOND;

#[cfg(test)]
#[path = "segmenter_tests.rs"]
mod tests;
