//! Opens a film as a packager does: walks the top level, hands in `moov` and every `moof`.

use std::{fs, ops::Range, path::PathBuf};

use portcullis_media::bmff::{MediaError, Movie, moof, moov, read_header};

/// A film in memory.
#[derive(Debug)]
pub(crate) struct Film {
    pub(crate) bytes: Vec<u8>,
    pub(crate) movie: Movie,
    pub(crate) extents: Vec<Range<u64>>,
}

impl Film {
    /// A fixture by name, without `.mp4`.
    pub(crate) fn fixture(name: &str) -> Self {
        Self::open(fixture_bytes(&format!("{name}.mp4"))).unwrap()
    }

    pub(crate) fn open(bytes: Vec<u8>) -> Result<Self, MediaError> {
        let length = bytes.len() as u64;
        let mut boxes = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let header = read_header(&bytes[at..], length - at as u64)?;
            let end = at + usize::try_from(header.size_total).unwrap();
            boxes.push((header.kind.0, at, at + usize::from(header.header_len)..end));
            at = end;
        }
        let (_, _, payload) = boxes.iter().find(|(kind, ..)| kind == b"moov").unwrap();
        let mut movie = moov::parse(&bytes[payload.clone()], length)?;
        for (_, start, payload) in boxes.iter().filter(|(kind, ..)| kind == b"moof") {
            moof::append(&mut movie, &bytes[payload.clone()], *start as u64)?;
        }
        let extents = boxes
            .iter()
            .filter(|(kind, ..)| kind == b"mdat")
            .map(|(_, _, payload)| payload.start as u64..payload.end as u64)
            .collect();
        Ok(Self { bytes, movie, extents })
    }

    pub(crate) fn sample(&self, track: usize, sample: usize) -> &[u8] {
        let range = self.movie.tracks[track].samples[sample].range();
        &self.bytes[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
    }
}

/// The bytes of a file in `tests/data`.
pub(crate) fn fixture_bytes(file: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    fs::read(path).unwrap()
}

/// The lines of a file in `tests/data`.
pub(crate) fn fixture_lines(file: &str) -> Vec<String> {
    let text = String::from_utf8(fixture_bytes(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}
