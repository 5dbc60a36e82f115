//! The token keys of key policies, opened and prepared once.
//!
//! The store keeps its own sealed. Opening them for every license would leave a raw secret in
//! memory each time and costs more than the check itself, so what was prepared is kept until
//! the store changes, together with what the issuer published last. A prepared key shows
//! nobody its bytes. Nothing is decided here, and nothing is fetched: see [`crate::jwks`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use portcullis_base::{PolicyName, SecretBytes, Timestamp};
use portcullis_policy::model::{KeyPolicy, KeySource, Restriction};
use portcullis_store::{Error, Store, TokenKey, TokenKeyUse};
use portcullis_token::jwt::{Algorithm, JwtError, KeyError, SigningKey, VerificationKey};

use crate::jwks::KeySources;

/// Remembers prepared keys by key policy.
#[derive(Debug)]
pub struct Trust {
    prepared: Mutex<Prepared>,
    sources: Arc<KeySources>,
}

#[derive(Debug, Default)]
struct Prepared {
    /// The store's version these were made from.
    version: i64,
    /// The key sources' generation these were made from.
    generation: u64,
    policies: HashMap<PolicyName, Arc<PolicyKeys>>,
}

/// The prepared keys of one key policy.
#[derive(Debug)]
pub(crate) struct PolicyKeys {
    /// Tokens are verified with these: ours, primary first, then those the issuer published.
    verifying: Vec<VerificationKey>,
    /// How many of them are ours.
    ours: usize,
    /// Where the others came from, and until when they may be used; `None` for a set that
    /// could not be fetched yet.
    published: Option<(KeySource, Option<Timestamp>)>,
    /// Tokens are signed with this one.
    pub(crate) signing: Option<SigningKey>,
}

impl Trust {
    /// Prepares the keys of the store and those that `sources` fetches.
    #[must_use]
    pub fn new(sources: Arc<KeySources>) -> Self {
        Self { prepared: Mutex::default(), sources }
    }

    /// Where published keys come from.
    pub(crate) fn sources(&self) -> Arc<KeySources> {
        Arc::clone(&self.sources)
    }

    /// The keys of a policy, as the store and the issuer have them now.
    pub(crate) fn of(&self, store: &Store, policy: &KeyPolicy) -> Result<Arc<PolicyKeys>, Error> {
        // INVARIANT: version and generation are read before the keys, so keys can only be
        // newer than what they are kept under, and are made again when it is seen to have
        // grown.
        let version = store.version()?;
        let generation = self.sources.generation();
        {
            let mut kept = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            if (kept.version, kept.generation) != (version, generation) {
                *kept = Prepared { version, generation, policies: HashMap::new() };
            }
            if let Some(keys) = kept.policies.get(&policy.name) {
                return Ok(Arc::clone(keys));
            }
        }
        let keys = Arc::new(self.prepare(store, policy)?);
        let mut kept = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if (kept.version, kept.generation) == (version, generation) {
            kept.policies.insert(policy.name.clone(), Arc::clone(&keys));
        }
        Ok(keys)
    }

    fn prepare(&self, store: &Store, policy: &KeyPolicy) -> Result<PolicyKeys, Error> {
        let name = &policy.name;
        let verifying = store.token_keys(name, TokenKeyUse::Verify)?;
        let signing = store.token_keys(name, TokenKeyUse::Sign)?;
        let mut verifying = usable(name, &verifying, verification_key);
        let ours = verifying.len();
        let source = match &policy.restriction {
            Restriction::Open => None,
            Restriction::Token(token) => token.key_source.clone(),
        };
        let published = source.map(|source| {
            let set = self.sources.set_of(&source);
            let usable_until = set.map(|set| {
                verifying.extend(set.keys.iter().cloned());
                set.usable_until
            });
            (source, usable_until)
        });
        let signing = usable(name, &signing, signing_key).into_iter().next();
        Ok(PolicyKeys { verifying, ours, published, signing })
    }

    /// A token was refused; if it may have been signed with a key that was published since,
    /// the next fetch is brought forward.
    pub(crate) fn heed(&self, keys: &PolicyKeys, error: &JwtError, now: Timestamp) {
        if let (JwtError::Algorithm | JwtError::Key, Some((source, _))) = (error, &keys.published) {
            self.sources.key_was_unknown(source, now);
        }
    }
}

impl PolicyKeys {
    /// The keys that tokens are verified with at `now`.
    pub(crate) fn verifying(&self, now: Timestamp) -> &[VerificationKey] {
        match self.published_set(now) {
            Published::Nothing | Published::Set => &self.verifying,
            Published::TooOld | Published::NotFetched => {
                self.verifying.get(..self.ours).unwrap_or_default()
            }
        }
    }

    /// How it stands with what the issuer publishes.
    pub(crate) fn published_set(&self, now: Timestamp) -> Published {
        match &self.published {
            None => Published::Nothing,
            Some((_, None)) => Published::NotFetched,
            Some((_, Some(until))) if *until < now => Published::TooOld,
            Some(_) => Published::Set,
        }
    }
}

/// How it stands with the keys an issuer publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// There was no answer yet.
    NotFetched,
    /// The key policy names no place.
    Nothing,
    /// They are at hand.
    Set,
    /// They were at hand for too long.
    TooOld,
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
