//! `portcullis audit verify`: was any record changed, removed, inserted or reordered?

use std::process::ExitCode;

use portcullis_store::audit::Checkpoint;

use super::open;
use crate::{
    arguments::AuditCommand,
    report::{self, Done, Stop},
};

pub(super) fn run(command: AuditCommand) -> Done {
    let AuditCommand::Verify { config, checkpoints, json } = command;
    let config = open::configuration(&config.config)?;
    let checkpoints = match checkpoints {
        None => Vec::new(),
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Stop::usage(format_args!("`{}` cannot be read: {error}", path.display()))
            })?;
            read_checkpoints(&text)?
        }
    };
    open::block_on(verify(config.store, checkpoints, json))?
}

async fn verify(
    settings: portcullis_server::config::Store,
    checkpoints: Vec<Checkpoint>,
    json: bool,
) -> Done {
    let store = open::store(settings).await?;
    let checked = store.audit().verify(&checkpoints).await;
    store.close().await;
    let found = checked.map_err(|error| open::stop_of(&error))?;
    let sound = found.faults.is_empty();
    let records: u64 = found.nodes.iter().map(|node| node.records).sum();
    if json {
        let faults: Vec<String> = found.faults.iter().map(ToString::to_string).collect();
        report::data(serde_json::json!({
            "sound": sound,
            "records": records,
            "checkpoints": found.checkpoints,
            "faults": faults,
            "unknown_outcomes": found.unknown.len(),
        }));
    } else {
        for fault in &found.faults {
            report::data(fault);
        }
        let verdict = if sound { "the chain is whole" } else { "the chain is broken" };
        report::data(format_args!(
            "{records} records, {} checkpoints, {} without a known outcome: {verdict}",
            found.checkpoints,
            found.unknown.len()
        ));
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The checkpoints in a file: one per line, alone or inside a log line of the server.
fn read_checkpoints(text: &str) -> Result<Vec<Checkpoint>, Stop> {
    let mut found = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let Some(start) = text.find(CHECKPOINT) else { continue };
        let fields: Vec<&str> =
            text.get(start..).unwrap_or_default().split([' ', '"']).take(6).collect();
        let parsed = fields.join(" ").parse();
        found.push(parsed.map_err(|error| Stop::usage(format_args!("line {line}: {error}")))?);
    }
    Ok(found)
}

const CHECKPOINT: &str = "portcullis-audit-checkpoint/v1";
