//! JSON Web Key sets: the public keys of an issuer, read strictly, and ours for others.
//!
//! A set that somebody publishes can hold anything: keys for encryption, keys of curves we do
//! not speak, keys too weak to trust. What cannot verify tokens is left out and said, with
//! the reason; it takes no other key down. A secret or a private key in a published document
//! is left out too: everybody has read it. The algorithm of a key comes from its JWK, or for
//! RSA from the configuration, and never from a token. Nothing is fetched here.
//!
//! | `kty` | `crv` | `alg`, where it is left out |
//! |---|---|---|
//! | `RSA` | | as configured |
//! | `EC` | `P-256`, `P-384` | `ES256`, `ES384` |
//! | `OKP` | `Ed25519` | `EdDSA` |
//! | `oct` | | in local files only, `HS256` |
//!
//! SPEC: RFC 7517, RFC 7518 §6, RFC 8037 §2, RFC 7638; SEC-29.

mod discovery;
mod error;
mod jwk;
mod print;

use portcullis_base::json::{self, Limits, Value};

pub use discovery::{Discovery, DiscoveryError};
pub use error::{JwkFault, JwksError};
pub use print::{print, thumbprint};

use crate::jwt::{Algorithm, VerificationKey};

/// The keys of a set, in its order, and what was left out of it.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    /// The keys that verify tokens.
    pub keys: Vec<VerificationKey>,
    /// The others.
    pub left_out: Vec<LeftOut>,
}

/// A key that was left out of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Which one it is, counted from 0.
    pub position: usize,
    /// Its name, if it has one that a key can have.
    pub kid: Option<String>,
    /// Why.
    pub fault: JwkFault,
}

/// Reads a set that somebody publishes. `rsa` is the algorithm of RSA keys that name none.
///
/// A set without any usable key is a set: who publishes it withdraws all keys.
///
/// # Errors
///
/// When the document is not a set at all: not strict JSON, longer than 256 KiB, without a
/// list of keys, or with more than 64.
pub fn parse(document: &[u8], rsa: Algorithm) -> Result<KeySet, JwksError> {
    read_set(document, rsa, jwk::Origin::Published)
}

/// Reads a set from a file of ours, where shared secrets (`oct`) may stand too.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_local(document: &[u8], rsa: Algorithm) -> Result<KeySet, JwksError> {
    read_set(document, rsa, jwk::Origin::Local)
}

/// Reads a single public key.
///
/// # Errors
///
/// As [`parse`], and [`JwksError::Key`] when the key cannot verify tokens.
pub fn parse_key(document: &[u8], rsa: Algorithm) -> Result<VerificationKey, JwksError> {
    let value = json::parse(document, &LIMITS)?;
    jwk::read(&value, rsa, jwk::Origin::Published).map_err(JwksError::Key)
}

fn read_set(document: &[u8], rsa: Algorithm, origin: jwk::Origin) -> Result<KeySet, JwksError> {
    let value = json::parse(document, &LIMITS)?;
    let keys = value.as_object().and_then(|members| members.get("keys"));
    let keys = keys.and_then(Value::as_array).ok_or(JwksError::NotASet)?;
    if keys.len() > KEYS_MAX {
        return Err(JwksError::TooMany);
    }
    let mut set = KeySet::default();
    for (position, value) in keys.iter().enumerate() {
        let read = jwk::read(value, rsa, origin).and_then(|key| match is_twin(&set.keys, &key) {
            true => Err(JwkFault::Duplicate),
            false => Ok(key),
        });
        match read {
            Ok(key) => set.keys.push(key),
            Err(fault) => {
                let kid = jwk::kid(value).ok().flatten().map(str::to_owned);
                set.left_out.push(LeftOut { position, kid, fault });
            }
        }
    }
    Ok(set)
}

/// SPEC: RFC 7517 §4.5: keys that stand for one another may share a name if their kinds
/// differ. Two of one algorithm would make the name mean nothing.
fn is_twin(keys: &[VerificationKey], key: &VerificationKey) -> bool {
    let same = |other: &&VerificationKey| other.algorithm() == key.algorithm();
    key.kid().is_some() && keys.iter().filter(same).any(|other| other.kid() == key.kid())
}

/// The longest document that is read, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 10;
/// The most keys a set may have.
pub const KEYS_MAX: usize = 64;
/// Certificates inside are skipped, and longer than any number.
const LIMITS: Limits = Limits {
    bytes_max: DOCUMENT_BYTES_MAX,
    depth_max: 8,
    values_max: 4096,
    string_bytes_max: 16 << 10,
};
