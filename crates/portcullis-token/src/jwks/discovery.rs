//! An issuer's discovery document: where its keys are.
//!
//! Of the many members two are read. That the issuer is the one a key policy trusts is for
//! the caller to say: the document does not decide whom to trust.
//!
//! SPEC: OpenID Connect Discovery 1.0 §3; RFC 8414 §2.

use portcullis_base::{
    OutboundUrl, OutboundUrlError,
    json::{self, JsonError, Object, Value},
};

/// What a discovery document says about keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Who issues tokens signed with these keys.
    pub issuer: String,
    /// Where the key set is.
    pub jwks_uri: OutboundUrl,
}

impl Discovery {
    /// Reads a discovery document.
    ///
    /// # Errors
    ///
    /// When it is not strict JSON, lacks one of the two members, or names a place for the
    /// keys that may not be called.
    pub fn parse(document: &[u8]) -> Result<Self, DiscoveryError> {
        let document = json::parse(document, &super::LIMITS)?;
        let members = document.as_object().ok_or(DiscoveryError::NotADocument)?;
        Ok(Self {
            issuer: text(members, "issuer")?.to_owned(),
            jwks_uri: text(members, "jwks_uri")?.parse()?,
        })
    }
}

fn text<'a>(members: &'a Object, name: &'static str) -> Result<&'a str, DiscoveryError> {
    let text = members.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty()).ok_or(DiscoveryError::Member { name })
}

/// Why a discovery document was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// It is not JSON.
    #[error("not strict JSON: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or no text.
    #[error("`{name}` is missing or malformed")]
    Member {
        /// Its name.
        name: &'static str,
    },
    /// It is not an object.
    #[error("not a discovery document: expected an object")]
    NotADocument,
    /// The place of the keys may not be called.
    #[error("`jwks_uri`: {0}")]
    Url(#[from] OutboundUrlError),
}

impl DiscoveryError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "discovery.json",
            Self::Member { .. } | Self::NotADocument => "discovery.member",
            Self::Url(_) => "discovery.url",
        }
    }
}
