//! Keys of families that are signed as JSON Web Tokens are, read from named texts.
//!
//! A secret is for HS256; PEM and JWK keys are for `alg`. Whatever signs verifies, too.

use super::{Given, GivenFault, Need, Param, ParamKind, param};
use crate::{
    jwks,
    jwt::{Algorithm, SigningKey, VerificationKey},
};

/// The keys a family of this kind takes.
pub(crate) const KEYS: [Param; 6] = [
    param("secret", ParamKind::Secret, Need::Optional, "HS256 secret, base64"),
    param("private_key", ParamKind::Secret, Need::Optional, "private key, PEM; it issues"),
    param("public_key", ParamKind::Text, Need::Repeated, "public key, PEM"),
    param("jwk", ParamKind::Json, Need::Repeated, "public key, JWK"),
    param("alg", ParamKind::Text, Need::Optional, "of the PEM keys: ES256 (default), EdDSA …"),
    param("kid", ParamKind::Text, Need::Optional, "the name of the secret or the PEM key"),
];

/// The keys that verify; none when none were given.
pub(crate) fn verification_keys(given: &Given) -> Result<Vec<VerificationKey>, GivenFault> {
    let algorithm = algorithm(given)?;
    let mut keys = Vec::new();
    for text in given.all("public_key") {
        let key = VerificationKey::from_pem(algorithm, text);
        let key = key.map_err(|error| GivenFault::key("public_key", error))?;
        keys.push(match given.text("kid")? {
            Some(kid) => key.with_kid(kid).map_err(|error| GivenFault::key("kid", error))?,
            None => key,
        });
    }
    for text in given.all("jwk") {
        let key = jwks::parse_key(text.as_bytes(), algorithm);
        keys.push(key.map_err(|error| GivenFault::key("jwk", error))?);
    }
    if let Some(signer) = signing_key(given)? {
        keys.push(signer.public().map_err(|error| GivenFault::key("private_key", error))?);
    }
    Ok(keys)
}

/// The key that signs, if one was given.
pub(crate) fn signing_key(given: &Given) -> Result<Option<SigningKey>, GivenFault> {
    let key = match (given.text("private_key")?, given.base64("secret")?) {
        (Some(_), Some(_)) => {
            return Err(GivenFault::denied("give either `secret` or `private_key`"));
        }
        (None, None) => return Ok(None),
        (None, Some(secret)) => {
            SigningKey::hs256(&secret).map_err(|error| GivenFault::key("secret", error))?
        }
        (Some(pem), None) => {
            let key = match algorithm(given)? {
                Algorithm::EdDsa => SigningKey::eddsa_from_pem(pem),
                Algorithm::Rs256 => SigningKey::rs256_from_pem(pem),
                _ => SigningKey::es256_from_pem(pem),
            };
            key.map_err(|error| GivenFault::key("private_key", error))?
        }
    };
    match given.text("kid")? {
        Some(kid) => key.with_kid(kid).map(Some).map_err(|error| GivenFault::key("kid", error)),
        None => Ok(Some(key)),
    }
}

fn algorithm(given: &Given) -> Result<Algorithm, GivenFault> {
    let read = given.read("alg", "an algorithm such as ES256", |text| text.parse().ok())?;
    Ok(read.unwrap_or(Algorithm::Es256))
}
