//! Strict JSON, for tokens, request bodies and audit records (SEC-98).
//!
//! Stricter than RFC 8259 asks: no member may stand twice in an object (compared after
//! unescaping), no lone surrogates, no byte order mark, nothing after the value, numbers must
//! be representable, and depth, members and string length have maxima. What is read can be
//! printed again in one canonical form (the value's `Display`): members sorted by name, no
//! white space. It does not map onto Rust types; callers ask for each member they know.
//!
//! SPEC: RFC 8259; RFC 8785 for the printed form, restricted to strings, integers below
//! 2^53, booleans and null. Other numbers print as they were written.

mod object;
mod parse;
mod print;

use std::fmt;

pub use object::{Members, Object};
pub use parse::{JsonError, JsonFault, Limits, parse};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `[…]`
    Array(Vec<Self>),
    /// `true` or `false`
    Bool(bool),
    /// `null`
    Null,
    /// A number, kept as it was written.
    Number(Number),
    /// `{…}`, with the members sorted by name.
    Object(Object),
    /// A string, unescaped.
    String(String),
}

impl Value {
    /// The members, if this is an object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The items, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The number, if this is one.
    #[must_use]
    pub const fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// What kind of value this is, for error texts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Array(_) => "an array",
            Self::Bool(_) => "a boolean",
            Self::Null => "null",
            Self::Number(_) => "a number",
            Self::Object(_) => "an object",
            Self::String(_) => "a string",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Number::new(&number.to_string()))
    }
}

/// A number as it was written.
#[derive(Clone)]
pub struct Number(Digits);

/// Most numbers are times, and short enough to stay out of the heap.
#[derive(Clone)]
enum Digits {
    Long(Box<str>),
    Short { text: [u8; SHORT_BYTES], length: u8 },
}

impl Number {
    /// A number of this text, which the caller has checked.
    fn new(text: &str) -> Self {
        let mut short = [0; SHORT_BYTES];
        match (short.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Digits::Short { text: short, length })
            }
            _ => Self(Digits::Long(text.into())),
        }
    }

    /// The number as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Digits::Long(text) => text,
            Digits::Short { text, length } => {
                let text = text.get(..usize::from(*length)).unwrap_or_default();
                std::str::from_utf8(text).unwrap_or_default()
            }
        }
    }

    /// The number if it is written as a whole one from 0 to 2^64 − 1.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_str().parse().ok()
    }

    /// The number rounded down to whole seconds, if it lies strictly between 0 and 2^53: the
    /// form of the times in a JWT, where a fraction is allowed.
    #[must_use]
    pub fn as_numeric_date(&self) -> Option<u64> {
        if let Some(whole) = self.as_u64() {
            return (0 < whole && whole < 1 << 53).then_some(whole);
        }
        let value: f64 = self.as_str().parse().ok()?;
        (value > 0.0 && value < 9_007_199_254_740_992.0).then(|| value.floor() as u64)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Number {}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({:?})", self.as_str())
    }
}

const SHORT_BYTES: usize = 22;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_on_both_sides_of_where_it_is_kept() {
        for length in [1, 21, 22, 23, 64] {
            let digits = "7".repeat(length);
            let number = Number::new(&digits);
            assert_eq!(number.as_str(), digits);
            assert_eq!(number, Number::new(&digits));
            assert_ne!(number, Number::new(&format!("{digits}0")));
            assert_eq!(format!("{number:?}"), format!("Number(\"{digits}\")"));
        }
        assert!(size_of::<Value>() <= 32, "a number fits where a string does");
    }
}
