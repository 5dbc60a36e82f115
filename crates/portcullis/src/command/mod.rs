//! The subcommands, one file each. They open what they need, call an engine and print.

mod api_key;
mod audit;
mod config;
mod demo;
mod explain;
mod init;
mod open;
mod package;
mod policy;
mod progress;
mod revoke;
mod serve;
mod token;

pub(crate) use self::token::TokenCommand;
use crate::{arguments::Command, report::Done};

/// Runs one subcommand.
pub(crate) fn run(command: Command) -> Done {
    match command {
        Command::ApiKey(arguments) => api_key::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Config(arguments) => config::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Package(arguments) => package::run(arguments),
        Command::Policy(arguments) => policy::run(arguments),
        Command::Revoke(arguments) => revoke::run(arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Token(command) => token::run(&command),
    }
}
