//! What a verified token says.
//!
//! It carries the policy in the words of the one model of terms; what only this format has is
//! here by name.

use portcullis_base::{Timestamp, json::Object};

use super::policy::Policy;
use crate::{
    claims::{Claims, TokenSystem, Uses},
    identity::{TokenFormat, TokenIdentity},
};

/// What a token says.
#[derive(Debug)]
pub struct PallyConClaims {
    /// The site it is of.
    pub site_id: String,
    /// The DRM system it is for.
    pub system: TokenSystem,
    /// The viewer, unless it is for nobody in particular.
    pub user: Option<String>,
    /// The content it is for.
    pub content: String,
    /// From when it may be used.
    pub timestamp: Timestamp,
    /// From when it may no longer be used.
    pub end: Timestamp,
    /// What the license may do.
    pub policy: Policy,
    /// How the license is to be wrapped. A client can change this.
    pub response_format: ResponseFormat,
    /// Whether the keys change while the content plays. A client can change this.
    pub key_rotation: KeyRotation,
    /// How often it may be used, by the site's settings.
    pub uses: Uses,
    pub(super) hash: [u8; 32],
}

impl PallyConClaims {
    /// What tells this token from every other (SEC-40).
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        identity(&self.site_id, &self.hash)
    }
}

impl From<PallyConClaims> for Claims {
    fn from(said: PallyConClaims) -> Self {
        let mut claims = Self {
            identity: said.identity(),
            issuer: Some(said.site_id),
            issued_at: Some(said.timestamp),
            start: Some(said.timestamp),
            end: Some(said.end),
            uses: said.uses,
            user: said.user,
            content: Some(said.content),
            system: Some(said.system),
            keys: said.policy.keys,
            terms: said.policy.terms,
            ..Self::default()
        };
        note_hints(&mut claims.other, said.response_format, said.key_rotation);
        claims
    }
}

/// How the license is wrapped in the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseFormat {
    /// In JSON, as the vendor's newer samples ask for it.
    Custom,
    /// In JSON.
    Json,
    /// Not at all.
    #[default]
    Original,
}

impl ResponseFormat {
    /// The word in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Json => "json",
            Self::Original => "original",
        }
    }

    /// The form of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Custom, Self::Json, Self::Original].into_iter().find(|form| form.as_str() == word)
    }
}

/// Whether the license is for keys that change while the content plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyRotation {
    /// The keys stay.
    #[default]
    Fixed,
    /// They change.
    Rotating,
}

impl KeyRotation {
    pub(super) const fn of(rotating: bool) -> Self {
        if rotating { Self::Rotating } else { Self::Fixed }
    }
}

pub(super) fn note_hints(other: &mut Object, format: ResponseFormat, rotation: KeyRotation) {
    if format != ResponseFormat::default() {
        other.insert("response_format".to_owned(), format.as_str().into());
    }
    if rotation == KeyRotation::Rotating {
        other.insert("key_rotation".to_owned(), true.into());
    }
}

pub(super) fn identity(site_id: &str, hash: &[u8; 32]) -> Option<TokenIdentity> {
    TokenIdentity::new(TokenFormat::PallyCon, site_id, hash)
}
