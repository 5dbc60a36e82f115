//! Axinom DRM: a license service message that holds an entitlement message.
//!
//! The envelope is a JSON Web Signature under a communication key, which the message itself
//! names. The entitlement message, version 2 or the older 1, says which keys a license may
//! hold, brings keys along, and says what the license may do. What it says and nobody here
//! could keep is a refusal, not a silence.
//!
//! A key that the message names and we do not have is answered like a wrong signature, and
//! takes as long.
//!
//! SPEC: Axinom License Service Message 1, Entitlement Message 1 and 2.

mod access;
mod format;
mod issue;
mod keys;
mod license;
mod message;
mod usage;
mod walk;

use std::{fmt, time::Duration};

use portcullis_base::{KeyId, SecretBytes, Timestamp};

pub use format::Axinom;
pub use issue::{Envelope, encrypt_key, issue};

use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused, Step},
    format::Request,
    jwt::{Algorithm, KeyError, SigningKey, VerificationKey},
    watch::Strict,
};

/// Whose messages are accepted, and how.
#[derive(Debug)]
pub struct Tenant {
    /// The communication keys; at most [`KEYS_MAX`](crate::jwt::KEYS_MAX) of one id are tried.
    pub keys: Vec<CommunicationKey>,
    /// By how much clocks may differ.
    pub leeway: Duration,
    /// What becomes of a message without `expiration_date`.
    pub endless: Endless,
}

/// What becomes of a message that names no end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Endless {
    /// It is accepted, as Axinom does. It is good for as long as the key is.
    DangerAccepted,
    /// It is refused.
    #[default]
    Refused,
}

/// A communication key: it signs messages and encrypts the content keys in them.
pub struct CommunicationKey {
    id: KeyId,
    verification: VerificationKey,
    signing: SigningKey,
    secret: SecretBytes,
}

impl CommunicationKey {
    /// How long the key is, in bytes.
    pub const BYTES: usize = 32;

    /// Prepares a key. `id` is the `com_key_id` that names it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Short`] unless it has 32 bytes.
    pub fn new(id: KeyId, secret: SecretBytes) -> Result<Self, KeyError> {
        let algorithm = Algorithm::Hs256;
        if secret.len() != Self::BYTES {
            return Err(KeyError::Short { algorithm, bytes_min: Self::BYTES });
        }
        Ok(Self {
            id,
            verification: VerificationKey::hs256(&secret)?,
            signing: SigningKey::hs256(&secret)?,
            secret,
        })
    }

    /// The id that names the key.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Debug for CommunicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommunicationKey({})", self.id)
    }
}

/// Verifies a message.
///
/// The request says which keys are asked for, for which DRM system and from where. A key asked
/// for that the message does not list refuses the whole.
///
/// # Errors
///
/// Says at which check the message was refused, and why.
pub fn verify(
    token: &str,
    tenant: &Tenant,
    request: &Request,
    now: Timestamp,
) -> Result<Verified<Claims>, Refused> {
    let walk = walk::Walk { tenant: Some(tenant), request: Some(request), now };
    match walk.go(token, &mut Strict)? {
        Some(claims) => Ok(Verified::new(claims)),
        None => Err(Fault::malformed("it could not be read").at(Step::Form)),
    }
}
