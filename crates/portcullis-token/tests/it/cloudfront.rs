//! CloudFront's signed URLs and cookies: the vectors, keys in every form, and issuing.

use portcullis_base::Timestamp;
use portcullis_token::{
    claims::Cover,
    cloudfront::{CloudFront, CloudFrontCookie, CloudFrontUrl, KeyKind, PrivateKey, PublicKey},
    fault::Step,
    format::{self, Given, GivenFault, Request},
    url_hash::Asked,
};

use crate::{
    families,
    support::{Counting, EC_PRIVATE, EC_PUBLIC, RSA_PRIVATE, RSA_PUBLIC},
};

const NOW: Timestamp = Timestamp(1_700_000_000);

#[test]
fn every_vector_has_its_outcome() {
    assert_eq!(families::run("cloudfront-url", "cloudfront-url"), (20, 48, 2));
    assert_eq!(families::run("cloudfront-cookie", "cloudfront-cookie"), (5, 12, 2));
}

#[test]
fn keys_are_read_in_every_form() {
    let kind = |text: &str| PublicKey::from_pem("K", text).map(|key| key.kind()).ok();
    assert_eq!(kind(RSA_PUBLIC), Some(KeyKind::Rsa));
    assert_eq!(kind(EC_PUBLIC), Some(KeyKind::Ecdsa));
    assert_eq!(kind(include_str!("keys/rsa2048.pkcs1.pem")), Some(KeyKind::Rsa));
    for bad in [
        include_str!("keys/rsa1024.pub.pem"),
        include_str!("keys/rsa-e3.pub.pem"),
        include_str!("keys/p384.pub.pem"),
        include_str!("keys/ed25519.pub.pem"),
        RSA_PRIVATE,
        "",
    ] {
        assert_eq!(kind(bad), None, "{bad}");
    }
    let private = |text: &str| PrivateKey::from_pem("K", text).is_ok();
    assert!(private(RSA_PRIVATE) && private(EC_PRIVATE));
    assert!(private(include_str!("keys/p256.sec1.pem")));
    assert!(!private(include_str!("keys/rsa1024.pem")));
    assert!(!private(include_str!("keys/p384.pem")));
    assert!(!private(RSA_PUBLIC));
    for id in ["", "a b", "a&b", "a;b", &"a".repeat(65)] {
        assert!(PublicKey::from_pem(id, RSA_PUBLIC).is_err(), "{id}");
    }
}

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn request(url: &str) -> Request {
    let mut request = Request::default();
    request.set_url(url).unwrap();
    request
}

const URL: &str = "https://d1.test/vod/1.m4s?a=b";

#[test]
fn what_either_key_signs_is_ready_to_paste() {
    for key in [RSA_PRIVATE, EC_PRIVATE] {
        let keys = given(&[("private_key", key), ("key_pair_id", "K1")]);
        let wish = given(&[("url", URL), ("date_less_than", "+60")]);
        let ranged = [("resource", "https://d1.test/vod/*"), ("ip_address", "::ffff:192.0.2.0")];
        for more in [&[][..], &ranged] {
            for name in ["cloudfront-url", "cloudfront-cookie"] {
                let format = format::find(name).unwrap();
                let fields = keys.clone().with(&wish).with(&given(more));
                let issued = format.issue(&fields, NOW, &Counting).unwrap();
                let mut asked = request(URL);
                for (way, text) in &issued.carriage {
                    match *way {
                        "url" => asked.set_url(text).unwrap(),
                        "cookies" => {
                            let value = text.strip_prefix("Cookie: ").unwrap();
                            asked.headers.push(("cookie".into(), value.into()));
                        }
                        _ => {}
                    }
                }
                asked.address = Some("192.0.2.0".parse().unwrap());
                let found = format.find_in(&keys, &asked).unwrap().unwrap();
                let verified = format.verify(&keys, &found, &asked, NOW).unwrap().unwrap();
                let claims = verified.into_claims();
                assert_eq!(claims.end, Some(Timestamp(1_700_000_060)));
                let expected = match more {
                    [] => Cover::Url(URL.to_owned()),
                    _ => Cover::UrlGlob("https://d1.test/vod/*".to_owned()),
                };
                assert_eq!(claims.covers, [expected]);
                assert_eq!(claims.identity.is_some(), key == RSA_PRIVATE);
            }
        }
    }
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    let check = |fields: &[(&str, &str)], expected: &str| {
        let keys = [("private_key", EC_PRIVATE), ("key_pair_id", "K1"), ("date_less_than", "+60")];
        let fields = given(&keys).with(&given(fields));
        let issued = format::find("cloudfront-url").unwrap().issue(&fields, NOW, &Counting);
        assert_eq!(issued.map_err(|fault| fault.to_string()).unwrap_err(), expected);
    };
    check(&[], "`url` is missing");
    check(
        &[("url", URL), ("date_less_than", "now")],
        "the token would be refused at times: the token could be used until 1700000000",
    );
    check(
        &[("url", URL), ("resource", "https://d2.test/*")],
        "the token would be refused at coverage: the token does not cover what is asked for",
    );
    check(
        &[("url", "https://d1.test/a/../b")],
        "the token would be refused at coverage: the path could be read in more than one way: \
         a segment of dots",
    );
    check(&[("url", URL), ("hash_algorithm", "MD5")], "`hash_algorithm` is not `SHA256`");
    check(
        &[("url", URL), ("hash_algorithm", "SHA1")],
        "the cryptographic library signs no SHA-1: use SHA256, which CloudFront takes with \
         `Hash-Algorithm=SHA256`",
    );
}

#[test]
fn a_cookie_set_that_lacks_a_part_is_found_and_refused() {
    let format = format::find("cloudfront-cookie").unwrap();
    let keys = given(&[("public_key", RSA_PUBLIC), ("key_pair_id", "K1")]);
    let mut asked = request(URL);
    asked.headers.push(("Cookie".into(), "a=b; CloudFront-Key-Pair-Id=K1".into()));
    let found = format.find_in(&keys, &asked).unwrap().unwrap();
    let refused = format.verify(&keys, &found, &asked, NOW).unwrap().map(drop).unwrap_err();
    assert_eq!((refused.step, refused.fault.code()), (Step::Form, "token.malformed"));
    asked.headers.push(("Cookie".into(), "CloudFront-Key-Pair-Id=K2".into()));
    let refused = format.find_in(&keys, &asked).unwrap_err();
    assert_eq!((refused.step, refused.fault.code()), (Step::Presence, "token.ambiguous"));
}

#[test]
fn keys_that_are_missing_are_no_refusal() {
    let format = format::find("cloudfront-url").unwrap();
    let check = |fields: &[(&str, &str)], name: &'static str| {
        let verdict = format.verify(&given(fields), "x", &Request::default(), NOW);
        assert_eq!(verdict.map(drop), Err(GivenFault::Missing { name }));
    };
    check(&[], "public_key");
    check(&[("public_key", RSA_PUBLIC)], "key_pair_id");
    let verified_only = given(&[("public_key", RSA_PUBLIC), ("key_pair_id", "K1")]);
    let issued = format.issue(&verified_only, NOW, &Counting);
    assert_eq!(issued, Err(GivenFault::Missing { name: "private_key" }));
}

#[test]
fn typed_sites_verify_and_print_no_key() {
    let signer = PrivateKey::from_pem("K1", RSA_PRIVATE).unwrap();
    let printed = format!("{signer:?} {:?}", signer.public().unwrap());
    assert_eq!(printed, "PrivateKey(K1) PublicKey(K1, Rsa)");
    let site = || CloudFront::new(vec![signer.public().unwrap()]);
    let asked = Asked { path: Some("/a"), origin: Some("https://a.test"), ..Asked::default() };
    let url = CloudFrontUrl(site()).verify("Expires=1", &asked, NOW).unwrap_err();
    let cookie = CloudFrontCookie(site()).verify("Expires=1", &asked, NOW).unwrap_err();
    assert_eq!((url.step, cookie.step), (Step::Form, Step::Form));
}

#[test]
fn a_policy_full_of_stars_answers_at_once() {
    let keys = given(&[("private_key", EC_PRIVATE), ("key_pair_id", "K1")]);
    let resource = format!("https://d1.test/{}", "*a".repeat(24));
    let url = format!("https://d1.test/{}", "a".repeat(600));
    let fields = [("resource", resource.as_str()), ("url", &url), ("date_less_than", "+60")];
    let format = format::find("cloudfront-url").unwrap();
    let issued = format.issue(&keys.clone().with(&given(&fields)), NOW, &Counting).unwrap();
    let refused = format.verify(&keys, &issued.token, &request(&format!("{url}b")), NOW);
    assert_eq!(refused.unwrap().map(drop).unwrap_err().fault.code(), "token.path");
}
