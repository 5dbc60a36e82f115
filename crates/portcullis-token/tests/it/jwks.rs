//! Key sets: what is printed reads back, what is too much is refused, and no change of a
//! document makes a key out of what was none.

use portcullis_base::json::Value;
use portcullis_token::{
    jwks::{self, JwkFault, JwksError, KEYS_MAX},
    jwt::{Algorithm, SigningKey, VerificationKey},
};
use proptest::prelude::*;

use crate::support::{EC_PRIVATE, EC_PUBLIC, ED_PUBLIC, P384_PUBLIC, RSA_PUBLIC, hs256_public};

fn published() -> Vec<VerificationKey> {
    let key = |algorithm, pem: &str, kid| {
        VerificationKey::from_pem(algorithm, pem).unwrap().with_kid(kid).unwrap()
    };
    vec![
        key(Algorithm::EdDsa, ED_PUBLIC, "ed"),
        key(Algorithm::Es256, EC_PUBLIC, "p256"),
        key(Algorithm::Es384, P384_PUBLIC, "p384"),
        key(Algorithm::Ps256, RSA_PUBLIC, "rsa"),
        key(Algorithm::Rs256, include_str!("keys/rsa2048.pkcs1.pem"), "rsa"),
        SigningKey::es256_from_pem(EC_PRIVATE).unwrap().public().unwrap(),
    ]
}

fn names(keys: &[VerificationKey]) -> Vec<String> {
    keys.iter().map(|key| format!("{key:?} {:?}", jwks::thumbprint(key))).collect()
}

#[test]
fn what_we_print_reads_back_as_the_same_keys() {
    let keys = published();
    let printed = jwks::print(&keys).unwrap().to_string();
    let read = jwks::parse(printed.as_bytes(), Algorithm::Rs512).unwrap();
    assert_eq!(read.left_out, []);
    assert_eq!(names(&read.keys), names(&keys));
    assert_eq!(jwks::print(&read.keys).unwrap().to_string(), printed);
}

#[test]
fn a_key_has_the_thumbprint_of_its_numbers_whatever_it_was_read_from() {
    let keys = published();
    let thumbprints: Vec<_> = keys.iter().map(jwks::thumbprint).collect();
    assert_eq!(thumbprints[1], thumbprints[5]);
    assert_eq!(thumbprints[3], thumbprints[4]);
    assert_ne!(thumbprints[1], thumbprints[2]);
}

#[test]
fn nothing_is_printed_of_a_secret() {
    assert_eq!(jwks::print(&[hs256_public()]), None);
    assert_eq!(jwks::thumbprint(&hs256_public()), None);
}

#[test]
fn another_library_reads_what_we_print() {
    let printed = jwks::print(&published()).unwrap().to_string();
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&printed).unwrap();
    assert_eq!(set.keys.len(), published().len());
    for jwk in &set.keys {
        assert!(jsonwebtoken::DecodingKey::from_jwk(jwk).is_ok(), "{jwk:?}");
    }
}

#[test]
fn the_number_of_keys_and_the_length_have_a_maximum() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let set = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec![key; count].join(","));
    let parse = |text: &str| jwks::parse(text.as_bytes(), Algorithm::Rs256);
    assert_eq!(parse(&set(KEYS_MAX)).unwrap().keys.len(), KEYS_MAX);
    assert_eq!(parse(&set(KEYS_MAX + 1)).map(drop), Err(JwksError::TooMany));
    let padded = |total: usize| format!("{}{}", set(1), " ".repeat(total - set(1).len()));
    assert!(parse(&padded(jwks::DOCUMENT_BYTES_MAX)).is_ok());
    let long = parse(&padded(jwks::DOCUMENT_BYTES_MAX + 1)).map(drop);
    assert!(matches!(long, Err(JwksError::Json(_))), "{long:?}");
}

#[test]
fn a_private_key_is_named_wherever_it_stands() {
    let printed = jwks::print(&published()).unwrap();
    let keys = printed.as_object().unwrap()["keys"].as_array().unwrap().to_vec();
    for key in keys {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
            let mut key = key.as_object().unwrap().clone();
            key.insert(member.into(), Value::Null);
            let text = Value::Object(key).to_string();
            let read = jwks::parse_key(text.as_bytes(), Algorithm::Rs256).map(drop);
            assert_eq!(read, Err(JwksError::Key(JwkFault::Private)), "{text}");
        }
    }
}

proptest! {
    /// One changed byte makes a key that prints as it was read, another fault, or no JSON.
    #[test]
    fn a_changed_document_never_gives_a_key_it_does_not_show(at in 0usize..3000, byte: u8) {
        let mut text = jwks::print(&published()).unwrap().to_string().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        if let Ok(read) = jwks::parse(&text, Algorithm::Rs256) {
            let printed = jwks::print(&read.keys).unwrap().to_string();
            let again = jwks::parse(printed.as_bytes(), Algorithm::Rs256).unwrap();
            prop_assert_eq!(again.left_out, []);
            prop_assert_eq!(names(&again.keys), names(&read.keys));
        }
    }

    #[test]
    fn foreign_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(jwks::parse(&bytes, Algorithm::Rs256));
        drop(jwks::parse_local(&bytes, Algorithm::Rs256));
        drop(jwks::Discovery::parse(&bytes));
        drop(VerificationKey::rs256_from_certificate(&bytes));
    }
}
