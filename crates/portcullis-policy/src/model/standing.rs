//! What was taken back before its time.

use std::{fmt, str::FromStr};

use crate::Reason;

/// What can be revoked.
///
/// SPEC: SEC-45.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectKind {
    /// An API key, by its id.
    ApiKey,
    /// A content, by its id.
    Content,
    /// A viewer's device, by the id tokens give it.
    Device,
    /// A key that verifies tokens, by its key id.
    IssuerKey,
    /// A content key, by its key id. No new license contains it.
    Key,
    /// A viewer's session, by the id tokens give it.
    Session,
    /// A tenant, by its id: everything it has.
    Tenant,
    /// One token, by its keyed digest.
    Token,
    /// A viewer.
    User,
}

impl SubjectKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ApiKey,
        Self::Content,
        Self::Device,
        Self::IssuerKey,
        Self::Key,
        Self::Session,
        Self::Tenant,
        Self::Token,
        Self::User,
    ];

    /// The name in commands, records and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::Content => "content",
            Self::Device => "device",
            Self::IssuerKey => "issuer-key",
            Self::Key => "kid",
            Self::Session => "session",
            Self::Tenant => "tenant",
            Self::Token => "token",
            Self::User => "user",
        }
    }

    /// Why a request is refused that such a thing stands behind.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::ApiKey | Self::Token => Reason::TokenRevoked,
            Self::Content => Reason::ContentRevoked,
            Self::Device => Reason::DeviceRevoked,
            Self::IssuerKey => Reason::TokenKey,
            Self::Key => Reason::KeyRevoked,
            Self::Session => Reason::SessionRevoked,
            Self::Tenant => Reason::TenantRevoked,
            Self::User => Reason::UserRevoked,
        }
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SubjectKind {
    type Err = SubjectKindError;

    fn from_str(name: &str) -> Result<Self, SubjectKindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or(SubjectKindError)
    }
}

/// The text names nothing that can be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected api-key, content, device, issuer-key, kid, session, tenant, token or user")]
pub struct SubjectKindError;

/// How a request and whatever stands behind it stand with the revocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing of it was revoked.
    Good,
    /// This was.
    Revoked(SubjectKind),
    /// What was revoked is not known, or too old to go by.
    Unknown,
}
