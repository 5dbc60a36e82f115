//! The page for operators and the program list the same reasons.

use portcullis_policy::Reason;

const PAGE: &str = include_str!("../../../../docs/reasons.md");

#[test]
fn the_page_explains_every_reason_as_the_program_does() {
    for reason in Reason::ALL {
        let row = format!("| `{reason}` | {} | {} | ", reason.kind(), reason.meaning());
        let found = PAGE.lines().filter(|line| line.starts_with(&row)).count();
        assert_eq!(found, 1, "docs/reasons.md needs one line beginning with: {row}");
    }
}

#[test]
fn the_page_explains_nothing_else() {
    let codes = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let codes = codes.map(|(code, _)| code).filter(|code| !code.contains(':'));
    for code in codes {
        assert!(code.parse::<Reason>().is_ok(), "`{code}` is not a reason");
    }
}
