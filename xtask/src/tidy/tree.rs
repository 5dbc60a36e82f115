//! The files that tidy looks at, read once.
//!
//! A tree can also be made up, which is how the rules are tested. Files that are not UTF-8
//! are pictures and media; no rule looks into them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::source::Source;
use crate::repo;

/// The repository's files by path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    texts: BTreeMap<String, String>,
    sources: BTreeMap<String, Source>,
    /// The exceptions file as last committed; `None` when there is no such commit.
    pub(crate) committed_exceptions: Option<String>,
}

impl Tree {
    /// Reads the repository at `root`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for path in repo::files(root)? {
            let bytes =
                fs::read(root.join(&path)).with_context(|| format!("cannot read `{path}`"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                tree.add(path, text);
            }
        }
        let committed = Command::new("git")
            .args(["show", &format!("HEAD:{EXCEPTIONS}")])
            .current_dir(root)
            .stderr(Stdio::null())
            .output();
        tree.committed_exceptions = committed
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        Ok(tree)
    }

    /// Every path, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// Every text file: path and contents.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Every Rust file: path, contents, and what the scanner made of it.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str, &Source)> {
        self.sources
            .iter()
            .filter_map(|(path, source)| Some((path.as_str(), self.text(path)?, source)))
    }

    /// One file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// One Rust file through the scanner.
    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.get(path)
    }

    fn add(&mut self, path: String, text: String) {
        if path.ends_with(".rs") {
            self.sources.insert(path.clone(), Source::read(&text));
        }
        self.texts.insert(path, text);
    }

    #[cfg(test)]
    pub(super) fn made_up(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.add((*path).to_owned(), (*text).to_owned());
        }
        tree
    }
}

/// Whether a whole file is test code by its place.
pub(crate) fn is_test_file(path: &str) -> bool {
    ["/tests/", "/benches/", "/examples/", "fuzz/fuzz_targets/"]
        .iter()
        .any(|place| path.contains(place))
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

/// Where the exceptions are.
pub(crate) const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";
