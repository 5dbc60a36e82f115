//! Runs `vectors/jwks`: keys as issuers publish them, certificates, discovery documents.
//!
//! `form:` says what the payload is read as; `keys:` and `left-out:` what has to come out. A
//! vector with a `token:` expects that of the token, verified with the keys.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::Timestamp;
use portcullis_token::{
    jwks::{self, Discovery, KeySet},
    jwt::{Algorithm, Expectations, VerificationKey, verify},
};

use crate::support::{Vector, vectors};

#[test]
fn every_jwks_vector_has_its_outcome() {
    let vectors = vectors("jwks");
    assert!(!vectors.is_empty());
    for vector in vectors {
        let outcome = run(&vector).map_or_else(|code| code, |()| "success");
        assert_eq!(outcome, vector.need("expect"), "{}", vector.name);
    }
}

fn run(vector: &Vector) -> Result<(), &'static str> {
    let rsa = vector.get("rsa").map_or(Algorithm::Rs256, |name| name.parse().unwrap());
    let document = vector.payload.as_bytes();
    let single = |key: VerificationKey| KeySet { keys: vec![key], left_out: Vec::new() };
    let set = match vector.need("form") {
        "certificate" => {
            let der = STANDARD.decode(&vector.payload).unwrap();
            VerificationKey::rs256_from_certificate(&der).map(single).map_err(|e| e.code())
        }
        "discovery" => return run_discovery(vector),
        "key" => jwks::parse_key(document, rsa).map(single).map_err(|e| e.code()),
        "local" => jwks::parse_local(document, rsa).map_err(|e| e.code()),
        "set" => jwks::parse(document, rsa).map_err(|e| e.code()),
        other => panic!("{}: {other}", vector.name),
    }?;
    let name = |key: &VerificationKey| format!("{} {}", key.algorithm(), key.kid().unwrap_or("-"));
    let left_out = set.left_out.iter().map(|it| format!("{} {}", it.position, it.fault.code()));
    assert_eq!(listed(set.keys.iter().map(name)), vector.need("keys"), "{}", vector.name);
    assert_eq!(listed(left_out), vector.get("left-out").unwrap_or("none"), "{}", vector.name);
    if let Some(expected) = vector.get("thumbprint") {
        assert_eq!(jwks::thumbprint(&set.keys[0]).as_deref(), Some(expected), "{}", vector.name);
    }
    let Some(token) = vector.get("token") else { return Ok(()) };
    let expectations = Expectations {
        issuer: vector.need("issuer").into(),
        audience: vector.need("audience").into(),
        leeway: Duration::ZERO,
        lifetime_max: Duration::MAX,
        token_type: None,
    };
    let now = Timestamp(vector.number("now").unwrap());
    verify(token, &set.keys, &expectations, now).map(drop).map_err(|error| error.code())
}

fn run_discovery(vector: &Vector) -> Result<(), &'static str> {
    let read = Discovery::parse(vector.payload.as_bytes()).map_err(|error| error.code())?;
    assert_eq!(read.issuer, vector.need("issuer"), "{}", vector.name);
    assert_eq!(read.jwks_uri.as_str(), vector.need("jwks-uri"), "{}", vector.name);
    Ok(())
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "none".into() } else { items.join(", ") }
}
