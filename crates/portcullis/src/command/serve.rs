//! `portcullis serve`: runs until SIGINT or SIGTERM, then drains.

use std::process::ExitCode;

use portcullis_server::{
    config::Config,
    serve::{self, ServeError},
    telemetry,
};

use super::open;
use crate::{
    arguments::ServeArguments,
    report::{self, Done, Stop},
};

pub(super) fn run(arguments: &ServeArguments) -> Done {
    let config = open::configuration(&arguments.config.config)?;
    telemetry::start(&config.log);
    serve::forbid_core_dumps();
    open::block_on(until_stopped(config))?
}

async fn until_stopped(config: Config) -> Done {
    let started = |bound: &serve::Bound| {
        report::talk(format_args!(
            "portcullis is serving: players http://{}, api http://{}, private http://{}",
            bound.public, bound.api, bound.private
        ));
    };
    let served = portcullis_server::serve(config, None, started, stop_signal()).await;
    served.map_err(|error| stop_of(&error))?;
    report::talk("portcullis has stopped");
    Ok(ExitCode::SUCCESS)
}

/// Done at the first SIGINT or SIGTERM. A second one ends the process at once.
pub(super) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        std::process::exit(1);
    });
}

pub(super) fn stop_of(error: &ServeError) -> Stop {
    match error {
        ServeError::Bind { .. } => Stop::usage(error),
        ServeError::Store(error) => open::stop_of(error),
        _ => Stop::with_code(1, error),
    }
}
