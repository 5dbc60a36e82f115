//! How often a token may be used, and what it is known by.

use std::{num::NonZeroU32, time::Duration};

use aws_lc_rs::{hmac, rand::SystemRandom, signature};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::Timestamp;
use portcullis_token::{
    edge::{
        EdgeKeys, Lookup,
        access::{self, AccessRequest, Covers},
        acl::Acl,
    },
    identity::{TokenFormat, TokenIdentity},
    jwt::{Expectations, JwtClaims, MAX_USES, ONE_TIME, VerificationKey, verify},
};
use proptest::prelude::*;

use crate::support::{EC_PRIVATE, EC_PUBLIC, SECRET, hs256_public};

const NOW: Timestamp = Timestamp(1_700_000_000);
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn expectations() -> Expectations {
    Expectations {
        issuer: "https://issuer.test".into(),
        audience: "urn:portcullis".into(),
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: None,
    }
}

fn text(header: &str, claims: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}", encode(header), encode(claims))
}

fn hs256(header: &str, claims: &str) -> String {
    let signed = text(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn claims(more: &str) -> String {
    claims_until(1_700_000_600, more)
}

fn claims_until(end: u64, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(",{more}") };
    format!(r#"{{"iss":"https://issuer.test","aud":"urn:portcullis","exp":{end}{more}}}"#)
}

fn read(token: &str, key: &VerificationKey) -> Result<JwtClaims, &'static str> {
    let verified = verify(token, std::slice::from_ref(key), &expectations(), NOW);
    verified.map(portcullis_token::Verified::into_claims).map_err(|error| error.code())
}

#[track_caller]
fn check_uses(more: &str, expected: Result<Option<u32>, &str>) {
    let read = read(&hs256(HEADER, &claims(more)), &hs256_public());
    assert_eq!(read.map(|claims| claims.max_uses.map(NonZeroU32::get)), expected, "{more}");
}

fn identity(more: &str) -> TokenIdentity {
    read(&hs256(HEADER, &claims(more)), &hs256_public()).unwrap().identity().unwrap()
}

#[test]
fn uses_are_a_number_of_at_least_one_or_unlimited() {
    let uses = |value: &str| format!("\"{MAX_USES}\":{value}");
    check_uses("", Ok(None));
    check_uses(&uses("\"unlimited\""), Ok(None));
    for (written, number) in
        [("1", 1), ("\"1\"", 1), ("\"0012\"", 12), ("4294967295", u32::MAX), ("\"2\"", 2)]
    {
        check_uses(&uses(written), Ok(Some(number)));
    }
    for bad in [
        "0",
        "\"0\"",
        "-1",
        "\"-1\"",
        "\"+1\"",
        "1.0",
        "\"1.0\"",
        "1e2",
        "\" 1\"",
        "\"1 \"",
        "\"\"",
        "\"one\"",
        "\"Unlimited\"",
        "4294967296",
        "\"٣\"",
        "null",
        "true",
        "[1]",
        "{}",
    ] {
        check_uses(&uses(bad), Err("token.claim"));
    }
}

#[test]
fn a_token_for_one_use_has_an_id() {
    let once = |value: &str| format!("\"{ONE_TIME}\":{value}");
    check_uses(&once("false"), Ok(None));
    check_uses(&format!("{},\"jti\":\"j-1\"", once("true")), Ok(Some(1)));
    check_uses(&once("true"), Err("token.no_id"));
    check_uses(&format!("{},\"jti\":\"\"", once("true")), Err("token.no_id"));
    for bad in ["1", "\"true\"", "null", "[true]"] {
        check_uses(&format!("{},\"jti\":\"j-1\"", once(bad)), Err("token.claim"));
    }
    let with = |uses: &str| format!("{},\"jti\":\"j-1\",\"{MAX_USES}\":{uses}", once("true"));
    check_uses(&with("5"), Ok(Some(1)));
    check_uses(&with("\"unlimited\""), Ok(Some(1)));
    check_uses(&with("0"), Err("token.claim"));
}

#[test]
fn a_counted_token_ends_within_the_hour_and_the_leeway() {
    let uses = format!("\"{MAX_USES}\":\"3\"");
    let ends_in = |seconds: u64, more: &str| {
        read(&hs256(HEADER, &claims_until(NOW.0 + seconds, more)), &hs256_public()).map(drop)
    };
    assert_eq!(ends_in(3630, &uses), Ok(()));
    assert_eq!(ends_in(3631, &uses), Err("token.lifetime"));
    assert_eq!(ends_in(3631, ""), Ok(()));
    assert_eq!(ends_in(3631, &format!("\"{MAX_USES}\":\"unlimited\"")), Ok(()));
    assert_eq!(ends_in(3631, &format!("\"{ONE_TIME}\":true,\"jti\":\"1\"")), Err("token.lifetime"));
}

#[test]
fn a_token_is_known_by_its_jti_and_without_one_by_its_signature() {
    let by_id = identity(r#""jti":"j-1""#);
    let expected = TokenIdentity::new(TokenFormat::Jwt, "https://issuer.test", b"j-1");
    assert_eq!(Some(&by_id), expected.as_ref());
    assert_eq!(identity(r#""sub":"x","jti":"j-1""#), by_id, "signed anew, the same token");
    assert_ne!(identity(r#""jti":"j-2""#), by_id);

    let token = hs256(HEADER, &claims(""));
    let signature = URL_SAFE_NO_PAD.decode(token.rsplit_once('.').unwrap().1).unwrap();
    let by_signature = identity("");
    assert_eq!(by_signature.format(), TokenFormat::JwtSignature);
    assert_eq!(by_signature.id(), signature);
    assert_eq!(identity(r#""jti":"""#).format(), TokenFormat::JwtSignature);
    assert_ne!(identity(r#""sub":"x""#), by_signature);
}

/// n − s for the order n of P-256.
fn mirrored(s: &[u8]) -> Vec<u8> {
    let order =
        hex::decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").unwrap();
    let mut out = vec![0; 32];
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i16::from(order[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(digit < 0);
        out[at] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    out
}

#[test]
fn the_other_signature_everybody_can_compute_is_no_other_token() {
    let body = EC_PRIVATE.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let pkcs8 = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    let algorithm = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = signature::EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8).unwrap();
    let signed = text(r#"{"alg":"ES256"}"#, &claims(""));
    let made = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    let (r, s) = made.as_ref().split_at(32);
    let public = VerificationKey::es256_from_pem(EC_PUBLIC).unwrap();
    let known = |s: &[u8]| {
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode([r, s].concat()));
        read(&token, &public).map(|claims| claims.identity().unwrap())
    };
    let (one, other) = (known(s).unwrap(), known(&mirrored(s)).unwrap());
    assert_eq!(one, other, "both verify, and are one token");
}

#[test]
fn an_edge_token_is_known_by_its_mac() {
    let current = EdgeKeys::key_from_hex(&"52".repeat(32)).unwrap();
    let keys = EdgeKeys { current, transition: None, salt: None };
    let request = AccessRequest {
        covers: Covers::Acl(&Acl::parse("/film/*").unwrap()),
        start: None,
        end: Timestamp(NOW.0 + 60),
        address: None,
        id: None,
        data: None,
    };
    let plain = access::issue(&request, &keys).unwrap();
    let known = |text: &str| {
        let lookup = Lookup { path: "/film/a.mpd", query: None, address: None, header_salt: "" };
        let token = access::parse(text).unwrap().verify(&keys, &lookup, NOW).unwrap();
        token.claims().identity().unwrap()
    };
    let mac = hex::decode(plain.rsplit_once("hmac=").unwrap().1).unwrap();
    assert_eq!(Some(known(&plain)), TokenIdentity::new(TokenFormat::Edge, "", &mac));
    let escaped = plain.replace('=', "%3d").replace('~', "%7E").replace('/', "%2F");
    assert_eq!(known(&escaped), known(&plain), "escaped as a whole, the same token");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However the id is spelled in JSON, and whatever stands around it.
    #[test]
    fn writing_a_token_differently_makes_no_second_one(
        id in "[ -~]{1,40}",
        escaped in proptest::collection::vec(any::<bool>(), 40),
        spaces in "[ \t\n\r]{0,8}",
        other in "[a-z]{1,8}",
    ) {
        let spelled: String = id.chars().zip(&escaped).map(|(one, escape)| {
            let plain = !matches!(one, '"' | '\\') && !escape;
            if plain { one.to_string() } else { format!("\\u{:04x}", u32::from(one)) }
        }).collect();
        let token = hs256(
            r#"{ "typ":"jwt", "alg":"HS256" }"#,
            &claims(&format!("{spaces}\"jti\"{spaces}:{spaces}\"{spelled}\",\"sub\":\"{other}\"")),
        );
        let known = read(&token, &hs256_public()).unwrap().identity();
        let expected = TokenIdentity::new(TokenFormat::Jwt, "https://issuer.test", id.as_bytes());
        prop_assert_eq!(known, expected);
    }
}
