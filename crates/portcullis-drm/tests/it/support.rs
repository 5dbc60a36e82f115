//! Reads vector files and makes keys of known bytes. Checks nothing.

use std::{fs, path::Path};

use portcullis_base::{KeyId, Rng};
use portcullis_keys::ContentKey;

/// One file of `vectors/`: header lines, an empty line, the payload.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    header: Vec<(String, String)>,
    pub(crate) payload: String,
}

impl Vector {
    /// All vectors of a folder.
    pub(crate) fn all(folder: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(folder);
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| Self::read(&entry.unwrap().path())).collect()
    }

    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let (header, payload) = text.split_once("\n\n").unwrap();
        let header = header.lines().map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            header: header.collect(),
            payload: payload.trim_end().to_owned(),
        }
    }

    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let named = self.header.iter().filter(|(candidate, _)| candidate == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn value(&self, name: &str) -> &str {
        self.values(name).first().copied().unwrap_or_else(|| panic!("{}: no `{name}`", self.name))
    }

    /// The keys of the lines `key: <kid> <bytes in hex>`.
    pub(crate) fn keys(&self) -> Vec<ContentKey> {
        let pairs = self.values("key").into_iter().map(|line| line.split_once(' ').unwrap());
        pairs.map(|(kid, bytes)| key(kid, &hex::decode(bytes).unwrap())).collect()
    }
}

/// Hands out the bytes it was made with.
#[derive(Debug)]
struct Fixed(Vec<u8>);

impl Rng for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }
}

pub(crate) fn key(kid: &str, bytes: &[u8]) -> ContentKey {
    ContentKey::generate(kid.parse::<KeyId>().unwrap(), &Fixed(bytes.to_vec()))
}
