//! Why an edge token was turned away, or could not be made.
//!
//! Every error has a stable `code` for logs, counters and the decision's trace. Clients see
//! none of this: at the edge every refusal looks the same.

use portcullis_base::Timestamp;

use super::{TOKEN_BYTES_MAX, acl::AclError, path::PathFault};
use crate::{
    fault::{Fault, Refused, Step},
    lifetime::LifetimeError,
};

/// Why an edge token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EdgeTokenError {
    /// The token is bound to another address.
    #[error("the token is bound to another address")]
    Address,
    /// The MAC is as long as another algorithm's than the configured keys'.
    #[error("the MAC's length is that of another algorithm than the key's")]
    Algorithm,
    /// The request carries two differing tokens of one kind.
    #[error("the request carries two differing tokens of one kind")]
    Ambiguous,
    /// The token's time is over.
    #[error("the token could be used until {end}")]
    Expired {
        /// When it ended.
        end: Timestamp,
    },
    /// The MAC was not made with a key of ours over this token.
    #[error("the token's MAC is wrong")]
    Mac,
    /// The text is not a token.
    #[error("the token is malformed: {0}")]
    Malformed(FieldFault),
    /// The token names no end.
    #[error("the token names no end")]
    NoEnd,
    /// The token's time has not come.
    #[error("the token cannot be used before {start}")]
    NotYet {
        /// When it begins.
        start: Timestamp,
    },
    /// The token does not cover the path.
    #[error("the token does not cover the path")]
    Path,
    /// The request's path could be read in more than one way.
    #[error("the path cannot be checked against a token: {0}")]
    PathFault(PathFault),
    /// The token is longer than any of ours.
    #[error("the token is longer than 4000 bytes")]
    TooLong,
    /// A session token was shown as an access token, or the other way round.
    #[error("the token is of the other kind: an access token is not a session token")]
    WrongKind,
}

impl EdgeTokenError {
    /// A stable name for logs and traces.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address => "token.address",
            Self::Algorithm => "token.algorithm",
            Self::Ambiguous => "token.ambiguous",
            Self::Expired { .. } => "token.expired",
            Self::Mac => "token.signature",
            Self::Malformed(_) => "token.malformed",
            Self::NoEnd => "token.no_end",
            Self::NotYet { .. } => "token.not_yet",
            Self::Path => "token.path",
            Self::PathFault(_) => "path.malformed",
            Self::TooLong => "token.too_long",
            Self::WrongKind => "token.kind",
        }
    }
}

impl From<EdgeTokenError> for Fault {
    fn from(error: EdgeTokenError) -> Self {
        match error {
            EdgeTokenError::Address => Self::Address,
            EdgeTokenError::Algorithm => Self::Algorithm,
            EdgeTokenError::Ambiguous => Self::Ambiguous,
            EdgeTokenError::Expired { end } => Self::Expired { end },
            EdgeTokenError::Mac => Self::Signature,
            EdgeTokenError::Malformed(FieldFault::Duplicate { name }) => {
                Self::Duplicate { what: name.to_owned() }
            }
            EdgeTokenError::Malformed(fault) => Self::malformed(fault.to_string()),
            EdgeTokenError::NoEnd => Self::NoEnd,
            EdgeTokenError::NotYet { start } => Self::NotYet { start },
            EdgeTokenError::Path => Self::Path,
            EdgeTokenError::PathFault(fault) => Self::PathMalformed { what: fault.to_string() },
            EdgeTokenError::TooLong => Self::TooLong { bytes_max: TOKEN_BYTES_MAX },
            EdgeTokenError::WrongKind => {
                Self::Kind { what: "an access token is not a session token" }
            }
        }
    }
}

impl From<EdgeTokenError> for Refused {
    fn from(error: EdgeTokenError) -> Self {
        let step = match error {
            EdgeTokenError::Address => Step::Place,
            EdgeTokenError::Algorithm => Step::Key,
            EdgeTokenError::Ambiguous => Step::Presence,
            EdgeTokenError::Mac => Step::Signature,
            EdgeTokenError::Malformed(_) | EdgeTokenError::TooLong => Step::Form,
            EdgeTokenError::Path | EdgeTokenError::PathFault(_) => Step::Coverage,
            EdgeTokenError::WrongKind => Step::Kind,
            EdgeTokenError::Expired { .. }
            | EdgeTokenError::NoEnd
            | EdgeTokenError::NotYet { .. } => Step::Times,
        };
        Fault::from(error).at(step)
    }
}

impl From<LifetimeError> for EdgeTokenError {
    fn from(error: LifetimeError) -> Self {
        match error {
            LifetimeError::Empty { .. } => Self::Malformed(FieldFault::Span),
            LifetimeError::NotYet { start } => Self::NotYet { start },
            LifetimeError::Over { end } => Self::Expired { end },
        }
    }
}

impl From<FieldFault> for EdgeTokenError {
    fn from(fault: FieldFault) -> Self {
        Self::Malformed(fault)
    }
}

impl From<PathFault> for EdgeTokenError {
    fn from(fault: PathFault) -> Self {
        Self::PathFault(fault)
    }
}

/// What is wrong with the text of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldFault {
    /// The ACL is not one.
    #[error("{0}")]
    Acl(AclError),
    /// The address is not one.
    #[error("`ip` is not an address")]
    Address,
    /// A character that cannot stand in a token.
    #[error("a character other than printable ASCII")]
    Character,
    /// A field stands twice.
    #[error("a field stands twice: {name}")]
    Duplicate {
        /// Its name, if it has one here.
        name: &'static str,
    },
    /// The id is empty, too long, or not printable.
    #[error("`id` is not 1 to 64 printable characters")]
    Id,
    /// The last field is not `hmac` with as many lower-case hex digits as a MAC has.
    #[error("the last field is not `hmac` with 64, 40 or 32 lower-case hex digits")]
    Mac,
    /// A field that does not belong in this kind of token, or in any.
    #[error("a field that does not belong there")]
    Misplaced,
    /// A part without `=`.
    #[error("a part is not of the form `name=value`")]
    Nameless,
    /// A session token without an ACL.
    #[error("a session token without `acl`")]
    NoAcl,
    /// The end is no later than the start.
    #[error("`exp` is no later than `st`")]
    Span,
    /// A time is not 1 to 19 digits.
    #[error("a time is not 1 to 19 digits")]
    Time,
}

/// Why an edge token could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The payload begins with the word that marks session tokens.
    #[error("the payload of an access token cannot begin with `hdntl`")]
    DataReserved,
    /// The id cannot be on a revocation list.
    #[error("the id is not 1 to 64 letters, digits, `_` or `-`")]
    Id,
    /// The lifetime has no second in it.
    #[error("the token would end no later than it starts")]
    LifetimeEmpty,
    /// The lifetime is longer than the kind of token allows.
    #[error("a session token lives a day at most")]
    LifetimeTooLong,
    /// The path of a URL token could be read in more than one way.
    #[error("the path is not one: {0}")]
    Path(PathFault),
    /// The ACL admits everything and this was not asked for.
    #[error("the ACL would admit every path")]
    RootAcl,
    /// The token would be longer than it may be.
    #[error("the token would be longer than 4000 bytes")]
    TooLong,
    /// A value would be read as something else than was meant.
    #[error("`{field}` has a character that this way of writing leaves unprotected")]
    Unprotected {
        /// The field it was for.
        field: &'static str,
    },
}

impl IssueError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DataReserved => "issue.data_reserved",
            Self::Id => "issue.id",
            Self::LifetimeEmpty => "issue.lifetime_empty",
            Self::LifetimeTooLong => "issue.lifetime_too_long",
            Self::Path(_) => "issue.path",
            Self::RootAcl => "issue.root_acl",
            Self::TooLong => "issue.too_long",
            Self::Unprotected { .. } => "issue.unprotected",
        }
    }
}

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyTextError {
    /// There are no digits.
    #[error("the key is empty")]
    Empty,
    /// There is something other than hex digits.
    #[error("the key is not written in hex digits")]
    NotHex,
    /// The last byte lacks a digit.
    #[error("the key has an odd number of hex digits")]
    OddDigits,
    /// There are more digits than a key has.
    #[error("the key has more than 128 hex digits")]
    TooLong,
}

impl KeyTextError {
    /// A stable name for logs and answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "key.empty",
            Self::NotHex => "key.not_hex",
            Self::OddDigits => "key.odd_digits",
            Self::TooLong => "key.too_long",
        }
    }
}
