//! The last decisions, for the demo's page.
//!
//! A viewer is never told the trace of a decision: it would teach forgers. The demo shows it
//! because showing it is what the demo is for. Bounded; the oldest goes first.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use portcullis_base::json::{Object, Value};
use portcullis_policy::{Decision, Outcome, Step, Verdict};

use crate::http::{guard::RequestId, outcome::FrontDoor};

/// Remembers the last decisions by request id.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<VecDeque<(String, Value)>>);

impl Recent {
    /// Remembers a decision.
    pub(crate) fn keep<T>(&self, id: &RequestId, front_door: FrontDoor, decision: &Decision<T>) {
        let reason = match decision.outcome() {
            Outcome::Allow(_) => Value::Null,
            Outcome::Refuse(reason) => reason.code().into(),
        };
        self.push(id, front_door, reason, trace(decision.trace()));
    }

    /// Remembers a request that stopped before anything could be decided about it.
    pub(crate) fn keep_stop(&self, id: &RequestId, front_door: FrontDoor, code: &str) {
        if self.find(id.as_str()).is_none() {
            self.push(id, front_door, code.into(), Value::Array(Vec::new()));
        }
    }

    fn push(&self, id: &RequestId, front_door: FrontDoor, reason: Value, trace: Value) {
        let outcome = if reason == Value::Null { "allowed" } else { "refused" };
        let mut members = Object::new();
        members.insert("request_id".into(), id.as_str().into());
        members.insert("front_door".into(), front_door.as_str().into());
        members.insert("outcome".into(), outcome.into());
        members.insert("reason".into(), reason);
        members.insert("trace".into(), trace);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((id.as_str().to_owned(), Value::Object(members)));
    }

    /// The decision made for the request with this id.
    pub(crate) fn find(&self, id: &str) -> Option<Value> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == id).map(|(_, decision)| decision.clone())
    }
}

/// The steps of a decision as JSON.
pub(crate) fn trace(steps: &[Step]) -> Value {
    let step = |step: &Step| {
        let reason = match step.verdict {
            Verdict::Refuse(reason) => reason.code().into(),
            _ => Value::Null,
        };
        let mut members = Object::new();
        members.insert("rule".into(), step.rule.as_str().into());
        members.insert("verdict".into(), step.verdict.as_str().into());
        members.insert("reason".into(), reason);
        members.insert("detail".into(), step.detail.as_ref().into());
        Value::Object(members)
    };
    Value::Array(steps.iter().map(step).collect())
}

const KEPT_MAX: usize = 512;
