//! Who is entitled to a content: the operator's list of users.
//!
//! The list itself stays in the store. A decision sees only the entry of the one user it is
//! about, and checks that the entry is indeed that user's.

use portcullis_base::UserId;

use super::Window;

/// Whether the list is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntitlementRule {
    /// Everybody who meets the other rules.
    Anyone,
    /// Users on the content's list.
    Listed,
}

/// What the list says about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entitlement {
    /// The user is not on the list, or nobody was asked about.
    Absent,
    /// The user is on the list.
    Listed {
        /// Which user.
        subject: UserId,
        /// While the entitlement lasts.
        window: Window,
    },
    /// The list could not be read. Where it is needed, the decision refuses.
    Unavailable,
}
