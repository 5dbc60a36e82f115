//! The `portcullis` program: reads the arguments, runs one subcommand, reports once.
//!
//! Exit codes: 0 done, 1 something failed, 2 the command line or the configuration is wrong.
//! `package` has finer ones, see its help. Each subcommand is one file under `command/`;
//! nothing here is worth a test of its own but that the arguments make sense.

mod arguments;
mod command;
mod report;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match command::run(arguments.command) {
        Ok(code) => code,
        Err(stop) => stop.report(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_well_defined() {
        super::arguments::Arguments::command().debug_assert();
    }
}
