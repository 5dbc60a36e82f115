//! `portcullis token issue`: makes a token. Prints the token and nothing else, so that it can
//! stand in `$(…)`.

use std::{io::IsTerminal as _, process::ExitCode};

use clap::{ArgMatches, Command};
use portcullis_base::json::Value;
use portcullis_server::SystemRng;
use portcullis_token::format::{Issued, Need, Request, find};

use super::{
    examples,
    options::{self, FIELDS, KEYS, Stdin},
    show,
};
use crate::report::{self, Done};

pub(super) fn command() -> Command {
    Command::new("issue")
        .about("Make a token")
        .long_about(format!(
            "Make a token and print it. With `--json` also how it can travel, and what it says \
             in words common to all families.\n\n{}",
            options::TYPING
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_help_heading("Families")
        .subcommand_value_name("FAMILY")
        .subcommands(options::families(fill))
}

fn fill(command: Command) -> Command {
    let Some(about) = find(command.get_name()).map(|format| format.about()) else {
        return command;
    };
    let required = |need| matches!(need, Need::Required | Need::ToIssue);
    let all = [about.keys, about.says].concat();
    let usage = options::usage_of(&format!("issue {}", about.name), &all, required);
    let command = command.override_usage(usage);
    let command = options::params(command, about.keys, "", KEYS, required);
    let command = options::params(command, about.says, "", FIELDS, required);
    let example = examples::of(about.name)
        .map(|example| format!("portcullis token issue {} {}", about.name, example.issue));
    options::teach(options::common(command), about, &example.unwrap_or_default())
}

pub(super) fn run(matches: &ArgMatches) -> Done {
    let Some((name, matches)) = matches.subcommand() else { return Ok(ExitCode::from(2)) };
    let format = options::family(name)?;
    let (about, mut stdin) = (format.about(), Stdin::default());
    let keys = options::given(matches, about.keys, "", KEYS, &mut stdin)?;
    let given = options::given(matches, about.says, "", FIELDS, &mut stdin)?.with(&keys);
    let now = options::moment(matches)?;
    let issued =
        format.issue(&given, now, &SystemRng).map_err(|fault| options::usage(&fault, ""))?;
    if matches.get_flag("json") {
        let said = format.explain(&keys, &issued.token, &Request::default(), now);
        let claims = said.ok().and_then(|explanation| explanation.claims);
        report::data(show::object([
            ("format", about.name.into()),
            ("token", issued.token.as_str().into()),
            ("carriage", carriage(&issued)),
            ("claims", claims.unwrap_or(Value::Null)),
        ]));
    } else {
        report::data(&issued.token);
        if std::io::stdout().is_terminal() {
            let rows: Vec<_> = issued.carriage.iter().map(|(way, text)| [*way, text]).collect();
            report::talk(format_args!("\nready to paste:\n{}", show::table(&rows)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How a token can travel, as JSON.
pub(super) fn carriage(issued: &Issued) -> Value {
    let ways = issued
        .carriage
        .iter()
        .map(|(way, text)| show::object([("way", (*way).into()), ("text", text.as_str().into())]));
    Value::Array(ways.collect())
}
