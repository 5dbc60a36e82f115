//! The claims of a token, read with their types.
//!
//! A claim that is there with a wrong type is a failure, never taken for absent. Claims
//! without a field here stay in [`JwtClaims::all`] for the key policy to look at.
//!
//! SPEC: RFC 7519 §4.1; SEC-27, SEC-28.

use std::{num::NonZeroU32, time::Duration};

use portcullis_base::{
    KeyId, Timestamp,
    json::{self, Limits, Object, Value},
};

use super::{Algorithm, JwtError};
use crate::{
    identity::{TokenFormat, TokenIdentity},
    lifetime::Lifetime,
};

/// Names the one key that the token is for.
///
/// SPEC: Azure Media Services, token restriction; the name is theirs.
pub const CONTENT_KEY_ID: &str = "urn:microsoft:azure:mediaservices:contentkeyidentifier";

/// Says how often the token may be used: a number of at least 1, written as one or as a string
/// of digits, or the word `unlimited`.
///
/// SPEC: Azure Media Services, token replay prevention; the name is theirs.
pub const MAX_USES: &str = "urn:microsoft:azure:mediaservices:maxuses";

/// `true` says that the token is good for one use. Such a token must have a `jti`.
///
/// SPEC: SEC-40; the name is ours.
pub const ONE_TIME: &str = "portcullis:one_time";

/// The longest that a token whose uses are counted may still live when it is shown.
///
/// SPEC: Azure Media Services, token replay prevention.
pub const COUNTED_LIFETIME_MAX: Duration = Duration::from_secs(3600);

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
    /// How often it may be used; without end if absent.
    pub max_uses: Option<NonZeroU32>,
    /// Every claim, the ones above included.
    pub all: Object,
    mark: Vec<u8>,
}

impl JwtClaims {
    /// What tells this token from every other: its `jti` or, if it has none, its signature.
    ///
    /// SPEC: SEC-40; Azure Media Services tells tokens apart by their signature.
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        match self.id.as_deref() {
            Some(id) if !id.is_empty() => {
                TokenIdentity::new(TokenFormat::Jwt, &self.issuer, id.as_bytes())
            }
            _ => TokenIdentity::new(TokenFormat::JwtSignature, &self.issuer, &self.mark),
        }
    }

    pub(crate) fn parse(
        text: &[u8],
        algorithm: Algorithm,
        signature: Vec<u8>,
    ) -> Result<Self, JwtError> {
        let Value::Object(all) = json::parse(text, &Limits::TOKEN).map_err(JwtError::ClaimsText)?
        else {
            return Err(JwtError::Form);
        };
        let end = time(&all, "exp")?.ok_or(JwtError::NoEnd)?;
        let issued_at = time(&all, "iat")?;
        let start = time(&all, "nbf")?.or(issued_at).unwrap_or(Timestamp(0));
        let content_key_id = string(&all, CONTENT_KEY_ID)?.map(key_id).transpose()?;
        let id = string(&all, "jti")?.map(str::to_owned);
        let max_uses = match one_time(&all)? {
            Times::Any => max_uses(&all)?,
            Times::Once if id.as_deref().is_none_or(str::is_empty) => return Err(JwtError::NoId),
            // Whatever number stands beside it has to be one, but is not what counts.
            Times::Once => max_uses(&all).map(|_| Some(NonZeroU32::MIN))?,
        };
        Ok(Self {
            issuer: string(&all, "iss")?.ok_or(JwtError::Issuer)?.to_owned(),
            audiences: audiences(&all)?,
            subject: string(&all, "sub")?.map(str::to_owned),
            lifetime: Lifetime::new(start, end)?,
            issued_at,
            id,
            content_key_id,
            max_uses,
            all,
            mark: mark(algorithm, signature),
        })
    }
}

/// The part of a signature that nobody without the key can change.
fn mark(algorithm: Algorithm, mut signature: Vec<u8>) -> Vec<u8> {
    if matches!(algorithm, Algorithm::Es256 | Algorithm::Es384) {
        // SECURITY: when (r, s) is a signature, so is (r, n − s), and everybody can compute
        // it. It would be a second token with uses of its own.
        signature.truncate(signature.len() / 2);
    }
    signature
}

enum Times {
    Any,
    Once,
}

fn one_time(claims: &Object) -> Result<Times, JwtError> {
    match claims.get(ONE_TIME) {
        None | Some(Value::Bool(false)) => Ok(Times::Any),
        Some(Value::Bool(true)) => Ok(Times::Once),
        Some(other) => Err(wrong(ONE_TIME, other.kind(), "a boolean")),
    }
}

fn max_uses(claims: &Object) -> Result<Option<NonZeroU32>, JwtError> {
    let expected = "a number of at least 1, or the word `unlimited`";
    let digits = match claims.get(MAX_USES) {
        None => return Ok(None),
        Some(Value::String(text)) if text == "unlimited" => return Ok(None),
        Some(Value::String(text)) => text.as_str(),
        Some(Value::Number(number)) => number.as_str(),
        Some(other) => return Err(wrong(MAX_USES, other.kind(), expected)),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let uses = if plain { digits.parse().ok() } else { None };
    uses.map(Some).ok_or_else(|| wrong(MAX_USES, "something else", expected))
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
