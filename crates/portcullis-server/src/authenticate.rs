//! Who is asking: turns a presented token into a [`Caller`], or into the reason it is not one.
//!
//! No credential is not a bad credential: it leads to `Anonymous`, and the decision says
//! whether that is enough. Two differing credentials in one request are refused (SEC-35).
//! Nothing here says what a caller may do.

use http::{HeaderMap, header::AUTHORIZATION};
use portcullis_base::Timestamp;
use portcullis_policy::{Caller, Reason, model::Restriction};
use portcullis_store::TokenKey;
use portcullis_token::{
    bearer,
    jwt::{self, Algorithm, Expectations, JwtError, SigningKey, VerificationKey},
};

/// Takes the playback token out of a request: `Authorization: Bearer …` or `?token=…`.
///
/// # Errors
///
/// Refuses two differing tokens.
pub(crate) fn credential(
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<String>, Reason> {
    let mut found: Option<String> = None;
    let lines = headers.get_all(AUTHORIZATION).iter();
    let from_headers = lines.map(|value| value.to_str().unwrap_or(UNREADABLE));
    let pairs = query.unwrap_or_default().split('&');
    let from_query = pairs.filter_map(|pair| pair.strip_prefix("token="));
    for presented in from_headers.chain(from_query).filter(|text| !text.is_empty()) {
        let token = bearer::strip(presented);
        match &found {
            Some(other) if other != token => return Err(Reason::TokenAmbiguous),
            _ => found = Some(token.to_owned()),
        }
    }
    Ok(found)
}

/// Verifies a playback token against what a content's key policy trusts.
///
/// # Errors
///
/// Why the token is not accepted.
pub(crate) fn playback(
    token: Option<&str>,
    restriction: &Restriction,
    trusted: &[TokenKey],
    now: Timestamp,
) -> Result<Caller, JwtError> {
    let (Some(token), Restriction::Token(wanted)) = (token, restriction) else {
        return Ok(Caller::Anonymous);
    };
    let keys: Vec<VerificationKey> = trusted.iter().filter_map(verification_key).collect();
    let expectations = Expectations {
        issuer: wanted.issuer.clone(),
        audience: wanted.audience.clone(),
        leeway: wanted.leeway,
        lifetime_max: wanted.lifetime_max,
        token_type: None,
    };
    jwt::verify(token, &keys, &expectations, now).map(Caller::Holder)
}

/// Prepares a stored key for verifying. A key that cannot be read verifies nothing.
pub(crate) fn verification_key(stored: &TokenKey) -> Option<VerificationKey> {
    let algorithm: Algorithm = stored.algorithm.parse().ok()?;
    let key = if is_hmac(algorithm) {
        VerificationKey::hmac(algorithm, &stored.material).ok()?
    } else {
        // Who signs tokens here stores the private key alone; its public half verifies.
        let public = VerificationKey::from_pem(algorithm, text_of(stored)?).ok();
        public.or_else(|| signing_key(stored)?.public().ok())?
    };
    if stored.kid.is_empty() { Some(key) } else { key.with_kid(&stored.kid).ok() }
}

/// Prepares a stored key for signing.
pub(crate) fn signing_key(stored: &TokenKey) -> Option<SigningKey> {
    let key = match stored.algorithm.parse().ok()? {
        Algorithm::Hs256 => SigningKey::hs256(&stored.material),
        Algorithm::Rs256 => SigningKey::rs256_from_pem(text_of(stored)?),
        Algorithm::Es256 => SigningKey::es256_from_pem(text_of(stored)?),
        Algorithm::EdDsa => SigningKey::eddsa_from_pem(text_of(stored)?),
        _ => return None,
    };
    let key = key.ok()?;
    if stored.kid.is_empty() { Some(key) } else { key.with_kid(&stored.kid).ok() }
}

const fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512)
}

fn text_of(stored: &TokenKey) -> Option<&str> {
    std::str::from_utf8(stored.material.expose()).ok()
}

/// A header that is not text cannot be a token; it must not pass for absent either.
const UNREADABLE: &str = "-";
