//! Our verifier beside the `jsonwebtoken` crate: what we accept, it accepts; what it signs in
//! good order, we accept. The reverse does not hold and is not meant to: it accepts more.

use std::time::Duration;

use jsonwebtoken as other;
use portcullis_base::Timestamp;
use portcullis_token::jwt::{Algorithm, Expectations, VerificationKey, verify};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    EC_PRIVATE, EC_PUBLIC, ED_PRIVATE, ED_PUBLIC, P384_PRIVATE, P384_PUBLIC, RSA_PRIVATE,
    RSA_PUBLIC, SECRET, hs256_public, secret,
};

fn expectations() -> Expectations {
    Expectations {
        issuer: "https://issuer.test".into(),
        audience: "urn:portcullis".into(),
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: None,
    }
}

fn we_accept(token: &str, key: &VerificationKey) -> bool {
    let now = Timestamp(other::get_current_timestamp());
    verify(token, std::slice::from_ref(key), &expectations(), now).is_ok()
}

fn they_accept(token: &str, algorithm: other::Algorithm, key: &other::DecodingKey) -> bool {
    let mut validation = other::Validation::new(algorithm);
    validation.leeway = 30;
    validation.validate_nbf = true;
    validation.set_issuer(&["https://issuer.test"]);
    validation.set_audience(&["urn:portcullis"]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    other::decode::<Value>(token, key, &validation).is_ok()
}

fn good_claims() -> Value {
    let now = other::get_current_timestamp();
    json!({
        "iss": "https://issuer.test", "aud": "urn:portcullis", "sub": "alice", "jti": "1",
        "iat": now, "nbf": now, "exp": now + 600,
    })
}

#[test]
fn both_accept_the_controls_of_every_algorithm() {
    use other::{Algorithm as Theirs, DecodingKey, EncodingKey};

    let hmac = || (EncodingKey::from_secret(&SECRET), DecodingKey::from_secret(&SECRET), None);
    let rsa = || {
        let private = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
        (private, DecodingKey::from_rsa_pem(RSA_PUBLIC.as_bytes()).unwrap(), Some(RSA_PUBLIC))
    };
    let ec = |private: &str, public: &'static str| {
        let private = EncodingKey::from_ec_pem(private.as_bytes()).unwrap();
        (private, DecodingKey::from_ec_pem(public.as_bytes()).unwrap(), Some(public))
    };
    let ed = || {
        let private = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
        (private, DecodingKey::from_ed_pem(ED_PUBLIC.as_bytes()).unwrap(), Some(ED_PUBLIC))
    };
    for (ours, theirs, (sign, decode, public)) in [
        (Algorithm::EdDsa, Theirs::EdDSA, ed()),
        (Algorithm::Es256, Theirs::ES256, ec(EC_PRIVATE, EC_PUBLIC)),
        (Algorithm::Es384, Theirs::ES384, ec(P384_PRIVATE, P384_PUBLIC)),
        (Algorithm::Hs256, Theirs::HS256, hmac()),
        (Algorithm::Hs384, Theirs::HS384, hmac()),
        (Algorithm::Hs512, Theirs::HS512, hmac()),
        (Algorithm::Ps256, Theirs::PS256, rsa()),
        (Algorithm::Ps384, Theirs::PS384, rsa()),
        (Algorithm::Ps512, Theirs::PS512, rsa()),
        (Algorithm::Rs256, Theirs::RS256, rsa()),
        (Algorithm::Rs384, Theirs::RS384, rsa()),
        (Algorithm::Rs512, Theirs::RS512, rsa()),
    ] {
        let key = match public {
            Some(pem) => VerificationKey::from_pem(ours, pem).unwrap(),
            None => VerificationKey::hmac(ours, &secret()).unwrap(),
        };
        let token = other::encode(&other::Header::new(theirs), &good_claims(), &sign).unwrap();
        assert!(they_accept(&token, theirs, &decode), "{ours}");
        assert!(we_accept(&token, &key), "{ours}");
        // One bit of the signature is enough for both to refuse.
        let place = token.len() - 10;
        let twin = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
        let mut changed = token;
        changed.replace_range(place..=place, twin);
        assert!(!they_accept(&changed, theirs, &decode) && !we_accept(&changed, &key), "{ours}");
    }
}

/// A value for a claim or header member: often good, sometimes absent, sometimes odd.
fn value(good: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    let now = other::get_current_timestamp();
    let odd = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(now - 100),
        json!(now + 100),
        json!(now as f64 + 0.5),
        json!(1e18),
        json!(u64::MAX),
        json!(""),
        json!("x"),
        json!(["x"]),
        json!([]),
        json!({}),
        json!(now.to_string()),
        json!("none"),
        json!("https://issuer.test"),
        json!(["https://issuer.test"]),
        json!(["urn:portcullis", 1]),
        json!(["urn:x", "urn:portcullis"]),
    ];
    prop_oneof![
        6 => prop::sample::select(good).prop_map(Some),
        1 => Just(None),
        1 => prop::sample::select(odd).prop_map(Some),
    ]
}

fn object(members: [(&'static str, Option<Value>); 7]) -> String {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    Value::Object(members.collect()).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_we_accept_they_accept(
        header in (
            value(vec![json!("HS256")]),
            value(vec![json!("JWT")]),
            prop::option::weighted(0.1, value(vec![json!([])])),
        ),
        claims in (
            value(vec![json!("https://issuer.test")]),
            value(vec![json!("urn:portcullis")]),
            value(vec![json!(other::get_current_timestamp() + 600)]),
            value(vec![json!(other::get_current_timestamp())]),
            value(vec![json!(other::get_current_timestamp())]),
            value(vec![json!("alice")]),
            value(vec![json!("1")]),
        ),
    ) {
        let header = object([
            ("alg", header.0), ("typ", header.1), ("crit", header.2.flatten()),
            ("a", None), ("b", None), ("c", None), ("d", None),
        ]);
        let claims = object([
            ("iss", claims.0), ("aud", claims.1), ("exp", claims.2), ("nbf", claims.3),
            ("iat", claims.4), ("sub", claims.5), ("jti", claims.6),
        ]);
        let token = sign(&header, &claims);
        let theirs = other::DecodingKey::from_secret(&SECRET);
        if we_accept(&token, &hs256_public()) {
            let theirs = they_accept(&token, other::Algorithm::HS256, &theirs);
            prop_assert!(theirs, "{header} {claims}");
        }
    }

    #[test]
    fn no_text_panics(text in "[A-Za-z0-9_.=-]{0,80}|\\PC{0,40}") {
        prop_assert!(!we_accept(&text, &hs256_public()));
    }
}

fn sign(header: &str, claims: &str) -> String {
    use aws_lc_rs::hmac;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), signed.as_bytes());
    format!("{signed}.{}", encode(tag.as_ref()))
}
