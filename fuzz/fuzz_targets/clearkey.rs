//! Foreign bytes as a Clear Key request: what is accepted reads the same when printed again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_base::{KeyId, Rng};
use portcullis_drm::clearkey::{license, parse};
use portcullis_keys::ContentKey;

/// Hands out the bytes of a kid as those of a key.
#[derive(Debug)]
struct Same(KeyId);

impl Rng for Same {
    fn fill(&self, out: &mut [u8]) {
        out.copy_from_slice(self.0.as_bytes());
    }
}

fuzz_target!(|body: &[u8]| {
    let Ok(request) = parse(body) else { return };
    assert!(!request.kids.is_empty() && request.kids.len() <= 64);
    let keys: Vec<_> =
        request.kids.iter().map(|kid| ContentKey::generate(*kid, &Same(*kid))).collect();
    let license = license(&keys);
    let text = std::str::from_utf8(&license).expect("a license is ASCII");
    let kids: Vec<&str> =
        text.split("\"kid\":\"").skip(1).filter_map(|rest| rest.get(..22)).collect();
    let printed = format!("{{\"kids\":[\"{}\"]}}", kids.join("\",\""));
    assert_eq!(parse(printed.as_bytes()).map(|again| again.kids), Ok(request.kids));
});
