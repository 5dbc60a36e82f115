//! What can go wrong with the store: failures, in the words of the operator.
//!
//! A store error is never a refusal: who may play what is decided elsewhere. No text here
//! repeats a value that was stored; front doors answer with a status of their own and keep
//! this text for the log.

use std::{path::PathBuf, sync::Arc};

/// Why the store could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store was closed, or its writer is gone.
    #[error("the store is closed")]
    Closed,
    /// SQLite's own check of the file found damage.
    #[error("the database is damaged: {finding}; restore it from a backup")]
    Damaged {
        /// The first finding.
        finding: String,
    },
    /// The database refused a statement or could not be reached.
    #[error("the database failed")]
    Database(#[source] Arc<sqlx::Error>),
    /// A file or folder of the database could not be used.
    #[error("cannot use the database file `{}`", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// No space is left, or the file system became read-only (`storage.full`).
    #[error("no space is left for the database")]
    Full,
    /// A stored row does not open or does not parse: it was changed from outside.
    #[error("a row of `{table}` is not as it was written: `{row}`")]
    Integrity {
        /// Which table.
        table: &'static str,
        /// Which row.
        row: String,
    },
    /// A value is longer than may be stored.
    #[error("{what} is longer than {max} bytes")]
    Long {
        /// Which value.
        what: &'static str,
        /// How long it may be.
        max: usize,
    },
    /// What the write builds upon does not exist.
    #[error("there is no {what} `{name}`")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// Which one.
        name: String,
    },
    /// The database was written by a newer version of this program.
    #[error("the database has schema {found}, this program knows up to {known}: upgrade it")]
    Newer {
        /// The schema of the database.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// Others than the owner may read the database file.
    #[error(
        "`{}` can be read by others (mode {mode:o}): run `chmod 600` on it first", path.display()
    )]
    Open {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The snapshot was not confirmed by the database for too long.
    #[error("the database has not answered for {seconds} seconds, policies may be out of date")]
    Stale {
        /// For how long.
        seconds: u64,
    },
    /// The name belongs to something else already.
    #[error("{what} `{name}` exists already and is not the same")]
    Taken {
        /// What kind of thing.
        what: &'static str,
        /// Which one.
        name: String,
    },
    /// The root key is not the one this database was made with.
    // SPEC: SEC-06, the wording.
    #[error(
        "root key id {root_key_id} does not open this database \
         (expected check {expected}, got {found})"
    )]
    WrongRoot {
        /// The id of the root key that was tried.
        root_key_id: String,
        /// The check value in the database, as hex.
        expected: String,
        /// The check value of the root key that was tried, as hex.
        found: String,
    },
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        // Extended codes carry the primary code in their low byte.
        let primary = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        match primary {
            Some(SQLITE_FULL | SQLITE_READONLY) => Self::Full,
            _ => Self::Database(Arc::new(error)),
        }
    }
}

const SQLITE_READONLY: u32 = 8;
const SQLITE_FULL: u32 = 13;
