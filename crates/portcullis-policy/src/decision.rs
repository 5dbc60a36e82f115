//! The answer to a question, with its reasons.
//!
//! A decision is data: making one changes nothing, so the same call serves a request, the
//! audit log and `portcullis explain`. The trace holds one step per rule that was looked at,
//! in order; a refusal is the first step that refused. All rules that can be looked at are,
//! also after a refusal, so that an operator sees everything that stands in the way.
//!
//! Nothing here knows a status code; see [`Reason::kind`].

use std::{borrow::Cow, fmt};

use crate::Reason;

/// The answer to a question, with its reasons.
#[derive(Debug)]
#[must_use = "a decision must be acted on and recorded"]
pub struct Decision<T> {
    outcome: Outcome<T>,
    trace: Vec<Step>,
}

/// Yes or no.
#[derive(Debug)]
#[must_use]
pub enum Outcome<T> {
    /// Yes, and this is what may be done.
    Allow(T),
    /// No.
    Refuse(Reason),
}

impl<T> Decision<T> {
    /// A refusal that was clear before any rule could be looked at: the credential did not
    /// verify, or there is no such content. Saying no needs no proof, so anybody may.
    pub fn refused(rule: Rule, reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        let step = Step { rule, verdict: Verdict::Refuse(reason), detail: detail.into() };
        Self { outcome: Outcome::Refuse(reason), trace: vec![step] }
    }

    /// Yes or no.
    pub const fn outcome(&self) -> &Outcome<T> {
        &self.outcome
    }

    /// The reason, if the answer is no.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self.outcome {
            Outcome::Allow(_) => None,
            Outcome::Refuse(reason) => Some(reason),
        }
    }

    /// Each rule that was looked at and what it said.
    #[must_use]
    pub fn trace(&self) -> &[Step] {
        &self.trace
    }

    /// What may be done.
    ///
    /// # Errors
    ///
    /// The reason, if nothing may be done.
    pub fn into_allowed(self) -> Result<T, Reason> {
        match self.outcome {
            Outcome::Allow(allowed) => Ok(allowed),
            Outcome::Refuse(reason) => Err(reason),
        }
    }

    /// The outcome and the trace, to keep the one after the other was used up.
    pub fn into_parts(self) -> (Outcome<T>, Vec<Step>) {
        (self.outcome, self.trace)
    }
}

/// The form `portcullis explain` prints: one line per step, then the outcome.
impl<T> fmt::Display for Decision<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.trace {
            writeln!(f, "{step}")?;
        }
        match self.reason() {
            None => f.write_str("allowed"),
            Some(reason) => write!(f, "refused: {reason} ({})", reason.meaning()),
        }
    }
}

/// One rule that was looked at and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// What it said.
    pub verdict: Verdict,
    /// Why, in plain words with units.
    pub detail: Cow<'static, str>,
}

impl Step {
    pub(crate) fn allow(rule: Rule, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { rule, verdict: Verdict::Allow, detail: detail.into() }
    }

    pub(crate) fn refuse(rule: Rule, reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { rule, verdict: Verdict::Refuse(reason), detail: detail.into() }
    }

    pub(crate) fn skip(rule: Rule, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { rule, verdict: Verdict::Skip, detail: detail.into() }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.rule.as_str();
        let verdict = self.verdict.as_str();
        write!(f, "{rule:<13} {verdict:<7} {}", self.detail)
    }
}

/// What one rule said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Allow,
    /// No, whatever the others say.
    Refuse(Reason),
    /// The rule does not apply here, or another decision looks at it.
    Skip,
}

impl Verdict {
    /// The word used in traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allows",
            Self::Refuse(_) => "refuses",
            Self::Skip => "skips",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The business checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The viewer's network address.
    Address,
    /// There is such a content, and it is the tenant's.
    Content,
    /// The entitlement list.
    Entitlement,
    /// The keys belong to the content and are of an allowed class.
    Keys,
    /// What the edge route asks for, and whether anything can be allowed at all.
    Level,
    /// The token is within its lifetime.
    Lifetime,
    /// The token covers the path.
    Path,
    /// Nothing that stands behind the request was revoked.
    Revocation,
    /// What an API key's role permits.
    Role,
    /// A session can be opened.
    Session,
    /// The DRM system can enforce the license's terms.
    Terms,
    /// The token is one the key policy or route accepts.
    Token,
    /// The token is for this content.
    TokenContent,
    /// The token has a use left.
    Uses,
    /// The content's time window.
    Window,
}

impl Rule {
    /// The name used in traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Content => "content",
            Self::Entitlement => "entitlement",
            Self::Keys => "keys",
            Self::Level => "level",
            Self::Lifetime => "lifetime",
            Self::Path => "path",
            Self::Revocation => "revocation",
            Self::Role => "role",
            Self::Session => "session",
            Self::Terms => "terms",
            Self::Token => "token",
            Self::TokenContent => "token-content",
            Self::Uses => "uses",
            Self::Window => "window",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Collects steps while a decision is being made.
#[derive(Debug)]
pub(crate) struct Trace(Vec<Step>);

impl Trace {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(STEPS_USUAL))
    }

    pub(crate) fn add(&mut self, step: Step) {
        self.0.push(step);
    }

    /// Makes a refusal, also where no rule has refused yet.
    pub(crate) fn refuse<T>(mut self) -> Decision<T> {
        let reason = self.refusal().unwrap_or_else(|| {
            let detail = "nothing can be allowed here";
            self.add(Step::refuse(Rule::Level, Reason::RuleUnavailable, detail));
            Reason::RuleUnavailable
        });
        Decision { outcome: Outcome::Refuse(reason), trace: self.0 }
    }

    /// Makes the decision: `allowed` is called only if no rule refused and at least one
    /// allowed.
    pub(crate) fn conclude<T>(self, allowed: impl FnOnce() -> T) -> Decision<T> {
        let any_allowed = self.0.iter().any(|step| step.verdict == Verdict::Allow);
        if self.refusal().is_some() || !any_allowed {
            return self.refuse();
        }
        Decision { outcome: Outcome::Allow(allowed()), trace: self.0 }
    }

    fn refusal(&self) -> Option<Reason> {
        self.0.iter().find_map(|step| match step.verdict {
            Verdict::Refuse(reason) => Some(reason),
            Verdict::Allow | Verdict::Skip => None,
        })
    }
}

const STEPS_USUAL: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(steps: &[Step], expected: Result<(), Reason>) {
        let mut trace = Trace::new();
        for step in steps {
            trace.add(step.clone());
        }
        assert_eq!(trace.conclude(|| ()).into_allowed(), expected);
    }

    #[test]
    fn one_refusal_beats_any_number_that_allow_and_the_first_is_the_reason() {
        let allow = Step::allow(Rule::Window, "");
        let skip = Step::skip(Rule::Address, "");
        let closed = Step::refuse(Rule::Window, Reason::WindowClosed, "");
        let address = Step::refuse(Rule::Address, Reason::PlaceAddress, "");
        check(&[allow.clone(), skip.clone(), allow.clone()], Ok(()));
        check(&[allow.clone(), closed.clone(), allow.clone()], Err(Reason::WindowClosed));
        check(&[skip, address, closed, allow], Err(Reason::PlaceAddress));
    }

    #[test]
    fn silence_is_a_refusal() {
        check(&[], Err(Reason::RuleUnavailable));
        check(&[Step::skip(Rule::Address, "")], Err(Reason::RuleUnavailable));
    }

    #[test]
    fn a_trace_prints_one_line_per_rule_and_the_outcome_last() {
        let decision = Decision::<()>::refused(Rule::Token, Reason::TokenExpired, "over");
        let printed = decision.to_string();
        let expected = "token         refuses over\nrefused: token.expired (";
        assert!(printed.starts_with(expected), "{printed}");
    }
}
