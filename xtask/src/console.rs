//! Building the web page in `console/`.
//!
//! The page is embedded in the server, so this runs before anything is compiled. It does
//! nothing when the built page is newer than its sources and its lock file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::{command, must, say, succeeds};
use crate::repo;

/// Installs the npm packages of the lock file and builds the page, each only when needed.
///
/// # Errors
///
/// When node is missing, or npm fails.
pub(crate) fn build() -> Result<()> {
    let console = repo::root().join("console");
    if !succeeds(command("npm").arg("--version")) {
        bail!("`npm` is missing: install Node.js 20 or newer and run this again");
    }
    install(&console)?;
    let mut sources = Vec::new();
    for entry in fs::read_dir(&console).context("there is no folder `console`")? {
        let entry = entry?;
        if !NO_SOURCES.iter().any(|name| entry.file_name() == *name) {
            sources.push(entry.path());
        }
    }
    if older(&console.join("dist/index.html"), &sources) {
        say("Building the web page (console/dist).");
        must(npm(&console).args(["run", "--silent", "build"]))?;
    }
    Ok(())
}

/// Installs the npm packages of the lock file in `folder`, if they are not there. No package
/// runs a script of its own for that.
///
/// # Errors
///
/// When npm fails.
pub(crate) fn install(folder: &Path) -> Result<()> {
    if older(&folder.join("node_modules/.package-lock.json"), &[folder.join("package-lock.json")]) {
        let shown = folder.strip_prefix(repo::root()).unwrap_or(folder).display();
        say(format!("Installing npm packages ({shown}/package-lock.json)."));
        let quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
        must(npm(folder).args(["ci", "--ignore-scripts"]).args(quiet))?;
    }
    Ok(())
}

fn npm(console: &Path) -> std::process::Command {
    let mut npm = command("npm");
    npm.current_dir(console);
    npm
}

/// True when `made` is missing or older than any of `sources`.
fn older(made: &Path, sources: &[impl AsRef<Path>]) -> bool {
    let Some(made) = repo::newest(made) else { return true };
    sources.iter().filter_map(|source| repo::newest(source.as_ref())).any(|source| source > made)
}

/// What is in the folder without being a source of the page.
const NO_SOURCES: [&str; 3] = ["dist", "node_modules", "test"];

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn what_is_missing_or_older_than_a_source_is_built_again() {
        let folder = tempfile::tempdir().unwrap();
        let (made, source) = (folder.path().join("made"), folder.path().join("source"));
        assert!(older(&made, &[&source]));
        fs::write(&made, "").unwrap();
        assert!(!older(&made, &[&source]));
        let file = fs::File::create(&source).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(!older(&made, &[&source]));
        let made_at = fs::metadata(&made).unwrap().modified().unwrap();
        file.set_modified(made_at + Duration::from_secs(1)).unwrap();
        assert!(older(&made, &[&source]));
    }
}
