//! What can be wrong with a media file, and where.
//!
//! A reader that meets a fault knows only the bytes before it. Every container on the way out
//! adds its own name, so the caller gets `moov/trak[2]/mdia/minf/stbl/stts: ...` without a
//! path being kept while all is well.

use std::fmt;

use super::BoxType;

/// A fault and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaError {
    path: String,
    fault: Fault,
}

impl MediaError {
    /// The boxes around the fault, outermost first, such as `moov/trak[2]/tkhd`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong there.
    #[must_use]
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// True when the file may well be fine and it is us who cannot handle it.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.fault, Fault::Unsupported(_))
    }

    /// The same fault, seen from the container `place`.
    #[must_use]
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.path =
            if self.path.is_empty() { place.to_string() } else { format!("{place}/{}", self.path) };
        self
    }

    /// The error for something that is no fault of the file: we do not handle it.
    #[must_use]
    pub fn unsupported(what: impl Into<String>) -> Self {
        Fault::Unsupported(what.into()).into()
    }
}

impl From<Fault> for MediaError {
    fn from(fault: Fault) -> Self {
        Self { path: String::new(), fault }
    }
}

impl fmt::Display for MediaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "{}", self.fault)
        } else {
            write!(f, "{}: {}", self.path, self.fault)
        }
    }
}

impl std::error::Error for MediaError {}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A field holds a value that it cannot have.
    #[error("`{field}` cannot be {value}")]
    BadValue {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// A box claims to be smaller than its own header, or larger than its container.
    #[error("a box `{kind}` of {size} bytes where {least} to {most} are possible")]
    BoxSize {
        /// The type of the box.
        kind: BoxType,
        /// The size it claims.
        size: u64,
        /// The size of its header.
        least: u64,
        /// What is left in the container.
        most: u64,
    },
    /// Two tables of a track describe different numbers of samples.
    #[error("`{table}` describes {count} samples, the track has {samples}")]
    CountMismatch {
        /// The table.
        table: BoxType,
        /// The samples it describes.
        count: u64,
        /// The samples of the track.
        samples: u64,
    },
    /// A box that may occur once occurs again.
    #[error("a second `{0}`")]
    Duplicate(BoxType),
    /// The samples are in another file.
    #[error("the media data is in another file; only self-contained files are read")]
    ExternalData,
    /// Something is larger than we accept.
    #[error("{what}: {value}, at most {most} are read")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// How much of it there is.
        value: u64,
        /// How much is accepted.
        most: u64,
    },
    /// A box that must be there is not.
    #[error("no `{0}`")]
    Missing(BoxType),
    /// A box inside a container says that it ends with the file.
    #[error("a box `{0}` without a size inside a container")]
    OpenEnd(BoxType),
    /// The samples together are larger than the file.
    #[error("the samples claim more bytes than the file has")]
    Overclaimed,
    /// A sum or product leaves the range of its type.
    #[error("{0} out of range")]
    Overflow(&'static str),
    /// A sample is not where media data is.
    #[error("sample {sample} at {start}..{end} lies outside the media data")]
    SampleOutside {
        /// Its number in decode order, from 0.
        sample: u64,
        /// Its first byte in the file.
        start: u64,
        /// The byte after its last.
        end: u64,
    },
    /// A table has more entries than there are bytes for them.
    #[error("{count} entries of {entry_size} bytes, but {left} bytes are left")]
    TableSize {
        /// The entries claimed.
        count: u64,
        /// Bytes per entry.
        entry_size: u64,
        /// The bytes left.
        left: u64,
    },
    /// Containers are nested deeper than [`DEPTH_MAX`](super::boxes::DEPTH_MAX).
    #[error("boxes nested more than {} deep", super::boxes::DEPTH_MAX)]
    TooDeep,
    /// Bytes are left over after the last field.
    #[error("{left} bytes after the last field")]
    Trailing {
        /// How many.
        left: u64,
    },
    /// The bytes end before the field does.
    #[error("{needed} bytes needed, {left} left")]
    Truncated {
        /// What the field needs.
        needed: u64,
        /// What is left.
        left: u64,
    },
    /// A fragment belongs to a track that `moov` does not declare.
    #[error("no track {0} in `moov`")]
    UnknownTrack(u32),
    /// Correct, as far as we can see, but not handled.
    #[error("{0} is not supported yet")]
    Unsupported(String),
}
