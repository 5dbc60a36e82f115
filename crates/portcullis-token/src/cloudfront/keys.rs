//! The keys of signed URLs and cookies, by key pair id.
//!
//! CloudFront knows RSA (PKCS #1 v1.5) and ECDSA on P-256, over SHA-1 unless the token says
//! SHA-256. The kind of a key is fixed when it is read. We verify both hashes and sign
//! SHA-256 only: our cryptographic library signs no SHA-1.
//!
//! SPEC: CloudFront Developer Guide, signers; RFC 8017 §8.2.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair,
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};

use crate::jwt::{Algorithm, KeyError, VerificationKey, read_pem};

/// The hash a token is signed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1, where the token names none.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What kind of key one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    Ecdsa,
    /// RSA.
    Rsa,
}

/// A key that verifies.
#[derive(Clone)]
pub struct PublicKey {
    id: String,
    kind: KeyKind,
    sha1: ParsedPublicKey,
    sha256: ParsedPublicKey,
}

impl PublicKey {
    /// Reads `PUBLIC KEY` or `RSA PUBLIC KEY`, and names it by its key pair id.
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key. RSA keys have 2048 to 8192 bits and an odd
    /// exponent of at least 65537.
    pub fn from_pem(id: &str, text: &str) -> Result<Self, KeyError> {
        let der = read_pem(text, "PUBLIC KEY").or_else(|| read_pem(text, "RSA PUBLIC KEY"));
        Self::from_der(id, &der.ok_or(KeyError::Pem { expected: "PUBLIC KEY" })?)
    }

    fn from_der(id: &str, der: &[u8]) -> Result<Self, KeyError> {
        if !is_id(id) {
            return Err(KeyError::KeyId);
        }
        let id = id.to_owned();
        let ecdsa = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, der);
        if let (Ok(sha256), Ok(sha1)) = (ecdsa, ParsedPublicKey::new(&ECDSA_P256_SHA1_ASN1, der)) {
            return Ok(Self { id, kind: KeyKind::Ecdsa, sha1, sha256 });
        }
        // The rules for RSA keys are those of other tokens.
        VerificationKey::from_bytes(Algorithm::Rs256, der)?;
        let malformed = |_| KeyError::Pem { expected: "PUBLIC KEY" };
        let sha1 = &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY;
        let sha1 = ParsedPublicKey::new(sha1, der).map_err(malformed)?;
        let sha256 = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map_err(malformed)?;
        Ok(Self { id, kind: KeyKind::Rsa, sha1, sha256 })
    }

    /// Its key pair id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind it is.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    pub(super) fn verifies(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let key = match hash {
            Hash::Sha1 => &self.sha1,
            Hash::Sha256 => &self.sha256,
        };
        key.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {:?})", self.id, self.kind)
    }
}

/// A key that signs, with SHA-256.
pub struct PrivateKey {
    id: String,
    material: Material,
}

enum Material {
    Ecdsa(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// Reads `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`, and names it by its key
    /// pair id.
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key.
    pub fn from_pem(id: &str, text: &str) -> Result<Self, KeyError> {
        if !is_id(id) {
            return Err(KeyError::KeyId);
        }
        let none = KeyError::Pem { expected: "PRIVATE KEY" };
        let curve = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let material = if let Some(der) = read_pem(text, "PRIVATE KEY") {
            match EcdsaKeyPair::from_pkcs8(curve, &der) {
                Ok(pair) => Material::Ecdsa(Box::new(pair)),
                Err(_) => Material::Rsa(Box::new(RsaKeyPair::from_pkcs8(&der).map_err(|_| none)?)),
            }
        } else if let Some(der) = read_pem(text, "RSA PRIVATE KEY") {
            Material::Rsa(Box::new(RsaKeyPair::from_der(&der).map_err(|_| none)?))
        } else if let Some(der) = read_pem(text, "EC PRIVATE KEY") {
            let pair = EcdsaKeyPair::from_private_key_der(curve, &der).map_err(|_| none)?;
            Material::Ecdsa(Box::new(pair))
        } else {
            return Err(none);
        };
        let key = Self { id: id.to_owned(), material };
        // The rules for public keys hold for this one's public half.
        key.public().map(|_| key)
    }

    /// The key that verifies what this one signs, of the same id.
    ///
    /// # Errors
    ///
    /// When the public half breaks the rules for public keys.
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        match &self.material {
            Material::Ecdsa(pair) => PublicKey::from_der(&self.id, pair.public_key().as_ref()),
            Material::Rsa(pair) => PublicKey::from_der(&self.id, pair.public_key().as_ref()),
        }
    }

    /// Its key pair id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        // The library draws from its own source, seeded by the system's, whatever is passed.
        let random = SystemRandom::new();
        match &self.material {
            Material::Ecdsa(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Material::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.id)
    }
}

/// Whether a text can be a key pair id, which stands in a URL and a cookie as it is.
pub(super) fn is_id(text: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(sound)
}
