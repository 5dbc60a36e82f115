//! Our own playback tokens: what is issued is accepted with every algorithm, and the typed
//! reading agrees with the plain verifier.

use std::time::Duration;

use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::{
    format::{self, Format, Given, Request, convert},
    jwt::{Expectations, VerificationKey, verify},
    native,
};

use crate::support::{
    Counting, EC_PRIVATE, EC_PUBLIC, ED_PRIVATE, ED_PUBLIC, RSA_PRIVATE, RSA_PUBLIC, vectors,
};

const NOW: Timestamp = Timestamp(1_700_000_000);
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TERMS: &str = r#"{"classes":["AUDIO","SD"],"playback":{"license":60}}"#;

fn ours() -> &'static dyn Format {
    format::find("portcullis").unwrap()
}

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    given.add("issuer", "https://shop.test");
    given.add("audience", "urn:portcullis");
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn asking(content: &str) -> Request {
    Request { content: Some(content.to_owned()), ..Request::default() }
}

#[test]
fn a_token_carries_terms_under_every_algorithm() {
    let check = |algorithm: &str, signs: (&str, &str), verifies: (&str, &str)| {
        let wish = [
            ("algorithm", algorithm),
            signs,
            ("exp", "+1h"),
            ("content", "film"),
            ("sub", "u-1"),
            ("max_uses", "2"),
            ("terms", TERMS),
        ];
        let token = ours().issue(&given(&wish), NOW, &Counting).unwrap().token;
        assert!(ours().resembles(&token));
        let trusted = given(&[("algorithm", algorithm), verifies]);
        let verified = ours().verify(&trusted, &token, &asking("film"), NOW).unwrap().unwrap();
        assert_eq!(verified.claims().terms.to_json().to_string(), TERMS);
        assert_eq!(verified.claims().uses.limit().map(|uses| uses.get()), Some(2));
        let other = ours().verify(&trusted, &token, &asking("other"), NOW).unwrap();
        assert_eq!(other.unwrap_err().fault.code(), "token.content");
        let request = asking("film");
        let again = convert(&verified, ours(), &given(&wish[..2]), &request, NOW, &Counting);
        assert_eq!(again.unwrap().losses, []);
    };
    check("HS256", ("secret", SECRET), ("secret", SECRET));
    check("EdDSA", ("private_key", ED_PRIVATE), ("public_key", ED_PUBLIC));
    check("ES256", ("private_key", EC_PRIVATE), ("public_key", EC_PUBLIC));
    check("RS256", ("private_key", RSA_PRIVATE), ("public_key", RSA_PUBLIC));
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    let check = |fields: &[(&str, &str)], expected: &str| {
        let fields = [&[("secret", SECRET)], fields].concat();
        let error = ours().issue(&given(&fields), NOW, &Counting).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&[], "`exp` is missing");
    check(&[("exp", "+25h")], "lives longer than the 86400 s");
    check(&[("exp", "+2h"), ("max_uses", "1")], "lives longer than the 3600 s");
    check(&[("exp", "+1h"), ("terms", r#"{"x":1}"#)], "`x` is not a term");
    check(&[("exp", "+1h"), ("claims", r#"{"portcullis:x":1}"#)], "portcullis:x");
    check(&[("exp", "+1h"), ("claims", r#"{"exp":1}"#)], "registered");
}

#[test]
fn what_the_typed_reading_accepts_the_plain_verifier_accepts() {
    let secret = SecretBytes::new((0..32).collect());
    for vector in vectors("portcullis") {
        let mut key = VerificationKey::hs256(&secret).unwrap();
        if let Some(kid) = vector.get("key_id") {
            key = key.with_kid(kid).unwrap();
        }
        let expectations = Expectations {
            issuer: vector.need("issuer").to_owned(),
            audience: vector.need("audience").to_owned(),
            leeway: Duration::from_secs(30),
            lifetime_max: Duration::from_secs(86_400),
            token_type: vector.get("token_type").map(str::to_owned),
        };
        let now = Timestamp(vector.number("now").unwrap());
        let plain = verify(&vector.payload, std::slice::from_ref(&key), &expectations, now);
        let request = asking("film");
        let typed = native::verify(&vector.payload, &[key], &expectations, &request, now);
        assert!(typed.is_err() || plain.is_ok(), "{}", vector.name);
    }
}
