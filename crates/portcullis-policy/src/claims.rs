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
    let Some(value) = claims.all.get(&required.name) else { return false };
    let Some(wanted) = &required.value else { return *value != Value::Null };
    match value {
        Value::Array(items) => items.iter().any(|item| text_is(item, wanted)),
        single => text_is(single, wanted),
    }
}

fn text_is(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Array(_) | Value::Null | Value::Object(_) => false,
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        Value::Number(number) => wanted == number.as_str(),
        Value::String(text) => wanted == text,
    }
}
