//! Permission to open one content key.
//!
//! Holds no key and cannot open one: the vault does, and asks for this. Grants are made by
//! `decide_license` and `decide_packaging` and by nothing else.

use portcullis_base::{ContentId, KeyId, TenantId};

/// Permission to open one content key, for the caller and the purpose it was decided for.
///
/// It cannot be made outside this crate:
///
/// ```compile_fail,E0451
/// let forged = portcullis_policy::Grant {
///     tenant: "t1".parse().unwrap(),
///     content: "film".parse().unwrap(),
///     kid: portcullis_base::KeyId::from_bytes([0; 16]),
///     purpose: portcullis_policy::Purpose::License,
/// };
/// ```
///
/// nor come from nowhere:
///
/// ```compile_fail,E0277
/// fn made_of_nothing<T: Default>() -> T { T::default() }
/// let forged: portcullis_policy::Grant = made_of_nothing();
/// ```
///
/// nor be used for two:
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(one: &T) -> T { one.clone() }
/// fn spend(grant: &portcullis_policy::Grant) { twice(grant); }
/// ```
#[derive(Debug)]
#[must_use = "a grant that is not acted on must be recorded as abandoned"]
pub struct Grant {
    tenant: TenantId,
    content: ContentId,
    kid: KeyId,
    purpose: Purpose,
}

impl Grant {
    /// SECURITY: callable inside this crate only, after a decision came out as yes.
    pub(crate) const fn new(
        tenant: TenantId,
        content: ContentId,
        kid: KeyId,
        purpose: Purpose,
    ) -> Self {
        Self { tenant, content, kid, purpose }
    }

    /// Whose key may be opened.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The content the key belongs to.
    #[must_use]
    pub const fn content(&self) -> &ContentId {
        &self.content
    }

    /// The key that may be opened.
    #[must_use]
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// What the key may be used for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }
}

/// What an opened key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be put into a license.
    License,
    /// To encrypt media.
    Packaging,
}

impl Purpose {
    /// The name used in audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::License => "license",
            Self::Packaging => "packaging",
        }
    }
}
