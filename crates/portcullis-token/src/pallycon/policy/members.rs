//! Reads the members of a policy's objects, and says where one is wrong.

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};

use super::super::timestamp;
use crate::fault::Fault;

/// The members of one object, and its place in the policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'a> {
    members: &'a Object,
    place: &'static str,
}

impl<'a> Members<'a> {
    /// The members of the policy itself.
    pub(super) fn top(value: &'a Value) -> Result<Self, Fault> {
        Self::of(value, "")
    }

    /// The members of an object that stands at `place`.
    pub(super) fn of(value: &'a Value, place: &'static str) -> Result<Self, Fault> {
        let fault = || match place {
            "" => Fault::terms("the policy is not an object"),
            place => Fault::terms(format!("`{place}` is not an object")),
        };
        value.as_object().map(|members| Self { members, place }).ok_or_else(fault)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    /// The member of this name, or of the other one that means the same.
    pub(super) fn either(
        &self,
        name: &'static str,
        alias: &'static str,
    ) -> Result<&'static str, Fault> {
        match (self.get(name), self.get(alias)) {
            (Some(_), Some(_)) => {
                let place = self.place_of(name);
                Err(Fault::terms(format!("`{place}` stands twice, once as `{alias}`")))
            }
            (None, Some(_)) => Ok(alias),
            _ => Ok(name),
        }
    }

    pub(super) fn object(&self, name: &str, place: &'static str) -> Result<Option<Self>, Fault> {
        self.get(name).map(|value| Self::of(value, place)).transpose()
    }

    pub(super) fn read<T>(
        &self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let fault = || Fault::terms(format!("`{}` is not {expected}", self.place_of(name)));
        read(value).map(Some).ok_or_else(fault)
    }

    /// The same for a member that must be there.
    pub(super) fn need<T>(
        &self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<T, Fault> {
        let fault = || Fault::terms(format!("`{}` is missing", self.place_of(name)));
        self.read(name, expected, read)?.ok_or_else(fault)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        self.read(name, "`true` or `false`", |value| match value {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        })
    }

    /// A whole number that fits 31 bits.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, Fault> {
        self.read(name, COUNT, |value| value.as_number()?.as_u64().filter(|n| *n <= COUNT_MAX))
    }

    /// The same, or its digits in a string: `max_stream_per_user` in the ASP sample,
    /// `renewal_duration` in the Python one.
    pub(super) fn loose_count(&self, name: &str) -> Result<Option<u64>, Fault> {
        let digits = |text: &str| {
            let fits = (1..=10).contains(&text.len());
            (fits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
        };
        self.read(name, COUNT, |value| {
            let number = match value {
                Value::String(text) => digits(text),
                other => other.as_number()?.as_u64(),
            };
            number.filter(|number| *number <= COUNT_MAX)
        })
    }

    pub(super) fn word<T>(
        &self,
        name: &str,
        from_word: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        self.read(name, "one of its words", |value| from_word(value.as_str()?))
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        self.read(name, "a time such as `2026-01-31T12:00:00Z`", |value| {
            timestamp::read(value.as_str()?)
        })
    }

    /// One of these numbers.
    pub(super) fn level(&self, name: &str, levels: &[u32]) -> Result<Option<u32>, Fault> {
        self.read(name, "one of its levels", |value| {
            let number = value.as_number()?.as_u64()?;
            levels.iter().copied().find(|level| u64::from(*level) == number)
        })
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

const COUNT: &str = "a whole number from 0 to 2147483647";

/// The greatest number of seconds, or of streams.
pub(super) const COUNT_MAX: u64 = 2_147_483_647;
