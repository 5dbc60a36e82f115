//! Keys and fields as named texts, for callers that learn the family at run time.
//!
//! Texts are wiped when dropped, for some of them are secrets, and nothing here prints one.
//! A fault names the field and never repeats its text.

use std::{collections::BTreeMap, fmt, time::Duration};

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use portcullis_base::{
    KeyId, SecretBytes, Timestamp,
    json::{self, Limits, Object, Value},
};
use zeroize::Zeroizing;

/// Keys and fields by name.
#[derive(Clone, Default)]
pub struct Given(BTreeMap<String, Vec<Zeroizing<String>>>);

impl Given {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a text under a name, after those that are there.
    pub fn add(&mut self, name: &str, text: impl Into<String>) {
        self.0.entry(name.to_owned()).or_default().push(Zeroizing::new(text.into()));
    }

    /// Adds a text if there is one.
    pub fn add_some(&mut self, name: &str, text: Option<impl Into<String>>) {
        if let Some(text) = text {
            self.add(name, text);
        }
    }

    /// Reads a member of a JSON object: a string as it is, a number or truth value as its
    /// text, an object as its JSON text, a list as several. `null` is nothing.
    pub fn add_json(&mut self, name: &str, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.add_json(name, item)),
            Value::Null => {}
            Value::String(text) => self.add(name, text.as_str()),
            other => self.add(name, other.to_string()),
        }
    }

    /// Puts the texts of `over` in place of those of the same name.
    #[must_use]
    pub fn with(mut self, over: &Self) -> Self {
        for (name, texts) in &over.0 {
            self.0.insert(name.clone(), texts.clone());
        }
        self
    }

    /// The names under which something was given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether something was given.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Every text under a name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(|text| text.as_str())
    }

    /// The text under a name.
    ///
    /// # Errors
    ///
    /// When there are several.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, GivenFault> {
        let mut texts = self.all(name);
        let first = texts.next();
        if texts.next().is_some() { Err(GivenFault::Several { name }) } else { Ok(first) }
    }

    /// The text under a name, which must be there.
    ///
    /// # Errors
    ///
    /// When there is none, or several.
    pub fn need(&self, name: &'static str) -> Result<&str, GivenFault> {
        self.text(name)?.ok_or(GivenFault::Missing { name })
    }

    /// A whole number.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, GivenFault> {
        self.read(name, "a whole number", |text| text.parse().ok())
    }

    /// `true` or `false`; `false` when it is not given.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn flag(&self, name: &'static str) -> Result<bool, GivenFault> {
        Ok(self.maybe_flag(name)?.unwrap_or(false))
    }

    /// `true` or `false`.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn maybe_flag(&self, name: &'static str) -> Result<Option<bool>, GivenFault> {
        self.read(name, "`true` or `false`", |text| match text {
            "true" | "" => Some(true),
            "false" => Some(false),
            _ => None,
        })
    }

    /// A moment: Unix seconds, RFC 3339, `now`, `now+SPAN`, `now-SPAN` or `+SPAN`.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn time(
        &self,
        name: &'static str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, GivenFault> {
        let expected = "a time: Unix seconds, `2026-01-31T12:00:00Z`, `now` or `now+2h`";
        self.read(name, expected, |text| moment(text, now))
    }

    /// A span: seconds, or a number with `s`, `m`, `h` or `d`.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn span(&self, name: &'static str) -> Result<Option<Duration>, GivenFault> {
        self.read(name, "a span: seconds, or `90s`, `15m`, `2h`, `7d`", span)
    }

    /// A JSON object.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn object(&self, name: &'static str) -> Result<Option<Object>, GivenFault> {
        self.read(name, "a JSON object", |text| match json::parse(text.as_bytes(), &Limits::BODY) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        })
    }

    /// Key ids.
    ///
    /// # Errors
    ///
    /// When one of the texts is none.
    pub fn kids(&self, name: &'static str) -> Result<Vec<KeyId>, GivenFault> {
        let fault = |_| GivenFault::Value { name, expected: "a key id: a UUID or 32 hex digits" };
        self.all(name).map(|text| text.parse().map_err(fault)).collect()
    }

    /// Secret bytes written in hex.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn hex(&self, name: &'static str) -> Result<Option<SecretBytes>, GivenFault> {
        self.read(name, "an even number of hex digits", |text| {
            let text = text.trim_ascii();
            hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok().map(SecretBytes::new)
        })
    }

    /// Secret bytes written in base64, of either alphabet, padded or not.
    ///
    /// # Errors
    ///
    /// When the text is another.
    pub fn base64(&self, name: &'static str) -> Result<Option<SecretBytes>, GivenFault> {
        self.read(name, "base64", |text| any_base64(text.trim_ascii()).map(SecretBytes::new))
    }

    /// Secret bytes written in base64, of either alphabet, padded or not, each time they were
    /// given.
    ///
    /// # Errors
    ///
    /// When one of the texts is another.
    pub fn base64s(&self, name: &'static str) -> Result<Vec<SecretBytes>, GivenFault> {
        let fault = || GivenFault::Value { name, expected: "base64" };
        let read = |text: &str| any_base64(text.trim_ascii()).map(SecretBytes::new);
        self.all(name).map(|text| read(text).ok_or_else(fault)).collect()
    }

    /// Reads the text under a name.
    ///
    /// # Errors
    ///
    /// When `read` finds nothing in it, saying what was `expected`.
    pub fn read<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, GivenFault> {
        let fault = GivenFault::Value { name, expected };
        self.text(name)?.map(|text| read(text).ok_or(fault)).transpose()
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What is wrong with keys or fields that were given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GivenFault {
    /// What was asked for cannot be granted.
    #[error("{0}")]
    Denied(String),
    /// A key that was given is none.
    #[error("`{name}` is not a usable key: {why}")]
    Key {
        /// The field.
        name: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A field is missing.
    #[error("`{name}` is missing")]
    Missing {
        /// The field.
        name: &'static str,
    },
    /// A field was given more than once.
    #[error("`{name}` was given more than once")]
    Several {
        /// The field.
        name: &'static str,
    },
    /// A field holds something else.
    #[error("`{name}` is not {expected}")]
    Value {
        /// The field.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
    },
}

impl GivenFault {
    /// A wish that cannot be granted, for the reason `error` gives.
    #[must_use]
    pub fn denied(error: impl fmt::Display) -> Self {
        Self::Denied(error.to_string())
    }

    /// A key that cannot be used, for the reason `error` gives.
    #[must_use]
    pub fn key(name: &'static str, error: impl fmt::Display) -> Self {
        Self::Key { name, why: error.to_string() }
    }
}

/// Bytes in base64 of either alphabet, padded or not.
fn any_base64(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) {
        base64::alphabet::URL_SAFE
    } else {
        base64::alphabet::STANDARD
    };
    GeneralPurpose::new(&alphabet, config).decode(text).ok()
}

fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(rest) = text.strip_prefix("now").or(text.starts_with('+').then_some(text)) {
        return match rest.split_at_checked(1) {
            None => Some(now),
            Some(("+", rest)) => Some(now.saturating_add(span(rest)?)),
            Some(("-", rest)) => Some(now.saturating_sub(span(rest)?)),
            Some(_) => None,
        };
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Timestamp);
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_second()).ok().map(Timestamp)
}

fn span(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.char_indices().last()? {
        (place, 's') => (text.get(..place)?, 1),
        (place, 'm') => (text.get(..place)?, 60),
        (place, 'h') => (text.get(..place)?, 3600),
        (place, 'd') => (text.get(..place)?, 86_400),
        _ => (text, 1),
    };
    let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse::<u64>().ok()?.checked_mul(unit).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Given {
        let mut given = Given::new();
        given.add("x", text);
        given
    }

    #[test]
    fn a_time_is_written_in_several_ways() {
        let now = Timestamp(1_700_000_000);
        let check = |text: &str, expected: Option<u64>| {
            let time = given(text).time("x", now).ok().flatten().map(|time| time.0);
            assert_eq!(time, expected, "{text}");
        };
        check("1700000001", Some(1_700_000_001));
        check("now", Some(1_700_000_000));
        check("now+2h", Some(1_700_007_200));
        check("now-90s", Some(1_699_999_910));
        check("+60", Some(1_700_000_060));
        check("2023-11-14T22:13:20Z", Some(1_700_000_000));
        check("2023-11-15T00:13:20+02:00", Some(1_700_000_000));
        for bad in ["", "nowish", "now+", "-1", "1.5", "2023-11-14", "1969-01-01T00:00:00Z"] {
            check(bad, None);
        }
    }

    #[test]
    fn a_span_has_a_unit_or_counts_seconds() {
        let check = |text: &str, expected: Option<u64>| {
            let span = given(text).span("x").ok().flatten().map(|span| span.as_secs());
            assert_eq!(span, expected, "{text}");
        };
        check("90", Some(90));
        check("90s", Some(90));
        check("15m", Some(900));
        check("2h", Some(7200));
        check("7d", Some(604_800));
        for bad in ["", "h", "1w", "-1", "1.5h", "18446744073709551615d"] {
            check(bad, None);
        }
    }

    #[test]
    fn a_fault_names_the_field_and_not_the_text() {
        let error = given("topsecret").hex("x").unwrap_err();
        assert_eq!(error.to_string(), "`x` is not an even number of hex digits");
        assert_eq!(format!("{:?}", given("topsecret")), r#"{"x"}"#);
        assert_eq!(given("1").need("y"), Err(GivenFault::Missing { name: "y" }));
    }

    #[test]
    fn base64_is_read_in_either_alphabet() {
        for text in ["+/8=", "-_8=", "-_8", "+/8"] {
            let bytes = given(text).base64("x").unwrap().unwrap();
            assert_eq!(bytes.expose(), [0xfb, 0xff], "{text}");
        }
        assert!(given("+_8").base64("x").is_err());
    }
}
