//! No key is repeated, whatever is wrong with it or with the command around it.

use super::{Desk, desk::NOW};
use crate::support::Needles;

#[test]
fn no_key_is_ever_printed() {
    let desk = Desk::new();
    for example in desk.examples() {
        let name = &example.format;
        let token = desk.issue(&example);
        let options = format!("{} {}", example.issue, example.verify);
        let files = options.split([' ', '=']).filter_map(|word| word.strip_prefix('@'));
        let mut needles = Needles::default();
        for file in files.filter(|file| !file.contains(".pub.")) {
            let text = std::fs::read_to_string(desk.path().join(file)).unwrap();
            // Of a PEM file a line from its middle; of others the text.
            let lines: Vec<&str> = text.lines().collect();
            needles.bytes(file, lines[lines.len() / 2].as_bytes());
        }
        let arguments = desk.explain_arguments(&example);
        let (issue, verify) = (&example.issue, &example.verify);
        let at = format!("--at {NOW}");
        for line in [
            format!("verify {name} \"$TOKEN\" {verify} {at}"),
            format!("verify {name} \"$TOKEN\" {verify} {at} --json"),
            format!("verify {name} \"x$TOKEN\" {verify} {at}"),
            format!("verify {name} \"$TOKEN\" {verify} {at} --nonsense"),
            format!("verify {name} \"$TOKEN\" {verify} --at nonsense"),
            format!("explain \"$TOKEN\" {arguments} {at}"),
            format!("explain \"$TOKEN\" {arguments} {at} --json"),
            format!("explain \"$TOKEN\" {arguments} {at} --key nonsense"),
            format!("issue {name} {issue} {at} --json"),
            format!("issue {name} {issue} {at} --json extra"),
        ] {
            let ran = desk.sh(&format!("portcullis token {line}"), &token, "");
            needles.expect_none_in(ran.everything().as_bytes(), &line);
        }
    }
}

#[test]
fn a_faulty_key_is_named_and_not_repeated() {
    let desk = Desk::new();
    let key = "not-a-key-but-secret";
    for (name, about) in desk.formats() {
        for param in about["keys"].as_array().unwrap() {
            if param["kind"] != "secret" {
                continue;
            }
            let key_name = param["name"].as_str().unwrap().replace('_', "-");
            for line in [
                format!("issue {name} --{key_name} {key}"),
                format!("verify {name} x --{key_name} {key}"),
                format!("verify {name} x --{key_name} {key} --{key_name} {key}"),
                format!("verify {name} x --{key_name} @{NOW}"),
                format!("explain x --as {name} --key {key_name}={key}"),
                format!("explain x --as {name} --key wrong={key}"),
            ] {
                let ran = desk.sh(&format!("portcullis token {line}"), "", "");
                assert!(!ran.everything().contains(key), "{line}: {ran:?}");
                assert!(matches!(ran.code, Some(1 | 2)), "{line}: {ran:?}");
            }
        }
    }
}
