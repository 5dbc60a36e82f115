//! Tokens that are nearly right. All of them are signed with the right secret unless the
//! attack is on the signature itself: what refuses them is the check named beside them.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::Timestamp;
use portcullis_token::jwt::{
    Algorithm, CONTENT_KEY_ID, Expectations, JwtError, VerificationKey, unverified_view, verify,
};

use crate::support::{self, RSA_PUBLIC, SECRET, hs256_public};

const NOW: Timestamp = Timestamp(1_700_000_000);
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const CLAIMS: &str = r#"{"iss":"https://issuer.test","aud":"urn:portcullis","exp":1700000600}"#;

fn expectations() -> Expectations {
    Expectations {
        issuer: "https://issuer.test".into(),
        audience: "urn:portcullis".into(),
        leeway: Duration::from_secs(30),
        lifetime_max: Duration::from_secs(86_400),
        token_type: Some("play+jwt".into()),
    }
}

fn sign_with(secret: &[u8], header: &str, claims: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", encode(tag.as_ref()))
}

fn sign(header: &str, claims: &str) -> String {
    sign_with(&SECRET, header, claims)
}

fn outcome(token: &str) -> &'static str {
    outcome_at(token, NOW)
}

fn outcome_at(token: &str, now: Timestamp) -> &'static str {
    let verified = verify(token, &[hs256_public()], &expectations(), now);
    verified.map_or_else(|error| error.code(), |_| "success")
}

#[track_caller]
fn check_header(header: &str, expected: &str) {
    assert_eq!(outcome(&sign(header, CLAIMS)), expected, "{header}");
}

#[track_caller]
fn check_claims(claims: &str, expected: &str) {
    assert_eq!(outcome(&sign(HEADER, claims)), expected, "{claims}");
}

/// The good claims with `more` put among them.
#[track_caller]
fn check_with(more: &str, expected: &str) {
    check_claims(&CLAIMS.replace('}', &format!(",{more}}}")), expected);
}

#[test]
fn the_controls_are_accepted() {
    check_header(HEADER, "success");
    check_header(r#"{"alg":"HS256"}"#, "success");
    check_header(r#"{"typ":"jwt","alg":"HS256","kid":"any"}"#, "success");
    check_header(r#"{"typ":"play+jwt","alg":"HS256"}"#, "success");
    check_header(" {\n\"alg\" : \"HS256\" } ", "success");
    check_header(r#"{"\u0061lg":"HS256"}"#, "success");
    check_with(r#""nbf":1700000000,"iat":1700000000,"jti":"1","sub":"x""#, "success");
    check_with(r#""nbf":1699999999.5"#, "success");
    check_with(r#""extra":{"deep":[1,2,{"a":null}]}"#, "success");
    check_claims(&CLAIMS.replace("\"urn:portcullis\"", r#"["urn:x","urn:portcullis"]"#), "success");
    check_claims(&CLAIMS.replace("1700000600", "1700000600.9"), "success");
    check_claims(&CLAIMS.replace("1700000600", "1.7000006e9"), "success");
}

#[test]
fn an_unsigned_token_has_no_algorithm() {
    for name in ["none", "None", "NONE", "nOnE", "none ", "\\u006eone", "", "hs256", "HS257"] {
        let header = format!(r#"{{"alg":"{name}"}}"#);
        check_header(&header, "token.algorithm");
        let signed = sign(&header, CLAIMS);
        let (unsigned, _) = signed.rsplit_once('.').unwrap();
        assert_eq!(outcome(&format!("{unsigned}.")), "token.malformed");
        assert_eq!(outcome(unsigned), "token.malformed");
    }
    for header in
        [r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#, r#"{"alg":true}"#, r#"{"ALG":"HS256"}"#, "{}"]
    {
        check_header(header, "token.header");
    }
}

#[test]
fn a_public_key_is_not_a_secret() {
    let keys = [VerificationKey::rs256_from_pem(RSA_PUBLIC).unwrap()];
    let der = RSA_PUBLIC.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = base64::engine::general_purpose::STANDARD.decode(der).unwrap();
    for secret in [RSA_PUBLIC.as_bytes(), RSA_PUBLIC.trim().as_bytes(), &der] {
        for header in [HEADER, r#"{"alg":"RS256"}"#] {
            let token = sign_with(secret, header, CLAIMS);
            let refused = verify(&token, &keys, &expectations(), NOW).map(drop).unwrap_err();
            let expected = if header == HEADER { JwtError::Algorithm } else { JwtError::Signature };
            assert_eq!(refused, expected);
        }
    }
}

#[test]
fn one_key_serves_one_algorithm() {
    let key = VerificationKey::hmac(Algorithm::Hs384, &support::secret()).unwrap();
    let refused = verify(&sign(HEADER, CLAIMS), &[key], &expectations(), NOW).map(drop);
    assert_eq!(refused, Err(JwtError::Algorithm));
    assert_eq!(verify(&sign(HEADER, CLAIMS), &[], &expectations(), NOW).map(drop), refused);
}

#[test]
fn a_key_id_chooses_among_our_keys_and_adds_none() {
    let named = |name: &str| hs256_public().with_kid(name).unwrap();
    let token = sign(r#"{"alg":"HS256","kid":"b"}"#, CLAIMS);
    let check = |keys: &[VerificationKey], expected: Result<(), JwtError>| {
        assert_eq!(verify(&token, keys, &expectations(), NOW).map(drop), expected);
    };
    check(&[named("a"), named("b")], Ok(()));
    check(&[hs256_public()], Ok(()));
    check(&[named("a")], Err(JwtError::Key));
    check(&[named("B")], Err(JwtError::Key));
    let other = portcullis_base::SecretBytes::new(vec![9; 32]);
    let other = VerificationKey::hs256(&other).unwrap();
    check(std::slice::from_ref(&other), Err(JwtError::Signature));
    check(&[other.clone(), hs256_public()], Ok(()));
    let mut keys = vec![other; 8];
    keys.push(hs256_public());
    check(&keys, Err(JwtError::Signature));
    keys.remove(0);
    check(&keys, Ok(()));
}

#[test]
fn a_header_brings_no_key_and_no_extension() {
    for member in [
        r#""jwk":{"kty":"oct","k":"AAAA"}"#,
        r#""jku":"https://attacker.test/keys""#,
        r#""x5u":"https://attacker.test/cert""#,
        r#""x5c":["MIIB"]"#,
        r#""x5t":"AAAA""#,
        r#""x5t#S256":"AAAA""#,
        r#""crit":[]"#,
        r#""crit":["exp"]"#,
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["absent"]"#,
        r#""b64":true"#,
        r#""cty":"JWT""#,
        r#""enc":"A256GCM""#,
        r#""zip":"DEF""#,
    ] {
        check_header(&format!(r#"{{"alg":"HS256",{member}}}"#), "token.header");
    }
    for kid in [r#""""#, "1", "null", r#""a\u0000b""#, &format!("\"{}\"", "k".repeat(129))] {
        check_header(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), "token.header");
    }
}

#[test]
fn another_kind_of_token_is_refused() {
    for name in ["at+jwt", "dpop+jwt", "JOSE", "Play+jwt", "", "application/jwt"] {
        check_header(&format!(r#"{{"alg":"HS256","typ":"{name}"}}"#), "token.kind");
    }
    check_header(r#"{"alg":"HS256","typ":1}"#, "token.header");
    check_header(r#"{"alg":"HS256","typ":["JWT"]}"#, "token.header");
}

#[test]
fn no_member_stands_twice() {
    for header in [r#"{"alg":"none","alg":"HS256"}"#, r#"{"alg":"HS256","\u0061lg":"HS256"}"#] {
        check_header(header, "token.malformed");
    }
    check_with(r#""exp":1700000600"#, "token.malformed");
    check_with(r#""\u0065xp":9999999999"#, "token.malformed");
    check_with(r#""aud":"urn:x""#, "token.malformed");
    check_with(r#""x":{"a":1,"a":1}"#, "token.malformed");
}

#[test]
fn what_is_not_strict_json_is_refused() {
    for claims in ["", "null", "[]", "\"x\"", "{", "{}{}", "{\"exp\":NaN}", "\u{feff}{}"] {
        check_claims(claims, "token.malformed");
    }
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", encode(HEADER.as_bytes()), encode(b"{\"iss\":\"\xff\"}"));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &SECRET), signed.as_bytes());
    assert_eq!(outcome(&format!("{signed}.{}", encode(tag.as_ref()))), "token.malformed");
    check_with(&format!(r#""x":{}1{}"#, "[".repeat(16), "]".repeat(16)), "token.malformed");
    check_with(&format!(r#""x":"{}""#, "y".repeat(4097)), "token.malformed");
}

#[test]
fn one_token_has_one_text() {
    let good = sign(HEADER, CLAIMS);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.find(last).unwrap();
    // 32 bytes leave two bits unused in the last character.
    for other in 1..4 {
        let twin = alphabet.chars().nth(place | other).unwrap();
        let text = format!("{}{twin}", &good[..good.len() - 1]);
        assert_eq!(outcome(&text), "token.malformed", "{text}");
    }
    for text in [
        format!("{good}="),
        format!("{good}\n"),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}."),
        format!(".{good}"),
        format!("Bearer {good}"),
        format!("{header}.{claims}=.{signature}"),
        format!("{header}.{}\n{}.{signature}", &claims[..4], &claims[4..]),
        format!("{header}..{signature}"),
        format!("{header}.{claims}.{signature}.{signature}.{signature}"),
        format!(r#"{{"payload":"{claims}","protected":"{header}","signature":"{signature}"}}"#),
        format!(r#"{{"payload":"{claims}","signatures":[]}}"#),
        String::new(),
        "..".to_owned(),
    ] {
        assert_eq!(outcome(&text), "token.malformed", "{text}");
    }
    let nested = sign(HEADER, &good);
    assert_eq!(outcome(&nested), "token.malformed");
    assert_eq!(outcome(&"a".repeat(8193)), "token.too_long");
}

#[test]
fn every_changed_byte_is_noticed() {
    let good = sign(HEADER, CLAIMS);
    for place in 0..good.len() {
        for flip in [0x01_u8, 0x02, 0x20] {
            let mut bytes = good.clone().into_bytes();
            bytes[place] ^= flip;
            let changed = String::from_utf8(bytes).unwrap();
            assert_ne!(outcome(&changed), "success", "{changed}");
        }
    }
    let (signed, _) = good.rsplit_once('.').unwrap();
    for signature in ["AA", &"A".repeat(43), &"A".repeat(4000)] {
        let changed = format!("{signed}.{signature}");
        assert_ne!(outcome(&changed), "success", "{changed}");
    }
}

#[test]
fn the_end_is_a_number_in_range_and_it_is_there() {
    let exp = |text: &str| CLAIMS.replace("1700000600", text);
    for bad in [
        "\"1700000600\"",
        "\"never\"",
        "null",
        "true",
        "[1700000600]",
        "{}",
        "0",
        "-1",
        "9007199254740992",
        "9223372036854775808",
        "18446744073709551616",
        "1e300",
    ] {
        check_claims(&exp(bad), "token.claim");
    }
    check_claims(&exp("1e999"), "token.malformed");
    check_claims(&exp("9007199254740991"), "token.lifetime");
    check_claims(&CLAIMS.replace("exp", "Exp"), "token.no_end");
    check_claims(r#"{"iss":"https://issuer.test","aud":"urn:portcullis"}"#, "token.no_end");
}

#[test]
fn times_hold_on_both_sides_of_the_leeway() {
    let token = sign(HEADER, CLAIMS);
    assert_eq!(outcome_at(&token, Timestamp(1_700_000_629)), "success");
    assert_eq!(outcome_at(&token, Timestamp(1_700_000_630)), "token.expired");
    check_with(r#""nbf":1700000030"#, "success");
    check_with(r#""nbf":1700000031"#, "token.not_yet");
    check_with(r#""iat":1700000030"#, "success");
    check_with(r#""iat":1700000031"#, "token.not_yet");
    check_with(r#""iat":1700000031,"nbf":1700000000"#, "token.not_yet");
    check_with(r#""nbf":1700000600"#, "token.malformed");
    for name in ["nbf", "iat"] {
        for bad in ["\"9999999999\"", "null", "[1]", "{}", "true", "0", "-5", "\"\""] {
            check_with(&format!("\"{name}\":{bad}"), "token.claim");
        }
    }
}

#[test]
fn a_life_starts_with_nbf_or_else_with_iat_or_else_ever() {
    for (more, start) in [
        (r#","nbf":1699999999,"iat":1699999990"#, 1_699_999_999),
        (r#","iat":1699999990"#, 1_699_999_990),
        ("", 0),
    ] {
        let token = sign(HEADER, &CLAIMS.replace('}', &format!("{more}}}")));
        let claims = verify(&token, &[hs256_public()], &expectations(), NOW).unwrap();
        assert_eq!(claims.claims().lifetime.start(), Timestamp(start), "{more}");
    }
}

#[test]
fn a_long_life_is_refused() {
    let exp = |text: &str| CLAIMS.replace("1700000600", text);
    check_claims(&exp("1700086400"), "success");
    check_claims(&exp("1700086401"), "token.lifetime");
    let from = |iat: &str| exp("1700043200").replace('}', &format!(",{iat}}}"));
    check_claims(&from(r#""iat":1699956800"#), "success");
    check_claims(&from(r#""iat":1699956799"#), "token.lifetime");
    check_claims(&from(r#""nbf":1699956799"#), "token.lifetime");
    check_claims(&from(r#""nbf":1,"iat":1699956800"#), "success");
}

#[test]
fn the_issuer_is_one_string_byte_for_byte() {
    let iss = |text: &str| CLAIMS.replace("\"https://issuer.test\"", text);
    for other in [
        "\"https://issuer.test/\"",
        "\"https://issuer.tes\"",
        "\"HTTPS://issuer.test\"",
        "\" https://issuer.test\"",
        "\"https://issuer.test\\u0000\"",
        "\"\"",
    ] {
        check_claims(&iss(other), "token.issuer");
    }
    for other in ["[\"https://issuer.test\"]", "1", "null", "{}"] {
        check_claims(&iss(other), "token.claim");
    }
    check_claims(&CLAIMS.replace("\"iss\"", "\"Iss\""), "token.issuer");
}

#[test]
fn the_audience_is_among_those_named_byte_for_byte() {
    let aud = |text: &str| CLAIMS.replace("\"urn:portcullis\"", text);
    for other in [
        "\"urn:portculli\"",
        "\"urn:portcullis:more\"",
        "\"urn:portcullis/\"",
        "\"URN:portcullis\"",
        "\"urn:other\"",
        "[\"urn:other\",\"urn:portcullis/\"]",
        "[]",
        "\"\"",
    ] {
        check_claims(&aud(other), "token.audience");
    }
    for other in
        ["[\"urn:portcullis\",1]", "[[\"urn:portcullis\"]]", "1", "null", "{\"urn:portcullis\":1}"]
    {
        check_claims(&aud(other), "token.claim");
    }
    check_claims(&CLAIMS.replace("\"aud\"", "\"Aud\""), "token.audience");
}

#[test]
fn other_known_claims_keep_their_types() {
    for name in ["jti", "sub", CONTENT_KEY_ID] {
        for bad in ["1", "null", "[\"x\"]", "true"] {
            check_with(&format!("\"{name}\":{bad}"), "token.claim");
        }
    }
}

#[test]
fn the_key_a_token_names_is_one_guid() {
    let kid = "8130520b-c116-45a9-824e-4a0082f3cb3c";
    for good in [kid, &kid.to_uppercase(), &format!("{{{kid}}}"), &kid.replace('-', "")] {
        let token =
            sign(HEADER, &CLAIMS.replace('}', &format!(",\"{CONTENT_KEY_ID}\":\"{good}\"}}")));
        let claims = verify(&token, &[hs256_public()], &expectations(), NOW).unwrap();
        assert_eq!(claims.claims().content_key_id, Some(kid.parse().unwrap()));
    }
    for bad in ["", "film", &format!("{{{kid}"), &format!("{kid} "), &format!("{kid},{kid}")] {
        check_with(&format!("\"{CONTENT_KEY_ID}\":\"{bad}\""), "token.claim");
    }
}

#[test]
fn looking_at_a_token_proves_nothing() {
    let view = unverified_view(&sign_with(&[1; 32], HEADER, CLAIMS)).unwrap();
    assert_eq!(view.header.to_string(), HEADER);
    assert_eq!(view.claims.as_object().unwrap()["exp"].to_string(), "1700000600");
}
