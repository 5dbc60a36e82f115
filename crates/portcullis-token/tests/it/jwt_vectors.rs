//! Runs `vectors/jwt`: the examples of the RFCs.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{SecretBytes, Timestamp};
use portcullis_token::jwt::{Expectations, VerificationKey, verify};

use crate::support::vectors;

#[test]
fn every_jwt_vector_has_its_outcome() {
    let vectors = vectors("jwt");
    assert!(!vectors.is_empty());
    for vector in vectors {
        let algorithm = vector.need("algorithm").parse().unwrap();
        let key = match vector.get("secret") {
            Some(secret) => {
                let secret = SecretBytes::new(URL_SAFE_NO_PAD.decode(secret).unwrap());
                VerificationKey::hmac(algorithm, &secret)
            }
            None => {
                let text = vector.need("key");
                let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----");
                VerificationKey::from_pem(algorithm, &pem)
            }
        };
        let expectations = Expectations {
            issuer: "joe".into(),
            audience: "urn:portcullis".into(),
            leeway: Duration::ZERO,
            lifetime_max: Duration::from_secs(86_400),
            token_type: None,
        };
        let now = Timestamp(vector.number("now").unwrap());
        let outcome = verify(&vector.payload, &[key.unwrap()], &expectations, now);
        let outcome = outcome.map_or_else(|error| error.code(), |_| "success");
        assert_eq!(outcome, vector.need("expect"), "{}", vector.name);
    }
}
