//! The viewer's network address against a list of allowed and denied ranges.
//!
//! SPEC: SEC-76. Where a rule asks for the address and it is not known, the rule cannot be
//! evaluated, and refuses.

use std::net::IpAddr;

use crate::{
    Reason, Rule,
    decision::Step,
    model::{AddressRule, AllowedAddresses},
};

pub(crate) fn check(rule: &AddressRule, address: Option<IpAddr>) -> Step {
    if rule.asks_nothing() {
        return Step::allow(Rule::Address, "every address may");
    }
    let Some(address) = address else {
        let detail = "the viewer's address is not known, and the rule asks for it";
        return Step::refuse(Rule::Address, Reason::RuleUnavailable, detail);
    };
    if let Some(range) = rule.deny.iter().find(|range| range.contains(address)) {
        let detail = format!("{address} lies in the denied range {range}");
        return Step::refuse(Rule::Address, Reason::PlaceAddress, detail);
    }
    match &rule.allow {
        AllowedAddresses::Any => Step::allow(Rule::Address, "the address is in no denied range"),
        AllowedAddresses::Only(ranges) if ranges.iter().any(|range| range.contains(address)) => {
            Step::allow(Rule::Address, "the address is in an allowed range")
        }
        AllowedAddresses::Only(_) => {
            let detail = format!("{address} lies in no allowed range");
            Step::refuse(Rule::Address, Reason::PlaceAddress, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    #[track_caller]
    fn check_rule(allow: Option<&[&str]>, deny: &[&str], address: Option<&str>, verdict: Verdict) {
        let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let allow =
            allow.map_or(AllowedAddresses::Any, |texts| AllowedAddresses::Only(ranges(texts)));
        let rule = AddressRule { allow, deny: ranges(deny) };
        let address = address.map(|text| text.parse().unwrap());
        assert_eq!(check(&rule, address).verdict, verdict);
    }

    const REFUSED: Verdict = Verdict::Refuse(Reason::PlaceAddress);
    const UNKNOWN: Verdict = Verdict::Refuse(Reason::RuleUnavailable);

    #[test]
    fn a_denied_address_is_refused_even_where_it_is_allowed() {
        let allow: Option<&[&str]> = Some(&["192.0.2.0/24"]);
        check_rule(allow, &["192.0.2.128/25"], Some("192.0.2.127"), Verdict::Allow);
        check_rule(allow, &["192.0.2.128/25"], Some("192.0.2.128"), REFUSED);
        check_rule(allow, &["192.0.2.128/25"], Some("::ffff:192.0.2.128"), REFUSED);
        check_rule(allow, &[], Some("192.0.3.0"), REFUSED);
        check_rule(None, &["192.0.2.0/24"], Some("192.0.3.0"), Verdict::Allow);
    }

    #[test]
    fn an_empty_list_of_allowed_ranges_allows_nobody() {
        check_rule(Some(&[]), &[], Some("192.0.2.1"), REFUSED);
    }

    #[test]
    fn an_unknown_address_passes_only_a_rule_that_asks_nothing() {
        check_rule(None, &[], None, Verdict::Allow);
        check_rule(None, &["192.0.2.0/24"], None, UNKNOWN);
        check_rule(Some(&["0.0.0.0/0"]), &[], None, UNKNOWN);
    }
}
