//! `portcullis token convert`: says with another family's token what a verified one says.
//!
//! Nothing is converted that was not verified, and nothing is lost in silence.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use portcullis_base::json::Value;
use portcullis_server::SystemRng;
use portcullis_token::format::{Converted, FORMATS, GivenFault, Loss, Need, convert, find};

use super::{
    issue,
    options::{self, FIELDS, KEYS, Stdin},
    show, verify,
};
use crate::report::{self, Done, Stop};

pub(super) fn command() -> Command {
    Command::new("convert")
        .about("Re-issue a verified token in another family, and list what is lost")
        .long_about(format!(
            "Verify a token, make one of another family that says the same, verify that one, \
             and list what it does not say. The new token goes to standard output, the losses \
             to standard error. Exit codes: 0 done, 1 refused, not possible, or (with \
             `--strict`) something is lost, 2 something is missing.\n\n{}",
            options::TYPING
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_help_heading("From")
        .subcommand_value_name("FROM")
        .subcommands(options::families(fill_from))
}

fn fill_from(command: Command) -> Command {
    let from = command.get_name().to_owned();
    let targets = FORMATS.iter().map(|format| fill_to(&from, format.about().name));
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_help_heading("To")
        .subcommand_value_name("TO")
        .subcommands(targets)
}

fn fill_to(from: &str, to: &'static str) -> Command {
    let command = Command::new(to);
    let (Some(from), Some(to)) = (find(from), find(to)) else { return command };
    let (from, to) = (from.about(), to.about());
    let always = |need| matches!(need, Need::Required | Need::ToVerify);
    let both = |need| matches!(need, Need::Required | Need::ToIssue | Need::ToVerify);
    let command = command.about(to.title).arg(options::token());
    let command = options::params(command, from.keys, FROM, "Keys and settings it has", always);
    let command = options::params(command, to.keys, "", KEYS, both);
    let command = options::params(command, to.says, "", FIELDS, |_| false);
    let command = options::common(options::request_args(command, FOR));
    command.arg(
        Arg::new("strict")
            .long("strict")
            .action(ArgAction::SetTrue)
            .help("Print no token if anything is lost, and exit with 1"),
    )
}

pub(super) fn run(matches: &ArgMatches) -> Done {
    let Some((from, matches)) = matches.subcommand() else { return Ok(ExitCode::from(2)) };
    let Some((to, matches)) = matches.subcommand() else { return Ok(ExitCode::from(2)) };
    let (from, to) = (options::family(from)?, options::family(to)?);
    let mut stdin = Stdin::default();
    let source_keys = options::given(matches, from.about().keys, FROM, KEYS, &mut stdin)?;
    let keys = options::given(matches, to.about().keys, "", KEYS, &mut stdin)?;
    let given = options::given(matches, to.about().says, "", FIELDS, &mut stdin)?.with(&keys);
    let request = options::request(matches, FOR)?;
    let now = options::moment(matches)?;
    let token = options::typed_token(matches, &mut stdin)?;
    if token.is_none() && request.is_unsaid() {
        return Err(verify::nothing_typed());
    }
    let verdict = match verify::presented(from, token, &source_keys, &request) {
        Ok(token) => from.verify(&source_keys, &token, &request, now),
        Err(refused) => Ok(Err(refused)),
    };
    let json = matches.get_flag("json");
    let verified = match verdict.map_err(|fault| options::usage(&fault, FROM))? {
        Ok(verified) => verified,
        Err(refused) => {
            if json {
                report::data(show::refusal_json(from.about().name, &refused, now));
            } else {
                report::talk(show::refusal(&refused, now));
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let converted = convert(&verified, to, &given, &request, now, &SystemRng);
    let converted = converted.map_err(|fault| match fault {
        GivenFault::Denied(why) => {
            Stop::with_code(1, format_args!("{} cannot say this: {why}", to.about().name))
        }
        other => options::usage(&other, ""),
    })?;
    let claims = Value::Object(verified.claims().to_json());
    Ok(print(from.about().name, to.about().name, &converted, claims, matches))
}

fn print(
    from: &str,
    to: &str,
    converted: &Converted,
    claims: Value,
    matches: &ArgMatches,
) -> ExitCode {
    let withheld = matches.get_flag("strict") && !converted.losses.is_empty();
    if matches.get_flag("json") {
        let (token, carriage) = if withheld {
            (Value::Null, Value::Null)
        } else {
            (converted.issued.token.as_str().into(), issue::carriage(&converted.issued))
        };
        report::data(show::object([
            ("from", from.into()),
            ("to", to.into()),
            ("token", token),
            ("carriage", carriage),
            ("claims", claims),
            ("losses", Value::Array(converted.losses.iter().map(loss).collect())),
        ]));
    } else {
        if !converted.losses.is_empty() {
            let rows = converted.losses.iter().map(|loss| {
                let before = loss.before.as_deref().unwrap_or("(silent)");
                [&*loss.what, before, "->", loss.after.as_deref().unwrap_or("(silent)")]
            });
            let rows = show::table(&rows.collect::<Vec<_>>());
            report::talk(format_args!("the new token does not say the same:\n{rows}"));
        }
        if !withheld {
            report::data(&converted.issued.token);
        }
    }
    if withheld { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn loss(loss: &Loss) -> Value {
    show::object([
        ("what", loss.what.as_str().into()),
        ("before", show::maybe(loss.before.as_deref())),
        ("after", show::maybe(loss.after.as_deref())),
    ])
}

/// Before the names of the keys the token was made with.
const FROM: &str = "from-";

/// Before the options of the request the token is verified for.
const FOR: &str = "for-";
