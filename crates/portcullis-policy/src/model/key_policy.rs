//! A key policy: on which conditions, and with which terms, keys are given out.
//!
//! It names no keys and no contents; a content names its key policy. The secrets a token is
//! verified with are not here either: a decision only meets tokens that were verified. Where
//! an issuer publishes its public keys is here, because it says whom the policy trusts.

use std::{fmt, time::Duration};

use portcullis_base::{OutboundUrl, PolicyName, TrackClass};
use portcullis_drm::LicenseTerms;
use portcullis_token::jwt::Algorithm;

use super::{AddressRule, AllowedClasses, EntitlementRule};

/// On which conditions, and with which terms, keys are given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Its name.
    pub name: PolicyName,
    /// Whether a token is needed, and which.
    pub restriction: Restriction,
    /// What a license allows.
    pub terms: LicenseTerms,
    /// The track classes a license may contain keys for.
    pub classes: AllowedClasses,
    /// Whether the entitlement list is asked.
    pub entitlement: EntitlementRule,
    /// From where licenses may be asked for.
    pub addresses: AddressRule,
}

impl KeyPolicy {
    /// Whether a license may contain a key of this class.
    #[must_use]
    pub fn allows(&self, class: TrackClass) -> bool {
        self.classes.contains(class)
    }
}

/// Whether a token is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// No token is needed.
    Open,
    /// A token is needed.
    Token(TokenRestriction),
}

/// What a token must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRestriction {
    /// Who must have issued it, exactly.
    pub issuer: String,
    /// Whom it must be meant for, exactly.
    pub audience: String,
    /// Claims it must carry besides.
    pub required_claims: Vec<RequiredClaim>,
    /// Whether it must name what it is for.
    pub binding: Binding,
    /// By how much the issuer's clock may differ from ours.
    pub leeway: Duration,
    /// The longest life of a token, issued by us or by others.
    pub lifetime_max: Duration,
    /// Where the issuer publishes keys, besides those that were given to us.
    pub key_source: Option<KeySource>,
}

/// Where an issuer publishes the keys that verify its tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeySource {
    /// What is published there.
    pub kind: KeySourceKind,
    /// The place.
    pub url: OutboundUrl,
    /// The algorithm of RSA keys that name none.
    pub rsa: Algorithm,
}

/// The form for people; the values of a query are left out.
impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            KeySourceKind::KeySet => write!(f, "the key set at {}", self.url),
            KeySourceKind::OpenIdConfiguration => write!(f, "the issuer described at {}", self.url),
        }
    }
}

/// What an issuer publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySourceKind {
    /// A JSON Web Key set.
    KeySet,
    /// A discovery document, which names the place of the key set.
    OpenIdConfiguration,
}

/// A claim that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The claim's name.
    pub name: String,
    /// The value it must have; with `None` any value will do, except that a
    /// `contentkeyidentifier` must always name the key that is asked for.
    pub value: Option<String>,
}

/// Whether a token must name the content or the key it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// A token naming neither opens every content of the key policy. Programs written for
    /// other services issue such tokens.
    Optional,
    /// A token naming neither opens nothing.
    #[default]
    Required,
}
