//! A token opens only what it names.
//!
//! A token may name a content (`portcullis:content`), a key (`contentkeyidentifier`), both
//! or, where the key policy permits it, neither. Whatever it names is enforced, asked for or
//! not: a viewer who was given a token for one film has not been given another.

use portcullis_base::{ContentId, KeyId};
use portcullis_token::jwt::JwtClaims;

use crate::{
    Caller, Reason, Rule,
    claims::CONTENT_CLAIM,
    decision::Step,
    model::{Binding, Content, Restriction},
};

pub(crate) fn check(restriction: &Restriction, caller: &Caller, content: &Content) -> Step {
    let Caller::Holder(token) = caller else {
        return Step::skip(Rule::TokenContent, "there is no token");
    };
    let refuse = |detail: String| Step::refuse(Rule::TokenContent, Reason::TokenContent, detail);
    let binding = match restriction {
        Restriction::Open => Binding::Optional,
        Restriction::Token(wanted) => wanted.binding,
    };
    match named(token.claims()) {
        Named::Unreadable => refuse(format!("the claim `{CONTENT_CLAIM}` cannot be read")),
        Named::Nothing if binding == Binding::Required => {
            refuse("the token names neither a content nor a key, and must".to_owned())
        }
        Named::Nothing => {
            let detail = "the token names no content, and need not";
            Step::allow(Rule::TokenContent, detail)
        }
        Named::Something { content: Some(named), .. } if named != content.id => {
            refuse(format!("the token is for `{named}`, not for `{}`", content.id))
        }
        Named::Something { key: Some(kid), .. } if content.key(&kid).is_none() => {
            refuse(format!("the token is for the key {kid}, which `{}` has not", content.id))
        }
        Named::Something { key: Some(kid), .. } => {
            Step::allow(Rule::TokenContent, format!("the token is for the key {kid}"))
        }
        Named::Something { key: None, .. } => {
            Step::allow(Rule::TokenContent, format!("the token is for `{}`", content.id))
        }
    }
}

enum Named {
    Nothing,
    Something { content: Option<ContentId>, key: Option<KeyId> },
    Unreadable,
}

fn named(claims: &JwtClaims) -> Named {
    // SECURITY: a claim that is there but makes no sense is not a claim that is absent.
    let content = match claims.all.get(CONTENT_CLAIM) {
        None => None,
        Some(value) => match value.as_str().and_then(|text| text.parse().ok()) {
            None => return Named::Unreadable,
            content => content,
        },
    };
    let key = claims.content_key_id;
    if content.is_none() && key.is_none() {
        Named::Nothing
    } else {
        Named::Something { content, key }
    }
}
