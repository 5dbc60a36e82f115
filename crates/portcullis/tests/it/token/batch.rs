//! Test sets: one answer per line, in order, while the lines come in.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{
    Desk,
    desk::{Example, NOW, split_options},
};
use crate::support::Ran;

fn batch(desk: &Desk, lines: &str) -> (Ran, Vec<Value>) {
    let ran = desk.sh(&format!("portcullis token verify --batch --at {NOW}"), "", lines);
    let answers = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (ran, answers)
}

/// The line that asks what an example asks.
fn line(desk: &Desk, example: &Example, token: &str) -> Value {
    let mut line = json!({"id": example.format, "format": example.format, "token": token});
    let unquoted = |text: &str| text.trim_matches(['\'', '"']).to_owned();
    for option in split_options(&example.verify) {
        let (name, value) = option.split_once([' ', '=']).unwrap_or((&option, "true"));
        let value = match value.strip_prefix('@') {
            Some(file) => {
                std::fs::read_to_string(desk.path().join(file)).unwrap().trim_end().to_owned()
            }
            None => unquoted(value).replace("$TOKEN", token),
        };
        match name {
            "header" => {
                let (name, value) = value.split_once(": ").unwrap();
                line["headers"][name] = value.into();
            }
            "kids" => line["kids"] = json!([value]),
            name => line[name.replace('-', "_")] = value.into(),
        }
    }
    line
}

#[test]
fn every_family_is_judged_as_by_verify() {
    let desk = Desk::new();
    let (mut lines, mut expected) = (String::new(), Vec::new());
    for example in desk.examples() {
        let token = desk.issue(&example);
        let line = line(&desk, &example, &token);
        let mut late = line.clone();
        late["now"] = json!("2099-01-01T00:00:00Z");
        let id = &example.format;
        lines.push_str(&format!("{line}\n\n"));
        expected.push(json!({"id": id, "verdict": "accept", "reason": null, "step": null}));
        if example.is_endless() {
            continue;
        }
        lines.push_str(&format!("{late}\n"));
        expected.push(json!({
            "id": id, "verdict": "refuse", "reason": "token.expired", "step": "times",
        }));
    }
    let (ran, answers) = batch(&desk, &lines);
    assert_eq!(answers, expected);
    ran.expect_code(0);
    assert_eq!(ran.err, "");
}

#[test]
fn a_line_that_cannot_be_judged_leaves_the_others_alone() {
    let desk = Desk::new();
    let long = format!(r#"{{"id":3,"token":"{}"}}"#, "x".repeat(300_000));
    let nested = "[".repeat(100_000);
    let good = r#"{"id":9,"format":"akamai-access","key":"aa","token":"x","path":"/"}"#;
    let lines = [
        good,
        "{",
        "nonsense",
        &long,
        &nested,
        r#"{"id":5,"format":"none"}"#,
        r#"{"id":6,"format":"akamai-access","token":"x","path":"/"}"#,
        r#"{"id":7,"format":"akamai-access","key":"aa","token":"x","kye":"aa"}"#,
        "\u{0}",
        good,
    ];
    let (ran, answers) = batch(&desk, &lines.join("\n"));
    ran.expect_code(2);
    assert_eq!(ran.err, "");
    let verdicts: Vec<_> =
        answers.iter().map(|answer| answer["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts[1..9], ["error"; 8]);
    assert_eq!((verdicts[0], verdicts[9], verdicts.len()), ("refuse", "refuse", 10));
    assert_eq!(answers[6]["reason"], "`key` is missing");
    assert_eq!(answers[7]["reason"], "`kye` is not a member of this family's lines");
}

#[test]
fn an_answer_comes_before_the_next_line_is_sent() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["token", "verify", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for id in 0..3 {
        writeln!(stdin, r#"{{"id":{id},"format":"none"}}"#).unwrap();
        let mut answer = String::new();
        stdout.read_line(&mut answer).unwrap();
        assert!(answer.starts_with(&format!(r#"{{"id":{id},"#)), "{answer}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(2));
}
