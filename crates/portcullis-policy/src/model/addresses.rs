//! From which network addresses a content may be reached.
//!
//! Says what is allowed and denied; the comparison is made in `rules::address`. Where the
//! address of a request comes from (peer or trusted proxy, SEC-76) is the server's business.

use portcullis_base::Cidr;

/// Addresses that may and addresses that may not. An address in both may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRule {
    /// Who may.
    pub allow: AllowedAddresses,
    /// Who may not, whatever `allow` says.
    pub deny: Vec<Cidr>,
}

impl AddressRule {
    /// The rule that asks nothing: it is satisfied by an unknown address too.
    pub const NONE: Self = Self { allow: AllowedAddresses::Any, deny: Vec::new() };

    /// Whether the rule can be satisfied without knowing the address.
    #[must_use]
    pub const fn asks_nothing(&self) -> bool {
        matches!(self.allow, AllowedAddresses::Any) && self.deny.is_empty()
    }
}

/// The addresses that may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedAddresses {
    /// Every address that is not denied.
    Any,
    /// Those in one of these ranges; with an empty list, none.
    Only(Vec<Cidr>),
}
