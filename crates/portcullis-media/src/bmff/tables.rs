//! The sample tables of a progressive file, expanded into samples.
//!
//! | box | says |
//! |---|---|
//! | `stsz`, `stz2` | how many samples there are, and their sizes |
//! | `stts`, `ctts` | durations; composition offsets |
//! | `stsc`, `stco`, `co64` | samples per chunk; where chunks are |
//! | `stss`, `sdtp` | where decoding can start; dependencies |
//! | `sgpd`, `sbgp` | pre-roll |
//!
//! Tables are read in place; room is made only for as many samples as the file has bytes
//! for. Broken writers leave tables a few samples apart at the end: the shorter one wins, and
//! a warning says so.
//!
//! SPEC: ISO/IEC 14496-12 §8.6.1 to §8.6.4, §8.7.3 to §8.7.5.

use super::{
    BoxType, Boxes, Child, Fault, MediaError, Movie, Reader, RollRun, SAMPLES_MAX, Sample,
    boxes::required, groups, moov::warn,
};

/// The tables of one `stbl`, not yet expanded.
pub(super) struct Tables<'a> {
    sizes: Sizes<'a>,
    durations: Runs<'a>,
    offsets: Option<Runs<'a>>,
    chunks: Chunks<'a>,
    sync: Option<Reader<'a>>,
    dependencies: Option<&'a [u8]>,
    /// Distances that `sbgp` boxes here and in fragments refer to.
    pub(super) roll_distances: Vec<i16>,
    /// Pre-roll of the samples of these tables.
    pub(super) roll: Vec<RollRun>,
}

impl<'a> Tables<'a> {
    /// Finds the tables among the boxes of `stbl` and checks their counts.
    pub(super) fn read(boxes: Boxes<'a>) -> Result<Self, MediaError> {
        let [stsz, stz2, stts, ctts, stss, sdtp] =
            boxes.clone().collect_once([b"stsz", b"stz2", b"stts", b"ctts", b"stss", b"sdtp"])?;
        let sizes = match (stsz, stz2) {
            (Some(stsz), _) => stsz.read(Sizes::read)?,
            (None, Some(stz2)) => stz2.read(Sizes::read_compact)?,
            (None, None) => return Err(Fault::Missing(b"stsz".into()).into()),
        };
        let (roll_distances, roll) = roll(boxes.clone())?;
        Ok(Self {
            sizes,
            durations: required(stts, b"stts")?.read(Runs::read)?,
            offsets: ctts.map(|ctts| ctts.read(Runs::read)).transpose()?,
            chunks: Chunks::read(boxes)?,
            sync: stss.map(|stss| stss.read(|reader| table(reader, 4))).transpose()?,
            dependencies: sdtp.map(|sdtp| sdtp.read(dependency_bytes)).transpose()?,
            roll_distances,
            roll,
        })
    }

    /// Every sample, and the sample description all of them use.
    pub(super) fn expand(
        &self,
        track: u32,
        movie: &mut Movie,
    ) -> Result<(Vec<Sample>, Option<u32>), MediaError> {
        let count = self.count(track, movie)?;
        let claimed = self.sizes.constant.map(|size| count.checked_mul(size.into()));
        if claimed.is_some_and(|claimed| claimed.is_none_or(|n| n > movie.state.unclaimed)) {
            return Err(within(b"stsz", Fault::Overclaimed));
        }
        // INVARIANT: `count` is at most SAMPLES_MAX, and each sample has a size in a table or
        // a byte of the file.
        let mut samples = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        self.place(&mut samples, count, movie)?;
        self.time(&mut samples)?;
        self.mark_sync(&mut samples)?;
        for (sample, &dependency) in samples.iter_mut().zip(self.dependencies.unwrap_or_default()) {
            sample.dependency = dependency;
        }
        Ok((samples, self.chunks.entry_index(count)?))
    }

    /// The number of samples that all tables agree on.
    fn count(&self, track: u32, movie: &mut Movie) -> Result<u64, MediaError> {
        let samples = u64::from(self.sizes.count);
        let mut least = samples;
        let described = [
            (b"stts", Some(self.durations.samples)),
            (b"ctts", self.offsets.as_ref().map(|offsets| offsets.samples)),
            (b"stsc", Some(self.chunks.samples()?)),
        ];
        for (table, count) in described {
            let Some(count) = count.filter(|&count| count != samples) else { continue };
            let table = BoxType::from(table);
            // A table with room for more says nothing wrong; chunks are the usual case.
            if count.abs_diff(samples) > COUNT_SLACK && (count < samples || table.0 != *b"stsc") {
                return Err(Fault::CountMismatch { table, count, samples }.into());
            }
            let text = format!("track {track}: `{table}` has {count} samples, not {samples}");
            warn(&mut movie.warnings, text);
            least = least.min(count);
        }
        Ok(least)
    }

    /// Makes `count` samples where the chunks say they are.
    fn place(
        &self,
        samples: &mut Vec<Sample>,
        count: u64,
        movie: &mut Movie,
    ) -> Result<(), MediaError> {
        let mut sizes = self.sizes.clone();
        let mut number = 0;
        let mut chunks = self.chunks.clone();
        while number < count {
            let (mut offset, in_chunk) = chunks.next()?;
            for _ in 0..u64::from(in_chunk).min(count - number) {
                let size = sizes.next()?;
                let end = offset.checked_add(size.into()).ok_or(Fault::Overflow("offset"))?;
                if end > movie.state.file_len {
                    return Err(Fault::SampleOutside { sample: number, start: offset, end }.into());
                }
                let unclaimed = movie.state.unclaimed.checked_sub(size.into());
                movie.state.unclaimed = unclaimed.ok_or(Fault::Overclaimed)?;
                samples.push(Sample {
                    offset,
                    size,
                    duration: 0,
                    composition_offset: 0,
                    is_sync: self.sync.is_none(),
                    dependency: 0,
                });
                (offset, number) = (end, number + 1);
            }
        }
        Ok(())
    }

    fn time(&self, samples: &mut [Sample]) -> Result<(), MediaError> {
        let mut durations = self.durations.clone();
        let mut previous = 0;
        for sample in samples.iter_mut() {
            let duration = durations.next()?;
            if duration > i32::MAX.unsigned_abs() {
                let fault = Fault::BadValue { field: "sample_delta", value: duration.into() };
                return Err(within(b"stts", fault));
            }
            // Writers that do not know when the last sample ends write 0.
            let ends_unknown = duration == 0 && durations.is_last_run();
            sample.duration = if ends_unknown { previous } else { duration };
            previous = sample.duration;
        }
        if let Some(mut offsets) = self.offsets.clone() {
            for sample in samples.iter_mut() {
                // SPEC: version 0 is unsigned, but writers put negative numbers there, and no
                // offset is ever as large as they would be.
                sample.composition_offset = offsets.next()?.cast_signed().into();
            }
        }
        Ok(())
    }

    fn mark_sync(&self, samples: &mut [Sample]) -> Result<(), MediaError> {
        let Some(mut table) = self.sync.clone() else { return Ok(()) };
        while table.left() > 0 {
            let number = table.u32()?;
            let known = number != 0 && number <= self.sizes.count;
            let index = usize::try_from(number.wrapping_sub(1)).unwrap_or(usize::MAX);
            match samples.get_mut(index) {
                Some(sample) => sample.is_sync = true,
                // The tail that the shorter table took away.
                None if known => {}
                None => {
                    let fault = Fault::BadValue { field: "sample_number", value: number.into() };
                    return Err(within(b"stss", fault));
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone)]
struct Sizes<'a> {
    constant: Option<u32>,
    field_bits: u8,
    count: u32,
    pending: Option<u8>,
    table: Reader<'a>,
}

impl<'a> Sizes<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, MediaError> {
        reader.full_box()?;
        let constant = reader.u32()?;
        let count = sample_count(reader)?;
        if constant == 0 {
            reader.check_table(count, 4)?;
        }
        let table = Reader::new(reader.rest());
        let constant = (constant != 0).then_some(constant);
        Ok(Self { constant, field_bits: 32, count, pending: None, table })
    }

    fn read_compact(reader: &mut Reader<'a>) -> Result<Self, MediaError> {
        reader.full_box()?;
        let field_bits = u8::try_from(reader.u32()? & 0xff).unwrap_or(0);
        let count = sample_count(reader)?;
        let (entries, entry_size) = match field_bits {
            4 => (count.div_ceil(2), 1),
            8 => (count, 1),
            16 => (count, 2),
            other => {
                return Err(Fault::BadValue { field: "field_size", value: other.into() }.into());
            }
        };
        reader.check_table(entries, entry_size)?;
        let table = Reader::new(reader.rest());
        Ok(Self { constant: None, field_bits, count, pending: None, table })
    }

    fn next(&mut self) -> Result<u32, MediaError> {
        if let Some(size) = self.constant {
            return Ok(size);
        }
        match self.field_bits {
            4 => match self.pending.take() {
                Some(low) => Ok(low.into()),
                None => {
                    let pair = self.table.u8()?;
                    self.pending = Some(pair & 0x0f);
                    Ok((pair >> 4).into())
                }
            },
            8 => self.table.u8().map(u32::from),
            16 => self.table.u16().map(u32::from),
            _ => self.table.u32(),
        }
    }
}

/// Runs of equal values: `stts` and `ctts`.
#[derive(Clone)]
struct Runs<'a> {
    samples: u64,
    left_in_run: u32,
    value: u32,
    table: Reader<'a>,
}

impl<'a> Runs<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, MediaError> {
        let table = table(reader, 8)?;
        let mut samples = 0u64;
        let mut counting = table.clone();
        while counting.left() > 0 {
            // INVARIANT: fewer than 2^32 counts of 32 bits cannot overflow 64.
            samples = samples.saturating_add(counting.u32()?.into());
            counting.skip(4)?;
        }
        Ok(Self { samples, left_in_run: 0, value: 0, table })
    }

    fn next(&mut self) -> Result<u32, MediaError> {
        while self.left_in_run == 0 {
            self.left_in_run = self.table.u32()?;
            self.value = self.table.u32()?;
        }
        self.left_in_run -= 1;
        Ok(self.value)
    }

    fn is_last_run(&self) -> bool {
        self.table.left() == 0
    }
}

/// `stsc` and `stco` or `co64` together.
#[derive(Clone)]
struct Chunks<'a> {
    runs: Reader<'a>,
    offsets: Reader<'a>,
    offset_len: usize,
    next_chunk: u64,
    samples_per_chunk: u32,
}

impl<'a> Chunks<'a> {
    fn read(boxes: Boxes<'a>) -> Result<Self, MediaError> {
        let [stsc, stco, co64] = boxes.collect_once([b"stsc", b"stco", b"co64"])?;
        let runs = required(stsc, b"stsc")?.read(|reader| table(reader, 12))?;
        let (offsets, offset_len) = match (stco, co64) {
            (_, Some(co64)) => (co64.read(|reader| table(reader, 8))?, 8),
            (Some(stco), None) => (stco.read(|reader| table(reader, 4))?, 4),
            (None, None) => return Err(Fault::Missing(b"stco".into()).into()),
        };
        Ok(Self { runs, offsets, offset_len, next_chunk: 1, samples_per_chunk: 0 })
    }

    /// Where the next chunk is, and how many samples it has.
    fn next(&mut self) -> Result<(u64, u32), MediaError> {
        let mut ahead = self.runs.clone();
        if ahead.left() > 0 && u64::from(ahead.u32()?) == self.next_chunk {
            self.samples_per_chunk = ahead.u32()?;
            ahead.skip(4)?;
            self.runs = ahead;
        }
        self.next_chunk += 1;
        let offset =
            if self.offset_len == 8 { self.offsets.u64()? } else { self.offsets.u32()?.into() };
        Ok((offset, self.samples_per_chunk))
    }

    /// How many samples all chunks have, after checking that runs are in order.
    fn samples(&self) -> Result<u64, MediaError> {
        let bad = |value: u32| {
            within(b"stsc", Fault::BadValue { field: "first_chunk", value: value.into() })
        };
        let chunks = (self.offsets.left() / self.offset_len) as u64;
        let (mut total, mut first, mut per_chunk) = (0u64, 1u64, 0u32);
        let mut runs = self.runs.clone();
        let mut is_first = true;
        while runs.left() > 0 {
            let next = runs.u32()?;
            let in_order = if is_first { next == 1 } else { u64::from(next) > first };
            if !in_order {
                return Err(bad(next));
            }
            let until = u64::from(next).min(chunks + 1);
            total = add_run(total, until.saturating_sub(first), per_chunk)?;
            (first, per_chunk, is_first) = (next.into(), runs.u32()?, false);
            runs.skip(4)?;
        }
        add_run(total, (chunks + 1).saturating_sub(first), per_chunk)
    }

    /// The sample description of the first `count` samples, if there are any.
    fn entry_index(&self, count: u64) -> Result<Option<u32>, MediaError> {
        let mut runs = self.runs.clone();
        let mut used = None;
        while count > 0 && runs.left() > 0 {
            runs.skip(8)?;
            let index = runs.u32()?;
            if *used.get_or_insert(index) != index {
                return Err(MediaError::unsupported("a sample description that changes midway"));
            }
        }
        Ok(used)
    }
}

fn add_run(total: u64, chunks: u64, per_chunk: u32) -> Result<u64, MediaError> {
    chunks
        .checked_mul(per_chunk.into())
        .and_then(|samples| samples.checked_add(total))
        .ok_or_else(|| within(b"stsc", Fault::Overflow("samples")))
}

/// The entries of a table whose count stands before them.
fn table<'a>(reader: &mut Reader<'a>, entry_size: usize) -> Result<Reader<'a>, MediaError> {
    reader.full_box()?;
    let count = reader.u32()?;
    reader.check_table(count, entry_size)?;
    let length = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(entry_size);
    reader.bytes(length).map(Reader::new)
}

fn sample_count(reader: &mut Reader<'_>) -> Result<u32, MediaError> {
    let count = reader.u32()?;
    if u64::from(count) > SAMPLES_MAX {
        let fault = Fault::Limit { what: "samples", value: count.into(), most: SAMPLES_MAX };
        return Err(fault.into());
    }
    Ok(count)
}

fn dependency_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], MediaError> {
    reader.full_box()?;
    Ok(reader.rest())
}

fn roll(boxes: Boxes<'_>) -> Result<(Vec<i16>, Vec<RollRun>), MediaError> {
    let groups: Vec<Child<'_>> = boxes.collect::<Result<_, _>>()?;
    let mut known = Vec::new();
    for sgpd in groups.iter().filter(|child| child.kind.0 == *b"sgpd") {
        known.extend(sgpd.read(groups::distances)?.unwrap_or_default());
    }
    let find = |index: u32| known.get(usize::try_from(index).ok()?.checked_sub(1)?).copied();
    let mut runs = Vec::new();
    for sbgp in groups.iter().filter(|child| child.kind.0 == *b"sbgp") {
        runs.extend(sbgp.read(|reader| groups::runs(reader, find))?.unwrap_or_default());
    }
    Ok((known, runs))
}

fn within(kind: &[u8; 4], fault: Fault) -> MediaError {
    MediaError::from(fault).within(BoxType::from(kind))
}

/// Samples by which tables may disagree at the end.
const COUNT_SLACK: u64 = 16;
