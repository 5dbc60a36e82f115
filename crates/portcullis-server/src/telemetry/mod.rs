//! What the process says while it runs: log lines on standard error.
//!
//! No line is made of viewers' text that was not escaped, and none holds a secret: URLs come
//! as `RequestUrl`, tokens and bodies not at all.

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::config::{Log, LogFormat};

/// Starts logging for the whole process. A second call changes nothing.
pub fn start(log: &Log) {
    // Other people's crates speak up from `warn` on; ours from the configured level.
    let filter =
        format!("warn,portcullis={0},portcullis_server={0},portcullis_store={0}", log.level);
    let registry = tracing_subscriber::registry().with(EnvFilter::new(filter));
    let started = match log.format {
        LogFormat::Json => registry
            .with(
                fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_target(false)
                    .with_writer(std::io::stderr),
            )
            .try_init(),
        LogFormat::Text => registry
            .with(fmt::layer().with_ansi(false).with_target(false).with_writer(std::io::stderr))
            .try_init(),
    };
    drop(started);
}
