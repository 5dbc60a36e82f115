//! How fast tokens verify: a session token stands before every media segment, a playback
//! token before every license.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
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

/// Our strict verifier, by algorithm.
#[divan::bench(args = ["HS256", "ES256", "RS256"])]
fn jwt_verify(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let key = signing_key(algorithm);
    let token = jwt::issue(&request(), &key, &Zeros).expect("the request is in order");
    let keys = [key.public().expect("the key is our own")];
    let expectations = Expectations {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: None,
    };
    bencher.bench(|| jwt::verify(&token, &keys, &expectations, NOW));
}

/// The `jsonwebtoken` crate on the same tokens, with as many of the same checks as it has.
#[divan::bench(args = ["HS256", "ES256", "RS256"])]
fn jwt_verify_by_jsonwebtoken(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let token = jwt::issue(&request(), &signing_key(algorithm), &Zeros).expect("in order");
    let (algorithm, key) = match algorithm {
        "HS256" => (Algorithm::HS256, DecodingKey::from_secret(&HMAC_KEY)),
        "ES256" => {
            (Algorithm::ES256, DecodingKey::from_ec_pem(ES256_PUBLIC.as_bytes()).expect(PEM))
        }
        _ => (Algorithm::RS256, DecodingKey::from_rsa_pem(RS256_PUBLIC.as_bytes()).expect(PEM)),
    };
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    // It reads the clock itself, and the tokens here are of 2023.
    validation.validate_exp = false;
    bencher.bench(|| jsonwebtoken::decode::<serde_json::Value>(&token, &key, &validation));
}

#[divan::bench(args = ["HS256", "ES256", "RS256"])]
fn jwt_issue(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let (request, key) = (request(), signing_key(algorithm));
    bencher.bench(|| jwt::issue(&request, &key, &Zeros));
}

fn signing_key(algorithm: &str) -> SigningKey {
    match algorithm {
        "HS256" => SigningKey::hs256(&SecretBytes::new(HMAC_KEY.to_vec())),
        "ES256" => SigningKey::es256_from_pem(ES256_PRIVATE),
        _ => SigningKey::rs256_from_pem(RS256_PRIVATE),
    }
    .expect(PEM)
}

fn request() -> Issue {
    Issue {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        subject: Some("alice".into()),
        issued_at: NOW,
        not_before: NOW,
        expires_at: END,
        id: None,
        extra: Object::new(),
        token_type: "JWT".into(),
    }
}

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "urn:portcullis";
const HMAC_KEY: [u8; 32] = [7; 32];
const PEM: &str = "the keys of the tests are sound";
const ES256_PRIVATE: &str = include_str!("../tests/it/keys/p256.pem");
const ES256_PUBLIC: &str = include_str!("../tests/it/keys/p256.pub.pem");
const RS256_PRIVATE: &str = include_str!("../tests/it/keys/rsa2048.pem");
const RS256_PUBLIC: &str = include_str!("../tests/it/keys/rsa2048.pub.pem");
