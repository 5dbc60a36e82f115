//! The time window of a content.

use portcullis_base::Timestamp;

use crate::{
    Reason, Rule,
    decision::Step,
    model::Window,
    words::{span, utc},
};

pub(crate) fn check(window: &Window, now: Timestamp) -> Step {
    if let Some(opens) = window.opens().filter(|opens| now < *opens) {
        let detail = format!("opens at {}, in {}", utc(opens), span(now.until(opens)));
        return Step::refuse(Rule::Window, Reason::WindowNotOpen, detail);
    }
    match window.closes() {
        Some(closes) if closes <= now => {
            let detail = format!("closed at {}, {} ago", utc(closes), span(closes.until(now)));
            Step::refuse(Rule::Window, Reason::WindowClosed, detail)
        }
        Some(closes) => {
            let detail = format!("open until {}, {} more", utc(closes), span(now.until(closes)));
            Step::allow(Rule::Window, detail)
        }
        None => Step::allow(Rule::Window, "open without end"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    #[track_caller]
    fn check_at(now: u64, expected: Verdict) {
        let window = Window::new(Some(Timestamp(100)), Some(Timestamp(200))).unwrap();
        assert_eq!(check(&window, Timestamp(now)).verdict, expected);
    }

    #[test]
    fn the_first_second_is_inside_and_the_last_is_not() {
        check_at(99, Verdict::Refuse(Reason::WindowNotOpen));
        check_at(100, Verdict::Allow);
        check_at(199, Verdict::Allow);
        check_at(200, Verdict::Refuse(Reason::WindowClosed));
    }

    #[test]
    fn the_distance_is_told_with_its_unit() {
        let window = Window::new(Some(Timestamp(3_700)), None).unwrap();
        let step = check(&window, Timestamp(40));
        assert_eq!(step.detail, "opens at 1970-01-01T01:01:40Z, in 1 h 1 min");
    }
}
