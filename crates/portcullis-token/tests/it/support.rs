//! What the tests share: vector files, keys, randomness that repeats.

use std::{collections::BTreeMap, fs, path::PathBuf};

use portcullis_base::{Rng, SecretBytes};
use portcullis_token::jwt::{SigningKey, VerificationKey};

/// One file of `vectors/`: header lines, a blank line, the payload.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    header: BTreeMap<String, Vec<String>>,
    pub(crate) payload: String,
}

impl Vector {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    pub(crate) fn all(&self, name: &str) -> &[String] {
        self.header.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn need(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("{} lacks `{name}`", self.name))
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).map(|text| text.parse().unwrap())
    }
}

pub(crate) fn vectors(format: &str) -> Vec<Vector> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors").join(format);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let (head, payload) = text.split_once("\n\n").unwrap();
        let mut header: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in head.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            header.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Vector { name, header, payload: payload.trim_end_matches('\n').to_owned() }
    };
    files.into_iter().map(read).collect()
}

/// Not random at all.
#[derive(Debug)]
pub(crate) struct Counting;

impl Rng for Counting {
    fn fill(&self, out: &mut [u8]) {
        out.iter_mut().zip(0..).for_each(|(byte, count)| *byte = count);
    }
}

pub(crate) const RSA_PRIVATE: &str = include_str!("keys/rsa2048.pem");
pub(crate) const RSA_PUBLIC: &str = include_str!("keys/rsa2048.pub.pem");
pub(crate) const EC_PRIVATE: &str = include_str!("keys/p256.pem");
pub(crate) const EC_PUBLIC: &str = include_str!("keys/p256.pub.pem");
pub(crate) const P384_PRIVATE: &str = include_str!("keys/p384.pem");
pub(crate) const P384_PUBLIC: &str = include_str!("keys/p384.pub.pem");
pub(crate) const ED_PRIVATE: &str = include_str!("keys/ed25519.pem");
pub(crate) const ED_PUBLIC: &str = include_str!("keys/ed25519.pub.pem");

pub(crate) const SECRET: [u8; 64] = [0x42; 64];

pub(crate) fn secret() -> SecretBytes {
    SecretBytes::new(SECRET.to_vec())
}

pub(crate) fn hs256() -> SigningKey {
    SigningKey::hs256(&secret()).unwrap()
}

pub(crate) fn hs256_public() -> VerificationKey {
    VerificationKey::hs256(&secret()).unwrap()
}
