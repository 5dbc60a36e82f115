//! The claims of a token, read with their types.
//!
//! A claim that is there with a wrong type is a failure, never taken for absent. Claims
//! without a field here stay in [`JwtClaims::all`] for the key policy to look at.
//!
//! SPEC: RFC 7519 §4.1; SEC-27, SEC-28.

use portcullis_base::{
    KeyId, Timestamp,
    json::{self, Limits, Object, Value},
};

use super::JwtError;
use crate::lifetime::Lifetime;

/// Names the one key that the token is for.
///
/// SPEC: Azure Media Services, token restriction; the name is theirs.
pub const CONTENT_KEY_ID: &str = "urn:microsoft:azure:mediaservices:contentkeyidentifier";

/// Says how often the token may be used. We do not count yet, so only `unlimited` is accepted.
///
/// SPEC: Azure Media Services, token replay prevention; the name is theirs.
pub const MAX_USES: &str = "urn:microsoft:azure:mediaservices:maxuses";

/// What a token says.
#[derive(Clone, Debug, PartialEq)]
pub struct JwtClaims {
    /// `iss`: who issued it.
    pub issuer: String,
    /// `aud`: for whom it is meant. Never empty.
    pub audiences: Vec<String>,
    /// `sub`: whom it is about.
    pub subject: Option<String>,
    /// When it may be used: from `nbf`, or `iat`, or ever, until `exp`.
    pub lifetime: Lifetime,
    /// `iat`: when it was issued.
    pub issued_at: Option<Timestamp>,
    /// `jti`: the token's own id.
    pub id: Option<String>,
    /// The key it is for, if it names one.
    pub content_key_id: Option<KeyId>,
    /// Every claim, the ones above included.
    pub all: Object,
}

impl JwtClaims {
    pub(super) fn parse(text: &[u8]) -> Result<Self, JwtError> {
        let Value::Object(all) = json::parse(text, &Limits::TOKEN).map_err(JwtError::ClaimsText)?
        else {
            return Err(JwtError::Form);
        };
        let end = time(&all, "exp")?.ok_or(JwtError::NoEnd)?;
        let issued_at = time(&all, "iat")?;
        let start = time(&all, "nbf")?.or(issued_at).unwrap_or(Timestamp(0));
        let content_key_id = string(&all, CONTENT_KEY_ID)?.map(key_id).transpose()?;
        if string(&all, MAX_USES)?.is_some_and(|uses| uses != "unlimited") {
            return Err(wrong(MAX_USES, "a number of uses", "the word `unlimited`"));
        }
        Ok(Self {
            issuer: string(&all, "iss")?.ok_or(JwtError::Issuer)?.to_owned(),
            audiences: audiences(&all)?,
            subject: string(&all, "sub")?.map(str::to_owned),
            lifetime: Lifetime::new(start, end)?,
            issued_at,
            id: string(&all, "jti")?.map(str::to_owned),
            content_key_id,
            all,
        })
    }
}

fn string<'a>(claims: &'a Object, name: &'static str) -> Result<Option<&'a str>, JwtError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(wrong(name, other.kind(), "a string")),
    }
}

fn time(claims: &Object, name: &'static str) -> Result<Option<Timestamp>, JwtError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let number = value.as_number().ok_or_else(|| wrong(name, value.kind(), "a number"))?;
    match number.as_numeric_date() {
        Some(seconds) => Ok(Some(Timestamp(seconds))),
        None => Err(wrong(name, "out of range", "seconds between 0 and 2^53")),
    }
}

fn audiences(claims: &Object) -> Result<Vec<String>, JwtError> {
    let expected = "a string or an array of strings";
    let items = match claims.get("aud") {
        None => return Err(JwtError::Audience),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let text = |item: &Value| {
        let text = item.as_str().map(str::to_owned);
        text.ok_or_else(|| wrong("aud", item.kind(), expected))
    };
    items.iter().map(text).collect()
}

/// Reads a GUID in any case, with or without braces and hyphens.
fn key_id(text: &str) -> Result<KeyId, JwtError> {
    let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    bare.parse().map_err(|_| wrong(CONTENT_KEY_ID, "another string", "a GUID"))
}

const fn wrong(name: &'static str, found: &'static str, expected: &'static str) -> JwtError {
    JwtError::Claim { name, found, expected }
}
