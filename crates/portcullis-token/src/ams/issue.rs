//! Makes tokens that a restriction accepts.
//!
//! Nothing is added that was not asked for: Azure's verifiers want no more than issuer,
//! audience and end, and programs compare tokens.

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};

use super::swt;
use crate::{
    jws,
    jwt::{Algorithm, IssueError, SigningKey, TOKEN_BYTES_MAX},
};

/// What a token is to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish<'a> {
    /// `iss`, `Issuer`.
    pub issuer: &'a str,
    /// `aud`, `Audience`.
    pub audience: &'a str,
    /// `exp`, `ExpiresOn`.
    pub end: Timestamp,
    /// `nbf`; a Simple Web Token has none.
    pub start: Option<Timestamp>,
    /// Claims besides these, by type. In a Simple Web Token only texts, numbers and truth
    /// values can stand.
    pub claims: &'a Object,
}

/// Signs a JSON Web Token.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue_jwt(wish: &Wish<'_>, key: &SigningKey) -> Result<String, IssueError> {
    if wish.start.is_some_and(|start| start >= wish.end) {
        return Err(IssueError::LifetimeEmpty);
    }
    if ["aud", "exp", "iss", "nbf"].iter().any(|name| wish.claims.contains_key(name)) {
        return Err(IssueError::ClaimReserved);
    }
    let mut claims = wish.claims.clone();
    claims.insert("aud".into(), wish.audience.into());
    claims.insert("exp".into(), wish.end.0.into());
    claims.insert("iss".into(), wish.issuer.into());
    if let Some(start) = wish.start {
        claims.insert("nbf".into(), start.0.into());
    }
    jws::sign(&claims, key)
}

/// Signs a Simple Web Token, with a secret for HS256.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue_swt(wish: &Wish<'_>, key: &SigningKey) -> Result<String, IssueError> {
    if key.algorithm() != Algorithm::Hs256 {
        return Err(IssueError::Signing);
    }
    let reserved = ["Audience", "ExpiresOn", "HMACSHA256", "Issuer"];
    let simple = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_) | Value::Null);
    if wish.start.is_some()
        || reserved.iter().any(|name| wish.claims.contains_key(name))
        || !wish.claims.values().all(simple)
    {
        return Err(IssueError::ClaimReserved);
    }
    let claims = wish.claims.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.as_str(), text)
    });
    let end = wish.end.to_string();
    let own = [("Audience", wish.audience), ("ExpiresOn", &end), ("Issuer", wish.issuer)];
    let own = own.into_iter().map(|(name, text)| (name, text.to_owned()));
    let pairs: Vec<(&str, String)> = claims.chain(own).collect();
    let signed = swt::form(pairs.iter().map(|(name, text)| (*name, text.as_str())));
    let token = swt::close(&signed, &key.sign(signed.as_bytes())?);
    if token.len() > TOKEN_BYTES_MAX { Err(IssueError::TooLong) } else { Ok(token) }
}
