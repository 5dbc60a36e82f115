//! `cargo xtask demo`: from a fresh clone to a film in the browser.
//!
//! Builds what is not built yet, then becomes `portcullis demo`: this process is replaced, so
//! Ctrl-C and every other signal reach the demo directly. The demo itself is in the
//! `portcullis` crate.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::process::{cargo, must, say};
use crate::{console, repo};

/// Builds the page and the program and starts the demo with `arguments`.
///
/// # Errors
///
/// When something does not build or the demo cannot be started.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let arguments = match arguments {
        [first, rest @ ..] if first == "--" => rest,
        all => all,
    };
    console::build()?;
    say("Compiling Portcullis (some minutes the first time, seconds after that).");
    let program = binary()?;
    let mut demo = Command::new(program);
    demo.arg("demo").args(arguments);
    Err(demo.exec()).context("cannot start `portcullis demo`")
}

/// Builds the program as the demo and the gate use it, and says where it is.
///
/// This is the dev profile, which compiles in a fraction of the time of a release build and
/// shares its work with the tests.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn binary() -> Result<PathBuf> {
    must(&mut cargo(&["build", "--package", "portcullis", "--locked"]))?;
    Ok(repo::target_folder()?.join("debug/portcullis"))
}
