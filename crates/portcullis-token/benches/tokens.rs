//! How fast tokens verify: a session token stands before every media segment, a playback
//! token before every license.

use std::time::Duration;

use portcullis_base::{Rng, SecretBytes, Timestamp, json::Object};
use portcullis_token::{
    edge::{
        EdgeKeys, Lookup,
        acl::Acl,
        session::{self, SessionRequest},
    },
    jwt::{self, Expectations, Issue, SigningKey},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);

fn main() {
    divan::main();
}

#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[divan::bench]
fn session_verify(bencher: divan::Bencher<'_, '_>) {
    let current = EdgeKeys::key_from_hex(&"52a1".repeat(16)).expect("the digits are hex");
    let keys = EdgeKeys { current, transition: None, salt: None };
    let acl = Acl::parse("/media/film/*").expect("the pattern is one");
    let request = SessionRequest {
        acl: &acl,
        issued_at: NOW,
        end: END,
        address: None,
        id: Some("viewer-1"),
        data: None,
        header_salt: "",
    };
    let token = session::issue(&request, &keys).expect("the request is in order");
    let path = "/media/film/video-720p/17.m4s";
    let lookup = Lookup { path, query: None, address: None, header_salt: "" };
    bencher.bench(|| session::parse(&token).and_then(|token| token.verify(&keys, &lookup, NOW)));
}

#[divan::bench]
fn jwt_hs256_verify(bencher: divan::Bencher<'_, '_>) {
    let key = SigningKey::hs256(&SecretBytes::new(vec![7; 32])).expect("32 bytes are enough");
    let request = Issue {
        issuer: "https://issuer.test".into(),
        audience: "urn:portcullis".into(),
        subject: Some("alice".into()),
        issued_at: NOW,
        not_before: NOW,
        expires_at: END,
        id: None,
        extra: Object::new(),
        token_type: "JWT".into(),
    };
    let token = jwt::issue(&request, &key, &Zeros).expect("the request is in order");
    let keys = [key.public().expect("the key is our own")];
    let expectations = Expectations {
        issuer: request.issuer,
        audience: request.audience,
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: None,
    };
    bencher.bench(|| jwt::verify(&token, &keys, &expectations, NOW));
}
