//! Makes tokens.
//!
//! Every token says who made it, for whom, from when until when, and has an id nobody can
//! guess, so that it can be told apart from every other.
//!
//! SPEC: RFC 7519; SEC-30.

use portcullis_base::{
    Rng, Timestamp,
    json::{Object, Value},
};

use super::{
    IssueError, SigningKey,
    form::{TOKEN_BYTES_MAX, encode},
};

/// What a token is to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// `sub`.
    pub subject: Option<String>,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `nbf`.
    pub not_before: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `jti`; 128 random bits if absent.
    pub id: Option<String>,
    /// Claims besides these.
    pub extra: Object,
    /// `typ`.
    pub token_type: String,
}

/// Signs a token. It names the key if the key has a name.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(request: &Issue, key: &SigningKey, rng: &dyn Rng) -> Result<String, IssueError> {
    if request.not_before >= request.expires_at || request.issued_at >= request.expires_at {
        return Err(IssueError::LifetimeEmpty);
    }
    if RESERVED.iter().any(|name| request.extra.contains_key(name)) {
        return Err(IssueError::ClaimReserved);
    }
    let mut header = Object::new();
    header.insert("alg".into(), key.algorithm().as_str().into());
    header.insert("typ".into(), request.token_type.as_str().into());
    if let Some(kid) = key.kid() {
        header.insert("kid".into(), kid.into());
    }
    let mut claims = request.extra.clone();
    claims.insert("aud".into(), request.audience.as_str().into());
    claims.insert("exp".into(), request.expires_at.0.into());
    claims.insert("iat".into(), request.issued_at.0.into());
    claims.insert("iss".into(), request.issuer.as_str().into());
    claims.insert("jti".into(), request.id.clone().unwrap_or_else(|| random_id(rng)).into());
    claims.insert("nbf".into(), request.not_before.0.into());
    if let Some(subject) = &request.subject {
        claims.insert("sub".into(), subject.as_str().into());
    }
    let header = encode(Value::Object(header).to_string().as_bytes());
    let claims = encode(Value::Object(claims).to_string().as_bytes());
    let signed = format!("{header}.{claims}");
    let signature = encode(&key.sign(signed.as_bytes())?);
    let token = format!("{signed}.{signature}");
    if token.len() > TOKEN_BYTES_MAX { Err(IssueError::TooLong) } else { Ok(token) }
}

fn random_id(rng: &dyn Rng) -> String {
    let mut id = [0; 16];
    rng.fill(&mut id);
    encode(&id)
}

const RESERVED: [&str; 7] = ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"];
