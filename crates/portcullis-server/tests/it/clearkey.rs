//! `POST /license/clearkey`: who gets which keys.

use std::time::Duration;

use portcullis_base::{SecretBytes, json::Value};
use portcullis_policy::model::TrackKey;
use portcullis_token::jwt::SigningKey;

use crate::{
    client::{Answer, Request},
    house::{House, RSA_PRIVATE, kid_text, license_request, now, playback},
};

/// The key ids in a license, sorted.
fn kids(answer: &Answer) -> Vec<String> {
    let keys = answer.member("keys").unwrap();
    let mut kids: Vec<String> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_object().unwrap()["kid"].as_str().unwrap().to_owned())
        .collect();
    kids.sort();
    kids
}

fn sorted(keys: &[&TrackKey]) -> Vec<String> {
    let mut kids: Vec<String> = keys.iter().map(|key| kid_text(key)).collect();
    kids.sort();
    kids
}

#[test]
fn a_license_holds_the_granted_keys_and_no_other() {
    let house = House::open();
    let [sound, sd, hd] = [&house.film[0], &house.film[1], &house.film[2]];
    let foreign = &house.sequel[1];
    let sd_only = playback(|token| {
        let classes = ["AUDIO", "SD"].map(Value::from).into();
        token.issue.extra.insert("portcullis:classes".into(), Value::Array(classes));
    });
    let one_key = playback(|token| {
        let claim = "urn:microsoft:azure:mediaservices:contentkeyidentifier";
        token.issue.extra.insert(claim.into(), sd.kid.to_string().into());
    });
    let check = |token: &str, asked: &[&TrackKey], granted: &[&TrackKey]| {
        let asked: Vec<TrackKey> = asked.iter().map(|key| (*key).clone()).collect();
        let answer = house.license("film", token, &asked);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(kids(&answer), sorted(granted));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("cross-origin"));
        assert_eq!(answer.header("server"), None);
    };
    let good = playback(|_| {});
    check(&good, &[sound, sd, hd], &[sound, sd, hd]);
    check(&good, &[hd], &[hd]);
    check(&good, &[hd, hd], &[hd]);
    check(&good, &[sd, foreign], &[sd]);
    check(&sd_only, &[sound, sd, hd], &[sound, sd]);
    check(&one_key, &[sound, sd, hd], &[sd]);

    let check = |token: &str, asked: &TrackKey, code: &str| {
        let answer = house.license("film", token, std::slice::from_ref(asked));
        assert_eq!((answer.status, answer.code().as_str()), (403, code));
    };
    check(&good, foreign, "key.unknown");
    check(&sd_only, hd, "key.class");
    check(&one_key, hd, "token.content");
}

#[test]
fn a_token_that_is_not_good_for_the_content_gets_no_key() {
    let house = House::open();
    let check = |content: &str, token: &str, status: u16, code: &str| {
        let answer = house.license(content, token, &house.film);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let challenge = (status == 401).then_some("Bearer");
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.member("keys"), None);
    };
    let good = playback(|_| {});
    check("film", "", 401, "token.missing");
    check("film", "nonsense", 401, "token.malformed");
    // Both letters end a signature canonically; one of them is another than this one's.
    let (start, last) = good.split_at(good.len() - 1);
    let tampered = format!("{start}{}", if last == "A" { "E" } else { "A" });
    check("film", &tampered, 401, "token.signature");
    check("premiere", &good, 403, "token.content");
    check("nothing", &good, 403, "content.unknown");
    check("nothing", "", 403, "content.unknown");

    let ago = |seconds| now().saturating_sub(Duration::from_secs(seconds));
    let old = playback(|token| {
        (token.issue.issued_at, token.issue.not_before) = (ago(3600), ago(3600));
        token.issue.expires_at = ago(60);
    });
    check("film", &old, 401, "token.expired");
    let late = playback(|token| token.issue.expires_at = ago(0).saturating_add(DAY * 2));
    check("film", &late, 401, "token.lifetime");
    let other_key = SecretBytes::new(vec![7; 32]);
    let forged = playback(|token| token.key = SigningKey::hs256(&other_key).unwrap());
    check("film", &forged, 401, "token.signature");
    let stranger = playback(|token| token.issue.issuer = "https://evil.example".into());
    check("film", &stranger, 401, "token.issuer");
    let elsewhere = playback(|token| token.issue.audience = "urn:other".into());
    check("film", &elsewhere, 401, "token.audience");
    let nobody = playback(|token| token.issue.subject = Some("mallory".into()));
    check("film", &nobody, 403, "entitlement.missing");
    let unbound = playback(|token| token.issue.extra.clear());
    check("film", &unbound, 403, "token.content");
}

#[test]
fn a_partner_s_token_is_verified_with_the_partner_s_public_key_only() {
    let house = House::open();
    let partner = playback(|token| {
        token.issue.issuer = "https://partner.example".into();
        token.issue.extra.insert("portcullis:content".into(), "sequel".into());
        token.key = SigningKey::rs256_from_pem(RSA_PRIVATE).unwrap();
    });
    let answer = house.license("sequel", &partner, &house.sequel);
    assert_eq!((answer.status, kids(&answer).len()), (200, 3));
    assert_eq!(house.license("film", &partner, &house.film).code(), "token.algorithm");
}

#[test]
fn an_open_content_needs_no_token_and_a_bad_one_does_no_harm() {
    let house = House::open();
    for token in ["", "nonsense"] {
        assert_eq!(house.license("trailer", token, &house.trailer).status, 200, "{token}");
    }
}

#[test]
fn a_token_travels_in_header_or_query_and_two_must_agree() {
    let house = House::open();
    let (good, other) = (playback(|_| {}), playback(|token| token.issue.id = Some("x".into())));
    let check = |query: &str, header: &str, status: u16, code: &str| {
        let target = format!("/license/clearkey?content=film{query}");
        let request = Request::post(&target, license_request(&house.film)).bearer(header);
        let answer = request.send(house.public());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{query} {header}");
    };
    check(&format!("&token={good}"), "", 200, "");
    check(&format!("&token=Bearer%3D{good}"), "", 200, "");
    check(&format!("&token={good}"), &good, 200, "");
    check(&format!("&token={good}"), &other, 401, "token.ambiguous");
    check(&format!("&token={good}&token={other}"), "", 401, "token.ambiguous");
    check("&token=", &good, 200, "");
    check("&content=sequel", &good, 400, "content.missing");
    check("&content=", &good, 400, "content.missing");
}

#[test]
fn a_malformed_request_is_told_apart_from_a_refused_one() {
    let house = House::open();
    let good = playback(|_| {});
    let check = |target: &str, body: &str, status: u16, code: &str| {
        let answer = Request::post(target, body).bearer(&good).send(house.public());
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{target} {body:.40}");
    };
    let film = "/license/clearkey?content=film";
    let body = license_request(&house.film);
    check("/license/clearkey", &body, 400, "content.missing");
    check("/license/clearkey?content=a%2Fb", &body, 400, "content.malformed");
    check("/license/clearkey?content=fil%6D", &body, 200, "");
    check(film, "", 400, "license.malformed");
    check(film, r#"{"kids":[]}"#, 400, "license.malformed");
    check(film, r#"{"kids":["AA"]}"#, 400, "license.malformed");
    check(film, &format!("{body}{}", " ".repeat((16 << 10) - body.len())), 200, "");
    let long = format!("{body}{}", " ".repeat((16 << 10) - body.len() + 1));
    check(film, &long, 413, "request.too_large");
}

const DAY: Duration = Duration::from_secs(86_400);
