//! The token a key policy asks for: there is one, and it is of the kind that was agreed.
//!
//! Its signature was checked before; a token that verified for one key policy may still be
//! presented to another, so what the policy asks of it is checked here, where the policy is.

use portcullis_token::jwt::JwtClaims;

use crate::{
    Caller, Reason, Rule, claims,
    decision::Step,
    model::{Restriction, TokenRestriction},
};

pub(crate) fn check(restriction: &Restriction, caller: &Caller) -> Step {
    match (restriction, caller) {
        (Restriction::Open, _) => Step::allow(Rule::Token, "the key policy asks for no token"),
        (Restriction::Token(_), Caller::Anonymous) => {
            let detail = "the key policy asks for a token and none was presented";
            Step::refuse(Rule::Token, Reason::TokenMissing, detail)
        }
        (Restriction::Token(wanted), Caller::Holder(token)) => held(wanted, token.claims()),
    }
}

fn held(wanted: &TokenRestriction, token: &JwtClaims) -> Step {
    let refuse = |reason, detail: String| Step::refuse(Rule::Token, reason, detail);
    if token.issuer != wanted.issuer {
        let detail = format!("not issued by `{}`", wanted.issuer);
        return refuse(Reason::TokenIssuer, detail);
    }
    if !token.audiences.contains(&wanted.audience) {
        let detail = format!("not meant for `{}`", wanted.audience);
        return refuse(Reason::TokenAudience, detail);
    }
    let missing = wanted.required_claims.iter().find(|claim| !claims::satisfies(token, claim));
    if let Some(claim) = missing {
        let detail = match &claim.value {
            None => format!("the claim `{}` is missing", claim.name),
            Some(value) => format!("the claim `{}` is not `{value}`", claim.name),
        };
        return refuse(Reason::TokenClaim, detail);
    }
    Step::allow(Rule::Token, format!("issued by `{}` for `{}`", wanted.issuer, wanted.audience))
}
