//! Foreign bytes as a key set, a discovery document and a certificate. What is read prints,
//! reads back as the same keys, and another implementation takes what was printed.

#![no_main]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use portcullis_token::{
    jwks::{self, Discovery, KeySet},
    jwt::{Algorithm, VerificationKey},
};

fuzz_target!(|data: &[u8]| {
    drop(Discovery::parse(data));
    drop(jwks::parse_local(data, Algorithm::Rs256));
    let der = STANDARD.decode(data.trim_ascii()).unwrap_or_else(|_| data.to_vec());
    if let Ok(key) = VerificationKey::rs256_from_certificate(&der) {
        check(&KeySet { keys: vec![key], left_out: Vec::new() });
    }
    if let Ok(key) = jwks::parse_key(data, Algorithm::Rs256) {
        check(&KeySet { keys: vec![key], left_out: Vec::new() });
    }
    if let Ok(set) = jwks::parse(data, Algorithm::Ps256) {
        check(&set);
    }
});

fn check(set: &KeySet) {
    let names = |keys: &[VerificationKey]| -> Vec<String> {
        keys.iter().map(|key| format!("{key:?} {:?}", jwks::thumbprint(key))).collect()
    };
    let printed = jwks::print(&set.keys).expect("no secret comes out of a public document");
    let printed = printed.to_string();
    let again = jwks::parse(printed.as_bytes(), Algorithm::Rs512).expect("we printed it");
    assert_eq!(again.left_out, []);
    assert_eq!(names(&again.keys), names(&set.keys));
    let theirs: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&printed).expect("a key set");
    for key in &theirs.keys {
        assert!(jsonwebtoken::DecodingKey::from_jwk(key).is_ok(), "{key:?}");
    }
}
