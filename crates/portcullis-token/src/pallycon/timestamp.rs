//! The format's one way to write a moment: `yyyy-mm-ddThh:mm:ssZ`, in UTC.
//!
//! Read exactly, to the last character: a laxer reader can be shown a timestamp that was
//! appended to somebody else's hash input.

use portcullis_base::Timestamp;

/// Reads a moment from 1970 to 9999 that exists in the calendar.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        o1,
        o2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        m1,
        m2,
        b':',
        s1,
        s2,
        b'Z',
    ] = *bytes
    else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let (month, day) = (number(&[o1, o2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    let fits = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !fits {
        return None;
    }
    let days = days_before(year, month).checked_add(day)?.checked_sub(1)?;
    Some(Timestamp(days * 86_400 + hour * 3600 + minute * 60 + second))
}

/// Writes a moment; `None` after the year 9999.
pub(super) fn write(time: Timestamp) -> Option<String> {
    let moment = jiff::Timestamp::from_second(i64::try_from(time.0).ok()?).ok()?;
    Some(moment.to_string()).filter(|text| read(text) == Some(time))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970-01-01 to the first of a month. The year is at least 1970 and at most
/// 9999, the month from 1 to 12.
fn days_before(year: u64, month: u64) -> u64 {
    let before = year - 1;
    // Leap days up to the end of the year before, less the 477 up to the end of 1969.
    let leap_days = before / 4 - before / 100 + before / 400 - 477;
    let months = (1..month).map(|month| days_in(year, month)).sum::<u64>();
    (year - 1970) * 365 + leap_days + months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_one_text() {
        let check = |text: &str, expected: u64| {
            assert_eq!(read(text), Some(Timestamp(expected)), "{text}");
            assert_eq!(write(Timestamp(expected)).as_deref(), Some(text));
        };
        check("1970-01-01T00:00:00Z", 0);
        check("2021-11-11T07:28:41Z", 1_636_615_721);
        check("2024-02-29T23:59:59Z", 1_709_251_199);
        check("2000-03-01T00:00:00Z", 951_868_800);
        check("9999-12-30T22:00:00Z", 253_402_207_200);
    }

    #[test]
    fn what_is_almost_a_moment_is_none() {
        for bad in [
            "",
            "2021-11-11T07:28:41",
            "2021-11-11T07:28:41Z\n",
            "2021-11-11T07:28:41z",
            "2021-11-11 07:28:41Z",
            "2021-11-11T07:28:41.0Z",
            "2021-11-11T07:28:60Z",
            "2021-11-11T24:00:00Z",
            "2021-11-31T00:00:00Z",
            "2021-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2021-00-01T00:00:00Z",
            "2021-13-01T00:00:00Z",
            "2021-01-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "+021-11-11T07:28:41Z",
            "٢021-1-11T07:28:41Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(write(Timestamp(253_402_300_800)), None);
        assert_eq!(write(Timestamp(u64::MAX)), None);
    }

    proptest::proptest! {
        #[test]
        fn the_calendar_agrees_with_another(seconds in 0_u64..253_402_207_200) {
            let text = jiff::Timestamp::from_second(seconds as i64).unwrap().to_string();
            proptest::prop_assert_eq!(read(&text), Some(Timestamp(seconds)));
        }
    }
}
