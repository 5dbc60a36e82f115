//! The web page builds from its lock file, and the helpers of its tests hold by themselves.
//!
//! Whether the page plays anything is seen in [`super::browser`].

use std::fs;

use anyhow::{Context, Result, ensure};

use super::Tally;
use crate::process::{command, say, tee};
use crate::{console, repo};

/// Builds the page and runs `console/test/*.test.mjs` with node's own runner.
pub(super) fn step() -> Result<Tally> {
    console::build()?;
    say("console/dist is up to date");
    let mut tests = Vec::new();
    for entry in fs::read_dir(repo::root().join("console/test")).context("no console/test")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.mjs") {
            tests.push(format!("console/test/{name}"));
        }
    }
    tests.sort();
    if tests.is_empty() {
        return Ok(Tally::default());
    }
    let mut tally = Tally::default();
    let mut node = command("node");
    node.args(["--test", "--test-reporter=spec"]).args(&tests);
    let status = tee(&mut node, |line| read(line, &mut tally))?;
    ensure!(tally.passed > 0, "node ran no test");
    ensure!(status.success() || tally.failed > 0, "`node --test` failed ({status})");
    Ok(tally)
}

/// Reads the last lines of node's report: `ℹ pass 3`, `ℹ fail 0`, and what did not run.
fn read(line: &str, tally: &mut Tally) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ["ℹ", what, number] = words.as_slice() else { return };
    let Ok(number) = number.parse::<u64>() else { return };
    match *what {
        "pass" => tally.passed += number,
        "fail" | "cancelled" => tally.failed += number,
        "skipped" | "todo" => tally.skipped += number,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_node_counts_is_read() {
        let mut tally = Tally::default();
        let lines =
            ["ℹ tests 9", "ℹ pass 3", "ℹ fail 1", "ℹ cancelled 1", "ℹ skipped 2", "ℹ todo 1"];
        for line in lines.iter().chain(&["✔ ℹ pass 3", "ℹ duration_ms 7.5"]) {
            read(line, &mut tally);
        }
        assert_eq!(tally, Tally { passed: 3, failed: 2, skipped: 3 });
    }
}
