//! Axinom messages: what is issued is accepted, keys travel encrypted, terms survive.

use portcullis_base::Timestamp;
use portcullis_token::{
    axinom::CommunicationKey,
    fault::Fault,
    format::{self, Format, Given, Request, convert},
};

use crate::support::Counting;

const NOW: Timestamp = Timestamp(1_700_000_000);
const KID: &str = "7459975d-b2f8-48ed-a325-56e4f34d19c7";
const KEY: &str = "RPSdG/fViTkTjcuG3fcRXL2JDchGThWQ/tfSNHAoG+A=";

fn axinom() -> &'static dyn Format {
    format::find("axinom").unwrap()
}

fn given(fields: &[(&str, &str)]) -> Given {
    let mut given = Given::new();
    given.add("com_key_id", "aa0151d7-081c-4699-a049-fc584556c9d2");
    given.add("com_key", KEY);
    fields.iter().for_each(|(name, text)| given.add(name, *text));
    given
}

fn asking(kid: &str) -> Request {
    Request { kids: vec![kid.parse().unwrap()], ..Request::default() }
}

#[test]
fn a_key_travels_encrypted_and_comes_out_as_it_was() {
    let content_key = format!("{KID}=00112233445566778899aabbccddeeff");
    let wish = given(&[("content_key", &content_key), ("expiration_date", "+1h")]);
    let issued = axinom().issue(&wish, NOW, &Counting).unwrap();
    assert!(axinom().resembles(&issued.token));
    let shown = axinom().explain(&Given::new(), &issued.token, &Request::default(), NOW).unwrap();
    // SPEC: Axinom's documentation publishes this block for this key.
    assert!(format!("{:?}", shown.fields).contains("m8IY8DAfHHGLLL7dtlCEnw=="));
    let token = axinom().verify(&wish, &issued.token, &asking(KID), NOW).unwrap().unwrap();
    let [key] = token.claims().keys.as_slice() else { panic!("one key") };
    assert_eq!(hex::encode(key.key.expose()), "00112233445566778899aabbccddeeff");
    assert_eq!(key.kid, KID.parse().ok());
}

#[test]
fn nothing_is_issued_that_would_be_refused() {
    let check = |fields: &[(&str, &str)], expected: &str| {
        let error = axinom().issue(&given(fields), NOW, &Counting).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let end = ("expiration_date", "+1h");
    check(&[("key_id", KID)], "names no end");
    check(&[("key_id", KID), ("expiration_date", "now-1h")], "could be used until");
    check(&[end], "for other content");
    check(&[("key_id", KID), end, ("license", r#"{"duration":0}"#)], "license.duration");
    check(&[("key_id", KID), end, ("license", r#"{"x":0}"#)], "license.x");
    check(&[("content_key", "x"), end], "`content_key` is not KID=HEX");
    let limited = r#"{"access_control":{"concurrency_limit":2}}"#;
    check(&[("key_id", KID), end, ("license_server", limited)], "session.user_id");
}

#[test]
fn terms_survive_a_conversion_into_the_same_family() {
    let message = r#"{"type":"entitlement_message","version":2,
        "license":{"duration":3600,"allow_persistence":true,
            "expiration_datetime":"2026-01-01T00:00:00Z",
            "fairplay":{"playback_duration":60,"real_time_expiration":true},
            "widevine":{"allow_renewal":true,"renewal_delay":60,"allow_playback":true}},
        "license_server":{"access_control":{"prevent_drm_message_reuse":true,
            "concurrency_limit":2,"concurrency_mode":"BLOCK_NEW_DEVICE",
            "allowed_ip_addresses":["192.0.2.7"]}},
        "session":{"user_id":"u-1"},
        "content_keys_source":{"inline":[
            {"id":"7459975d-b2f8-48ed-a325-56e4f34d19c7","usage_policy":"A"}]},
        "content_key_usage_policies":[{"name":"A",
            "fairplay":{"hdcp":"TYPE1","allow_airplay":false},
            "widevine":{"device_security_level":"HW_SECURE_ALL","hdcp":"2.2","cgms-a":"never"},
            "playready":{"min_device_security_level":3000,"play_enablers":["x"]}}]}"#;
    let wish = given(&[("message", message), ("expiration_date", "+1h")]);
    let issued = axinom().issue(&wish, NOW, &Counting).unwrap();
    let request = Request { address: "192.0.2.7".parse().ok(), ..asking(KID) };
    let token = axinom().verify(&wish, &issued.token, &request, NOW).unwrap().unwrap();
    let converted = convert(&token, axinom(), &given(&[]), &request, NOW, &Counting).unwrap();
    assert_eq!(converted.losses, []);
}

#[test]
fn a_message_is_found_in_a_header_or_a_parameter_but_not_twice() {
    let check =
        |header: Option<&str>, query: Option<&str>, expected: Result<Option<&str>, Fault>| {
            let request = Request {
                headers: header
                    .map(|text| ("x-axdrm-message".into(), text.into()))
                    .into_iter()
                    .collect(),
                query: query.map(str::to_owned),
                ..Request::default()
            };
            let found = axinom().find_in(&Given::new(), &request);
            let found = found.map_err(|refused| refused.fault);
            assert_eq!(found, expected.map(|token| token.map(str::to_owned)));
        };
    check(None, None, Ok(None));
    check(Some("a.b.c"), None, Ok(Some("a.b.c")));
    check(None, Some("AxDrmMessage=a.b.c"), Ok(Some("a.b.c")));
    check(Some("a.b.c"), Some("AxDrmMessage=a.b.d"), Err(Fault::Ambiguous));
}

#[test]
fn a_communication_key_has_32_bytes_and_does_not_print_them() {
    let key = |length: usize| {
        let id = "aa0151d7-081c-4699-a049-fc584556c9d2".parse().unwrap();
        CommunicationKey::new(id, vec![222; length].into())
    };
    assert!(key(31).is_err() && key(33).is_err());
    let expected = "CommunicationKey(aa0151d7-081c-4699-a049-fc584556c9d2)";
    assert_eq!(format!("{:?}", key(32).unwrap()), expected);
}
