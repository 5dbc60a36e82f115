//! Starting other programs, and talking to the person at the terminal.
//!
//! A program is always ended by the handle it was started with, never by its name. Nothing
//! here decides what to run.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::repo;

/// Prints one line (or several) to standard output; in our own tests, nothing.
pub(crate) fn say(text: impl AsRef<str>) {
    if cfg!(test) {
        return;
    }
    let mut out = std::io::stdout().lock();
    // A closed terminal is no reason to stop half-way through a clean-up.
    drop(writeln!(out, "{}", text.as_ref()));
    drop(out.flush());
}

/// A command that runs in the root of the repository, with our tools first in the path.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(repo::root()).env("PATH", path_with_tools());
    command
}

/// `cargo` with the given arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command("cargo");
    cargo.args(arguments);
    cargo
}

/// Runs to the end with inherited output.
///
/// # Errors
///
/// When the program cannot be started or does not exit with 0.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    ensure_success(status, &shown)
}

/// Runs to the end and returns what was printed to standard output.
///
/// # Errors
///
/// When the program cannot be started or does not exit with 0.
pub(crate) fn text(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{shown}`"))?;
    ensure_success(output.status, &shown)?;
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` did not print UTF-8"))
}

/// Runs to the end without output; true when it exits with 0.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs to the end, printing standard output and showing each line of it to `look`.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn tee(command: &mut Command, mut look: impl FnMut(&str)) -> Result<ExitStatus> {
    let shown = shown(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            say(&line);
            look(&line);
        }
    }
    Ok(child.wait()?)
}

/// Waits for a child, and ends it when it takes longer than `limit`.
///
/// # Errors
///
/// When the child had to be ended.
pub(crate) fn wait_within(child: &mut Child, limit: Duration, shown: &str) -> Result<ExitStatus> {
    let start = now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if start.elapsed() > limit {
            drop(child.kill());
            drop(child.wait());
            bail!("`{shown}` was still running after {}", duration(limit));
        }
        sleep(Duration::from_millis(50));
    }
}

/// Asks a child to stop as Ctrl-C would, and returns how it ended.
///
/// # Errors
///
/// When it does not stop within `limit`.
pub(crate) fn interrupt(child: &mut Child, limit: Duration, shown: &str) -> Result<ExitStatus> {
    let pid = child.id().to_string();
    must(Command::new("kill").args(["-INT", &pid]))?;
    wait_within(child, limit, shown)
}

/// The time, for measuring how long a step takes.
#[expect(clippy::disallowed_methods, reason = "the one place where xtask reads the clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// `72 s` or `3 min 05 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 100 {
        format!("{}.{} s", seconds, duration.subsec_millis() / 100)
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// The command as one would type it, without the paths.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut shown = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}

fn ensure_success(status: ExitStatus, shown: &str) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    bail!("`{shown}` failed ({status})")
}

fn path_with_tools() -> OsString {
    let mut path = repo::tools().join("bin").into_os_string();
    if let Some(before) = environment("PATH") {
        path.push(":");
        path.push(before);
    }
    path
}

/// One variable of the environment.
#[expect(clippy::disallowed_methods, reason = "the one place where xtask reads the environment")]
pub(crate) fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        assert_eq!(duration(Duration::from_secs(seconds)), expected);
    }

    #[test]
    fn a_duration_is_told_in_minutes_when_it_is_long() {
        check(0, "0.0 s");
        check(99, "99.0 s");
        check(100, "1 min 40 s");
        check(605, "10 min 05 s");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let error = wait_within(&mut child, Duration::from_millis(60), "sleep 60").unwrap_err();
        assert!(error.to_string().contains("still running"));
        assert!(child.try_wait().unwrap().is_some());
    }

    #[test]
    fn an_interrupted_program_ends_by_the_signal() {
        // Whoever runs the gate in the background may have this signal ignored, and its
        // children inherit that until they say otherwise.
        let program = ["--default-signal=INT", "sh", "-c", "echo ready; exec sleep 60"];
        let mut env = Command::new("env");
        let mut child = env.args(program).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
        let status = interrupt(&mut child, Duration::from_secs(5), "sleep 60").unwrap();
        assert!(!status.success());
    }
}
