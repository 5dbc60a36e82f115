//! Samples of one track, from the source to encrypted segments.
//!
//! Segments are made in order, because parameter sets inside the samples take effect on those
//! that follow. No key is chosen here and no file written.

use std::io::{Read, Seek};
use std::ops::Range;

use portcullis_base::{Iv, Scheme};
use portcullis_keys::{ContentKey, derive};
use portcullis_media::{
    avc::{self, ParameterSets},
    bmff::{
        Codec, Sample,
        write::{
            Protection,
            fragment::{self, Fragment, FragmentSample, Roll, SampleFlags},
        },
    },
    cenc::{CbcsCipher, CounterBlock, Coverage, CtrCipher, Pattern},
};

use crate::{
    error::{Code, PackageError},
    plan::PlannedTrack,
    run::RunOptions,
    source::Source,
};

/// Encrypts one track, segment after segment.
#[derive(Debug)]
pub(crate) struct Encryptor<'a> {
    cipher: Cipher,
    decode_time: u64,
    /// The parameter sets seen so far and the size of NAL unit lengths; `None` for sound.
    nal: Option<(ParameterSets, u8)>,
    /// The samples of the segment made last. Kept, so that the next one finds its memory there.
    payload: Vec<u8>,
    planned: &'a PlannedTrack,
    protection: Protection,
    roll: Roll,
    sequence: u32,
}

/// The cipher of the track's scheme.
#[derive(Debug)]
enum Cipher {
    Cbcs(CbcsCipher),
    Cenc { cipher: CtrCipher, salt: [u8; 4] },
}

impl<'a> Encryptor<'a> {
    /// `number` is the track's place among all tracks of the plan.
    pub(crate) fn new(
        planned: &'a PlannedTrack,
        number: u16,
        asset_version: &[u8; 32],
        key: &ContentKey,
        options: &RunOptions,
    ) -> Result<Self, PackageError> {
        let kid = key.kid();
        let pattern = if planned.is_audio() { Pattern::Full } else { Pattern::OneInTen };
        let (cipher, protection) = match options.scheme {
            Scheme::Cbcs => {
                let iv: Iv = derive::constant_iv(&kid, asset_version, number.into());
                let cipher = CbcsCipher::new(key.expose(), iv, pattern);
                (Cipher::Cbcs(cipher), Protection::Cbcs { kid, iv, pattern })
            }
            Scheme::Cenc => {
                let salt = derive::iv_salt(options.edition, number);
                let cipher = CtrCipher::new(key.expose());
                (Cipher::Cenc { cipher, salt }, Protection::Cenc { kid })
            }
        };
        let nal = match &planned.track.sample_entry.codec {
            Codec::Avc(config) => {
                let sets = ParameterSets::from_config(config).map_err(|error| {
                    let detail = format!("`avcC`: {error}");
                    PackageError::new(Code::CorruptInput, detail).of_track(planned.track.id)
                })?;
                Some((sets, config.length_size))
            }
            Codec::Aac(_) | Codec::Unsupported(_) => None,
        };
        let skipped = planned.track.samples.iter().take(planned.timeline.first_sample);
        let skipped: u64 = skipped.map(|sample| u64::from(sample.duration)).sum();
        Ok(Self {
            cipher,
            decode_time: planned.timeline.base_decode_time + skipped,
            nal,
            payload: Vec::new(),
            planned,
            protection,
            roll: if roll_distance(planned).is_some() { Roll::Grouped } else { Roll::None },
            sequence: 1,
        })
    }

    pub(crate) const fn protection(&self) -> Protection {
        self.protection
    }

    /// Makes the segment of `samples`, which follows the one made before: its head, and its
    /// encrypted samples.
    pub(crate) fn segment<R: Read + Seek>(
        &mut self,
        source: &mut Source<R>,
        samples: Range<usize>,
    ) -> Result<Made<'_>, PackageError> {
        let planned = self.planned;
        let track_id = planned.track.id;
        let list = planned.track.samples.get(samples.clone()).unwrap_or(&[]);
        let mut payload = std::mem::take(&mut self.payload);
        payload.clear();
        read_samples(source, list, &mut payload).map_err(|error| error.of_track(track_id))?;
        let mut entries = Vec::with_capacity(list.len());
        let mut rest = payload.as_mut_slice();
        for (index, sample) in samples.zip(list) {
            let (bytes, tail) = rest.split_at_mut(sample.size as usize);
            rest = tail;
            let entry = self.sample(index, sample, bytes).map_err(|error| {
                error
                    .of_sample(index as u64, sample.offset)
                    .of_track(track_id)
                    .of_input(source.name())
            })?;
            entries.push(entry);
        }
        let fragment = Fragment {
            base_decode_time: self.decode_time,
            roll: self.roll,
            samples: &entries,
            sequence: self.sequence,
            track_id: TRACK_ID,
        };
        let head = fragment::write(&fragment).map_err(|error| {
            let error = PackageError::new(Code::UnsupportedFeature, error);
            error.of_track(track_id).of_input(source.name())
        })?;
        self.decode_time += entries.iter().map(|entry| u64::from(entry.duration)).sum::<u64>();
        self.sequence += 1;
        self.payload = payload;
        Ok(Made { head, payload: &self.payload })
    }

    /// Encrypts a sample in place and describes it.
    fn sample(
        &mut self,
        index: usize,
        sample: &Sample,
        bytes: &mut [u8],
    ) -> Result<FragmentSample, PackageError> {
        let bad = |error: &dyn std::fmt::Display| PackageError::new(Code::BadSample, error);
        let scheme = self.protection.scheme();
        let subsamples = match &mut self.nal {
            Some((sets, length_size)) => {
                avc::subsamples(bytes, sets, *length_size, scheme).map_err(|error| bad(&error))?
            }
            None => Vec::new(),
        };
        let coverage = match &self.nal {
            Some(_) => Coverage::Mapped(&subsamples),
            None => Coverage::Whole,
        };
        let iv = match &self.cipher {
            Cipher::Cbcs(cipher) => {
                cipher.encrypt(bytes, coverage).map_err(|error| bad(&error))?;
                None
            }
            Cipher::Cenc { cipher, salt } => {
                let iv = sample_iv(*salt, index)?;
                let start = CounterBlock::from_iv8(iv);
                cipher.apply(start, bytes, coverage).map_err(|error| bad(&error))?;
                Some(iv)
            }
        };
        let offset = sample.composition_offset.saturating_add(self.planned.timeline.offset_shift);
        Ok(FragmentSample {
            // INVARIANT: the timeline was built from offsets that fit after the shift.
            composition_offset: i32::try_from(offset).map_err(|error| bad(&error))?,
            duration: sample.duration,
            flags: SampleFlags::of(sample),
            iv,
            size: sample.size,
            subsamples,
        })
    }
}

/// A segment in memory.
pub(crate) struct Made<'a> {
    pub(crate) head: Vec<u8>,
    pub(crate) payload: &'a [u8],
}

/// The pre-roll distance that all samples of a track of sound share.
pub(crate) fn roll_distance(planned: &PlannedTrack) -> Option<i16> {
    let (first, rest) = planned.track.roll.split_first()?;
    let covered: u64 = planned.track.roll.iter().map(|run| u64::from(run.count)).sum();
    let uniform = rest.iter().all(|run| run.distance == first.distance);
    let whole = covered >= planned.track.samples.len() as u64;
    if planned.is_audio() && uniform && whole { first.distance } else { None }
}

/// Every file holds one track, and its number is 1: renditions among which a player switches
/// must agree, and Shaka Packager 3.8 crashes when it decrypts a lone track of another number.
pub(crate) const TRACK_ID: u32 = 1;

/// The IV of a sample: the salt of its track, then its number in decode order over the whole
/// track. Unique under a key because salts of tracks differ and numbers do not repeat.
fn sample_iv(salt: [u8; 4], index: usize) -> Result<[u8; 8], PackageError> {
    let number = u32::try_from(index).map_err(|_| {
        PackageError::new(Code::UnsupportedFeature, "a track of more than 2^32 samples")
    })?;
    let [a, b, c, d] = salt;
    let [e, f, g, h] = number.to_be_bytes();
    Ok([a, b, c, d, e, f, g, h])
}

/// Reads samples one after the other to the end of `payload`; neighbours in the file with one
/// read.
fn read_samples<R: Read + Seek>(
    source: &mut Source<R>,
    samples: &[Sample],
    payload: &mut Vec<u8>,
) -> Result<(), PackageError> {
    let mut pending: Range<u64> = 0..0;
    for sample in samples {
        let range = sample.range();
        if range.start == pending.end {
            pending.end = range.end;
            continue;
        }
        source.read_at(pending, payload)?;
        pending = range;
    }
    source.read_at(pending, payload)
}
