//! How many megabytes per second are packaged, from memory to a folder.
//!
//! `package` takes the film of the demo, whose samples are small: boxes, manifests and synced
//! files weigh more than encryption there. The ciphers are measured apart, on samples of the
//! size of a good picture.

use std::{fs, io::Cursor, path::Path};

use divan::{Bencher, counter::BytesCount};
use portcullis_base::{Iv, KeyId, Rng, Scheme, TrackClass};
use portcullis_keys::ContentKey;
use portcullis_media::cenc::{CbcsCipher, CounterBlock, Coverage, CtrCipher, Pattern, Subsample};
use portcullis_packager::{KeyRing, Plan, PlanOptions, Replace, RunOptions, Source, run};

fn main() {
    divan::main();
}

/// A sample of 64 KiB with two slices, as in a film at 12 Mbit/s.
const SAMPLE: usize = 64 * 1024;
const MAP: [Subsample; 2] = [
    Subsample { clear: 64, protected: 32 * 1024 - 64 },
    Subsample { clear: 64, protected: 32 * 1024 - 64 },
];

#[divan::bench]
fn cipher_cenc(bencher: Bencher<'_, '_>) {
    let cipher = CtrCipher::new(&[7; 16]);
    let start = CounterBlock::from_iv8([1; 8]);
    let mut sample = vec![0; SAMPLE];
    bencher
        .counter(BytesCount::new(SAMPLE))
        .bench_local(|| cipher.apply(start, &mut sample, Coverage::Mapped(&MAP)));
}

#[divan::bench]
fn cipher_cbcs(bencher: Bencher<'_, '_>) {
    let cipher = CbcsCipher::new(&[7; 16], Iv([1; 16]), Pattern::OneInTen);
    let mut sample = vec![0; SAMPLE];
    bencher
        .counter(BytesCount::new(SAMPLE))
        .bench_local(|| cipher.encrypt(&mut sample, Coverage::Mapped(&MAP)));
}

#[divan::bench(args = ["cenc", "cbcs"], sample_count = 20)]
fn package(bencher: Bencher<'_, '_>, scheme: &str) {
    let scheme: Scheme = scheme.parse().expect("a scheme of the list above");
    let folder = std::env::temp_dir().join(format!("portcullis-bench-{}", std::process::id()));
    let film = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo/film-720p.mp4");
    let bytes = fs::read(film).expect("the demo film is part of the repository");
    let key = ContentKey::generate(KeyId::from_bytes([1; 16]), &Sevens);
    let options = RunOptions {
        clear_key_url: None,
        edition: 0,
        out: folder.join("out"),
        replace: Replace::Yes,
        scheme,
    };
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let source = Source::new("film".into(), Cursor::new(bytes.as_slice()));
        let mut plan = Plan::read(vec![source], &PlanOptions::default()).expect("a good film");
        let classes: Vec<TrackClass> = plan.keys_needed();
        let ring =
            KeyRing::new(classes.into_iter().map(|class| (class, &key))).expect("one key each");
        run(&mut plan, &ring, &options, &mut |_| {}).expect("a writable folder")
    });
    fs::remove_dir_all(&folder).expect("the folder made above");
}

#[derive(Debug)]
struct Sevens;

impl Rng for Sevens {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}
