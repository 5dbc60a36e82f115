//! Reads the members of an object that says what a license may do, strictly: a value of
//! another type is a fault that names its place, and never absent.
//!
//! Vendors' samples write truth values as texts, too; both are read. Times are ISO 8601 with
//! an offset.

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};
use portcullis_terms::playback::Limit;

use crate::fault::Fault;

/// An object being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members<'a> {
    object: &'a Object,
    /// Where it stands, members joined by dots; empty at the root.
    place: &'static str,
}

impl<'a> Members<'a> {
    pub(crate) const fn new(object: &'a Object, place: &'static str) -> Self {
        Self { object, place }
    }

    /// The object `value` is.
    pub(crate) fn of(value: &'a Value, place: &'static str) -> Result<Self, Fault> {
        let fault = || Fault::terms(format!("`{place}` is not an object"));
        value.as_object().map(|object| Self { object, place }).ok_or_else(fault)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name)
    }

    /// What is wrong with a member.
    pub(crate) fn fault(&self, name: &str, expected: &str) -> Fault {
        Fault::terms(format!("`{}` is not {expected}", self.path(name)))
    }

    /// Refuses members that are none of `known`: they may be limits nobody here can keep.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Fault> {
        match self.object.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Fault::Unsupported { what: self.path(name) }),
            None => Ok(()),
        }
    }

    fn path(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    pub(crate) fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let fault = || self.fault(name, expected);
        self.get(name).map(|value| read(value).ok_or_else(fault)).transpose()
    }

    pub(crate) fn object(&self, name: &str, place: &'static str) -> Result<Option<Self>, Fault> {
        self.get(name).map(|value| Members::of(value, place)).transpose()
    }

    pub(crate) fn list(&self, name: &str) -> Result<&'a [Value], Fault> {
        Ok(self.read(name, "a list", Value::as_array)?.unwrap_or_default())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.read(name, "a text", Value::as_str)
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, Fault> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let texts: Option<Vec<String>> = self.list(name)?.iter().map(text).collect();
        texts.ok_or_else(|| self.fault(name, "a list of texts"))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        self.read(name, "`true` or `false`", |value| match value {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// A whole number from 0 to 2^53 − 1.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        self.read(name, "a whole number", |value| {
            value.as_number()?.as_u64().filter(|number| *number < 1 << 53)
        })
    }

    /// A number of seconds, at least one.
    pub(crate) fn limit(&self, name: &str) -> Result<Option<Limit>, Fault> {
        match self.number(name)? {
            Some(0) => Err(self.fault(name, "a number of seconds from 1")),
            seconds => Ok(seconds.map(Limit::Seconds)),
        }
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        let expected = "a time such as `2025-01-31T12:00:00+01:00`";
        self.read(name, expected, |value| time(value.as_str()?))
    }
}

/// A moment in ISO 8601 with an offset, at or after 1970; a fraction of a second is cut off.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    if text.len() > 40 || text.contains('[') {
        return None;
    }
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_second()).ok().map(Timestamp)
}

/// A moment in ISO 8601, in UTC.
pub(crate) fn time_text(time: Timestamp) -> Option<String> {
    let seconds = i64::try_from(time.0).ok()?;
    jiff::Timestamp::from_second(seconds).ok().map(|moment| moment.to_string())
}

/// An ISO 8601 duration of weeks, days, hours, minutes and seconds, in seconds, at least one.
/// Years and months have no length of their own and are none.
pub(crate) fn duration(text: &str) -> Option<u64> {
    let (days, clock) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((days, clock)) => (days, clock),
        None => (text.strip_prefix('P')?, ""),
    };
    let days = sum(days, &[('W', 604_800), ('D', 86_400)])?;
    let seconds = days.checked_add(sum(clock, &[('H', 3600), ('M', 60), ('S', 1)])?)?;
    (1..1 << 53).contains(&seconds).then_some(seconds)
}

/// Adds up numbers with their units, each at most once and in order.
fn sum(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    for (unit, seconds) in units {
        if let Some((digits, after)) = rest.split_once(*unit) {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number: u64 = if plain { digits.parse().ok()? } else { return None };
            total = total.checked_add(number.checked_mul(*seconds)?)?;
            rest = after;
        }
    }
    rest.is_empty().then_some(total)
}

/// The duration as ISO 8601.
pub(crate) fn duration_text(seconds: u64) -> String {
    if seconds.is_multiple_of(86_400) {
        format!("P{}D", seconds / 86_400)
    } else {
        format!("PT{seconds}S")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_sum_of_units_in_order() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(duration(text), expected);
        check("PT10M", Some(600));
        check("P7D", Some(604_800));
        check("P1W", Some(604_800));
        check("P1DT1H1M1S", Some(86_400 + 3661));
        for bad in [
            "",
            "P",
            "PT",
            "P1DT",
            "T1H",
            "1H",
            "PT1",
            "P1H",
            "PT1D",
            "P1Y",
            "P1M",
            "PT0S",
            "-PT1S",
            "PT-1S",
            "PT1.5S",
            "PT1S1M",
            "PT1M1M",
            "PT+1S",
            "pt1s",
            "PT99999999999999999999S",
            "P18446744073709551615W",
        ] {
            check(bad, None);
        }
        for seconds in [1, 3600, 86_400, 86_401, 604_800] {
            check(&duration_text(seconds), Some(seconds));
        }
    }

    #[test]
    fn a_time_needs_an_offset() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(time(text).map(|time| time.0), expected, "{text}");
        };
        check("2025-01-15T10:30:00Z", Some(1_736_937_000));
        check("2025-01-15T11:30:00+01:00", Some(1_736_937_000));
        check("2025-01-15T11:30:00.999+01:00", Some(1_736_937_000));
        check("2025-01-15T05:00:00-05:30", Some(1_736_937_000));
        for bad in [
            "",
            "2025-01-15",
            "2025-01-15T10:30:00",
            "2025-02-30T10:30:00Z",
            "1969-12-31T23:59:59Z",
            "2025-01-15T10:30:00+00:00[UTC]",
            "1736937000",
        ] {
            check(bad, None);
        }
        assert_eq!(time_text(Timestamp(1_736_937_000)).unwrap(), "2025-01-15T10:30:00Z");
    }

    #[test]
    fn a_wrong_type_is_a_fault_with_its_place() {
        let object = crate::jws::object(br#"{"a":1,"b":"true","c":"yes","d":0}"#, "x").unwrap();
        let members = Members::new(&object, "license.widevine");
        assert_eq!(members.flag("b"), Ok(Some(true)));
        assert_eq!(members.flag("z"), Ok(None));
        let fault = |fault: Result<Option<bool>, Fault>| fault.unwrap_err().to_string();
        let expected = "the token's license terms are faulty: `license.widevine.c` is not `true` \
                        or `false`";
        assert_eq!(fault(members.flag("c")), expected);
        assert!(members.limit("d").is_err());
        assert!(members.text("a").is_err());
        let unsupported = Fault::Unsupported { what: "license.widevine.d".to_owned() };
        assert_eq!(members.only(&["a", "b", "c"]), Err(unsupported));
    }
}
