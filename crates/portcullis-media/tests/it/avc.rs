//! Subsample maps of films, against slice headers as ffmpeg reads them.

use portcullis_base::Scheme;
use portcullis_media::{
    avc::{ParameterSets, subsamples},
    bmff::{AvcConfig, Codec},
    cenc::Subsample,
};

use crate::read_film::{Film, fixture_lines};

fn config(film: &Film) -> &AvcConfig {
    match &film.movie.tracks[0].sample_entry.codec {
        Codec::Avc(config) => config,
        other => panic!("{other:?}"),
    }
}

/// The NAL units of a sample with four-byte lengths.
fn units(sample: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut rest = sample;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (unit, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        units.push(unit);
        rest = after;
    }
    units
}

/// Bytes of the file that hold the first `bits` bits, emulation prevention bytes included.
fn raw_len(unit: &[u8], bits: usize) -> usize {
    let mut wanted = bits.div_ceil(8);
    let mut at = 0;
    while wanted > 0 {
        if at >= 2 && unit[at - 2..=at] == [0, 0, 3] {
            at += 1;
        }
        at += 1;
        wanted -= 1;
    }
    at
}

/// The map of a sample whose slice headers have these numbers of bits.
fn expected_map(
    sample: &[u8],
    headers: &mut impl Iterator<Item = usize>,
    scheme: Scheme,
) -> Vec<Subsample> {
    let mut map = Vec::new();
    let mut clear = 0;
    for unit in units(sample) {
        clear += 4 + unit.len();
        if matches!(unit[0] & 0x1f, 1 | 5) {
            let mut protected = unit.len() - raw_len(unit, headers.next().unwrap());
            if scheme == Scheme::Cenc {
                protected -= protected % 16;
            }
            if protected > 0 {
                let clear = u16::try_from(std::mem::take(&mut clear) - protected).unwrap();
                map.push(Subsample { clear, protected: u32::try_from(protected).unwrap() });
            }
        }
    }
    if clear > 0 {
        map.push(Subsample { clear: u16::try_from(clear).unwrap(), protected: 0 });
    }
    map
}

#[track_caller]
fn check_film(name: &str, slices: usize) {
    let film = Film::fixture(name);
    let lines = fixture_lines(&format!("{name}.slices.txt"));
    assert_eq!(lines.len(), slices);
    for scheme in [Scheme::Cbcs, Scheme::Cenc] {
        let mut sets = ParameterSets::from_config(config(&film)).unwrap();
        let mut headers = lines.iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap());
        for index in 0..film.movie.tracks[0].samples.len() {
            let sample = film.sample(0, index);
            let map = subsamples(sample, &mut sets, config(&film).length_size, scheme).unwrap();
            let total: u64 = map.iter().map(|entry| entry.size()).sum();
            assert_eq!(total, sample.len() as u64);
            assert_eq!(map, expected_map(sample, &mut headers, scheme), "{name} {index} {scheme}");
        }
        assert_eq!(headers.next(), None);
    }
}

#[test]
fn slice_data_begins_where_ffmpeg_says() {
    check_film("avc3_in_band", 24);
    check_film("bframes_moov_last", 25);
    check_film("cavlc_baseline", 21);
    check_film("high444_rgb", 10);
    check_film("mbaff", 20);
    check_film("multi_slice", 60);
}

#[test]
fn in_band_sets_serve_without_the_sample_entry() {
    let film = Film::fixture("avc3_in_band");
    let mut sets = ParameterSets::default();
    subsamples(film.sample(0, 0), &mut sets, 4, Scheme::Cbcs).unwrap();
    let error = subsamples(film.sample(0, 2), &mut ParameterSets::default(), 4, Scheme::Cbcs);
    assert_eq!(error.unwrap_err().to_string(), "byte 0: no picture parameter set 0");
    subsamples(film.sample(0, 2), &mut sets, 4, Scheme::Cbcs).unwrap();
}
