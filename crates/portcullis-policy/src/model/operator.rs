//! Who acts for a tenant: a machine with an API key, or somebody at the command line.
//!
//! How an API key is checked is the server's business; here it has been.
//!
//! SPEC: SEC-62. A role never implies another.

use std::{fmt, str::FromStr};

use portcullis_base::TenantId;

/// Somebody who acts for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The holder of an API key.
    ApiKey {
        /// The tenant the key belongs to.
        tenant: TenantId,
        /// What the key may do.
        role: Role,
    },
    /// A user of this machine who can read the store and the root key anyway.
    Local {
        /// The tenant acted for.
        tenant: TenantId,
    },
}

impl Operator {
    /// The tenant acted for.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        match self {
            Self::ApiKey { tenant, .. } | Self::Local { tenant } => tenant,
        }
    }
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Edits policies and secrets; reads no key.
    Admin,
    /// Issues tokens.
    Issuer,
    /// Reads, revokes.
    Operator,
    /// Creates keys and takes them for packaging.
    Packager,
    /// Reads.
    Viewer,
}

impl Role {
    /// The name used in configuration and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Issuer => "issuer",
            Self::Operator => "operator",
            Self::Packager => "packager",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text {
            "admin" => Ok(Self::Admin),
            "issuer" => Ok(Self::Issuer),
            "operator" => Ok(Self::Operator),
            "packager" => Ok(Self::Packager),
            "viewer" => Ok(Self::Viewer),
            _ => Err(RoleError),
        }
    }
}

/// The text names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role: expected `admin`, `issuer`, `operator`, `packager` or `viewer`")]
pub struct RoleError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_as_it_prints() {
        for role in [Role::Admin, Role::Issuer, Role::Operator, Role::Packager, Role::Viewer] {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        assert_eq!("Admin".parse::<Role>(), Err(RoleError));
    }
}
