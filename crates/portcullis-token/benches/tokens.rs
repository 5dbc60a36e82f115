//! How fast tokens verify and are made: a session token stands before every media segment, a
//! playback token before every license. `hmac_floor` is what one MAC costs, over the text of the
//! session token: no verifier can be faster.

use std::time::Duration;

use aws_lc_rs::hmac as aws;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use portcullis_base::{
    Rng, SecretBytes, Timestamp,
    json::{self, Limits, Object},
};
use portcullis_token::{
    edge::{
        EdgeKeys, Lookup,
        access::{self, AccessRequest, Covers},
        acl::Acl,
        session::{self, SessionRequest},
    },
    jwt::{self, Expectations, Issue, SigningKey},
};
use sha2::Sha256;

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);

fn main() {
    // A sample of one call would measure the clock and a cold cache.
    divan::Divan::from_args().sample_size(64).main();
}

#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

#[divan::bench]
fn access_verify(bencher: divan::Bencher<'_, '_>) {
    let (keys, acl) = (edge_keys(), film());
    let token = access::issue(&access_request(Covers::Acl(&acl)), &keys).expect("in order");
    bencher.bench(|| access::parse(&token).and_then(|token| token.verify(&keys, &LOOKUP, NOW)));
}

#[divan::bench]
fn access_issue(bencher: divan::Bencher<'_, '_>) {
    let (keys, acl) = (edge_keys(), film());
    let request = access_request(Covers::Acl(&acl));
    bencher.bench(|| access::issue(&request, &keys));
}

#[divan::bench]
fn url_verify(bencher: divan::Bencher<'_, '_>) {
    let keys = edge_keys();
    let token = access::issue(&access_request(Covers::Url(LOOKUP.path)), &keys).expect("in order");
    bencher.bench(|| access::parse(&token).and_then(|token| token.verify(&keys, &LOOKUP, NOW)));
}

#[divan::bench]
fn session_verify(bencher: divan::Bencher<'_, '_>) {
    let (keys, acl) = (edge_keys(), film());
    let token = session::issue(&session_request(&acl), &keys).expect("in order");
    bencher.bench(|| session::parse(&token).and_then(|token| token.verify(&keys, &LOOKUP, NOW)));
}

#[divan::bench]
fn session_issue(bencher: divan::Bencher<'_, '_>) {
    let (keys, acl) = (edge_keys(), film());
    let request = session_request(&acl);
    bencher.bench(|| session::issue(&request, &keys));
}

/// A list made to be slow, against paths twice as long each time.
#[divan::bench(args = [512, 1024, 2048, 4096, 8192])]
fn acl_match(bencher: divan::Bencher<'_, '_>, length: usize) {
    let acl = Acl::parse(&format!("*{}b*", "a?".repeat(400))).expect("the pattern is one");
    let path = format!("/{}", "a".repeat(length - 1));
    bencher.bench(|| acl.admits(&path));
}

/// One MAC with a key made ready, over the text of the session token.
#[divan::bench(args = ["aws-lc", "rustcrypto"])]
fn hmac_floor(bencher: divan::Bencher<'_, '_>, library: &str) {
    let token = session::issue(&session_request(&film()), &edge_keys()).expect("in order");
    let (text, _) = token.rsplit_once('~').expect("the MAC is the last field");
    if library == "aws-lc" {
        let key = aws::Key::new(aws::HMAC_SHA256, &HMAC_KEY);
        bencher.bench(|| aws::sign(&key, text.as_bytes()));
    } else {
        let key: Hmac<Sha256> = Hmac::new_from_slice(&HMAC_KEY).expect("any length will do");
        bencher.bench(|| {
            let mut context = key.clone();
            context.update(text.as_bytes());
            context.finalize().into_bytes()
        });
    }
}

/// The claims of a playback token, as text.
#[divan::bench]
fn json_parse(bencher: divan::Bencher<'_, '_>) {
    let text = concat!(
        r#"{"aud":"urn:portcullis","exp":1700003600,"iat":1700000000,"#,
        r#""iss":"https://issuer.test","jti":"AAAAAAAAAAAAAAAAAAAAAA","nbf":1700000000,"#,
        r#""sub":"alice","portcullis:terms":{"persistent":false,"hdcp":"2.2","#,
        r#""tracks":["sd","hd"]}}"#,
    );
    let text = text.as_bytes();
    bencher.bench(|| json::parse(divan::black_box(text), &Limits::TOKEN));
}

/// Our strict verifier, by algorithm.
#[divan::bench(args = ["HS256", "ES256", "EdDSA", "RS256"])]
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

#[divan::bench(args = ["HS256", "ES256", "EdDSA", "RS256"])]
fn jwt_issue(bencher: divan::Bencher<'_, '_>, algorithm: &str) {
    let (request, key) = (request(), signing_key(algorithm));
    bencher.bench(|| jwt::issue(&request, &key, &Zeros));
}

fn edge_keys() -> EdgeKeys {
    let current = EdgeKeys::key_from_hex(&"52a1".repeat(16)).expect("the digits are hex");
    EdgeKeys { current, transition: None, salt: None }
}

fn film() -> Acl {
    Acl::parse("/media/film/*").expect("the pattern is one")
}

fn access_request(covers: Covers<'_>) -> AccessRequest<'_> {
    let id = Some("viewer-1");
    AccessRequest { covers, start: None, end: END, address: None, id, data: None }
}

fn session_request(acl: &Acl) -> SessionRequest<'_> {
    SessionRequest {
        acl,
        issued_at: NOW,
        end: END,
        address: None,
        id: Some("viewer-1"),
        data: None,
        header_salt: "",
    }
}

fn signing_key(algorithm: &str) -> SigningKey {
    match algorithm {
        "HS256" => SigningKey::hs256(&SecretBytes::new(HMAC_KEY.to_vec())),
        "ES256" => SigningKey::es256_from_pem(ES256_PRIVATE),
        "EdDSA" => SigningKey::eddsa_from_pem(ED_PRIVATE),
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

const LOOKUP: Lookup<'_> =
    Lookup { path: "/media/film/video-720p/17.m4s", query: None, address: None, header_salt: "" };
const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "urn:portcullis";
const HMAC_KEY: [u8; 32] = [7; 32];
const PEM: &str = "the keys of the tests are sound";
const ES256_PRIVATE: &str = include_str!("../tests/it/keys/p256.pem");
const ES256_PUBLIC: &str = include_str!("../tests/it/keys/p256.pub.pem");
const ED_PRIVATE: &str = include_str!("../tests/it/keys/ed25519.pem");
const RS256_PRIVATE: &str = include_str!("../tests/it/keys/rsa2048.pem");
const RS256_PUBLIC: &str = include_str!("../tests/it/keys/rsa2048.pub.pem");
