//! The steps that are one call of cargo.
//!
//! All use the dev profile, so clippy and the documentation share their metadata, and the
//! tests, the demo and the browser step share one build.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::Tally;
use crate::process::{cargo, must, say, tee};
use crate::repo;

/// rustfmt finds nothing to change.
pub(super) fn fmt() -> Result<Tally> {
    must(&mut cargo(&["fmt", "--all", "--check"]))?;
    must(&mut cargo(&["fmt", "--all", "--check", "--manifest-path", "fuzz/Cargo.toml"]))?;
    Ok(Tally::default())
}

/// No warning in any target.
pub(super) fn clippy() -> Result<Tally> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--quiet"];
    must(cargo(&arguments).args(["--", "-D", "warnings"]))?;
    Ok(Tally::default())
}

/// The documentation builds without warnings.
pub(super) fn docs() -> Result<Tally> {
    let arguments = ["doc", "--workspace", "--no-deps", "--locked", "--quiet"];
    // Private items too: a broken link inside a crate misleads its next reader.
    must(
        cargo(&arguments)
            .arg("--document-private-items")
            .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"),
    )?;
    Ok(Tally::default())
}

/// All tests of all crates, doc tests included.
pub(super) fn test() -> Result<Tally> {
    let mut counts = Counts::default();
    let mut cargo = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    cargo.env("RUSTDOC", strict_rustdoc()?);
    let status = tee(&mut cargo, |line| counts.read(line))?;
    let Tally { passed, failed, skipped } = counts.tally;
    say(format!(
        "{passed} passed, {failed} failed, {skipped} skipped, in {} test programs",
        counts.programs
    ));
    ensure!(counts.programs > 0, "no test program ran");
    // With failed tests the counts already say so; without, it was the compiler.
    ensure!(status.success() || failed > 0, "`cargo test` failed ({status})");
    Ok(counts.tally)
}

/// A rustdoc that holds `compile_fail,E0451` to its word. A stable one takes any error for the
/// right one, so that a slip in the example would pass for a proof that cannot be forged.
fn strict_rustdoc() -> Result<PathBuf> {
    let script = repo::tools().join("rustdoc-with-codes");
    fs::create_dir_all(repo::tools())?;
    fs::write(&script, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

#[derive(Debug, Default)]
struct Counts {
    programs: u64,
    tally: Tally,
}

impl Counts {
    /// Reads `test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; …`.
    fn read(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("test result: ") else { return };
        let count = |what: &str| {
            let place = rest.find(&format!(" {what}"))?;
            rest.get(..place)?.rsplit([' ', ';']).next()?.parse::<u64>().ok()
        };
        let (Some(passed), Some(failed), Some(ignored)) =
            (count("passed"), count("failed"), count("ignored"))
        else {
            return;
        };
        self.programs += 1;
        self.tally += Tally { passed, failed, skipped: ignored };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, programs: u64, passed: u64, failed: u64, skipped: u64) {
        let mut counts = Counts::default();
        counts.read(line);
        assert_eq!(counts.programs, programs);
        assert_eq!(counts.tally, Tally { passed, failed, skipped });
    }

    #[test]
    fn the_result_lines_of_libtest_are_counted() {
        let tail = "0 measured; 0 filtered out; finished in 0.01s";
        check(&format!("test result: ok. 12 passed; 0 failed; 1 ignored; {tail}"), 1, 12, 0, 1);
        check(&format!("test result: FAILED. 3 passed; 2 failed; 0 ignored; {tail}"), 1, 3, 2, 0);
    }

    #[test]
    fn other_lines_are_not() {
        check("running 12 tests", 0, 0, 0, 0);
        check("a test printed: test result: ok. 12 passed", 0, 0, 0, 0);
        check("test result: ok.", 0, 0, 0, 0);
    }
}
