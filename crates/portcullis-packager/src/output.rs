//! The output folder: everything or nothing.
//!
//! Files are written to a hidden folder beside the target, each synced, and the folder is
//! renamed when the last file is in it. Whoever finds the target finds a whole presentation;
//! a run that fails removes the hidden folder, and one that was killed leaves it behind for the
//! next run to clear. A lock in it keeps two runs apart.
//!
//! Replacing an older output takes two renames; a crash between them leaves the older one under
//! its hidden name.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::error::{Code, PackageError};

/// What to do when the output folder exists and is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// Stop.
    No,
    /// Replace it, if it holds the output of an earlier run.
    Yes,
}

/// An output that is being written.
#[derive(Debug)]
pub(crate) struct Output {
    parent: PathBuf,
    name: String,
    target: PathBuf,
    staging: PathBuf,
    folders: Vec<PathBuf>,
    // Held, not read: the lock ends with the file.
    _lock: File,
    state: State,
}

#[derive(Debug, PartialEq)]
enum State {
    Published,
    Staged,
}

impl Output {
    /// Prepares to write `target`, which must not lie inside an input or hold one.
    pub(crate) fn create(
        target: &Path,
        replace: Replace,
        inputs: &[PathBuf],
    ) -> Result<Self, PackageError> {
        let name = target.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            let detail = format!("`{}` cannot be an output folder", target.display());
            PackageError::new(Code::OutputFailed, detail)
        })?;
        let parent = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let failed = |error: &io::Error| PackageError::output(parent.display(), error);
        fs::create_dir_all(parent).map_err(|error| failed(&error))?;
        let parent = parent.canonicalize().map_err(|error| failed(&error))?;
        let target = parent.join(name);
        if inputs.iter().any(|input| input.starts_with(&target) || target.starts_with(input)) {
            let detail = format!("`{}` holds an input, or is one", target.display());
            return Err(PackageError::new(Code::OutputOverlapsInput, detail));
        }
        check_target(&target, replace)?;
        let staging = parent.join(format!(".{name}.partial"));
        let lock = stage(&staging)?;
        let name = name.to_owned();
        let folders = Vec::new();
        Ok(Self { parent, name, target, staging, folders, _lock: lock, state: State::Staged })
    }

    /// Writes a file of `parts` at a path of one or two components.
    pub(crate) fn write(&mut self, path: &str, parts: &[&[u8]]) -> Result<(), PackageError> {
        let failed = |error: &io::Error| PackageError::output(format_args!("`{path}`"), error);
        let full = self.staging.join(path);
        if let Some((folder, _)) = path.split_once('/') {
            let folder = self.staging.join(folder);
            if !self.folders.contains(&folder) {
                fs::create_dir(&folder).map_err(|error| failed(&error))?;
                self.folders.push(folder);
            }
        }
        let written =
            OpenOptions::new().write(true).create_new(true).open(full).and_then(|mut file| {
                parts.iter().try_for_each(|part| file.write_all(part))?;
                file.sync_all()
            });
        written.map_err(|error| failed(&error))
    }

    /// Gives the output its name.
    pub(crate) fn publish(mut self) -> Result<(), PackageError> {
        let target = self.target.clone();
        self.rename().map_err(|error| PackageError::output(target.display(), &error))?;
        self.state = State::Published;
        Ok(())
    }

    fn rename(&self) -> io::Result<()> {
        for folder in self.folders.iter().chain([&self.staging]) {
            File::open(folder)?.sync_all()?;
        }
        let old = self.parent.join(format!(".{}.old", self.name));
        let holds_something =
            fs::read_dir(&self.target).is_ok_and(|mut entries| entries.next().is_some());
        if holds_something {
            remove_folder(&old)?;
            fs::rename(&self.target, &old)?;
            if let Err(error) = fs::rename(&self.staging, &self.target) {
                fs::rename(&old, &self.target)?;
                return Err(error);
            }
        } else {
            fs::rename(&self.staging, &self.target)?;
        }
        // The lock moves with the folder and goes last: until it is gone no other run may clear
        // what it takes for the rest of a killed one. Hidden, it does no harm if it stays.
        let _ = fs::remove_file(self.target.join(LOCK));
        // Also what a run left that was killed between its two renames.
        remove_folder(&old)?;
        File::open(&self.target)?.sync_all()?;
        File::open(&self.parent)?.sync_all()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.state == State::Staged {
            // Nobody is left to tell; the next run clears what cannot be removed now.
            let _ = fs::remove_dir_all(&self.staging);
        }
    }
}

fn check_target(target: &Path, replace: Replace) -> Result<(), PackageError> {
    let exists = |what: &str| {
        let detail = format!("`{}` {what}", target.display());
        Err(PackageError::new(Code::OutputExists, detail))
    };
    let mut entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(_) if fs::symlink_metadata(target).is_err() => return Ok(()),
        Err(_) => return exists("exists and is not a folder"),
    };
    if fs::symlink_metadata(target).is_ok_and(|metadata| metadata.is_symlink()) {
        return exists("is a link");
    }
    match (entries.next(), replace) {
        (None, _) => Ok(()),
        (Some(_), Replace::No) => exists("exists already"),
        (Some(_), Replace::Yes) if MANIFESTS.iter().all(|name| target.join(name).is_file()) => {
            Ok(())
        }
        (Some(_), Replace::Yes) => exists("is not the output of an earlier run, so it stays"),
    }
}

/// Makes or takes over the hidden folder, and locks it.
fn stage(staging: &Path) -> Result<File, PackageError> {
    let failed = |error: &io::Error| PackageError::output(staging.display(), error);
    match fs::create_dir(staging) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(&error)),
        _ => {}
    }
    if !fs::symlink_metadata(staging).is_ok_and(|metadata| metadata.is_dir()) {
        return Err(PackageError::new(
            Code::OutputFailed,
            format_args!("`{}` is in the way", staging.display()),
        ));
    }
    let lock = File::create(staging.join(LOCK)).map_err(|error| failed(&error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let detail = "another run is writing this output";
            return Err(PackageError::new(Code::OutputExists, detail));
        }
        Err(TryLockError::Error(error)) => return Err(failed(&error)),
    }
    // A run that published in the meantime has taken the folder away, and its lock with it.
    let locked = lock.metadata().and_then(|ours| {
        let there = fs::metadata(staging.join(LOCK))?;
        Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
    });
    if !locked.map_err(|error| failed(&error))? {
        let detail = "another run has just written this output";
        return Err(PackageError::new(Code::OutputExists, detail));
    }
    clear(staging).map_err(|error| failed(&error))?;
    Ok(lock)
}

/// Removes what a killed run left.
fn clear(staging: &Path) -> io::Result<()> {
    for entry in fs::read_dir(staging)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn remove_folder(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

pub(crate) const MPD: &str = "manifest.mpd";
pub(crate) const MASTER: &str = "master.m3u8";
const MANIFESTS: [&str; 2] = [MPD, MASTER];
const LOCK: &str = ".lock";

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// Syncing the folders takes a while, and in that while another run may start.
    #[test]
    fn a_run_that_starts_while_another_publishes_takes_nothing_away() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("film");
        for _ in 0..4 {
            let mut output = Output::create(&target, Replace::Yes, &[]).unwrap();
            let mut names: Vec<String> = (0..12).map(|n| format!("{n}/1.m4s")).collect();
            names.extend(MANIFESTS.map(str::to_owned));
            for name in &names {
                output.write(name, &[b"x"]).unwrap();
            }
            let published = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !published.load(Ordering::Acquire) {
                        let _ = Output::create(&target, Replace::Yes, &[]);
                    }
                });
                let result = output.publish();
                published.store(true, Ordering::Release);
                result.unwrap();
            });
            assert!(names.iter().all(|name| target.join(name).is_file()));
            assert!(!target.join(LOCK).exists());
        }
    }

    #[test]
    fn the_older_output_of_a_run_that_was_killed_does_not_stay_for_ever() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("film");
        fs::create_dir(place.path().join(".film.old")).unwrap();
        let mut output = Output::create(&target, Replace::No, &[]).unwrap();
        output.write(MPD, &[b"x"]).unwrap();
        output.publish().unwrap();
        let names: Vec<_> =
            fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["film"]);
    }
}
