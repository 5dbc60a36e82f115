//! `portcullis package`: MP4 in, protected CMAF with manifests out.

use std::{process::ExitCode, time::Duration};

use portcullis_packager::{PackageError, PlanOptions, Progress, Replace, Report};
use portcullis_policy::model::{Content, Operator, Window};
use portcullis_server::{
    default_tenant,
    packaging::{self, PackagingError, PackagingRequest},
};
use portcullis_store::{Error, Store};

use super::{open, progress::Bar};
use crate::{
    arguments::PackageArguments,
    report::{self, Done, Stop},
};

pub(super) fn run(arguments: PackageArguments) -> Done {
    let config = open::configuration(&arguments.config.config)?;
    open::block_on(package(config.store, arguments))?
}

async fn package(settings: portcullis_server::config::Store, arguments: PackageArguments) -> Done {
    let store = open::store(settings).await?;
    let done = with_store(&store, &arguments).await;
    store.close().await;
    let made = done?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&made).map_err(Stop::failure)?;
        report::data(text);
    } else {
        report::data(table(&made));
        report::data(format_args!("made {}", arguments.out.display()));
    }
    Ok(ExitCode::SUCCESS)
}

async fn with_store(store: &Store, arguments: &PackageArguments) -> Result<Report, Stop> {
    remember_content(store, arguments).await?;
    let request = PackagingRequest {
        inputs: arguments.inputs.clone(),
        out: arguments.out.clone(),
        content: arguments.content.clone(),
        scheme: arguments.scheme,
        plan: PlanOptions { segment_target: Duration::from_secs(arguments.segment.into()) },
        license_url: arguments.license_url.clone(),
        replace: if arguments.force { Replace::Yes } else { Replace::No },
    };
    let operator = Operator::Local { tenant: default_tenant() };
    let author = open::author();
    let bar = Bar::new(&format!("{} {}", arguments.content, arguments.scheme));
    let mut tell = |at: Progress<'_>| bar.show(at);
    let made = packaging::package(store, &operator, &author, &request, &mut tell).await;
    bar.end();
    made.map_err(|error| stop_of(&error, arguments))
}

/// A content the store does not know yet is written with the policy that was named.
async fn remember_content(store: &Store, arguments: &PackageArguments) -> Result<(), Stop> {
    let known =
        store.packaging_facts(&arguments.content).map_err(|error| open::stop_of(&error))?.is_some();
    let policy = match (&arguments.policy, known) {
        (None, true) => return Ok(()),
        (Some(policy), false) => policy.clone(),
        (Some(policy), true) => {
            return Err(Stop::usage(format_args!(
                "the content `{}` is in the store already: leave out `--policy {policy}`, or \
                 change its key policy with `portcullis policy apply`",
                arguments.content
            )));
        }
        (None, false) => {
            return Err(Stop::usage(format_args!(
                "the content `{}` is not in the store: name its key policy with `--policy`, or \
                 write it with `portcullis policy apply`",
                arguments.content
            )));
        }
    };
    let content = Content {
        id: arguments.content.clone(),
        tenant: default_tenant(),
        key_policy: policy,
        window: Window::ALWAYS,
        keys: Vec::new(),
    };
    store
        .put_content(&content, &open::author())
        .await
        .map(drop)
        .map_err(|error| open::stop_of(&error))
}

fn stop_of(error: &PackagingError, arguments: &PackageArguments) -> Stop {
    match error {
        PackagingError::Package(error) => stop_of_packager(error, arguments),
        PackagingError::Refused(_) => Stop::with_code(5, error),
        PackagingError::Store(error @ Error::Integrity { .. }) => Stop::with_code(5, error),
        PackagingError::Store(error) => open::stop_of(error),
        _ => Stop::with_code(1, error),
    }
}

fn stop_of_packager(error: &PackageError, arguments: &PackageArguments) -> Stop {
    if arguments.json {
        report::data(serde_json::json!({
            "code": error.code.as_str(),
            "input": error.input,
            "track": error.track,
            "sample": error.sample,
            "offset": error.offset,
            "detail": error.detail,
        }));
    }
    Stop::with_code(error.code.exit_code(), error)
}

fn table(made: &Report) -> String {
    let mut text = String::new();
    for track in &made.tracks {
        let size = match (track.width, track.height) {
            (Some(width), Some(height)) => format!("{width}x{height}"),
            _ => track.language.clone(),
        };
        text.push_str(&format!(
            "{:<14} {:<5} {:<22} {:<10} {:>4} segments {:>7.2} s {:>8.1} kbit/s  {}\n",
            track.name,
            track.class,
            track.codecs,
            size,
            track.segments,
            track.duration_us as f64 / 1e6,
            track.average_bandwidth as f64 / 1e3,
            track.kid,
        ));
    }
    for warning in &made.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text.trim_end().to_owned()
}
