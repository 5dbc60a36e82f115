//! A content and the ids of its keys.
//!
//! Key bytes are not here and cannot be reached from here: they lie sealed in the vault.

use portcullis_base::{ContentId, KeyId, PolicyName, Scheme, TenantId, TrackClass};

use super::Window;

/// What a viewer wants to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its id.
    pub id: ContentId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The key policy its licenses are decided by.
    pub key_policy: PolicyName,
    /// When it may be watched.
    pub window: Window,
    /// Its keys, by id.
    pub keys: Vec<TrackKey>,
}

impl Content {
    /// The key with this id, if it is one of this content's.
    #[must_use]
    pub fn key(&self, kid: &KeyId) -> Option<&TrackKey> {
        self.keys.iter().find(|key| key.kid == *kid)
    }
}

/// A content key without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackKey {
    /// The key's id.
    pub kid: KeyId,
    /// The tracks it opens.
    pub class: TrackClass,
    /// The scheme those tracks are encrypted with. One key is never used with two.
    pub scheme: Scheme,
}
