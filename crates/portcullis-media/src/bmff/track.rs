//! `trak`: what a track is, before its samples.
//!
//! ```text
//! trak = tkhd [edts { elst }] mdia { mdhd hdlr minf { [dinf { dref }] stbl } }
//! ```
//!
//! Tracks whose media is in another file are refused. Edit lists are kept as they are; which
//! of them can be packaged is the packager's question, except that speed must be normal.
//!
//! SPEC: ISO/IEC 14496-12 §8.3, §8.4, §8.6.5, §8.6.6, §8.7.2.

use super::{
    BoxType, Boxes, Child, Edit, Fault, MediaError, Movie, Reader, Track, TrackKind,
    boxes::required,
    groups,
    model::{Defaults, TrackState},
    sample_description::Descriptions,
    tables::Tables,
};

/// Only the id, so that the rest can be read knowing it.
pub(super) fn id(trak: &Child<'_>) -> Result<u32, MediaError> {
    let [tkhd] = trak.boxes()?.collect_once([b"tkhd"])?;
    required(tkhd, b"tkhd")?.read(|reader| Ok(track_header(reader)?.id))
}

/// The whole track with the samples of its tables.
pub(super) fn parse(
    trak: &Child<'_>,
    defaults: Option<Defaults>,
    movie: &mut Movie,
) -> Result<(Track, TrackState), MediaError> {
    let [tkhd, edts, mdia] = trak.boxes()?.collect_once([b"tkhd", b"edts", b"mdia"])?;
    let header = required(tkhd, b"tkhd")?.read(track_header)?;
    let edits = match edts {
        Some(edts) => edts.open(edit_list)?,
        None => Vec::new(),
    };
    required(mdia, b"mdia")?.open(|boxes| media(boxes, header, edits, defaults, movie))
}

fn media(
    boxes: Boxes<'_>,
    header: TrackHeader,
    edits: Vec<Edit>,
    defaults: Option<Defaults>,
    movie: &mut Movie,
) -> Result<(Track, TrackState), MediaError> {
    let [mdhd, hdlr, minf] = boxes.collect_once([b"mdhd", b"hdlr", b"minf"])?;
    let (timescale, language) = required(mdhd, b"mdhd")?.read(media_header)?;
    let (kind, name) = required(hdlr, b"hdlr")?.read(handler)?;
    let tables = required(minf, b"minf")?
        .open(|boxes| sample_tables(boxes, header.id, kind, defaults, movie))?;
    let SampleTables { descriptions, tables, chosen, expanded } = tables;
    let state = TrackState {
        defaults,
        entry_index: chosen,
        next_decode_time: expanded.iter().map(|sample| u64::from(sample.duration)).sum(),
        roll_distances: tables.roll_distances,
        rolled: groups::samples(&tables.roll),
    };
    let track = Track {
        id: header.id,
        timescale,
        language,
        kind,
        name,
        first_decode_time: 0,
        samples: expanded,
        edits,
        sample_entry: descriptions.into_entry(chosen)?,
        display_width_fixed: header.width,
        display_height_fixed: header.height,
        matrix: header.matrix,
        roll: tables.roll,
    };
    Ok((track, state))
}

struct SampleTables<'a> {
    descriptions: Descriptions,
    tables: Tables<'a>,
    chosen: u32,
    expanded: Vec<super::Sample>,
}

fn sample_tables<'a>(
    boxes: Boxes<'a>,
    track: u32,
    kind: TrackKind,
    defaults: Option<Defaults>,
    movie: &mut Movie,
) -> Result<SampleTables<'a>, MediaError> {
    let [dinf, stbl] = boxes.collect_once([b"dinf", b"stbl"])?;
    let references = match dinf {
        Some(dinf) => dinf.open(data_references)?,
        None => Vec::new(),
    };
    required(stbl, b"stbl")?.open(|boxes| {
        let descriptions = Descriptions::read(boxes.clone(), kind)?;
        let tables = Tables::read(boxes)?;
        let (expanded, used) = tables.expand(track, movie)?;
        let chosen = used.or(defaults.map(|defaults| defaults.entry_index)).unwrap_or(1);
        descriptions.check_reference(chosen, &references)?;
        Ok(SampleTables { descriptions, tables, chosen, expanded })
    })
}

#[derive(Clone, Copy)]
struct TrackHeader {
    id: u32,
    width: u32,
    height: u32,
    matrix: [i32; 9],
}

fn track_header(reader: &mut Reader<'_>) -> Result<TrackHeader, MediaError> {
    let (version, _) = reader.full_box()?;
    reader.skip(if version == 0 { 8 } else { 16 })?;
    let id = reader.u32()?;
    if id == 0 {
        return Err(Fault::BadValue { field: "track_ID", value: 0 }.into());
    }
    // Reserved, duration; then reserved, layer, alternate group, volume, reserved.
    reader.skip(if version == 0 { 8 } else { 12 })?;
    reader.skip(16)?;
    let mut matrix = [0; 9];
    for value in &mut matrix {
        *value = reader.i32()?;
    }
    Ok(TrackHeader { id, matrix, width: reader.u32()?, height: reader.u32()? })
}

fn media_header(reader: &mut Reader<'_>) -> Result<(u32, String), MediaError> {
    let (version, _) = reader.full_box()?;
    reader.skip(if version == 0 { 8 } else { 16 })?;
    let timescale = timescale(reader)?;
    reader.skip(if version == 0 { 4 } else { 8 })?;
    let language = language(reader.u16()?);
    reader.skip(2)?;
    Ok((timescale, language))
}

/// Ticks per second, which cannot be none.
pub(super) fn timescale(reader: &mut Reader<'_>) -> Result<u32, MediaError> {
    match reader.u32()? {
        0 => Err(Fault::BadValue { field: "timescale", value: 0 }.into()),
        timescale => Ok(timescale),
    }
}

/// Three letters of five bits each; anything else (QuickTime numbers languages) is `und`.
fn language(packed: u16) -> String {
    let letters = [packed >> 10, packed >> 5, packed]
        .map(|letter| char::from(u8::try_from(letter & 0x1f).unwrap_or(0) + 0x60));
    if letters.iter().all(char::is_ascii_lowercase) {
        letters.iter().collect()
    } else {
        "und".to_owned()
    }
}

fn handler(reader: &mut Reader<'_>) -> Result<(TrackKind, String), MediaError> {
    reader.full_box()?;
    reader.skip(4)?;
    let kind = match reader.fourcc()? {
        BoxType(kind) if kind == *b"soun" => TrackKind::Audio,
        BoxType(kind) if kind == *b"vide" => TrackKind::Video,
        other => TrackKind::Other(other),
    };
    reader.skip(12)?;
    let mut name = reader.rest();
    // QuickTime writes the length first where MP4 ends with a zero.
    if let Some((&length, text)) = name.split_first()
        && usize::from(length) == text.len()
    {
        name = text;
    }
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    Ok((kind, name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect()))
}

fn edit_list(boxes: Boxes<'_>) -> Result<Vec<Edit>, MediaError> {
    match boxes.collect_once([b"elst"])? {
        [Some(elst)] => elst.read(edits),
        [None] => Ok(Vec::new()),
    }
}

fn edits(reader: &mut Reader<'_>) -> Result<Vec<Edit>, MediaError> {
    let (version, _) = reader.full_box()?;
    let count = reader.u32()?;
    reader.check_table(count, if version == 0 { 12 } else { 20 })?;
    let mut edits = Vec::new();
    for _ in 0..count {
        let (duration, media_time) = if version == 0 {
            (reader.u32()?.into(), reader.i32()?.into())
        } else {
            (reader.u64()?, reader.i64()?)
        };
        let rate = reader.u32()?;
        let media_time = match media_time {
            -1 => None,
            time => Some(u64::try_from(time).map_err(|_| Fault::BadValue {
                field: "media_time",
                value: time.cast_unsigned(),
            })?),
        };
        // The speed of an empty edit means nothing, and some writers put 0 there.
        if rate != NORMAL_SPEED && media_time.is_some() {
            return Err(MediaError::unsupported("an edit list that changes speed"));
        }
        edits.push(Edit { duration, media_time });
    }
    Ok(edits)
}

/// For each data reference, whether it is this very file.
fn data_references(boxes: Boxes<'_>) -> Result<Vec<bool>, MediaError> {
    let [dref] = boxes.collect_once([b"dref"])?;
    let dref = required(dref, b"dref")?;
    let count = Reader::new(dref.payload).array::<8>().map_err(|error| error.within(dref.kind))?;
    let [.., a, b, c, d] = count;
    let mut references = Vec::new();
    for child in dref.boxes_after(8).map_err(|error| error.within(dref.kind))? {
        let child = child.map_err(|error| error.within(dref.kind))?;
        let (_, flags) = Reader::new(child.payload)
            .full_box()
            .map_err(|error| error.within(child.kind).within(dref.kind))?;
        references.push(flags & SELF_CONTAINED != 0);
    }
    let claimed = u32::from_be_bytes([a, b, c, d]);
    if references.len() as u64 != u64::from(claimed) {
        let fault = Fault::BadValue { field: "entry_count", value: claimed.into() };
        return Err(MediaError::from(fault).within(dref.kind));
    }
    Ok(references)
}

/// Characters kept of a handler's name.
const NAME_MAX: usize = 256;

/// `media_rate` 1.0 in 16.16.
const NORMAL_SPEED: u32 = 0x0001_0000;

/// The flag of a data reference that says: in this file.
const SELF_CONTAINED: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_three_letters_or_undetermined() {
        let pack = |code: &[u8; 3]| {
            code.iter().fold(0u16, |packed, &letter| packed << 5 | u16::from(letter - 0x60))
        };
        assert_eq!(language(pack(b"deu")), "deu");
        assert_eq!(language(pack(b"und")), "und");
        assert_eq!(language(0), "und");
        assert_eq!(language(0x7fff), "und");
    }

    #[track_caller]
    fn check_edits(payload: &[u8], expected: Result<Vec<Edit>, &str>) {
        let mut reader = Reader::new(payload);
        let actual = edits(&mut reader).map_err(|error| error.to_string());
        assert_eq!(actual, expected.map_err(str::to_owned));
    }

    #[test]
    fn edits_are_normal_or_empty_and_never_faster() {
        let normal = Edit { duration: 9, media_time: Some(1024) };
        let empty = Edit { duration: 5, media_time: None };
        check_edits(
            b"\0\0\0\0\0\0\0\x02\0\0\0\x05\xff\xff\xff\xff\0\x01\0\0\0\0\0\x09\0\0\x04\0\0\x01\0\0",
            Ok(vec![empty, normal]),
        );
        check_edits(b"\0\0\0\0\0\0\0\x01\0\0\0\x05\xff\xff\xff\xff\0\0\0\0", Ok(vec![empty]));
        check_edits(
            b"\x01\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\x04\0\0\x01\0\0",
            Ok(vec![normal]),
        );
        check_edits(
            b"\0\0\0\0\0\0\0\x01\0\0\0\x09\0\0\x04\0\0\x02\0\0",
            Err("an edit list that changes speed is not supported yet"),
        );
        check_edits(
            b"\0\0\0\0\0\0\0\x01\0\0\0\x09\xff\xff\xff\xfe\0\x01\0\0",
            Err("`media_time` cannot be 18446744073709551614"),
        );
        check_edits(
            b"\0\0\0\0\xff\xff\xff\xff\0\0\0\x09",
            Err("4294967295 entries of 12 bytes, but 4 bytes are left"),
        );
    }
}
