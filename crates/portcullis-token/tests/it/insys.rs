//! Insys user tokens: what is issued opens the keys it lists and no other.

use portcullis_base::Timestamp;
use portcullis_token::format::{self, Format, Given, Request, convert};

use crate::support::Counting;

const NOW: Timestamp = Timestamp(1_700_000_000);
const KID: &str = "8d0f8e5e-3d0c-4f43-9e6d-0d3b1a2f4c55";
const OTHER: &str = "00000000-0000-0000-0000-000000000009";

fn insys() -> &'static dyn Format {
    format::find("insys").unwrap()
}

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    given.add("secret", "cG9ydGN1bGxpcy1kZW1vLXNoYXJlZC1zZWNyZXQtMzI=");
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn asking(kid: &str) -> Request {
    Request { kids: vec![kid.parse().unwrap()], ..Request::default() }
}

#[test]
fn a_token_opens_only_the_keys_it_lists() {
    let check = |kid: &str, asked: &str, expected: bool| {
        let wish = given(&[("kid", kid), ("exp", "+1h"), ("duration", "1d")]);
        let token = insys().issue(&wish, NOW, &Counting).unwrap().token;
        assert!(insys().resembles(&token));
        let verdict = insys().verify(&wish, &token, &asking(asked), NOW).unwrap();
        assert_eq!(verdict.is_ok(), expected, "{kid} {asked}");
    };
    check(KID, KID, true);
    check(KID, OTHER, false);
    check("*", OTHER, true);
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    for fields in [
        &[("kid", KID)][..],
        &[("exp", "+1h")],
        &[("kid", KID), ("exp", "now-1h")],
        &[("kid", KID), ("exp", "+1h"), ("duration", "0")],
        &[("kid", "*"), ("kid", KID), ("exp", "+1h")],
    ] {
        assert!(insys().issue(&given(fields), NOW, &Counting).is_err(), "{fields:?}");
    }
}

#[test]
fn a_token_survives_a_conversion_into_the_same_family() {
    let wish = given(&[("kid", KID), ("exp", "+1h"), ("duration", "90")]);
    let issued = insys().issue(&wish, NOW, &Counting).unwrap();
    let token = insys().verify(&wish, &issued.token, &asking(KID), NOW).unwrap().unwrap();
    let again = convert(&token, insys(), &given(&[]), &asking(KID), NOW, &Counting).unwrap();
    assert_eq!(again.losses, []);
}
