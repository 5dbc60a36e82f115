//! What license token families share that are JSON Web Signatures: taking one apart, finding
//! the key, reading members strictly.
//!
//! The form is the one [`jwt`](crate::jwt) accepts. What the members mean is each family's own
//! business; the claims are parsed only when a family asks for them, which is after the
//! signature unless the key's name stands among them.
//!
//! SPEC: RFC 7515; SEC-20, 25, 26, 35.

use portcullis_base::{
    Timestamp,
    json::{self, Limits, Object, Value},
};

use crate::{
    fault::{Fault, Refused, Step},
    format::Shown,
    jwt::{
        Algorithm, Compact, Header, IssueError, JwtError, KEYS_MAX, SigningKey, TOKEN_BYTES_MAX,
        Thumbprints, VerificationKey, base64url,
    },
    watch::Watch,
};

/// A token taken apart. Nothing of it is verified.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    compact: Compact<'a>,
    header: Header,
}

/// Whether a key's name in the header leaves out keys of another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyNames {
    /// The name is not looked at: every key is tried.
    Ignored,
    /// The token must name a key, and only that one is tried.
    Required,
}

impl<'a> Jws<'a> {
    pub(crate) fn parse(text: &'a str, thumbprints: Thumbprints) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::Absent);
        }
        let compact = Compact::parse(text)?;
        let header = Header::parse_with(&compact.header, thumbprints)?;
        if header.is_of_type(None) {
            Ok(Self { compact, header })
        } else {
            Err(JwtError::Type.into())
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.compact.signature
    }

    /// Whether one of `keys` made the signature. At most [`KEYS_MAX`] are tried.
    pub(crate) fn check_signature(
        &self,
        keys: &[VerificationKey],
        names: KeyNames,
    ) -> Result<(), Refused> {
        let kid = self.kid();
        let named = |key: &&VerificationKey| match names {
            KeyNames::Ignored => true,
            KeyNames::Required => kid.is_some() && key.kid() == kid,
        };
        let mut keys = keys.iter().filter(named).peekable();
        if names == KeyNames::Required && keys.peek().is_none() {
            return Err(Fault::Key.at(Step::Key));
        }
        let mut keys = keys.filter(|key| key.algorithm() == self.algorithm()).peekable();
        if keys.peek().is_none() {
            return Err(Fault::Algorithm.at(Step::Key));
        }
        let message = self.compact.signed.as_bytes();
        if keys.take(KEYS_MAX).any(|key| key.verifies(message, &self.compact.signature)) {
            Ok(())
        } else {
            Err(Fault::Signature.at(Step::Signature))
        }
    }

    pub(crate) fn is_signed_by(&self, key: &VerificationKey) -> bool {
        key.verifies(self.compact.signed.as_bytes(), &self.compact.signature)
    }

    pub(crate) fn claims(&self) -> Result<Object, Fault> {
        object(&self.compact.payload, "claims")
    }
}

/// Reads a strict JSON object.
pub(crate) fn object(text: &[u8], what: &str) -> Result<Object, Fault> {
    match value(text, what)? {
        Value::Object(object) => Ok(object),
        other => Err(Fault::malformed(format!("the {what} are {}", other.kind()))),
    }
}

/// Reads strict JSON.
pub(crate) fn value(text: &[u8], what: &str) -> Result<Value, Fault> {
    match json::parse(text, &Limits::TOKEN) {
        Ok(value) => Ok(value),
        Err(error) if error.fault == json::JsonFault::Duplicate => {
            Err(Fault::Duplicate { what: format!("a member of the {what}") })
        }
        Err(error) => Err(Fault::malformed(format!("the {what} are not strict JSON: {error}"))),
    }
}

impl From<JwtError> for Fault {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::Algorithm => Self::Algorithm,
            JwtError::Audience => Self::Audience,
            JwtError::Claim { name, .. } => Self::Claim { name: name.to_owned() },
            JwtError::ClaimsText(error) | JwtError::HeaderText(error)
                if error.fault == json::JsonFault::Duplicate =>
            {
                Self::Duplicate { what: "a member of the header or the claims".to_owned() }
            }
            JwtError::Expired { end } => Self::Expired { end },
            JwtError::Header { name } => Self::Header { name: name.to_owned() },
            JwtError::IssuedInFuture { issued_at: at } => Self::IssuedAhead { at },
            JwtError::Issuer => Self::Issuer,
            JwtError::Key => Self::Key,
            JwtError::LifetimeTooLong { seconds_max } => Self::Lifetime { seconds_max },
            JwtError::NoEnd => Self::NoEnd,
            JwtError::NoId => Self::Claim { name: "jti".to_owned() },
            JwtError::NotYet { start } => Self::NotYet { start },
            JwtError::Signature => Self::Signature,
            JwtError::TooLong => Self::TooLong { bytes_max: TOKEN_BYTES_MAX },
            JwtError::Type => Self::Kind { what: "its `typ` is another" },
            other => Self::malformed(other.to_string()),
        }
    }
}

/// Notes an outcome and gives back what it holds; nothing when a recorded walk goes on
/// without it.
pub(crate) fn note<T, W: Watch>(
    watch: &mut W,
    step: Step,
    outcome: Result<T, Fault>,
    detail: impl FnOnce(&T) -> String,
) -> Result<Option<T>, W::Stop> {
    match outcome {
        Ok(held) => {
            watch.check(step, Ok(()), || detail(&held))?;
            Ok(Some(held))
        }
        Err(fault) => {
            watch.check(step, Err(fault), String::new)?;
            Ok(None)
        }
    }
}

/// The step at which a fault of taking a token apart belongs.
pub(crate) const fn form_step(fault: &Fault) -> Step {
    match fault {
        Fault::Absent | Fault::Ambiguous => Step::Presence,
        Fault::Algorithm | Fault::Key => Step::Key,
        Fault::Kind { .. } => Step::Kind,
        _ => Step::Form,
    }
}

/// A time in a JWT: a number, if it is there at all.
pub(crate) fn date(claims: &Object, name: &str) -> Result<Option<Timestamp>, Fault> {
    let fault = || Fault::Claim { name: name.to_owned() };
    let read = |value: &Value| value.as_number()?.as_numeric_date().map(Timestamp);
    claims.get(name).map(|value| read(value).ok_or_else(fault)).transpose()
}

/// A text, if it is there at all.
pub(crate) fn text<'a>(claims: &'a Object, name: &str) -> Result<Option<&'a str>, Fault> {
    let fault = || Fault::Claim { name: name.to_owned() };
    claims.get(name).map(|value| value.as_str().ok_or_else(fault)).transpose()
}

/// A text or a list of texts, if it is there at all.
pub(crate) fn texts(claims: &Object, name: &str) -> Result<Vec<String>, Fault> {
    let items = match claims.get(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let text = |item: &Value| item.as_str().map(str::to_owned);
    let fault = || Fault::Claim { name: name.to_owned() };
    items.iter().map(|item| text(item).ok_or_else(fault)).collect()
}

/// Signs claims. The key's name stands in the header if it has one.
pub(crate) fn sign(claims: &Object, key: &SigningKey) -> Result<String, IssueError> {
    let mut header = Object::new();
    header.insert("alg".into(), key.algorithm().as_str().into());
    header.insert("typ".into(), "JWT".into());
    if let Some(kid) = key.kid() {
        header.insert("kid".into(), kid.into());
    }
    let header = base64url(Value::Object(header).to_string().as_bytes());
    let claims = base64url(Value::Object(claims.clone()).to_string().as_bytes());
    let signed = format!("{header}.{claims}");
    let signature = base64url(&key.sign(signed.as_bytes())?);
    let token = format!("{signed}.{signature}");
    if token.len() > TOKEN_BYTES_MAX { Err(IssueError::TooLong) } else { Ok(token) }
}

/// The header and the claims for an explanation, as far as they can be read at all.
pub(crate) fn shown(token: &str) -> Vec<Shown> {
    let mut fields = Vec::new();
    for (place, segment) in ["header", "claims"].into_iter().zip(token.split('.')) {
        let Some(members) = segment_members(segment) else { continue };
        for (name, value) in &members {
            let name = if place == "header" { format!("header.{name}") } else { name.clone() };
            fields.push(shown_value(name, value));
        }
    }
    fields
}

/// The claims of a token whose signature nobody looked at, to recognise its family by.
pub(crate) fn unverified_claims(token: &str) -> Option<Object> {
    let mut segments = token.split('.');
    let (_, claims) = (segments.next()?, segments.next()?);
    (segments.count() == 1).then(|| segment_members(claims))?
}

fn segment_members(segment: &str) -> Option<Object> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    if segment.len() > TOKEN_BYTES_MAX {
        return None;
    }
    object(&URL_SAFE_NO_PAD.decode(segment).ok()?, "claims").ok()
}

fn shown_value(name: String, value: &Value) -> Shown {
    let date = value.as_number().and_then(json::Number::as_numeric_date).map(Timestamp);
    match (value, date) {
        (_, Some(time)) if ["exp", "iat", "nbf"].contains(&name.as_str()) => {
            Shown::time(name, time)
        }
        (Value::String(text), _) => Shown::new(name, text),
        (other, _) => Shown::new(name, other),
    }
}

/// The one token among those a request carries in its usual places.
pub(crate) fn only_one(found: impl IntoIterator<Item = String>) -> Result<Option<String>, Refused> {
    let mut found = found.into_iter().filter(|token| !token.is_empty());
    let first = found.next();
    if found.any(|other| Some(&other) != first.as_ref()) {
        return Err(Fault::Ambiguous.at(Step::Presence));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_tokens_in_one_request_are_ambiguous() {
        let found = |tokens: &[&str]| only_one(tokens.iter().map(ToString::to_string));
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&["", "a", "a"]), Ok(Some("a".to_owned())));
        assert_eq!(found(&["a", "b"]), Err(Fault::Ambiguous.at(Step::Presence)));
    }

    #[test]
    fn a_claim_of_a_wrong_type_is_not_absent() {
        let claims = object(br#"{"exp":"1","iss":1,"aud":["a",1]}"#, "claims").unwrap();
        assert_eq!(date(&claims, "nbf"), Ok(None));
        assert_eq!(date(&claims, "exp"), Err(Fault::Claim { name: "exp".to_owned() }));
        assert_eq!(text(&claims, "iss"), Err(Fault::Claim { name: "iss".to_owned() }));
        assert_eq!(texts(&claims, "aud"), Err(Fault::Claim { name: "aud".to_owned() }));
    }
}
