//! The keys of a Media CDN keyset: Ed25519 pairs and shared HMAC secrets, made ready for use.
//!
//! One key, one algorithm: a secret that is for SHA-256 verifies no SHA-1. Nothing here
//! prints a key.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey},
};
use portcullis_base::SecretBytes;

/// A key that verifies tokens.
pub struct MediaCdnKey(Material);

enum Material {
    Ed25519(Box<ParsedPublicKey>),
    Hmac(Box<hmac::Key>),
}

impl MediaCdnKey {
    /// An Ed25519 public key: its 32 bytes. `None` when they are none.
    #[must_use]
    pub fn ed25519(public: &[u8]) -> Option<Self> {
        let key = (public.len() == 32).then(|| ParsedPublicKey::new(&ED25519, public).ok())?;
        key.map(|key| Self(Material::Ed25519(Box::new(key))))
    }

    /// A shared secret for HMAC-SHA-256. `None` when it is empty.
    #[must_use]
    pub fn hmac_sha256(secret: &SecretBytes) -> Option<Self> {
        Self::hmac(hmac::HMAC_SHA256, secret)
    }

    /// A shared secret for HMAC-SHA-1, which Media CDN offers for tokens made for other CDNs.
    /// `None` when it is empty.
    #[must_use]
    pub fn danger_hmac_sha1(secret: &SecretBytes) -> Option<Self> {
        Self::hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret)
    }

    fn hmac(algorithm: hmac::Algorithm, secret: &SecretBytes) -> Option<Self> {
        let key = (!secret.is_empty()).then(|| hmac::Key::new(algorithm, secret.expose()));
        key.map(|key| Self(Material::Hmac(Box::new(key))))
    }

    fn fits(&self, proof: &Proof) -> bool {
        match (&self.0, proof) {
            (Material::Ed25519(_), Proof::Signature(_)) => true,
            (Material::Hmac(key), Proof::Hmac(mac)) => {
                key.algorithm().digest_algorithm().output_len() == mac.len()
            }
            _ => false,
        }
    }

    fn verifies(&self, signed: &[u8], proof: &Proof) -> bool {
        match (&self.0, proof) {
            (Material::Ed25519(key), Proof::Signature(bytes)) => {
                key.verify_sig(signed, bytes).is_ok()
            }
            (Material::Hmac(key), Proof::Hmac(mac)) => hmac::verify(key, signed, mac).is_ok(),
            _ => false,
        }
    }
}

impl fmt::Debug for MediaCdnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Material::Ed25519(_) => "MediaCdnKey(Ed25519)",
            Material::Hmac(_) => "MediaCdnKey(HMAC)",
        })
    }
}

/// The keys a route verifies with. At most 8 are tried for one token.
#[derive(Debug)]
pub struct MediaCdnKeys(pub Vec<MediaCdnKey>);

impl MediaCdnKeys {
    pub(super) fn any_fits(&self, proof: &Proof) -> bool {
        self.0.iter().any(|key| key.fits(proof))
    }

    pub(super) fn any_verifies(&self, signed: &[u8], proof: &Proof) -> bool {
        let mut fitting = self.0.iter().filter(|key| key.fits(proof)).take(KEYS_MAX);
        fitting.any(|key| key.verifies(signed, proof))
    }
}

/// A key that makes tokens.
pub struct MediaCdnSigner(Signing);

enum Signing {
    Ed25519(Box<Ed25519KeyPair>),
    Hmac(Box<hmac::Key>),
}

impl MediaCdnSigner {
    /// An Ed25519 private key: the 32 bytes Google's samples call the private key. `None`
    /// when they are none.
    #[must_use]
    pub fn ed25519(seed: &SecretBytes) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok()?;
        Some(Self(Signing::Ed25519(Box::new(pair))))
    }

    /// A shared secret for HMAC-SHA-256. `None` when it is empty.
    #[must_use]
    pub fn hmac_sha256(secret: &SecretBytes) -> Option<Self> {
        Self::hmac(hmac::HMAC_SHA256, secret)
    }

    /// A shared secret for HMAC-SHA-1. `None` when it is empty.
    #[must_use]
    pub fn danger_hmac_sha1(secret: &SecretBytes) -> Option<Self> {
        Self::hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret)
    }

    fn hmac(algorithm: hmac::Algorithm, secret: &SecretBytes) -> Option<Self> {
        let key = (!secret.is_empty()).then(|| hmac::Key::new(algorithm, secret.expose()));
        key.map(|key| Self(Signing::Hmac(Box::new(key))))
    }

    /// The key that verifies what this one makes.
    #[must_use]
    pub fn public(&self) -> Option<MediaCdnKey> {
        match &self.0 {
            Signing::Ed25519(pair) => MediaCdnKey::ed25519(pair.public_key().as_ref()),
            Signing::Hmac(key) => Some(MediaCdnKey(Material::Hmac(key.clone()))),
        }
    }

    pub(super) fn sign(&self, signed: &[u8]) -> Proof {
        match &self.0 {
            Signing::Ed25519(pair) => Proof::Signature(pair.sign(signed).as_ref().to_vec()),
            Signing::Hmac(key) => Proof::Hmac(hmac::sign(key, signed).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for MediaCdnSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Signing::Ed25519(_) => "MediaCdnSigner(Ed25519)",
            Signing::Hmac(_) => "MediaCdnSigner(HMAC)",
        })
    }
}

/// What closes a token.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Hmac(Vec<u8>),
    Signature(Vec<u8>),
}

impl Proof {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Hmac(bytes) | Self::Signature(bytes) => bytes,
        }
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Hmac(mac) if mac.len() == 20 => "HMAC-SHA-1",
            Self::Hmac(_) => "HMAC-SHA-256",
            Self::Signature(_) => "Ed25519",
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({})", self.algorithm())
    }
}

const KEYS_MAX: usize = 8;
