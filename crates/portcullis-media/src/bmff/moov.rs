//! `moov`: the movie header, its tracks, and the defaults of fragments to come.
//!
//! ```text
//! moov = mvhd trak+ [mvex { trex* }]
//! ```
//!
//! Samples get their place in the file here, and each is checked against the length of the
//! file; whether they lie in `mdat` is for [`Track::check_extents`](super::Track).
//!
//! SPEC: ISO/IEC 14496-12 §8.2, §8.8.1 to §8.8.3.

use super::{
    Boxes, Child, Fault, MediaError, Movie, Reader,
    boxes::required,
    model::{Defaults, ReadState},
    track,
};

/// Reads the payload of `moov` of a file of `file_len` bytes.
///
/// The length is asked for because tables can claim millions of samples in a few bytes: no
/// more are made than the file can hold.
///
/// # Errors
///
/// When a box is malformed or missing, or a table does not fit the others or the file.
pub fn parse(payload: &[u8], file_len: u64) -> Result<Movie, MediaError> {
    read(Boxes::new(payload), file_len).map_err(|error| error.within("moov"))
}

fn read(boxes: Boxes<'_>, file_len: u64) -> Result<Movie, MediaError> {
    let [mvhd, mvex, cmov] = boxes.clone().collect_once([b"mvhd", b"mvex", b"cmov"])?;
    if cmov.is_some() {
        return Err(MediaError::unsupported("a compressed movie header"));
    }
    let mut movie = Movie {
        timescale: required(mvhd, b"mvhd")?.read(movie_timescale)?,
        tracks: Vec::new(),
        warnings: Vec::new(),
        fragmented: mvex.is_some(),
        state: ReadState { file_len, unclaimed: file_len, tracks: Vec::new() },
    };
    let defaults = match mvex {
        Some(mvex) => mvex.open(track_defaults)?,
        None => Vec::new(),
    };
    let mut number = 0;
    for child in boxes {
        let child = child?;
        if child.kind.0 == *b"trak" {
            number += 1;
            add_track(&mut movie, &child, &defaults)
                .map_err(|error| error.within(format_args!("trak[{number}]")))?;
        }
    }
    if movie.tracks.is_empty() {
        return Err(Fault::Missing(b"trak".into()).into());
    }
    Ok(movie)
}

fn add_track(
    movie: &mut Movie,
    trak: &Child<'_>,
    defaults: &[(u32, Defaults)],
) -> Result<(), MediaError> {
    let count = movie.tracks.len() as u64;
    if count >= TRACKS_MAX {
        let fault = Fault::Limit { what: "tracks", value: count + 1, most: TRACKS_MAX };
        return Err(fault.into());
    }
    let id = track::id(trak)?;
    if movie.track(id).is_some() {
        return Err(Fault::BadValue { field: "track_ID", value: id.into() }.into());
    }
    let defaults = defaults.iter().find(|(track, _)| *track == id).map(|(_, defaults)| *defaults);
    let (track, state) = track::parse(trak, defaults, movie)?;
    movie.tracks.push(track);
    movie.state.tracks.push(state);
    Ok(())
}

fn movie_timescale(reader: &mut Reader<'_>) -> Result<u32, MediaError> {
    let (version, _) = reader.full_box()?;
    reader.skip(if version == 0 { 8 } else { 16 })?;
    let timescale = track::timescale(reader)?;
    reader.skip(if version == 0 { 4 } else { 8 })?;
    reader.skip(MVHD_TAIL)?;
    Ok(timescale)
}

fn track_defaults(boxes: Boxes<'_>) -> Result<Vec<(u32, Defaults)>, MediaError> {
    let mut all = Vec::new();
    for child in boxes {
        let child = child?;
        if child.kind.0 == *b"trex" {
            all.push(child.read(|reader| {
                reader.full_box()?;
                let track = reader.u32()?;
                let defaults = Defaults {
                    entry_index: reader.u32()?,
                    duration: reader.u32()?,
                    size: reader.u32()?,
                    flags: reader.u32()?,
                };
                Ok((track, defaults))
            })?);
        }
    }
    Ok(all)
}

/// Keeps a warning, unless there are too many to read already.
pub(super) fn warn(warnings: &mut Vec<String>, text: String) {
    if warnings.len() < WARNINGS_MAX {
        warnings.push(text);
    }
}

/// Tracks per file.
pub const TRACKS_MAX: u64 = 256;

/// Warnings kept per file.
const WARNINGS_MAX: usize = 64;

/// Rate, volume, matrix, pre-defined fields and the next track id.
const MVHD_TAIL: usize = 80;
