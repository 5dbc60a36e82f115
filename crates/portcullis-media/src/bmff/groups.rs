//! Sample groups, of which only pre-roll (`roll`) is kept.
//!
//! AAC and Opus decoders need a frame or more before the first one that sounds right; these
//! groups say how many. Other group types are passed over.
//!
//! SPEC: ISO/IEC 14496-12 §8.9.2, §8.9.3, §10.1.

use super::{Fault, MediaError, Reader, RollRun};

/// The distances an `sgpd` declares, if it is about pre-roll.
pub(super) fn distances(reader: &mut Reader<'_>) -> Result<Option<Vec<i16>>, MediaError> {
    let (version, _) = reader.full_box()?;
    if reader.fourcc()?.0 != *b"roll" {
        reader.rest();
        return Ok(None);
    }
    let length = if version == 0 { ROLL_LEN } else { reader.u32()? };
    if version >= 2 {
        reader.skip(4)?;
    }
    let count = reader.u32()?;
    reader.check_table(count, if length == 0 { 6 } else { 2 })?;
    let mut distances = Vec::new();
    for _ in 0..count {
        let length = if length == 0 { reader.u32()? } else { length };
        if length != ROLL_LEN {
            let fault = Fault::BadValue { field: "description_length", value: length.into() };
            return Err(fault.into());
        }
        distances.push(reader.i16()?);
    }
    Ok(Some(distances))
}

/// The runs an `sbgp` declares, if it is about pre-roll. `find` knows the distance of a
/// description's index.
pub(super) fn runs(
    reader: &mut Reader<'_>,
    find: impl Fn(u32) -> Option<i16>,
) -> Result<Option<Vec<RollRun>>, MediaError> {
    let (version, _) = reader.full_box()?;
    if reader.fourcc()?.0 != *b"roll" {
        reader.rest();
        return Ok(None);
    }
    if version >= 1 {
        reader.skip(4)?;
    }
    let count = reader.u32()?;
    reader.check_table(count, 8)?;
    let mut runs = Vec::new();
    for _ in 0..count {
        let (count, index) = (reader.u32()?, reader.u32()?);
        let distance = match index {
            0 => None,
            index => Some(find(index).ok_or(Fault::BadValue {
                field: "group_description_index",
                value: index.into(),
            })?),
        };
        push(&mut runs, RollRun { count, distance })?;
    }
    Ok(Some(runs))
}

/// Adds a run, joining it with the one before when they agree.
pub(super) fn push(runs: &mut Vec<RollRun>, run: RollRun) -> Result<(), MediaError> {
    match runs.last_mut() {
        _ if run.count == 0 => {}
        Some(last) if last.distance == run.distance => {
            last.count = last.count.checked_add(run.count).ok_or(Fault::Overflow("samples"))?;
        }
        _ => runs.push(run),
    }
    Ok(())
}

/// How many samples `runs` cover.
pub(super) fn samples(runs: &[RollRun]) -> u64 {
    runs.iter().map(|run| u64::from(run.count)).sum()
}

/// Bytes of one `roll` description.
const ROLL_LEN: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], expected: Result<Option<Vec<i16>>, &str>) {
        let actual = distances(&mut Reader::new(payload)).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_description_has_its_length_in_one_of_three_places() {
        check(b"\0\0\0\0roll\0\0\0\x01\xff\xff", Ok(Some(vec![-1])));
        check(b"\x01\0\0\0roll\0\0\0\x02\0\0\0\x01\xff\xfe", Ok(Some(vec![-2])));
        check(b"\x01\0\0\0roll\0\0\0\0\0\0\0\x01\0\0\0\x02\0\x01", Ok(Some(vec![1])));
        check(b"\x02\0\0\0roll\0\0\0\x02\0\0\0\x01\0\0\0\x01\xff\xff", Ok(Some(vec![-1])));
        check(b"\x01\0\0\0seig\0\0\0\0\xff\xff\xff\xff", Ok(None));
    }

    #[test]
    fn lengths_of_zero_and_counts_past_the_end_are_faults() {
        check(
            b"\x01\0\0\0roll\0\0\0\0\0\0\0\x01\0\0\0\0\0\0",
            Err("`description_length` cannot be 0"),
        );
        check(
            b"\x01\0\0\0roll\0\0\0\0\xff\xff\xff\xff\0\0\0\x02\0\x01",
            Err("4294967295 entries of 6 bytes, but 6 bytes are left"),
        );
        check(
            b"\x01\0\0\0roll\0\0\0\x05\0\0\0\x01\0\x01\0\0\0",
            Err("`description_length` cannot be 5"),
        );
    }
}
