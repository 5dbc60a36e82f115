//! `cargo xtask bench`: our benches beside the floors they are measured against.
//!
//! `cargo xtask bench tokens` compares the token families with other people's libraries instead.
//! A floor is what a plain tool does with the same bytes: OpenSSL's AES for encryption and
//! `cp` for packaging. Nothing here judges a number; `docs/performance.md` does.

mod tokens;

use std::fs;
use std::process::ExitCode;

use anyhow::Result;

use crate::process::{cargo, command, must, now, say, succeeds};
use crate::repo;

/// Runs the benches named by `arguments`, or all, after the floors; for `tokens` the comparison
/// with other libraries.
///
/// # Errors
///
/// When a bench does not compile or fails.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if let [what] = arguments
        && what == "tokens"
    {
        return tokens::run();
    }
    say("== floor: AES-128-CTR of OpenSSL, one core");
    if succeeds(command("openssl").arg("version")) {
        must(command("openssl").args(["speed", "-seconds", "2", "-evp", "aes-128-ctr"]))?;
    } else {
        say("`openssl` is not installed; this floor is left out");
    }
    say("== floor: cp");
    copy()?;
    say("== benches");
    let mut bench = cargo(&["bench", "--workspace", "--benches", "--locked"]);
    // Only targets made with `harness = false` are ours; libtest's would refuse the arguments.
    if !arguments.is_empty() {
        bench.arg("--").args(arguments);
    }
    must(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}

fn copy() -> Result<()> {
    let folder = repo::tools().join("bench");
    fs::create_dir_all(&folder)?;
    let (from, to) = (folder.join("from"), folder.join("to"));
    let noise: Vec<u8> =
        (0..FLOOR_BYTES).map(|place| (place.wrapping_mul(31) >> 3) as u8).collect();
    fs::write(&from, noise)?;
    for _ in 0..3 {
        let start = now();
        must(command("cp").args([&from, &to]))?;
        let megabytes = FLOOR_BYTES as f64 / 1e6;
        say(format!("{:.0} MB/s", megabytes / start.elapsed().as_secs_f64()));
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

const FLOOR_BYTES: usize = 256 << 20;
