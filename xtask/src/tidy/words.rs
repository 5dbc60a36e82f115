//! Words that do not belong in the repository.
//!
//! One spelling of `license`, because the wire formats have one and `grep` should find
//! everything; and no paths of the machine somebody works on. Lock files and foreign payloads
//! under `vectors/` are not ours and not looked at.

use super::tree::Tree;
use super::{Finding, finding};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        if is_foreign(path) {
            continue;
        }
        if path.to_lowercase().contains(SPELLING) {
            findings.push(finding(path, 0, "spelling", "the file's name: write `license`"));
        }
        for (number, line) in text.lines().enumerate() {
            if line.to_lowercase().contains(SPELLING) {
                findings.push(finding(path, number + 1, "spelling", "write `license`"));
            }
            if let Some(place) = machine_path(line) {
                let text = format!("`{place}` is a path of one machine");
                findings.push(finding(path, number + 1, "machine-path", text));
            }
        }
    }
    findings
}

fn is_foreign(path: &str) -> bool {
    path.starts_with("vectors/")
        || path.ends_with("Cargo.lock")
        || path.ends_with("package-lock.json")
}

/// A place as it starts an absolute path: not in the middle of a longer one.
fn machine_path(line: &str) -> Option<&'static str> {
    PLACES.into_iter().find(|place| {
        line.match_indices(place).any(|(at, _)| {
            let before = line.get(..at).and_then(|text| text.chars().next_back());
            !before.is_some_and(|letter| letter.is_alphanumeric() || "/._-{}<>*~".contains(letter))
        })
    })
}

/// The spelling we do not use, in two halves so that this file does not find itself.
const SPELLING: &str = concat!("licen", "ce");

const PLACES: [&str; 4] =
    [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_rules(path: &str, text: &str, expected: &[&str]) {
        let found = check(&Tree::made_up(&[(path, text)]));
        let rules: Vec<&str> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, expected);
    }

    #[test]
    fn one_spelling_is_used_in_code_and_documents() {
        let other = format!("The {SPELLING}e has a {}.\n", SPELLING.to_uppercase());
        check_rules("docs/a.md", "The licensee has a license.\n", &[]);
        check_rules("docs/a.md", &other, &["spelling"]);
        check_rules(&format!("docs/{SPELLING}.md"), "", &["spelling"]);
        check_rules("vectors/a/b.txt", &other, &[]);
    }

    #[test]
    fn a_path_of_one_machine_is_refused() {
        for place in PLACES {
            check_rules("a.md", &format!("see `{place}x`\n"), &["machine-path"]);
            check_rules("a.md", &format!("see https://example.com{place}x\n"), &[]);
        }
    }
}
