//! Makes user tokens.

use portcullis_base::{
    KeyId, Timestamp,
    json::{Object, Value},
};

use crate::{
    jws,
    jwt::{IssueError, SigningKey},
};

/// What a token is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish<'a> {
    /// `exp`.
    pub end: Timestamp,
    /// `kid`: the keys it is for; `None` is every key.
    pub kids: Option<&'a [KeyId]>,
    /// `duration`: how long the license may be used, in seconds.
    pub duration_s: Option<u64>,
}

/// Signs a token, with a secret for HS256.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(wish: &Wish<'_>, key: &SigningKey) -> Result<String, IssueError> {
    let kids = match wish.kids {
        None => vec![Value::from("*")],
        Some(kids) => kids.iter().map(|kid| kid.to_string().into()).collect(),
    };
    let mut claims = Object::new();
    claims.insert("exp".into(), wish.end.0.into());
    claims.insert("kid".into(), Value::Array(kids));
    if let Some(seconds) = wish.duration_s {
        claims.insert("duration".into(), seconds.into());
    }
    jws::sign(&claims, key)
}
