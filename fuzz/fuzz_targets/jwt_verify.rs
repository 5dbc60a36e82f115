//! Foreign bytes as a playback token. What is accepted has one text only, and another
//! implementation accepts it too.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::jwt::{Expectations, VerificationKey, verify};

const SECRET: [u8; 32] = [7; 32];

static KEYS: LazyLock<[VerificationKey; 1]> = LazyLock::new(|| {
    [VerificationKey::hs256(&SecretBytes::new(SECRET.to_vec())).expect("32 bytes are enough")]
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let now = Timestamp(jsonwebtoken::get_current_timestamp());
    let expectations = Expectations {
        issuer: "i".into(),
        audience: "a".into(),
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: None,
    };
    check(text, &expectations, now);
    // The same bytes as `header.claims`, signed: a fuzzer does not guess a MAC.
    if let Some((header, claims)) = text.split_once('\n') {
        let encode = |part: &str| URL_SAFE_NO_PAD.encode(part);
        let signed = format!("{}.{}", encode(header), encode(claims));
        let key = jsonwebtoken::EncodingKey::from_secret(&SECRET);
        let algorithm = jsonwebtoken::Algorithm::HS256;
        let mac = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm);
        check(&format!("{signed}.{}", mac.expect("HMAC signs anything")), &expectations, now);
    }
});

fn check(text: &str, expectations: &Expectations, now: Timestamp) {
    if verify(text, &*KEYS, expectations, now).is_err() {
        return;
    }
    let segments = text.split('.').map(|one| URL_SAFE_NO_PAD.decode(one).expect("was decoded"));
    let again: Vec<String> = segments.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).collect();
    assert_eq!(again.join("."), text);

    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.leeway = 30;
    validation.validate_nbf = true;
    validation.set_issuer(&["i"]);
    validation.set_audience(&["a"]);
    let key = jsonwebtoken::DecodingKey::from_secret(&SECRET);
    let theirs = jsonwebtoken::decode::<serde_json::Value>(text, &key, &validation);
    assert!(theirs.is_ok(), "{theirs:?}");
}
