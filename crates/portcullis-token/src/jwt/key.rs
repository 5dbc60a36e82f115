//! The keys that tokens are verified with: one key, one algorithm.
//!
//! The algorithm is fixed when the key is configured and never taken from a token. That alone
//! rules out the confusion of an RSA public key with an HMAC secret.
//!
//! SPEC: RFC 8725 §3.1; SEC-26, SEC-29.

use std::fmt;

use aws_lc_rs::{
    encoding::AsDer as _,
    hmac,
    signature::{
        self, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
    },
};
use portcullis_base::SecretBytes;

use super::{Algorithm, KeyError, der, header::is_key_id, pem};

/// A key that verifies tokens of one algorithm.
#[derive(Clone)]
pub struct VerificationKey {
    algorithm: Algorithm,
    kid: Option<String>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl VerificationKey {
    /// An HS256 key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Short`] below 32 bytes.
    pub fn hs256(secret: &SecretBytes) -> Result<Self, KeyError> {
        Self::hmac(Algorithm::Hs256, secret)
    }

    /// An RS256 key from PEM text, `PUBLIC KEY` or `RSA PUBLIC KEY`.
    ///
    /// # Errors
    ///
    /// As [`VerificationKey::from_pem`].
    pub fn rs256_from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pem(Algorithm::Rs256, text)
    }

    /// An ES256 key from PEM text, `PUBLIC KEY`.
    ///
    /// # Errors
    ///
    /// As [`VerificationKey::from_pem`].
    pub fn es256_from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pem(Algorithm::Es256, text)
    }

    /// An HMAC key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Short`] when the secret is shorter than the hash (RFC 7518 §3.2), and
    /// [`KeyError::Algorithm`] when the algorithm is not of the HS family.
    pub fn hmac(algorithm: Algorithm, secret: &SecretBytes) -> Result<Self, KeyError> {
        let hmac = hmac_key(algorithm, secret)?;
        Ok(Self { algorithm, kid: None, material: Material::Hmac(Box::new(hmac)) })
    }

    /// A public key from PEM text: `PUBLIC KEY`, for RSA also `RSA PUBLIC KEY`.
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key for the algorithm. RSA keys have 2048 to
    /// 8192 bits and an odd exponent of at least 65537.
    pub fn from_pem(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let parameters = public_parameters(algorithm).ok_or(KeyError::Algorithm { algorithm })?;
        let pkcs1 = if algorithm.is_rsa() { pem::read(text, "RSA PUBLIC KEY") } else { None };
        let der = pkcs1.or_else(|| pem::read(text, "PUBLIC KEY"));
        Self::public(algorithm, parameters, &der.ok_or(KeyError::Pem { expected: "PUBLIC KEY" })?)
    }

    /// An RSA key from its numbers, big-endian without leading zeros.
    ///
    /// # Errors
    ///
    /// Says what keeps the numbers from being a key for the algorithm; the bounds are those of
    /// [`VerificationKey::from_pem`].
    pub fn from_rsa_numbers(
        algorithm: Algorithm,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Self, KeyError> {
        let parameters = rsa_parameters(algorithm).ok_or(KeyError::Algorithm { algorithm })?;
        let malformed = KeyError::Malformed { algorithm };
        if [modulus, exponent].iter().any(|number| number.first() == Some(&0)) {
            return Err(malformed);
        }
        check_rsa(modulus, exponent)?;
        let numbers = RsaPublicKeyComponents { n: modulus, e: exponent };
        let public = numbers.to_parsed_public_key(parameters).map_err(|_| malformed)?;
        Ok(Self { algorithm, kid: None, material: Material::Public(public) })
    }

    /// An RS256 key out of a certificate in DER. The certificate's dates, names and signature
    /// are not looked at: it is the envelope of a key that was configured.
    ///
    /// # Errors
    ///
    /// [`KeyError::Certificate`] when the bytes are not a certificate, else as
    /// [`VerificationKey::from_pem`].
    pub fn rs256_from_certificate(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_certificate(Algorithm::Rs256, der)
    }

    pub(crate) fn from_certificate(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let info = der::certificate_key(der).ok_or(KeyError::Certificate)?;
        Self::from_bytes(algorithm, info)
    }

    /// A public key from bytes as the library gives them out for a key pair, or from a
    /// SubjectPublicKeyInfo. An Ed25519 key is 32 bytes, an elliptic one a point.
    pub(crate) fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let parameters = public_parameters(algorithm).ok_or(KeyError::Algorithm { algorithm })?;
        Self::public(algorithm, parameters, bytes)
    }

    /// An HMAC key of at least `bytes_min` bytes, for formats whose secrets may be shorter than
    /// the hash.
    pub(crate) fn hmac_of_at_least(
        algorithm: Algorithm,
        secret: &SecretBytes,
        bytes_min: usize,
    ) -> Result<Self, KeyError> {
        Ok(Self::from_hmac(algorithm, hmac_key_of_at_least(algorithm, secret, bytes_min)?))
    }

    pub(super) fn from_hmac(algorithm: Algorithm, key: hmac::Key) -> Self {
        Self { algorithm, kid: None, material: Material::Hmac(Box::new(key)) }
    }

    fn public(
        algorithm: Algorithm,
        parameters: &'static dyn VerificationAlgorithm,
        bytes: &[u8],
    ) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed { algorithm };
        if algorithm.is_rsa() {
            let (modulus, exponent) = der::rsa_public_key(bytes).ok_or(malformed)?;
            check_rsa(modulus, exponent)?;
        }
        let public = ParsedPublicKey::new(parameters, bytes).map_err(|_| malformed)?;
        Ok(Self { algorithm, kid: None, material: Material::Public(public) })
    }

    /// Gives the key a name. Tokens that name another key are then not tried with it.
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

    /// The algorithm the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether the key may be tried for a token that names `kid`, or names none.
    pub(crate) fn answers_to(&self, kid: Option<&str>) -> bool {
        match (kid, self.kid()) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        }
    }

    /// What may be published of the key: nothing of a secret.
    pub(crate) fn public_part(&self) -> Option<PublicPart> {
        let Material::Public(key) = &self.material else { return None };
        let info = key.as_der().ok()?;
        if self.algorithm.is_rsa() {
            let (modulus, exponent) = der::rsa_public_key(info.as_ref())?;
            return Some(PublicPart::Rsa {
                modulus: modulus.to_vec(),
                exponent: exponent.to_vec(),
            });
        }
        let key = der::wrapped_key(info.as_ref())?.to_vec();
        Some(match self.algorithm {
            Algorithm::EdDsa => PublicPart::Ed25519(key),
            _ => PublicPart::Point(key),
        })
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Material::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// A public key as numbers and points.
pub(crate) enum PublicPart {
    Ed25519(Vec<u8>),
    /// 4, then both coordinates.
    Point(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({}, kid {:?})", self.algorithm, self.kid)
    }
}

/// Prepares a secret of the right length.
pub(super) fn hmac_key(algorithm: Algorithm, secret: &SecretBytes) -> Result<hmac::Key, KeyError> {
    let bytes_min = match algorithm {
        Algorithm::Hs384 => 48,
        Algorithm::Hs512 => 64,
        _ => 32,
    };
    hmac_key_of_at_least(algorithm, secret, bytes_min)
}

/// Prepares a secret of at least `bytes_min` bytes.
pub(super) fn hmac_key_of_at_least(
    algorithm: Algorithm,
    secret: &SecretBytes,
    bytes_min: usize,
) -> Result<hmac::Key, KeyError> {
    let hash = match algorithm {
        Algorithm::Hs256 => hmac::HMAC_SHA256,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => return Err(KeyError::Algorithm { algorithm }),
    };
    if secret.len() < bytes_min {
        return Err(KeyError::Short { algorithm, bytes_min });
    }
    Ok(hmac::Key::new(hash, secret.expose()))
}

fn public_parameters(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::EdDsa => &signature::ED25519,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        other => rsa_parameters(other)?,
    })
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::EdDsa
        | Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512 => return None,
    })
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyError> {
    let top = modulus.first().map_or(0, |byte| 8 - byte.leading_zeros() as usize);
    let bits = modulus.len().saturating_sub(1) * 8 + top;
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::Modulus);
    }
    let odd = exponent.last().is_some_and(|byte| byte % 2 == 1);
    let large = match exponent {
        [a, b, c] => u32::from_be_bytes([0, *a, *b, *c]) >= 65537,
        longer => longer.len() > 3,
    };
    if odd && large { Ok(()) } else { Err(KeyError::Exponent) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_as_long_as_the_hash() {
        let check = |algorithm, length, expected: bool| {
            let secret = SecretBytes::new(vec![7; length]);
            assert_eq!(VerificationKey::hmac(algorithm, &secret).is_ok(), expected);
        };
        check(Algorithm::Hs256, 31, false);
        check(Algorithm::Hs256, 32, true);
        check(Algorithm::Hs384, 47, false);
        check(Algorithm::Hs384, 48, true);
        check(Algorithm::Hs512, 63, false);
        check(Algorithm::Hs512, 64, true);
        check(Algorithm::Rs256, 64, false);
    }

    #[test]
    fn rsa_numbers_hold_on_both_sides() {
        let modulus = |bits: usize| {
            let mut bytes = vec![0xff; bits.div_ceil(8)];
            if !bits.is_multiple_of(8) {
                bytes[0] = 0xff >> (8 - bits % 8);
            }
            bytes
        };
        let usual = [1, 0, 1];
        assert_eq!(check_rsa(&modulus(2047), &usual), Err(KeyError::Modulus));
        assert_eq!(check_rsa(&modulus(2048), &usual), Ok(()));
        assert_eq!(check_rsa(&modulus(8192), &usual), Ok(()));
        assert_eq!(check_rsa(&modulus(8193), &usual), Err(KeyError::Modulus));
        for (exponent, fits) in [
            (&[3][..], false),
            (&[0xff, 0xff], false),
            (&[1, 0, 0], false),
            (&[1, 0, 1], true),
            (&[1, 0, 2], false),
            (&[1, 0, 0, 1], true),
            (&[], false),
        ] {
            assert_eq!(check_rsa(&modulus(2048), exponent).is_ok(), fits, "{exponent:?}");
        }
    }

    #[test]
    fn a_key_prints_its_name_and_nothing_else() {
        let key = VerificationKey::hs256(&SecretBytes::new(vec![222; 32])).unwrap();
        let key = key.with_kid("k1").unwrap();
        assert_eq!(format!("{key:?}"), r#"VerificationKey(HS256, kid Some("k1"))"#);
        assert_eq!(key.with_kid("a b").map(drop), Err(KeyError::KeyId));
    }
}
