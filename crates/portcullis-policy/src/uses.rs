//! Tokens that are good for a number of uses.
//!
//! The decision says that a use has to be taken and of what; it cannot take one, since that
//! changes something. The grant is therefore handed over closed: it opens against the word of
//! whoever counted ([`UseCount`]), and a front door that forgets to count gets no key.
//!
//! SPEC: SEC-40 to SEC-44.

use std::num::NonZeroU32;

use portcullis_base::{TenantId, Timestamp};
use portcullis_token::identity::TokenIdentity;

use crate::Reason;

/// A use that has to be taken before a license goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitedUse {
    /// Whose token it is.
    pub tenant: TenantId,
    /// What the token is known by.
    pub identity: TokenIdentity,
    /// How often it may be used.
    pub max: NonZeroU32,
    /// From when on nobody accepts the token any more, leeway included: its uses may be
    /// forgotten some time after.
    pub over: Timestamp,
}

/// What whoever counts uses said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseCount {
    /// Nobody was asked, as there was nothing to count.
    NotCounted,
    /// A use was free and is taken.
    Taken,
    /// Whoever counts could not be asked.
    Unavailable,
    /// No use is left.
    UsedUp,
}

impl UseCount {
    /// Whether a grant that needs a use, or none, opens against this.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub(crate) const fn settles(self, needed: Option<&LimitedUse>) -> Result<(), Reason> {
        match (needed, self) {
            (None, _) | (Some(_), Self::Taken) => Ok(()),
            (Some(_), Self::UsedUp) => Err(Reason::TokenUsedUp),
            (Some(_), Self::NotCounted | Self::Unavailable) => Err(Reason::ReplayUnavailable),
        }
    }
}
