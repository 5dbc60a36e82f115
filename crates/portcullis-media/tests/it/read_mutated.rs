//! Films with a few bytes changed: read or refused, never more samples than bytes, and maps
//! that cover their samples.

use portcullis_base::Scheme;
use portcullis_media::{
    avc::{ParameterSets, subsamples},
    bmff::Codec,
};

use crate::read_film::{Film, fixture_bytes};

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

/// Where the boxes that are parsed begin: after the start of the last `moov` or of any `moof`.
fn interesting(bytes: &[u8]) -> Vec<usize> {
    let starts = bytes.windows(4).enumerate();
    starts.filter(|(_, kind)| *kind == b"moov" || *kind == b"moof").map(|(at, _)| at).collect()
}

fn check_film(film: &Film) {
    let length = film.bytes.len() as u64;
    let mut claimed = 0;
    for (index, track) in film.movie.tracks.iter().enumerate() {
        claimed += track.samples.iter().map(|sample| u64::from(sample.size)).sum::<u64>();
        let Codec::Avc(config) = &track.sample_entry.codec else { continue };
        let Ok(mut sets) = ParameterSets::from_config(config) else { continue };
        for at in 0..track.samples.len().min(3) {
            let sample = film.sample(index, at);
            for scheme in [Scheme::Cbcs, Scheme::Cenc] {
                if let Ok(map) = subsamples(sample, &mut sets, config.length_size, scheme) {
                    let total: u64 = map.iter().map(|entry| entry.size()).sum();
                    assert_eq!(total, sample.len() as u64);
                }
            }
        }
    }
    assert!(claimed <= length);
}

#[test]
fn changed_bytes_are_read_or_refused_with_a_place() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut read, mut refused) = (0, 0);
    for name in ["moov_first", "fragmented_previous_end", "avc3_in_band"] {
        let original = fixture_bytes(&format!("{name}.mp4"));
        let starts = interesting(&original);
        for _ in 0..1500 {
            let mut bytes = original.clone();
            for _ in 0..=numbers.next(3) {
                let start = starts[numbers.next(starts.len())] + 4;
                let at = (start + numbers.next(1200)).min(bytes.len() - 1);
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, bytes[at].wrapping_add(1)][numbers.next(6)];
            }
            // A change to the top level may leave no `moov` to read; that is the caller's walk.
            if !bytes.windows(4).any(|kind| kind == b"moov") {
                continue;
            }
            match Film::open(bytes) {
                Ok(film) => {
                    check_film(&film);
                    read += 1;
                }
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}
