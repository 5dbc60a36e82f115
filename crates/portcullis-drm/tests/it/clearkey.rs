//! Clear Key requests are read as players send them, licenses written as they read them.

use std::sync::Arc;

use portcullis_base::KeyId;
use portcullis_drm::clearkey::{ClearKeyFault, SessionType, license, parse};
use proptest::prelude::*;

use crate::support::{Vector, key};

const KID: &str = "00112233-4455-6677-8899-aabbccddeeff";

#[test]
fn every_clear_key_vector_does_what_it_says() {
    let vectors = Vector::all("clearkey");
    assert!(vectors.len() >= 25, "only {} vectors were found", vectors.len());
    for vector in &vectors {
        match vector.value("expect") {
            "license" => {
                let written = license(&vector.keys());
                assert_eq!(std::str::from_utf8(&written), Ok(vector.payload.as_str()));
            }
            "refused" => {
                let fault = parse(vector.payload.as_bytes()).unwrap_err().to_string();
                assert_eq!(fault, vector.value("reason"), "{}", vector.name);
            }
            "request" => {
                let request = parse(vector.payload.as_bytes()).unwrap();
                let kids: Vec<String> = request.kids.iter().map(KeyId::to_string).collect();
                assert_eq!(kids, vector.values("kid"), "{}", vector.name);
                let session = match request.session {
                    SessionType::PersistentLicense => "persistent-license",
                    SessionType::Temporary => "temporary",
                };
                assert_eq!(session, vector.value("session"), "{}", vector.name);
            }
            other => panic!("{} expects `{other}`", vector.name),
        }
    }
}

#[test]
fn sixty_four_kids_are_read_and_one_more_is_too_many() {
    let request = |count: usize| {
        let kids = vec!["\"ABEiM0RVZneImaq7zN3u_w\""; count].join(",");
        parse(format!("{{\"kids\":[{kids}]}}").as_bytes()).map(|request| request.kids.len())
    };
    assert_eq!(request(64), Ok(1));
    assert_eq!(request(65), Err(ClearKeyFault::TooMany { max: 64 }));
}

#[test]
fn a_body_of_16_kib_is_read_and_a_longer_one_is_not() {
    let body = |length: usize| {
        let mut body = b"{\"kids\":[\"ABEiM0RVZneImaq7zN3u_w\"]}".to_vec();
        body.resize(length, b' ');
        parse(&body).is_ok()
    };
    assert!(body(16 << 10));
    assert!(!body((16 << 10) + 1));
    assert!(parse(b"").is_err());
}

#[test]
fn a_license_borrows_keys_however_they_are_held() {
    let bytes = [7; 16];
    let held = key(KID, &bytes);
    let by_reference = license(&[&held]);
    let shared = license(&[Arc::new(key(KID, &bytes))]);
    assert_eq!(by_reference, shared);
    assert_eq!(by_reference, license(&[held]));
}

#[test]
fn a_license_is_written_into_the_buffer_it_started_with() {
    for count in [0, 1, 2, 5, 64] {
        let keys: Vec<_> = (0..count).map(|_| key(KID, &[7; 16])).collect();
        let written = license(&keys);
        assert_eq!(written.len(), written.capacity(), "{count} keys");
    }
}

proptest! {
    #[test]
    fn a_license_is_json_that_carries_the_keys(
        keys in prop::collection::vec((any::<[u8; 16]>(), any::<[u8; 16]>()), 0..5),
    ) {
        let made: Vec<_> = keys
            .iter()
            .map(|(kid, bytes)| key(&KeyId::from_bytes(*kid).to_string(), bytes))
            .collect();
        let document: serde_json::Value = serde_json::from_slice(&license(&made)).unwrap();
        prop_assert_eq!(&document["type"], "temporary");
        prop_assert_eq!(document["keys"].as_array().unwrap().len(), keys.len());
        for (written, (kid, bytes)) in document["keys"].as_array().unwrap().iter().zip(&keys) {
            prop_assert_eq!(&written["kty"], "oct");
            // What a license calls its key, a request may ask for.
            for (text, bytes) in [(&written["kid"], kid), (&written["k"], bytes)] {
                let request = parse(format!("{{\"kids\":[{text}]}}").as_bytes()).unwrap();
                prop_assert_eq!(request.kids, [KeyId::from_bytes(*bytes)]);
            }
        }
    }

    #[test]
    fn no_body_makes_the_parser_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body);
    }

    #[test]
    fn no_text_for_a_kid_makes_the_parser_panic(text in "[A-Za-z0-9+/_=-]{0,40}") {
        if let Ok(request) = parse(format!("{{\"kids\":[\"{text}\"]}}").as_bytes()) {
            prop_assert_eq!(request.kids.len(), 1);
        }
    }
}
