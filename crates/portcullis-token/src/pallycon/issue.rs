//! Makes tokens: compact JSON, members in the guide's order, nothing that a verification
//! would refuse.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{Timestamp, json::Value};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    KeyRotation, NO_USER, PallyConSite, ResponseFormat, TOKEN_BYTES_MAX, policy, system, timestamp,
    token::check_ids,
};
use crate::{claims::TokenSystem, fault::Fault};

/// What a token is to say.
#[derive(Clone, Copy, Debug)]
pub struct PallyConIssue<'a> {
    /// The DRM system: not Clear Key, for which the format has no word.
    pub system: TokenSystem,
    /// The viewer, 1 to 32 characters; `None` for nobody in particular.
    pub user: Option<&'a str>,
    /// The content, 1 to 200 bytes.
    pub content: &'a str,
    /// The policy of version 2, as JSON. It is sealed as it is, byte for byte.
    pub policy: &'a str,
    /// From when the token may be used.
    pub timestamp: Timestamp,
    /// How the license is to be wrapped.
    pub response_format: ResponseFormat,
    /// Whether the keys change while the content plays.
    pub key_rotation: KeyRotation,
}

/// Makes a token with the site's current keys.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(wish: &PallyConIssue<'_>, site: &PallyConSite) -> Result<String, IssueError> {
    let drm_type = system::word(wish.system).ok_or(IssueError::System)?;
    let user = wish.user.unwrap_or(NO_USER);
    check_ids(user, wish.content).map_err(IssueError::Id)?;
    if !site.settings.user_id.admits(user) {
        return Err(IssueError::UserIdRule);
    }
    let timestamp = timestamp::write(wish.timestamp).ok_or(IssueError::Timestamp)?;
    policy::check_current(wish.policy.as_bytes()).map_err(IssueError::Policy)?;

    let keys = site.current();
    let mut sealed = Zeroizing::new(Vec::with_capacity(wish.policy.len().saturating_add(16)));
    sealed.extend_from_slice(wish.policy.as_bytes());
    keys.seal(&mut sealed).ok_or(IssueError::Sealing)?;
    let policy = STANDARD.encode(&*sealed);
    let hash = keys.hash(&[drm_type, site.id(), user, wish.content, &policy, &timestamp]);

    let quoted = |text: &str| Value::from(text).to_string();
    let mut json = format!(
        r#"{{"drm_type":"{drm_type}","site_id":"{}","user_id":{},"cid":{},"policy":"{policy}","#,
        site.id(),
        quoted(user),
        quoted(wish.content),
    );
    json.push_str(&format!(
        r#""timestamp":"{timestamp}","hash":"{}","response_format":"{}","key_rotation":{}}}"#,
        STANDARD.encode(hash),
        wish.response_format.as_str(),
        wish.key_rotation == KeyRotation::Rotating,
    ));
    let token = STANDARD.encode(&json);
    json.zeroize();
    if token.len() > TOKEN_BYTES_MAX { Err(IssueError::TooLong) } else { Ok(token) }
}

/// Why a token could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The user id or the content id is empty, too long, or holds control characters.
    #[error("{0}")]
    Id(#[source] Fault),
    /// The policy is none of version 2.
    #[error("{0}")]
    Policy(#[source] Fault),
    /// The library could not encrypt.
    #[error("the policy could not be sealed")]
    Sealing,
    /// The format has no word for the DRM system.
    #[error("the format has no word for this DRM system")]
    System,
    /// The timestamp lies after the year 9999.
    #[error("the timestamp lies after the year 9999")]
    Timestamp,
    /// The token would be longer than it may be.
    #[error("the token would be longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// The user id is not of the form that the site's settings ask for.
    #[error("the user id is not of the form the site's settings ask for")]
    UserIdRule,
}

impl IssueError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Id(_) => "issue.id",
            Self::Policy(_) => "issue.policy",
            Self::Sealing => "issue.sealing",
            Self::System => "issue.system",
            Self::Timestamp => "issue.timestamp",
            Self::TooLong => "issue.too_long",
            Self::UserIdRule => "issue.user_id_rule",
        }
    }
}
