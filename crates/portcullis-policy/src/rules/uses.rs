//! How often the token may be used.
//!
//! A use is taken after the decision and counted by the store. What is known of earlier uses
//! is looked at when it was brought along, which is what an explanation does; a request does
//! not look, it takes.

use portcullis_token::jwt::JwtClaims;

use crate::{Caller, Reason, Rule, decision::Step, model::Facts};

pub(crate) fn check(caller: &Caller, facts: &Facts) -> Step {
    match caller {
        Caller::Anonymous => Step::skip(Rule::Uses, "there is no token"),
        Caller::Holder(token) => held(token.claims(), facts.used),
    }
}

fn held(token: &JwtClaims, used: Option<u32>) -> Step {
    let Some(max) = token.max_uses else {
        return Step::skip(Rule::Uses, "the token may be used any number of times");
    };
    if token.identity().is_none() {
        let detail = "the token has nothing it could be known by";
        return Step::refuse(Rule::Uses, Reason::TokenNoId, detail);
    }
    match used {
        None => Step::allow(Rule::Uses, format!("one of {max} is taken when the license is made")),
        Some(used) if used >= max.get() => {
            Step::refuse(Rule::Uses, Reason::TokenUsedUp, format!("used {used} of {max} times"))
        }
        Some(used) => Step::allow(Rule::Uses, format!("used {used} of {max} times so far")),
    }
}
