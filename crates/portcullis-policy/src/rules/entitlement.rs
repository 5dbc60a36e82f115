//! The entitlement list: may this user watch this content, and now?
//!
//! Looked at when a token is issued and again when a license is asked for, so that an
//! entitlement taken away counts at once and not when the last token has run out.

use portcullis_base::{Timestamp, UserId};

use crate::{
    Reason, Rule,
    decision::Step,
    model::{Entitlement, EntitlementRule},
    words::{span, utc},
};

pub(crate) fn check(
    rule: EntitlementRule,
    entitled: &Entitlement,
    subject: Option<&UserId>,
    now: Timestamp,
) -> Step {
    match rule {
        EntitlementRule::Anyone => Step::allow(Rule::Entitlement, "the content asks for none"),
        EntitlementRule::Listed => listed(entitled, subject, now),
    }
}

fn listed(entitled: &Entitlement, subject: Option<&UserId>, now: Timestamp) -> Step {
    let refuse = |reason, detail: String| Step::refuse(Rule::Entitlement, reason, detail);
    let Some(subject) = subject else {
        return refuse(Reason::EntitlementMissing, "the caller names no user".to_owned());
    };
    let window = match entitled {
        Entitlement::Absent => {
            return refuse(Reason::EntitlementMissing, format!("`{subject}` is not on the list"));
        }
        Entitlement::Unavailable => {
            return refuse(Reason::RuleUnavailable, "the list could not be read".to_owned());
        }
        // SECURITY: an entry loaded for somebody else must never speak for this caller.
        Entitlement::Listed { subject: of, .. } if of != subject => {
            let detail = format!("the entry read is not that of `{subject}`");
            return refuse(Reason::RuleUnavailable, detail);
        }
        Entitlement::Listed { window, .. } => window,
    };
    if let Some(begins) = window.opens().filter(|begins| now < *begins) {
        let detail = format!("begins at {}, in {}", utc(begins), span(now.until(begins)));
        return refuse(Reason::EntitlementNotYet, detail);
    }
    match window.closes() {
        Some(ends) if ends <= now => {
            let detail = format!("ended at {}, {} ago", utc(ends), span(ends.until(now)));
            refuse(Reason::EntitlementExpired, detail)
        }
        Some(ends) => Step::allow(
            Rule::Entitlement,
            format!(
                "`{subject}` is on the list until {}, {} more",
                utc(ends),
                span(now.until(ends))
            ),
        ),
        None => Step::allow(Rule::Entitlement, format!("`{subject}` is on the list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Verdict, model::Window};

    #[track_caller]
    fn check_list(entitled: &Entitlement, subject: Option<&str>, now: u64, expected: Verdict) {
        let subject: Option<UserId> = subject.map(|text| text.parse().unwrap());
        let rule = EntitlementRule::Listed;
        let step = check(rule, entitled, subject.as_ref(), Timestamp(now));
        assert_eq!(step.verdict, expected, "{step}");
    }

    fn alice() -> Entitlement {
        let window = Window::new(Some(Timestamp(100)), Some(Timestamp(200))).unwrap();
        Entitlement::Listed { subject: "alice".parse().unwrap(), window }
    }

    #[test]
    fn the_first_second_is_inside_and_the_last_is_not() {
        check_list(&alice(), Some("alice"), 99, Verdict::Refuse(Reason::EntitlementNotYet));
        check_list(&alice(), Some("alice"), 100, Verdict::Allow);
        check_list(&alice(), Some("alice"), 199, Verdict::Allow);
        check_list(&alice(), Some("alice"), 200, Verdict::Refuse(Reason::EntitlementExpired));
    }

    #[test]
    fn the_entry_of_one_user_does_not_speak_for_another() {
        check_list(&alice(), Some("bob"), 150, Verdict::Refuse(Reason::RuleUnavailable));
    }

    #[test]
    fn nobody_is_not_on_the_list() {
        let missing = Verdict::Refuse(Reason::EntitlementMissing);
        check_list(&alice(), None, 150, missing);
        check_list(&Entitlement::Absent, Some("alice"), 150, missing);
    }

    #[test]
    fn a_list_that_cannot_be_read_refuses_only_where_it_is_asked() {
        let broken = Entitlement::Unavailable;
        check_list(&broken, Some("alice"), 150, Verdict::Refuse(Reason::RuleUnavailable));
        let step = check(EntitlementRule::Anyone, &broken, None, Timestamp(150));
        assert_eq!(step.verdict, Verdict::Allow);
    }
}
