//! A sample from anybody: no panic, and a map that covers it exactly by the rules of its scheme.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_base::Scheme;
use portcullis_media::avc::{ParameterSets, subsamples, subsamples_max};

fuzz_target!(|input: &[u8]| {
    let Some((&choice, sample)) = input.split_first() else { return };
    let length_size = [1, 2, 4][usize::from(choice % 3)];
    for scheme in [Scheme::Cbcs, Scheme::Cenc] {
        let mut sets = ParameterSets::default();
        let Ok(map) = subsamples(sample, &mut sets, length_size, scheme) else { continue };
        assert_eq!(map.iter().map(|entry| entry.size()).sum::<u64>(), sample.len() as u64);
        assert!(map.len() <= subsamples_max(scheme));
        for entry in map {
            assert_ne!(entry.size(), 0);
            assert!(scheme == Scheme::Cbcs || entry.protected % 16 == 0);
        }
    }
});
