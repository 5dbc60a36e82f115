//! Why something was refused.
//!
//! The codes are stable: programs, audit records and support staff rely on them. Each is
//! explained for operators in `docs/reasons.md` and stands at least once in the decision
//! matrix (`tests/it/matrix.txt`). A reason knows what kind of no it is, so that every front
//! door can choose its status without a list of its own; it does not know any status.

use std::{fmt, str::FromStr};

use portcullis_token::{edge::EdgeTokenError, jwt::JwtError};

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The content was revoked.
    ContentRevoked,
    /// There is no such content for this tenant.
    ContentUnknown,
    /// The viewer's device was revoked.
    DeviceRevoked,
    /// The user's entitlement to the content is over.
    EntitlementExpired,
    /// The user is not entitled to the content.
    EntitlementMissing,
    /// The user's entitlement to the content has not begun.
    EntitlementNotYet,
    /// No key asked for is of a track class the viewer may have.
    KeyClass,
    /// Every key asked for was revoked.
    KeyRevoked,
    /// No key asked for belongs to the content.
    KeyUnknown,
    /// The path could be read in more than one way.
    PathMalformed,
    /// The content may not be reached from this network address.
    PlaceAddress,
    /// Uses of tokens could not be counted.
    ReplayUnavailable,
    /// The API key's role does not permit this.
    RoleMissing,
    /// A rule that applies could not be evaluated.
    RuleUnavailable,
    /// The viewer's session was revoked.
    SessionRevoked,
    /// The tenant was revoked.
    TenantRevoked,
    /// The DRM system cannot enforce the terms of the license.
    TermsSystem,
    /// The token is for another network address.
    TokenAddress,
    /// No trusted key is for the token's algorithm.
    TokenAlgorithm,
    /// Two different tokens of one kind were presented.
    TokenAmbiguous,
    /// The token is meant for somebody else.
    TokenAudience,
    /// A claim the token must carry is missing or wrong.
    TokenClaim,
    /// The token is not for this content.
    TokenContent,
    /// The token is past its end.
    TokenExpired,
    /// The token's header says something that is not accepted.
    TokenHeader,
    /// The token comes from an issuer that is not trusted here.
    TokenIssuer,
    /// No trusted key has the token's key id.
    TokenKey,
    /// The keys of the token's issuer could not be fetched.
    TokenKeySource,
    /// The token is of a kind that is not accepted here.
    TokenKind,
    /// The token lives longer than is accepted.
    TokenLifetime,
    /// The token cannot be read.
    TokenMalformed,
    /// A token is needed and none was presented.
    TokenMissing,
    /// The token names no end.
    TokenNoEnd,
    /// The token is good for one use and has no id to be known by.
    TokenNoId,
    /// The token cannot be used yet.
    TokenNotYet,
    /// The token does not cover this path.
    TokenPath,
    /// The token was revoked.
    TokenRevoked,
    /// The token's signature does not match any trusted key.
    TokenSignature,
    /// The token is longer than any that is accepted.
    TokenTooLong,
    /// The content's key policy is open, there is no token to issue.
    TokenUnneeded,
    /// No use of the token is left.
    TokenUsedUp,
    /// The viewer was revoked.
    UserRevoked,
    /// The content's time window is over.
    WindowClosed,
    /// The content's time window has not begun.
    WindowNotOpen,
}

impl Reason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::ContentRevoked,
        Self::ContentUnknown,
        Self::DeviceRevoked,
        Self::EntitlementExpired,
        Self::EntitlementMissing,
        Self::EntitlementNotYet,
        Self::KeyClass,
        Self::KeyRevoked,
        Self::KeyUnknown,
        Self::PathMalformed,
        Self::PlaceAddress,
        Self::ReplayUnavailable,
        Self::RoleMissing,
        Self::RuleUnavailable,
        Self::SessionRevoked,
        Self::TenantRevoked,
        Self::TermsSystem,
        Self::TokenAddress,
        Self::TokenAlgorithm,
        Self::TokenAmbiguous,
        Self::TokenAudience,
        Self::TokenClaim,
        Self::TokenContent,
        Self::TokenExpired,
        Self::TokenHeader,
        Self::TokenIssuer,
        Self::TokenKey,
        Self::TokenKeySource,
        Self::TokenKind,
        Self::TokenLifetime,
        Self::TokenMalformed,
        Self::TokenMissing,
        Self::TokenNoEnd,
        Self::TokenNoId,
        Self::TokenNotYet,
        Self::TokenPath,
        Self::TokenRevoked,
        Self::TokenSignature,
        Self::TokenTooLong,
        Self::TokenUnneeded,
        Self::TokenUsedUp,
        Self::UserRevoked,
        Self::WindowClosed,
        Self::WindowNotOpen,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ContentRevoked => "content.revoked",
            Self::ContentUnknown => "content.unknown",
            Self::DeviceRevoked => "device.revoked",
            Self::EntitlementExpired => "entitlement.expired",
            Self::EntitlementMissing => "entitlement.missing",
            Self::EntitlementNotYet => "entitlement.not_yet",
            Self::KeyClass => "key.class",
            Self::KeyRevoked => "key.revoked",
            Self::KeyUnknown => "key.unknown",
            Self::PathMalformed => "path.malformed",
            Self::PlaceAddress => "place.address",
            Self::ReplayUnavailable => "replay.unavailable",
            Self::RoleMissing => "role.missing",
            Self::RuleUnavailable => "rule.unavailable",
            Self::SessionRevoked => "session.revoked",
            Self::TenantRevoked => "tenant.revoked",
            Self::TermsSystem => "terms.system",
            Self::TokenAddress => "token.address",
            Self::TokenAlgorithm => "token.algorithm",
            Self::TokenAmbiguous => "token.ambiguous",
            Self::TokenAudience => "token.audience",
            Self::TokenClaim => "token.claim",
            Self::TokenContent => "token.content",
            Self::TokenExpired => "token.expired",
            Self::TokenHeader => "token.header",
            Self::TokenIssuer => "token.issuer",
            Self::TokenKey => "token.key",
            Self::TokenKeySource => "token.key_source",
            Self::TokenKind => "token.kind",
            Self::TokenLifetime => "token.lifetime",
            Self::TokenMalformed => "token.malformed",
            Self::TokenMissing => "token.missing",
            Self::TokenNoEnd => "token.no_end",
            Self::TokenNoId => "token.no_id",
            Self::TokenNotYet => "token.not_yet",
            Self::TokenPath => "token.path",
            Self::TokenRevoked => "token.revoked",
            Self::TokenSignature => "token.signature",
            Self::TokenTooLong => "token.too_long",
            Self::TokenUnneeded => "token.unneeded",
            Self::TokenUsedUp => "token.used_up",
            Self::UserRevoked => "user.revoked",
            Self::WindowClosed => "window.closed",
            Self::WindowNotOpen => "window.not_open",
        }
    }

    /// What kind of no this is.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::EntitlementExpired
            | Self::EntitlementMissing
            | Self::EntitlementNotYet
            | Self::KeyClass
            | Self::UserRevoked
            | Self::TenantRevoked
            | Self::SessionRevoked
            | Self::KeyRevoked
            | Self::DeviceRevoked
            | Self::ContentRevoked
            | Self::PlaceAddress
            | Self::RoleMissing
            | Self::TermsSystem
            | Self::TokenAddress
            | Self::TokenContent
            | Self::TokenPath
            | Self::TokenUnneeded
            | Self::WindowClosed
            | Self::WindowNotOpen
            | Self::PathMalformed => Kind::Forbidden,
            Self::ContentUnknown | Self::KeyUnknown => Kind::NotFound,
            Self::TokenAmbiguous
            | Self::TokenAudience
            | Self::TokenClaim
            | Self::TokenExpired
            | Self::TokenIssuer
            | Self::TokenKind
            | Self::TokenLifetime
            | Self::TokenMalformed
            | Self::TokenMissing
            | Self::TokenNotYet
            | Self::TokenSignature
            | Self::TokenNoEnd
            | Self::TokenNoId
            | Self::TokenTooLong
            | Self::TokenUsedUp
            | Self::TokenRevoked
            | Self::TokenAlgorithm
            | Self::TokenHeader
            | Self::TokenKey => Kind::Unauthenticated,
            Self::ReplayUnavailable | Self::RuleUnavailable | Self::TokenKeySource => {
                Kind::Unavailable
            }
        }
    }

    /// What it means, in one sentence without a full stop.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ContentRevoked => "the content was revoked",
            Self::ContentUnknown => "there is no such content for this tenant",
            Self::DeviceRevoked => "the viewer's device was revoked",
            Self::EntitlementExpired => "the user's entitlement to the content is over",
            Self::EntitlementMissing => "the user is not entitled to the content",
            Self::EntitlementNotYet => "the user's entitlement to the content has not begun",
            Self::KeyClass => "no key asked for is of a track class the viewer may have",
            Self::KeyRevoked => "every key asked for was revoked",
            Self::KeyUnknown => "no key asked for belongs to the content",
            Self::PathMalformed => "the path could be read in more than one way",
            Self::PlaceAddress => "the content may not be reached from this network address",
            Self::ReplayUnavailable => "uses of tokens could not be counted",
            Self::RoleMissing => "the API key's role does not permit this",
            Self::RuleUnavailable => "a rule that applies could not be evaluated",
            Self::SessionRevoked => "the viewer's session was revoked",
            Self::TenantRevoked => "the tenant was revoked",
            Self::TermsSystem => "the DRM system cannot enforce the terms of the license",
            Self::TokenAddress => "the token is for another network address",
            Self::TokenAlgorithm => "no trusted key is for the token's algorithm",
            Self::TokenAmbiguous => "two different tokens of one kind were presented",
            Self::TokenAudience => "the token is meant for somebody else",
            Self::TokenClaim => "a claim the token must carry is missing or wrong",
            Self::TokenContent => "the token is not for this content",
            Self::TokenExpired => "the token is past its end",
            Self::TokenHeader => "the token's header says something that is not accepted",
            Self::TokenIssuer => "the token comes from an issuer that is not trusted here",
            Self::TokenKey => "no trusted key has the token's key id",
            Self::TokenKeySource => "the keys of the token's issuer could not be fetched",
            Self::TokenKind => "the token is of a kind that is not accepted here",
            Self::TokenLifetime => "the token lives longer than is accepted",
            Self::TokenMalformed => "the token cannot be read",
            Self::TokenMissing => "a token is needed and none was presented",
            Self::TokenNoEnd => "the token names no end",
            Self::TokenNoId => "the token is good for one use and has no id to be known by",
            Self::TokenNotYet => "the token cannot be used yet",
            Self::TokenPath => "the token does not cover this path",
            Self::TokenRevoked => "the token was revoked",
            Self::TokenSignature => "the token's signature does not match any trusted key",
            Self::TokenTooLong => "the token is longer than any that is accepted",
            Self::TokenUnneeded => "the content's key policy is open, there is no token to issue",
            Self::TokenUsedUp => "no use of the token is left",
            Self::UserRevoked => "the viewer was revoked",
            Self::WindowClosed => "the content's time window is over",
            Self::WindowNotOpen => "the content's time window has not begun",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Reason {
    type Err = ReasonError;

    fn from_str(code: &str) -> Result<Self, ReasonError> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code).ok_or(ReasonError)
    }
}

impl From<&EdgeTokenError> for Reason {
    fn from(error: &EdgeTokenError) -> Self {
        Self::of_token(error.code())
    }
}

impl From<&JwtError> for Reason {
    fn from(error: &JwtError) -> Self {
        Self::of_token(error.code())
    }
}

impl Reason {
    /// The token formats keep to this list of codes; a test goes through theirs. Should one
    /// be new, the token is no good all the same.
    fn of_token(code: &str) -> Self {
        code.parse().unwrap_or(Self::TokenMalformed)
    }

    /// The reason while the keys an issuer publishes cannot be had. What one of them might
    /// have verified is not the caller's fault; everything else still is.
    #[must_use]
    pub fn without_key_set(error: &JwtError) -> Self {
        match error {
            JwtError::Algorithm | JwtError::Key | JwtError::Signature => Self::TokenKeySource,
            other => other.into(),
        }
    }
}

/// The text is not the code of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the code of a reason")]
pub struct ReasonError;

/// What kind of no a reason is. A front door maps these four to its own statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// We know enough about the caller to say no; presenting another credential of the same
    /// caller will not help.
    Forbidden,
    /// There is nothing of that name, or nothing this caller may know of.
    NotFound,
    /// The credential is missing or not good; a good one may help.
    Unauthenticated,
    /// Something of ours is missing; the caller did nothing wrong.
    Unavailable,
}

impl Kind {
    /// The name used in documents and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotFound => "not found",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_complete_and_in_order_of_codes() {
        // Declaration order is the order of the list, so the last one counts them all.
        assert_eq!(Reason::ALL.len(), Reason::WindowNotOpen as usize + 1);
        assert!(Reason::ALL.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn every_code_leads_back_to_its_reason() {
        for reason in Reason::ALL {
            assert_eq!(reason.code().parse(), Ok(*reason));
        }
        assert_eq!("token".parse::<Reason>(), Err(ReasonError));
    }
}
