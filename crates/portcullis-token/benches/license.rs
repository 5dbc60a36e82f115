//! How fast license tokens of other vendors' forms verify and are made, through the typed
//! modules a server calls: keys are prepared once.

use std::{collections::BTreeMap, time::Duration};

use portcullis_base::{
    Rng, SecretBytes, Timestamp,
    json::{Limits, Object, Value, parse},
};
use portcullis_token::{
    ams::{self, Algorithms, Restriction, Secrets, TokenType},
    axinom::{self, CommunicationKey, Endless, Tenant},
    drmtoday::{self, Merchant},
    format::Request,
    insys::{self, Account},
    jwt::{self, Algorithm, CONTENT_KEY_ID, Expectations, Issue, SigningKey},
    native,
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

fn symmetric_keys() -> Vec<jwt::VerificationKey> {
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

fn object(text: &str) -> Object {
    match parse(text.as_bytes(), &Limits::TOKEN) {
        Ok(Value::Object(object)) => object,
        _ => Object::new(),
    }
}

fn axinom_key() -> CommunicationKey {
    let id = "aa0151d7-081c-4699-a049-fc584556c9d2".parse().expect("a key id");
    CommunicationKey::new(id, secret()).expect("32 bytes")
}

fn axinom_message() -> Object {
    let block = axinom::encrypt_key(&axinom_key(), KID.parse().expect("a key id"), &[5; 16]);
    let block = block.expect("one block");
    object(&format!(
        r#"{{"type":"entitlement_message","version":2,
        "license":{{"duration":3600,"allow_persistence":false}},
        "content_keys_source":{{"inline":[
            {{"id":"{KID}","encrypted_key":"{block}","usage_policy":"HD"}}]}},
        "content_key_usage_policies":[{{"name":"HD",
            "fairplay":{{"hdcp":"TYPE0","allow_airplay":true,"allow_av_adapter":true}},
            "widevine":{{"device_security_level":"SW_SECURE_DECODE","hdcp":"2.0"}},
            "playready":{{"min_device_security_level":2000}}}}]}}"#
    ))
}

fn axinom_envelope(message: &Object) -> axinom::Envelope<'_> {
    axinom::Envelope { id: Some("m-1"), begin: Some(NOW), end: Some(END), message }
}

#[divan::bench]
fn axinom_issue(bencher: divan::Bencher<'_, '_>) {
    let (key, message) = (axinom_key(), axinom_message());
    bencher.bench(|| axinom::issue(&axinom_envelope(&message), &key));
}

/// A key decrypted and a usage policy resolved for every token.
#[divan::bench]
fn axinom_verify(bencher: divan::Bencher<'_, '_>) {
    let token = axinom::issue(&axinom_envelope(&axinom_message()), &axinom_key());
    let token = token.expect("in order");
    let tenant =
        Tenant { keys: vec![axinom_key()], leeway: Duration::ZERO, endless: Endless::Refused };
    let request = asked();
    bencher.bench(|| axinom::verify(&token, &tenant, &request, NOW).expect("genuine"));
}

fn drmtoday_parts() -> (Object, Object) {
    let viewer = object(r#"{"merchant":"m-1","userId":"u-1"}"#);
    let rights = object(
        r#"{"assetId":"film","storeLicense":true,"profile":{"rental":{
        "relativeExpiration":"P7D","playDuration":"PT3H"}},
        "op":{"config":{"HD":{"WidevineM":{"requireHDCP":"HDCP_V1"}}}}}"#,
    );
    (viewer, rights)
}

fn drmtoday_wish<'a>(viewer: &'a Object, rights: &'a Object) -> drmtoday::Wish<'a> {
    drmtoday::Wish { id: "j-1", issued_at: NOW, end: Some(END), viewer, rights }
}

#[divan::bench]
fn drmtoday_issue(bencher: divan::Bencher<'_, '_>) {
    let key = drmtoday::signing_key("k-1", Algorithm::Hs256, &secret()).expect("32 bytes");
    let (viewer, rights) = drmtoday_parts();
    bencher.bench(|| drmtoday::issue(&drmtoday_wish(&viewer, &rights), &key));
}

#[divan::bench]
fn drmtoday_verify(bencher: divan::Bencher<'_, '_>) {
    let key = drmtoday::signing_key("k-1", Algorithm::Hs256, &secret()).expect("32 bytes");
    let (viewer, rights) = drmtoday_parts();
    let token = drmtoday::issue(&drmtoday_wish(&viewer, &rights), &key).expect("in order");
    let merchant = Merchant {
        id: "m-1".into(),
        keys: vec![key.public().expect("the key is our own")],
        leeway: Duration::ZERO,
        age_max: Merchant::AGE_MAX,
        templates: BTreeMap::new(),
    };
    let request = Request { content: Some("film".into()), ..Request::default() };
    bencher.bench(|| drmtoday::verify(&token, &merchant, &request, NOW).expect("genuine"));
}

fn insys_token() -> String {
    let key = SigningKey::hs256(&secret()).expect("32 bytes");
    let kids = asked().kids;
    let wish = insys::Wish { end: END, kids: Some(&kids), duration_s: Some(86_400) };
    insys::issue(&wish, &key).expect("in order")
}

#[divan::bench]
fn insys_issue(bencher: divan::Bencher<'_, '_>) {
    let key = SigningKey::hs256(&secret()).expect("32 bytes");
    let kids = asked().kids;
    let wish = insys::Wish { end: END, kids: Some(&kids), duration_s: Some(86_400) };
    bencher.bench(|| insys::issue(&wish, &key));
}

#[divan::bench]
fn insys_verify(bencher: divan::Bencher<'_, '_>) {
    let (token, request) = (insys_token(), asked());
    let account = Account { keys: symmetric_keys(), leeway: Duration::ZERO };
    bencher.bench(|| insys::verify(&token, &account, &request, NOW).expect("genuine"));
}

#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn portcullis_wish() -> Issue {
    let extra = object(
        r#"{"portcullis:content":"film","portcullis:terms":{
        "classes":["AUDIO","SD"],"playback":{"license":3600,"persistent":false}}}"#,
    );
    Issue {
        issuer: "https://shop.test".into(),
        audience: "urn:portcullis".into(),
        subject: Some("u-1".into()),
        issued_at: NOW,
        not_before: NOW,
        expires_at: END,
        id: None,
        extra,
        token_type: "JWT".into(),
    }
}

#[divan::bench]
fn portcullis_issue(bencher: divan::Bencher<'_, '_>) {
    let (key, wish) = (SigningKey::hs256(&secret()).expect("32 bytes"), portcullis_wish());
    bencher.bench(|| jwt::issue(&wish, &key, &Zeros));
}

/// HS256, with terms.
#[divan::bench]
fn portcullis_verify(bencher: divan::Bencher<'_, '_>) {
    let key = SigningKey::hs256(&secret()).expect("32 bytes");
    let token = jwt::issue(&portcullis_wish(), &key, &Zeros).expect("in order");
    let keys = symmetric_keys();
    let expectations = Expectations {
        issuer: "https://shop.test".into(),
        audience: "urn:portcullis".into(),
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: None,
    };
    let request = Request { content: Some("film".into()), ..Request::default() };
    bencher.bench(|| native::verify(&token, &keys, &expectations, &request, NOW).expect("genuine"));
}
