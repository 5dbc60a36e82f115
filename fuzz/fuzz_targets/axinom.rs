//! Foreign bytes as an Axinom license service message. What is accepted is signed as it
//! stands, lists what was asked for, and says the same when it is made again.

#![no_main]

use std::{sync::LazyLock, time::Duration};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use portcullis_base::{
    KeyId, Timestamp,
    json::{Limits, Value, parse},
};
use portcullis_token::{
    axinom::{CommunicationKey, Endless, Envelope, Tenant, issue, verify},
    claims::{Claims, TokenSystem},
    format::Request,
};

const SECRET: [u8; 32] = [7; 32];
const NOW: Timestamp = Timestamp(1_700_000_000);
const KID: KeyId = KeyId::from_bytes([1; 16]);

static TENANT: LazyLock<Tenant> = LazyLock::new(|| {
    let key = CommunicationKey::new(KeyId::from_bytes([2; 16]), SECRET.to_vec().into());
    Tenant {
        keys: vec![key.expect("32 bytes")],
        leeway: Duration::from_secs(30),
        endless: Endless::DangerAccepted,
    }
});

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    check(text);
    // The same bytes as a message in an envelope of ours, signed: a fuzzer guesses no MAC.
    let Ok(Value::Object(message)) = parse(data, &Limits::TOKEN) else { return };
    let envelope = Envelope { id: Some("m"), begin: None, end: None, message: &message };
    let Ok(token) = issue(&envelope, &TENANT.keys[0]) else { return };
    let Some(said) = check(&token) else { return };
    assert_eq!(check(&token).expect("accepted before").to_json(), said.to_json());
});

fn check(token: &str) -> Option<Claims> {
    let request = Request {
        kids: vec![KID],
        system: TokenSystem::from_name("widevine"),
        address: "192.0.2.7".parse().ok(),
        ..Request::default()
    };
    let verified = verify(token, &TENANT, &request, NOW).ok()?;
    let (signed, signature) = token.rsplit_once('.').expect("three segments");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let mac = hmac::sign(&key, signed.as_bytes());
    assert_eq!(signature, URL_SAFE_NO_PAD.encode(mac.as_ref()));
    let claims = verified.into_claims();
    assert!(claims.kids.is_empty() || claims.kids.contains(&KID));
    Some(claims)
}
