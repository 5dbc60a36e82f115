//! The commands of this repository, started as `cargo xtask <command>`.
//!
//! Everything the gate does is here, in Rust, so that it is the same at home and in CI. This
//! program never touches a running system and holds no logic of the product; it only builds,
//! starts and checks what the other crates are.

mod bench;
mod ci;
mod console;
mod demo;
mod help;
mod install;
mod process;
mod repo;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

use crate::process::say;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            say(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let rest = arguments.get(1..).unwrap_or_default();
    let command = arguments.first().map(String::as_str);
    if rest.iter().any(|word| word == "--help" || word == "-h") && command != Some("demo") {
        say(help::TEXT);
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        Some("bench") => bench::run(rest),
        Some("ci") => ci::run(rest),
        Some("demo") => demo::run(rest),
        Some("test") => ci::test(rest),
        Some("tidy") => tidy::run(rest),
        None | Some("help" | "--help" | "-h") => {
            say(help::TEXT);
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => {
            say(format!("error: there is no command `{other}`\n\n{}", help::TEXT));
            Ok(ExitCode::from(2))
        }
    }
}
