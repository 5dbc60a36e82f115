//! A file of a media folder: opened without leaving the folder, read without waiting.
//!
//! Segments that are asked for often lie in the page cache, where opening and reading one
//! takes microseconds; handing that to another thread would cost several times as much. So
//! every step is first tried in the way that never waits for a disk, and only when the kernel
//! says that it would have to, another thread does it.
//!
//! What is served to whom is decided elsewhere, and so is what a path may look like.

use std::{
    fs::{File, Metadata},
    io::{self, IoSliceMut},
    ops::Range,
    os::unix::fs::FileExt as _,
    path::Path,
    sync::Arc,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use rustix::{
    fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2},
    io::{Errno, ReadWriteFlags, preadv2},
};

/// An open regular file.
#[derive(Clone, Debug)]
pub(crate) struct MediaFile(Arc<File>);

impl MediaFile {
    /// Opens the regular file at `path`, which is relative to `folder`.
    ///
    /// SECURITY: whatever links the folder holds, what they resolve to lies inside of it.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub(crate) async fn open(folder: &Path, path: &str) -> io::Result<(Self, Metadata)> {
        match open_beneath(folder, path, ResolveFlags::CACHED) {
            // Not in the cache; or a kernel that cannot tell.
            Err(Errno::AGAIN | Errno::INVAL | Errno::NOSYS | Errno::PERM) => {}
            opened => return regular(opened?),
        }
        let (folder, path) = (folder.to_owned(), path.to_owned());
        blocking(move || match open_beneath(&folder, &path, ResolveFlags::empty()) {
            // A kernel before 5.6, or a container that forbids the call.
            Err(Errno::NOSYS | Errno::PERM) => open_resolved(&folder, &path),
            opened => regular(opened?),
        })
        .await
    }

    /// Reads the bytes at `range`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is shorter by now.
    pub(crate) async fn read(&self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let length = usize::try_from(range.end.saturating_sub(range.start));
        let mut bytes = vec![0; length.map_err(io::Error::other)?];
        let mut filled = 0;
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            let at = range.start + filled as u64;
            let flags = ReadWriteFlags::NOWAIT;
            match preadv2(&self.0, &mut [IoSliceMut::new(room)], at, flags) {
                // The end, or not in the cache, or a file system that cannot tell.
                Ok(0) | Err(_) => break,
                Ok(count) => filled += count,
            }
        }
        if filled == bytes.len() {
            return Ok(bytes);
        }
        let file = Arc::clone(&self.0);
        blocking(move || {
            let rest = bytes.get_mut(filled..).unwrap_or_default();
            file.read_exact_at(rest, range.start + filled as u64)?;
            Ok(bytes)
        })
        .await
    }

    /// The bytes at `range` as the body of an answer. What is short is read before the
    /// answer begins, so that a file that cannot be read is still told by its status.
    ///
    /// # Errors
    ///
    /// As [`MediaFile::read`].
    pub(crate) async fn body(self, range: Range<u64>) -> io::Result<Body> {
        let first = self.read(piece(&range)).await?;
        let rest = piece(&range).end..range.end;
        if rest.is_empty() {
            return Ok(Body::from(first));
        }
        let later = stream::try_unfold((self, rest), async |(file, rest)| {
            if rest.is_empty() {
                return Ok::<_, io::Error>(None);
            }
            let bytes = file.read(piece(&rest)).await?;
            let rest = piece(&rest).end..rest.end;
            Ok(Some((Bytes::from(bytes), (file, rest))))
        });
        let first = stream::once(async { Ok(Bytes::from(first)) });
        Ok(Body::from_stream(futures_util::StreamExt::chain(first, later)))
    }
}

fn piece(range: &Range<u64>) -> Range<u64> {
    range.start..range.end.min(range.start.saturating_add(PIECE_BYTES))
}

fn open_beneath(folder: &Path, path: &str, resolve: ResolveFlags) -> Result<File, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(CWD, folder, flags, Mode::empty())?;
    // Without NONBLOCK, opening a pipe waits for somebody to write into it.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = resolve | ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    openat2(folder, path, flags, Mode::empty(), resolve).map(File::from)
}

/// The same in three steps, between which a link may change.
fn open_resolved(folder: &Path, path: &str) -> io::Result<(MediaFile, Metadata)> {
    let wanted = folder.join(path).canonicalize()?;
    if !wanted.starts_with(folder.canonicalize()?) || !wanted.metadata()?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    regular(File::open(wanted)?)
}

fn regular(file: File) -> io::Result<(MediaFile, Metadata)> {
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((MediaFile(Arc::new(file)), facts))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

const PIECE_BYTES: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let media = folder.path().join("media");
        fs::create_dir_all(media.join("film")).unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        fs::write(media.join("film/1.m4s"), "segment").unwrap();
        symlink("1.m4s", media.join("film/same.m4s")).unwrap();
        symlink("../../secret", media.join("film/out.m4s")).unwrap();
        symlink("/etc/passwd", media.join("film/far.m4s")).unwrap();
        symlink("../..", media.join("film/up")).unwrap();
        folder
    }

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        let folder = folder();
        let media = folder.path().join("media");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let text = |file: MediaFile, facts: Metadata| {
            let bytes = runtime.block_on(file.read(0..facts.len())).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let opened = runtime.block_on(MediaFile::open(&media, path)).ok();
        let opened = opened.map(|(file, facts)| text(file, facts));
        assert_eq!(opened.as_deref(), expected, "{path}");
        let resolved = open_resolved(&media, path).ok().map(|(file, facts)| text(file, facts));
        assert_eq!(resolved.as_deref(), expected, "{path}, on an old kernel");
    }

    #[test]
    fn files_open_and_links_lead_out_of_the_folder_for_nobody() {
        check("film/1.m4s", Some("segment"));
        check("film/same.m4s", Some("segment"));
        check("film/none.m4s", None);
        check("film/out.m4s", None);
        check("film/far.m4s", None);
        check("film/up/secret", None);
        check("film", None);
        check("../secret", None);
    }

    #[tokio::test]
    async fn a_body_of_several_pieces_is_the_file_s_range() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..3 * PIECE_BYTES).map(|place| (place % 251) as u8).collect();
        fs::write(folder.path().join("long"), &bytes).unwrap();
        for range in [0..1, 0..PIECE_BYTES, 0..PIECE_BYTES + 1, 7..3 * PIECE_BYTES, 5..5] {
            let (file, _) = MediaFile::open(folder.path(), "long").await.unwrap();
            let body = file.body(range.clone()).await.unwrap();
            let got = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let expected = &bytes[range.start as usize..range.end as usize];
            assert!(got == expected, "{range:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("short"), "abc").unwrap();
        let (file, _) = MediaFile::open(folder.path(), "short").await.unwrap();
        assert_eq!(file.read(0..3).await.unwrap(), b"abc");
        assert_eq!(file.read(0..4).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
