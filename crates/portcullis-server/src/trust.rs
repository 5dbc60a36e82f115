//! The token keys of key policies, opened and prepared once.
//!
//! The store keeps them sealed. Opening them for every license would leave a raw secret in
//! memory each time and costs more than the check itself, so what was prepared is kept until
//! the store changes. A prepared key shows nobody its bytes. Nothing is decided here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use portcullis_base::{PolicyName, SecretBytes};
use portcullis_store::{Error, Store, TokenKey, TokenKeyUse};
use portcullis_token::jwt::{Algorithm, KeyError, SigningKey, VerificationKey};

/// Remembers prepared keys by key policy.
#[derive(Debug, Default)]
pub struct Trust(Mutex<Prepared>);

#[derive(Debug, Default)]
struct Prepared {
    /// The store's version these were made from.
    version: i64,
    policies: HashMap<PolicyName, Arc<PolicyKeys>>,
}

/// The prepared keys of one key policy.
#[derive(Debug)]
pub(crate) struct PolicyKeys {
    /// Tokens are verified with these, primary first.
    pub(crate) verifying: Vec<VerificationKey>,
    /// Tokens are signed with this one.
    pub(crate) signing: Option<SigningKey>,
}

impl Trust {
    /// The keys of a policy, as the store has them now.
    pub(crate) fn of(&self, store: &Store, policy: &PolicyName) -> Result<Arc<PolicyKeys>, Error> {
        // INVARIANT: the version is read before the keys, so keys can only be newer than the
        // version they are kept under, and are made again when it is seen to have grown.
        let version = store.version()?;
        {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.version != version {
                *kept = Prepared { version, policies: HashMap::new() };
            }
            if let Some(keys) = kept.policies.get(policy) {
                return Ok(Arc::clone(keys));
            }
        }
        let verifying = store.token_keys(policy, TokenKeyUse::Verify)?;
        let signing = store.token_keys(policy, TokenKeyUse::Sign)?;
        let keys = Arc::new(PolicyKeys {
            verifying: usable(policy, &verifying, verification_key),
            signing: usable(policy, &signing, signing_key).into_iter().next(),
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.version == version {
            kept.policies.insert(policy.clone(), Arc::clone(&keys));
        }
        Ok(keys)
    }
}

/// A key that cannot be prepared verifies and signs nothing; applying a policy document
/// refuses such keys, so one that is met here is worth an error in the log.
fn usable<K>(
    policy: &PolicyName,
    stored: &[TokenKey],
    prepare: fn(&TokenKey) -> Result<K, Unusable>,
) -> Vec<K> {
    let prepared = stored.iter().map(prepare);
    prepared
        .filter_map(|key| {
            key.inspect_err(|error| {
                tracing::error!(%policy, %error, "a token key of `{policy}` cannot be used");
            })
            .ok()
        })
        .collect()
}

fn verification_key(stored: &TokenKey) -> Result<VerificationKey, Unusable> {
    let algorithm = algorithm_of(stored)?;
    let key = verifier(algorithm, &stored.material)?;
    Ok(if stored.kid.is_empty() { key } else { key.with_kid(&stored.kid)? })
}

fn signing_key(stored: &TokenKey) -> Result<SigningKey, Unusable> {
    let key = signer(algorithm_of(stored)?, &stored.material)?;
    Ok(if stored.kid.is_empty() { key } else { key.with_kid(&stored.kid)? })
}

fn algorithm_of(stored: &TokenKey) -> Result<Algorithm, Unusable> {
    stored.algorithm.parse().map_err(|_| Unusable::Algorithm)
}

/// Prepares a key for verifying: a shared secret, a public key, or the public half of a
/// private one.
pub(crate) fn verifier(
    algorithm: Algorithm,
    material: &SecretBytes,
) -> Result<VerificationKey, Unusable> {
    if matches!(algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512) {
        return Ok(VerificationKey::hmac(algorithm, material)?);
    }
    match VerificationKey::from_pem(algorithm, text_of(material)?) {
        Ok(key) => Ok(key),
        // Who signs tokens here stores the private key alone.
        Err(error) => match signer(algorithm, material) {
            Ok(key) => Ok(key.public()?),
            Err(_) => Err(error.into()),
        },
    }
}

/// Prepares a key for signing.
pub(crate) fn signer(algorithm: Algorithm, material: &SecretBytes) -> Result<SigningKey, Unusable> {
    Ok(match algorithm {
        Algorithm::Hs256 => SigningKey::hs256(material)?,
        Algorithm::Rs256 => SigningKey::rs256_from_pem(text_of(material)?)?,
        Algorithm::Es256 => SigningKey::es256_from_pem(text_of(material)?)?,
        Algorithm::EdDsa => SigningKey::eddsa_from_pem(text_of(material)?)?,
        _ => return Err(Unusable::Signing),
    })
}

fn text_of(material: &SecretBytes) -> Result<&str, Unusable> {
    std::str::from_utf8(material.expose()).map_err(|_| Unusable::NotPem)
}

/// Why a key cannot be used. Repeats nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// The stored name is of no algorithm we know.
    #[error("its algorithm is not known")]
    Algorithm,
    /// The token library refuses it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key pair is expected.
    #[error("not a key in PEM")]
    NotPem,
    /// Tokens are verified with this algorithm and not signed.
    #[error("tokens are signed with HS256, RS256, ES256 or EdDSA only")]
    Signing,
}
