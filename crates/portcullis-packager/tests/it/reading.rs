//! Reads packaged tracks back: a small reader of our own fragments, with decryption.
//!
//! It trusts nothing of the writer: offsets come from `saio` and `trun`, and are used.

use std::{collections::BTreeMap, ops::Range};

use portcullis_base::Iv;
use portcullis_media::{
    bmff::Boxes,
    cenc::{CbcsCipher, CounterBlock, Coverage, CtrCipher, Pattern, Subsample},
};

/// A track as its files say it.
pub(crate) struct ReadTrack {
    pub(crate) kid: [u8; 16],
    pub(crate) constant_iv: Option<[u8; 16]>,
    pub(crate) pattern: u8,
    pub(crate) scheme: [u8; 4],
    pub(crate) tenc_version: u8,
    pub(crate) timescale: u32,
    pub(crate) media_time: i64,
    pub(crate) samples: Vec<ReadSample>,
    pub(crate) segment_starts: Vec<u64>,
}

/// A sample as its segment says it.
pub(crate) struct ReadSample {
    pub(crate) decode_time: u64,
    pub(crate) composition_offset: i32,
    pub(crate) duration: u32,
    pub(crate) flags: u32,
    pub(crate) iv: Vec<u8>,
    pub(crate) map: Vec<Subsample>,
    pub(crate) bytes: Vec<u8>,
}

impl ReadTrack {
    pub(crate) fn read(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Self {
        let init = &files[&format!("{name}/init.mp4")];
        let mut track = Self::header(init);
        for number in 1.. {
            let Some(segment) = files.get(&format!("{name}/{number}.m4s")) else { break };
            track.segment(segment, number);
        }
        track
    }

    fn header(init: &[u8]) -> Self {
        let tenc = find(init, b"tenc").expect("tenc");
        let version = tenc[0];
        let iv_size = tenc[7];
        let constant_iv = (iv_size == 0).then(|| {
            assert_eq!(tenc[24], 16);
            tenc[25..41].try_into().unwrap()
        });
        let mdhd = find(init, b"mdhd").expect("mdhd");
        let elst = find(init, b"elst");
        Self {
            kid: tenc[8..24].try_into().unwrap(),
            constant_iv,
            pattern: tenc[5],
            scheme: find(init, b"schm").expect("schm")[4..8].try_into().unwrap(),
            tenc_version: version,
            timescale: u32_at(mdhd, 12),
            media_time: elst.map_or(0, |elst| i64::from(u32_at(elst, 12))),
            samples: Vec::new(),
            segment_starts: Vec::new(),
        }
    }

    fn segment(&mut self, segment: &[u8], number: u32) {
        let boxes = top_level(segment);
        let kinds: Vec<&[u8; 4]> = boxes.iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [b"styp", b"moof", b"mdat"]);
        let moof = &boxes[1].1;
        let body = &segment[moof.start + 8..moof.end];
        assert_eq!(u32_at(child(body, b"mfhd").unwrap(), 4), number);
        let traf = child(body, b"traf").unwrap();
        let decode_time =
            u64::from_be_bytes(child(traf, b"tfdt").unwrap()[4..12].try_into().unwrap());
        if let Some(last) = self.samples.last() {
            assert_eq!(decode_time, last.decode_time + u64::from(last.duration), "tfdt");
        }
        self.segment_starts.push(decode_time);
        let first = self.samples.len();
        let end = self.runs(segment, moof.start, traf, decode_time);
        assert_eq!(end, segment.len(), "samples fill mdat");
        self.auxiliary(segment, moof.start, traf, first);
    }

    /// `tfhd` and `trun`; answers where the samples end.
    fn runs(&mut self, segment: &[u8], moof: usize, traf: &[u8], mut decode_time: u64) -> usize {
        let tfhd = child(traf, b"tfhd").unwrap();
        let flags = u32_at(tfhd, 0) & 0xff_ffff;
        assert_eq!(flags & !0x02_0028, 0);
        let mut at = 8;
        let mut optional = |present: bool, bytes: &[u8]| {
            present.then(|| {
                at += 4;
                u32_at(bytes, at - 4)
            })
        };
        let default_duration = optional(flags & 0x8 != 0, tfhd);
        let default_flags = optional(flags & 0x20 != 0, tfhd);
        let trun = child(traf, b"trun").unwrap();
        assert_eq!(trun[0], 1);
        let flags = u32_at(trun, 0) & 0xff_ffff;
        let mut place = moof + u32_at(trun, 8) as usize;
        let mut at = 12;
        let mut optional = |present: bool| {
            present.then(|| {
                at += 4;
                u32_at(trun, at - 4)
            })
        };
        let mut first_flags = optional(flags & 0x4 != 0);
        for _ in 0..u32_at(trun, 4) {
            let duration = optional(flags & 0x100 != 0).or(default_duration).unwrap();
            let size = optional(flags & 0x200 != 0).unwrap() as usize;
            let own_flags = optional(flags & 0x400 != 0);
            let composition_offset = optional(flags & 0x800 != 0).unwrap_or(0) as i32;
            self.samples.push(ReadSample {
                decode_time,
                composition_offset,
                duration,
                flags: first_flags.take().or(own_flags).or(default_flags).unwrap(),
                iv: Vec::new(),
                map: Vec::new(),
                bytes: segment[place..place + size].to_vec(),
            });
            decode_time += u64::from(duration);
            place += size;
        }
        assert_eq!(at, trun.len());
        place
    }

    /// `saiz` and `saio`, checked against `senc`.
    fn auxiliary(&mut self, segment: &[u8], moof: usize, traf: &[u8], first: usize) {
        let senc = child(traf, b"senc").expect("one senc per fragment");
        let count = self.samples.len() - first;
        assert_eq!(u32_at(senc, 4) as usize, count);
        let Some(saiz) = child(traf, b"saiz") else {
            assert_eq!(senc.len(), 8);
            return;
        };
        assert_eq!(u32_at(saiz, 5) as usize, count);
        let saio = child(traf, b"saio").unwrap();
        assert_eq!(u32_at(saio, 4), 1);
        let mut records = &segment[moof + u32_at(saio, 8) as usize..];
        assert_eq!(records[..senc.len() - 8], senc[8..], "saio points at the records of senc");
        let iv_size = if self.constant_iv.is_some() { 0 } else { 8 };
        for (index, sample) in self.samples[first..].iter_mut().enumerate() {
            let size = match saiz[4] {
                0 => saiz[9 + index],
                constant => constant,
            };
            let (record, rest) = records.split_at(size as usize);
            records = rest;
            let (iv, map) = record.split_at(iv_size);
            sample.iv = iv.to_vec();
            if !map.is_empty() {
                assert_eq!(map.len(), 2 + 6 * usize::from(u16::from_be_bytes([map[0], map[1]])));
                sample.map = map[2..]
                    .chunks(6)
                    .map(|entry| Subsample {
                        clear: u16::from_be_bytes([entry[0], entry[1]]),
                        protected: u32_at(entry, 2),
                    })
                    .collect();
            }
        }
    }

    /// The samples in the clear.
    pub(crate) fn decrypted(&self, key: &[u8; 16]) -> Vec<Vec<u8>> {
        self.samples
            .iter()
            .map(|sample| {
                let mut bytes = sample.bytes.clone();
                let coverage = if sample.map.is_empty() {
                    Coverage::Whole
                } else {
                    Coverage::Mapped(&sample.map)
                };
                match self.constant_iv {
                    Some(iv) => {
                        let pattern =
                            if self.pattern == 0x19 { Pattern::OneInTen } else { Pattern::Full };
                        CbcsCipher::new(key, Iv(iv), pattern).decrypt(&mut bytes, coverage)
                    }
                    None => {
                        let iv = sample.iv.as_slice().try_into().unwrap();
                        let start = CounterBlock::from_iv8(iv);
                        CtrCipher::new(key).apply(start, &mut bytes, coverage)
                    }
                }
                .unwrap();
                bytes
            })
            .collect()
    }

    /// The presentation time of every sample, in ticks.
    pub(crate) fn presented(&self) -> Vec<i64> {
        let at = |sample: &ReadSample| {
            sample.decode_time as i64 + i64::from(sample.composition_offset) - self.media_time
        };
        self.samples.iter().map(at).collect()
    }
}

fn top_level(bytes: &[u8]) -> Vec<([u8; 4], Range<usize>)> {
    let mut at = 0;
    let mut found = Vec::new();
    while at < bytes.len() {
        let size = u32_at(bytes, at) as usize;
        found.push((bytes[at + 4..at + 8].try_into().unwrap(), at..at + size));
        at += size;
    }
    assert_eq!(at, bytes.len());
    found
}

/// The payload of a direct child.
fn child<'a>(payload: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut boxes = Boxes::new(payload).map(Result::unwrap);
    boxes.find(|child| &child.kind.0 == kind).map(|child| child.payload)
}

/// The payload of the first box of a kind anywhere in a header.
fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let at = bytes.windows(4).position(|window| window == kind)?;
    let size = u32_at(bytes, at - 4) as usize;
    Some(&bytes[at + 4..at - 4 + size])
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}
