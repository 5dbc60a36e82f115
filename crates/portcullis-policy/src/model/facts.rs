//! All that a decision about a content may depend on, loaded beforehand.
//!
//! A decision gets facts, it does not fetch them; that is why it can be repeated for
//! `explain` and tried out with other facts.

use std::collections::BTreeSet;

use portcullis_base::KeyId;

use super::{Content, Entitlement, KeyPolicy, Standing};

/// What is known when a license or a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The content that was asked for.
    pub content: Content,
    /// The key policy the content names.
    pub key_policy: KeyPolicy,
    /// What the entitlement list says about the caller.
    pub entitled: Entitlement,
    /// Whether the caller, their token, the content or its tenant was revoked.
    pub standing: Standing,
    /// Which of the content's keys were revoked.
    pub revoked_keys: BTreeSet<KeyId>,
    /// How often the caller's token was used so far, where somebody looked. A request does
    /// not: it takes a use and is told whether there was one.
    pub used: Option<u32>,
}
