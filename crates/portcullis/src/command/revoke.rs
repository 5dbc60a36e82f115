//! `portcullis revoke`: takes things back before their time.
//!
//! Writes to the store and the audit log; servers on the same database see it by themselves.

use std::{process::ExitCode, time::Duration};

use portcullis_base::{Clock as _, Timestamp};
use portcullis_policy::model::SubjectKind;
use portcullis_server::{SystemClock, config, default_tenant};
use portcullis_store::{Change, Listed, Revocation, Store, Subject};
use portcullis_token::identity::{TokenFormat, TokenIdentity};

use super::open;
use crate::{
    arguments::{RevokeCommand, RevokedSubject},
    report::{self, Done, Stop},
};

pub(super) fn run(command: RevokeCommand) -> Done {
    match command {
        RevokeCommand::Add { config, subject, reason, until, hours } => {
            let until = match (until, hours) {
                (None, None) => None,
                (None, Some(hours)) => {
                    Some(SystemClock.now().saturating_add(Duration::from_secs(hours * 3600)))
                }
                (Some(until), _) => Some(second(until)?),
            };
            let config = open::configuration(&config.config)?;
            open::block_on(add(config.store, &subject, reason, until))?
        }
        RevokeCommand::Lift { config, subject } => {
            let config = open::configuration(&config.config)?;
            open::block_on(lift(config.store, &subject))?
        }
        RevokeCommand::List { config, json } => {
            let config = open::configuration(&config.config)?;
            open::block_on(list(config.store, json))?
        }
    }
}

async fn add(
    settings: config::Store,
    subject: &RevokedSubject,
    reason: String,
    until: Option<Timestamp>,
) -> Done {
    if until.is_some_and(|until| until <= SystemClock.now()) {
        return Err(Stop::usage("--until: this moment is over"));
    }
    let store = open::store(settings).await?;
    let subject = named(&store, subject);
    let written = match &subject {
        Ok(subject) => {
            let tenant = default_tenant();
            let new = Revocation { tenant, subject: subject.clone(), reason, until };
            store.revoke(&new, &open::author()).await
        }
        Err(_) => Ok(Change::Unchanged),
    };
    store.close().await;
    let subject = subject?;
    written.map_err(|error| open::stop_of(&error))?;
    report::talk(format_args!("{subject} is revoked {}", end(until)));
    Ok(ExitCode::SUCCESS)
}

async fn lift(settings: config::Store, subject: &RevokedSubject) -> Done {
    let store = open::store(settings).await?;
    let subject = named(&store, subject);
    let written = match &subject {
        Ok(subject) => store.lift_revocation(&default_tenant(), subject, &open::author()).await,
        Err(_) => Ok(Change::Unchanged),
    };
    store.close().await;
    let subject = subject?;
    written.map_err(|error| open::stop_of(&error))?;
    report::talk(format_args!("{subject} is good again"));
    Ok(ExitCode::SUCCESS)
}

async fn list(settings: config::Store, json: bool) -> Done {
    let store = open::store(settings).await?;
    let listed = everything(&store).await;
    store.close().await;
    let now = SystemClock.now();
    let in_force = |listed: &Listed| listed.revocation.until.is_none_or(|until| now < until);
    for Listed { revocation, actor, version } in
        listed.map_err(|error| open::stop_of(&error))?.into_iter().filter(in_force)
    {
        let Revocation { subject, reason, until, .. } = revocation;
        if json {
            report::data(serde_json::json!({
                "kind": subject.kind().as_str(),
                "id": subject.id(),
                "reason": reason,
                "actor": actor,
                "until": until.map(open::moment),
                "version": version,
            }));
        } else {
            report::data(format_args!("{subject}  {}  by {actor}: {reason}", end(until)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn everything(store: &Store) -> Result<Vec<Listed>, portcullis_store::Error> {
    let mut all: Vec<Listed> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.version);
        let more = store.revocations_after(&default_tenant(), after, PAGE).await?;
        if more.is_empty() {
            return Ok(all);
        }
        all.extend(more);
    }
}

/// What the arguments name. A token may be named by what its owner knows of it.
fn named(store: &Store, given: &RevokedSubject) -> Result<Subject, Stop> {
    let RevokedSubject { kind, id, issuer } = given;
    let identity = match (kind, issuer, mac_bytes(id)) {
        (SubjectKind::Token, Some(issuer), _) => {
            TokenIdentity::new(TokenFormat::Jwt, issuer, id.as_bytes())
        }
        (SubjectKind::Token, None, Some(mac)) => TokenIdentity::new(TokenFormat::Edge, "", &mac),
        (_, Some(_), _) => return Err(Stop::usage("--issuer goes with a token and its `jti`")),
        (_, None, _) => None,
    };
    let digest = identity.and_then(|identity| store.uses().digest(&default_tenant(), &identity));
    let id = digest.map_or_else(|| id.clone(), |digest| digest.to_string());
    Subject::new(*kind, &id).map_err(Stop::usage)
}

/// The MAC of an edge token: 64 hex digits.
fn mac_bytes(text: &str) -> Option<[u8; 32]> {
    let mut mac = [0; 32];
    hex::decode_to_slice(text, &mut mac).ok().map(|()| mac)
}

fn end(until: Option<Timestamp>) -> String {
    until.map_or_else(|| "for good".to_owned(), |until| format!("until {}", open::moment(until)))
}

fn second(moment: jiff::Timestamp) -> Result<Timestamp, Stop> {
    u64::try_from(moment.as_second())
        .map(Timestamp)
        .map_err(|_| Stop::usage("--until: this moment is over"))
}

const PAGE: u32 = 1000;
