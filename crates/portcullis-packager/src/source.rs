//! One input: an MP4 file, progressive or fragmented.
//!
//! The walk over its top level reads `moov` and every `moof`, and only remembers where the
//! media data is. Every byte is read once more for the digest that names the version of the
//! asset. The file must not change between planning and running; its length is checked.

use std::{
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use portcullis_media::bmff::{Movie, moof, moov, read_header};

use crate::error::{Code, PackageError};

/// An input and the name by which errors and reports call it.
#[derive(Debug)]
pub struct Source<R> {
    name: String,
    path: Option<PathBuf>,
    reader: R,
}

impl Source<File> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or is a folder.
    pub fn open(path: &Path) -> Result<Self, PackageError> {
        let name = path.display().to_string();
        let unreadable = |what: &dyn std::fmt::Display| {
            PackageError::new(Code::InputUnreadable, what).of_input(&name)
        };
        let reader = File::open(path).map_err(|error| unreadable(&error))?;
        if reader.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(unreadable(&"is a folder"));
        }
        let path = path.canonicalize().map_err(|error| unreadable(&error))?;
        Ok(Self { name, path: Some(path), reader })
    }
}

impl<R: Read + Seek> Source<R> {
    /// Takes any reader.
    #[must_use]
    pub const fn new(name: String, reader: R) -> Self {
        Self { name, path: None, reader }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The length of the input, now.
    pub(crate) fn length(&mut self) -> Result<u64, PackageError> {
        self.reader.seek(SeekFrom::End(0)).map_err(|error| self.unreadable(&error))
    }

    /// Reads the bytes at `range` into the end of `out`.
    pub(crate) fn read_at(
        &mut self,
        range: Range<u64>,
        out: &mut Vec<u8>,
    ) -> Result<(), PackageError> {
        let wanted = range.end.saturating_sub(range.start);
        self.reader.seek(SeekFrom::Start(range.start)).map_err(|error| self.unreadable(&error))?;
        let read = (&mut self.reader).take(wanted).read_to_end(out);
        let count = read.map_err(|error| self.unreadable(&error))?;
        if count as u64 == wanted {
            return Ok(());
        }
        let detail = format!("ends at byte {}", range.start + count as u64);
        Err(PackageError::new(Code::CorruptInput, detail).of_input(&self.name))
    }

    /// Reads the structure and the digest.
    pub(crate) fn read(&mut self) -> Result<Contents, PackageError> {
        let length = self.length()?;
        let (movie, media_data) = self.walk(length)?;
        for track in &movie.tracks {
            track
                .check_extents(&media_data)
                .map_err(|error| PackageError::media(&error).of_input(&self.name))?;
        }
        let digest = self.digest()?;
        Ok(Contents { movie, digest, length })
    }

    fn walk(&mut self, length: u64) -> Result<(Movie, Vec<Range<u64>>), PackageError> {
        let mut movie: Option<Movie> = None;
        let mut media_data = Vec::new();
        let mut position = 0;
        let mut bytes = Vec::new();
        while position < length {
            bytes.clear();
            self.read_at(position..length.min(position + HEADER_BYTES_MAX), &mut bytes)?;
            let header = read_header(&bytes, length - position)
                .map_err(|error| self.wrong(&error, position))?;
            let payload = position + u64::from(header.header_len)..position + header.size_total;
            match &header.kind.0 {
                b"moov" | b"moof" => {
                    bytes.clear();
                    self.read_at(payload, &mut bytes)?;
                    match (&header.kind.0, &mut movie) {
                        (b"moov", None) => {
                            let read = moov::parse(&bytes, length);
                            movie = Some(read.map_err(|error| self.wrong(&error, position))?);
                        }
                        (b"moof", Some(movie)) => moof::append(movie, &bytes, position)
                            .map_err(|error| self.wrong(&error, position))?,
                        (b"moov", Some(_)) => return Err(self.corrupt("a second `moov`", position)),
                        _ => return Err(self.corrupt("`moof` before `moov`", position)),
                    }
                }
                b"mdat" => media_data.push(payload),
                _ => {}
            }
            position += header.size_total;
        }
        let movie =
            movie.ok_or_else(|| self.corrupt("no `moov`: not an MP4 file, or cut off", 0))?;
        Ok((movie, media_data))
    }

    fn digest(&mut self) -> Result<[u8; 32], PackageError> {
        self.reader.rewind().map_err(|error| self.unreadable(&error))?;
        let mut context = Context::new(&SHA256);
        let mut buffer = vec![0; DIGEST_BUFFER];
        loop {
            match self.reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => context.update(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
        }
        Ok(sha256(context))
    }

    fn unreadable(&self, error: &std::io::Error) -> PackageError {
        PackageError::new(Code::InputUnreadable, error).of_input(&self.name)
    }

    fn corrupt(&self, detail: &str, position: u64) -> PackageError {
        let mut error = PackageError::new(Code::CorruptInput, detail).of_input(&self.name);
        error.offset = Some(position);
        error
    }

    fn wrong(&self, error: &portcullis_media::bmff::MediaError, position: u64) -> PackageError {
        let mut error = PackageError::media(error).of_input(&self.name);
        error.offset = Some(position);
        error
    }
}

/// What an input holds.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) movie: Movie,
    pub(crate) digest: [u8; 32],
    pub(crate) length: u64,
}

/// The finished digest as an array.
pub(crate) fn sha256(context: Context) -> [u8; 32] {
    *context.finish().as_ref().first_chunk().expect("SHA-256 yields 32 bytes")
}

const HEADER_BYTES_MAX: u64 = 16;
const DIGEST_BUFFER: usize = 1 << 18;
