//! Runs every file of `vectors/envelope/`. The header names the keys and the place; the
//! payload is the envelope in hex.

use std::{collections::BTreeMap, fs, path::Path};

use portcullis_base::KeyId;
use portcullis_keys::{
    root::RootKey,
    sealed::{KekRing, KeyEncryptionKey, Place, SealedError},
};

use crate::support::Fixed;

#[test]
fn every_envelope_vector_does_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/envelope");
    let mut run = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        check(&path, &fs::read_to_string(&path).unwrap());
        run += 1;
    }
    assert!(run >= 12, "only {run} vectors were found");
}

#[track_caller]
fn check(path: &Path, text: &str) {
    let (header, payload) = text.split_once("\n\n").unwrap();
    let fields: BTreeMap<&str, &str> =
        header.lines().map(|line| line.split_once(": ").unwrap()).collect();
    let envelope = hex::decode(payload.trim_end()).unwrap();
    let opened = if fields.contains_key("root") {
        unwrap(&fields, &envelope)
    } else {
        open(&fields, &envelope)
    };
    match fields["expect"] {
        "opens" => assert_eq!(opened, Ok(fields["plain"].to_owned()), "{path:?}"),
        "refused" => {
            let reason = opened.unwrap_err().fault().to_string();
            assert_eq!(reason, fields["reason"], "{path:?}");
        }
        other => panic!("{path:?} expects `{other}`"),
    }
}

fn open(fields: &BTreeMap<&str, &str>, envelope: &[u8]) -> Result<String, SealedError> {
    let (id, bytes) = fields["kek"].split_once(' ').unwrap();
    let kek = Fixed(hex::decode(bytes).unwrap());
    let ring = KekRing::new(KeyEncryptionKey::generate(id.parse().unwrap(), &kek).unwrap());
    let row_key = hex::decode(fields["row_key"]).unwrap();
    let place = Place {
        purpose: fields["purpose"],
        tenant: fields["tenant"],
        table: fields["table"],
        row_key: &row_key,
        column: fields["column"],
    };
    if let Some(nonce) = fields.get("nonce") {
        let nonce = Fixed(hex::decode(nonce).unwrap());
        let plain = hex::decode(fields["plain"]).unwrap();
        assert_eq!(ring.seal(&place, &plain, &nonce).unwrap(), envelope);
    }
    let kid = KeyId::from_bytes(row_key.as_slice().try_into().unwrap());
    let as_key = ring.open_content_key(&place, kid, envelope);
    let as_key = as_key.map(|key| hex::encode(key.expose()));
    let as_value = ring.open(&place, envelope).map(|plain| hex::encode(plain.expose()));
    assert_eq!(as_key, as_value);
    as_value
}

fn unwrap(fields: &BTreeMap<&str, &str>, wrapped: &[u8]) -> Result<String, SealedError> {
    let root = RootKey::read(fields["root"].as_bytes()).unwrap();
    let kek = KeyEncryptionKey::unwrap(&root, fields["id"].parse().unwrap(), wrapped)?;
    // A kek does not lend its bytes. Wrapped again under the same nonce it gives the same
    // envelope only if they are the ones the vector names.
    let nonce = Fixed(hex::decode(fields["nonce"]).unwrap());
    assert_eq!(kek.wrap(&root, &nonce).unwrap(), wrapped);
    let plain = Fixed(hex::decode(fields["plain"]).unwrap());
    let same = KeyEncryptionKey::generate(kek.id(), &plain).unwrap();
    assert_eq!(same.wrap(&root, &nonce).unwrap(), wrapped);
    Ok(fields["plain"].to_owned())
}
