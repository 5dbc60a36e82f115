//! What the token commands print, for people and as JSON.
//!
//! SECURITY: texts come from tokens of anybody. None reaches a terminal with characters that
//! steer it or reverse the direction of writing.

use std::{fmt::Write as _, io::IsTerminal as _};

use portcullis_base::{
    Timestamp,
    json::{Object, Value},
};
use portcullis_token::{
    Check, Outcome,
    fault::{Fault, Refused},
    format::{Explanation, advice, calendar},
};

/// An object of members.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
}

/// A text, or `null`.
pub(super) fn maybe(text: Option<impl Into<String>>) -> Value {
    text.map_or(Value::Null, |text| Value::String(text.into()))
}

/// Rows in aligned columns, indented, with line breaks between them.
pub(super) fn table<const N: usize>(rows: &[[&str; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.map(clean)).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).filter(|width| *width <= COLUMN_MAX).max()
    };
    let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {cell:width$} ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// A text without what steers a terminal, and not endless.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (number, character) in text.chars().enumerate() {
        if number == TEXT_MAX {
            let _ = write!(out, "… ({} characters)", text.chars().count());
            break;
        }
        let steers = character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}');
        if steers { out.extend(character.escape_unicode()) } else { out.push(character) }
    }
    out
}

/// What a token says in words common to all families, a row for each.
pub(super) fn claims(claims: &Object) -> String {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for (name, value) in claims {
        rows.extend(leaves(name, value));
    }
    let rows: Vec<[&str; 3]> = rows.iter().map(|row| row.each_ref().map(|cell| &**cell)).collect();
    table(&rows)
}

/// The texts in a value, with their place and what is to be said of them. Values are at most
/// as deep as the strict JSON reader lets them be.
fn leaves(name: &str, value: &Value) -> Vec<[String; 3]> {
    match value {
        Value::Object(members) if !members.is_empty() => members
            .iter()
            .flat_map(|(member, value)| leaves(&format!("{name}.{member}"), value))
            .collect(),
        Value::Array(items) if items.iter().all(|item| item.as_str().is_some()) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            vec![[name.to_owned(), items.join(", "), String::new()]]
        }
        Value::String(text) => vec![[name.to_owned(), text.clone(), String::new()]],
        other => {
            let time = other.as_number().and_then(|number| number.as_u64());
            let time = time.filter(|_| TIMES.contains(&name)).map(Timestamp);
            let note = time.map(calendar).unwrap_or_default();
            vec![[name.to_owned(), other.to_string(), note]]
        }
    }
}

/// What to do about a fault, in terms of the options.
fn advise(fault: &Fault, now: Timestamp) -> Option<String> {
    let Fault::RequestLacks { what } = fault else { return advice(fault, now) };
    let option = match *what {
        "address" => "ip",
        "content" => "content",
        "country" | "region" => "country",
        "drm" => "drm",
        "headers" | "session" => "header",
        "kids" => "kids",
        "method" => "method",
        _ => "url",
    };
    Some(format!("say it with --{option}, or --for-{option} to convert"))
}

/// A refusal, for people.
pub(super) fn refusal(refused: &Refused, now: Timestamp) -> String {
    let (step, code) = (refused.step.as_str(), refused.fault.code());
    let mut text = format!("refused at {step}: {code}\n  {}", clean(&refused.fault.to_string()));
    if let Some(advice) = advise(&refused.fault, now) {
        let _ = write!(text, "\n  {advice}");
    }
    text
}

/// A refusal, as JSON.
pub(super) fn refusal_json(format: &str, refused: &Refused, now: Timestamp) -> Value {
    object([
        ("format", format.into()),
        ("verdict", "refuse".into()),
        ("step", refused.step.as_str().into()),
        ("reason", refused.fault.code().into()),
        ("detail", refused.fault.to_string().into()),
        ("advice", maybe(advise(&refused.fault, now))),
    ])
}

/// Fields and checks of a token, for people.
pub(super) fn explanation(explanation: &Explanation, now: Timestamp) -> String {
    let fields = explanation.fields.iter();
    let fields: Vec<[&str; 3]> = fields
        .map(|field| [&*field.name, &*field.value, field.note.as_deref().unwrap_or_default()])
        .collect();
    let marks = Marks::of_output();
    let mut checks: Vec<[String; 3]> = Vec::new();
    for check in &explanation.checks {
        checks.extend(rows_of(check, &marks, now));
    }
    let checks: Vec<[&str; 3]> =
        checks.iter().map(|row| row.each_ref().map(|cell| &**cell)).collect();
    let summary = summary(explanation);
    format!("fields\n{}\n\nchecks\n{}\n\n{summary}", table(&fields), table(&checks))
}

fn rows_of(check: &Check, marks: &Marks, now: Timestamp) -> Vec<[String; 3]> {
    let row = |mark: &str, text: String| [mark.to_owned(), check.step.as_str().to_owned(), text];
    match &check.outcome {
        Outcome::Passed(detail) => vec![row(marks.passed, detail.clone())],
        Outcome::Skipped(why) => vec![row(marks.skipped, (*why).to_owned())],
        Outcome::Failed(fault) => {
            let more = |text: String| [String::new(), String::new(), text];
            let mut rows = vec![row(marks.failed, format!("{}: {fault}", fault.code()))];
            rows.extend(advise(fault, now).map(more));
            rows
        }
    }
}

fn summary(explanation: &Explanation) -> String {
    if let Some((check, fault)) = explanation.fault() {
        return format!("would be refused at {}: {}", check.step.as_str(), fault.code());
    }
    let skipped = |check: &&Check| matches!(check.outcome, Outcome::Skipped(_));
    match explanation.checks.iter().filter(skipped).count() {
        0 => "every check passed".to_owned(),
        1 => "no check failed, 1 was not made".to_owned(),
        skipped => format!("no check failed, {skipped} were not made"),
    }
}

/// Fields and checks of a token, as JSON.
pub(super) fn explanation_json(explanation: &Explanation, now: Timestamp) -> [(&str, Value); 3] {
    let field = |field: &portcullis_token::format::Shown| {
        object([
            ("name", field.name.as_str().into()),
            ("value", field.value.as_str().into()),
            ("note", maybe(field.note.as_deref())),
        ])
    };
    let check = |check: &Check| {
        let (outcome, detail, fault) = match &check.outcome {
            Outcome::Failed(fault) => ("failed", fault.to_string(), Some(fault)),
            Outcome::Passed(detail) => ("passed", detail.clone(), None),
            Outcome::Skipped(why) => ("skipped", (*why).to_owned(), None),
        };
        object([
            ("step", check.step.as_str().into()),
            ("outcome", outcome.into()),
            ("detail", detail.into()),
            ("reason", maybe(fault.map(|fault| fault.code()))),
            ("advice", maybe(fault.and_then(|fault| advise(fault, now)))),
        ])
    };
    [
        ("fields", Value::Array(explanation.fields.iter().map(field).collect())),
        ("checks", Value::Array(explanation.checks.iter().map(check).collect())),
        ("claims", explanation.claims.clone().unwrap_or(Value::Null)),
    ]
}

/// How outcomes are marked: with signs on a terminal, with words elsewhere.
struct Marks {
    passed: &'static str,
    failed: &'static str,
    skipped: &'static str,
}

impl Marks {
    fn of_output() -> Self {
        if std::io::stdout().is_terminal() {
            Self { passed: "✓", failed: "✗", skipped: "–" }
        } else {
            Self { passed: "pass", failed: "FAIL", skipped: "skip" }
        }
    }
}

/// Characters shown of one text; `--json` has all of it.
const TEXT_MAX: usize = 1000;

/// Characters up to which a cell counts for the width of its column.
const COLUMN_MAX: usize = 48;

/// The claims that are moments.
const TIMES: [&str; 3] = ["end", "issued_at", "start"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected);
        check("plain ü 漢", "plain ü 漢");
        check("a\u{1b}[2Jb\nc", "a\\u{1b}[2Jb\\u{a}c");
        check("a\u{202e}b\u{2066}c\u{200f}", "a\\u{202e}b\\u{2066}c\\u{200f}");
        let long = "x".repeat(TEXT_MAX);
        check(&long, &long);
        check(&format!("{long}y"), &format!("{long}… (1001 characters)"));
    }

    #[test]
    fn columns_are_aligned_and_one_long_cell_moves_nobody_else() {
        let long = "v".repeat(COLUMN_MAX + 1);
        let rows = [["a", "1", "x"], ["bcd", "22", ""], ["e", &long, "y"]];
        let expected = format!("  a    1   x\n  bcd  22\n  e    {long}  y");
        assert_eq!(table(&rows), expected);
        assert_eq!(table::<2>(&[]), "");
    }
}
