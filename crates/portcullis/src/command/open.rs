//! What several subcommands begin with: the configuration, a runtime, the store.

use std::{future::Future, path::Path};

use portcullis_server::{
    config::{self, Config},
    serve::open_store,
};
use portcullis_store::{Author, Error, Store};

use crate::report::{self, Stop};

/// Reads the configuration and shows its warnings.
pub(super) fn configuration(path: &Path) -> Result<Config, Stop> {
    let config = config::load(path).map_err(Stop::usage)?;
    for warning in &config.warnings {
        report::talk(format_args!("warning: {warning}"));
    }
    Ok(config)
}

/// Runs `work` to its end.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Stop> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    Ok(runtime.map_err(Stop::failure)?.block_on(work))
}

/// Opens the store.
pub(super) async fn store(settings: config::Store) -> Result<Store, Stop> {
    open_store(settings).await.map_err(|error| stop_of(&error))
}

/// What the operator can put right ends with exit code 2, what is broken with 1.
pub(super) fn stop_of(error: &Error) -> Stop {
    match error {
        Error::File { .. }
        | Error::Missing { .. }
        | Error::Newer { .. }
        | Error::Open { .. }
        | Error::WrongRoot { .. } => Stop::usage(Chain(error)),
        _ => Stop::with_code(1, Chain(error)),
    }
}

/// An error with its causes.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

/// Who writes: the user of this machine.
pub(super) fn author() -> Author {
    Author::new("local:cli")
}

/// A moment as people read it.
pub(super) fn moment(at: portcullis_base::Timestamp) -> String {
    let second = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(second).map_or_else(|_| at.to_string(), |at| at.to_string())
}
