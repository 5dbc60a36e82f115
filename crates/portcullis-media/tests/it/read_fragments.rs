//! Fragments in all the forms that files have, and those that lie.

use portcullis_media::bmff::{Movie, moof};

use crate::read_hostile::{Parts, be, boxed, full, versioned};

const DEFAULT_BASE: u32 = 0x02_0000;

fn traf(parts: &[Vec<u8>]) -> Vec<u8> {
    boxed(b"traf", &parts.concat())
}

fn tfhd(flags: u32, fields: &[u32]) -> Vec<u8> {
    full(b"tfhd", flags, &[be(&[1]), be(fields)].concat())
}

/// `count` samples of 10 bytes, stated one by one.
fn trun(count: u32, offset: u32) -> Vec<u8> {
    let sizes = be(&vec![10; count as usize]);
    full(b"trun", 0x201, &[be(&[count, offset]), sizes].concat())
}

fn tfdt(time: u64) -> Vec<u8> {
    versioned(b"tfdt", 1, 0, &time.to_be_bytes())
}

/// Appends fragments that each start at 200.
fn append(moofs: &[Vec<u8>]) -> Result<Movie, String> {
    let mut movie = Parts::new().fragmented().parse().unwrap();
    for payload in moofs {
        moof::append(&mut movie, payload, 200).map_err(|error| error.to_string())?;
    }
    Ok(movie)
}

#[track_caller]
fn check_offsets(payload: Vec<u8>, expected: &[u64]) {
    let movie = append(&[payload]).unwrap();
    let offsets: Vec<u64> = movie.tracks[0].samples.iter().map(|sample| sample.offset).collect();
    assert_eq!(offsets, expected);
}

#[track_caller]
fn check_fault(payload: Vec<u8>, expected: &str) {
    assert_eq!(append(&[payload]).map(|_| ()), Err(expected.to_owned()));
}

#[test]
fn data_starts_at_the_base_that_the_fragment_names() {
    check_offsets(traf(&[tfhd(DEFAULT_BASE, &[]), trun(2, 50)]), &[250, 260]);
    check_offsets(traf(&[tfhd(1, &[0, 500]), trun(2, 50)]), &[550, 560]);
    check_offsets(traf(&[tfhd(0, &[]), trun(2, 50)]), &[250, 260]);
    check_offsets(traf(&[tfhd(DEFAULT_BASE, &[]), trun(1, (-50i32).cast_unsigned())]), &[150]);
}

#[test]
fn without_a_base_data_follows_the_traf_before() {
    let first = traf(&[tfhd(0, &[]), trun(2, 50)]);
    let again = traf(&[tfhd(0, &[]), trun(1, 5)]);
    check_offsets([first.clone(), again].concat(), &[250, 260, 275]);
    let from_moof = traf(&[tfhd(DEFAULT_BASE, &[]), trun(1, 5)]);
    check_offsets([first, from_moof].concat(), &[250, 260, 205]);
}

#[test]
fn a_run_without_an_offset_follows_the_run_before() {
    let bare = full(b"trun", 0x200, &be(&[1, 10]));
    check_offsets(traf(&[tfhd(DEFAULT_BASE, &[]), trun(2, 50), bare]), &[250, 260, 270]);
}

#[test]
fn defaults_give_way_from_trex_to_tfhd_to_the_sample() {
    let sample = |tfhd: Vec<u8>, trun: Vec<u8>| {
        let movie = append(&[traf(&[tfhd, trun])]).unwrap();
        let sample = movie.tracks[0].samples[0];
        (sample.duration, sample.size, sample.is_sync, sample.dependency)
    };
    let plain = full(b"trun", 1, &be(&[1, 50]));
    assert_eq!(sample(tfhd(DEFAULT_BASE, &[]), plain.clone()), (512, 0, true, 0));
    let header = tfhd(DEFAULT_BASE | 0x38, &[99, 7, 0x0101_0000]);
    assert_eq!(sample(header.clone(), plain), (99, 7, false, 0x10));
    let first = full(b"trun", 0x5, &be(&[1, 50, 0x0200_0000]));
    assert_eq!(sample(header.clone(), first), (99, 7, true, 0x20));
    let own = full(b"trun", 0x701, &be(&[1, 50, 11, 12, 0x0200_0000]));
    assert_eq!(sample(header, own), (11, 12, true, 0x20));
}

#[test]
fn decode_times_come_from_tfdt_or_run_on() {
    let fragment = |time: Option<u64>| {
        let header = tfhd(DEFAULT_BASE, &[]);
        traf(&[header, time.map(tfdt).unwrap_or_default(), trun(2, 50)])
    };
    let check = |times: &[Option<u64>], first: u64, durations: &[u32], warnings: usize| {
        let moofs: Vec<_> = times.iter().map(|time| fragment(*time)).collect();
        let movie = append(&moofs).unwrap();
        let track = &movie.tracks[0];
        let actual: Vec<u32> = track.samples.iter().map(|sample| sample.duration).collect();
        assert_eq!((track.first_decode_time, &actual[..]), (first, durations));
        assert_eq!(movie.warnings.len(), warnings);
    };
    check(&[None, None], 0, &[512; 4], 0);
    check(&[Some(1 << 40), None], 1 << 40, &[512; 4], 0);
    check(&[Some(0), Some(1024)], 0, &[512; 4], 0);
    // A gap lengthens the last sample before it, an overlap shortens it.
    check(&[Some(0), Some(1025)], 0, &[512, 513, 512, 512], 1);
    check(&[Some(0), Some(513)], 0, &[512, 1, 512, 512], 1);
    let moofs = [fragment(Some(0)), fragment(Some(512))];
    assert_eq!(
        append(&moofs).map(|_| ()),
        Err("moof/traf[1]: `baseMediaDecodeTime` cannot be 512".to_owned())
    );
    check_fault(
        fragment(Some(u64::MAX)),
        "moof/traf[1]/tfdt: `baseMediaDecodeTime` cannot be 18446744073709551615",
    );
    check_fault(fragment(Some(i64::MAX as u64)), "moof/traf[1]: decode time out of range");
}

#[test]
fn samples_that_no_bytes_stand_for_are_not_made() {
    let bare = |count| full(b"trun", 1, &be(&[count, 50]));
    check_fault(
        traf(&[tfhd(DEFAULT_BASE, &[]), bare(u32::MAX)]),
        "moof/traf[1]/trun: samples: 4294967295, at most 10000000 are read",
    );
    check_fault(
        traf(&[tfhd(DEFAULT_BASE, &[]), bare(10_000_000)]),
        "moof/traf[1]/trun: `sample_count` cannot be 10000000",
    );
    check_fault(
        traf(&[tfhd(DEFAULT_BASE | 0x10, &[1]), bare(10_000_000)]),
        "moof/traf[1]/trun: the samples claim more bytes than the file has",
    );
    check_fault(
        traf(&[tfhd(DEFAULT_BASE, &[]), full(b"trun", 0x201, &be(&[0x4000_0001, 50, 10]))]),
        "moof/traf[1]/trun: 1073741825 entries of 4 bytes, but 4 bytes are left",
    );
    check_fault(
        traf(&[tfhd(DEFAULT_BASE, &[]), trun(1, 791)]),
        "moof/traf[1]/trun: sample 0 at 991..1001 lies outside the media data",
    );
    check_fault(
        traf(&[tfhd(DEFAULT_BASE, &[]), trun(1, (-201i32).cast_unsigned())]),
        "moof/traf[1]/trun: offset out of range",
    );
}

#[test]
fn parts_that_are_not_there_are_named() {
    check_fault(traf(&[trun(1, 50)]), "moof/traf[1]: no `tfhd`");
    let other = full(b"tfhd", DEFAULT_BASE, &be(&[7]));
    check_fault(traf(&[other, trun(1, 50)]), "moof/traf[1]: no track 7 in `moov`");
    check_fault(
        traf(&[tfhd(DEFAULT_BASE | 2, &[2]), trun(1, 50)]),
        "moof/traf[1]: a sample description that changes midway is not supported yet",
    );
    let mut movie = Parts::new().parse().unwrap();
    let fragment = traf(&[tfhd(DEFAULT_BASE, &[]), trun(1, 50)]);
    let error = moof::append(&mut movie, &fragment, 200).unwrap_err();
    assert_eq!(error.to_string(), "moof/traf[1]: no `trex`");
}

#[test]
fn preroll_groups_of_a_fragment_count_from_its_own() {
    let sgpd = versioned(b"sgpd", 1, 0, b"roll\0\0\0\x02\0\0\0\x01\xff\xfe");
    let sbgp = |index| full(b"sbgp", 0, &[&b"roll"[..], &be(&[1, 2, index])].concat());
    let plain = traf(&[tfhd(DEFAULT_BASE, &[]), trun(2, 50)]);
    let grouped = |index| traf(&[tfhd(DEFAULT_BASE, &[]), trun(2, 50), sgpd.clone(), sbgp(index)]);
    let movie = append(&[plain.clone(), grouped(0x1_0001), plain]).unwrap();
    let roll = &movie.tracks[0].roll;
    let runs: Vec<_> = roll.iter().map(|run| (run.count, run.distance)).collect();
    assert_eq!(runs, [(2, None), (2, Some(-2))]);
    for index in [1, 0x1_0000, 0x1_0002] {
        check_fault(
            grouped(index),
            &format!("moof/traf[1]/sbgp: `group_description_index` cannot be {index}"),
        );
    }
}
