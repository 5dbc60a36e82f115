//! Makes upfront authorization tokens.

use portcullis_base::{
    SecretBytes, Timestamp,
    json::{Object, Value},
};

use super::SECRET_BYTES_MIN;
use crate::{
    jws,
    jwt::{Algorithm, IssueError, KeyError, SigningKey},
};

/// What a token is to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish<'a> {
    /// `jti`, a UUID.
    pub id: &'a str,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub end: Option<Timestamp>,
    /// `optData`: `merchant`, `userId`, `sessionId`.
    pub viewer: &'a Object,
    /// `crt`: the rights token.
    pub rights: &'a Object,
}

/// A shared secret that signs.
///
/// # Errors
///
/// As [`shared_secret`](super::shared_secret).
pub fn signing_key(
    kid: &str,
    algorithm: Algorithm,
    secret: &SecretBytes,
) -> Result<SigningKey, KeyError> {
    SigningKey::hmac_of_at_least(algorithm, secret, SECRET_BYTES_MIN)?.with_kid(kid)
}

/// Signs a token. What the rights say is not looked at: verify it.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(wish: &Wish<'_>, key: &SigningKey) -> Result<String, IssueError> {
    if wish.end.is_some_and(|end| end <= wish.issued_at) {
        return Err(IssueError::LifetimeEmpty);
    }
    let mut claims = Object::new();
    claims.insert("jti".into(), wish.id.into());
    claims.insert("iat".into(), wish.issued_at.0.into());
    if let Some(end) = wish.end {
        claims.insert("exp".into(), end.0.into());
    }
    let text = |object: &Object| Value::Object(object.clone()).to_string();
    claims.insert("optData".into(), text(wish.viewer).into());
    claims.insert("crt".into(), text(wish.rights).into());
    jws::sign(&claims, key)
}
