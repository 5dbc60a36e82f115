//! The samples in `docs/tokens.md` come out as they are printed there.
//!
//! The page is accepted by hand: when a sample is missing or differs, the test prints what
//! belongs there.

use std::{fmt::Write as _, fs, path::Path};

use super::{Desk, desk::NOW, families::region};

#[test]
fn every_family_is_explained_as_the_page_says() {
    let page = page();
    let desk = Desk::new();
    let mut changed = String::new();
    for example in desk.examples() {
        let mark = format!("explained: {}", example.format);
        let accepted = region(&page, &mark);
        // A token with a random part is not made twice: the one on the page stays.
        let line = accepted.and_then(|text| text.lines().next()?.strip_prefix("    $ "));
        let line = line.map_or_else(
            || {
                let (token, arguments) = (desk.issue(&example), desk.explain_arguments(&example));
                let arguments = arguments.replace("\"$TOKEN\"", &format!("'{token}'"));
                format!("portcullis token explain '{token}' {arguments} --at {NOW}")
            },
            str::to_owned,
        );
        let ran = desk.sh(&line, "", "");
        let mut sample = format!("    $ {line}\n");
        for line in ran.out.lines() {
            writeln!(sample, "{}", format!("    {line}").trim_end()).unwrap();
        }
        if accepted != Some(&sample) || ran.code != Some(0) {
            write!(changed, "<!-- {mark} -->\n{sample}<!-- end -->\n{}", ran.err).unwrap();
        }
    }
    assert!(changed.is_empty(), "docs/tokens.md should have\n{changed}");
}

/// The page.
pub(super) fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tokens.md");
    fs::read_to_string(page).unwrap()
}

#[test]
fn the_commands_of_the_readme_work() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("## Tokens\n").unwrap();
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let lines: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    let script = lines.join("\n");
    assert_eq!(script.matches("portcullis token ").count(), 2, "{script}");
    let ran = Desk::new().sh(&script, "", "");
    ran.expect_code(0);
    assert!(ran.out.contains("pass  signature"), "{}", ran.out);
}
