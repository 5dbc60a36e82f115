//! Ten seconds for every fuzz target.
//!
//! The targets are ordinary programs linked with libFuzzer. They are built here with the
//! compiler flags that cargo-fuzz would pass and that stable Rust accepts, so neither
//! cargo-fuzz nor a nightly compiler is needed. This is a smoke run; the long runs are
//! started by hand as `docs/decisions/0005` describes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Tally, vectors};
use crate::process::{cargo, must, now, say, text, wait_within};
use crate::repo;

/// Builds every target and runs each for ten seconds, two at a time.
pub(super) fn step() -> Result<Tally> {
    let targets = targets()?;
    let host = text(crate::process::command("rustc").args(["--print", "host-tuple"]))?;
    let target_folder = repo::target_folder()?.join("fuzz");
    say(format!("building {} targets", targets.len()));
    must(
        cargo(&["build", "--release", "--locked", "--quiet", "--manifest-path", "fuzz/Cargo.toml"])
            .args(["--target", host.trim()])
            .env("CARGO_TARGET_DIR", &target_folder)
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")),
    )?;
    let programs = target_folder.join(host.trim()).join("release");
    let work = repo::tools().join("fuzz");
    let mut waiting: Vec<Target> = targets.into_iter().rev().collect();
    let mut running: Vec<Run> = Vec::new();
    let mut tally = Tally::default();
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < AT_ONCE
            && let Some(target) = waiting.pop()
        {
            running.push(start(&target, &programs, &work)?);
        }
        sleep(Duration::from_millis(100));
        let mut still = Vec::new();
        for mut run in running {
            if run.child.try_wait()?.is_none() && run.started.elapsed() < SECONDS * 6 {
                still.push(run);
                continue;
            }
            match finish(&mut run) {
                Ok(summary) => {
                    say(format!("{}: {summary}", run.name));
                    tally.passed += 1;
                }
                Err(error) => {
                    say(format!("{}: FAILED: {error:#}", run.name));
                    tally.failed += 1;
                }
            }
        }
        running = still;
    }
    Ok(tally)
}

struct Target {
    name: String,
    /// Folders under `vectors/` whose payloads are its first inputs.
    seeds: Vec<String>,
}

struct Run {
    name: String,
    child: Child,
    started: Instant,
    log: PathBuf,
    crashes: PathBuf,
}

fn targets() -> Result<Vec<Target>> {
    let manifest = fs::read_to_string(repo::root().join("fuzz/Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse()?;
    let seeds = manifest.get("package").and_then(|it| it.get("metadata")?.get("seeds"));
    let bins = manifest.get("bin").and_then(toml::Value::as_array);
    let names = bins.into_iter().flatten().filter_map(|bin| bin.get("name")?.as_str());
    let targets: Vec<Target> = names
        .map(|name| {
            let folders = seeds.and_then(|seeds| seeds.get(name)).and_then(toml::Value::as_array);
            let folders = folders.into_iter().flatten().filter_map(toml::Value::as_str);
            Target { name: name.to_owned(), seeds: folders.map(str::to_owned).collect() }
        })
        .collect();
    ensure!(!targets.is_empty(), "fuzz/Cargo.toml lists no targets");
    Ok(targets)
}

fn start(target: &Target, programs: &Path, work: &Path) -> Result<Run> {
    let name = &target.name;
    let (grown, seeds) = (work.join("grown").join(name), work.join("seeds").join(name));
    let crashes = repo::root().join("fuzz/artifacts").join(name);
    for folder in [&grown, &seeds, &crashes] {
        fs::create_dir_all(folder)?;
    }
    for folder in &target.seeds {
        write_seeds(&repo::root().join("vectors").join(folder), folder, &seeds)?;
    }
    let log = work.join(format!("{name}.log"));
    let mut fuzzer = Command::new(programs.join(name));
    fuzzer
        .arg(format!("-max_total_time={}", SECONDS.as_secs()))
        .arg(format!("-rss_limit_mb={MEGABYTES}"))
        .args(["-timeout=5", "-max_len=65536", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .args([&grown, &seeds])
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?);
    let own = repo::root().join("fuzz/seeds").join(name);
    if own.is_dir() {
        fuzzer.arg(own);
    }
    let child = fuzzer.spawn().with_context(|| format!("cannot start the target `{name}`"))?;
    Ok(Run { name: name.clone(), child, started: now(), log, crashes })
}

/// Writes the payloads of one folder as seeds; a payload in hex also as the bytes it means.
fn write_seeds(folder: &Path, prefix: &str, seeds: &Path) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("no seeds in `vectors/{prefix}`"))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = if path.is_file() { fs::read(&path)? } else { continue };
        let Some((_, payload)) = vectors::split(&bytes) else { continue };
        let prefix = prefix.replace('/', "-");
        fs::write(seeds.join(format!("{prefix}-{name}")), payload)?;
        if let Some(decoded) = unhex(payload) {
            fs::write(seeds.join(format!("{prefix}-{name}-bytes")), decoded)?;
        }
    }
    Ok(())
}

fn unhex(payload: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = payload
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(*byte).to_digit(16))
        .collect();
    let digits = digits.filter(|digits| !digits.is_empty() && digits.len() % 2 == 0)?;
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |sum, it| sum * 16 + it)).ok())
        .collect()
}

fn finish(run: &mut Run) -> Result<String> {
    let status = wait_within(&mut run.child, Duration::ZERO, &run.name);
    let log = fs::read(&run.log).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let status = status.with_context(|| tail(&log))?;
    ensure!(
        status.success(),
        "{status}; the input is in {}\n{}",
        run.crashes.strip_prefix(repo::root()).unwrap_or(&run.crashes).display(),
        tail(&log)
    );
    let runs = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    // INVARIANT: a target that ran nothing is no test.
    let runs = runs.map(str::trim).filter(|runs| *runs != "0").context("it ran no input")?;
    Ok(format!("{runs} inputs, no crash"))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}

const AT_ONCE: usize = 2;
const MEGABYTES: u32 = 1024;
const SECONDS: Duration = Duration::from_secs(10);

/// Coverage for libFuzzer, and checks that a release build leaves out.
const FLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Cdebug-assertions",
    "-Coverflow-checks",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_in_hex_is_also_a_seed_of_its_bytes() {
        assert_eq!(unhex(b"00ff\n"), Some(vec![0, 255]));
        assert_eq!(unhex(b"00f"), None);
        assert_eq!(unhex(b"not hex"), None);
        assert_eq!(unhex(b"\n"), None);
    }

    #[test]
    fn the_tail_of_a_log_is_its_last_thirty_lines() {
        let log: String = (0..40).map(|line| format!("{line}\n")).collect();
        assert!(tail(&log).starts_with("10\n"));
        assert_eq!(tail("one"), "one");
    }
}
