//! Every file under `vectors/` says what it expects and where it is from, and is run.
//!
//! The format is shared by all of them: header lines `name: value`, a blank line, the payload
//! verbatim. What the headers mean beyond `expect:` and `source:` is the runner's business;
//! so is whether the expectation holds.

use std::fs;

use anyhow::{Result, ensure};

use super::Tally;
use crate::process::say;
use crate::repo;

/// Checks the headers, and that a test of some crate names the folder.
pub(super) fn step() -> Result<Tally> {
    let root = repo::root();
    let files = repo::files(root)?;
    let mut runners = String::new();
    for path in files.iter().filter(|path| path.starts_with("crates/") && path.ends_with(".rs")) {
        let text = fs::read_to_string(root.join(path))?;
        if text.contains("vectors") {
            runners.push_str(&text);
        }
    }
    let mut findings = Vec::new();
    let mut count = 0;
    for path in files.iter().filter(|path| path.starts_with("vectors/")) {
        if path.ends_with("README.md") {
            continue;
        }
        count += 1;
        let bytes = fs::read(root.join(path))?;
        findings.extend(check(path, &bytes, &runners));
    }
    for finding in &findings {
        say(finding);
    }
    ensure!(count > 0, "there is no vector at all");
    ensure!(findings.is_empty(), "{} findings", findings.len());
    say(format!("{count} vectors say what they expect and where they are from"));
    Ok(Tally::default())
}

/// The header of a vector, and what follows the first blank line.
pub(super) fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let header = std::str::from_utf8(bytes.get(..end)?).ok()?;
    Some((header, bytes.get(end + 2..)?))
}

fn check(path: &str, bytes: &[u8], runners: &str) -> Vec<String> {
    let Some(format) = path.split('/').nth(1).filter(|_| path.matches('/').count() >= 2) else {
        return vec![format!("{path}: a vector is in the folder of its format")];
    };
    let mut findings = Vec::new();
    if !path.ends_with(".txt") {
        findings.push(format!("{path}: a vector is a .txt file"));
    }
    let Some((header, payload)) = split(bytes) else {
        return vec![format!("{path}: there is no header, blank line and payload")];
    };
    for line in header.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split_once(':').map(|(name, _)| name).unwrap_or_default();
        let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || !name.bytes().all(known) {
            findings.push(format!("{path}: `{line}` is no header line (`name: value`)"));
        }
    }
    for wanted in ["expect:", "source:"] {
        let value = header.lines().find_map(|line| line.strip_prefix(wanted));
        if value.is_none_or(|value| value.trim().is_empty()) {
            findings.push(format!("{path}: the header `{wanted}` is missing"));
        }
    }
    if payload.is_empty() {
        findings.push(format!("{path}: the payload is empty"));
    }
    let named = [format!("vectors/{format}"), format!("\"{format}\""), format!("\"{format}/")];
    if !named.iter().any(|name| runners.contains(name)) {
        findings.push(format!("{path}: no test names the folder `{format}`"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "expect: ok\nnow: 7\nsource: RFC 7515 A.1\n\npayload\n";

    #[track_caller]
    fn check_vector(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(check(path, text.as_bytes(), "run(\"jwt\")"), expected);
    }

    #[test]
    fn a_vector_has_its_headers_a_payload_and_a_runner() {
        check_vector("vectors/jwt/a.txt", GOOD, &[]);
        check_vector(
            "vectors/jws/a.txt",
            GOOD,
            &["vectors/jws/a.txt: no test names the folder `jws`"],
        );
    }

    #[test]
    fn a_missing_header_is_named() {
        check_vector(
            "vectors/jwt/a.txt",
            "source: \n\nx",
            &[
                "vectors/jwt/a.txt: the header `expect:` is missing",
                "vectors/jwt/a.txt: the header `source:` is missing",
            ],
        );
        check_vector(
            "vectors/jwt/a.txt",
            "expect: ok",
            &["vectors/jwt/a.txt: there is no header, blank line and payload"],
        );
        check_vector(
            "vectors/jwt/a.txt",
            "expect: ok\nsource: us\nwhat is this\n\nx",
            &["vectors/jwt/a.txt: `what is this` is no header line (`name: value`)"],
        );
    }

    #[test]
    fn a_vector_without_a_format_or_a_payload_is_refused() {
        check_vector(
            "vectors/a.txt",
            GOOD,
            &["vectors/a.txt: a vector is in the folder of its format"],
        );
        check_vector(
            "vectors/jwt/a.txt",
            "expect: ok\nsource: us\n\n",
            &["vectors/jwt/a.txt: the payload is empty"],
        );
    }
}
