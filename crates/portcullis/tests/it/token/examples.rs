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
        assert!(issued["claims"]["end"].is_u64(), "{name} tells no end: {issued}");
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
        let late = desk.verify(&example, &token, "--json");
        let end = json(&late.out)["claims"]["end"].as_u64().unwrap() + 3600;
        let line = format!("portcullis token verify {name} - {} --json --at {end}", example.verify);
        let late = desk.sh(&line, "", &token);
        late.expect_code(1);
        let late = json(&late.out);
        assert_eq!((&late["reason"], &late["step"]), (&"token.expired".into(), &"times".into()));
        assert!(late["advice"].is_string(), "{name}: {late}");

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
