//! Our own public keys as a set, so that others can verify our tokens; and key thumbprints.
//!
//! A secret has no public half, so there is nothing to print of it. Private keys cannot be
//! given to these functions.
//!
//! SPEC: RFC 7517 §5; RFC 7638.

use aws_lc_rs::digest;
use portcullis_base::json::{Object, Value};

use crate::jwt::{Algorithm, PublicPart, VerificationKey, base64url};

/// A set of these keys; `None` when one of them is a shared secret.
#[must_use]
pub fn print(keys: &[VerificationKey]) -> Option<Value> {
    let keys: Option<Vec<Value>> = keys.iter().map(print_key).collect();
    Some(Value::Object([("keys".to_owned(), Value::Array(keys?))].into()))
}

/// A name for the key that follows from the key itself: SHA-256 over the members it cannot be
/// without, in base64url; `None` for a shared secret.
#[must_use]
pub fn thumbprint(key: &VerificationKey) -> Option<String> {
    // Members print sorted and without white space, which is the form the RFC hashes.
    let text = Value::Object(required(key)?).to_string();
    Some(base64url(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()))
}

fn print_key(key: &VerificationKey) -> Option<Value> {
    let mut members = required(key)?;
    members.insert("alg".to_owned(), key.algorithm().as_str().into());
    members.insert("use".to_owned(), "sig".into());
    if let Some(kid) = key.kid() {
        members.insert("kid".to_owned(), kid.into());
    }
    Some(Value::Object(members))
}

fn required(key: &VerificationKey) -> Option<Object> {
    let members = match key.public_part()? {
        PublicPart::Ed25519(point) => {
            vec![("crv", "Ed25519".into()), ("kty", "OKP".into()), ("x", text(&point))]
        }
        PublicPart::Point(point) => {
            let (curve, length) = match key.algorithm() {
                Algorithm::Es256 => ("P-256", 32),
                _ => ("P-384", 48),
            };
            let (x, y) = point.strip_prefix(&[4])?.split_at_checked(length)?;
            vec![("crv", curve.into()), ("kty", "EC".into()), ("x", text(x)), ("y", text(y))]
        }
        PublicPart::Rsa { modulus, exponent } => {
            vec![("e", text(&exponent)), ("kty", "RSA".into()), ("n", text(&modulus))]
        }
    };
    Some(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(bytes: &[u8]) -> Value {
    base64url(bytes).into()
}
