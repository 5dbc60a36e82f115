//! Options made from what each family says of itself, and what was typed read back.
//!
//! A text is read from where it says and handed on; whether it makes sense is the family's
//! to say. Nothing here repeats a text that may be a secret.

use std::{
    fs::File,
    io::{self, Read},
    net::IpAddr,
};

use clap::{Arg, ArgAction, ArgMatches, Command};
use portcullis_base::{Clock as _, KeyId, Timestamp, canonical_address};
use portcullis_server::SystemClock;
use portcullis_token::{
    claims::TokenSystem,
    format::{About, FORMATS, Format, Given, GivenFault, Need, Param, ParamKind, Request, find},
};

use super::examples;
use crate::report::Stop;

/// One command per family; its options are made by `fill` when it is chosen.
pub(super) fn families(fill: fn(Command) -> Command) -> impl Iterator<Item = Command> {
    FORMATS.iter().map(move |format| {
        let about = format.about();
        Command::new(about.name).about(about.title).defer(fill)
    })
}

/// The family a command is for.
pub(super) fn family(name: &str) -> Result<&'static dyn Format, Stop> {
    let unknown = || Stop::usage(format_args!("`{name}` is no family; see `token formats`"));
    find(name).ok_or_else(unknown)
}

/// How a family's command is used: with every option it needs, on lines that fit the screen.
pub(super) fn usage_of(start: &str, params: &[Param], required: impl Fn(Need) -> bool) -> String {
    let mut text = format!("portcullis token {start} [OPTIONS]");
    for param in params.iter().filter(|param| required(param.need)) {
        text.push_str(&format!(" --{} <{}>", option("", param.name), value_name(param.kind)));
    }
    examples::lines(&text).join("\n          ")
}

/// What a family's help says besides its options.
pub(super) fn teach(command: Command, about: &About, example: &str) -> Command {
    let mut text = format!("The token: {}.\n\nDescribed in: {}.", about.token, about.source);
    if !about.weaknesses.is_empty() {
        text.push_str("\n\nKnown weaknesses, and what is done about them:");
        for weakness in about.weaknesses {
            text.push_str(&format!("\n- {weakness}"));
        }
    }
    if !example.is_empty() {
        text.push_str(&format!("\n\nExample:\n{}", examples::shell(example)));
    }
    command.after_long_help(text)
}

/// Adds an option for each of `params`, with `prefix` before its name.
pub(super) fn params(
    command: Command,
    params: &'static [Param],
    prefix: &str,
    heading: &'static str,
    required: impl Fn(Need) -> bool,
) -> Command {
    let command = command.next_help_heading(heading);
    command.args(params.iter().map(|param| {
        let name = option(prefix, param.name);
        let file = if param.kind == ParamKind::Secret { " [or @FILE]" } else { "" };
        let help = format!("{}{file}", param.help);
        let arg = Arg::new(name.clone()).long(name).help(help);
        let arg = arg.value_name(value_name(param.kind)).required(required(param.need));
        let arg = match param.kind {
            ParamKind::Flag => {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true")
            }
            // A number below zero is for the family to refuse.
            ParamKind::Number => arg.allow_hyphen_values(true),
            _ => arg,
        };
        arg.action(if param.need == Need::Repeated { ArgAction::Append } else { ArgAction::Set })
    }))
}

/// What was typed for `params`.
pub(super) fn given(
    matches: &ArgMatches,
    params: &'static [Param],
    prefix: &str,
    heading: &'static str,
    stdin: &mut Stdin,
) -> Result<Given, Stop> {
    let mut given = Given::new();
    for param in params {
        let name = option(prefix, param.name);
        for text in matches.get_many::<String>(&name).into_iter().flatten() {
            match text.strip_prefix('@').filter(|_| takes_file(param.kind, heading)) {
                Some(file) => given.add(param.name, read(&format!("--{name}"), file, stdin)?),
                None => given.add(param.name, text.as_str()),
            }
        }
    }
    Ok(given)
}

/// Adds the options that describe the request a token is shown with.
pub(super) fn request_args(command: Command, prefix: &str) -> Command {
    let arg = |name: &str, value: &'static str, help: &'static str| {
        let name = option(prefix, name);
        Arg::new(name.clone()).long(name).value_name(value).help(help)
    };
    command.next_help_heading(REQUEST).args([
        arg("url", "URL", "The URL asked for, or its path and query: as sent, not decoded"),
        arg("method", "METHOD", "The method [default: GET]"),
        arg("ip", "ADDRESS", "The client's address"),
        arg("country", "CODE", "The country of that address, such as KR"),
        arg("header", "NAME: VALUE", "A header as sent; may be repeated").action(ArgAction::Append),
        arg("content", "ID", "The content asked for"),
        arg("kids", "KID", "A key id asked for; may be repeated").action(ArgAction::Append),
        arg("drm", "SYSTEM", "The DRM system the license is for, such as widevine"),
    ])
}

/// The request that was typed.
pub(super) fn request(matches: &ArgMatches, prefix: &str) -> Result<Request, Stop> {
    let typed = |name: &str| {
        let name = option(prefix, name);
        let text = matches.get_one::<String>(&name).map(String::as_str);
        text.map(|text| (format!("--{name}"), text))
    };
    let mut request = Request::default();
    if let Some((name, url)) = typed("url") {
        request.set_url(url).map_err(|fault| Stop::usage(format_args!("{name}: {fault}")))?;
    }
    request.method = typed("method").map(|(_, text)| text.to_owned());
    request.country = typed("country").map(|(_, text)| text.to_owned());
    request.content = typed("content").map(|(_, text)| text.to_owned());
    if let Some((name, text)) = typed("ip") {
        let wrong = |_| Stop::usage(format_args!("{name}: `{text}` is no address"));
        request.address = Some(canonical_address(text.parse::<IpAddr>().map_err(wrong)?));
    }
    if let Some((name, text)) = typed("drm") {
        let unknown = || Stop::usage(format_args!("{name}: `{text}` is no DRM system"));
        request.system = Some(TokenSystem::from_name(text).ok_or_else(unknown)?);
    }
    for text in matches.get_many::<String>(&option(prefix, "kids")).into_iter().flatten() {
        let wrong = |error| Stop::usage(format_args!("--{prefix}kids: {error}"));
        request.kids.push(text.parse::<KeyId>().map_err(wrong)?);
    }
    for line in matches.get_many::<String>(&option(prefix, "header")).into_iter().flatten() {
        let wrong = || Stop::usage(format_args!("--{prefix}header: write `Name: value`"));
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        request.headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(request)
}

/// Adds `--at` and `--json`.
pub(super) fn common(command: Command) -> Command {
    command.next_help_heading("General").args([at(), json()])
}

/// The moment that counts as now.
pub(super) fn at() -> Arg {
    let help = "The moment that counts as now: Unix seconds, 2026-01-31T12:00:00Z, now-2h";
    Arg::new("at").long("at").value_name("TIME").help(help)
}

/// Whether to print JSON.
pub(super) fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON")
}

/// Reads `--at`; now when it was not given.
pub(super) fn moment(matches: &ArgMatches) -> Result<Timestamp, Stop> {
    let (now, mut given) = (SystemClock.now(), Given::new());
    given.add_some("at", matches.get_one::<String>("at").map(String::as_str));
    given.time("at", now).map(|at| at.unwrap_or(now)).map_err(|fault| usage(&fault, ""))
}

/// The token on the command line, or `-` for standard input.
pub(super) fn token() -> Arg {
    let help = "The token, or `-` to read it from standard input, which keeps it out of the \
                shell's history";
    Arg::new("token").value_name("TOKEN").help(help)
}

/// Reads the token, if there is one.
pub(super) fn typed_token(matches: &ArgMatches, stdin: &mut Stdin) -> Result<Option<String>, Stop> {
    match matches.get_one::<String>("token").map(String::as_str) {
        Some("-") => stdin.read("TOKEN").map(|text| Some(text.trim().to_owned())),
        typed => Ok(typed.map(str::to_owned)),
    }
}

/// A fault in what was typed, in terms of the options.
pub(super) fn usage(fault: &GivenFault, prefix: &str) -> Stop {
    let option = |name| format!("--{}", option(prefix, name));
    Stop::usage(match fault {
        GivenFault::Key { name, why } => format!("{} is not a usable key: {why}", option(name)),
        GivenFault::Missing { name } => format!("{} is missing", option(name)),
        GivenFault::Several { name } => format!("{} was given more than once", option(name)),
        GivenFault::Value { name, expected } => format!("{} is not {expected}", option(name)),
        other => other.to_string(),
    })
}

/// Standard input, which can be read once.
#[derive(Debug, Default)]
pub(super) struct Stdin {
    taken: bool,
}

impl Stdin {
    /// Reads all of it, as text.
    pub(super) fn read(&mut self, name: &str) -> Result<String, Stop> {
        if std::mem::replace(&mut self.taken, true) {
            return Err(Stop::usage(format_args!(
                "{name}: standard input was read for something else already"
            )));
        }
        read_text(io::stdin()).map_err(|error| {
            Stop::usage(format_args!("{name}: standard input cannot be read: {error}"))
        })
    }
}

/// A text from a file, or from standard input when `file` is `-`, without its last line
/// break.
pub(super) fn read(name: &str, file: &str, stdin: &mut Stdin) -> Result<String, Stop> {
    let mut text = if file == "-" {
        stdin.read(name)?
    } else {
        let read = File::open(file).and_then(read_text);
        read.map_err(|error| Stop::usage(format_args!("{name}: `{file}` cannot be read: {error}")))?
    };
    let line = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(line);
    Ok(text)
}

fn read_text(from: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let read = from.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read <= FILE_BYTES_MAX) {
        Ok(text)
    } else {
        Err(io::Error::other(format!("it is longer than {FILE_BYTES_MAX} bytes")))
    }
}

fn option(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", name.replace('_', "-"))
}

/// Whether `@` before a text names a file. What a token says is taken as it is typed.
fn takes_file(kind: ParamKind, heading: &str) -> bool {
    match kind {
        ParamKind::Json | ParamKind::Secret => true,
        ParamKind::Text => heading != FIELDS,
        ParamKind::Flag | ParamKind::Number | ParamKind::Span | ParamKind::Time => false,
    }
}

const fn value_name(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Flag => "true|false",
        ParamKind::Json => "JSON",
        ParamKind::Number => "NUMBER",
        ParamKind::Secret => "KEY",
        ParamKind::Span => "SPAN",
        ParamKind::Text => "TEXT",
        ParamKind::Time => "TIME",
    }
}

/// The headings in help texts.
pub(super) const FIELDS: &str = "What the token says";
pub(super) const KEYS: &str = "Keys and settings";
const REQUEST: &str = "The request";

/// Bytes of a key file or a token on standard input.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What help texts say of keys and times.
pub(super) const TYPING: &str = "Arguments are visible to other users of the machine and kept \
    by the shell: give keys as `@FILE`, or `@-` for standard input. Every other setting can be \
    given so, too. Times are written as Unix seconds, 2026-01-31T12:00:00Z, now or now+2h; spans \
    as 90s, 15m, 2h or 7d.";
