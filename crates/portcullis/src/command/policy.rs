//! `portcullis policy`: writes policy documents into the store, lists what is there.

use std::{path::Path, process::ExitCode};

use portcullis_policy::model::{KeyPolicy, KeySource, Restriction};
use portcullis_server::document;

use super::open;
use crate::{
    arguments::PolicyCommand,
    report::{self, Done, Stop},
};

pub(super) fn run(command: PolicyCommand) -> Done {
    match command {
        PolicyCommand::Apply { config, file } => {
            let config = open::configuration(&config.config)?;
            open::block_on(apply(config.store, &file))?
        }
        PolicyCommand::List { config, json } => {
            let config = open::configuration(&config.config)?;
            open::block_on(list(config.store, json))?
        }
    }
}

async fn apply(settings: portcullis_server::config::Store, file: &Path) -> Done {
    let wanted = document::load(file).map_err(Stop::usage)?;
    let store = open::store(settings).await?;
    let applied = document::apply(&store, wanted, &open::author()).await;
    store.close().await;
    let applied = applied.map_err(|error| open::stop_of(&error))?;
    report::data(format_args!(
        "{} created, {} updated, {} unchanged",
        applied.created, applied.updated, applied.unchanged
    ));
    Ok(ExitCode::SUCCESS)
}

/// Where the keys of a policy's tokens are published.
const fn key_source(policy: &KeyPolicy) -> Option<&KeySource> {
    match &policy.restriction {
        Restriction::Open => None,
        Restriction::Token(token) => token.key_source.as_ref(),
    }
}

async fn list(settings: portcullis_server::config::Store, json: bool) -> Done {
    let store = open::store(settings).await?;
    let contents = store.list_contents();
    let policies = store.list_key_policies();
    store.close().await;
    let policies = policies.map_err(|error| open::stop_of(&error))?;
    for content in contents.map_err(|error| open::stop_of(&error))? {
        let policy = policies.iter().find(|policy| policy.name == content.key_policy);
        let source = policy.and_then(key_source);
        if json {
            let keys: Vec<_> = content
                .keys
                .iter()
                .map(|key| {
                    serde_json::json!({
                        "kid": key.kid.to_string(),
                        "class": key.class.as_str(),
                        "scheme": key.scheme.as_str(),
                    })
                })
                .collect();
            report::data(serde_json::json!({
                "id": content.id.as_str(),
                "key_policy": content.key_policy.as_str(),
                "key_source": source.map(|source| source.url.to_string()),
                "opens": content.window.opens().map(open::moment),
                "closes": content.window.closes().map(open::moment),
                "keys": keys,
            }));
            continue;
        }
        let source = source.map(|source| format!(", token keys from {source}")).unwrap_or_default();
        report::data(format_args!("{}  key policy {}{source}", content.id, content.key_policy));
        for key in &content.keys {
            report::data(format_args!("  {}  {} {}", key.kid, key.scheme, key.class));
        }
    }
    Ok(ExitCode::SUCCESS)
}
