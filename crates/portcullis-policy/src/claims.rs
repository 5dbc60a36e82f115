//! The claims of a playback token that decisions read, besides the registered ones.
//!
//! Their names stand here once, for reading and for issuing. Whether the token is genuine
//! was settled before: these functions take claims out of a verified token only.

use portcullis_base::json::Value;
pub use portcullis_token::jwt::CONTENT_KEY_ID as KEY_CLAIM;
use portcullis_token::jwt::JwtClaims;
pub use portcullis_token::jwt::MAX_USES as USES_CLAIM;
use portcullis_token::native::Playback;
pub use portcullis_token::native::{
    CLASSES as CLASSES_CLAIM, CONTENT as CONTENT_CLAIM, DEVICE as DEVICE_CLAIM,
    TERMS as TERMS_CLAIM,
};

use crate::model::RequiredClaim;

/// Names the viewer's session, by which it can be revoked.
///
/// SPEC: OpenID Connect Front-Channel Logout, `sid`.
pub const SESSION_CLAIM: &str = "sid";

/// The text of a claim that names something: a string, or a number as it is written.
pub(crate) fn name<'a>(claims: &'a JwtClaims, claim: &str) -> Option<&'a str> {
    match claims.all.get(claim)? {
        Value::Number(number) => Some(number.as_str()),
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// What our own claims in the token say of the license; `None` when one cannot be read, or is
/// unknown.
pub(crate) fn playback(claims: &JwtClaims) -> Option<Playback> {
    Playback::read(&claims.all).ok()
}

/// Whether the token carries a claim it must carry.
///
/// SPEC: Azure Media Services, token restriction: numbers, booleans and strings compare by
/// their text; an array is several claims of one name, one of which must match.
pub(crate) fn satisfies(claims: &JwtClaims, required: &RequiredClaim) -> bool {
    let value = claims.all.get(&required.name);
    value.is_some_and(|value| says(value, required.value.as_deref()))
}

fn says(value: &Value, wanted: Option<&str>) -> bool {
    let values = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    values.iter().any(|value| match wanted {
        Some(wanted) => text_is(value, wanted),
        // An empty list is no claim, and what has no text has no value.
        None => matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_)),
    })
}

fn text_is(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Array(_) | Value::Null | Value::Object(_) => false,
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        Value::Number(number) => wanted == number.as_str(),
        Value::String(text) => wanted == text,
    }
}

#[cfg(test)]
mod tests {
    use portcullis_base::json::Object;

    use super::*;

    #[test]
    fn an_empty_list_is_no_claim() {
        let text = Value::from("a");
        let list =
            |items: &[&Value]| Value::Array(items.iter().map(|one| (*one).clone()).collect());
        for (value, any, a) in [
            (text.clone(), true, true),
            (Value::from(1), true, false),
            (list(&[&Value::from("b"), &text]), true, true),
            (list(&[]), false, false),
            (list(&[&Value::Null]), false, false),
            (Value::Null, false, false),
            (Value::Object(Object::new()), false, false),
        ] {
            assert_eq!((says(&value, None), says(&value, Some("a"))), (any, a), "{value}");
        }
    }
}
