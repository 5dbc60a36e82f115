//! The parameter sets in force: first those of the sample entry, then those met in samples.

use super::AvcError;
use crate::bmff::AvcConfig;

/// Sequence and picture parameter sets by id.
#[derive(Clone, Debug, Default)]
pub struct ParameterSets {}

impl ParameterSets {
    /// Starts with the sets of a sample entry.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read as far as slice headers need it.
    pub fn from_config(config: &AvcConfig) -> Result<Self, AvcError> {
        let _ = config;
        Ok(Self {})
    }
}
