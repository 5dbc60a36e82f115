//! Where things are in this repository.
//!
//! Paths are always relative to the root with forward slashes, so that findings read the same
//! on every machine. Nothing here looks into a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::process::{cargo, text};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.parent().unwrap_or(here).to_path_buf()
    })
}

/// Where downloaded tools, seeds, logs and screenshots of the gate go.
pub(crate) fn tools() -> PathBuf {
    root().join("target/xtask")
}

/// Cargo's target folder, wherever the environment puts it.
///
/// # Errors
///
/// When `cargo metadata` fails.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let metadata = text(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let folder = metadata.get("target_directory").and_then(serde_json::Value::as_str);
    Ok(PathBuf::from(folder.context("`cargo metadata` names no target folder")?))
}

/// Every file that is committed or could be: what git does not ignore, or without git
/// everything but the folders that are always ignored.
///
/// # Errors
///
/// When a folder cannot be read.
pub(crate) fn files(root: &Path) -> Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .stderr(Stdio::null())
        .output();
    let mut files = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|path| !path.is_empty() && root.join(path).is_file())
            .map(str::to_owned)
            .collect(),
        _ => {
            let mut files = Vec::new();
            walk(root, "", &mut files)?;
            files
        }
    };
    files.sort();
    files.dedup();
    Ok(files)
}

/// The newest time of change below `path`, or of the file itself; `None` when it is missing.
pub(crate) fn newest(path: &Path) -> Option<SystemTime> {
    let about = fs::metadata(path).ok()?;
    if !about.is_dir() {
        return about.modified().ok();
    }
    let entries = fs::read_dir(path).ok()?;
    entries.flatten().filter_map(|entry| newest(&entry.path())).max()
}

fn walk(root: &Path, folder: &str, files: &mut Vec<String>) -> Result<()> {
    const NEVER: [&str; 5] = [".git", "dist", "node_modules", "target", "venv"];
    let place = root.join(folder);
    let entries = fs::read_dir(&place).with_context(|| format!("cannot read `{folder}`"))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.file_type()?.is_dir() {
            if !NEVER.contains(&name.as_str()) {
                walk(root, &path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_git_generated_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/b.rs", "target/x.rs", "a/node_modules/y.js"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut files = Vec::new();
        walk(folder.path(), "", &mut files).unwrap();
        assert_eq!(files, ["a/b.rs"]);
    }
}
