//! Subsample maps of samples written bit by bit, for what no small film shows.

use portcullis_base::Scheme;
use portcullis_media::{
    avc::{ParameterSets, subsamples, subsamples_max},
    bmff::AvcConfig,
    cenc::Subsample,
};

/// Writes the bits of a NAL unit.
#[derive(Clone, Debug, Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn u(mut self, count: u32, value: u32) -> Self {
        self.0.extend((0..count).rev().map(|at| value >> at & 1 == 1));
        self
    }

    fn ue(self, value: u32) -> Self {
        let length = 31 - (value + 1).leading_zeros();
        self.u(length, 0).u(length + 1, value + 1)
    }

    fn flags(self, bits: &[u32]) -> Self {
        bits.iter().fold(self, |bits, &bit| bits.u(1, bit))
    }

    /// The bytes, with a stop bit and zeros to the end, and emulation prevention.
    fn unit(mut self) -> Vec<u8> {
        self.0.push(true);
        while !self.0.len().is_multiple_of(8) {
            self.0.push(false);
        }
        let mut escaped: Vec<u8> = Vec::new();
        for bits in self.0.chunks(8) {
            let byte = bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
            if byte <= 3 && escaped.ends_with(&[0, 0]) {
                escaped.push(3);
            }
            escaped.push(byte);
        }
        escaped
    }
}

/// Baseline-like: frame numbers of 4 bits, order type 2, frames only.
fn sps() -> Bits {
    sps_until_order(66).ue(2).ue(1).u(1, 0).ue(5).ue(3).u(1, 1)
}

fn sps_until_order(profile: u32) -> Bits {
    Bits::default().u(8, 0x67).u(8, profile).u(16, 30).ue(0).ue(0)
}

/// CAVLC, one reference each way, nothing optional.
fn pps() -> Bits {
    Bits::default()
        .u(8, 0x68)
        .ue(0)
        .ue(0)
        .flags(&[0, 0])
        .ue(0)
        .ue(0)
        .ue(0)
        .u(3, 0)
        .ue(0)
        .ue(0)
        .ue(0)
        .flags(&[0, 0, 0])
}

fn sets(sps: Bits, pps: Bits) -> ParameterSets {
    ParameterSets::from_config(&config(sps, pps)).unwrap()
}

fn config(sps: Bits, pps: Bits) -> AvcConfig {
    AvcConfig {
        length_size: 4,
        profile: [66, 0, 30],
        sps: vec![sps.unit()],
        pps: vec![pps.unit()],
        codecs: "avc1.42001e".to_owned(),
    }
}

/// An I slice that is no reference, up to `slice_qp_delta`: 8+1+7+1+4+1 = 22 bits, 3 bytes.
fn intra() -> Bits {
    Bits::default().u(8, 0x01).ue(0).ue(7).ue(0).u(4, 3).ue(0)
}

fn prefixed(units: &[Vec<u8>]) -> Vec<u8> {
    let prefixed =
        |unit: &Vec<u8>| [&u32::try_from(unit.len()).unwrap().to_be_bytes(), &unit[..]].concat();
    units.iter().flat_map(prefixed).collect()
}

/// `header` and then data up to `length` bytes.
fn slice(header: Bits, length: usize) -> Vec<u8> {
    let mut unit = header.unit();
    unit.resize(length, 0xaa);
    unit
}

fn map(entries: &[(u16, u32)]) -> Vec<Subsample> {
    entries.iter().map(|&(clear, protected)| Subsample { clear, protected }).collect()
}

#[track_caller]
fn check(units: &[Vec<u8>], cbcs: &[(u16, u32)], cenc: &[(u16, u32)]) {
    check_with(&sets(sps(), pps()), units, cbcs, cenc);
}

#[track_caller]
fn check_with(sets: &ParameterSets, units: &[Vec<u8>], cbcs: &[(u16, u32)], cenc: &[(u16, u32)]) {
    let sample = prefixed(units);
    for (scheme, expected) in [(Scheme::Cbcs, cbcs), (Scheme::Cenc, cenc)] {
        assert_eq!(
            subsamples(&sample, &mut sets.clone(), 4, scheme),
            Ok(map(expected)),
            "{scheme}"
        );
    }
}

/// Checks that the header of a slice takes `expected` bytes.
#[track_caller]
fn check_header(sps: Bits, pps: Bits, header: Bits, expected: u16) {
    let units = [slice(header, 300)];
    let rest = 300 - u32::from(expected);
    let odd = u16::try_from(rest % 16).unwrap();
    let cenc = (4 + expected + odd, rest - u32::from(odd));
    check_with(&sets(sps, pps), &units, &[(4 + expected, rest)], &[cenc]);
}

#[test]
fn the_clear_part_grows_for_cenc_and_nothing_trails() {
    check(&[slice(intra(), 3 + 16)], &[(7, 16)], &[(7, 16)]);
    check(&[slice(intra(), 3 + 31)], &[(7, 31)], &[(22, 16)]);
    check(&[slice(intra(), 3 + 32)], &[(7, 32)], &[(7, 32)]);
    let two = [slice(intra(), 3 + 20), slice(intra(), 3 + 40)];
    check(&two, &[(7, 20), (7, 40)], &[(11, 16), (15, 32)]);
}

#[test]
fn a_slice_shorter_than_a_block_joins_the_next_entry_for_cenc() {
    let small = slice(intra(), 3 + 15);
    check(std::slice::from_ref(&small), &[(7, 15)], &[(22, 0)]);
    check(&[small, slice(intra(), 3 + 16)], &[(7, 15), (7, 16)], &[(29, 16)]);
}

#[test]
fn a_slice_that_is_all_header_has_nothing_to_protect() {
    let skipped = slice(intra(), 3);
    check(std::slice::from_ref(&skipped), &[(7, 0)], &[(7, 0)]);
    check(&[skipped, slice(intra(), 3 + 16)], &[(14, 16)], &[(14, 16)]);
}

#[test]
fn other_units_are_clear_and_join_the_next_entry() {
    let aud = vec![0x09, 0xf0];
    let sei = vec![0x06; 40];
    let filler = vec![0x0c; 10];
    let before = [aud, sei, slice(intra(), 3 + 16)];
    check(&before, &[(6 + 44 + 7, 16)], &[(6 + 44 + 7, 16)]);
    let after = [slice(intra(), 3 + 16), filler.clone()];
    check(&after, &[(7, 16), (14, 0)], &[(7, 16), (14, 0)]);
    check(&[filler], &[(14, 0)], &[(14, 0)]);
    check(&[], &[], &[]);
}

#[test]
fn clear_runs_are_split_where_sixteen_bits_end() {
    let sei = |length: usize| vec![0x06; length - 4];
    let one = slice(intra(), 3 + 16);
    let check = |clear: usize, expected: &[(u16, u32)]| {
        check(&[sei(clear - 7), one.clone()], expected, expected);
    };
    check(65_534, &[(65_534, 16)]);
    check(65_535, &[(65_535, 16)]);
    check(65_536, &[(65_535, 0), (1, 16)]);
    check(131_070, &[(65_535, 0), (65_535, 16)]);
    check(131_071, &[(65_535, 0), (65_535, 0), (1, 16)]);
}

#[test]
fn no_slice_data_stays_clear() {
    for kind in [0x03, 0x04, 0x14, 0x15] {
        let sample = prefixed(&[vec![kind; 50]]);
        let kind = kind & 0x1f;
        check_fault(&sample, &format!("byte 0: slices of NAL unit type {kind} are not supported"));
    }
    let mut partition_a = slice(intra(), 3 + 16);
    partition_a[0] = 0x02;
    check(&[partition_a], &[(7, 16)], &[(7, 16)]);
    let mut auxiliary = slice(intra(), 3 + 16);
    auxiliary[0] = 0x13;
    check(&[auxiliary], &[(7, 16)], &[(7, 16)]);
}

#[test]
fn lengths_of_one_and_two_bytes_are_read() {
    let unit = slice(intra(), 3 + 16);
    for (length_size, prefix) in [(1u8, vec![19]), (2, vec![0, 19])] {
        let sample = [prefix, unit.clone()].concat();
        let map = subsamples(&sample, &mut sets(sps(), pps()), length_size, Scheme::Cbcs).unwrap();
        let clear = u16::from(length_size) + 3;
        assert_eq!(map, [Subsample { clear, protected: 16 }]);
    }
    let error = subsamples(&[0; 9], &mut sets(sps(), pps()), 3, Scheme::Cbcs).unwrap_err();
    assert_eq!(error.to_string(), "byte 0: NAL unit lengths of 3 bytes");
}

#[track_caller]
fn check_fault(sample: &[u8], expected: &str) {
    for scheme in [Scheme::Cbcs, Scheme::Cenc] {
        let error = subsamples(sample, &mut sets(sps(), pps()), 4, scheme).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn units_that_are_empty_or_too_long_are_faults_with_their_place() {
    check_fault(&[0, 0, 0, 0], "byte 0: a NAL unit of 0 bytes where 0 are left");
    check_fault(&[0, 0, 0, 2, 9], "byte 0: a NAL unit of 2 bytes where 1 are left");
    check_fault(&[0, 0, 0, 1, 9, 0, 0, 0, 0, 9], "byte 5: a NAL unit of 0 bytes where 1 are left");
    check_fault(&[0, 0, 0, 1, 9, 7, 7], "byte 5: a NAL unit of 0 bytes where 0 are left");
    check_fault(
        &[0xff, 0xff, 0xff, 0xff, 9],
        "byte 0: a NAL unit of 4294967295 bytes where 1 are left",
    );
}

#[test]
fn headers_that_cannot_be_read_are_faults_and_nothing_is_left_clear() {
    let unit = |header: Bits| prefixed(&[slice(header, 40)]);
    let start = || Bits::default().u(8, 0x01).ue(0);
    check_fault(&unit(start().ue(10)), "byte 0: `slice_type` cannot be 10");
    check_fault(&unit(start().ue(7).ue(9)), "byte 0: no picture parameter set 9");
    check_fault(&unit(start().ue(7).ue(256)), "byte 0: `pic_parameter_set_id` cannot be 256");
    check_fault(&prefixed(&[vec![0x01, 0x80]]), "byte 0: the NAL unit ends inside its header");
    let zeros = [vec![0x01], [0, 0, 3].repeat(20)].concat();
    check_fault(&prefixed(&[zeros]), "byte 0: `Exp-Golomb prefix` cannot be 32");
    check_fault(&prefixed(&[vec![0x67, 66]]), "byte 0: the NAL unit ends inside its header");
}

#[test]
fn a_set_that_names_an_absent_set_fails_when_a_slice_needs_it() {
    let mut sets = ParameterSets::default();
    let alone = prefixed(&[pps().unit()]);
    assert_eq!(subsamples(&alone, &mut sets, 4, Scheme::Cbcs).unwrap().len(), 1);
    let sample = prefixed(&[slice(intra(), 40)]);
    let error = subsamples(&sample, &mut sets, 4, Scheme::Cbcs).unwrap_err();
    assert_eq!(error.to_string(), "byte 0: no sequence parameter set 0");
    let late = prefixed(&[sps().unit(), slice(intra(), 40)]);
    subsamples(&late, &mut sets, 4, Scheme::Cbcs).unwrap();
}

#[test]
fn a_set_in_the_sample_holds_from_there_on() {
    // Frame numbers grow from 4 to 16 bits, so the header grows from 22 bits to 34.
    let longer = Bits::default().u(8, 0x67).u(8, 66).u(16, 30).ue(0).ue(12);
    let longer = longer.ue(2).ue(1).u(1, 0).ue(5).ue(3).u(1, 1).unit();
    let intra_16 = Bits::default().u(8, 0x01).ue(0).ue(7).ue(0).u(16, 3).ue(0);
    let size = u16::try_from(longer.len()).unwrap();
    let units = [slice(intra(), 3 + 16), longer, slice(intra_16, 5 + 16)];
    let expected = [(7, 16), (4 + size + 9, 16)];
    check(&units, &expected, &expected);
}

#[test]
fn oddities_after_the_fields_we_need_do_not_matter() {
    // Cropping flag, then usability information that is nothing but zeros, cut off.
    let odd = sps().flags(&[1, 0, 1]).u(32, 0).u(32, 0);
    check_header(odd, pps(), intra(), 3);
}

#[test]
fn a_prevention_byte_inside_the_header_counts() {
    // Zeros of frame_num and idr_pic_id straddle two bytes, so that a 03 stands between.
    let sps = Bits::default().u(8, 0x67).u(8, 66).u(16, 30).ue(0).ue(12).ue(0).ue(12);
    let sps = sps.ue(1).u(1, 0).ue(5).ue(3).u(1, 1);
    let header = Bits::default().u(8, 0x01).ue(0).ue(7).ue(0).u(16, 0).u(16, 0).ue(0);
    // 8+1+7+1 bits, 32 zeros, 1 bit: 50 bits are 7 bytes, and one 03 or more among them.
    let unit = header.clone().unit();
    let escapes = u16::try_from(unit.len()).unwrap() - 7;
    assert_eq!(escapes, 1);
    check_header(sps, pps(), header, 8);
}

#[test]
fn a_prevention_byte_after_the_header_is_slice_data() {
    // 2000 by 2000 map units in slice groups of type 3, rate 1: the change cycle that ends the
    // header takes 22 bits.
    let sps = Bits::default().u(8, 0x67).u(8, 66).u(16, 30).ue(0).ue(12).ue(2);
    let sps = sps.ue(1).u(1, 0).ue(1999).ue(1999).u(1, 1);
    let pps = Bits::default().u(8, 0x68).ue(0).ue(0).flags(&[0, 0]).ue(1).ue(3).u(1, 0).ue(0);
    let pps = pps.ue(0).ue(0).u(3, 0).ue(0).ue(0).ue(0).flags(&[0, 0, 0]);
    // 8+1+7+1+16+1+22 bits are seven whole bytes, the last two of them zero.
    let header = Bits::default().u(8, 0x01).ue(0).ue(7).ue(0).u(16, 0xffff).ue(0).u(22, 0);
    let mut unit = header.unit();
    unit.truncate(7);
    assert!(unit.ends_with(&[0, 0]));
    // Slice data that begins with 01 is written 03 01 after them.
    unit.extend([3, 1]);
    unit.resize(7 + 32, 0xaa);
    check_with(&sets(sps, pps), &[unit], &[(11, 32)], &[(11, 32)]);
}

/// Frames and fields, order type 0 with 4 low bits.
fn interlaced_sps() -> Bits {
    sps_until_order(77).ue(0).ue(0).ue(1).u(1, 0).ue(5).ue(1).u(1, 0).u(1, 0)
}

#[test]
fn field_pictures_have_a_parity_and_no_order_of_the_bottom() {
    // bottom_field_pic_order_in_frame_present is set.
    let pps = || {
        Bits::default()
            .u(8, 0x68)
            .ue(0)
            .ue(0)
            .flags(&[0, 1])
            .ue(0)
            .ue(0)
            .ue(0)
            .u(3, 0)
            .ue(0)
            .ue(0)
            .ue(0)
            .flags(&[0, 0, 0])
    };
    let start = || Bits::default().u(8, 0x01).ue(0).ue(7).ue(0).u(4, 3);
    // 17+4 bits, field and parity 2, order 4, quantizer of 11 bits: 38.
    let field = start().flags(&[1, 1]).u(4, 0).ue(40);
    check_header(interlaced_sps(), pps(), field, 5);
    // A frame has one flag, order 4, and an order of the bottom of 11 bits: 38 with quantizer.
    let frame = start().u(1, 0).u(4, 0).ue(40).ue(0);
    check_header(interlaced_sps(), pps(), frame, 5);
    // With a quantizer of 11 bits 48, all of which a reader that forgets the bottom misses.
    let frame = start().u(1, 0).u(4, 0).ue(40).ue(40);
    check_header(interlaced_sps(), pps(), frame, 6);
}

#[test]
fn order_type_one_states_differences_unless_they_are_zero() {
    let sps = |always_zero: u32| {
        let sps = sps_until_order(66).ue(1).u(1, always_zero).ue(0).ue(0).ue(2).ue(4).ue(5);
        sps.ue(1).u(1, 0).ue(5).ue(3).u(1, 1)
    };
    let start = || Bits::default().u(8, 0x01).ue(0).ue(7).ue(0).u(4, 3);
    check_header(sps(1), pps(), start().ue(0), 3);
    check_header(sps(0), pps(), start().ue(4000).ue(0), 6);
}

#[test]
fn predicted_slices_change_their_lists_and_weights() {
    // Weighted prediction for P and, explicitly, for B; deblocking control; redundant pictures.
    let pps = || {
        Bits::default()
            .u(8, 0x68)
            .ue(0)
            .ue(0)
            .flags(&[1, 0])
            .ue(0)
            .ue(1)
            .ue(0)
            .u(1, 1)
            .u(2, 1)
            .ue(0)
            .ue(0)
            .ue(0)
            .flags(&[1, 0, 1])
    };
    // A reference P slice: redundant count, override to 1 entry, modified list, weights with
    // luma and chroma, adaptive marking, CABAC table, quantizer, deblocking off.
    let p = Bits::default().u(8, 0x61).ue(0).ue(5).ue(0).u(4, 3).ue(0);
    let p = p.u(1, 1).ue(0).u(1, 1).ue(0).ue(6).ue(2).ue(1).ue(3);
    let p = p.ue(5).ue(5).u(1, 1).ue(2).ue(2).u(1, 1).ue(2).ue(2).ue(2).ue(2);
    let p = p.u(1, 1).ue(1).ue(7).ue(3).ue(1).ue(1).ue(5).ue(0).ue(2).ue(9).ue(1);
    let bits = p.0.len();
    check_header(sps(), pps(), p, u16::try_from(bits.div_ceil(8)).unwrap());
    // A B slice that is no reference: direct mode, no override (2 and 1 entries), two lists.
    let b = Bits::default().u(8, 0x01).ue(0).ue(6).ue(0).u(4, 3).ue(0).u(1, 1).u(1, 0);
    let b = b.u(1, 0).u(1, 1).ue(1).ue(6).ue(3).ue(5).ue(5).flags(&[0, 0, 0, 1]);
    let b = b.ue(2).ue(2).ue(2).ue(2).flags(&[0, 0]).ue(1).ue(9).ue(0).ue(3).ue(3);
    let bits = b.0.len();
    check_header(sps(), pps(), b, u16::try_from(bits.div_ceil(8)).unwrap());
}

#[test]
fn switching_slices_have_a_second_quantizer() {
    let start = |kind| Bits::default().u(8, 0x01).ue(0).ue(kind).ue(0).u(4, 3);
    // SI: 8+1+5+1+4 bits, quantizers of 9 and 9: 37 bits.
    check_header(sps(), pps(), start(4).ue(15).ue(15), 5);
    // SP: 8+1+5+1+4, override and list flags 2, 9, switch 1, 9: 40 bits.
    check_header(sps(), pps(), start(3).flags(&[0, 0]).ue(15).u(1, 0).ue(15), 5);
}

#[test]
fn colour_planes_coded_apart_name_their_plane() {
    let sps = |apart: u32| {
        let sps = Bits::default().u(8, 0x67).u(8, 244).u(16, 30).ue(0).ue(3).u(1, apart);
        let sps = sps.ue(0).ue(0).flags(&[0, 1]).flags(&[0; 11]);
        // One scaling list of 64 entries, cut short by a delta that makes the next scale 0.
        sps.u(1, 1).ue(16).ue(0).ue(2).ue(1).u(1, 0).ue(5).ue(3).u(1, 1)
    };
    let start = |plane: u32| Bits::default().u(8, 0x01).ue(0).ue(7).ue(0).u(plane, 0).u(4, 3);
    // 8+1+7+1+4 = 21 bits and a quantizer of 3 make 24; the plane adds two.
    check_header(sps(0), pps(), start(0).ue(1), 3);
    check_header(sps(1), pps(), start(2).ue(1), 4);
}

#[test]
fn more_entries_than_a_record_can_state_are_a_fault() {
    assert_eq!((subsamples_max(Scheme::Cenc), subsamples_max(Scheme::Cbcs)), (40, 42));
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let most = subsamples_max(scheme);
        let map = |count: usize| {
            let sample = prefixed(&vec![slice(intra(), 3 + 16); count]);
            subsamples(&sample, &mut sets(sps(), pps()), 4, scheme)
        };
        assert_eq!(map(most).unwrap().len(), most);
        let error = map(most + 1).unwrap_err().to_string();
        let count = most + 1;
        assert_eq!(error, format!("byte 0: {count} subsamples, at most {most} fit a record"));
    }
}
