//! The configuration: read once, checked whole, never consulted as text again.
//!
//! A file becomes a raw struct (`raw.rs`, unknown keys are faults), then a checked one
//! ([`Config`], typed values). All problems are reported together, each with its key and a
//! hint. Nothing is silently ignored or disabled. Secrets come from files or the environment;
//! `secrets.rs` is the only place that reads either.

mod checked;
mod outbound;
mod raw;
mod reference;
mod secrets;
mod section;

pub use checked::{
    AddressRules, Config, Cors, Edge, Level, License, Limits, Listen, Log, LogFormat, Proxy,
    ProxyHeader, Route, SameSite, SessionCarriage, Store, Tokens,
};
pub use outbound::{Jwks, Outbound, PlainHttp};
pub use reference::{default, reference};
pub(crate) use secrets::{Readers, from_file as from_secret_file};

use std::{fmt, path::Path};

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use zeroize::Zeroizing;

/// Reads and checks the configuration file at `path`.
///
/// # Errors
///
/// Every problem found: an unreadable file, malformed TOML with line and column, unknown
/// keys, values out of range, secrets that cannot be read.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let text = read_file(path, "`portcullis init` makes one")?;
    parse(&text, path.parent().unwrap_or(Path::new(".")))
}

/// Reads a file that may hold secrets; `hint` says what to do when it does not exist.
pub(crate) fn read_file(path: &Path, hint: &str) -> Result<Zeroizing<String>, Problems> {
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::NotFound { hint } else { "" };
        Problems::one(&path.display().to_string(), &format!("cannot be read: {error}"), hint)
    })
}

/// Reads and checks the configuration in `text`; relative paths start at `base`.
///
/// # Errors
///
/// As [`load`].
pub fn parse(text: &str, base: &Path) -> Result<Config, Problems> {
    let (raw, problems) = read_toml(text, "`portcullis config reference` lists every key")?;
    checked::check(raw, problems, base)
}

/// Reads TOML into a raw struct. A key that is unknown or of the wrong type is left out and
/// named among the problems, with `hint` for what to do, so that all can be reported at once.
///
/// # Errors
///
/// When the text is not TOML; the problem says where.
pub(crate) fn read_toml<T>(text: &str, hint: &str) -> Result<(T, Problems), Problems>
where
    T: DeserializeOwned + Default,
{
    let malformed =
        |error: toml::de::Error| Problems::one("the file", error.to_string().trim_end(), "");
    // The common case keeps no second copy of what may be a secret.
    let document = toml::Deserializer::parse(text).map_err(malformed)?;
    if let Ok(raw) = T::deserialize(document) {
        return Ok((raw, Problems::default()));
    }
    let mut table: toml::Table = toml::from_str(text).map_err(malformed)?;
    let mut problems = Problems::default();
    loop {
        match serde_path_to_error::deserialize(toml::Value::Table(table.clone())) {
            Ok(raw) => return Ok((raw, problems)),
            Err(error) => {
                let path = error.path().clone();
                problems.add(&path.to_string(), error.inner().message(), hint);
                if !remove(&mut table, &path) {
                    return Ok((T::default(), problems));
                }
            }
        }
    }
}

/// Takes the key at `path` out of the table; of a list the whole list, so that the positions
/// in later problems stay true.
fn remove(table: &mut toml::Table, path: &serde_path_to_error::Path) -> bool {
    let mut segments: Vec<&Segment> = path.iter().collect();
    while segments.last().is_some_and(|last| !matches!(last, Segment::Map { .. })) {
        segments.pop();
    }
    let Some(Segment::Map { key }) = segments.pop() else { return false };
    let mut inside = Some(table);
    let mut items: Option<&mut Vec<toml::Value>> = None;
    for segment in segments {
        let value = match segment {
            Segment::Map { key } => inside.and_then(|table| table.get_mut(key)),
            Segment::Seq { index } => items.and_then(|items| items.get_mut(*index)),
            _ => None,
        };
        (inside, items) = match value {
            Some(toml::Value::Table(table)) => (Some(table), None),
            Some(toml::Value::Array(list)) => (None, Some(list)),
            _ => (None, None),
        };
    }
    inside.is_some_and(|table| table.remove(key).is_some())
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
