//! Known answers and limits of the fragment writer.

use super::*;

fn sample(size: u32, iv: Option<u8>, map: &[(u16, u32)]) -> FragmentSample {
    FragmentSample {
        composition_offset: 0,
        duration: 512,
        flags: SampleFlags(FLAGS_SYNC),
        iv: iv.map(|last| [0, 0, 0, 0, 0, 0, 0, last]),
        size,
        subsamples: map.iter().map(|&(clear, protected)| Subsample { clear, protected }).collect(),
    }
}

fn head(samples: &[FragmentSample]) -> Result<Vec<u8>, WriteError> {
    write(&Fragment { base_decode_time: 0, roll: Roll::None, samples, sequence: 1, track_id: 1 })
}

fn find<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let at = bytes.windows(4).position(|window| window == kind)? - 4;
    let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    Some(&bytes[at..at + size])
}

#[test]
fn senc_and_saiz_are_the_known_answers() {
    let samples =
        [sample(11316, Some(1), &[(692, 10624)]), sample(6178, Some(2), &[(10, 5968), (40, 160)])];
    let out = head(&samples).unwrap();
    assert_eq!(
        hex::encode(find(&out, b"senc").unwrap()),
        "0000003673656e63000000020000000200000000000000010001\
         02b400002980000000000000000200\
         02000a000017500028000000a0"
    );
    assert_eq!(hex::encode(find(&out, b"saiz").unwrap()), "000000137361697a0000000000000000021016");
}

#[test]
fn offsets_count_from_the_first_byte_of_moof() {
    let out = head(&[sample(100, Some(1), &[(20, 80)])]).unwrap();
    let moof = out.windows(4).position(|window| window == b"moof").unwrap() - 4;
    let senc = out.windows(4).position(|window| window == b"senc").unwrap() - 4;
    let saio = find(&out, b"saio").unwrap();
    assert_eq!(saio[16..20], u32::try_from(senc + 16 - moof).unwrap().to_be_bytes());
    let trun = find(&out, b"trun").unwrap();
    assert_eq!(trun[16..20], u32::try_from(out.len() - moof).unwrap().to_be_bytes());
}

#[test]
fn audio_under_cbcs_has_an_empty_senc_and_no_sizes() {
    let out = head(&[sample(7, None, &[]), sample(8, None, &[])]).unwrap();
    assert_eq!(hex::encode(find(&out, b"senc").unwrap()), "0000001073656e630000000000000002");
    assert!(find(&out, b"saiz").is_none());
    assert!(find(&out, b"saio").is_none());
}

#[test]
fn audio_under_cenc_states_its_record_size_once() {
    let out = head(&[sample(7, Some(1), &[]), sample(8, Some(2), &[])]).unwrap();
    assert_eq!(hex::encode(find(&out, b"saiz").unwrap()), "000000117361697a000000000800000002");
}

#[test]
fn a_record_of_255_bytes_fits_and_one_more_does_not() {
    let map = |entries| vec![(0, 16); entries];
    head(&[sample(640, Some(1), &map(40))]).unwrap();
    let wrong = Err(WriteError::RecordTooLong { sample: 0, size: 256 });
    assert_eq!(head(&[sample(656, Some(1), &map(41))]), wrong);
    head(&[sample(672, None, &map(42))]).unwrap();
    let wrong = Err(WriteError::RecordTooLong { sample: 0, size: 260 });
    assert_eq!(head(&[sample(688, None, &map(43))]), wrong);
}

#[test]
fn a_fragment_is_of_one_mind_about_ivs() {
    let wrong = Err(WriteError::IvsMixed { sample: 1 });
    assert_eq!(head(&[sample(1, None, &[]), sample(1, Some(1), &[])]), wrong);
    assert_eq!(head(&[sample(1, Some(1), &[]), sample(1, None, &[])]), wrong);
}

#[test]
fn more_than_4_gib_of_samples_get_a_wide_mdat() {
    let narrow = head(&[sample(u32::MAX - 8, None, &[])]).unwrap();
    assert_eq!(&narrow[narrow.len() - 8..], b"\xff\xff\xff\xffmdat");
    let wide = head(&[sample(u32::MAX - 7, None, &[])]).unwrap();
    assert_eq!(&wide[wide.len() - 16..], b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\x08");
    assert_eq!(find(&wide, b"trun").unwrap()[16..20], {
        let moof = wide.len() - 16 - STYP.len();
        u32::try_from(moof + 16).unwrap().to_be_bytes()
    });
}

#[track_caller]
fn check_flags(flags: &[u32], tfhd: u32, trun: u32) {
    let samples: Vec<FragmentSample> = flags
        .iter()
        .map(|&flags| FragmentSample { flags: SampleFlags(flags), ..sample(1, None, &[]) })
        .collect();
    let out = head(&samples).unwrap();
    let low = |kind| u32::from_be_bytes(find(&out, kind).unwrap()[8..12].try_into().unwrap());
    assert_eq!(low(b"tfhd") & 0xff_ffff, tfhd | DEFAULT_BASE_IS_MOOF | TFHD_DURATION);
    assert_eq!(low(b"trun") & 0xff_ffff, trun | TRUN_DATA_OFFSET | TRUN_SIZE);
}

#[test]
fn flags_are_stated_as_seldom_as_possible() {
    check_flags(&[1, 1, 1], TFHD_FLAGS, 0);
    check_flags(&[2, 1, 1], TFHD_FLAGS, TRUN_FIRST_FLAGS);
    check_flags(&[1, 1, 2], 0, TRUN_FLAGS);
    check_flags(&[1], TFHD_FLAGS, 0);
    check_flags(&[1, 2], TFHD_FLAGS, TRUN_FIRST_FLAGS);
}

#[test]
fn sync_samples_depend_on_nothing_unless_the_source_says_otherwise() {
    let source = |is_sync, dependency| Sample {
        offset: 0,
        size: 0,
        duration: 0,
        composition_offset: 0,
        is_sync,
        dependency,
    };
    for (is_sync, dependency, expected) in [
        (true, 0, 0x0200_0000),
        (false, 0, 0x0101_0000),
        (true, 0x10, 0x0100_0000),
        (false, 0x98, 0x0981_0000 & 0x0fff_0000 | 0x0001_0000),
        (false, 0x04, 0x0141_0000),
    ] {
        let actual = SampleFlags::of(&source(is_sync, dependency)).bits();
        assert_eq!(actual, expected, "sync {is_sync}, dependency {dependency:#04x}");
    }
}
