//! A folder with the keys the examples name, and the program run inside of it by a shell.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::Ran;

/// The moment every command is told.
pub(super) const NOW: &str = "1700000000";

/// The folder.
#[derive(Debug)]
pub(super) struct Desk {
    dir: TempDir,
}

/// What a family's help gives as an example.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) format: String,
    /// The arguments after `token issue FORMAT`.
    pub(super) issue: String,
    /// The arguments after `token verify FORMAT "$TOKEN"`.
    pub(super) verify: String,
}

impl Example {
    /// Whether the family's tokens name no end, which must be allowed for each.
    pub(super) fn is_endless(&self) -> bool {
        self.verify.contains("--danger-allow-no-end")
    }
}

impl Desk {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../portcullis-token/tests/it/keys");
        for file in fs::read_dir(keys).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
        }
        for (name, text) in TEXTS {
            fs::write(dir.path().join(name), text).unwrap();
        }
        Self { dir }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Runs a line of shell in which `portcullis` is the built program.
    pub(super) fn sh(&self, line: &str, token: &str, input: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_portcullis")).parent().unwrap();
        let mut child = Command::new("/bin/sh")
            .current_dir(self.path())
            .args(["-c", line])
            .env("PATH", program)
            .env("TOKEN", token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // The program may end without reading all of it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap().into()
    }

    /// What the help of every family gives.
    pub(super) fn examples(&self) -> Vec<Example> {
        let example = |format: &String| {
            let of = |verb: &str, after: &str| {
                let ran = self.sh(&format!("portcullis token {verb} {format} --help"), "", "");
                ran.expect_code(0);
                let (_, example) = ran.out.split_once("\nExample:\n").unwrap_or_else(|| {
                    panic!("the help of {verb} {format} has no example:\n{}", ran.out)
                });
                let words: Vec<&str> =
                    example.split_whitespace().filter(|word| *word != "\\").collect();
                let start = format!("portcullis token {verb} {format}{after} ");
                words.join(" ").strip_prefix(&start).unwrap().to_owned()
            };
            let (issue, verify) = (of("issue", ""), of("verify", " \"$TOKEN\""));
            Example { format: format.clone(), issue, verify }
        };
        self.formats().iter().map(|(name, _)| name).map(example).collect()
    }

    /// Every family, and what it says of itself.
    pub(super) fn formats(&self) -> Vec<(String, Value)> {
        let ran = self.sh("portcullis token formats --json", "", "");
        ran.expect_code(0);
        let formats: Value = serde_json::from_str(&ran.out).unwrap();
        let formats = formats.as_array().unwrap().iter();
        formats.map(|about| (about["name"].as_str().unwrap().to_owned(), about.clone())).collect()
    }

    /// Makes the token of an example.
    pub(super) fn issue(&self, example: &Example) -> String {
        let Example { format, issue, .. } = example;
        let ran = self.sh(&format!("portcullis token issue {format} {issue} --at {NOW}"), "", "");
        ran.expect_code(0);
        assert_eq!(ran.err, "", "{format}");
        assert_eq!(ran.out.lines().count(), 1, "{format}: a token is one line");
        ran.out.trim_end().to_owned()
    }

    /// Verifies a token as an example does, with more arguments.
    pub(super) fn verify(&self, example: &Example, token: &str, more: &str) -> Ran {
        let Example { format, verify, .. } = example;
        let line =
            format!("portcullis token verify {format} \"$TOKEN\" {verify} --at {NOW} {more}");
        self.sh(&line, token, "")
    }

    /// The arguments of `token explain` that give the keys and the request of an example.
    pub(super) fn explain_arguments(&self, example: &Example) -> String {
        let about = self.formats().into_iter().find(|(name, _)| *name == example.format);
        let keys = about.unwrap().1["keys"].clone();
        let names: Vec<String> = keys
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["name"].as_str().unwrap().replace('_', "-"))
            .collect();
        let mut arguments = String::new();
        for option in split_options(&example.verify) {
            let (name, value) = option.split_once([' ', '=']).unwrap_or((&option, "true"));
            arguments.push_str(&if names.iter().any(|key| key == name) {
                format!(" --key {name}={value}")
            } else {
                format!(" --{name} {value}")
            });
        }
        arguments.trim_start().to_owned()
    }
}

/// `name value` of each option.
pub(super) fn split_options(arguments: &str) -> Vec<String> {
    format!(" {arguments}").split(" --").skip(1).map(|option| option.trim().to_owned()).collect()
}

/// Keys that are no key files of the token crate's tests. Their texts are looked for in all
/// output, see `secrets`.
pub(super) const TEXTS: [(&str, &str); 6] = [
    ("access.key", "mQ4tYk7Zr1XwP9sLd3HbV6uNc8JfA2eG\n"),
    ("site.key", "T5yKq2WnE8vRz4MxC7jHp1LsF6aUd9Bg\n"),
    ("edge.key", "5d1f0c7e9a4b2e8836c7f1d4a0b9e2576f3c8a1d4e7b0c9f2a5d8e1b4c7f0a3d\n"),
    ("nginx.key", "$secure_link_expires$uri$remote_addr dHJ5IHRvIGd1ZXNz\n"),
    ("text.key", "correct horse battery staple 0123456789\n"),
    ("base64.key", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=\n"),
];
