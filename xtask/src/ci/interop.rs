//! Other people's tools decrypt our output to the frames of the source.
//!
//! The demo packages and serves a film; `tests/interop/decrypt.py` gets keys and segments from
//! it as a player would, decrypts them with ffmpeg and with Shaka Packager, and compares every
//! frame with the source. No door is opened for the test.

use anyhow::{Context, Result, ensure};

use super::browser::{Films, count, foreign_films};
use super::server::Demo;
use crate::process::{command, succeeds, tee};
use crate::{console, demo, repo};

use super::Tally;

/// ffmpeg and Shaka Packager agree with the source, frame by frame.
pub(super) fn step() -> Result<Tally> {
    ensure!(
        succeeds(command("packager").arg("--version")),
        "no Shaka Packager: run `cargo xtask test`"
    );
    console::build()?;
    let program = demo::binary()?;
    let Films { ffmpeg: film, .. } = foreign_films(&repo::tools().join("films"))?;
    let input = film.display().to_string();
    let demo = Demo::start(&program, "interop", &["--input", &input])?;
    let mut tally = None;
    let mut python = command("python3");
    python
        .args(["tests/interop/decrypt.py", "--url", &demo.url, "--source", &input])
        .arg("--work")
        .arg(repo::tools().join("interop"));
    let status = tee(&mut python, |line| tally = count(line).or(tally))?;
    let tally = tally.context("tests/interop/decrypt.py printed no totals")?;
    ensure!(tally.passed > 0, "tests/interop/decrypt.py compared nothing");
    ensure!(status.success() || tally.failed > 0, "tests/interop/decrypt.py failed ({status})");
    demo.stop()?;
    Ok(tally)
}
