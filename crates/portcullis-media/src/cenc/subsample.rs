//! One entry of a subsample map.
//!
//! A sample is a sequence of entries: some clear bytes, then some protected ones. This type
//! only states the two counts; it neither finds them nor encrypts anything.
//!
//! SPEC: ISO/IEC 23001-7 §7.2, `BytesOfClearData` (16 bits), `BytesOfProtectedData` (32 bits).

/// Clear bytes followed by protected bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subsample {
    /// Bytes left as they are.
    pub clear: u16,
    /// Bytes that the scheme covers, directly after the clear ones.
    pub protected: u32,
}

impl Subsample {
    /// The bytes of the sample this entry covers.
    #[must_use]
    pub fn size(self) -> u64 {
        u64::from(self.clear) + u64::from(self.protected)
    }
}
