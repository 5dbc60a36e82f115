//! The `portcullis` program: reads the arguments, runs one subcommand, reports once.
//!
//! Exit codes: 0 done, 1 something failed, 2 the command line or the configuration is wrong.
//! `package` has finer ones, see its help. Each subcommand is one file under `command/`;
//! nothing here is worth a test of its own but that the arguments make sense.

mod arguments;
mod command;
mod report;

use std::{alloc::System, process::ExitCode};

use clap::Parser as _;
use zeroizing_alloc::ZeroAlloc;

/// SECURITY: SEC-14. Secrets of ours wipe themselves. This wipes what other people's code was
/// lent and gave back: the buffers an API key or a license passed through on its way to or
/// from a socket.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

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
