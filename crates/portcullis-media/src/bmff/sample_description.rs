//! `stsd`: the sample entries of a track, and which file their samples are in.
//!
//! SPEC: ISO/IEC 14496-12 §8.5.2, §8.7.2.

use super::{Boxes, Fault, MediaError, SampleEntry, TrackKind, boxes::required, sample_entry};

/// The entries of one track, each with the index of its data reference.
#[derive(Debug)]
pub(super) struct Descriptions {
    entries: Vec<(SampleEntry, u16)>,
}

impl Descriptions {
    /// Reads `stsd` among the boxes of `stbl`.
    pub(super) fn read(boxes: Boxes<'_>, kind: TrackKind) -> Result<Self, MediaError> {
        let [stsd] = boxes.collect_once([b"stsd"])?;
        let stsd = required(stsd, b"stsd")?;
        let (version, count) = stsd.read(|reader| {
            let (version, _) = reader.full_box()?;
            let count = reader.u32()?;
            reader.rest();
            Ok((version, count))
        })?;
        let read = || {
            let mut entries = Vec::new();
            for (number, child) in (1..).zip(stsd.boxes_after(8)?) {
                let child = child?;
                let place =
                    |error: MediaError| error.within(format_args!("{}[{number}]", child.kind));
                entries.push(sample_entry::parse(&child, kind, version).map_err(place)?);
            }
            if entries.len() as u64 != u64::from(count) || count == 0 {
                let fault = Fault::BadValue { field: "entry_count", value: count.into() };
                return Err(fault.into());
            }
            Ok(entries)
        };
        let entries = read().map_err(|error: MediaError| error.within(stsd.kind))?;
        Ok(Self { entries })
    }

    /// Checks that the samples of entry `index`, counted from 1, are in this file.
    /// `references` may be empty when the file does not declare any.
    pub(super) fn check_reference(
        &self,
        index: u32,
        references: &[bool],
    ) -> Result<(), MediaError> {
        let (_, reference) = self.get(index)?;
        let known = usize::from(*reference).checked_sub(1).and_then(|at| references.get(at));
        match known {
            Some(true) => Ok(()),
            Some(false) => Err(Fault::ExternalData.into()),
            None if references.is_empty() => Ok(()),
            None => {
                let value = u64::from(*reference);
                Err(Fault::BadValue { field: "data_reference_index", value }.into())
            }
        }
    }

    /// The entry `index`, counted from 1.
    pub(super) fn into_entry(mut self, index: u32) -> Result<SampleEntry, MediaError> {
        self.get(index)?;
        let at = usize::try_from(index.saturating_sub(1)).unwrap_or(usize::MAX);
        Ok(self.entries.swap_remove(at).0)
    }

    fn get(&self, index: u32) -> Result<&(SampleEntry, u16), MediaError> {
        let at = index.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.entries.get(at)).ok_or_else(|| {
            Fault::BadValue { field: "sample_description_index", value: index.into() }.into()
        })
    }
}
