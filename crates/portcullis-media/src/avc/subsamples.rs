//! Which bytes of an H.264 sample are protected.
//!
//! | NAL unit | clear | protected |
//! |---|---|---|
//! | slice (1, 2, 5, 19) | length, NAL header, slice header to a whole byte | the rest |
//! | slice of another kind (3, 4, 20, 21) | refused: its header is not read | |
//! | anything else | all of it, joined to the next entry | nothing |
//!
//! For `cbcs` the protected part is exactly the rest. For `cenc` it is a multiple of 16 that
//! ends with the NAL unit; the clear part before it grows. Bytes are never moved behind the
//! protected part, because some players expect every entry to begin with a NAL unit.
//!
//! SPEC: ISO/IEC 23001-7 §9.5, §10. Partitions B and C (3, 4) and extension slices (20, 21)
//! have other headers; no profile that players support has them. Slice data never stays clear
//! (SEC-97).

use portcullis_base::Scheme;

use super::{AvcError, AvcFault, ParameterSets, slice_header};
use crate::cenc::Subsample;

/// The subsample map of one sample, for `scheme`; parameter sets in the sample take effect.
///
/// The sizes of the entries add up to the sample's. A sample without protected bytes gets
/// entries that say so; a sample without bytes gets none.
///
/// # Errors
///
/// When a NAL unit's length or a slice header is malformed, a slice refers to an unknown
/// parameter set, or the map has more than [`subsamples_max`] entries. Slice data is never
/// left clear because a header could not be read.
pub fn subsamples(
    sample: &[u8],
    sets: &mut ParameterSets,
    length_size: u8,
    scheme: Scheme,
) -> Result<Vec<Subsample>, AvcError> {
    let mut map = Map { entries: Vec::new(), clear: 0 };
    let mut rest = sample;
    while !rest.is_empty() {
        let offset = sample.len() - rest.len();
        let at = |fault| AvcError { offset, fault };
        let (unit, after) = split_unit(rest, length_size).map_err(at)?;
        let clear = clear_len(unit, sets).map_err(at)?;
        let length = rest.len() - after.len();
        let protected = clear.map_or(0, |clear| match scheme {
            Scheme::Cbcs => unit.len() - clear,
            Scheme::Cenc => (unit.len() - clear) / BLOCK * BLOCK,
        });
        map.clear += length - protected;
        if protected > 0 {
            map.close(u32::try_from(protected).unwrap_or(u32::MAX));
        }
        rest = after;
    }
    if map.clear > 0 {
        map.close(0);
    }
    let (count, most) = (map.entries.len(), subsamples_max(scheme));
    if count > most {
        return Err(AvcError { offset: 0, fault: AvcFault::TooManySubsamples { count, most } });
    }
    Ok(map.entries)
}

/// How many entries fit the 8 bits in which `saiz` states the size of a sample's record.
#[must_use]
pub fn subsamples_max(scheme: Scheme) -> usize {
    let iv = match scheme {
        Scheme::Cbcs => 0,
        Scheme::Cenc => 8,
    };
    (RECORD_MAX - 2 - iv) / 6
}

struct Map {
    entries: Vec<Subsample>,
    /// Clear bytes since the last entry.
    clear: usize,
}

impl Map {
    /// Ends an entry; clear bytes that do not fit its 16 bits go before it.
    fn close(&mut self, protected: u32) {
        let mut clear = std::mem::take(&mut self.clear);
        let last = loop {
            match u16::try_from(clear) {
                Ok(clear) => break clear,
                Err(_) => {
                    self.entries.push(Subsample { clear: u16::MAX, protected: 0 });
                    clear -= usize::from(u16::MAX);
                }
            }
        };
        self.entries.push(Subsample { clear: last, protected });
    }
}

/// The first NAL unit of `bytes`, without its length, and what follows it.
fn split_unit(bytes: &[u8], length_size: u8) -> Result<(&[u8], &[u8]), AvcFault> {
    if !matches!(length_size, 1 | 2 | 4) {
        return Err(AvcFault::LengthSize(length_size));
    }
    let cut = AvcFault::BadNalLength { length: 0, left: 0 };
    let (field, rest) = bytes.split_at_checked(length_size.into()).ok_or(cut)?;
    // INVARIANT: at most four bytes.
    let length = field.iter().fold(0u32, |length, &byte| length << 8 | u32::from(byte));
    let units = usize::try_from(length).ok().filter(|&length| length != 0);
    units
        .and_then(|length| rest.split_at_checked(length))
        .ok_or(AvcFault::BadNalLength { length, left: rest.len() })
}

/// How much of a slice stays clear; `None` when the unit is no slice. Takes in parameter sets.
fn clear_len(unit: &[u8], sets: &mut ParameterSets) -> Result<Option<usize>, AvcFault> {
    match unit.first().map_or(0, |first| first & 0x1f) {
        SLICE | SLICE_PARTITION_A | SLICE_IDR | SLICE_AUXILIARY => {
            slice_header::header_len(unit, sets).map(Some)
        }
        SPS => sets.add_sps(unit).map(|()| None),
        PPS => sets.add_pps(unit).map(|()| None),
        kind @ (SLICE_PARTITION_B | SLICE_PARTITION_C | SLICE_EXTENSION | SLICE_DEPTH) => {
            Err(AvcFault::UnsupportedSlice(kind))
        }
        _ => Ok(None),
    }
}

const SLICE: u8 = 1;
const SLICE_PARTITION_A: u8 = 2;
const SLICE_PARTITION_B: u8 = 3;
const SLICE_PARTITION_C: u8 = 4;
const SLICE_IDR: u8 = 5;
const SPS: u8 = 7;
const PPS: u8 = 8;
const SLICE_AUXILIARY: u8 = 19;
const SLICE_EXTENSION: u8 = 20;
const SLICE_DEPTH: u8 = 21;

/// The cipher's block.
const BLOCK: usize = 16;

/// The largest record `saiz` can state.
const RECORD_MAX: usize = 255;
