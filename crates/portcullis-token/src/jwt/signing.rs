//! The keys that tokens are signed with.
//!
//! HS256, RS256, ES256 and EdDSA: what our own services issue. The other algorithms are
//! verified only.

use std::fmt;

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use portcullis_base::SecretBytes;

use super::{Algorithm, IssueError, KeyError, VerificationKey, header::is_key_id, key, pem};

/// A key that signs tokens with one algorithm.
pub struct SigningKey {
    kid: Option<String>,
    material: Material,
}

enum Material {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(Algorithm, Box<hmac::Key>),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// An HS256 key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Short`] below 32 bytes.
    pub fn hs256(secret: &SecretBytes) -> Result<Self, KeyError> {
        let key = key::hmac_key(Algorithm::Hs256, secret)?;
        Ok(Self { kid: None, material: Material::Hmac(Algorithm::Hs256, Box::new(key)) })
    }

    /// An HMAC key of at least `bytes_min` bytes, for formats with other algorithms and other
    /// bounds than our own tokens.
    pub(crate) fn hmac_of_at_least(
        algorithm: Algorithm,
        secret: &SecretBytes,
        bytes_min: usize,
    ) -> Result<Self, KeyError> {
        let key = key::hmac_key_of_at_least(algorithm, secret, bytes_min)?;
        Ok(Self { kid: None, material: Material::Hmac(algorithm, Box::new(key)) })
    }

    /// An RS256 key from PEM text, `PRIVATE KEY` (PKCS #8).
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key.
    pub fn rs256_from_pem(text: &str) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed { algorithm: Algorithm::Rs256 };
        let pair = RsaKeyPair::from_pkcs8(&private(text)?).map_err(|_| malformed)?;
        // The rules for public keys hold for this one's public half.
        VerificationKey::from_bytes(Algorithm::Rs256, pair.public_key().as_ref())?;
        Ok(Self { kid: None, material: Material::Rsa(pair) })
    }

    /// An ES256 key from PEM text, `PRIVATE KEY` (PKCS #8).
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key.
    pub fn es256_from_pem(text: &str) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed { algorithm: Algorithm::Es256 };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &private(text)?);
        Ok(Self { kid: None, material: Material::Ecdsa(pair.map_err(|_| malformed)?) })
    }

    /// An EdDSA key from PEM text, `PRIVATE KEY` (PKCS #8).
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key.
    pub fn eddsa_from_pem(text: &str) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed { algorithm: Algorithm::EdDsa };
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&private(text)?);
        Ok(Self { kid: None, material: Material::Ed25519(pair.map_err(|_| malformed)?) })
    }

    /// Gives the key a name, which its tokens then carry.
    ///
    /// # Errors
    ///
    /// [`KeyError::KeyId`] unless the name is 1 to 128 printable ASCII characters.
    pub fn with_kid(self, kid: &str) -> Result<Self, KeyError> {
        if !is_key_id(kid) {
            return Err(KeyError::KeyId);
        }
        Ok(Self { kid: Some(kid.to_owned()), ..self })
    }

    /// The algorithm the key signs with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Ecdsa(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
            Material::Hmac(algorithm, _) => algorithm,
            Material::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The key that verifies what this one signs, of the same name. For HS256 that is the
    /// same secret.
    ///
    /// # Errors
    ///
    /// [`KeyError`] when the library does not take back the public key it gave out.
    pub fn public(&self) -> Result<VerificationKey, KeyError> {
        let algorithm = self.algorithm();
        let key = match &self.material {
            Material::Ecdsa(pair) => {
                VerificationKey::from_bytes(algorithm, pair.public_key().as_ref())?
            }
            Material::Ed25519(pair) => {
                VerificationKey::from_bytes(algorithm, pair.public_key().as_ref())?
            }
            Material::Hmac(_, key) => VerificationKey::from_hmac(algorithm, hmac::Key::clone(key)),
            Material::Rsa(pair) => {
                VerificationKey::from_bytes(algorithm, pair.public_key().as_ref())?
            }
        };
        match &self.kid {
            Some(kid) => key.with_kid(kid),
            None => Ok(key),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IssueError> {
        // The library draws from its own source, seeded by the system's, whatever is passed.
        let random = SystemRandom::new();
        match &self.material {
            Material::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| IssueError::Signing)?;
                Ok(signature.as_ref().to_vec())
            }
            Material::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Material::Hmac(_, key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Material::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| IssueError::Signing)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, kid {:?})", self.algorithm(), self.kid)
    }
}

fn private(text: &str) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyError> {
    pem::read(text, "PRIVATE KEY").ok_or(KeyError::Pem { expected: "PRIVATE KEY" })
}
