//! DRMtoday tokens: what is issued is accepted once it is signed, and says what was meant.

use portcullis_base::Timestamp;
use portcullis_token::{
    claims::Uses,
    format::{self, Format, Given, Request, convert},
};

use crate::support::Counting;

const NOW: Timestamp = Timestamp(1_700_000_000);
const SECRET: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn drmtoday() -> &'static dyn Format {
    format::find("drmtoday").unwrap()
}

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    for (name, text) in [("merchant", "m-1"), ("kid", "k-1"), ("secret", SECRET)] {
        given.add(name, text);
    }
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn asking(content: &str) -> Request {
    Request { content: Some(content.to_owned()), ..Request::default() }
}

#[test]
fn a_token_is_good_for_one_license_of_its_asset() {
    for algorithm in ["HS256", "HS384", "HS512"] {
        let wish = given(&[("assetId", "film"), ("userId", "u-1"), ("algorithm", algorithm)]);
        let token = drmtoday().issue(&wish, NOW, &Counting).unwrap().token;
        assert!(drmtoday().resembles(&token));
        let verified = drmtoday().verify(&wish, &token, &asking("film"), NOW).unwrap().unwrap();
        let claims = verified.claims();
        assert_eq!((claims.uses, claims.user.as_deref()), (Uses::ONCE, Some("u-1")));
        assert!(claims.identity.is_some());
        let refused = drmtoday().verify(&wish, &token, &asking("other"), NOW).unwrap();
        assert_eq!(refused.unwrap_err().fault.code(), "token.content");
    }
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    let check = |fields: &[(&str, &str)], expected: &str| {
        let error = drmtoday().issue(&given(fields), NOW, &Counting).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&[("iat", "now-11m")], "could be used until");
    check(&[("exp", "now-1h")], "no later than it starts");
    check(&[("profile", r#"{"rental":{}}"#)], "a rental without an end");
    check(&[("crt", r#"{"ref":[":x"]}"#)], "crt.ref");
    check(&[("jti", "")], "the claim `jti`");
}

#[test]
fn terms_survive_a_conversion_into_the_same_family() {
    for profile in [
        r#"{"purchase":{}}"#,
        r#"{"rental":{"relativeExpiration":"P7D","playDuration":"PT3H"}}"#,
        r#"{"rental":{"absoluteExpiration":"2026-01-01T00:00:00Z","playDuration":"PT90S"}}"#,
    ] {
        let wish = given(&[
            ("assetId", "film"),
            ("variantId", "v"),
            ("sessionId", "s-1"),
            ("profile", profile),
            ("storeLicense", "true"),
            ("exp", "+1m"),
        ]);
        let issued = drmtoday().issue(&wish, NOW, &Counting).unwrap();
        let request = asking("film");
        let token = drmtoday().verify(&wish, &issued.token, &request, NOW).unwrap().unwrap();
        let again = convert(&token, drmtoday(), &given(&[]), &request, NOW, &Counting).unwrap();
        assert_eq!(again.losses, []);
    }
}
