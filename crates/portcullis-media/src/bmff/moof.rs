//! `moof`: the samples of one fragment, appended to the movie.
//!
//! | where samples start | when |
//! |---|---|
//! | `base_data_offset` | `tfhd` has one |
//! | start of `moof` | `default-base-is-moof`, or the first `traf` |
//! | end of the previous `traf`'s data | otherwise |
//!
//! Encryption boxes of fragments are not read: an encrypted track is refused by its sample
//! entry already.
//!
//! SPEC: ISO/IEC 14496-12 §8.8.4 to §8.8.8, §8.8.12.

use super::{
    Boxes, Child, Fault, MediaError, Movie, Reader, RollRun, SAMPLES_MAX, Sample, Track,
    boxes::required,
    groups,
    model::{Defaults, TrackState},
    moov::warn,
};

/// Appends the samples of a fragment, whose `moof` box starts at `moof_offset` in the file.
///
/// # Errors
///
/// When a box is malformed, names an unknown track or samples outside the file. The movie may
/// then hold a part of the fragment.
pub fn append(movie: &mut Movie, payload: &[u8], moof_offset: u64) -> Result<(), MediaError> {
    read(movie, Boxes::new(payload), moof_offset).map_err(|error| error.within("moof"))
}

fn read(movie: &mut Movie, boxes: Boxes<'_>, moof_offset: u64) -> Result<(), MediaError> {
    let mut place = Place { moof: moof_offset, next: moof_offset };
    let mut number = 0;
    for child in boxes {
        let child = child?;
        if child.kind.0 == *b"traf" {
            number += 1;
            add_track_run(movie, &child, &mut place)
                .map_err(|error| error.within(format_args!("traf[{number}]")))?;
        }
    }
    Ok(())
}

/// Where the data of a `traf` starts, unless it says otherwise.
struct Place {
    moof: u64,
    /// The end of the data of the `traf` before.
    next: u64,
}

fn add_track_run(movie: &mut Movie, traf: &Child<'_>, place: &mut Place) -> Result<(), MediaError> {
    let [tfhd, tfdt] = traf.boxes()?.collect_once([b"tfhd", b"tfdt"])?;
    let header = required(tfhd, b"tfhd")?.read(FragmentHeader::read)?;
    let unknown = Fault::UnknownTrack(header.track);
    let found = movie.tracks.iter().position(|track| track.id == header.track);
    let index = found.ok_or_else(|| unknown.clone())?;
    let (Some(track), Some(state)) =
        (movie.tracks.get_mut(index), movie.state.tracks.get_mut(index))
    else {
        return Err(unknown.into());
    };
    let defaults = header.defaults(state)?;
    let before = track.samples.len();
    let time = tfdt.map(|tfdt| tfdt.read(decode_time)).transpose()?;
    let mut run = Appender {
        samples: &mut track.samples,
        defaults,
        base: header.base(place),
        next: header.base(place),
        file_len: movie.state.file_len,
        unclaimed: &mut movie.state.unclaimed,
    };
    for child in traf.boxes()? {
        let child = child?;
        if child.kind.0 == *b"trun" {
            child.read(|reader| run.add(reader))?;
        }
    }
    place.next = run.next;
    if track.samples.len() > before {
        connect(track, state, before, time, &mut movie.warnings)?;
    }
    add_roll(track, state, traf.boxes()?, before)
}

struct FragmentHeader {
    track: u32,
    base: Option<u64>,
    is_moof_based: bool,
    entry_index: Option<u32>,
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
}

impl FragmentHeader {
    fn read(reader: &mut Reader<'_>) -> Result<Self, MediaError> {
        let (_, flags) = reader.full_box()?;
        Ok(Self {
            track: reader.u32()?,
            base: if flags & 0x1 == 0 { None } else { Some(reader.u64()?) },
            is_moof_based: flags & 0x02_0000 != 0,
            entry_index: optional(reader, flags & 0x2)?,
            duration: optional(reader, flags & 0x8)?,
            size: optional(reader, flags & 0x10)?,
            flags: optional(reader, flags & 0x20)?,
        })
    }

    fn base(&self, place: &Place) -> u64 {
        match self.base {
            Some(base) => base,
            None if self.is_moof_based => place.moof,
            None => place.next,
        }
    }

    fn defaults(&self, state: &TrackState) -> Result<Defaults, MediaError> {
        let movie = state.defaults.ok_or_else(|| Fault::Missing(b"trex".into()))?;
        let entry_index = self.entry_index.unwrap_or(movie.entry_index);
        if entry_index != state.entry_index {
            return Err(MediaError::unsupported("a sample description that changes midway"));
        }
        Ok(Defaults {
            entry_index,
            duration: self.duration.unwrap_or(movie.duration),
            size: self.size.unwrap_or(movie.size),
            flags: self.flags.unwrap_or(movie.flags),
        })
    }
}

fn optional(reader: &mut Reader<'_>, flag: u32) -> Result<Option<u32>, MediaError> {
    if flag == 0 { Ok(None) } else { reader.u32().map(Some) }
}

fn decode_time(reader: &mut Reader<'_>) -> Result<u64, MediaError> {
    let (version, _) = reader.full_box()?;
    let time = if version == 0 { reader.u32()?.into() } else { reader.u64()? };
    if time > TIME_MAX {
        return Err(Fault::BadValue { field: "baseMediaDecodeTime", value: time }.into());
    }
    Ok(time)
}

/// Appends the samples of `trun` boxes.
struct Appender<'m> {
    samples: &'m mut Vec<Sample>,
    defaults: Defaults,
    base: u64,
    next: u64,
    file_len: u64,
    unclaimed: &'m mut u64,
}

impl Appender<'_> {
    fn add(&mut self, reader: &mut Reader<'_>) -> Result<(), MediaError> {
        let (_, flags) = reader.full_box()?;
        let count = reader.u32()?;
        if flags & 0x1 != 0 {
            let offset = i64::from(reader.i32()?);
            self.next = self.base.checked_add_signed(offset).ok_or(Fault::Overflow("offset"))?;
        }
        let first_flags = optional(reader, flags & 0x4)?;
        self.check_count(count, flags, reader)?;
        for index in 0..count {
            let duration = optional(reader, flags & 0x100)?.unwrap_or(self.defaults.duration);
            let size = optional(reader, flags & 0x200)?.unwrap_or(self.defaults.size);
            let own_flags = optional(reader, flags & 0x400)?;
            // SPEC: version 0 is unsigned, but writers put negative numbers there, and no
            // offset is ever as large as they would be.
            let offset = optional(reader, flags & 0x800)?.unwrap_or(0).cast_signed();
            let first_flags = first_flags.filter(|_| index == 0);
            let flags = first_flags.or(own_flags).unwrap_or(self.defaults.flags);
            self.push(size, duration, offset, flags)?;
        }
        Ok(())
    }

    /// Refuses samples that nothing in the file stands for.
    fn check_count(&self, count: u32, flags: u32, reader: &Reader<'_>) -> Result<(), MediaError> {
        let fields = (flags & 0xf00).count_ones() as usize;
        reader.check_table(count, fields * 4)?;
        let total = (self.samples.len() as u64).saturating_add(count.into());
        if total > SAMPLES_MAX {
            let fault = Fault::Limit { what: "samples", value: total, most: SAMPLES_MAX };
            return Err(fault.into());
        }
        let has_sizes = flags & 0x200 != 0;
        // 32 bits times 32 bits fit 64.
        let claimed = u64::from(count).saturating_mul(self.defaults.size.into());
        if !has_sizes && claimed > *self.unclaimed {
            return Err(Fault::Overclaimed.into());
        }
        if fields == 0 && self.defaults.size == 0 && count > 1 {
            return Err(Fault::BadValue { field: "sample_count", value: count.into() }.into());
        }
        Ok(())
    }

    fn push(
        &mut self,
        size: u32,
        duration: u32,
        composition_offset: i32,
        flags: u32,
    ) -> Result<(), MediaError> {
        let end = self.next.checked_add(size.into()).ok_or(Fault::Overflow("offset"))?;
        if end > self.file_len {
            let sample = self.samples.len() as u64;
            return Err(Fault::SampleOutside { sample, start: self.next, end }.into());
        }
        *self.unclaimed = self.unclaimed.checked_sub(size.into()).ok_or(Fault::Overclaimed)?;
        self.samples.push(Sample {
            offset: self.next,
            size,
            duration,
            composition_offset: composition_offset.into(),
            is_sync: flags & NON_SYNC == 0,
            dependency: u8::try_from(flags >> 20 & 0xff).unwrap_or(0),
        });
        self.next = end;
        Ok(())
    }
}

/// Makes the decode times of a fragment follow those before it.
///
/// The model has durations only, so a gap lengthens the last sample before it and an overlap
/// shortens it, as long as it keeps a duration.
fn connect(
    track: &mut Track,
    state: &mut TrackState,
    before: usize,
    time: Option<u64>,
    warnings: &mut Vec<String>,
) -> Result<(), MediaError> {
    let expected = state.next_decode_time;
    let start = time.unwrap_or(expected);
    let last = before.checked_sub(1).and_then(|last| track.samples.get_mut(last));
    match last {
        None => track.first_decode_time = start,
        Some(_) if start == expected => {}
        Some(last) => {
            let bad = Fault::BadValue { field: "baseMediaDecodeTime", value: start };
            let begin = expected.saturating_sub(last.duration.into());
            let duration = start.checked_sub(begin).filter(|&duration| duration > 0);
            let duration = duration.and_then(|duration| u32::try_from(duration).ok());
            last.duration = duration.ok_or(bad)?;
            let id = track.id;
            warn(warnings, format!("track {id}: a fragment starts at {start}, not at {expected}"));
        }
    }
    let added = track.samples.get(before..).unwrap_or_default();
    let ticks: u64 = added.iter().map(|sample| u64::from(sample.duration)).sum();
    let end = start.checked_add(ticks).filter(|&end| end <= TIME_MAX);
    state.next_decode_time = end.ok_or(Fault::Overflow("decode time"))?;
    Ok(())
}

fn add_roll(
    track: &mut Track,
    state: &mut TrackState,
    boxes: Boxes<'_>,
    before: usize,
) -> Result<(), MediaError> {
    let children: Vec<Child<'_>> = boxes.collect::<Result<_, _>>()?;
    let mut own = Vec::new();
    for sgpd in children.iter().filter(|child| child.kind.0 == *b"sgpd") {
        own.extend(sgpd.read(groups::distances)?.unwrap_or_default());
    }
    let find = |index: u32| {
        let (list, index) = match index.checked_sub(OWN_GROUPS) {
            Some(index) => (&own, index),
            None => (&state.roll_distances, index),
        };
        list.get(usize::try_from(index).ok()?.checked_sub(1)?).copied()
    };
    let mut runs = Vec::new();
    for sbgp in children.iter().filter(|child| child.kind.0 == *b"sbgp") {
        runs.extend(sbgp.read(|reader| groups::runs(reader, find))?.unwrap_or_default());
    }
    if runs.is_empty() {
        return Ok(());
    }
    let missing = (before as u64).checked_sub(state.rolled).ok_or(Fault::Overflow("samples"))?;
    let padding = u32::try_from(missing).map_err(|_| Fault::Overflow("samples"))?;
    groups::push(&mut track.roll, RollRun { count: padding, distance: None })?;
    state.rolled = (before as u64).saturating_add(groups::samples(&runs));
    runs.into_iter().try_for_each(|run| groups::push(&mut track.roll, run))
}

/// The bit of sample flags that says: decoding cannot start here.
const NON_SYNC: u32 = 0x0001_0000;

/// Group descriptions of the fragment itself are counted from here, not from 0.
const OWN_GROUPS: u32 = 0x0001_0000;

/// Decode times stay below 2^63, so that signed offsets can be added to them.
const TIME_MAX: u64 = i64::MAX as u64;
