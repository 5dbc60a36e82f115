//! A media segment up to its sample data: `styp`, `moof` and the header of `mdat`.
//!
//! The samples themselves follow, encrypted, in the order in which they were listed. Nothing
//! may be inserted into `moof` afterwards: `trun` and `saio` count bytes from its start.
//!
//! ```text
//! styp moof ( mfhd traf ( tfhd tfdt trun [sbgp] [saiz saio] senc )) mdat
//! ```
//!
//! SPEC: ISO/IEC 14496-12 §8.8; ISO/IEC 23000-19 §7.3.2; ISO/IEC 23001-7 §7.

use super::{WriteError, put_box, put_full_box, put_u16, put_u32, put_u64};
use crate::bmff::Sample;
use crate::cenc::Subsample;

/// What one segment holds.
#[derive(Clone, Debug)]
pub struct Fragment<'a> {
    /// The decode time of the first sample.
    pub base_decode_time: u64,
    /// Whether the header declares a pre-roll group, which all samples belong to.
    pub roll: Roll,
    /// The samples, in decode order.
    pub samples: &'a [FragmentSample],
    /// The number of the fragment, from 1.
    pub sequence: u32,
    /// `track_ID`, as in the header.
    pub track_id: u32,
}

/// Whether samples belong to the pre-roll group of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roll {
    /// All of them do.
    Grouped,
    /// There is no such group.
    None,
}

/// One sample of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragmentSample {
    /// Composition time minus decode time.
    pub composition_offset: i32,
    /// Its duration.
    pub duration: u32,
    /// How it may be used in decoding.
    pub flags: SampleFlags,
    /// Its IV under `cenc`; `None` when the track has a constant one.
    pub iv: Option<[u8; 8]>,
    /// Its bytes.
    pub size: u32,
    /// Its subsample map; empty when the whole sample is protected.
    pub subsamples: Vec<Subsample>,
}

impl FragmentSample {
    fn record_size(&self, mapped: Mapped) -> usize {
        let map = match mapped {
            Mapped::No => 0,
            Mapped::Yes => 2 + 6 * self.subsamples.len(),
        };
        self.iv.map_or(0, |iv| iv.len()) + map
    }

    fn put_record(&self, out: &mut Vec<u8>, mapped: Mapped) {
        out.extend(self.iv.iter().flatten());
        if mapped == Mapped::Yes {
            // INVARIANT: records were checked to have at most 255 bytes.
            put_u16(out, u16::try_from(self.subsamples.len()).unwrap_or(u16::MAX));
            for subsample in &self.subsamples {
                put_u16(out, subsample.clear);
                put_u32(out, subsample.protected);
            }
        }
    }
}

/// The `sample_flags` of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleFlags(u32);

impl SampleFlags {
    /// Repeats what the source says, and adds what follows from the sample being a sync
    /// sample or not.
    #[must_use]
    pub fn of(sample: &Sample) -> Self {
        let base = if sample.is_sync { FLAGS_SYNC } else { FLAGS_DEPENDENT };
        let stated = u32::from(sample.dependency) << 20;
        let knows_dependency = stated & DEPENDS_ON_MASK != 0;
        let base = if knows_dependency { base & !DEPENDS_ON_MASK } else { base };
        Self(base | stated)
    }

    /// The 32 bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// Writes everything of the segment that stands before the sample data.
///
/// # Errors
///
/// When only some samples have an IV, an encryption record does not fit its size field, or
/// there is more than the boxes can count.
pub fn write(fragment: &Fragment<'_>) -> Result<Vec<u8>, WriteError> {
    let samples = fragment.samples;
    let too_large = WriteError::TooLarge { samples: samples.len() };
    if samples.len() > FRAGMENT_SAMPLES_MAX {
        return Err(too_large);
    }
    let mapped = check_records(samples)?;
    let mdat_payload: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();
    let wide = mdat_payload + 8 > u64::from(u32::MAX);

    let mut out = STYP.to_vec();
    let moof_start = out.len();
    let mut places = Places { data_offset: 0, saio_offset: None, records: 0 };
    put_box(&mut out, *b"moof", |out| {
        put_full_box(out, *b"mfhd", 0, 0, |out| put_u32(out, fragment.sequence));
        put_box(out, *b"traf", |out| places = put_traf(out, fragment, mapped));
    });

    let moof_size = out.len() - moof_start;
    let mdat_header = if wide { 16 } else { 8 };
    let data_offset = i32::try_from(moof_size + mdat_header).map_err(|_| too_large)?;
    patch(&mut out, places.data_offset, data_offset.to_be_bytes());
    if let Some(place) = places.saio_offset {
        // INVARIANT: the records lie inside `moof`, whose size just fitted an i32.
        let offset = u32::try_from(places.records - moof_start).unwrap_or(u32::MAX);
        patch(&mut out, place, offset.to_be_bytes());
    }
    if wide {
        put_u32(&mut out, 1);
        out.extend(b"mdat");
        put_u64(&mut out, mdat_payload + 16);
    } else {
        put_u32(&mut out, u32::try_from(mdat_payload + 8).unwrap_or(u32::MAX));
        out.extend(b"mdat");
    }
    Ok(out)
}

/// Where in the output the fields are that depend on the finished layout.
struct Places {
    data_offset: usize,
    saio_offset: Option<usize>,
    records: usize,
}

fn put_traf(out: &mut Vec<u8>, fragment: &Fragment<'_>, mapped: Mapped) -> Places {
    let samples = fragment.samples;
    let duration = common(samples, |sample| sample.duration);
    let flags = common(samples, |sample| sample.flags.0);
    let first = samples.first().map_or(0, |sample| sample.flags.0);
    let rest = common(samples.get(1..).unwrap_or(&[]), |sample| sample.flags.0);
    let (default_flags, first_flags) = match (flags, rest) {
        (Some(flags), _) => (Some(flags), None),
        (None, Some(rest)) => (Some(rest), Some(first)),
        (None, None) => (None, None),
    };
    let tfhd_flags = DEFAULT_BASE_IS_MOOF
        | duration.map_or(0, |_| TFHD_DURATION)
        | default_flags.map_or(0, |_| TFHD_FLAGS);
    put_full_box(out, *b"tfhd", 0, tfhd_flags, |out| {
        put_u32(out, fragment.track_id);
        duration.into_iter().for_each(|value| put_u32(out, value));
        default_flags.into_iter().for_each(|value| put_u32(out, value));
    });
    put_full_box(out, *b"tfdt", 1, 0, |out| put_u64(out, fragment.base_decode_time));

    let mut places = Places { data_offset: 0, saio_offset: None, records: 0 };
    let columns = Columns {
        duration: duration.is_none(),
        flags: default_flags.is_none(),
        composition: samples.iter().any(|sample| sample.composition_offset != 0),
    };
    put_trun(out, samples, &columns, first_flags, &mut places);
    if fragment.roll == Roll::Grouped {
        put_full_box(out, *b"sbgp", 0, 0, |out| {
            out.extend(b"roll");
            put_u32(out, 1);
            put_u32(out, count(samples));
            put_u32(out, 1);
        });
    }
    put_auxiliary(out, samples, mapped, &mut places);
    places
}

/// Which fields `trun` states for each sample.
struct Columns {
    duration: bool,
    flags: bool,
    composition: bool,
}

fn put_trun(
    out: &mut Vec<u8>,
    samples: &[FragmentSample],
    columns: &Columns,
    first_flags: Option<u32>,
    places: &mut Places,
) {
    let bit = |present: bool, flag: u32| if present { flag } else { 0 };
    let flags = TRUN_DATA_OFFSET
        | bit(first_flags.is_some(), TRUN_FIRST_FLAGS)
        | bit(columns.duration, TRUN_DURATION)
        | TRUN_SIZE
        | bit(columns.flags, TRUN_FLAGS)
        | bit(columns.composition, TRUN_COMPOSITION);
    put_full_box(out, *b"trun", 1, flags, |out| {
        put_u32(out, count(samples));
        places.data_offset = out.len();
        put_u32(out, 0);
        first_flags.into_iter().for_each(|value| put_u32(out, value));
        for sample in samples {
            if columns.duration {
                put_u32(out, sample.duration);
            }
            put_u32(out, sample.size);
            if columns.flags {
                put_u32(out, sample.flags.0);
            }
            if columns.composition {
                out.extend(sample.composition_offset.to_be_bytes());
            }
        }
    });
}

/// `saiz`, `saio` and `senc`.
///
/// SPEC: ISO/IEC 23000-19 §8.2.2.1 would leave all three out when the records are empty, as
/// in `cbcs` audio. We keep an empty `senc`: one decryptor stops after the first sample
/// without it, and two refuse a track whose `saiz` counts no samples.
fn put_auxiliary(
    out: &mut Vec<u8>,
    samples: &[FragmentSample],
    mapped: Mapped,
    places: &mut Places,
) {
    let size = |sample: &FragmentSample| u8::try_from(sample.record_size(mapped)).unwrap_or(0);
    let constant = common(samples, size);
    if constant != Some(0) {
        put_full_box(out, *b"saiz", 0, 0, |out| {
            out.push(constant.unwrap_or(0));
            put_u32(out, count(samples));
            if constant.is_none() {
                out.extend(samples.iter().map(size));
            }
        });
        put_full_box(out, *b"saio", 0, 0, |out| {
            put_u32(out, 1);
            places.saio_offset = Some(out.len());
            put_u32(out, 0);
        });
    }
    let flags = if mapped == Mapped::Yes { SENC_SUBSAMPLES } else { 0 };
    put_full_box(out, *b"senc", 0, flags, |out| {
        put_u32(out, count(samples));
        places.records = out.len();
        samples.iter().for_each(|sample| sample.put_record(out, mapped));
    });
}

fn check_records(samples: &[FragmentSample]) -> Result<Mapped, WriteError> {
    let any_map = samples.iter().any(|sample| !sample.subsamples.is_empty());
    let mapped = if any_map { Mapped::Yes } else { Mapped::No };
    let with_iv = samples.first().is_some_and(|sample| sample.iv.is_some());
    for (index, sample) in samples.iter().enumerate() {
        if sample.iv.is_some() != with_iv {
            return Err(WriteError::IvsMixed { sample: index });
        }
        let size = sample.record_size(mapped);
        if size > usize::from(u8::MAX) {
            return Err(WriteError::RecordTooLong { sample: index, size });
        }
    }
    Ok(mapped)
}

/// Whether the records of a fragment have subsample maps: all of them or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mapped {
    No,
    Yes,
}

/// The value all samples share.
fn common<T: PartialEq>(
    samples: &[FragmentSample],
    value: impl Fn(&FragmentSample) -> T,
) -> Option<T> {
    let (first, rest) = samples.split_first()?;
    let first = value(first);
    rest.iter().all(|sample| value(sample) == first).then_some(first)
}

fn count(samples: &[FragmentSample]) -> u32 {
    // INVARIANT: `write` refuses more than FRAGMENT_SAMPLES_MAX samples.
    u32::try_from(samples.len()).unwrap_or(u32::MAX)
}

fn patch(out: &mut [u8], place: usize, bytes: [u8; 4]) {
    if let Some(field) = out.get_mut(place..place + 4) {
        field.copy_from_slice(&bytes);
    }
}

/// Samples per fragment. At 255 bytes of record and 16 of `trun` each, `moof` stays below
/// 2 GiB.
pub const FRAGMENT_SAMPLES_MAX: usize = 4_000_000;

pub(super) const FLAGS_SYNC: u32 = 0x0200_0000;
pub(super) const FLAGS_DEPENDENT: u32 = 0x0101_0000;
const DEPENDS_ON_MASK: u32 = 0x0300_0000;
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;
const TFHD_DURATION: u32 = 0x08;
const TFHD_FLAGS: u32 = 0x20;
const TRUN_DATA_OFFSET: u32 = 0x001;
const TRUN_FIRST_FLAGS: u32 = 0x004;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;
const TRUN_FLAGS: u32 = 0x400;
const TRUN_COMPOSITION: u32 = 0x800;
const SENC_SUBSAMPLES: u32 = 2;
const STYP: &[u8] = b"\0\0\0\x18stypmsdh\0\0\0\0msdhcmfs";

#[cfg(test)]
#[path = "fragment_tests.rs"]
mod tests;
