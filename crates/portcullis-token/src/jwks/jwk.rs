//! One JSON Web Key, read.
//!
//! Certificates inside a key (`x5c`, `x5t`, `x5u`) are not looked at: the key is what its own
//! members say. Members nobody knows are ignored, as RFC 7517 §4 asks.
//!
//! SPEC: RFC 7517 §4; RFC 7518 §6; RFC 8037 §2.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{
    SecretBytes,
    json::{Object, Value},
};
use zeroize::Zeroizing;

use super::JwkFault;
use crate::jwt::{Algorithm, KeyError, VerificationKey};

/// Where a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A file of ours.
    Local,
    /// A document that everybody can read.
    Published,
}

/// Reads one key; `rsa` is the algorithm of an RSA key that names none.
pub(super) fn read(
    value: &Value,
    rsa: Algorithm,
    origin: Origin,
) -> Result<VerificationKey, JwkFault> {
    let jwk = value.as_object().ok_or(JwkFault::Member { name: "kty" })?;
    let kind = text(jwk, "kty")?.ok_or(JwkFault::Member { name: "kty" })?;
    if !KINDS.contains(&kind) {
        return Err(JwkFault::Kind);
    }
    if PRIVATE.iter().any(|name| jwk.contains_key(name)) {
        return Err(JwkFault::Private);
    }
    let is_secret = kind == "oct" || jwk.contains_key("k");
    if is_secret && origin == Origin::Published {
        return Err(JwkFault::Secret);
    }
    check_use(jwk)?;
    let named = match text(jwk, "alg")? {
        None => None,
        Some(name) => Some(name.parse().map_err(|_| JwkFault::Algorithm)?),
    };
    let key = match kind {
        "EC" => elliptic(jwk, named)?,
        "OKP" => edwards(jwk, named)?,
        "RSA" => {
            let (modulus, exponent) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
            let read = VerificationKey::from_rsa_numbers(named.unwrap_or(rsa), &modulus, &exponent);
            read.map_err(foreign_algorithm)?
        }
        _ => {
            let secret = SecretBytes::new(std::mem::take(&mut *bytes(jwk, "k")?));
            let algorithm = named.unwrap_or(Algorithm::Hs256);
            VerificationKey::hmac(algorithm, &secret).map_err(foreign_algorithm)?
        }
    };
    Ok(match kid(value)? {
        Some(kid) => key.with_kid(kid)?,
        None => key,
    })
}

/// The key's name.
pub(super) fn kid(value: &Value) -> Result<Option<&str>, JwkFault> {
    let Some(jwk) = value.as_object() else { return Ok(None) };
    match text(jwk, "kid")? {
        Some(kid) if !crate::jwt::is_key_id(kid) => Err(KeyError::KeyId.into()),
        kid => Ok(kid),
    }
}

fn elliptic(jwk: &Object, named: Option<Algorithm>) -> Result<VerificationKey, JwkFault> {
    let (algorithm, length) = match text(jwk, "crv")? {
        Some("P-256") => (Algorithm::Es256, 32),
        Some("P-384") => (Algorithm::Es384, 48),
        _ => return Err(JwkFault::Curve),
    };
    if named.is_some_and(|named| named != algorithm) {
        return Err(JwkFault::Algorithm);
    }
    let mut point = vec![UNCOMPRESSED];
    for name in ["x", "y"] {
        let coordinate = bytes(jwk, name)?;
        if coordinate.len() != length {
            return Err(JwkFault::Member { name });
        }
        point.extend_from_slice(&coordinate);
    }
    Ok(VerificationKey::from_bytes(algorithm, &point)?)
}

fn edwards(jwk: &Object, named: Option<Algorithm>) -> Result<VerificationKey, JwkFault> {
    if text(jwk, "crv")? != Some("Ed25519") {
        return Err(JwkFault::Curve);
    }
    if named.is_some_and(|named| named != Algorithm::EdDsa) {
        return Err(JwkFault::Algorithm);
    }
    let point = bytes(jwk, "x")?;
    if point.len() != 32 {
        return Err(JwkFault::Member { name: "x" });
    }
    Ok(VerificationKey::from_bytes(Algorithm::EdDsa, &point)?)
}

/// SPEC: RFC 7517 §4.2, §4.3. Either may be left out; what is there has to allow verifying.
fn check_use(jwk: &Object) -> Result<(), JwkFault> {
    if text(jwk, "use")?.is_some_and(|meant_for| meant_for != "sig") {
        return Err(JwkFault::Use);
    }
    let Some(operations) = jwk.get("key_ops") else { return Ok(()) };
    let malformed = JwkFault::Member { name: "key_ops" };
    let mut verifies = false;
    for operation in operations.as_array().ok_or(malformed)? {
        verifies |= operation.as_str().ok_or(malformed)? == "verify";
    }
    if verifies { Ok(()) } else { Err(JwkFault::Use) }
}

/// What the key library calls a key of another kind is here an `alg` of another kind.
const fn foreign_algorithm(error: KeyError) -> JwkFault {
    match error {
        KeyError::Algorithm { .. } => JwkFault::Algorithm,
        other => JwkFault::Key(other),
    }
}

fn text<'a>(jwk: &'a Object, name: &'static str) -> Result<Option<&'a str>, JwkFault> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwkFault::Member { name }),
    }
}

/// The bytes of a member, which one text can stand for only.
fn bytes(jwk: &Object, name: &'static str) -> Result<Zeroizing<Vec<u8>>, JwkFault> {
    let decoded = text(jwk, name)?.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    match decoded {
        Some(bytes) if !bytes.is_empty() => Ok(Zeroizing::new(bytes)),
        _ => Err(JwkFault::Member { name }),
    }
}

const KINDS: [&str; 4] = ["EC", "OKP", "RSA", "oct"];
/// Members that only private keys have.
const PRIVATE: [&str; 7] = ["d", "dp", "dq", "oth", "p", "q", "qi"];
const UNCOMPRESSED: u8 = 4;
