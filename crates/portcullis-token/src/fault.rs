//! Why a token was refused: one closed set for every family.
//!
//! A fault has a stable code for logs, test sets and decisions, and a text for the operator.
//! It repeats nothing of the token except names of fields and times. What a client is told
//! is decided elsewhere, and is less.

use portcullis_base::Timestamp;

use crate::lifetime::LifetimeError;

/// The check at which a token was refused. In the order in which checks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// There is a token, and one only.
    Presence,
    /// It can be read as one of its format.
    Form,
    /// It is of the kind that is asked for.
    Kind,
    /// A key of ours is meant.
    Key,
    /// The signature was made with that key over this token.
    Signature,
    /// Its time has come and is not over.
    Times,
    /// It comes from whom it should.
    Issuer,
    /// It is meant for us.
    Audience,
    /// It says what it must, and nothing we cannot honour.
    Claims,
    /// It covers what is asked for: path, URL, method, headers.
    Coverage,
    /// It is used from where it may be: address, country, device.
    Place,
    /// What it says of the license can be read.
    Terms,
    /// It is for this DRM system.
    System,
    /// It is for this content, or these keys.
    Content,
    /// It was not used too often and not revoked.
    Uses,
}

impl Step {
    /// The word for this step in reports and test sets.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audience => "audience",
            Self::Claims => "claims",
            Self::Content => "content",
            Self::Coverage => "coverage",
            Self::Form => "form",
            Self::Issuer => "issuer",
            Self::Key => "key",
            Self::Kind => "kind",
            Self::Place => "place",
            Self::Presence => "presence",
            Self::Signature => "signature",
            Self::System => "system",
            Self::Terms => "terms",
            Self::Times => "times",
            Self::Uses => "uses",
        }
    }
}

/// A token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct Refused {
    /// At which check.
    pub step: Step,
    /// Why.
    pub fault: Fault,
}

/// Why a token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no token.
    #[error("there is no token")]
    Absent,
    /// The token may not be used from this address.
    #[error("the token may not be used from this address")]
    Address,
    /// The token's algorithm is not the one its key is for.
    #[error("the token's algorithm is not the one its key is for")]
    Algorithm,
    /// The request carries two differing tokens of one kind.
    #[error("the request carries two differing tokens of one kind")]
    Ambiguous,
    /// The token is meant for somebody else.
    #[error("the token is meant for another audience")]
    Audience,
    /// A claim is missing or has a wrong value.
    #[error("the claim `{name}` is missing or wrong")]
    Claim {
        /// The claim, by the format's own name.
        name: String,
    },
    /// The token is for other content or other keys.
    #[error("the token is for other content")]
    Content,
    /// A field or member stands twice.
    #[error("a field stands twice: {what}")]
    Duplicate {
        /// Which.
        what: String,
    },
    /// The token's time is over.
    #[error("the token could be used until {end}")]
    Expired {
        /// When it ended: the first second outside.
        end: Timestamp,
    },
    /// Something in the token's header is not accepted.
    #[error("the header's `{name}` is not accepted")]
    Header {
        /// The member.
        name: String,
    },
    /// The token says it was made later than now.
    #[error("the token says it was made at {at}, which is in the future")]
    IssuedAhead {
        /// When, by its own word.
        at: Timestamp,
    },
    /// The token lacks a field without which it is none, or holds something else there.
    #[error("the token lacks the field `{name}`")]
    Incomplete {
        /// The field, by the format's own name.
        name: String,
    },
    /// The token comes from somebody else.
    #[error("the token comes from another issuer")]
    Issuer,
    /// No key of ours is the one the token names.
    #[error("no known key is the one the token names")]
    Key,
    /// The token is of another kind.
    #[error("the token is of another kind: {what}")]
    Kind {
        /// What it is, or what was expected.
        what: &'static str,
    },
    /// The token lives longer than is accepted.
    #[error("the token lives longer than the {seconds_max} s that are accepted")]
    Lifetime {
        /// How long is accepted.
        seconds_max: u64,
    },
    /// The text is not a token of this format.
    #[error("the token is malformed: {what}")]
    Malformed {
        /// What is wrong.
        what: String,
    },
    /// The token does not allow this method.
    #[error("the token does not allow this method")]
    Method,
    /// The token names no end.
    #[error("the token names no end")]
    NoEnd,
    /// The token's time has not come.
    #[error("the token cannot be used before {start}")]
    NotYet {
        /// When it begins.
        start: Timestamp,
    },
    /// The token does not cover the path or URL.
    #[error("the token does not cover what is asked for")]
    Path,
    /// The path could be read in more than one way.
    #[error("the path could be read in more than one way: {what}")]
    PathMalformed {
        /// What is wrong with it.
        what: String,
    },
    /// The token may not be used from this country.
    #[error("the token may not be used from this country")]
    Place,
    /// The request lacks what the check needs.
    #[error("the request says nothing of its {what}, which this token needs")]
    RequestLacks {
        /// What is lacking: `url`, `address` …
        what: &'static str,
    },
    /// The token was revoked.
    #[error("the token was revoked")]
    Revoked,
    /// The signature was not made with a key of ours over this token.
    #[error("the token's signature is wrong")]
    Signature,
    /// The token is for another DRM system.
    #[error("the token is for another DRM system")]
    System,
    /// What the token says of the license cannot be read or contradicts itself.
    #[error("the token's license terms are faulty: {what}")]
    Terms {
        /// What is wrong.
        what: String,
    },
    /// The token is longer than any of its format.
    #[error("the token is longer than {bytes_max} bytes")]
    TooLong {
        /// How long it may be.
        bytes_max: usize,
    },
    /// The encrypted part of the token does not decrypt. A client must not learn of it apart
    /// from a wrong signature.
    #[error("the token's encrypted part does not decrypt")]
    Undecryptable,
    /// The token demands something that cannot be enforced here.
    #[error("the token demands `{what}`, which cannot be enforced here")]
    Unsupported {
        /// The claim or field, by the format's own name.
        what: String,
    },
    /// The token was used as often as it may be.
    #[error("the token was used as often as it may be")]
    UsedUp,
}

impl Fault {
    /// A fault of form.
    #[must_use]
    pub fn malformed(what: impl Into<String>) -> Self {
        Self::Malformed { what: what.into() }
    }

    /// A fault in the terms.
    #[must_use]
    pub fn terms(what: impl Into<String>) -> Self {
        Self::Terms { what: what.into() }
    }

    /// A stable name for logs, test sets and decisions.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Absent => "token.missing",
            Self::Address => "token.address",
            Self::Algorithm => "token.algorithm",
            Self::Ambiguous => "token.ambiguous",
            Self::Audience => "token.audience",
            Self::Claim { .. } => "token.claim",
            Self::Content => "token.content",
            Self::Duplicate { .. } => "token.duplicate",
            Self::Expired { .. } => "token.expired",
            Self::Header { .. } => "token.header",
            Self::Incomplete { .. } => "token.incomplete",
            Self::IssuedAhead { .. } => "token.issued_ahead",
            Self::Issuer => "token.issuer",
            Self::Key => "token.key",
            Self::Kind { .. } => "token.kind",
            Self::Lifetime { .. } => "token.lifetime",
            Self::Malformed { .. } => "token.malformed",
            Self::Method => "token.method",
            Self::NoEnd => "token.no_end",
            Self::NotYet { .. } => "token.not_yet",
            Self::Path => "token.path",
            Self::PathMalformed { .. } => "path.malformed",
            Self::Place => "token.place",
            Self::RequestLacks { .. } => "request.lacks",
            Self::Revoked => "token.revoked",
            Self::Signature => "token.signature",
            Self::System => "token.system",
            Self::Terms { .. } => "token.terms",
            Self::TooLong { .. } => "token.too_long",
            Self::Undecryptable => "token.undecryptable",
            Self::Unsupported { .. } => "token.unsupported",
            Self::UsedUp => "token.used_up",
        }
    }

    /// The refusal at `step` for this reason.
    #[must_use]
    pub const fn at(self, step: Step) -> Refused {
        Refused { step, fault: self }
    }
}

impl From<LifetimeError> for Fault {
    fn from(error: LifetimeError) -> Self {
        match error {
            LifetimeError::Empty { .. } => Self::malformed("it ends no later than it starts"),
            LifetimeError::NotYet { start } => Self::NotYet { start },
            LifetimeError::Over { end } => Self::Expired { end },
        }
    }
}
