//! Why a JSON Web Token was turned away or could not be made, and why a key was not taken.
//!
//! Every error has a stable `code`. Codes that edge tokens share have the same meaning there.

use portcullis_base::{Timestamp, json::JsonError};

use super::Algorithm;
use crate::lifetime::LifetimeError;

/// Why a token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// No key of ours is for the algorithm the header names.
    #[error("no key is configured for the token's algorithm")]
    Algorithm,
    /// The token is meant for somebody else.
    #[error("the token is meant for another audience")]
    Audience,
    /// A claim is malformed.
    #[error("the claim `{name}` is {found}, expected {expected}")]
    Claim {
        /// Its name.
        name: &'static str,
        /// What stands there.
        found: &'static str,
        /// What should.
        expected: &'static str,
    },
    /// The claims are not JSON.
    #[error("the claims are not strict JSON: {0}")]
    ClaimsText(#[source] JsonError),
    /// The token's time is over.
    #[error("the token could be used until {end}")]
    Expired {
        /// When it ended.
        end: Timestamp,
    },
    /// The text is not a compact signature.
    #[error("not a compact JWS: expected three segments of unpadded base64url")]
    Form,
    /// A header member is malformed, or one we refuse.
    #[error("the header member `{name}` is malformed or not accepted")]
    Header {
        /// Its name.
        name: &'static str,
    },
    /// The header is not JSON.
    #[error("the header is not strict JSON: {0}")]
    HeaderText(#[source] JsonError),
    /// The token says it was issued in the future.
    #[error("the token was issued at {issued_at}, which is in the future")]
    IssuedInFuture {
        /// When it says so.
        issued_at: Timestamp,
    },
    /// The token was issued by somebody else.
    #[error("the token was issued by another issuer")]
    Issuer,
    /// No key bears the name in the header.
    #[error("no key has the token's key id")]
    Key,
    /// The token lives longer than we allow.
    #[error("the token lives longer than the {seconds_max} s that are allowed")]
    LifetimeTooLong {
        /// How long is allowed.
        seconds_max: u64,
    },
    /// The token names no end.
    #[error("the token names no end")]
    NoEnd,
    /// The token is good for one use and has no id to be known by.
    #[error("the token is good for one use and has no `jti` to be known by")]
    NoId,
    /// The token's time has not come.
    #[error("the token cannot be used before {start}")]
    NotYet {
        /// When it begins.
        start: Timestamp,
    },
    /// The signature was not made with a key of ours over this token.
    #[error("the token's signature is wrong")]
    Signature,
    /// The token's end is no later than its start.
    #[error("the token's end is no later than its start")]
    Span,
    /// The token is longer than any of ours.
    #[error("the token is longer than 8192 bytes")]
    TooLong,
    /// The token is of another kind.
    #[error("the token's `typ` is of another kind")]
    Type,
}

impl JwtError {
    /// A stable name for logs and traces.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Algorithm => "token.algorithm",
            Self::Audience => "token.audience",
            Self::Claim { .. } => "token.claim",
            Self::ClaimsText(_) | Self::Form | Self::HeaderText(_) | Self::Span => {
                "token.malformed"
            }
            Self::Expired { .. } => "token.expired",
            Self::Header { .. } => "token.header",
            Self::IssuedInFuture { .. } | Self::NotYet { .. } => "token.not_yet",
            Self::Issuer => "token.issuer",
            Self::Key => "token.key",
            Self::LifetimeTooLong { .. } => "token.lifetime",
            Self::NoEnd => "token.no_end",
            Self::NoId => "token.no_id",
            Self::Signature => "token.signature",
            Self::TooLong => "token.too_long",
            Self::Type => "token.kind",
        }
    }
}

impl From<LifetimeError> for JwtError {
    fn from(error: LifetimeError) -> Self {
        match error {
            LifetimeError::Empty { .. } => Self::Span,
            LifetimeError::NotYet { start } => Self::NotYet { start },
            LifetimeError::Over { end } => Self::Expired { end },
        }
    }
}

/// Why a token could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// An extra claim bears the name of one that has a field of its own.
    #[error("an extra claim has the name of a registered one")]
    ClaimReserved,
    /// The lifetime has no second in it.
    #[error("the token would end no later than it starts")]
    LifetimeEmpty,
    /// The library could not sign.
    #[error("the key could not sign")]
    Signing,
    /// The token would be longer than it may be.
    #[error("the token would be longer than 8192 bytes")]
    TooLong,
}

impl IssueError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClaimReserved => "issue.claim_reserved",
            Self::LifetimeEmpty => "issue.lifetime_empty",
            Self::Signing => "issue.signing",
            Self::TooLong => "issue.too_long",
        }
    }
}

/// Why a key was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The algorithm needs another kind of key.
    #[error("{algorithm} does not work with this kind of key")]
    Algorithm {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The bytes are not an X.509 certificate.
    #[error("not an X.509 certificate in DER")]
    Certificate,
    /// The RSA exponent is even or small.
    #[error("the RSA exponent is not an odd number of at least 65537")]
    Exponent,
    /// The key id cannot stand in a header.
    #[error("a key id has 1 to 128 printable ASCII characters")]
    KeyId,
    /// The bytes are no key of the kind.
    #[error("there is no key of the kind that {algorithm} needs")]
    Malformed {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The RSA modulus is too short or too long.
    #[error("an RSA key has 2048 to 8192 bits")]
    Modulus,
    /// The text is not one PEM block of the expected label.
    #[error("not PEM text: expected one block labelled `{expected}`")]
    Pem {
        /// The label.
        expected: &'static str,
    },
    /// The secret is shorter than the hash.
    #[error("a secret for {algorithm} has at least {bytes_min} bytes")]
    Short {
        /// The algorithm.
        algorithm: Algorithm,
        /// How long it has to be.
        bytes_min: usize,
    },
}

impl KeyError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "key.algorithm",
            Self::Certificate => "key.certificate",
            Self::Exponent => "key.exponent",
            Self::KeyId => "key.key_id",
            Self::Malformed { .. } => "key.malformed",
            Self::Modulus => "key.modulus",
            Self::Pem { .. } => "key.pem",
            Self::Short { .. } => "key.short",
        }
    }
}
