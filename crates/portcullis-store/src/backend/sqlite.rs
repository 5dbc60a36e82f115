//! Opens a SQLite database: safely, durably, and for this user only.
//!
//! SPEC: REL-42. One connection writes (see [`super::writer`]); a small pool
//! of read-only connections serves everything else. A database file that others can read is
//! refused, not repaired: somebody may have read it already.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use portcullis_base::Rng;
use sqlx::{
    ConnectOptions as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::Error;

/// Where the database lies.
#[derive(Clone, Debug)]
pub enum Location {
    /// In a file. It and its folder are made when missing.
    File(PathBuf),
    /// In memory, gone when the store is dropped. For tests.
    Memory,
}

/// An open database: the writing connection and the readers.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) write: SqliteConnection,
    pub(crate) read: SqlitePool,
    /// The write-ahead log, whose size the writer watches.
    pub(crate) wal: Option<PathBuf>,
}

/// Opens or creates the database and checks that it is sound.
///
/// # Errors
///
/// When the file cannot be used, is readable by others, or is damaged.
pub(crate) async fn open(location: &Location, rng: &dyn Rng) -> Result<Opened, Error> {
    let base = SqliteConnectOptions::new()
        .create_if_missing(false)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging();
    let (options, wal) = match location {
        Location::File(path) => {
            prepare_file(path)?;
            let mut wal = path.clone().into_os_string();
            wal.push("-wal");
            let options = base.filename(path).journal_mode(SqliteJournalMode::Wal);
            (options, Some(PathBuf::from(wal)))
        }
        Location::Memory => {
            // A name starting with a slash is shared by the connections of this process.
            let mut name = [0; 16];
            rng.fill(&mut name);
            let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
            (base.filename(format!("/{name}")).vfs("memdb"), None)
        }
    };
    let mut write = options.clone().create_if_missing(wal.is_none()).connect().await?;
    let finding: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut write).await?;
    if finding != "ok" {
        return Err(Error::Damaged { finding });
    }
    let readers = if wal.is_some() { READERS } else { 1 };
    let read = SqlitePoolOptions::new()
        .max_connections(readers)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Opened { write, read, wal })
}

/// Makes folder (0700) and file (0600) when missing; refuses a file others can read.
fn prepare_file(path: &Path) -> Result<(), Error> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| Error::File { path, source: Arc::new(source) }
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
        warn_of_network(folder);
    }
    let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mode = fs::metadata(path).map_err(failed(path))?.permissions().mode() & 0o777;
            if mode & 0o077 == 0 { Ok(()) } else { Err(Error::Open { path: path.into(), mode }) }
        }
        Err(error) => Err(failed(path)(error)),
    }
}

/// SQLite's locks and shared memory do not work over a network.
fn warn_of_network(folder: &Path) {
    let Ok(about) = rustix::fs::statfs(folder) else { return };
    if NETWORK_FILE_SYSTEMS.contains(&(about.f_type as u32)) {
        tracing::warn!(
            path = %folder.display(),
            "the database lies on a network file system, where SQLite can lose data: move it"
        );
    }
}

/// NFS, SMB, CIFS, SMB2, AFS, Ceph, as `statfs(2)` numbers them.
const NETWORK_FILE_SYSTEMS: [u32; 6] =
    [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x00c3_6400];

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;
