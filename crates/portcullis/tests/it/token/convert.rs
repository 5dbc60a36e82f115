//! What one family says is said in every other, or it is told what is lost or lacking.

use serde_json::Value;

use super::{
    Desk,
    desk::{Example, NOW, split_options},
};
use crate::support::Ran;

/// `token convert` from an example to another one.
fn convert(desk: &Desk, from: &Example, to: &Example, token: &str, more: &str) -> Ran {
    let keys = |name: &str| {
        let about = desk.formats().into_iter().find(|(format, _)| format == name).unwrap().1;
        let keys = about["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["name"].as_str().unwrap().replace('_', "-")).collect::<Vec<_>>()
    };
    let (from_keys, to_keys) = (keys(&from.format), keys(&to.format));
    let mut arguments = String::new();
    let mut add = |option: String| {
        if !arguments.contains(&option) {
            arguments.push_str(&option);
        }
    };
    let name_of = |option: &str| option.split([' ', '=']).next().unwrap().to_owned();
    for option in split_options(&from.verify) {
        let prefix = if from_keys.contains(&name_of(&option)) { "from-" } else { "for-" };
        add(format!(" --{prefix}{option} "));
    }
    for option in split_options(&to.issue).iter().chain(&split_options(&to.verify)) {
        if to_keys.contains(&name_of(option)) {
            add(format!(" --{option} "));
        }
    }
    let (from, to) = (&from.format, &to.format);
    let line = format!("portcullis token convert {from} {to} \"$TOKEN\" {arguments} --at {NOW}");
    desk.sh(&format!("{line} {more}"), token, "")
}

#[test]
fn every_pair_of_families_converts_or_says_what_is_lacking() {
    let desk = Desk::new();
    let examples = desk.examples();
    for from in &examples {
        let token = desk.issue(from);
        for to in &examples {
            let pair = format!("{} to {}", from.format, to.format);
            let ran = convert(&desk, from, to, &token, "--json");
            match ran.code {
                Some(0) => {
                    let said: Value = serde_json::from_str(&ran.out).unwrap();
                    assert!(said["token"].is_string(), "{pair}: {said}");
                    let losses = said["losses"].as_array().unwrap();
                    if from.format == to.format {
                        assert!(losses.is_empty(), "{pair}: {said}");
                    }
                }
                Some(1 | 2) => {
                    assert_ne!(from.format, to.format, "{pair}: {}", ran.err);
                    let message = ran.err.trim_end();
                    assert_eq!(message.lines().count(), 1, "{pair}: {message}");
                    let told = ["`", "--", " cannot say this: "];
                    assert!(told.iter().any(|told| message.contains(told)), "{pair}: {message}");
                }
                _ => panic!("{pair}: {ran:?}"),
            }
        }
    }
}

#[test]
fn a_loss_is_listed_and_with_strict_there_is_no_token() {
    let desk = Desk::new();
    let examples = desk.examples();
    let of = |name: &str| examples.iter().find(|example| example.format == name).unwrap();
    let (access, media) = (of("akamai-access"), of("media-cdn"));
    let token = desk.issue(access);
    let ran = convert(&desk, access, media, &token, "");
    ran.expect_code(0);
    assert_eq!(ran.out.lines().count(), 1);
    assert!(ran.err.contains("does not say the same"), "{}", ran.err);
    let strict = convert(&desk, access, media, &token, "--strict");
    strict.expect_code(1);
    assert_eq!((strict.out.as_str(), strict.err.as_str()), ("", ran.err.as_str()));
    let same = convert(&desk, access, access, &token, "--strict");
    same.expect_code(0);
    assert_eq!(same.err, "");
}

#[test]
fn a_token_that_is_refused_is_not_converted() {
    let desk = Desk::new();
    let examples = desk.examples();
    let access = examples.iter().find(|example| example.format == "akamai-access").unwrap();
    let token = desk.issue(access);
    let ran = convert(&desk, access, access, &token.replace("exp=17", "exp=18"), "");
    ran.expect_code(1);
    assert_eq!(ran.out, "");
    assert!(ran.err.starts_with("refused at signature: token.signature"), "{}", ran.err);
}
