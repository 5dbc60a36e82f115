//! Known answers of the two ciphers: every file in `vectors/cenc`.

use std::{collections::HashMap, fs, path::Path};

use portcullis_base::Iv;
use portcullis_media::cenc::{CbcsCipher, CounterBlock, Coverage, CtrCipher, Pattern, Subsample};

/// A vector's header lines, its plaintext and its ciphertext.
struct Vector {
    header: HashMap<String, String>,
    plain: Vec<u8>,
    expected: Vec<u8>,
    map: Option<Vec<Subsample>>,
}

impl Vector {
    fn parse(text: &str) -> Self {
        let (header, payload) = text.split_once("\n\n").expect("a blank line after the header");
        let header: HashMap<String, String> = header
            .lines()
            .map(|line| line.split_once(": ").expect("`name: value`"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let plain = match header["plain"].split_once(' ').unwrap() {
            ("count", size) => {
                (0..size.parse::<usize>().unwrap()).map(|i| (i % 251) as u8).collect()
            }
            ("zero", size) => vec![0; size.parse().unwrap()],
            other => panic!("unknown plaintext {other:?}"),
        };
        let map = (header["map"] != "whole").then(|| {
            let entries = header["map"].split(' ').map(|entry| entry.split_once('+').unwrap());
            entries
                .map(|(clear, protected)| Subsample {
                    clear: clear.parse().unwrap(),
                    protected: protected.parse().unwrap(),
                })
                .collect()
        });
        let expected = hex::decode(payload.replace('\n', "")).unwrap();
        Self { header, plain, expected, map }
    }

    fn bytes<const N: usize>(&self, name: &str) -> Option<[u8; N]> {
        hex::decode(&self.header[name]).unwrap().try_into().ok()
    }
}

#[track_caller]
fn check(name: &str, vector: &Vector) {
    let key = vector.bytes("key").unwrap();
    let coverage = vector.map.as_deref().map_or(Coverage::Whole, Coverage::Mapped);
    let mut sample = vector.plain.clone();
    match vector.header["scheme"].as_str() {
        "cbcs" => {
            let pattern = match vector.header["pattern"].as_str() {
                "0:0" => Pattern::Full,
                "1:9" => Pattern::OneInTen,
                other => panic!("unknown pattern `{other}`"),
            };
            let cipher = CbcsCipher::new(&key, Iv(vector.bytes("iv").unwrap()), pattern);
            cipher.encrypt(&mut sample, coverage).unwrap();
            assert_eq!(hex::encode(&sample), hex::encode(&vector.expected), "{name}");
            cipher.decrypt(&mut sample, coverage).unwrap();
        }
        "cenc" => {
            let start = vector.bytes("iv").map_or_else(
                || CounterBlock::from_iv16(vector.bytes("iv").unwrap()),
                CounterBlock::from_iv8,
            );
            let cipher = CtrCipher::new(&key);
            cipher.apply(start, &mut sample, coverage).unwrap();
            assert_eq!(hex::encode(&sample), hex::encode(&vector.expected), "{name}");
            cipher.apply(start, &mut sample, coverage).unwrap();
        }
        other => panic!("unknown scheme `{other}`"),
    }
    assert_eq!(sample, vector.plain, "{name} does not come back");
}

#[test]
fn every_known_answer_is_met_in_both_directions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/cenc");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let vector = Vector::parse(&fs::read_to_string(&path).unwrap());
        check(&path.display().to_string(), &vector);
        count += 1;
    }
    assert_eq!(count, 8);
}
