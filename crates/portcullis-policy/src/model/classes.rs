//! Which track classes a key policy gives licenses for.
//!
//! SEC-08: a license stops below a quality by leaving that quality's key out.

use std::collections::BTreeSet;

use portcullis_base::TrackClass;

/// The track classes a license may contain keys for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedClasses {
    /// Every class.
    Any,
    /// These; with an empty set, none.
    Only(BTreeSet<TrackClass>),
}

impl AllowedClasses {
    /// Whether a key of this class may be granted.
    #[must_use]
    pub fn contains(&self, class: TrackClass) -> bool {
        match self {
            Self::Any => true,
            Self::Only(classes) => classes.contains(&class),
        }
    }
}

/// Every track class, from sound to the highest quality.
#[must_use]
pub const fn every_class() -> [TrackClass; 5] {
    [TrackClass::Audio, TrackClass::Sd, TrackClass::Hd, TrackClass::Uhd1, TrackClass::Uhd2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_set_allows_nothing() {
        for class in every_class() {
            assert!(AllowedClasses::Any.contains(class));
            assert!(!AllowedClasses::Only(BTreeSet::new()).contains(class));
        }
    }
}
