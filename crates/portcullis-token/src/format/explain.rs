//! What a token says and how each check went, for people.
//!
//! An explanation shows every field, decoded, and no key. It is for whoever holds the token
//! anyway; it must not be logged.

use portcullis_base::{Timestamp, json::Value};

use super::{FORMATS, Format};
use crate::{
    claims::Claims,
    fault::Fault,
    watch::{Check, Outcome},
};

/// A token explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The family.
    pub format: &'static str,
    /// What it says, field by field, in the token's order, decoded.
    pub fields: Vec<Shown>,
    /// The checks in the order they are made.
    pub checks: Vec<Check>,
    /// The same in words common to every family, as far as it could be read.
    pub claims: Option<Value>,
}

impl Explanation {
    /// The first check that failed.
    #[must_use]
    pub fn fault(&self) -> Option<(&Check, &Fault)> {
        self.checks.iter().find_map(|check| match &check.outcome {
            Outcome::Failed(fault) => Some((check, fault)),
            _ => None,
        })
    }

    /// What a walk of checks found: the claims, if it could read them all.
    pub(crate) fn found(
        format: &'static str,
        fields: Vec<Shown>,
        checks: Vec<Check>,
        claims: Option<&Claims>,
    ) -> Self {
        let claims = claims.map(|claims| Value::Object(claims.to_json()));
        Self { format, fields, checks, claims }
    }

    /// Puts in what the token says in common words.
    #[must_use]
    pub fn saying(mut self, claims: &Claims) -> Self {
        self.claims = Some(Value::Object(claims.to_json()));
        self
    }
}

/// A field of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its name in the format.
    pub name: String,
    /// Its value, decoded.
    pub value: String,
    /// What it means, where that is not plain: a time in words, a level's name.
    pub note: Option<String>,
}

impl Shown {
    /// A field that explains itself.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Self { name: name.into(), value: value.to_string(), note: None }
    }

    /// A moment in Unix seconds, with its calendar form as a note.
    #[must_use]
    pub fn time(name: impl Into<String>, time: Timestamp) -> Self {
        Self { note: Some(calendar(time)), ..Self::new(name, time) }
    }

    /// The same with a note.
    #[must_use]
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

/// The families whose form a text has, the likeliest first.
#[must_use]
pub fn recognise(token: &str) -> Vec<&'static dyn Format> {
    FORMATS.iter().copied().filter(|format| format.resembles(token)).collect()
}

/// What to do about a fault, where experience has something to say.
#[must_use]
pub fn advice(fault: &Fault, now: Timestamp) -> Option<String> {
    match fault {
        Fault::NotYet { start: time } | Fault::IssuedAhead { at: time } => {
            Some(early(time.0, now.0))
        }
        Fault::Expired { end } => Some(late(end.0, now.0)),
        Fault::RequestLacks { what } => Some(format!("say the {what} of the request")),
        other => usual(other).map(str::to_owned),
    }
}

/// The usual cause of a fault that does not depend on the time, and the way out.
const fn usual(fault: &Fault) -> Option<&'static str> {
    Some(match fault {
        Fault::Absent => "nothing stands where this family's tokens are looked for",
        Fault::Address => {
            "the token is bound to the address its issuer saw: a proxy in between, a change of \
             network, or IPv4 there and IPv6 here"
        }
        Fault::Algorithm => "sign with the algorithm of the key; the token does not choose it",
        Fault::Ambiguous => {
            "an old cookie beside a new query parameter, most often: send one of them"
        }
        Fault::Audience | Fault::Issuer => "compare both names letter by letter",
        Fault::Content => {
            "the token was made for another content or key, or the ids differ in form"
        }
        Fault::Duplicate { .. } => "two readers would read it in two ways: send each field once",
        Fault::Key => "the issuer signs with a key we were not given: was it rotated on one side?",
        Fault::Kind { .. } => "a token of one use stands where another is wanted",
        Fault::Lifetime { .. } => "let it end sooner",
        Fault::Incomplete { .. } | Fault::Malformed { .. } => {
            "it was cut, encoded twice, or is of another family"
        }
        Fault::NoEnd => "give the token an end: one without is good for ever",
        Fault::Path => {
            "compare path and token letter by letter: case, escapes, a missing `*`, the query"
        }
        Fault::PathMalformed { .. } => "send the path plainly, without dot segments or `%25`",
        Fault::Place => "the viewer travels, or uses a tunnel that ends in another country",
        Fault::Signature => {
            "another key, another salt, or a field changed after signing: compare the issuer's \
             key with ours, and the text that was signed with the one that arrived"
        }
        Fault::System => "the token names one DRM system and the player uses another",
        Fault::TooLong { .. } => "put less into the token",
        Fault::Unsupported { .. } => "issue it without: what is not enforced must not be promised",
        Fault::Undecryptable => "the issuer sealed it with another key than the one given here",
        Fault::UsedUp => "issue a new token for every use, or allow more uses",
        _ => return None,
    })
}

fn early(time: u64, now: u64) -> String {
    if time > MILLISECONDS_FROM {
        return "the time is in milliseconds: divide it by 1000".to_owned();
    }
    let ahead = time.saturating_sub(now);
    let known = format!("{} from now", words(ahead));
    if let Some(offset) = time_zone(ahead) {
        return format!("{known}: a local time {offset} ahead of UTC stamped as UTC?");
    }
    if ahead <= 300 {
        return format!("{known}: compare the clocks, or let the issuer start a little earlier");
    }
    known
}

fn late(end: u64, now: u64) -> String {
    let ago = now.saturating_sub(end);
    let known = format!("over for {}", words(ago));
    match time_zone(ago) {
        Some(offset) => format!("{known}: a local time {offset} behind UTC stamped as UTC?"),
        None if ago <= 300 => format!("{known}: compare the clocks, or let it live longer"),
        None => format!("{known}: fetch a new one"),
    }
}

/// The offset of a time zone, if `seconds` is within a minute of one.
fn time_zone(seconds: u64) -> Option<String> {
    let quarters = seconds.saturating_add(450) / 900;
    let near = seconds.abs_diff(quarters.checked_mul(900)?) <= 60;
    // No zone lies further than 14 hours from UTC; less than half an hour is a slow clock.
    let minutes = quarters.checked_mul(15)?;
    (near && (30..=840).contains(&minutes)).then(|| match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    })
}

fn words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A moment in calendar form, in UTC.
#[must_use]
pub fn calendar(time: Timestamp) -> String {
    let seconds = i64::try_from(time.0).ok();
    let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(|| "beyond the calendar".to_owned(), |moment| moment.to_string())
}

/// 5138-11-16 in seconds, 1973-03-03 in milliseconds: nobody means the former.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_the_usual_slips_with_time() {
        let now = Timestamp(1_700_000_000);
        let check = |fault: Fault, expected: &str| {
            assert_eq!(advice(&fault, now).unwrap(), expected);
        };
        let start = |ahead: u64| Fault::NotYet { start: Timestamp(now.0 + ahead) };
        let nine = "9 h 0 min from now: a local time 9 h ahead of UTC stamped as UTC?";
        check(start(9 * 3600), nine);
        check(
            start(5 * 3600 + 1800 - 59),
            "5 h 29 min from now: a local time 5 h 30 min ahead of UTC stamped as UTC?",
        );
        check(start(5 * 3600 + 1800 - 61), "5 h 28 min from now");
        check(
            start(40),
            "40 s from now: compare the clocks, or let the issuer start a little earlier",
        );
        check(start(15 * 3600), "15 h 0 min from now");
        let milliseconds = Fault::NotYet { start: Timestamp(1_700_000_000_000) };
        check(milliseconds, "the time is in milliseconds: divide it by 1000");
        let end = |ago: u64| Fault::Expired { end: Timestamp(now.0 - ago) };
        check(end(7 * 3600), "over for 7 h 0 min: a local time 7 h behind UTC stamped as UTC?");
        check(end(86_400 * 3), "over for 3 days: fetch a new one");
    }
}
