//! `POST /api/token`: who gets a token, and that it is good for what it says.

use std::time::Duration;

use portcullis_base::SecretBytes;
use portcullis_token::jwt::{self, Expectations, VerificationKey};

use crate::{
    client::Request,
    house::{AUDIENCE, House, ISSUER, JWT_KEY, now},
};

const GOOD: &str = r#"{"user_id":"alice","content_id":"film"}"#;

#[test]
fn only_a_good_key_of_the_right_role_gets_a_token() {
    let house = House::open();
    let check = |key: &str, status: u16, code: &str| {
        let answer = house.issue(key, GOOD);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let challenge = (status == 401).then_some("Bearer");
        assert_eq!(answer.header("www-authenticate"), challenge);
    };
    check(&house.issuer, 200, "");
    check("", 401, "api_key.unknown");
    check("nonsense", 401, "api_key.unknown");
    check(&format!("{}0", house.issuer), 401, "api_key.unknown");
    check(&house.expired, 401, "api_key.unknown");
    check(&house.viewer, 403, "role.missing");
    let twice = Request::post("/api/token", GOOD).bearer(&house.issuer).bearer(&house.issuer);
    assert_eq!(twice.send(house.bound.api).status, 401);
}

#[test]
fn a_request_is_two_known_strings() {
    let house = House::open();
    let check = |body: &str, status: u16, code: &str| {
        let answer = house.issue(&house.issuer, body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
    };
    let malformed = "request.malformed";
    check(r#"{"user_id":"alice","content_id":"film","role":"admin"}"#, 400, malformed);
    check(r#"{"user_id":"alice","user_id":"ada","content_id":"film"}"#, 400, malformed);
    check(r#"{"user_id":"alice"}"#, 400, malformed);
    check(r#"{"user_id":1,"content_id":"film"}"#, 400, malformed);
    check(r#"{"user_id":"","content_id":"film"}"#, 400, malformed);
    check(r#"{"user_id":"alice","content_id":"a/b"}"#, 400, malformed);
    check(r#"["alice","film"]"#, 400, malformed);
    check("user_id=alice", 400, malformed);
    check("", 400, malformed);
    for uses in ["0", "-1", "1.5", "\"1\"", "null", "4294967296"] {
        check(&GOOD.replace('}', &format!(r#","max_uses":{uses}}}"#)), 400, malformed);
    }
    check(&format!("{}{GOOD}", " ".repeat((16 << 10) - GOOD.len())), 200, "");
    check(&format!("{}{GOOD}", " ".repeat((16 << 10) - GOOD.len() + 1)), 413, "request.too_large");
}

#[test]
fn only_who_may_watch_gets_a_token() {
    let house = House::open();
    let check = |user: &str, content: &str, status: u16, code: &str| {
        let body = format!(r#"{{"user_id":"{user}","content_id":"{content}"}}"#);
        let answer = house.issue(&house.issuer, &body);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{user} {content}");
    };
    check("alice", "film", 200, "");
    check("mallory", "film", 403, "entitlement.missing");
    check("alice", "premiere", 403, "window.not_open");
    check("alice", "trailer", 403, "token.unneeded");
    check("alice", "nothing", 404, "content.unknown");
    // Its tokens come from a partner; we have only the public key.
    check("alice", "sequel", 409, "token.no_signing_key");
}

#[test]
fn an_issued_token_verifies_and_licenses_its_content_only() {
    let house = House::open();
    let answer = house.issue(&house.issuer, GOOD);
    assert_eq!(answer.member("expires_in").unwrap().as_number().unwrap().as_u64(), Some(3600));
    let token = answer.member("token").unwrap().as_str().unwrap().to_owned();

    let keys = [VerificationKey::hs256(&SecretBytes::new(JWT_KEY.into())).unwrap()];
    let expectations = Expectations {
        issuer: ISSUER.into(),
        audience: AUDIENCE.into(),
        leeway: Duration::ZERO,
        lifetime_max: Duration::from_secs(3600),
        token_type: None,
    };
    let verified = jwt::verify(&token, &keys, &expectations, now()).unwrap();
    assert_eq!(verified.claims().subject.as_deref(), Some("alice"));

    assert_eq!(house.license("film", &token, &house.film).status, 200);
    assert_eq!(house.license("premiere", &token, &house.film).status, 403);
    assert_eq!(house.license("sequel", &token, &house.sequel).status, 401);
}

#[test]
fn a_token_that_was_asked_for_with_uses_has_so_many() {
    let house = House::open();
    let answer = house.issue(&house.issuer, &GOOD.replace('}', r#","max_uses":2}"#));
    let token = answer.member("token").unwrap().as_str().unwrap().to_owned();
    let license = |keys: usize| house.license("film", &token, &house.film[..keys]);
    assert_eq!((license(1).status, license(2).status), (200, 200));
    let third = license(3);
    assert_eq!((third.status, third.code().as_str()), (401, "token.used_up"));
    assert_eq!(license(1).status, 200, "asked again, the same use");
}
