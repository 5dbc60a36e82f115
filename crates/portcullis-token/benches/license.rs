//! How fast license tokens of other vendors' forms verify and are made, through the typed
//! modules a server calls: keys are prepared once.

use portcullis_base::{SecretBytes, Timestamp, json::Object};
use portcullis_token::{
    ams::{self, Algorithms, Restriction, Secrets, TokenType},
    format::Request,
    jwt::{CONTENT_KEY_ID, SigningKey},
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const END: Timestamp = Timestamp(1_700_003_600);
const KID: &str = "f4fb47a2-2f95-4f2c-ba93-733ca0e24714";
const KEY: [u8; 32] = [7; 32];

fn main() {
    divan::Divan::from_args().sample_size(64).main();
}

fn secret() -> SecretBytes {
    SecretBytes::new(KEY.to_vec())
}

fn asked() -> Request {
    Request { kids: vec![KID.parse().expect("a key id")], ..Request::default() }
}

fn azure_claims() -> Object {
    [(CONTENT_KEY_ID.to_owned(), KID.into())].into_iter().collect()
}

fn azure_wish(claims: &Object) -> ams::Wish<'_> {
    ams::Wish { issuer: "https://sts.test", audience: "urn:test", end: END, start: None, claims }
}

fn azure_restriction(token_type: TokenType) -> Restriction {
    let keys = symmetric_keys();
    Restriction {
        issuer: "https://sts.test".into(),
        audience: "urn:test".into(),
        keys,
        required_claims: Vec::new(),
        token_type,
        skew: Restriction::SKEW,
    }
}

fn symmetric_keys() -> Vec<portcullis_token::jwt::VerificationKey> {
    ams::symmetric_keys(&secret(), Algorithms::One, Secrets::FullLength).expect("32 bytes")
}

#[divan::bench]
fn azure_jwt_issue(bencher: divan::Bencher<'_, '_>) {
    let (key, claims) = (SigningKey::hs256(&secret()).expect("32 bytes"), azure_claims());
    bencher.bench(|| ams::issue_jwt(&azure_wish(&claims), &key));
}

#[divan::bench]
fn azure_jwt_verify(bencher: divan::Bencher<'_, '_>) {
    let (key, claims) = (SigningKey::hs256(&secret()).expect("32 bytes"), azure_claims());
    let token = ams::issue_jwt(&azure_wish(&claims), &key).expect("in order");
    let (restriction, request) = (azure_restriction(TokenType::Jwt), asked());
    bencher.bench(|| ams::verify(&token, &restriction, &request, NOW).expect("genuine"));
}

#[divan::bench]
fn azure_swt_issue(bencher: divan::Bencher<'_, '_>) {
    let (key, claims) = (SigningKey::hs256(&secret()).expect("32 bytes"), azure_claims());
    bencher.bench(|| ams::issue_swt(&azure_wish(&claims), &key));
}

#[divan::bench]
fn azure_swt_verify(bencher: divan::Bencher<'_, '_>) {
    let (key, claims) = (SigningKey::hs256(&secret()).expect("32 bytes"), azure_claims());
    let token = ams::issue_swt(&azure_wish(&claims), &key).expect("in order");
    let (restriction, request) = (azure_restriction(TokenType::Swt), asked());
    bencher.bench(|| ams::verify(&token, &restriction, &request, NOW).expect("genuine"));
}
