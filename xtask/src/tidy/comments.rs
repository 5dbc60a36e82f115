//! The four comment tags, and no others.
//!
//! `INVARIANT:`, `SECURITY:`, `SPEC:` and `TODO(#n):`. Ordinary comments are free; this rule
//! only looks at words that other houses use as tags.

use super::tree::Tree;
use super::{Finding, finding};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, _, source) in tree.rust() {
        for (line, comment) in &source.comments {
            for (offset, text) in comment.lines().enumerate() {
                if let Some(wrong) = check_comment(text) {
                    findings.push(finding(path, line + offset + 1, "comment-tag", wrong));
                }
            }
        }
    }
    findings
}

fn check_comment(text: &str) -> Option<String> {
    for (place, _) in text.match_indices("TODO") {
        let rest = text.get(place + 4..).unwrap_or_default();
        if is_word(text, place, 4) && !names_an_issue(rest) {
            return Some("a TODO names its issue: `TODO(#12): what`".to_owned());
        }
    }
    let first: String = text.chars().take_while(char::is_ascii_uppercase).collect();
    let tagged = text.get(first.len()..).is_some_and(|rest| rest.starts_with([':', '(']));
    let tag = ANYWHERE
        .iter()
        .find(|tag| text.match_indices(**tag).any(|(place, _)| is_word(text, place, tag.len())))
        .or_else(|| AT_THE_START.iter().find(|tag| tagged && first == **tag));
    tag.map(|tag| format!("`{tag}` is not one of INVARIANT, SECURITY, SPEC and TODO(#n)"))
}

fn names_an_issue(rest: &str) -> bool {
    let number = rest.strip_prefix("(#").and_then(|rest| rest.split_once("):"));
    number.is_some_and(|(digits, _)| {
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

fn is_word(text: &str, place: usize, length: usize) -> bool {
    let before = text.get(..place).and_then(|text| text.chars().next_back());
    let after = text.get(place + length..).and_then(|text| text.chars().next());
    let joins = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '`';
    !before.is_some_and(joins) && !after.is_some_and(joins)
}

const ANYWHERE: [&str; 3] = ["FIXME", "HACK", "XXX"];
const AT_THE_START: [&str; 9] =
    ["BUG", "IMPORTANT", "NOTE", "PERF", "REVIEW", "SAFETY", "TEMP", "WARNING", "WIP"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(comment: &str, expected: usize) {
        let text = format!("//! A.\n// {comment}\n");
        assert_eq!(check(&Tree::made_up(&[("a.rs", &text)])).len(), expected, "{comment}");
    }

    #[test]
    fn the_four_tags_are_allowed() {
        check_text("INVARIANT: start < end", 0);
        check_text("SECURITY: compare in constant time", 0);
        check_text("SPEC: RFC 8216 §4.3.2.4", 0);
        check_text("TODO(#12): the other systems", 0);
    }

    #[test]
    fn a_todo_without_an_issue_is_refused() {
        for comment in ["TODO: later", "TODO(): x", "TODO(#): x", "TODO(me): x", "TODO(#1) x"] {
            check_text(comment, 1);
        }
    }

    #[test]
    fn the_tags_of_other_houses_are_refused() {
        check_text("FIXME later", 1);
        check_text("this is a HACK", 1);
        check_text("NOTE: careful", 1);
        check_text("SAFETY(me): fine", 1);
    }

    #[test]
    fn capitals_in_a_sentence_are_no_tag() {
        check_text("HLS: the playlist comes first", 0);
        check_text("A NOTE box is skipped", 0);
        check_text("keys like `XXX` or TODOS are words", 0);
    }

    #[test]
    fn a_string_is_no_comment() {
        assert_eq!(
            check(&Tree::made_up(&[("a.rs", "//! A.\nconst A: &str = \"// FIXME\";\n")])),
            []
        );
    }
}
