//! `portcullis token formats`: every family, with its keys, settings and fields.

use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use portcullis_base::json::Value;
use portcullis_token::format::{About, FORMATS, Param};

use super::{options, show};
use crate::report::{self, Done};

pub(super) fn command() -> Command {
    Command::new("formats")
        .about("List the families of tokens, with their keys and fields")
        .arg(
            Arg::new("family")
                .value_name("FAMILY")
                .help("Only this family, with its keys, settings and fields"),
        )
        .arg(options::json())
}

pub(super) fn run(matches: &ArgMatches) -> Done {
    let only = matches.get_one::<String>("family").map(|name| options::family(name)).transpose()?;
    let all = FORMATS
        .iter()
        .copied()
        .filter(|format| only.is_none_or(|only| only.about().name == format.about().name));
    let all: Vec<&About> = all.map(|format| format.about()).collect();
    if matches.get_flag("json") {
        report::data(Value::Array(all.into_iter().map(json).collect()));
    } else if let (Some(_), [about]) = (only, all.as_slice()) {
        report::data(text(about));
    } else {
        let rows: Vec<_> = all.iter().map(|about| [about.name, about.title]).collect();
        report::data(show::table(&rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn text(about: &About) -> String {
    let params = |params: &[Param]| {
        let rows: Vec<_> = params
            .iter()
            .map(|param| [param.name, param.kind.as_str(), param.need.as_str(), param.help])
            .collect();
        show::table(&rows)
    };
    let weaknesses: Vec<_> = about.weaknesses.iter().map(|text| [*text]).collect();
    format!(
        "{}: {}\n\nkeys and settings\n{}\n\nfields\n{}\n\nknown weaknesses\n{}\n\nsource: {}",
        about.name,
        about.title,
        params(about.keys),
        params(about.says),
        show::table(&weaknesses),
        about.source
    )
}

fn json(about: &About) -> Value {
    let params = |params: &[Param]| {
        let param = |param: &Param| {
            show::object([
                ("name", param.name.into()),
                ("kind", param.kind.as_str().into()),
                ("need", param.need.as_str().into()),
                ("help", param.help.into()),
            ])
        };
        Value::Array(params.iter().map(param).collect())
    };
    show::object([
        ("name", about.name.into()),
        ("title", about.title.into()),
        ("source", about.source.into()),
        ("token", about.token.into()),
        ("keys", params(about.keys)),
        ("fields", params(about.says)),
        ("weaknesses", Value::Array(about.weaknesses.iter().map(|&text| text.into()).collect())),
    ])
}
