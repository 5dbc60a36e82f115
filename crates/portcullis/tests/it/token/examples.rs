//! The examples in the help texts work, and a token is recognised by what it looks like.

use serde_json::Value;

use super::{
    Desk,
    desk::{Example, NOW},
};

#[test]
fn every_family_issues_and_verifies_as_its_help_says() {
    let desk = Desk::new();
    for example in desk.examples() {
        let name = &example.format;
        let token = desk.issue(&example);
        let ran = desk.verify(&example, &token, "");
        assert_eq!(ran.code, Some(0), "{name}: {ran:?}");
        assert!(ran.out.starts_with("accepted\n"), "{name}: {}", ran.out);
        let accepted = json(&desk.verify(&example, &token, "--json").out);
        assert_eq!(accepted["verdict"], "accept");

        let more = format!("portcullis token issue {name} {} --at {NOW} --json", example.issue);
        let issued = json(&desk.sh(&more, "", "").out);
        assert!(issued["carriage"].as_array().is_some_and(|ways| !ways.is_empty()), "{name}");
        assert_eq!(issued["claims"]["end"].is_u64(), !example.is_endless(), "{name}: {issued}");
        for way in issued["carriage"].as_array().unwrap() {
            check_carriage(&desk, &example, way["text"].as_str().unwrap());
        }
    }
}

/// What is ready to paste is found again.
fn check_carriage(desk: &Desk, example: &Example, text: &str) {
    let ran = desk.sh(&format!("portcullis token explain - --json --at {NOW}"), "", text);
    let found = if ran.out.is_empty() { Value::Null } else { json(&ran.out) };
    assert_eq!(found["format"], example.format, "`{text}` is not recognised: {ran:?}");
}

#[test]
fn every_family_refuses_a_token_after_its_end_and_one_that_was_changed() {
    let desk = Desk::new();
    for example in desk.examples() {
        let name = &example.format;
        let token = desk.issue(&example);
        let good = json(&desk.verify(&example, &token, "--json").out);
        if let Some(end) = good["claims"]["end"].as_u64() {
            let (options, end) = (&example.verify, end + 3600);
            let line = format!("portcullis token verify {name} - {options} --json --at {end}");
            let late = desk.sh(&line, &token, &token);
            late.expect_code(1);
            let late = json(&late.out);
            let expected = (&"token.expired".into(), &"times".into());
            assert_eq!((&late["reason"], &late["step"]), expected, "{name}");
            assert!(late["advice"].is_string(), "{name}: {late}");
        }
        let changed = changed(&token);
        let ran = desk.verify(&example, &changed, "");
        ran.expect_code(1);
        assert!(ran.out.starts_with("refused at "), "{name}: {}", ran.out);
    }
}

/// The token with a character near its middle changed.
fn changed(token: &str) -> String {
    let at = token.char_indices().map(|(at, _)| at).nth(token.chars().count() / 2).unwrap();
    let (before, rest) = token.split_at(at);
    let first = rest.chars().next().unwrap();
    let other = if first == '7' { '8' } else { '7' };
    format!("{before}{other}{}", &rest[first.len_utf8()..])
}

#[test]
fn every_token_is_recognised_without_being_told_its_family() {
    let desk = Desk::new();
    for example in desk.examples() {
        let name = &example.format;
        let token = desk.issue(&example);
        let bare = desk.sh(&format!("portcullis token explain - --json --at {NOW}"), "", &token);
        let bare = json(&bare.out);
        assert_eq!(bare["format"], *name, "{token}");
        assert_eq!(bare["candidates"], serde_json::json!([]), "{name} is not alone: {token}");
        assert!(!bare["fields"].as_array().unwrap().is_empty(), "{name} shows no field");
        let skipped = |step: &Value| step["step"] == "signature" && step["outcome"] == "skipped";
        let checks = bare["checks"].as_array().unwrap();
        assert!(checks.iter().any(skipped), "{name} judged a signature without a key: {bare}");

        let arguments = desk.explain_arguments(&example);
        let line = format!("portcullis token explain \"$TOKEN\" {arguments} --at {NOW}");
        let full = desk.sh(&line, &token, "");
        assert_eq!(full.code, Some(0), "{name}: {full:?}");
        assert!(full.out.contains("pass  signature"), "{name}: {}", full.out);

        let encoded: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let ran = desk.sh(&format!("portcullis token explain - --json --at {NOW}"), "", &encoded);
        assert_eq!(json(&ran.out)["format"], bare["format"], "{name}, percent-encoded");
    }
}

#[test]
fn a_token_is_found_in_what_is_pasted_around_it() {
    let desk = Desk::new();
    let examples = desk.examples();
    let of =
        |name: &str| desk.issue(examples.iter().find(|example| example.format == name).unwrap());
    let (access, session, jwt) = (of("akamai-access"), of("akamai-session"), of("azure-jwt"));
    let check = |text: &str, format: &str, more: usize| {
        let ran = desk.sh(&format!("portcullis token explain - --json --at {NOW}"), "", text);
        let found = json(&ran.out);
        assert_eq!(found["format"], format, "{text}");
        assert_eq!(found["candidates"].as_array().unwrap().len(), more, "{text}");
        assert!(!ran.out.contains("token.malformed"), "{text}: {}", ran.out);
    };
    check(&format!("https://cdn.example/m/x.mpd?a=b&hdnts={access}"), "akamai-access", 0);
    check(&format!("/m/x.mpd?hdnts={access}&a=b"), "akamai-access", 0);
    check(&format!("Cookie: a=b; hdntl={session}"), "akamai-session", 0);
    check(&format!("hdntl={session}; a=b"), "akamai-session", 0);
    check(&format!("Set-Cookie: hdntl={session}; Path=/; Secure"), "akamai-session", 0);
    let request = format!("GET /m/x.mpd?hdnts={access} HTTP/1.1\r\nHost: cdn.example\r\n");
    check(&request, "akamai-access", 0);
    check(&format!("{request}Cookie: a=b; hdntl={session}"), "akamai-access", 1);
    check(&format!("Authorization: Bearer {jwt}"), "azure-jwt", 0);
    check(&format!("authorization: bearer {jwt}\r\nHost: a.example"), "azure-jwt", 0);
    check(&format!("\"{jwt}\""), "azure-jwt", 0);
    check(&format!("https://license.example/?token={jwt}"), "azure-jwt", 0);
    let both = format!("Cookie: hdnts={access}\nCookie: hdntl={session}");
    check(&both, "akamai-access", 1);
}

#[test]
fn what_is_no_token_is_told_so() {
    let desk = Desk::new();
    for text in ["", "x", "https://a.example/", "Cookie: a=b", "%zz", "\u{1b}[2J", "--", "a b c"] {
        let ran = desk.sh("portcullis token explain -", "", text);
        let message = ran.expect_one_message(2);
        assert!(message.contains("no token that is known here"), "`{text}`: {message}");
    }
    for line in ["explain", "verify", "issue", "convert", "verify --at now", "explain --json"] {
        let ran = desk.sh(&format!("portcullis token {line}"), "", "");
        ran.expect_code(2);
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: `{text}`"))
}
