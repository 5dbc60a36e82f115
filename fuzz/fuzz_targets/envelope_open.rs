//! Foreign bytes as an envelope: nothing opens that the ring did not seal. Does not look for
//! weaknesses of AES-GCM.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_base::{KeyId, Rng};
use portcullis_keys::{
    root::RootKey,
    sealed::{KekRing, KeyEncryptionKey, Place},
};

#[derive(Debug)]
struct Fixed;

impl Rng for Fixed {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0x5a);
    }
}

fuzz_target!(|envelope: &[u8]| {
    let kek = KeyEncryptionKey::generate(7, &Fixed).expect("7 is not the reserved id");
    let ring = KekRing::new(kek);
    let row_key = [1; 16];
    let place = Place {
        purpose: "content_key",
        tenant: "t1",
        table: "content_keys",
        row_key: &row_key,
        column: "value",
    };
    assert!(ring.open(&place, envelope).is_err());
    assert!(ring.open_content_key(&place, KeyId::from_bytes(row_key), envelope).is_err());

    let root = RootKey::read(&[9; 32]).expect("32 bytes that are not all zero are a root key");
    assert!(KeyEncryptionKey::unwrap(&root, 7, envelope).is_err());
});
