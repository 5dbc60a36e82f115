//! `portcullis token explain`: what is this, what does it say, and why is it refused?
//!
//! Any supported token is recognised, also inside a URL, a header or a cookie. Nothing is
//! looked up anywhere and nothing is kept.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, Command};
use portcullis_base::{Timestamp, json::Value};
use portcullis_token::{
    fault::Refused,
    format::{FORMATS, Format, Given, Request, Sighting, Sightings, calendar, sight, sight_in},
};

use super::{
    options::{self, Stdin},
    show, verify,
};
use crate::report::{self, Done, Stop};

pub(super) fn command() -> Command {
    let names = FORMATS.iter().map(|format| format.about().name);
    let family = Arg::new("as")
        .long("as")
        .value_name("FAMILY")
        .value_parser(names.collect::<Vec<_>>())
        .hide_possible_values(true)
        .help("Read it as this family's; `token formats` lists them");
    let key =
        Arg::new("key").long("key").value_name("NAME=KEY").action(ArgAction::Append).help(
            "A key or setting of the family, or NAME=@FILE; without one no signature is checked",
        );
    let token = options::token().help(
        "The token, or a URL, header or cookie with it; `-` reads it from standard input, which \
         keeps it out of the shell's history",
    );
    let command = Command::new("explain")
        .about("Say what a token is, what it says, and why it is or is not accepted")
        .long_about(
            "Say what a token is, what it says, and why it is or is not accepted, check by \
             check. Nothing needs to be known of it: it may be pasted as it is, as a whole URL, \
             as a header (`Cookie: …`, `Authorization: Bearer …`), or percent-encoded once. \
             With keys the signature is checked, with a request whether it is covered.\n\n\
             Exit codes: 0 no check failed, 1 one did, 2 it is no token that is known.",
        )
        .after_long_help("Example:\n  portcullis token explain - --key key=@edge.key < token.txt")
        .arg_required_else_help(true)
        .args([token, family, key]);
    options::common(options::request_args(command, ""))
}

pub(super) fn run(matches: &ArgMatches) -> Done {
    let mut stdin = Stdin::default();
    let given = keys(matches, &mut stdin)?;
    let typed = options::request(matches, "")?;
    let now = options::moment(matches)?;
    let forced = match matches.get_one::<String>("as") {
        Some(name) => vec![options::family(name)?],
        None => Vec::new(),
    };
    let text = options::typed_token(matches, &mut stdin)?;
    let sightings = match (&text, forced.as_slice()) {
        (None, _) if typed.is_unsaid() => return Err(verify::nothing_typed()),
        (None, among) => sight_in(&typed, &given, among),
        (Some(text), among) => sight(text, &given, among),
    };
    let sightings = with_forced(sightings, text, forced.first().copied());
    let found = knowing(&sightings, &given)?;
    let json = matches.get_flag("json");
    let Some(first) = found.first() else {
        return not_found(&sightings, json, now);
    };
    let request = joined(&first.request, &typed);
    let explained = first.format.explain(&given, &first.token, &request, now);
    let explanation = explained.map_err(|fault| options::usage(&fault, "key "))?;
    let others = others(&found);
    let about = first.format.about();
    if json {
        let others = others.iter().map(|(name, place)| {
            show::object([("format", (*name).into()), ("place", (*place).into())])
        });
        let mut members = vec![
            ("format", about.name.into()),
            ("title", about.title.into()),
            ("place", first.place.into()),
            ("percent_decoded", sightings.decoded.into()),
            ("candidates", Value::Array(others.collect())),
            ("at", now.0.into()),
        ];
        members.extend(show::explanation_json(&explanation, now));
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        report::data(Value::Object(members.collect()));
    } else {
        report::data(format_args!("{}: {}", about.name, about.title));
        report::data(format_args!("found: {}{}", first.place, decoding(&sightings)));
        for (name, place) in others {
            report::data(format_args!("also there: {name} in {place}; see it with --as {name}"));
        }
        report::data(format_args!("judged at: {now}, {}", calendar(now)));
        report::data(format_args!("\n{}", show::explanation(&explanation, now)));
    }
    Ok(if explanation.fault().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The other candidates, and where each is.
fn others(found: &[&Sighting]) -> Vec<(&'static str, &'static str)> {
    found.iter().skip(1).map(|other| (other.format.about().name, other.place)).collect()
}

const fn decoding(sightings: &Sightings) -> &'static str {
    if sightings.decoded { ", percent-decoded once: send it decoded" } else { "" }
}

/// `--key NAME=VALUE`, each of which some family must know.
fn keys(matches: &ArgMatches, stdin: &mut Stdin) -> Result<Given, Stop> {
    let mut given = Given::new();
    for text in matches.get_many::<String>("key").into_iter().flatten() {
        let (name, text) = text
            .split_once('=')
            .ok_or_else(|| Stop::usage("--key: write NAME=KEY or NAME=@FILE"))?;
        let name = name.replace('-', "_");
        match text.strip_prefix('@') {
            Some(file) => given.add(&name, options::read("--key", file, stdin)?),
            None => given.add(&name, text),
        }
    }
    Ok(given)
}

/// A text is what it was said to be, also when it does not look like it.
fn with_forced(
    mut sightings: Sightings,
    text: Option<String>,
    forced: Option<&'static dyn Format>,
) -> Sightings {
    if let (true, Some(token), Some(format)) = (sightings.is_empty(), text, forced) {
        let place = "as it was said to be";
        let request = Request::default();
        sightings.found.push(Sighting { format, token, place, request });
    }
    sightings
}

/// The tokens of families that know every key that was given.
fn knowing<'a>(sightings: &'a Sightings, given: &Given) -> Result<Vec<&'a Sighting>, Stop> {
    let knows = |sighting: &&Sighting| {
        let keys = sighting.format.about().keys;
        given.names().all(|name| keys.iter().any(|key| key.name == name))
    };
    let knowing: Vec<&Sighting> = sightings.found.iter().filter(knows).collect();
    match sightings.found.first() {
        Some(first) if knowing.is_empty() => {
            let keys = first.format.about().keys.iter();
            let keys: Vec<&str> = keys.map(|key| key.name).collect();
            Err(Stop::usage(format_args!(
                "--key: this is {}, whose keys and settings are called {}",
                first.format.about().name,
                keys.join(", ")
            )))
        }
        _ => Ok(knowing),
    }
}

fn not_found(sightings: &Sightings, json: bool, now: Timestamp) -> Done {
    let Some((format, refused)) = sightings.refused.first() else {
        return Err(Stop::usage(
            "this is no token that is known here; `token formats` lists the families, and \
             `--as FAMILY` reads it as one of them",
        ));
    };
    let (name, refused): (&str, &Refused) = (format.about().name, refused);
    if json {
        report::data(show::refusal_json(name, refused, now));
    } else {
        report::data(format_args!("{name}: {}", show::refusal(refused, now)));
    }
    Ok(ExitCode::FAILURE)
}

/// What the pasted text says of the request, with what was typed in its place.
fn joined(pasted: &Request, typed: &Request) -> Request {
    let mut request = typed.clone();
    if typed.path.is_none() {
        request.origin.clone_from(&pasted.origin);
        request.path.clone_from(&pasted.path);
        request.query.clone_from(&pasted.query);
    }
    request.headers.extend(pasted.headers.iter().cloned());
    request
}
