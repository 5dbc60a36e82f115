//! Foreign bytes as an edge token and a path, on two lines. What is accepted carries the MAC
//! of its own text, and says what issuing it again would say.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::edge::{
    EdgeKeys, Lookup, access, path,
    session::{self, SessionRequest},
};

const KEY: [u8; 16] = [7; 16];
const NOW: Timestamp = Timestamp(1_700_000_000);

static KEYS: LazyLock<EdgeKeys> = LazyLock::new(|| EdgeKeys {
    current: portcullis_token::TokenKey::hmac_sha256(&SecretBytes::new(KEY.to_vec())),
    transition: None,
    salt: None,
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (fields, path) = text.split_once('\n').unwrap_or((text, "/a"));
    let Ok((path, _)) = path::split_session(path) else { return };
    let lookup = Lookup { path: &path, query: None, address: None, header_salt: "" };
    // As it is, and signed: a fuzzer does not guess a MAC.
    check(fields, &lookup);
    check(&format!("{fields}~hmac={}", mac(fields)), &lookup);
});

fn check(token: &str, lookup: &Lookup<'_>) {
    if let Ok(verified) = access::parse(token).and_then(|one| one.verify(&KEYS, lookup, NOW)) {
        assert!(path::check(lookup.path).is_ok());
        assert!(verified.claims().lifetime.end() > NOW);
        assert!(session::parse(token).is_err(), "one token of both kinds");
    }
    let Ok(verified) = session::parse(token).and_then(|one| one.verify(&KEYS, lookup, NOW)) else {
        return;
    };
    let claims = verified.into_claims();
    assert!(claims.acl.admits(lookup.path));
    if token.contains("hmac=") {
        let (fields, given) = token.rsplit_once("~hmac=").expect("the MAC is the last field");
        assert_eq!(given, mac(fields));
    }
    let request = SessionRequest {
        acl: &claims.acl,
        issued_at: NOW,
        end: claims.lifetime.end(),
        address: claims.address,
        id: claims.id.as_deref(),
        data: claims.data.as_deref(),
        header_salt: "",
    };
    let Ok(again) = session::issue(&request, &KEYS) else { return };
    let lookup = Lookup { address: claims.address, ..*lookup };
    let read = session::parse(&again).and_then(|one| one.verify(&KEYS, &lookup, NOW));
    let again = read.expect("what we write we read").into_claims();
    // The MAC is another when the same fields were written in another way.
    assert_eq!(
        (again.acl, again.lifetime, again.address, again.id, again.data),
        (claims.acl, claims.lifetime, claims.address, claims.id, claims.data)
    );
}

fn mac(fields: &str) -> String {
    use aws_lc_rs::hmac;

    let key = hmac::Key::new(hmac::HMAC_SHA256, &KEY);
    let tag = hmac::sign(&key, fields.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
