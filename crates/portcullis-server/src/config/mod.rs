//! The configuration: read once, checked whole, never consulted as text again.
//!
//! A file becomes a raw struct (`raw.rs`, unknown keys are faults), then a checked one
//! ([`Config`], typed values). All problems are reported together, each with its key and a
//! hint. Nothing is silently ignored or disabled. Secrets come from files or the environment;
//! `secrets.rs` is the only place that reads either.

mod checked;
mod raw;
mod reference;
mod secrets;
mod section;

pub use checked::{
    AddressRules, Config, Cors, Edge, Level, License, Limits, Listen, Log, LogFormat, Proxy,
    ProxyHeader, Route, SameSite, SessionCarriage, Store, Tokens,
};
pub use reference::{default, reference};
pub(crate) use secrets::{Readers, from_file as from_secret_file};

use std::{fmt, path::Path};

use serde::de::DeserializeOwned;

/// Reads and checks the configuration file at `path`.
///
/// # Errors
///
/// Every problem found: an unreadable file, malformed TOML with line and column, unknown
/// keys, values out of range, secrets that cannot be read.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problems::one(&path.display().to_string(), &format!("cannot be read: {error}"), "")
    })?;
    parse(&text, path.parent().unwrap_or(Path::new(".")))
}

/// Reads and checks the configuration in `text`; relative paths start at `base`.
///
/// # Errors
///
/// As [`load`].
pub fn parse(text: &str, base: &Path) -> Result<Config, Problems> {
    let raw = read_toml(text, "`portcullis config reference` lists every key")?;
    checked::check(raw, base)
}

/// Reads TOML into a raw struct; a problem says where, and `hint` what to do.
pub(crate) fn read_toml<T: DeserializeOwned>(text: &str, hint: &str) -> Result<T, Problems> {
    let document = toml::Deserializer::parse(text)
        .map_err(|error| Problems::one("the file", error.to_string().trim_end(), ""))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let key = error.path().to_string();
        Problems::one(&key, error.into_inner().to_string().trim_end(), hint)
    })
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `edge.routes[0].prefix`.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do, or empty.
    pub hint: String,
}

impl Problems {
    pub(crate) fn one(key: &str, problem: &str, hint: &str) -> Self {
        let mut problems = Self::default();
        problems.add(key, problem, hint);
        problems
    }

    pub(crate) fn add(&mut self, key: &str, problem: &str, hint: &str) {
        self.0.push(Problem { key: key.into(), problem: problem.into(), hint: hint.into() });
    }

    /// The problems in the order of the file.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", problem.key, problem.problem)?;
            if !problem.hint.is_empty() {
                write!(f, " ({})", problem.hint)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
