//! The sample tables in all the forms that files have.

use portcullis_media::bmff::Track;

use crate::read_hostile::{Parts, be, boxed, full, versioned};

#[track_caller]
fn track(parts: &Parts) -> (Track, Vec<String>) {
    let movie = parts.parse().unwrap();
    (movie.tracks.into_iter().next().unwrap(), movie.warnings)
}

#[track_caller]
fn fault(parts: &Parts) -> String {
    parts.parse().map(|movie| movie.tracks[0].samples.len()).unwrap_err()
}

fn durations(track: &Track) -> Vec<u32> {
    track.samples.iter().map(|sample| sample.duration).collect()
}

#[test]
fn composition_offsets_are_signed_in_both_versions() {
    for version in [0, 1] {
        let ctts = versioned(b"ctts", version, 0, &be(&[2, 1, 1024, 2, u32::MAX - 511]));
        let (track, _) = track(&Parts::new().with(b"ctts", ctts));
        let offsets: Vec<i64> = track.samples.iter().map(|s| s.composition_offset).collect();
        assert_eq!(offsets, [1024, -512, -512]);
    }
}

#[test]
fn sync_samples_are_all_or_those_listed() {
    let sync = |parts: Parts| -> Vec<bool> {
        track(&parts).0.samples.iter().map(|sample| sample.is_sync).collect()
    };
    assert_eq!(sync(Parts::new()), [true, true, true]);
    let listed = |numbers: &[u32]| {
        let count = u32::try_from(numbers.len()).unwrap();
        Parts::new().with(b"stss", full(b"stss", 0, &[be(&[count]), be(numbers)].concat()))
    };
    assert_eq!(sync(listed(&[1, 3])), [true, false, true]);
    assert_eq!(sync(listed(&[])), [false, false, false]);
    let place = "moov/trak[1]/mdia/minf/stbl/stss";
    assert_eq!(fault(&listed(&[0])), format!("{place}: `sample_number` cannot be 0"));
    assert_eq!(fault(&listed(&[4])), format!("{place}: `sample_number` cannot be 4"));
}

#[test]
fn dependencies_are_kept() {
    let sdtp = full(b"sdtp", 0, &[0x20, 0x18, 0x08]);
    let (track, _) = track(&Parts::new().with(b"sdtp", sdtp));
    let kept: Vec<u8> = track.samples.iter().map(|sample| sample.dependency).collect();
    assert_eq!(kept, [0x20, 0x18, 0x08]);
}

#[test]
fn tables_a_few_samples_apart_end_with_the_shorter() {
    let stts = |count| Parts::new().with(b"stts", full(b"stts", 0, &be(&[1, count, 512])));
    let (shorter, warnings) = track(&stts(2));
    assert_eq!(shorter.samples.len(), 2);
    assert_eq!(warnings, ["track 1: `stts` has 2 samples, not 3"]);
    let (longer, warnings) = track(&stts(19));
    assert_eq!((longer.samples.len(), warnings.len()), (3, 1));
    assert_eq!(
        fault(&stts(20)),
        "moov/trak[1]/mdia/minf/stbl: `stts` describes 20 samples, the track has 3"
    );
    let ctts = full(b"ctts", 0, &be(&[1, 2, 0]));
    assert_eq!(track(&Parts::new().with(b"ctts", ctts)).0.samples.len(), 2);
}

#[test]
fn a_last_duration_of_zero_repeats_the_one_before() {
    let stts = |runs: &[u32]| Parts::new().with(b"stts", full(b"stts", 0, &be(runs)));
    assert_eq!(durations(&track(&stts(&[2, 2, 512, 1, 0])).0), [512, 512, 512]);
    assert_eq!(durations(&track(&stts(&[2, 1, 0, 2, 512])).0), [0, 512, 512]);
    assert_eq!(durations(&track(&stts(&[1, 3, 0])).0), [0, 0, 0]);
    assert_eq!(track(&stts(&[1, 3, 0])).0.frame_rate(), None);
    // Runs of no samples are passed over.
    assert_eq!(durations(&track(&stts(&[3, 0, 9, 3, 512, 0, 7])).0), [512, 512, 512]);
}

#[test]
fn a_frame_rate_that_varies_is_an_average() {
    let rate = |runs: &[u32]| {
        track(&Parts::new().with(b"stts", full(b"stts", 0, &be(runs)))).0.frame_rate()
    };
    // The last duration alone says nothing about the rate.
    assert_eq!(rate(&[2, 2, 512, 1, 100]), Some((25, 1)));
    assert_eq!(rate(&[3, 1, 512, 1, 256, 1, 512]), Some((30, 1)));
}

#[test]
fn a_format_we_know_in_a_track_of_another_type_is_named_with_it() {
    let check = |format: &[u8; 4], expected: &str| {
        let hdlr = [&b"\0\0\0\0auxv"[..], &[0; 13]].concat();
        let mut fields = vec![0; 78];
        fields[7] = 1;
        let stsd = full(b"stsd", 0, &[be(&[1]), boxed(format, &fields)].concat());
        let parts = Parts::new().with(b"hdlr", full(b"hdlr", 0, &hdlr)).with(b"stsd", stsd);
        let refusal = track(&parts).0.check_supported().unwrap_err().to_string();
        assert_eq!(refusal, format!("track 1: {expected} is not supported yet"));
    };
    check(b"avc1", "H.264 in a track of type `auxv`");
    check(b"wvtt", "timed text (WebVTT)");
}

#[test]
fn sizes_come_in_four_widths() {
    let compact = |bits: u32, bytes: &[u8]| {
        let stz2 = full(b"stz2", 0, &[&be(&[bits, 3])[..], bytes].concat());
        Parts::new().with(b"stsz", stz2)
    };
    let sizes = |parts: Parts| -> Vec<u32> {
        track(&parts).0.samples.iter().map(|sample| sample.size).collect()
    };
    assert_eq!(sizes(compact(4, &[0x12, 0x30])), [1, 2, 3]);
    assert_eq!(sizes(compact(8, &[1, 2, 200])), [1, 2, 200]);
    assert_eq!(sizes(compact(16, &[0, 1, 1, 0, 0, 3])), [1, 256, 3]);
    let constant = Parts::new().with(b"stsz", full(b"stsz", 0, &be(&[7, 3])));
    assert_eq!(sizes(constant), [7, 7, 7]);
    let place = "moov/trak[1]/mdia/minf/stbl/stz2";
    assert_eq!(fault(&compact(5, &[0; 3])), format!("{place}: `field_size` cannot be 5"));
    assert_eq!(
        fault(&compact(4, &[0x12])),
        format!("{place}: 2 entries of 1 bytes, but 1 bytes are left")
    );
}

#[test]
fn samples_of_no_bytes_are_samples() {
    let stsz = full(b"stsz", 0, &be(&[0, 3, 10, 0, 10]));
    let (track, _) = track(&Parts::new().with(b"stsz", stsz));
    let places: Vec<_> = track.samples.iter().map(|sample| sample.range()).collect();
    assert_eq!(places, [100..110, 110..110, 110..120]);
    let around = 100..120;
    track.check_extents(&[around]).unwrap();
}

#[test]
fn chunks_follow_their_runs() {
    let parts = |runs: &[u32], chunks: &[u32]| {
        let count = u32::try_from(runs.len() / 3).unwrap();
        let stsc = full(b"stsc", 0, &[be(&[count]), be(runs)].concat());
        let count = u32::try_from(chunks.len()).unwrap();
        let stco = full(b"stco", 0, &[be(&[count]), be(chunks)].concat());
        Parts::new().with(b"stsc", stsc).with(b"stco", stco)
    };
    let offsets = |parts: Parts| -> Vec<u64> {
        track(&parts).0.samples.iter().map(|sample| sample.offset).collect()
    };
    assert_eq!(offsets(parts(&[1, 1, 1], &[900, 100, 500])), [900, 100, 500]);
    assert_eq!(offsets(parts(&[1, 1, 1, 2, 2, 1], &[900, 100])), [900, 100, 110]);
    // The last chunk may have room to spare.
    assert_eq!(offsets(parts(&[1, 2, 1], &[900, 100])), [900, 910, 100]);
    let place = "moov/trak[1]/mdia/minf/stbl";
    let bad = |chunk| format!("{place}/stsc: `first_chunk` cannot be {chunk}");
    assert_eq!(fault(&parts(&[2, 3, 1], &[100])), bad(2));
    assert_eq!(fault(&parts(&[0, 3, 1], &[100])), bad(0));
    assert_eq!(fault(&parts(&[1, 1, 1, 1, 2, 1], &[100, 200])), bad(1));
    assert_eq!(
        fault(&parts(&[1, 1, 1, 2, 2, 2], &[100, 200])),
        format!("{place}: a sample description that changes midway is not supported yet")
    );
    assert_eq!(
        fault(&parts(&[1, 1, 2], &[100, 200, 300])),
        format!("{place}: `sample_description_index` cannot be 2")
    );
}

#[test]
fn offsets_past_four_gibibytes_are_read() {
    let co64 = full(b"co64", 0, &be(&[1, 1, 100]));
    let mut parts = Parts::new().with(b"stco", co64);
    parts.file_len = 1 << 33;
    let (track, _) = track(&parts);
    assert_eq!(track.samples[0].range(), (1 << 32) + 100..(1 << 32) + 110);
}

#[test]
fn a_track_may_be_empty() {
    let (track, warnings) = track(&Parts::new().fragmented());
    assert!(track.samples.is_empty() && warnings.is_empty());
    assert_eq!((track.media_duration(), track.frame_rate()), (0, None));
}

#[test]
fn a_box_may_come_once() {
    let twice = [full(b"stts", 0, &be(&[1, 3, 512])), full(b"stts", 0, &be(&[0]))].concat();
    assert_eq!(
        fault(&Parts::new().with(b"stts", twice)),
        "moov/trak[1]/mdia/minf/stbl: a second `stts`"
    );
}

#[test]
fn preroll_groups_point_at_their_descriptions() {
    let sgpd = versioned(b"sgpd", 1, 0, b"roll\0\0\0\x02\0\0\0\x01\xff\xff");
    let sbgp = |index| full(b"sbgp", 0, &[&b"roll"[..], &be(&[2, 1, 0, 2, index])].concat());
    let parts = |index| Parts::new().with(b"sdtp", [sgpd.clone(), sbgp(index)].concat());
    let (track, _) = track(&parts(1));
    let runs: Vec<_> = track.roll.iter().map(|run| (run.count, run.distance)).collect();
    assert_eq!(runs, [(1, None), (2, Some(-1))]);
    assert_eq!(
        fault(&parts(2)),
        "moov/trak[1]/mdia/minf/stbl/sbgp: `group_description_index` cannot be 2"
    );
}

#[test]
fn display_and_pixel_shape_are_kept() {
    let pasp = boxed(b"pasp", &be(&[4, 3]));
    let mut fields = vec![0; 78];
    (fields[7], fields[25], fields[27]) = (1, 96, 64);
    let entry = boxed(b"vp09", &[fields, pasp].concat());
    let stsd = full(b"stsd", 0, &[be(&[1]), entry].concat());
    let (track, _) = track(&Parts::new().with(b"stsd", stsd));
    let picture = track.sample_entry.picture.unwrap();
    assert_eq!((picture.width, picture.height, picture.pixel_aspect), (96, 64, (4, 3)));
}
