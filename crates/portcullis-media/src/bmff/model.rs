//! A movie as the readers understand it: tracks, and every sample in decode order.
//!
//! This is what a packager needs to know, whatever way the file said it: sample tables,
//! fragments, or both give the same values. Nothing here points into the file but the
//! samples' offsets; nothing here decides what may be packaged.

use std::ops::Range;

use super::{BoxType, Codec, Fault, MediaError, SampleEntry};

/// What `moov`, and the fragments appended so far, say.
#[derive(Clone, Debug)]
pub struct Movie {
    /// Ticks per second of the edit lists.
    pub timescale: u32,
    /// The tracks, in file order.
    pub tracks: Vec<Track>,
    /// What was repaired on the way, for the operator to read.
    pub warnings: Vec<String>,
    /// `moov` announces fragments (`mvex`).
    pub fragmented: bool,
    /// What fragments need to know beyond the model.
    pub(crate) state: ReadState,
}

impl Movie {
    /// The track with this id.
    #[must_use]
    pub fn track(&self, id: u32) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == id)
    }
}

/// One track.
#[derive(Clone, Debug)]
pub struct Track {
    /// `track_ID`, not 0.
    pub id: u32,
    /// Ticks per second of the samples, not 0.
    pub timescale: u32,
    /// ISO 639-2/T, `und` when the file does not say.
    pub language: String,
    /// What it carries, from the handler.
    pub kind: TrackKind,
    /// The name in the handler box, often empty.
    pub name: String,
    /// The decode time of the first sample: 0, or the first fragment's `tfdt`.
    pub first_decode_time: u64,
    /// Every sample, in decode order.
    pub samples: Vec<Sample>,
    /// The edit list; empty when there is none.
    pub edits: Vec<Edit>,
    /// How the samples are coded.
    pub sample_entry: SampleEntry,
    /// Display width from `tkhd`, 16.16 fixed point; 0 for sound.
    pub display_width_fixed: u32,
    /// Display height from `tkhd`, 16.16 fixed point; 0 for sound.
    pub display_height_fixed: u32,
    /// The transformation matrix from `tkhd`, which turns pictures of telephones upright.
    pub matrix: [i32; 9],
    /// Pre-roll groups (`roll`) as runs over the samples; empty when there are none.
    pub roll: Vec<RollRun>,
}

impl Track {
    /// The sum of all sample durations.
    #[must_use]
    pub fn media_duration(&self) -> u64 {
        // INVARIANT: at most SAMPLES_MAX durations of 32 bits, so the sum fits.
        self.samples.iter().map(|sample| u64::from(sample.duration)).sum()
    }

    /// Frames per second as a reduced fraction, when all durations but the last are equal;
    /// the average otherwise. `None` for a track without time.
    #[must_use]
    pub fn frame_rate(&self) -> Option<(u64, u64)> {
        let (first, count) = (self.samples.first()?.duration, self.samples.len() as u64);
        let body = self.samples.iter().rev().skip(1);
        let (frames, ticks) = if body.clone().all(|sample| sample.duration == first) {
            (1, u64::from(first))
        } else {
            (count, self.media_duration())
        };
        let (top, bottom) = (frames.checked_mul(self.timescale.into())?, ticks);
        let divisor = greatest_common_divisor(top, bottom);
        (bottom != 0).then(|| (top / divisor, bottom / divisor))
    }

    /// The refusal of a track we cannot handle, such as `track 3: VP9 is not supported yet`.
    ///
    /// # Errors
    ///
    /// When the codec is [`Codec::Unsupported`].
    pub fn check_supported(&self) -> Result<(), MediaError> {
        match &self.sample_entry.codec {
            Codec::Unsupported(name) => {
                Err(MediaError::unsupported(name.as_str())
                    .within(format_args!("track {}", self.id)))
            }
            Codec::Aac(_) | Codec::Avc(_) => Ok(()),
        }
    }

    /// Checks that every sample with bytes lies inside one of `extents`, the payloads of the
    /// file's `mdat` boxes. They may come in any order.
    ///
    /// # Errors
    ///
    /// Names the first sample that does not.
    pub fn check_extents(&self, extents: &[Range<u64>]) -> Result<(), MediaError> {
        let mut sorted = extents.to_vec();
        sorted.sort_by_key(|extent| extent.start);
        for (index, sample) in self.samples.iter().enumerate() {
            let range = sample.range();
            let before = sorted.partition_point(|extent| extent.start <= range.start);
            let around = before.checked_sub(1).and_then(|at| sorted.get(at));
            let inside = around.is_some_and(|extent| range.end <= extent.end);
            if sample.size != 0 && !inside {
                let fault = Fault::SampleOutside {
                    sample: index as u64,
                    start: range.start,
                    end: range.end,
                };
                return Err(MediaError::from(fault).within(format_args!("track {}", self.id)));
            }
        }
        Ok(())
    }
}

/// What a track carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// `soun`.
    Audio,
    /// Anything else, with its handler type.
    Other(BoxType),
    /// `vide`.
    Video,
}

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its first byte in the file.
    pub offset: u64,
    /// Its bytes.
    pub size: u32,
    /// Its duration in the track's timescale.
    pub duration: u32,
    /// Composition time minus decode time.
    pub composition_offset: i64,
    /// Decoding can start here.
    pub is_sync: bool,
    /// `is_leading`, `depends_on`, `is_depended_on`, `has_redundancy`, two bits each from the
    /// top; 0 when the file does not say.
    pub dependency: u8,
}

impl Sample {
    /// Its bytes in the file.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        // INVARIANT: the readers check offset + size against the length of the file.
        self.offset..self.offset.saturating_add(self.size.into())
    }
}

/// One entry of an edit list, at normal speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    /// How long it lasts, in the movie's timescale; 0 in fragmented files: to the end.
    pub duration: u64,
    /// Where in the media it starts, in the track's timescale; `None` for an empty edit.
    pub media_time: Option<u64>,
}

/// Samples in a row that share a pre-roll distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollRun {
    /// How many samples.
    pub count: u32,
    /// How many samples must be decoded before (negative) or after one to have it right;
    /// `None` for samples outside any group.
    pub distance: Option<i16>,
}

/// What is remembered between `moov` and the fragments.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadState {
    /// The length of the file: no sample reaches past it.
    pub(crate) file_len: u64,
    /// Bytes of the file that no sample has claimed yet.
    pub(crate) unclaimed: u64,
    /// One per track, in the order of `Movie::tracks`.
    pub(crate) tracks: Vec<TrackState>,
}

/// What is remembered of one track.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrackState {
    /// `trex`, when fragments are announced for this track.
    pub(crate) defaults: Option<Defaults>,
    /// The entry of `stsd` the model shows, counted from 1.
    pub(crate) entry_index: u32,
    /// Where the next sample is decoded unless `tfdt` says otherwise.
    pub(crate) next_decode_time: u64,
    /// Roll distances declared in `stbl`, which fragments may refer to.
    pub(crate) roll_distances: Vec<i16>,
    /// How many samples the runs in `Track::roll` cover.
    pub(crate) rolled: u64,
}

/// Defaults for the samples of fragments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) entry_index: u32,
    pub(crate) duration: u32,
    pub(crate) size: u32,
    pub(crate) flags: u32,
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

/// Samples per track; at 60 frames per second, 46 hours.
pub const SAMPLES_MAX: u64 = 10_000_000;
