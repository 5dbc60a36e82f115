//! Other people's tools decrypt our output to the frames of the source, and other people's
//! libraries agree with us about tokens.
//!
//! The demo packages and serves a film; `tests/interop/decrypt.py` gets keys and segments from
//! it as a player would, decrypts them with ffmpeg and with Shaka Packager, and compares every
//! frame with the source. No door is opened for the test.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::browser::{Films, count, foreign_films};
use super::server::Demo;
use crate::process::{command, succeeds, tee};
use crate::{console, demo, repo};

use super::Tally;

/// ffmpeg and Shaka Packager agree with the source, and token libraries with our tokens.
pub(super) fn step() -> Result<Tally> {
    ensure!(
        succeeds(command("packager").arg("--version")),
        "no Shaka Packager: run `cargo xtask test`"
    );
    console::build()?;
    let program = demo::binary()?;
    let mut tally = tokens(&program)?;
    tally += decrypt(&program)?;
    Ok(tally)
}

fn tokens(program: &Path) -> Result<Tally> {
    let python = repo::tools().join("venv/bin/python");
    let mut script = command(&python.to_string_lossy());
    script.args(["tests/interop/tokens.py", "--program"]).arg(program);
    run(&mut script, "tests/interop/tokens.py")
}

fn decrypt(program: &Path) -> Result<Tally> {
    let Films { ffmpeg: film, .. } = foreign_films(&repo::tools().join("films"))?;
    let input = film.display().to_string();
    let demo = Demo::start(program, "interop", &["--input", &input])?;
    let mut script = command("python3");
    script
        .args(["tests/interop/decrypt.py", "--url", &demo.url, "--source", &input])
        .arg("--work")
        .arg(repo::tools().join("interop"));
    let tally = run(&mut script, "tests/interop/decrypt.py")?;
    demo.stop()?;
    Ok(tally)
}

/// Runs a script that ends with a line of totals.
fn run(script: &mut Command, name: &str) -> Result<Tally> {
    let mut tally = None;
    let status = tee(script, |line| tally = count(line).or(tally))?;
    let tally = tally.with_context(|| format!("{name} printed no totals"))?;
    ensure!(tally.passed > 0, "{name} compared nothing");
    ensure!(status.success() || tally.failed > 0, "{name} failed ({status})");
    Ok(tally)
}
