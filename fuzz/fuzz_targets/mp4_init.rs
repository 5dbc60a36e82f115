//! `moov` from anybody: no panic, no samples outside the file, no more of them than it can hold.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_media::{
    avc::ParameterSets,
    bmff::{Codec, moov},
};

/// The payload says where samples are; this is how far they may reach.
const FILE_LEN: u64 = 1 << 20;

fuzz_target!(|payload: &[u8]| {
    let Ok(movie) = moov::parse(payload, FILE_LEN) else { return };
    let mut claimed = 0;
    for track in &movie.tracks {
        for sample in &track.samples {
            assert!(sample.range().end <= FILE_LEN);
            claimed += u64::from(sample.size);
        }
        assert!(track.timescale != 0);
        if let Codec::Avc(config) = &track.sample_entry.codec {
            drop(ParameterSets::from_config(config));
        }
    }
    assert!(claimed <= FILE_LEN);
});
