//! The header of a CMAF track: `ftyp` and `moov`, without a single sample.
//!
//! It carries one track only and never a clock's time. The sample entry of the source is
//! repeated byte for byte inside its encrypted wrapper.
//!
//! ```text
//! ftyp moov ( mvhd
//!             trak ( tkhd [edts] mdia ( mdhd hdlr minf ( vmhd|smhd dinf stbl )))
//!             mvex [pssh…] )
//! ```
//!
//! SPEC: ISO/IEC 23000-19 §7.3.1 (CMAF header); ISO/IEC 14496-12 §8.

use super::{Protection, WriteError, put_box, put_full_box, put_u16, put_u32, put_u64};

/// What the header of a track says.
#[derive(Clone, Debug)]
pub struct InitSegment<'a> {
    /// The brands after the major one, most general first.
    pub brands: &'a [[u8; 4]],
    /// Where in the media playback begins, written as an edit list; `None` writes none.
    pub first_media_time: Option<u64>,
    /// ISO 639-2/T; anything that is not three lower-case letters is written as `und`.
    pub language: &'a str,
    /// Sound or pictures.
    pub media: Media,
    /// The scheme and key.
    pub protection: Protection,
    /// Whole `pssh` boxes, one after the other.
    pub pssh: &'a [u8],
    /// The pre-roll distance that all samples share.
    pub roll_distance: Option<i16>,
    /// The sample entry of the source, header included.
    pub sample_entry: &'a [u8],
    /// Ticks per second.
    pub timescale: u32,
    /// `track_ID`.
    pub track_id: u32,
}

/// Sound or pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Sound.
    Audio,
    /// Pictures.
    Video {
        /// Display width, 16.16 fixed point.
        width_fixed: u32,
        /// Display height, 16.16 fixed point.
        height_fixed: u32,
        /// The transformation matrix.
        matrix: [i32; 9],
    },
}

/// Writes the header.
///
/// # Errors
///
/// When the sample entry is not a box of its own length.
pub fn write(init: &InitSegment<'_>) -> Result<Vec<u8>, WriteError> {
    let format = match init.media {
        Media::Audio => *b"enca",
        Media::Video { .. } => *b"encv",
    };
    let entry = init.protection.protect(init.sample_entry, format)?;
    let mut out = Vec::with_capacity(1024 + entry.len() + init.pssh.len());
    put_box(&mut out, *b"ftyp", |out| {
        out.extend(b"iso6");
        put_u32(out, 0);
        init.brands.iter().for_each(|brand| out.extend(brand));
    });
    put_box(&mut out, *b"moov", |out| {
        put_mvhd(out, init);
        put_box(out, *b"trak", |out| {
            put_tkhd(out, init);
            if let Some(media_time) = init.first_media_time {
                put_edts(out, media_time);
            }
            put_box(out, *b"mdia", |out| put_mdia(out, init, &entry));
        });
        put_box(out, *b"mvex", |out| put_trex(out, init));
        out.extend(init.pssh);
    });
    Ok(out)
}

fn put_mvhd(out: &mut Vec<u8>, init: &InitSegment<'_>) {
    put_full_box(out, *b"mvhd", 0, 0, |out| {
        out.extend([0; 8]); // creation_time, modification_time
        put_u32(out, init.timescale);
        put_u32(out, 0); // duration: in the fragments
        put_u32(out, 0x0001_0000); // rate
        put_u16(out, 0x0100); // volume
        out.extend([0; 10]);
        put_matrix(out, &IDENTITY);
        out.extend([0; 24]);
        put_u32(out, init.track_id.saturating_add(1));
    });
}

fn put_tkhd(out: &mut Vec<u8>, init: &InitSegment<'_>) {
    let (volume, matrix, width, height) = match &init.media {
        Media::Audio => (0x0100, &IDENTITY, 0, 0),
        Media::Video { width_fixed, height_fixed, matrix } => {
            (0, matrix, *width_fixed, *height_fixed)
        }
    };
    put_full_box(out, *b"tkhd", 0, TRACK_ENABLED_AND_IN_MOVIE, |out| {
        out.extend([0; 8]);
        put_u32(out, init.track_id);
        out.extend([0; 4]);
        put_u32(out, 0); // duration
        out.extend([0; 8]);
        out.extend([0; 4]); // layer, alternate_group
        put_u16(out, volume);
        put_u16(out, 0);
        put_matrix(out, matrix);
        put_u32(out, width);
        put_u32(out, height);
    });
}

/// One edit from `media_time` to the end. Its duration is 0, because a fragmented file says
/// only in its fragments where the end is.
fn put_edts(out: &mut Vec<u8>, media_time: u64) {
    put_box(out, *b"edts", |out| {
        let short = i32::try_from(media_time).ok();
        let version = if short.is_some() { 0 } else { 1 };
        put_full_box(out, *b"elst", version, 0, |out| {
            put_u32(out, 1);
            if version == 0 {
                put_u32(out, 0);
                out.extend(short.unwrap_or(0).to_be_bytes());
            } else {
                put_u64(out, 0);
                put_u64(out, media_time);
            }
            put_u32(out, 0x0001_0000);
        });
    });
}

fn put_mdia(out: &mut Vec<u8>, init: &InitSegment<'_>, entry: &[u8]) {
    put_full_box(out, *b"mdhd", 0, 0, |out| {
        out.extend([0; 8]);
        put_u32(out, init.timescale);
        put_u32(out, 0);
        put_u16(out, packed_language(init.language));
        put_u16(out, 0);
    });
    let handler = match init.media {
        Media::Audio => *b"soun",
        Media::Video { .. } => *b"vide",
    };
    put_full_box(out, *b"hdlr", 0, 0, |out| {
        put_u32(out, 0);
        out.extend(handler);
        out.extend([0; 12]);
        out.push(0); // no name
    });
    put_box(out, *b"minf", |out| {
        match init.media {
            Media::Audio => put_full_box(out, *b"smhd", 0, 0, |out| out.extend([0; 4])),
            Media::Video { .. } => put_full_box(out, *b"vmhd", 0, 1, |out| out.extend([0; 8])),
        }
        put_box(out, *b"dinf", |out| {
            put_full_box(out, *b"dref", 0, 0, |out| {
                put_u32(out, 1);
                put_full_box(out, *b"url ", 0, SELF_CONTAINED, |_| {});
            });
        });
        put_box(out, *b"stbl", |out| put_stbl(out, init, entry));
    });
}

fn put_stbl(out: &mut Vec<u8>, init: &InitSegment<'_>, entry: &[u8]) {
    put_full_box(out, *b"stsd", 0, 0, |out| {
        put_u32(out, 1);
        out.extend(entry);
    });
    put_full_box(out, *b"stts", 0, 0, |out| put_u32(out, 0));
    put_full_box(out, *b"stsc", 0, 0, |out| put_u32(out, 0));
    put_full_box(out, *b"stsz", 0, 0, |out| out.extend([0; 8]));
    put_full_box(out, *b"stco", 0, 0, |out| put_u32(out, 0));
    if let Some(distance) = init.roll_distance {
        put_full_box(out, *b"sgpd", 1, 0, |out| {
            out.extend(b"roll");
            put_u32(out, 2); // bytes per entry
            put_u32(out, 1);
            out.extend(distance.to_be_bytes());
        });
    }
}

fn put_trex(out: &mut Vec<u8>, init: &InitSegment<'_>) {
    let flags = match init.media {
        Media::Audio => super::fragment::FLAGS_SYNC,
        Media::Video { .. } => super::fragment::FLAGS_DEPENDENT,
    };
    put_full_box(out, *b"trex", 0, 0, |out| {
        put_u32(out, init.track_id);
        put_u32(out, 1); // default_sample_description_index
        out.extend([0; 8]); // duration and size: every fragment states its own
        put_u32(out, flags);
    });
}

fn put_matrix(out: &mut Vec<u8>, matrix: &[i32; 9]) {
    matrix.iter().for_each(|value| out.extend(value.to_be_bytes()));
}

fn packed_language(language: &str) -> u16 {
    let letters: [u8; 3] = language.as_bytes().try_into().unwrap_or(*b"und");
    let letters = if letters.iter().all(u8::is_ascii_lowercase) { letters } else { *b"und" };
    letters.iter().fold(0, |packed, letter| packed << 5 | u16::from(letter - 0x60))
}

const IDENTITY: [i32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];
const SELF_CONTAINED: u32 = 1;
const TRACK_ENABLED_AND_IN_MOVIE: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_packed_in_three_times_five_bits() {
        for (language, packed) in
            [("und", 0x55c4), ("eng", 0x15c7), ("EN", 0x55c4), ("E1g", 0x55c4), ("", 0x55c4)]
        {
            assert_eq!(packed_language(language), packed, "{language}");
        }
    }

    #[test]
    fn a_late_start_needs_the_wide_edit_list() {
        for (media_time, version, size) in
            [(1024, 0, 28), (0x7fff_ffff, 0, 28), (0x8000_0000, 1, 36)]
        {
            let mut out = Vec::new();
            put_edts(&mut out, media_time);
            assert_eq!((out.len() - 8, out[16]), (size, version), "{media_time}");
        }
    }
}
