//! Every form of edit list, and what becomes of it.

use portcullis_media::bmff::{AacConfig, BoxType, Codec, Edit, SampleEntry};

use super::*;

fn track(kind: TrackKind, timescale: u32, offsets: &[i64], edits: &[Edit]) -> Track {
    let sample = |composition_offset| Sample {
        offset: 0,
        size: 1,
        duration: 100,
        composition_offset,
        is_sync: true,
        dependency: 0,
    };
    let codec = Codec::Aac(AacConfig {
        object_type: 2,
        sample_rate: 48_000,
        channels: 2,
        codecs: "mp4a.40.2".into(),
    });
    Track {
        id: 1,
        timescale,
        language: "und".into(),
        kind,
        name: String::new(),
        first_decode_time: 0,
        samples: offsets.iter().map(|&offset| sample(offset)).collect(),
        edits: edits.to_vec(),
        sample_entry: SampleEntry {
            format: BoxType(*b"mp4a"),
            bytes: Vec::new(),
            picture: None,
            codec,
        },
        display_width_fixed: 0,
        display_height_fixed: 0,
        matrix: [0; 9],
        roll: Vec::new(),
    }
}

const fn empty(duration: u64) -> Edit {
    Edit { duration, media_time: None }
}

const fn from(media_time: u64) -> Edit {
    Edit { duration: 0, media_time: Some(media_time) }
}

/// Base decode time, shift of the offsets, and edit list of the only track.
#[track_caller]
fn check(track: &Track, base: u64, shift: i64, media_time: Option<u64>, presented: &[i64]) {
    let (timelines, _) = build(&[(track, 1000)]).unwrap();
    let timeline = &timelines[0];
    assert_eq!(timeline.base_decode_time, base);
    assert_eq!(timeline.offset_shift, shift);
    assert_eq!(timeline.first_media_time, media_time);
    assert_eq!(timeline.presented, presented);
    for (index, sample) in track.samples.iter().enumerate() {
        let out = base as i64 + 100 * index as i64 + sample.composition_offset + shift
            - media_time.unwrap_or(0) as i64;
        assert_eq!(out, presented[index], "sample {index} as players see it");
    }
}

#[test]
fn an_edit_over_reordered_pictures_is_repeated() {
    let video = track(TrackKind::Video, 1000, &[200, 400, 0], &[from(200)]);
    check(&video, 0, 0, Some(200), &[0, 300, 0]);
}

#[test]
fn negative_offsets_become_an_edit() {
    let video = track(TrackKind::Video, 1000, &[0, 200, -100], &[]);
    check(&video, 0, 100, Some(100), &[0, 300, 100]);
    let late = track(TrackKind::Video, 1000, &[200, 400, 100], &[]);
    check(&late, 0, 0, Some(200), &[0, 300, 100]);
}

#[test]
fn priming_stays_an_edit_list() {
    let audio = track(TrackKind::Audio, 1000, &[0, 0, 0], &[from(100)]);
    check(&audio, 0, 0, Some(100), &[-100, 0, 100]);
}

#[test]
fn one_track_alone_starts_at_once_whatever_its_delay() {
    let video = track(TrackKind::Video, 1000, &[0, 0], &[empty(500), from(0)]);
    check(&video, 0, 0, None, &[0, 100]);
    let mut late = track(TrackKind::Audio, 1000, &[0, 0], &[]);
    late.first_decode_time = 7000;
    check(&late, 0, 0, None, &[0, 100]);
}

#[test]
fn a_delay_is_kept_towards_other_tracks() {
    let audio = track(TrackKind::Audio, 48_000, &[0; 3], &[]);
    let video = track(TrackKind::Video, 1000, &[200, 400, 0], &[empty(500), from(200)]);
    let (timelines, warnings) = build(&[(&audio, 1000), (&video, 1000)]).unwrap();
    assert_eq!(timelines[0].base_decode_time, 0);
    assert_eq!(timelines[1].base_decode_time, 500);
    assert_eq!(timelines[1].presented, [500, 800, 500]);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn pictures_hidden_before_the_edit_move_everything_by_the_same_time() {
    let audio = track(TrackKind::Audio, 48_000, &[0; 3], &[]);
    let video = track(TrackKind::Video, 1000, &[0; 4], &[from(250)]);
    let (timelines, warnings) = build(&[(&audio, 1000), (&video, 1000)]).unwrap();
    assert_eq!(timelines[1].presented, [0, 100, 200, 300]);
    assert_eq!((timelines[1].base_decode_time, timelines[1].first_media_time), (0, None));
    assert_eq!(timelines[0].presented[0], 12_000);
    assert_eq!(timelines[0].base_decode_time, 12_000);
    assert!(warnings[0].contains("hides 250000 us"), "{warnings:?}");
}

#[test]
fn sound_that_goes_with_hidden_pictures_is_heard_with_them() {
    let audio = track(TrackKind::Audio, 1000, &[0; 30], &[from(1520)]);
    let video = track(TrackKind::Video, 1000, &[0; 30], &[from(1500)]);
    let (timelines, _) = build(&[(&audio, 1000), (&video, 1000)]).unwrap();
    assert_eq!((timelines[0].first_sample, timelines[0].presented[0]), (0, -20));
    assert_eq!((timelines[0].base_decode_time, timelines[0].first_media_time), (0, Some(20)));
    assert_eq!(timelines[1].presented[0], 0);
}

#[test]
fn sound_long_before_its_edit_is_left_out() {
    let audio = track(TrackKind::Audio, 1000, &[0; 30], &[from(1500)]);
    let (timelines, _) = build(&[(&audio, 1000)]).unwrap();
    assert_eq!(timelines[0].first_sample, 15 - PRIMING_SAMPLES_MAX);
    assert_eq!(timelines[0].presented[15], 0);
}

#[test]
fn an_edit_that_ends_early_ends_the_presentation() {
    for (duration, expected) in [(150, 150), (300, 300), (900, 300), (0, 300)] {
        let edit = Edit { duration, media_time: Some(0) };
        let audio = track(TrackKind::Audio, 1000, &[0; 3], &[edit]);
        let (timelines, _) = build(&[(&audio, 1000)]).unwrap();
        assert_eq!(timelines[0].end, expected, "edit of {duration}");
    }
}

#[test]
fn other_edit_lists_are_refused() {
    for (edits, code) in [
        (vec![from(0), from(100)], Code::UnsupportedEditList),
        (vec![from(0), empty(100)], Code::UnsupportedEditList),
        (vec![empty(100)], Code::UnsupportedEditList),
        (vec![from(u64::MAX)], Code::CorruptInput),
    ] {
        let video = track(TrackKind::Video, 1000, &[0], &edits);
        let error = build(&[(&video, 1000)]).unwrap_err();
        assert_eq!((error.code, error.track), (code, Some(1)), "{edits:?}");
    }
}

#[test]
fn offsets_that_leave_32_bits_are_refused() {
    let video = track(TrackKind::Video, 1000, &[0, i64::from(i32::MAX) + 1], &[]);
    let error = build(&[(&video, 1000)]).unwrap_err();
    assert_eq!((error.code, error.sample), (Code::CorruptInput, Some(1)));
}

/// What hides centuries of one track would move another by more ticks than can be counted.
#[test]
fn a_start_too_far_before_the_others_is_refused() {
    let refused = |hidden: u64, timescale: u32| {
        let early = track(TrackKind::Video, 1, &[0], &[from(hidden)]);
        let late = track(TrackKind::Video, timescale, &[0], &[]);
        build(&[(&early, 1000), (&late, 1000)]).map(drop).map_err(|error| error.code)
    };
    assert_eq!(refused(1, u32::MAX), Ok(()));
    assert_eq!(refused(1 << 24, u32::MAX), Ok(()));
    assert_eq!(refused((1 << 24) + 1, u32::MAX), Err(Code::CorruptInput));
    assert_eq!(refused(1 << 33, u32::MAX), Err(Code::CorruptInput));
    assert_eq!(refused(1 << 55, u32::MAX), Err(Code::CorruptInput));
}
