//! Terms as JSON: what our own tokens and policies carry.
//!
//! Reading is strict: an unknown member, a wrong type or a value out of range is a fault that
//! names its place. A term that was left out is not said; it never gets a default here.

use std::collections::BTreeMap;

use portcullis_base::{
    Timestamp, TrackClass,
    json::{Object, Value},
};

/// What is wrong with terms written in JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TermsFault {
    /// A member nobody knows.
    #[error("`{place}` is not a term")]
    Unknown {
        /// Where it stands, members joined by dots.
        place: String,
    },
    /// A value of another type or out of range.
    #[error("`{place}` is not {expected}")]
    Value {
        /// Where it stands, members joined by dots.
        place: String,
        /// What was expected.
        expected: &'static str,
    },
}

/// A value that can stand in terms.
pub(crate) trait Term: Sized {
    /// What the value is, for the text of a fault: "a whole number".
    const EXPECTED: &'static str;

    fn to_json(&self) -> Value;

    fn from_json(value: &Value) -> Option<Self>;

    fn read(value: &Value, place: &str) -> Result<Self, TermsFault> {
        let fault = || TermsFault::Value { place: place.to_owned(), expected: Self::EXPECTED };
        Self::from_json(value).ok_or_else(fault)
    }
}

pub(crate) fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

pub(crate) fn members<'a>(
    value: &'a Value,
    place: &str,
    known: &[&str],
) -> Result<&'a Object, TermsFault> {
    let members = value.as_object().ok_or_else(|| TermsFault::Value {
        place: if place.is_empty() { "terms".to_owned() } else { place.to_owned() },
        expected: "an object",
    })?;
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(TermsFault::Unknown { place: join(place, name) }),
        None => Ok(members),
    }
}

pub(crate) fn member<T: Term>(
    members: &Object,
    name: &str,
    place: &str,
) -> Result<Option<T>, TermsFault> {
    members.get(name).map(|value| T::read(value, &join(place, name))).transpose()
}

impl Term for bool {
    const EXPECTED: &'static str = "`true` or `false`";

    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        if let Value::Bool(truth) = value { Some(*truth) } else { None }
    }
}

impl Term for u32 {
    const EXPECTED: &'static str = "a whole number from 0 to 4294967295";

    fn to_json(&self) -> Value {
        u64::from(*self).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_number()?.as_u64()?.try_into().ok()
    }
}

impl Term for u64 {
    const EXPECTED: &'static str = "a whole number from 0 to 2^53 - 1";

    fn to_json(&self) -> Value {
        (*self).into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_number()?.as_u64().filter(|number| *number < 1 << 53)
    }
}

impl Term for Timestamp {
    const EXPECTED: &'static str = "a time in whole seconds since 1970";

    fn to_json(&self) -> Value {
        self.0.into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        u64::from_json(value).map(Self)
    }
}

impl Term for String {
    const EXPECTED: &'static str = "text of at most 1024 bytes";

    fn to_json(&self) -> Value {
        self.as_str().into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().filter(|text| text.len() <= TEXT_BYTES_MAX).map(str::to_owned)
    }
}

impl Term for TrackClass {
    const EXPECTED: &'static str = "one of `AUDIO` `SD` `HD` `UHD1` `UHD2`";

    fn to_json(&self) -> Value {
        self.as_str().into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl<T: Term> Term for Vec<T> {
    const EXPECTED: &'static str = "a list of at most 64 items";

    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(Term::to_json).collect())
    }

    fn from_json(value: &Value) -> Option<Self> {
        let items = value.as_array().filter(|items| items.len() <= ITEMS_MAX)?;
        items.iter().map(T::from_json).collect()
    }
}

/// Reads an object whose member names are values themselves.
pub(crate) fn map<K: Ord, V: Term>(
    value: &Value,
    place: &str,
    key: impl Fn(&str) -> Option<K>,
) -> Result<BTreeMap<K, V>, TermsFault> {
    let fault = || TermsFault::Value { place: place.to_owned(), expected: "an object" };
    let members = value.as_object().ok_or_else(fault)?.iter();
    let read = |(name, value): (&String, &Value)| {
        let place = join(place, name);
        let unknown = || TermsFault::Unknown { place: place.clone() };
        Ok((key(name).ok_or_else(unknown)?, V::read(value, &place)?))
    };
    members.map(read).collect()
}

const TEXT_BYTES_MAX: usize = 1024;
const ITEMS_MAX: usize = 64;
