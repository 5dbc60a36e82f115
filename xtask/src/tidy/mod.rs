//! `cargo xtask tidy`: the repository checked against its own rules.
//!
//! Each rule is a function from a [`Tree`] to findings and is tested with violations planted
//! in a tree made up for the purpose. What clippy and rustc already hold is not repeated here
//! unless a crate could switch it off for itself. Exceptions are in
//! `xtask/tidy-exceptions.txt`, which may only shrink.

mod arrows;
mod budgets;
mod comments;
mod documents;
mod exceptions;
mod source;
mod tree;
mod words;

use std::process::ExitCode;

use anyhow::Result;

use self::tree::Tree;
use crate::ci::Tally;
use crate::process::say;
use crate::repo;

/// One violation of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, relative to the root.
    pub(crate) path: String,
    /// The line, counted from 1; 0 when the whole file is meant.
    pub(crate) line: usize,
    /// The rule's name, as used in the exceptions file.
    pub(crate) rule: &'static str,
    /// What an exception names to mean this finding: an item, or `-`.
    pub(crate) item: String,
    /// What is wrong.
    pub(crate) text: String,
}

const RULES: [fn(&Tree) -> Vec<Finding>; 6] = [
    arrows::check,
    budgets::check,
    comments::check,
    documents::check,
    documents::check_fuzz_targets,
    words::check,
];

/// Runs all rules over this repository and prints what they found.
///
/// # Errors
///
/// When the repository cannot be read.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    if let Some(argument) = arguments.first() {
        say(format!("error: `tidy` takes no arguments, but was given `{argument}`"));
        return Ok(ExitCode::from(2));
    }
    match step() {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => {
            say(format!("error: {error:#}"));
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The same as a step of the gate.
///
/// # Errors
///
/// When there is a finding.
pub(crate) fn step() -> Result<Tally> {
    let tree = Tree::read(repo::root())?;
    let findings = check(&tree);
    for finding in &findings {
        let Finding { path, line, rule, text, .. } = finding;
        let line = if *line == 0 { String::new() } else { format!(":{line}") };
        say(format!("{path}{line}: {rule}: {text}"));
    }
    anyhow::ensure!(findings.is_empty(), "{} findings", findings.len());
    say(format!("{} files follow the rules", tree.paths().count()));
    Ok(Tally::default())
}

fn check(tree: &Tree) -> Vec<Finding> {
    let found = RULES.iter().flat_map(|rule| rule(tree)).collect();
    let mut findings = exceptions::apply(tree, found);
    findings.sort();
    findings
}

fn finding(path: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Finding {
    Finding { path: path.to_owned(), line, rule, item: "-".to_owned(), text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_tree_has_no_findings() {
        let tree = Tree::made_up(&[("src/lib.rs", "//! Nothing.\n")]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn findings_of_all_rules_come_together_in_the_order_of_files() {
        let tree = Tree::made_up(&[("b.rs", "fn a() {}\n"), ("a.rs", "//! A.\n// FIXME\n")]);
        let found: Vec<_> = check(&tree).into_iter().map(|f| (f.path, f.rule)).collect();
        assert_eq!(found, [("a.rs".to_owned(), "comment-tag"), ("b.rs".to_owned(), "module-doc")]);
    }
}
