//! Writing: CMAF headers and encrypted fragments.
//!
//! [`init`] writes the header of a track, [`fragment`] everything of a media segment that
//! stands before the sample data. Both are pure functions from values to bytes: the same
//! values give the same bytes, with no time of creation and no name of a tool in them. Sample
//! data is neither read nor encrypted here.
//!
//! SPEC: ISO/IEC 14496-12, ISO/IEC 23000-19 §7 (CMAF), ISO/IEC 23001-7 §7 and §8.

pub mod fragment;
pub mod init;
mod protection;

pub use protection::Protection;

/// Appends a box whose payload `body` writes.
fn put_box(out: &mut Vec<u8>, kind: [u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    body(out);
    let size = u32::try_from(out.len() - start)
        .expect("heads of segments are far below 4 GiB: their counts are checked first");
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&size.to_be_bytes());
    }
}

/// Appends a box that starts with a version and flags.
fn put_full_box(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    version: u8,
    flags: u32,
    body: impl FnOnce(&mut Vec<u8>),
) {
    put_box(out, kind, |out| {
        put_u32(out, u32::from(version) << 24 | flags);
        body(out);
    });
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_be_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend(value.to_be_bytes());
}

/// Values that no box can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The sample entry is not one box.
    #[error("the sample entry is not a box of its own length")]
    BadSampleEntry,
    /// Some samples of a fragment have an IV and others have none.
    #[error("sample {sample} and the first of its fragment disagree on having an IV")]
    IvsMixed {
        /// The index in the fragment.
        sample: usize,
    },
    /// The encryption record of a sample is longer than its size field can say.
    #[error("the encryption record of sample {sample} has {size} bytes, at most 255 fit")]
    RecordTooLong {
        /// The index in the fragment.
        sample: usize,
        /// The bytes it needs.
        size: usize,
    },
    /// A fragment has more samples or bytes than its boxes can count.
    #[error("a fragment of {samples} samples is too large")]
    TooLarge {
        /// The samples in it.
        samples: usize,
    },
}
