//! What can be wrong with an H.264 sample, and at which of its bytes.

/// A fault and its place in the sample or parameter set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {fault}")]
pub struct AvcError {
    /// Where the length field of the NAL unit starts, in bytes from the start of the sample;
    /// 0 for a parameter set of the sample entry.
    pub offset: usize,
    /// What is wrong there.
    pub fault: AvcFault,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AvcFault {
    /// A NAL unit is empty, or its length reaches past the end of the sample.
    #[error("a NAL unit of {length} bytes where {left} are left")]
    BadNalLength {
        /// The length it claims.
        length: u32,
        /// The bytes left after the length field.
        left: usize,
    },
    /// A field holds a value that it cannot have.
    #[error("`{field}` cannot be {value}")]
    BadValue {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u32,
    },
    /// A header ends in the middle of a field.
    #[error("the NAL unit ends inside its header")]
    HeaderCutOff,
    /// The length field of NAL units has a size that no file can have.
    #[error("NAL unit lengths of {0} bytes")]
    LengthSize(u8),
    /// The map has more entries than the size field of its record can state.
    #[error("{count} subsamples, at most {most} fit a record")]
    TooManySubsamples {
        /// The entries needed.
        count: usize,
        /// The entries that fit.
        most: usize,
    },
    /// A slice of a kind whose header is not read; leaving it clear would leave picture data
    /// unprotected.
    #[error("slices of NAL unit type {0} are not supported")]
    UnsupportedSlice(u8),
    /// A slice refers to a picture parameter set that was never sent.
    #[error("no picture parameter set {0}")]
    UnknownPps(u32),
    /// A picture parameter set refers to a sequence parameter set that was never sent.
    #[error("no sequence parameter set {0}")]
    UnknownSps(u32),
}
