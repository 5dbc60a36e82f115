//! Documents and lists that must keep up with the code.
//!
//! Every reason has a line in `docs/reasons.md` and a cell in the matrix, every crate is in
//! `ARCHITECTURE.md`, every fuzz target is in `fuzz/Cargo.toml`. That a reason has an HTTP
//! status is held by the compiler (an exhaustive match), and that every configuration key is
//! in the reference by a test of the server.

use std::collections::BTreeSet;

use super::tree::Tree;
use super::{Finding, finding};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = check_reasons(tree);
    let map = tree.text(MAP);
    let crates: BTreeSet<&str> = tree
        .paths()
        .filter_map(|path| path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"))
        .collect();
    for name in crates {
        if !map.unwrap_or_default().contains(&format!("`{name}`")) {
            let text = format!("the crate `{name}` is not described (as `` `{name}` ``)");
            findings.push(finding(MAP, 0, "architecture", text));
        }
    }
    findings
}

fn check_reasons(tree: &Tree) -> Vec<Finding> {
    let Some(source) = tree.source(REASONS) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut codes = BTreeSet::new();
    for (line, text) in &source.strings {
        if !source.is_test(*line) && is_code(text) {
            codes.insert(text.as_str());
        }
    }
    if codes.is_empty() {
        findings.push(finding(REASONS, 0, "reasons", "no reason code was found in this file"));
    }
    let document = tree.text(REASON_LINES).unwrap_or_default();
    let matrix = tree.text(MATRIX).unwrap_or_default();
    for code in codes {
        if !document.contains(&format!("`{code}`")) {
            findings.push(finding(REASON_LINES, 0, "reasons", format!("`{code}` is missing")));
        }
        if !matrix.split([' ', '|', '\t', '\n', ',']).any(|cell| cell == code) {
            findings.push(finding(MATRIX, 0, "reasons", format!("`{code}` occurs in no cell")));
        }
    }
    findings
}

/// `token.expired`, `window.not_open`: two or more lower-case words joined by dots.
fn is_code(text: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    text.contains('.') && text.split('.').all(word)
}

/// Files under `fuzz/fuzz_targets` against the targets in `fuzz/Cargo.toml`.
pub(super) fn check_fuzz_targets(tree: &Tree) -> Vec<Finding> {
    let Some(manifest) = tree.text(FUZZ) else { return Vec::new() };
    let parsed = manifest.parse::<toml::Table>().unwrap_or_default();
    let listed: BTreeSet<&str> = parsed
        .get("bin")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|target| target.get("path")?.as_str())
        .collect();
    let present: BTreeSet<&str> = tree
        .paths()
        .filter_map(|path| path.strip_prefix("fuzz/"))
        .filter(|path| path.starts_with("fuzz_targets/") && path.ends_with(".rs"))
        .collect();
    listed
        .symmetric_difference(&present)
        .map(|path| {
            finding(FUZZ, 0, "fuzz-target", format!("`{path}` is listed or present, not both"))
        })
        .collect()
}

const FUZZ: &str = "fuzz/Cargo.toml";
const MAP: &str = "ARCHITECTURE.md";
const MATRIX: &str = "crates/portcullis-policy/tests/it/matrix.txt";
const REASONS: &str = "crates/portcullis-policy/src/reason.rs";
const REASON_LINES: &str = "docs/reasons.md";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_tree(files: &[(&str, &str)], expected: &[&str]) {
        let tree = Tree::made_up(files);
        let found: Vec<Finding> =
            check(&tree).into_iter().chain(check_fuzz_targets(&tree)).collect();
        let texts: Vec<&str> = found.iter().map(|finding| finding.text.as_str()).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_reason_needs_its_line_and_its_cell() {
        let reasons =
            (REASONS, "//! A.\nconst A: &str = \"token.expired\";\nconst B: &str = \"x\";\n");
        let lines = (REASON_LINES, "| `token.expired` | the token is over |\n");
        let matrix = (MATRIX, "holder  token.expired\n");
        check_tree(&[reasons, lines, matrix], &[]);
        check_tree(&[reasons, matrix], &["`token.expired` is missing"]);
        let other = (MATRIX, "holder  token.expired_early\n");
        check_tree(&[reasons, lines, other], &["`token.expired` occurs in no cell"]);
    }

    #[test]
    fn a_file_of_reasons_without_a_code_is_suspicious() {
        check_tree(&[(REASONS, "//! A.\n")], &["no reason code was found in this file"]);
    }

    #[test]
    fn a_crate_is_on_the_map() {
        let manifest = ("crates/portcullis-base/Cargo.toml", "");
        check_tree(&[manifest, (MAP, "`portcullis-base` is")], &[]);
        check_tree(
            &[manifest],
            &["the crate `portcullis-base` is not described (as `` `portcullis-base` ``)"],
        );
    }

    #[test]
    fn a_fuzz_target_is_listed_and_a_listed_one_is_there() {
        let manifest = (FUZZ, "[[bin]]\npath = \"fuzz_targets/jwt.rs\"\n");
        let target = ("fuzz/fuzz_targets/jwt.rs", "//! A.\n");
        check_tree(&[manifest, target], &[]);
        let wrong = "`fuzz_targets/jwt.rs` is listed or present, not both";
        check_tree(&[manifest], &[wrong]);
        check_tree(&[(FUZZ, ""), target], &[wrong]);
    }
}
