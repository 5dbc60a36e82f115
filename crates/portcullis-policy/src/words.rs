//! Moments and spans in plain words, for traces.
//!
//! Only prints; nothing is ever read back from these texts.

use std::time::Duration;

use portcullis_base::Timestamp;

/// `2026-11-22T17:53:25Z`; a moment beyond the calendar prints as its number of seconds.
pub(crate) fn utc(moment: Timestamp) -> String {
    i64::try_from(moment.0)
        .ok()
        .and_then(|second| jiff::Timestamp::from_second(second).ok())
        .map_or_else(|| format!("second {moment}"), |date| date.to_string())
}

/// The two largest units: `2 d 3 h`, `3 h 5 min`, `7 s`.
pub(crate) fn span(span: Duration) -> String {
    let mut rest = span.as_secs();
    let mut words = Vec::new();
    for (unit, name) in [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")] {
        let count = rest / unit;
        rest %= unit;
        if count > 0 && words.len() < 2 {
            words.push(format!("{count} {name}"));
        } else if !words.is_empty() {
            break;
        }
    }
    if words.is_empty() { "0 s".to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_605, "1 h"),
            (3_660, "1 h 1 min"),
            (90_061, "1 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_moment_is_told_in_utc() {
        assert_eq!(utc(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(utc(Timestamp(1_790_000_000)), "2026-09-21T14:13:20Z");
        assert_eq!(utc(Timestamp(u64::MAX)), "second 18446744073709551615");
    }
}
