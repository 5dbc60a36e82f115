//! `moof` from anybody, appended to a movie of two tracks: no panic, no samples outside the file,
//! no more of them than it can hold.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_media::bmff::{Boxes, moof, moov};

const FILM: &[u8] =
    include_bytes!("../../crates/portcullis-media/tests/data/fragmented_moof_base.mp4");

/// The payload says where samples are; this is how far they may reach.
const FILE_LEN: u64 = 1 << 20;

fuzz_target!(|payload: &[u8]| {
    let mut boxes = Boxes::new(FILM).flatten();
    let moov = boxes.find(|child| child.kind.0 == *b"moov").expect("the fixture has a `moov`");
    let mut movie = moov::parse(moov.payload, FILE_LEN).expect("it has no samples of its own");
    let appended = moof::append(&mut movie, payload, 0);
    let claimed: u64 = movie
        .tracks
        .iter()
        .flat_map(|track| &track.samples)
        .map(|sample| {
            assert!(sample.range().end <= FILE_LEN);
            u64::from(sample.size)
        })
        .sum();
    assert!(claimed <= FILE_LEN);
    if appended.is_ok() {
        drop(moof::append(&mut movie, payload, 0));
    }
});
