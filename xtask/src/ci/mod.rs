//! The gate: one list of steps, run in order, at home as in CI.
//!
//! A step prints what it does and returns how many tests it ran. A failed step does not stop
//! the next one, so that one run tells everything; the exit code is 0 only when every step was
//! good and nothing was skipped. Nothing here installs anything.

mod browser;
mod cargo_steps;
mod deny;
mod fuzz;
mod interop;
mod page;
mod server;
mod vectors;

use std::ops::AddAssign;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use crate::process::{duration, now, say};
use crate::{install, tidy};

/// One step of the gate.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    run: fn() -> Result<Tally>,
}

/// The gate, in the order it runs: what fails fast comes first.
pub(crate) const STEPS: [Step; 11] = [
    Step { name: "fmt", run: cargo_steps::fmt },
    Step { name: "console", run: page::step },
    Step { name: "tidy", run: tidy::step },
    Step { name: "vectors", run: vectors::step },
    Step { name: "deny", run: deny::step },
    Step { name: "clippy", run: cargo_steps::clippy },
    Step { name: "docs", run: cargo_steps::docs },
    Step { name: "test", run: cargo_steps::test },
    Step { name: "browser", run: browser::step },
    Step { name: "interop", run: interop::step },
    Step { name: "fuzz", run: fuzz::step },
];

/// How many tests ran, and how they ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that held.
    pub(crate) passed: u64,
    /// Tests that did not.
    pub(crate) failed: u64,
    /// Tests that did not run.
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Runs the steps named, or all of them.
///
/// # Errors
///
/// Never; a failed step is reported and becomes the exit code.
pub(crate) fn run(names: &[String]) -> Result<ExitCode> {
    for name in names {
        if !STEPS.iter().any(|step| step.name == name) {
            let known = STEPS.map(|step| step.name).join(", ");
            say(format!("error: there is no step `{name}`; the steps are {known}"));
            return Ok(ExitCode::from(2));
        }
    }
    let chosen =
        STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|n| n == step.name));
    Ok(gate(&chosen.collect::<Vec<_>>()))
}

/// Installs what the tests need and runs the whole gate.
///
/// # Errors
///
/// When something cannot be installed.
pub(crate) fn test(arguments: &[String]) -> Result<ExitCode> {
    if let Some(argument) = arguments.first() {
        say(format!(
            "error: `test` takes no arguments, but was given `{argument}`; for single steps \
             use `cargo xtask ci {argument}`"
        ));
        return Ok(ExitCode::from(2));
    }
    let start = now();
    install::all()?;
    say(format!("Everything the tests need is here ({}).", duration(start.elapsed())));
    run(&[])
}

fn gate(steps: &[&Step]) -> ExitCode {
    let start = now();
    let mut tally = Tally::default();
    let mut bad = Vec::new();
    let mut times = Vec::new();
    for step in steps {
        say(format!("\n== {}", step.name));
        let began = now();
        let outcome = (step.run)();
        let took = duration(began.elapsed());
        let verdict = match outcome {
            Ok(counted) => {
                tally += counted;
                if counted.failed == 0 && counted.skipped == 0 { Ok(()) } else { Err(None) }
            }
            Err(error) => Err(Some(error)),
        };
        match verdict {
            Ok(()) => say(format!("-- {}: good, {took}", step.name)),
            Err(error) => {
                let why = error.map(|error| format!(": {error:#}")).unwrap_or_default();
                let name = step.name;
                say(format!("-- {name}: FAILED, {took}{why}"));
                say(format!("   to see it alone: cargo xtask ci {name}"));
                bad.push(name);
            }
        }
        times.push(format!("{} {took}", step.name));
    }
    say(format!("\n{}", times.join(", ")));
    say(totals(tally, steps.len(), &bad, start.elapsed()));
    if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn totals(tally: Tally, steps: usize, bad: &[&str], took: Duration) -> String {
    let Tally { passed, failed, skipped } = tally;
    let verdict = if bad.is_empty() {
        format!("all {steps} steps good")
    } else {
        format!("{} of {steps} steps FAILED ({})", bad.len(), bad.join(", "))
    };
    format!(
        "{} tests run: {passed} passed, {failed} failed, {skipped} skipped; {verdict}; {}",
        passed + failed,
        duration(took)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Result<Tally> {
        Ok(Tally { passed: 3, ..Tally::default() })
    }

    fn skips() -> Result<Tally> {
        Ok(Tally { passed: 3, skipped: 1, ..Tally::default() })
    }

    fn fails() -> Result<Tally> {
        anyhow::bail!("no")
    }

    #[track_caller]
    fn check(steps: &[fn() -> Result<Tally>], expected: ExitCode) {
        let steps: Vec<Step> = steps.iter().map(|run| Step { name: "x", run: *run }).collect();
        assert_eq!(gate(&steps.iter().collect::<Vec<_>>()), expected);
    }

    #[test]
    fn the_gate_is_good_only_when_every_step_is() {
        check(&[good, good], ExitCode::SUCCESS);
        check(&[fails, good], ExitCode::FAILURE);
    }

    #[test]
    fn a_skipped_test_fails_the_gate() {
        check(&[good, skips], ExitCode::FAILURE);
    }

    #[test]
    fn the_totals_are_one_plain_line() {
        let tally = Tally { passed: 411, failed: 1, skipped: 0 };
        assert_eq!(
            totals(tally, 11, &["test"], Duration::from_secs(581)),
            "412 tests run: 411 passed, 1 failed, 0 skipped; 1 of 11 steps FAILED (test); \
             9 min 41 s"
        );
    }

    #[test]
    fn an_unknown_step_is_a_usage_error() {
        assert_eq!(run(&["lint".to_owned()]).unwrap(), ExitCode::from(2));
    }
}
