//! An example of every family's commands, for its help. A test runs them all.
//!
//! Files that are named hold keys; nothing in here is a secret of anybody.

/// The arguments of an example.
#[derive(Debug)]
pub(super) struct Example {
    /// The family.
    format: &'static str,
    /// After `token issue FORMAT`.
    pub(super) issue: &'static str,
    /// After `token verify FORMAT "$TOKEN"`.
    pub(super) verify: &'static str,
}

/// The example of a family.
pub(super) fn of(format: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.format == format)
}

/// A command, broken into lines that fit the screen and can be pasted as they are.
pub(super) fn shell(command: &str) -> String {
    let mut lines = vec![String::from("  ")];
    for (number, part) in command.split(" --").enumerate() {
        let part = if number == 0 { part.to_owned() } else { format!(" --{part}") };
        let last = lines.last_mut().map_or(0, |line| line.len());
        if last + part.len() > WIDTH {
            lines.push(String::from("     "));
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(&part);
        }
    }
    lines.join(" \\\n")
}

const WIDTH: usize = 90;

static EXAMPLES: &[Example] = &[];
