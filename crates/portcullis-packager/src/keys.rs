//! The keys of one content: one per class of tracks.
//!
//! They are lent by the caller and only looked up here. Where they come from and who may have
//! them was decided before.

use std::collections::BTreeMap;

use portcullis_base::{KeyId, TrackClass};
use portcullis_keys::ContentKey;

use crate::error::{Code, PackageError};

/// Content keys by class of tracks.
#[derive(Debug, Default)]
pub struct KeyRing<'a> {
    keys: BTreeMap<TrackClass, &'a ContentKey>,
}

impl<'a> KeyRing<'a> {
    /// Takes one key per class. Classes may share a key.
    ///
    /// # Errors
    ///
    /// When a class comes twice.
    pub fn new(
        keys: impl IntoIterator<Item = (TrackClass, &'a ContentKey)>,
    ) -> Result<Self, PackageError> {
        let mut ring = Self::default();
        for (class, key) in keys {
            if ring.keys.insert(class, key).is_some() {
                let detail = format!("two keys for tracks of class {class}");
                return Err(PackageError::new(Code::KeyMissing, detail));
            }
        }
        Ok(ring)
    }

    pub(crate) fn of_class(&self, class: TrackClass) -> Result<&'a ContentKey, PackageError> {
        self.keys.get(&class).copied().ok_or_else(|| {
            PackageError::new(Code::KeyMissing, format_args!("no key for tracks of class {class}"))
        })
    }

    /// The keys of `classes`, each once, in the order of their ids.
    pub(crate) fn distinct(
        &self,
        classes: &[TrackClass],
    ) -> Result<BTreeMap<KeyId, &'a ContentKey>, PackageError> {
        classes.iter().map(|&class| self.of_class(class).map(|key| (key.kid(), key))).collect()
    }
}
