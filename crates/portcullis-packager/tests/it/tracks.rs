//! The samples that come out are the samples that went in, at the same times.

use std::{collections::HashMap, fs};

use portcullis_base::Scheme;
use portcullis_media::bmff::{Movie, Track, moof, moov, read_header};
use tempfile::tempdir;

use crate::{
    reading::ReadTrack,
    support::{LADDER, data, files, key, options, package, plan},
};

/// Reads an input by itself, apart from the packager.
fn source(name: &str) -> (Movie, Vec<u8>) {
    let bytes = fs::read(data(name)).unwrap();
    let mut movie: Option<Movie> = None;
    let mut at = 0;
    while at < bytes.len() {
        let header = read_header(&bytes[at..], (bytes.len() - at) as u64).unwrap();
        let end = at + header.size_total as usize;
        let payload = &bytes[at + usize::from(header.header_len)..end];
        match &header.kind.0 {
            b"moov" => movie = Some(moov::parse(payload, bytes.len() as u64).unwrap()),
            b"moof" => moof::append(movie.as_mut().unwrap(), payload, at as u64).unwrap(),
            _ => {}
        }
        at = end;
    }
    (movie.unwrap(), bytes)
}

/// Presentation time of every sample, in ticks, by the letter of the edit list.
fn presented(movie: &Movie, track: &Track) -> Vec<i64> {
    let mut at = track.first_decode_time as i64;
    for edit in &track.edits {
        match edit.media_time {
            None => {
                at += (edit.duration * u64::from(track.timescale) / u64::from(movie.timescale))
                    as i64;
            }
            Some(media_time) => at -= media_time as i64,
        }
    }
    let mut times = Vec::new();
    for sample in &track.samples {
        times.push(at + sample.composition_offset);
        at += i64::from(sample.duration);
    }
    times
}

/// Packages the inputs and compares every track with its source.
#[track_caller]
fn check(inputs: &[&str], scheme: Scheme) {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let mut plan = plan(inputs).unwrap();
    let classes: Vec<_> =
        plan.tracks().iter().map(|track| (track.name().to_owned(), track.class())).collect();
    package(&mut plan, &options(&out, scheme)).unwrap();
    let files = files(&out);
    let mut tracks = classes.iter();
    let mut shifts = Vec::new();
    for input in inputs {
        let (movie, bytes) = source(input);
        for track in &movie.tracks {
            let (name, class) = tracks.next().unwrap();
            let read = ReadTrack::read(&files, name);
            assert_eq!(read.kid, *key(*class).kid().as_bytes());
            assert_eq!(read.scheme, scheme.fourcc());
            assert_eq!(read.timescale, track.timescale);
            let expected: Vec<&[u8]> = track
                .samples
                .iter()
                .map(|sample| {
                    let range = sample.range();
                    &bytes[range.start as usize..range.end as usize]
                })
                .collect();
            assert!(read.decrypted(key(*class).expose()) == expected, "{name}: samples differ");
            for (sample, original) in read.samples.iter().zip(&track.samples) {
                assert_eq!(sample.duration, original.duration, "{name}");
                assert_eq!(sample.flags & 0x1_0000 == 0, original.is_sync, "{name}");
            }
            let before = presented(&movie, track);
            let after = read.presented();
            let shift = after[0] - before[0];
            assert!(before.iter().zip(&after).all(|(b, a)| a - b == shift), "{name}: times bend");
            shifts.push(shift as f64 / f64::from(track.timescale));
        }
    }
    let first = shifts[0];
    assert!(shifts.iter().all(|shift| (shift - first).abs() < 1e-9), "sound drifts: {shifts:?}");
}

#[test]
fn every_sample_comes_back_byte_by_byte_and_on_time() {
    for scheme in [Scheme::Cbcs, Scheme::Cenc] {
        check(&LADDER, scheme);
        check(&["fragmented.mp4"], scheme);
    }
}

#[test]
fn priming_and_reordering_keep_their_edit_lists() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    package(&mut plan(&LADDER).unwrap(), &options(&out, Scheme::Cenc)).unwrap();
    let files = files(&out);
    let audio = ReadTrack::read(&files, "audio-eng");
    assert_eq!(audio.media_time, 1024);
    assert_eq!(audio.presented()[..2], [-1024, 0]);
    let video = ReadTrack::read(&files, "video-180p");
    assert_eq!(video.media_time, 1024);
    assert_eq!(video.presented().iter().min(), Some(&0));
    assert!(video.samples.iter().all(|sample| sample.composition_offset >= 0));
}

#[test]
fn boxes_say_what_the_scheme_prescribes() {
    for (scheme, version, video_pattern, iv) in
        [(Scheme::Cbcs, 1, 0x19, true), (Scheme::Cenc, 0, 0, false)]
    {
        let folder = tempdir().unwrap();
        let out = folder.path().join("film");
        package(&mut plan(&LADDER).unwrap(), &options(&out, scheme)).unwrap();
        let files = files(&out);
        for (name, pattern) in
            [("video-180p", video_pattern), ("video-720p", video_pattern), ("audio-eng", 0)]
        {
            let track = ReadTrack::read(&files, name);
            assert_eq!((track.tenc_version, track.pattern), (version, pattern), "{name}");
            assert_eq!(track.constant_iv.is_some(), iv, "{name}");
            for sample in &track.samples {
                let mapped: u64 = sample.map.iter().map(|entry| entry.size()).sum();
                if name == "audio-eng" {
                    assert!(sample.map.is_empty(), "sound has no map");
                } else {
                    assert_eq!(mapped, sample.bytes.len() as u64, "{name}");
                }
                if scheme == Scheme::Cenc {
                    assert!(sample.map.iter().all(|entry| entry.protected % 16 == 0), "{name}");
                }
            }
        }
    }
}

/// Every counter block that encrypts anything, by key; fails on the first that comes twice.
#[derive(Default)]
struct CounterBlocks {
    used: HashMap<([u8; 16], u128), String>,
}

impl CounterBlocks {
    fn add(&mut self, name: &str, track: &ReadTrack) -> usize {
        let before = self.used.len();
        for (index, sample) in track.samples.iter().enumerate() {
            let protected: u64 = if sample.map.is_empty() {
                sample.bytes.len() as u64
            } else {
                sample.map.iter().map(|entry| u64::from(entry.protected)).sum()
            };
            let iv = u64::from_be_bytes(sample.iv.as_slice().try_into().unwrap());
            for block in 0..protected.div_ceil(16) {
                let counter = u128::from(iv) << 64 | u128::from(block);
                let here = format!("{name} sample {index} block {block}");
                if let Some(there) = self.used.insert((track.kid, counter), here.clone()) {
                    panic!("{here} repeats the counter block of {there}");
                }
            }
        }
        self.used.len() - before
    }
}

#[test]
fn no_key_meets_a_counter_block_twice() {
    // One key for all tracks is the hardest case: only the IVs keep them apart.
    use portcullis_packager::{KeyRing, RunOptions, run};
    let folder = tempdir().unwrap();
    let shared = key(portcullis_base::TrackClass::Hd);
    let mut blocks = CounterBlocks::default();
    let contents =
        [&["sd.mp4", "hd.mp4", "eng.mp4", "eng.mp4"][..], &["sd.mp4"], &["fragmented.mp4"]];
    for (edition, inputs) in (0..).zip(contents) {
        let out = folder.path().join(edition.to_string());
        let mut plan = plan(inputs).unwrap();
        let ring =
            KeyRing::new(plan.keys_needed().into_iter().map(|class| (class, &shared))).unwrap();
        let options = RunOptions { edition, ..options(&out, Scheme::Cenc) };
        run(&mut plan, &ring, &options, &mut |_| {}).unwrap();
        let files = files(&out);
        for track in plan.tracks() {
            let name = format!("{edition}/{}", track.name());
            assert!(blocks.add(&name, &ReadTrack::read(&files, track.name())) > 0, "{name}");
        }
    }
}

#[test]
fn pictures_that_start_late_without_an_edit_list_stay_late_and_are_named() {
    let plan = plan(&["fragmented.mp4"]).unwrap();
    let warnings = plan.warnings().join("; ");
    assert!(warnings.contains("pictures start 66733 us late"), "{warnings}");
}

#[test]
fn constant_vectors_differ_between_tracks_of_one_key() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    let mut plan = plan(&["eng.mp4", "eng.mp4"]).unwrap();
    package(&mut plan, &options(&out, Scheme::Cbcs)).unwrap();
    let files = files(&out);
    let vector = |name| ReadTrack::read(&files, name).constant_iv.unwrap();
    assert_ne!(vector("audio-eng"), vector("audio-eng-2"));
}

#[test]
fn renditions_and_sound_are_cut_at_the_same_places() {
    let folder = tempdir().unwrap();
    let out = folder.path().join("film");
    package(&mut plan(&LADDER).unwrap(), &options(&out, Scheme::Cbcs)).unwrap();
    let files = files(&out);
    let starts = |name| {
        let track = ReadTrack::read(&files, name);
        let ticks = track.segment_starts.iter();
        ticks.map(|&at| at as f64 / f64::from(track.timescale)).collect::<Vec<_>>()
    };
    assert_eq!(starts("video-180p"), [0.0, 2.0, 4.0]);
    assert_eq!(starts("video-720p"), [0.0, 2.0, 4.0]);
    let audio = starts("audio-eng");
    assert_eq!(audio.len(), 3);
    for (start, boundary) in audio.iter().zip([0.0, 2.0, 4.0]) {
        // Half a frame on either side, after the priming of one frame.
        assert!((start - 1024.0 / 48000.0 - boundary).abs() <= 1024.0 / 48000.0, "{audio:?}");
    }
}
