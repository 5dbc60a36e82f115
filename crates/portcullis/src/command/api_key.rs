//! `portcullis api-key`: the keys with which the operator's own programs call the API.

use std::{process::ExitCode, time::Duration};

use portcullis_base::Clock as _;
use portcullis_policy::model::Role;
use portcullis_server::{SystemClock, SystemRng, default_tenant};
use portcullis_store::{ApiKey, NewApiKey};
use portcullis_token::api_key;

use super::open;
use crate::{
    arguments::{ApiKeyCommand, RoleArgument},
    report::{self, Done},
};

pub(super) fn run(command: ApiKeyCommand) -> Done {
    match command {
        ApiKeyCommand::Create { config, role, days } => {
            let config = open::configuration(&config.config)?;
            open::block_on(create(config.store, role, days))?
        }
        ApiKeyCommand::List { config, json } => {
            let config = open::configuration(&config.config)?;
            open::block_on(list(config.store, json))?
        }
    }
}

async fn create(settings: portcullis_server::config::Store, role: RoleArgument, days: u64) -> Done {
    let store = open::store(settings).await?;
    let made = api_key::ApiKey::generate(default_tenant(), &SystemRng);
    let expires = SystemClock.now().saturating_add(Duration::from_secs(days * 86_400));
    let role = match role {
        RoleArgument::Issuer => Role::Issuer,
        RoleArgument::Viewer => Role::Viewer,
    };
    let new = NewApiKey {
        key: ApiKey { id: made.id().as_str().to_owned(), tenant: default_tenant(), role, expires },
        digest: *made.digest(store.api_key_pepper()).expose(),
    };
    let written = store.create_api_key(&new, &open::author()).await;
    store.close().await;
    written.map_err(|error| open::stop_of(&error))?;
    report::talk("this is shown once; keep it where only your back end can read it");
    report::data(made.expose_text().as_str());
    Ok(ExitCode::SUCCESS)
}

async fn list(settings: portcullis_server::config::Store, json: bool) -> Done {
    let store = open::store(settings).await?;
    let keys = store.list_api_keys();
    store.close().await;
    for key in keys.map_err(|error| open::stop_of(&error))? {
        let expires = open::moment(key.expires);
        if json {
            report::data(serde_json::json!({
                "id": key.id,
                "role": key.role.as_str(),
                "tenant": key.tenant.as_str(),
                "expires": expires,
            }));
        } else {
            report::data(format_args!("{}  {:<8}  until {expires}", key.id, key.role.as_str()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
