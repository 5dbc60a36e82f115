//! Foreign bytes as a DRMtoday rights token inside a token that is signed. What is accepted is
//! for the asset that was asked for, good for one use, and reads the same twice.

#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use portcullis_base::{Rng, SecretBytes, Timestamp, json::Object};
use portcullis_token::{
    claims::Uses,
    drmtoday::{Merchant, shared_secret, verify},
    format::Request,
    jwt::{Algorithm, Issue, SigningKey, issue},
};

const NOW: Timestamp = Timestamp(1_700_000_000);

static MERCHANT: LazyLock<Merchant> = LazyLock::new(|| {
    let secret = SecretBytes::new(vec![7; 32]);
    let key = shared_secret("k", Algorithm::Hs256, &secret).expect("32 bytes and a name");
    Merchant {
        id: "m".into(),
        keys: vec![key],
        leeway: std::time::Duration::ZERO,
        age_max: Merchant::AGE_MAX,
        templates: BTreeMap::new(),
    }
});

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let secret = SecretBytes::new(vec![7; 32]);
    SigningKey::hs256(&secret).and_then(|key| key.with_kid("k")).expect("32 bytes and a name")
});

#[derive(Debug)]
struct Zeros;

impl Rng for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let request = Request { content: Some("film".into()), ..Request::default() };
    assert!(verify(text, &MERCHANT, &request, NOW).is_err(), "a fuzzer guesses no MAC");
    let mut extra = Object::new();
    extra.insert("crt".into(), text.into());
    extra.insert("optData".into(), r#"{"merchant":"m","userId":"u"}"#.into());
    let wish = Issue {
        issuer: "m".into(),
        audience: "a".into(),
        subject: None,
        issued_at: NOW,
        not_before: NOW,
        expires_at: Timestamp(NOW.0 + 60),
        id: Some("j".into()),
        extra,
        token_type: "JWT".into(),
    };
    let Ok(token) = issue(&wish, &KEY, &Zeros) else { return };
    let Ok(first) = verify(&token, &MERCHANT, &request, NOW) else { return };
    let claims = first.claims();
    assert_eq!(claims.uses, Uses::ONCE);
    assert!(claims.content.as_deref().is_none_or(|content| content == "film"));
    let second = verify(&token, &MERCHANT, &request, NOW).expect("accepted before");
    assert_eq!(second.claims().to_json(), claims.to_json());
});
