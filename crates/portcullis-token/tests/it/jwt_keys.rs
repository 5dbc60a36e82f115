//! Keys, and tokens from issue to verification.

use std::time::Duration;

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};
use portcullis_token::jwt::{
    Algorithm, Expectations, Issue, IssueError, JwtError, KeyError, SigningKey, VerificationKey,
    issue, unverified_view, verify,
};

use crate::support::{
    Counting, EC_PRIVATE, EC_PUBLIC, ED_PRIVATE, ED_PUBLIC, P384_PUBLIC, RSA_PRIVATE, RSA_PUBLIC,
    hs256, hs256_public,
};

const NOW: Timestamp = Timestamp(1_700_000_000);

fn wish() -> Issue {
    Issue {
        issuer: "https://issuer.test".into(),
        audience: "urn:portcullis".into(),
        subject: Some("alice".into()),
        issued_at: NOW,
        not_before: NOW,
        expires_at: Timestamp(NOW.0 + 600),
        id: None,
        extra: Object::from([("portcullis:content".to_owned(), Value::from("film"))]),
        token_type: "play+jwt".into(),
    }
}

fn expectations() -> Expectations {
    Expectations {
        issuer: "https://issuer.test".into(),
        audience: "urn:portcullis".into(),
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: Some("play+jwt".into()),
    }
}

fn pairs() -> Vec<(SigningKey, VerificationKey)> {
    vec![
        (hs256(), hs256_public()),
        (
            SigningKey::rs256_from_pem(RSA_PRIVATE).unwrap(),
            VerificationKey::rs256_from_pem(RSA_PUBLIC).unwrap(),
        ),
        (
            SigningKey::es256_from_pem(EC_PRIVATE).unwrap(),
            VerificationKey::es256_from_pem(EC_PUBLIC).unwrap(),
        ),
        (
            SigningKey::eddsa_from_pem(ED_PRIVATE).unwrap(),
            VerificationKey::from_pem(Algorithm::EdDsa, ED_PUBLIC).unwrap(),
        ),
    ]
}

#[test]
fn what_we_issue_verifies_and_says_what_was_wished() {
    for (signing, verification) in pairs() {
        let algorithm = signing.algorithm();
        let signing = signing.with_kid("k-1").unwrap();
        let token = issue(&wish(), &signing, &Counting).unwrap();
        let public = signing.public().unwrap();
        assert_eq!((public.algorithm(), public.kid()), (algorithm, Some("k-1")));
        for key in [verification, public] {
            let claims = verify(&token, &[key], &expectations(), NOW).unwrap().into_claims();
            assert_eq!(claims.issuer, "https://issuer.test");
            assert_eq!(claims.audiences, ["urn:portcullis"]);
            assert_eq!(claims.subject.as_deref(), Some("alice"));
            assert_eq!(claims.id.as_deref(), Some("AAECAwQFBgcICQoLDA0ODw"));
            assert_eq!(claims.issued_at, Some(NOW));
            assert_eq!(claims.lifetime.start(), NOW);
            assert_eq!(claims.all["portcullis:content"], Value::from("film"));
        }
        let header = unverified_view(&token).unwrap().header.to_string();
        assert_eq!(header, format!(r#"{{"alg":"{algorithm}","kid":"k-1","typ":"play+jwt"}}"#));
    }
}

#[test]
fn no_key_verifies_what_another_signed() {
    let all = pairs();
    for (signing, _) in &all {
        let token = issue(&wish(), signing, &Counting).unwrap();
        for (_, other) in &all {
            let verified = verify(&token, std::slice::from_ref(other), &expectations(), NOW);
            let expected = if other.algorithm() == signing.algorithm() {
                Ok(())
            } else {
                Err(JwtError::Algorithm)
            };
            assert_eq!(verified.map(drop), expected);
        }
        let keys: Vec<VerificationKey> = all.iter().map(|(_, key)| key.clone()).collect();
        assert!(verify(&token, &keys, &expectations(), NOW).is_ok());
    }
}

#[test]
fn wishes_that_would_make_bad_tokens_are_refused() {
    let check = |wish: Issue, expected: IssueError| {
        assert_eq!(issue(&wish, &hs256(), &Counting), Err(expected));
    };
    check(Issue { expires_at: NOW, ..wish() }, IssueError::LifetimeEmpty);
    for name in ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"] {
        let extra = Object::from([(name.to_owned(), Value::from("x"))]);
        check(Issue { extra, subject: None, ..wish() }, IssueError::ClaimReserved);
    }
    check(Issue { subject: Some("x".repeat(8192)), ..wish() }, IssueError::TooLong);
}

#[test]
fn weak_and_foreign_keys_are_not_taken() {
    let check = |algorithm, text: &str, expected: KeyError| {
        assert_eq!(VerificationKey::from_pem(algorithm, text).map(drop), Err(expected));
    };
    let (rs256, es256) = (Algorithm::Rs256, Algorithm::Es256);
    check(rs256, include_str!("keys/rsa1024.pub.pem"), KeyError::Modulus);
    check(rs256, include_str!("keys/rsa-e3.pub.pem"), KeyError::Exponent);
    check(rs256, EC_PUBLIC, KeyError::Malformed { algorithm: rs256 });
    check(es256, RSA_PUBLIC, KeyError::Malformed { algorithm: es256 });
    check(es256, P384_PUBLIC, KeyError::Malformed { algorithm: es256 });
    check(Algorithm::EdDsa, EC_PUBLIC, KeyError::Malformed { algorithm: Algorithm::EdDsa });
    check(rs256, RSA_PRIVATE, KeyError::Pem { expected: "PUBLIC KEY" });
    check(rs256, "", KeyError::Pem { expected: "PUBLIC KEY" });
    check(Algorithm::Hs256, RSA_PUBLIC, KeyError::Algorithm { algorithm: Algorithm::Hs256 });
    let pkcs1 = include_str!("keys/rsa2048.pkcs1.pem");
    for algorithm in [Algorithm::Ps256, Algorithm::Ps512, Algorithm::Rs256, Algorithm::Rs512] {
        assert!(VerificationKey::from_pem(algorithm, pkcs1).is_ok());
    }
    let malformed = Err(KeyError::Malformed { algorithm: rs256 });
    assert_eq!(SigningKey::rs256_from_pem(EC_PRIVATE).map(drop), malformed);
    let short = SigningKey::rs256_from_pem(include_str!("keys/rsa1024.pem")).map(drop);
    assert!(short.is_err(), "{short:?}");
}

#[test]
fn no_signing_key_prints_its_bytes() {
    for (signing, _) in pairs() {
        let expected = format!("SigningKey({}, kid None)", signing.algorithm());
        assert_eq!(format!("{signing:?}"), expected);
    }
}
