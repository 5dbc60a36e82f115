//! One walk of checks, watched in two ways.
//!
//! Each format writes its checks once, as a walk over a [`Watch`]. [`Strict`] stops at the
//! first fault; a `verify` walks with it and makes its `Verified` only when the walk comes to
//! its end. [`Recorder`] notes every outcome and goes on, which is what `explain` shows. So
//! the explanation cannot differ from the verification.
//!
//! SECURITY: a walk must not make a `Verified`, for a recorded walk reaches its end whatever
//! the outcomes were.

use std::convert::Infallible;

use crate::fault::{Fault, Refused, Step};

/// Looks on while a token is checked.
pub(crate) trait Watch {
    /// What ends the walk early; nothing can, while recording.
    type Stop;

    /// Notes the outcome of a check. `detail` says what was found to be right and is called
    /// only when somebody will read it.
    fn check(
        &mut self,
        step: Step,
        outcome: Result<(), Fault>,
        detail: impl FnOnce() -> String,
    ) -> Result<(), Self::Stop>;

    /// Notes a check that could not be made, or was not asked for. A verification must not
    /// skip what it needs: this is for what the token leaves open, and for explanations
    /// without a key or a request.
    fn skip(&mut self, step: Step, why: &'static str);
}

/// Stops at the first fault.
#[derive(Debug)]
pub(crate) struct Strict;

impl Watch for Strict {
    type Stop = Refused;

    fn check(
        &mut self,
        step: Step,
        outcome: Result<(), Fault>,
        _detail: impl FnOnce() -> String,
    ) -> Result<(), Refused> {
        outcome.map_err(|fault| fault.at(step))
    }

    fn skip(&mut self, _step: Step, _why: &'static str) {}
}

/// Notes everything.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) checks: Vec<Check>,
}

impl Recorder {
    /// What a strict walk would have ended with.
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.checks.iter().find_map(|check| match &check.outcome {
            Outcome::Failed(fault) => Some(fault.clone().at(check.step)),
            _ => None,
        })
    }

    /// The checks. What the request says too little for counts as left out.
    pub(crate) fn into_checks(self) -> Vec<Check> {
        let said = |check: Check| match check.outcome {
            Outcome::Failed(Fault::RequestLacks { .. }) => {
                Check { outcome: Outcome::Skipped("the request does not say enough"), ..check }
            }
            _ => check,
        };
        self.checks.into_iter().map(said).collect()
    }
}

impl Watch for Recorder {
    type Stop = Infallible;

    fn check(
        &mut self,
        step: Step,
        outcome: Result<(), Fault>,
        detail: impl FnOnce() -> String,
    ) -> Result<(), Infallible> {
        let outcome = match outcome {
            Ok(()) => Outcome::Passed(detail()),
            Err(fault) => Outcome::Failed(fault),
        };
        self.checks.push(Check { step, outcome });
        Ok(())
    }

    fn skip(&mut self, step: Step, why: &'static str) {
        self.checks.push(Check { step, outcome: Outcome::Skipped(why) });
    }
}

/// A check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which check.
    pub step: Step,
    /// How it ended.
    pub outcome: Outcome,
}

impl From<Refused> for Check {
    fn from(refused: Refused) -> Self {
        Self { step: refused.step, outcome: Outcome::Failed(refused.fault) }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It failed.
    Failed(Fault),
    /// It passed; the text says what was found.
    Passed(String),
    /// It was not made; the text says why.
    Skipped(&'static str),
}
