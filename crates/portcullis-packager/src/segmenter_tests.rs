//! Boundaries on invented tracks: frames of one tenth of a second unless said otherwise.

use portcullis_media::bmff::{BoxType, Codec, Sample, SampleEntry, TrackKind};

use super::*;
use crate::timeline;

fn track(kind: TrackKind, count: usize, duration: u32, sync_every: usize) -> Track {
    let sample = |index: usize| Sample {
        offset: 0,
        size: 1,
        duration,
        composition_offset: 0,
        is_sync: index.is_multiple_of(sync_every),
        dependency: 0,
    };
    Track {
        id: 1,
        timescale: 1000,
        language: "und".into(),
        kind,
        name: String::new(),
        first_decode_time: 0,
        samples: (0..count).map(sample).collect(),
        edits: Vec::new(),
        sample_entry: SampleEntry {
            format: BoxType(*b"none"),
            bytes: Vec::new(),
            picture: None,
            codec: Codec::Unsupported(String::new()),
        },
        display_width_fixed: 0,
        display_height_fixed: 0,
        matrix: [0; 9],
        roll: Vec::new(),
    }
}

fn video(count: usize, duration: u32, sync_every: usize) -> Track {
    track(TrackKind::Video, count, duration, sync_every)
}

fn sound(count: usize, duration: u32) -> Track {
    track(TrackKind::Audio, count, duration, 1)
}

/// The first samples of the segments of every track, at a target of two seconds.
fn starts(tracks: &[Track]) -> Result<Vec<Vec<usize>>, PackageError> {
    let pairs: Vec<(&Track, u32)> = tracks.iter().map(|track| (track, 1000)).collect();
    let (timelines, _) = timeline::build(&pairs).unwrap();
    let timed = |kind| {
        tracks
            .iter()
            .zip(&timelines)
            .filter(move |(track, _)| track.kind == kind)
            .map(|(track, timeline)| Timed { name: "it", track, timeline })
            .collect::<Vec<_>>()
    };
    let target = Moment::from_ticks(2, 1);
    let (pictures, sounds) = cut(&timed(TrackKind::Video), &timed(TrackKind::Audio), target)?;
    let all = pictures.into_iter().chain(sounds);
    Ok(all.map(|segments| segments.iter().map(|range| range.start).collect()).collect())
}

#[track_caller]
fn check(tracks: &[Track], expected: &[&[usize]]) {
    assert_eq!(starts(tracks).unwrap(), expected);
}

#[test]
fn pictures_are_cut_at_the_first_sync_sample_at_or_after_each_target() {
    check(&[video(60, 100, 10)], &[&[0, 20, 40]]);
    check(&[video(60, 100, 15)], &[&[0, 30, 45]]);
    check(&[video(60, 100, 50)], &[&[0, 50]]);
    check(&[video(60, 100, 60)], &[&[0]]);
}

#[test]
fn a_group_of_pictures_a_tick_too_short_is_still_on_time() {
    check(&[video(60, 99, 20)], &[&[0, 20, 40]]);
}

#[test]
fn renditions_of_other_rates_share_the_boundaries() {
    check(&[video(60, 100, 20), video(120, 50, 20)], &[&[0, 20, 40], &[0, 40, 80]]);
    check(&[video(60, 100, 10), video(60, 100, 40)], &[&[0, 40], &[0, 40]]);
}

#[test]
fn a_rendition_without_a_sync_sample_at_a_boundary_is_named() {
    let error = starts(&[video(60, 100, 20), video(60, 100, 15)]).unwrap_err();
    assert_eq!(error.code, Code::LadderMisaligned);
}

#[test]
fn a_rendition_may_end_before_the_others() {
    check(&[video(60, 100, 20), video(40, 100, 20)], &[&[0, 20, 40], &[0, 20]]);
}

#[test]
fn sound_is_cut_at_the_nearest_frame_without_drift() {
    // Frames of 21 ms: 2000 lies between 95 (1995) and 96 (2016), 4000 at 190 (3990).
    check(&[video(60, 100, 20), sound(285, 21)], &[&[0, 20, 40], &[0, 95, 190]]);
}

#[test]
fn a_rest_of_sound_below_half_a_second_stays_with_the_segment_before() {
    check(&[video(60, 100, 20), sound(44, 100)], &[&[0, 20, 40], &[0, 20]]);
    check(&[video(60, 100, 20), sound(45, 100)], &[&[0, 20, 40], &[0, 20, 40]]);
}

#[test]
fn sound_that_goes_on_alone_is_cut_at_the_target() {
    check(&[video(20, 100, 20), sound(70, 100)], &[&[0], &[0, 20, 40, 60]]);
    check(&[sound(50, 100)], &[&[0, 20, 40]]);
}

#[test]
fn one_sample_is_one_segment() {
    check(&[video(1, 100, 1), sound(1, 100)], &[&[0], &[0]]);
}
