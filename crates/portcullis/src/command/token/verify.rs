//! `portcullis token verify`: would this token be accepted for this request?

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use portcullis_base::json::Value;
use portcullis_token::{
    fault::{Fault, Refused, Step},
    format::{Format, Given, Need, Request, Verdict, find},
};

use super::{
    batch, examples,
    options::{self, KEYS, Stdin},
    show,
};
use crate::report::{self, Done, Stop};

pub(super) fn command() -> Command {
    let batch = Arg::new("batch")
        .long("batch")
        .action(ArgAction::SetTrue)
        .help("Judge JSON lines from standard input, one answer each, in order");
    Command::new("verify")
        .about("Say whether a token is good for a request, and what it says")
        .long_about(format!(
            "Say whether a token is good for a request, and what it says. Exit codes: 0 \
             accepted, 1 refused, 2 it cannot be said because something is missing.\n\n{}",
            options::TYPING
        ))
        .after_long_help(batch::HELP)
        .arg(batch)
        .arg(options::at().requires("batch"))
        .args_conflicts_with_subcommands(true)
        .arg_required_else_help(true)
        .subcommand_help_heading("Families")
        .subcommand_value_name("FAMILY")
        .subcommands(options::families(fill))
}

fn fill(command: Command) -> Command {
    let Some(about) = find(command.get_name()).map(|format| format.about()) else {
        return command;
    };
    let token = options::token().long_help(
        "The token, or `-` to read it from standard input. Left out, it is taken from the \
         request: the URL or a header",
    );
    let required = |need| matches!(need, Need::Required | Need::ToVerify);
    let start = format!("verify {} [TOKEN]", about.name);
    let command = command.override_usage(options::usage_of(&start, about.keys, required));
    let command = options::params(command.arg(token), about.keys, "", KEYS, required);
    let command = options::request_args(command, "");
    let example = examples::of(about.name).map(|example| {
        format!("portcullis token verify {} \"$TOKEN\" {}", about.name, example.verify)
    });
    options::teach(options::common(command), about, &example.unwrap_or_default())
}

pub(super) fn run(matches: &ArgMatches) -> Done {
    let Some((name, family)) = matches.subcommand() else {
        return batch::run(options::moment(matches)?);
    };
    let (matches, format) = (family, options::family(name)?);
    let mut stdin = Stdin::default();
    let given = options::given(matches, format.about().keys, "", KEYS, &mut stdin)?;
    let request = options::request(matches, "")?;
    let now = options::moment(matches)?;
    let token = options::typed_token(matches, &mut stdin)?;
    let verdict = match presented(format, token, &given, &request) {
        Ok(token) => format.verify(&given, &token, &request, now),
        Err(refused) => Ok(Err(refused)),
    };
    let verdict: Verdict = verdict.map_err(|fault| options::usage(&fault, ""))?;
    let json = matches.get_flag("json");
    match verdict {
        Ok(verified) => {
            let claims = verified.claims().to_json();
            if json {
                report::data(show::object([
                    ("format", name.into()),
                    ("verdict", "accept".into()),
                    ("claims", Value::Object(claims)),
                ]));
            } else {
                report::data(format_args!("accepted\n{}", show::claims(&claims)));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => {
            if json {
                report::data(show::refusal_json(name, &refused, now));
            } else {
                report::data(show::refusal(&refused, now));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The token that was typed, or the one the request carries.
pub(super) fn presented(
    format: &dyn Format,
    token: Option<String>,
    given: &Given,
    request: &Request,
) -> Result<String, Refused> {
    match token {
        Some(token) => Ok(token),
        None => format.find_in(given, request)?.ok_or(Fault::Absent.at(Step::Presence)),
    }
}

/// A token that neither stands on the command line nor could stand in a request.
pub(super) fn nothing_typed() -> Stop {
    Stop::usage("there is no token: give one, or the URL or header that carries it")
}
