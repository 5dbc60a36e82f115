//! How long a file, a function and a line may be.
//!
//! Files and functions are counted in lines with code: neither blank nor only a comment. The
//! test module at the foot of a file is counted by itself. Long lines are counted as they are.

use super::source::Source;
use super::tree::{Tree, is_test_file};
use super::{Finding, finding};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust().flat_map(|(path, text, source)| check_file(path, text, source)).collect()
}

fn check_file(path: &str, text: &str, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (outside, inside) = source.code_lines();
    for (what, lines) in [("", outside), (" of tests", inside)] {
        if lines > FILE_LINES {
            let text = format!("{lines} lines of code{what}, {FILE_LINES} are allowed");
            findings.push(finding(path, 0, "file-lines", text));
        }
    }
    for function in source.functions() {
        if function.code_lines > FUNCTION_LINES {
            let (name, lines) = (&function.name, function.code_lines);
            let text = format!("`{name}` has {lines} lines of code, {FUNCTION_LINES} are allowed");
            let mut finding = finding(path, function.line + 1, "function-lines", text);
            finding.item.clone_from(name);
            findings.push(finding);
        }
    }
    for (number, line) in text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > LINE_COLUMNS {
            let text = format!("{columns} columns, {LINE_COLUMNS} are allowed");
            findings.push(finding(path, number + 1, "line-columns", text));
        }
    }
    if !text.trim_start().starts_with("//!") {
        let text = "the file does not open with `//!` saying what it is and what it refuses to do";
        findings.push(finding(path, 1, "module-doc", text));
    }
    findings.extend(check_code(path, source));
    findings
}

/// What must not occur in code, whatever a crate allows itself.
fn check_code(path: &str, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in source.code.iter().enumerate() {
        let tested = is_test_file(path) || source.is_test(number);
        for (word, rule, why) in FORBIDDEN {
            if line.contains(word) && !(tested && rule == "unwrap") {
                findings.push(finding(path, number + 1, rule, why));
            }
        }
    }
    findings
}

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 70;
const LINE_COLUMNS: usize = 100;

const FORBIDDEN: [(&str, &str, &str); 5] = [
    (".unwrap()", "unwrap", "no `unwrap` outside tests; `expect` with why it cannot happen"),
    ("#[allow(", "allow", "lint overrides are `#[expect(..., reason = ...)]`"),
    ("#![allow(", "allow", "lint overrides are `#[expect(..., reason = ...)]`"),
    ("#[ignore", "ignored-test", "a test runs or is deleted"),
    (
        "#[should_panic",
        "should-panic",
        "assert the error, or today's behaviour and why it is wrong",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_rules(path: &str, text: &str, expected: &[(&str, usize)]) {
        let found = check(&Tree::made_up(&[(path, text)]));
        let rules: Vec<(&str, usize)> = found.iter().map(|f| (f.rule, f.line)).collect();
        assert_eq!(rules, expected);
    }

    #[test]
    fn a_file_of_600_lines_of_code_is_allowed_and_601_are_not() {
        let text = format!("//! A.\n{}", "const A: u8 = 1;\n\n// why\n".repeat(600));
        check_rules("a.rs", &text, &[]);
        check_rules("a.rs", &format!("{text}const B: u8 = 1;\n"), &[("file-lines", 0)]);
    }

    #[test]
    fn tests_at_the_foot_have_a_budget_of_their_own() {
        let code = "const A: u8 = 1;\n".repeat(500);
        let text = format!("//! A.\n{code}#[cfg(test)]\nmod tests {{\n{code}}}\n");
        check_rules("a.rs", &text, &[]);
        let more = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{code}{code}}}\n");
        check_rules("a.rs", &more, &[("file-lines", 0)]);
    }

    #[test]
    fn a_function_of_70_lines_is_allowed_and_71_are_not() {
        let body = "    x();\n".repeat(68);
        check_rules("a.rs", &format!("//! A.\nfn a() {{\n{body}}}\n"), &[]);
        let long = format!("//! A.\nfn a() {{\n    x();\n{body}}}\n");
        check_rules("a.rs", &long, &[("function-lines", 2)]);
    }

    #[test]
    fn a_line_of_100_columns_is_allowed_and_101_are_not() {
        check_rules("a.rs", &format!("//! {}\n", "é".repeat(96)), &[]);
        check_rules("a.rs", &format!("//! {}\n", "é".repeat(97)), &[("line-columns", 1)]);
    }

    #[test]
    fn a_file_opens_with_its_description() {
        check_rules("a.rs", "use std::fs;\n", &[("module-doc", 1)]);
        check_rules("a.rs", "/// A.\nstruct A;\n", &[("module-doc", 1)]);
    }

    #[test]
    fn unwrap_is_for_tests() {
        let code = "//! A.\nfn a() {\n    b().unwrap();\n}\n";
        check_rules("src/a.rs", code, &[("unwrap", 3)]);
        check_rules("crates/a/tests/it/main.rs", code, &[]);
        check_rules(
            "src/a.rs",
            "//! A.\n#[cfg(test)]\nmod t {\n    fn a() { b().unwrap() }\n}\n",
            &[],
        );
        check_rules("src/a.rs", "//! A.\nconst A: &str = \".unwrap()\"; // .unwrap()\n", &[]);
    }

    #[test]
    fn tests_that_do_not_run_or_want_a_panic_are_refused_everywhere() {
        let text = "//! A.\n#[ignore]\n#[should_panic(expected = \"x\")]\n#[allow(dead_code)]\n";
        let expected = [("ignored-test", 2), ("should-panic", 3), ("allow", 4)];
        check_rules("crates/a/tests/it/main.rs", text, &expected);
    }
}
