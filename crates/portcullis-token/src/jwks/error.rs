//! Why a set of keys was not read, and why a key was left out of one.

use portcullis_base::json::JsonError;

use crate::jwt::KeyError;

/// Why a document is not a set of keys, or not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// It is not JSON.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// The one key cannot be used.
    #[error("the key cannot verify tokens: {0}")]
    Key(#[source] JwkFault),
    /// It holds no list of keys.
    #[error("not a key set: expected an object with a list `keys`")]
    NotASet,
    /// It holds more keys than any issuer needs.
    #[error("more than 64 keys")]
    TooMany,
}

impl JwksError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "jwks.json",
            Self::Key(fault) => fault.code(),
            Self::NotASet => "jwks.form",
            Self::TooMany => "jwks.too_many",
        }
    }
}

/// Why a key was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkFault {
    /// The algorithm it names is not for signing, not spoken here, or for other keys.
    #[error("`alg` is not a signature algorithm for keys of this kind")]
    Algorithm,
    /// The curve it names is not spoken here.
    #[error("`crv` is not P-256, P-384 or Ed25519 as the kind of key demands")]
    Curve,
    /// Another key of the set has the same name and algorithm; that one is kept.
    #[error("an earlier key has the same `kid` and algorithm")]
    Duplicate,
    /// The bytes are no key, or a weak one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The kind of key is not known.
    #[error("`kty` is not RSA, EC or OKP")]
    Kind,
    /// A member is missing, of the wrong type or not in its one form.
    #[error("`{name}` is missing or malformed")]
    Member {
        /// Its name.
        name: &'static str,
    },
    /// The private half stands beside the public one.
    #[error("it contains the private key: everybody can sign with it")]
    Private,
    /// It is a shared secret.
    #[error("a shared secret cannot stand in a public document")]
    Secret,
    /// It is meant for something else.
    #[error("`use` or `key_ops` says that it does not verify signatures")]
    Use,
}

impl JwkFault {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Algorithm => "jwk.algorithm",
            Self::Curve => "jwk.curve",
            Self::Duplicate => "jwk.duplicate",
            Self::Key(error) => error.code(),
            Self::Kind => "jwk.kind",
            Self::Member { .. } => "jwk.member",
            Self::Private => "jwk.private",
            Self::Secret => "jwk.secret",
            Self::Use => "jwk.use",
        }
    }
}
