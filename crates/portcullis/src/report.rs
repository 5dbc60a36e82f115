//! How a subcommand ends, and the one place that prints to the terminal.
//!
//! Data goes to standard output, talk to standard error, so that output can be piped.

use std::{fmt::Display, io::Write as _, process::ExitCode};

/// Why a subcommand ended without doing its work.
#[derive(Debug)]
pub(crate) struct Stop {
    code: u8,
    message: String,
}

impl Stop {
    /// The command line or the configuration is wrong: exit code 2.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    /// Something failed: exit code 1. The whole chain of causes is printed.
    pub(crate) fn failure(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 1, message: format!("{:#}", error.into()) }
    }

    /// A subcommand with exit codes of its own.
    pub(crate) fn with_code(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// Prints the message and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        talk(format_args!("portcullis: {}", self.message));
        ExitCode::from(self.code)
    }
}

/// What a subcommand returns.
pub(crate) type Done = Result<ExitCode, Stop>;

/// Prints data, followed by a line break.
pub(crate) fn data(text: impl Display) {
    // A closed pipe (`| head`) is not a failure of ours.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints talk, followed by a line break.
pub(crate) fn talk(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
