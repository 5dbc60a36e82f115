//! Azure Media Services tokens: what is issued is accepted, and where one may travel.

use portcullis_base::Timestamp;
use portcullis_token::{
    fault::Fault,
    format::{self, Format, Given, Request},
};

use crate::support::{Counting, RSA_PRIVATE, RSA_PUBLIC};

const NOW: Timestamp = Timestamp(1_700_000_000);
const KID: &str = "f4fb47a2-2f95-4f2c-ba93-733ca0e24714";
const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKA==";

fn both() -> [&'static dyn Format; 2] {
    ["azure-jwt", "azure-swt"].map(|name| format::find(name).unwrap())
}

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    for (name, text) in [("issuer", "https://sts.test"), ("audience", "urn:test")] {
        given.add(name, text);
    }
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn asking(kid: &str) -> Request {
    Request { kids: vec![kid.parse().unwrap()], ..Request::default() }
}

#[test]
fn a_token_opens_only_the_key_it_names() {
    for format in both() {
        let wish = given(&[("key", KEY), ("exp", "+50m"), ("contentkeyidentifier", KID)]);
        let token = format.issue(&wish, NOW, &Counting).unwrap().token;
        assert!(format.resembles(&token));
        let verdict = format.verify(&wish, &token, &asking(KID), NOW).unwrap();
        assert_eq!(verdict.unwrap().claims().kids, [KID.parse().unwrap()]);
        let other = asking("00000000-0000-0000-0000-000000000009");
        let refused = format.verify(&wish, &token, &other, NOW).unwrap().unwrap_err();
        assert_eq!(refused.fault, Fault::Content);
    }
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    let check = |fields: &[(&str, &str)], expected: &str| {
        for format in both() {
            let fields = [&[("key", KEY)], fields].concat();
            let error = format.issue(&given(&fields), NOW, &Counting).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    };
    check(&[], "`exp` is missing");
    check(&[("exp", "now-10m")], "could be used until");
    check(&[("exp", "+2h"), ("maxuses", "1")], "lives longer than the 3600 s");
    check(&[("exp", "+1h"), ("maxuses", "0")], "maxuses` is missing or wrong");
    check(&[("exp", "+1h"), ("required_claims", r#"{"tier":"gold"}"#)], "the claim `tier`");
}

#[test]
fn an_rsa_key_signs_and_a_short_secret_only_on_demand() {
    let [format, _] = both();
    let token = {
        let wish = given(&[("private_key", RSA_PRIVATE), ("exp", "+1h"), ("kid", "k1")]);
        format.issue(&wish, NOW, &Counting).unwrap().token
    };
    let trusted = given(&[("public_key", RSA_PUBLIC)]);
    assert!(format.verify(&trusted, &token, &asking(KID), NOW).unwrap().is_ok());
    let short = ("key", "MDEyMzQ1Njc4OWFiY2RlZg==");
    let refused = format.issue(&given(&[short, ("exp", "+1h")]), NOW, &Counting);
    assert!(refused.is_err());
    let wish = given(&[short, ("exp", "+1h"), ("danger_short_secrets", "true")]);
    let token = format.issue(&wish, NOW, &Counting).unwrap().token;
    assert!(format.verify(&wish, &token, &asking(KID), NOW).unwrap().is_ok());
}

#[test]
fn a_token_is_found_wherever_players_put_it() {
    let check = |headers: &[&str], query: Option<&str>, expected: Result<Option<&str>, Fault>| {
        let headers = headers.iter().map(|text| ("Authorization".into(), (*text).into()));
        let request = Request {
            headers: headers.collect(),
            query: query.map(str::to_owned),
            ..Request::default()
        };
        for format in both() {
            let found = format.find_in(&Given::new(), &request);
            let found = found.map_err(|refused| refused.fault);
            assert_eq!(found, expected.clone().map(|token| token.map(str::to_owned)));
        }
    };
    check(&[], None, Ok(None));
    check(&["Bearer a.b.c"], None, Ok(Some("a.b.c")));
    check(&["Bearer=a.b.c"], None, Ok(Some("a.b.c")));
    check(&["a.b.c"], None, Ok(Some("a.b.c")));
    check(&[], Some("kid=1&token=Bearer%3Da.b.c"), Ok(Some("a.b.c")));
    check(&["Bearer a.b.c"], Some("token=a.b.c"), Ok(Some("a.b.c")));
    check(&["Bearer a.b.c"], Some("token=a.b.d"), Err(Fault::Ambiguous));
}

#[test]
fn a_token_that_is_far_too_long_is_refused_before_it_is_read() {
    let long = "x".repeat(64 << 10);
    for format in both() {
        let verdict = format.verify(&given(&[("key", KEY)]), &long, &asking(KID), NOW).unwrap();
        assert_eq!(verdict.unwrap_err().fault, Fault::TooLong { bytes_max: 8192 });
    }
}
