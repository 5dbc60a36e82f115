//! What the tests share: inputs, keys, and one call that packages.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

use portcullis_base::{KeyId, Rng, Scheme, TrackClass};
use portcullis_keys::ContentKey;
use portcullis_packager::{
    KeyRing, PackageError, Plan, PlanOptions, Replace, Report, RunOptions, Source, run,
};

pub(crate) const LADDER: [&str; 3] = ["sd.mp4", "hd.mp4", "eng.mp4"];

pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

#[derive(Debug)]
struct Counting(u8);

impl Rng for Counting {
    fn fill(&self, out: &mut [u8]) {
        for (byte, value) in out.iter_mut().zip(self.0..) {
            *byte = value;
        }
    }
}

/// A key whose bytes and id tell the classes apart.
pub(crate) fn key(class: TrackClass) -> ContentKey {
    let number = class.as_str().len() as u8 + class.as_str().as_bytes()[0];
    ContentKey::generate(KeyId::from_bytes([number; 16]), &Counting(number))
}

pub(crate) fn plan(inputs: &[&str]) -> Result<Plan<File>, PackageError> {
    plan_paths(&inputs.iter().map(|name| data(name)).collect::<Vec<_>>())
}

pub(crate) fn plan_paths(inputs: &[PathBuf]) -> Result<Plan<File>, PackageError> {
    let sources = inputs.iter().map(|path| Source::open(path)).collect::<Result<_, _>>()?;
    let options = PlanOptions { segment_target: std::time::Duration::from_secs(2) };
    Plan::read(sources, &options)
}

pub(crate) fn options(out: &Path, scheme: Scheme) -> RunOptions {
    RunOptions {
        clear_key_url: Some("https://license.example/clearkey?a=1&b=2".into()),
        edition: 0,
        out: out.to_owned(),
        replace: Replace::No,
        scheme,
    }
}

/// Packages with a key of its own for every class.
pub(crate) fn package(plan: &mut Plan<File>, options: &RunOptions) -> Result<Report, PackageError> {
    let keys: Vec<(TrackClass, ContentKey)> =
        plan.keys_needed().into_iter().map(|class| (class, key(class))).collect();
    let ring = KeyRing::new(keys.iter().map(|(class, key)| (*class, key))).unwrap();
    run(plan, &ring, options, &mut |_| {})
}

/// Every file under a folder, by its path.
pub(crate) fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
