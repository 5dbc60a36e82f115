//! `portcullis token`: issue, verify, explain and convert tokens of every family.
//!
//! The families describe themselves; every command, option and help text here is made from
//! that, so a family that is added to `portcullis-token` needs nothing here but an example.
//! No command opens the store, the configuration or the network, and none writes a token or
//! a key anywhere but to standard output, where it was asked for.

mod batch;
mod convert;
mod examples;
mod explain;
mod formats;
mod issue;
mod options;
mod show;
mod verify;

use std::fmt;

use clap::{ArgMatches, Command, FromArgMatches, Subcommand};

use crate::report::{Done, Stop};

/// What was typed after `portcullis token`.
pub(crate) struct TokenCommand(ArgMatches);

/// Runs one of the commands.
pub(super) fn run(command: &TokenCommand) -> Done {
    match command.0.subcommand() {
        Some(("convert", matches)) => convert::run(matches),
        Some(("explain", matches)) => explain::run(matches),
        Some(("formats", matches)) => formats::run(matches),
        Some(("issue", matches)) => issue::run(matches),
        Some(("verify", matches)) => verify::run(matches),
        _ => Err(Stop::usage("no such token command")),
    }
}

impl fmt::Debug for TokenCommand {
    /// SECURITY: keys may have been typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCommand(…)")
    }
}

impl Subcommand for TokenCommand {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands([
            issue::command(),
            verify::command(),
            explain::command(),
            convert::command(),
            formats::command(),
        ])
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        ["convert", "explain", "formats", "issue", "verify"].contains(&name)
    }
}

impl FromArgMatches for TokenCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}
