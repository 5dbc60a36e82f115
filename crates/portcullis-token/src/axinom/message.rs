//! The entitlement message, read into the common words.

use portcullis_base::{
    Cidr,
    json::{Object, Value},
};
use portcullis_terms::Tracks;

use super::{
    CommunicationKey, access,
    keys::{self, Keys, Source},
    license, usage,
};
use crate::{
    claims::{Claims, TokenSystem},
    fault::Fault,
    members::Members,
};

/// What a message says, and whether it leaves the keys to the request.
#[derive(Debug, Default)]
pub(super) struct Entitlement {
    pub(super) claims: Claims,
    pub(super) source: Source,
    /// Whether the devices it allows depend on the DRM system.
    pub(super) devices_by_system: bool,
}

/// Reads a message of either version. Keys that come along are opened with `key`, if there is
/// one.
pub(super) fn read(
    message: &Object,
    key: Option<&CommunicationKey>,
    system: Option<TokenSystem>,
) -> Result<Entitlement, Fault> {
    let message = Members::new(message, "");
    let (mut entitlement, keys) = match message.number("version")? {
        Some(2) => version_2(message, system)?,
        Some(1) | None => version_1(message)?,
        Some(_) => return Err(Fault::Kind { what: "an entitlement message of another version" }),
    };
    let claims = &mut entitlement.claims;
    entitlement.source = keys.source;
    claims.kids = keys.listed.iter().map(|one| one.kid).collect();
    for listed in &keys.listed {
        if let Some(key) = key {
            claims.keys.extend(listed.open(key)?);
        }
        if let Some(seed) = &listed.seed {
            claims.other.insert(format!("seed_of_{}", listed.kid), seed.as_str().into());
        }
    }
    let limited = claims.terms.concurrency.limit.is_some();
    if limited && claims.user.is_none() {
        return Err(Fault::terms("`session.user_id` is not there, and streams are limited"));
    }
    Ok(entitlement)
}

fn version_2(
    message: Members<'_>,
    system: Option<TokenSystem>,
) -> Result<(Entitlement, Keys), Fault> {
    message.only(&[
        "content_key_usage_policies",
        "content_keys_source",
        "license",
        "license_server",
        "session",
        "type",
        "version",
    ])?;
    let mut entitlement = Entitlement::default();
    let claims = &mut entitlement.claims;
    if let Some(section) = message.object("license", "license")? {
        license::read(section, &mut claims.terms, &mut claims.other)?;
    }
    if let Some(section) = message.object("license_server", "license_server")? {
        access::server(section, system, claims)?;
        entitlement.devices_by_system = access::names_devices(section)?;
    }
    if let Some(section) = message.object("session", "session")? {
        claims.user = access::session(section, &mut claims.other)?;
    }
    let source = message.object("content_keys_source", "content_keys_source")?;
    let source = source.ok_or_else(|| message.fault("content_keys_source", "there"))?;
    let keys = keys::source(source)?;
    outputs(message, &keys, claims)?;
    Ok((entitlement, keys))
}

/// Puts the usage policies where they apply: to all tracks if every key has the same one, else
/// to the single keys.
fn outputs(message: Members<'_>, keys: &Keys, claims: &mut Claims) -> Result<(), Fault> {
    let policies = message.list("content_key_usage_policies")?;
    let mut by_key = Vec::new();
    for listed in &keys.listed {
        let output = match &listed.usage_policy {
            Some(name) => usage::find(policies, name)?,
            None => portcullis_terms::output::Output::default(),
        };
        by_key.push((listed.kid, output));
    }
    let common = match (&keys.usage_policy, by_key.as_slice()) {
        (Some(name), _) => Some(usage::find(policies, name)?),
        (None, [(_, first), rest @ ..]) if rest.iter().all(|(_, output)| output == first) => {
            Some(first.clone())
        }
        _ => None,
    };
    match common {
        Some(output) if output.is_unsaid() => {}
        Some(output) => {
            let below = claims.terms.outputs.entry(Tracks::All).or_default();
            *below = below.merge(&output);
        }
        None => {
            claims.key_outputs =
                by_key.into_iter().filter(|(_, output)| !output.is_unsaid()).collect();
        }
    }
    Ok(())
}

fn version_1(message: Members<'_>) -> Result<(Entitlement, Keys), Fault> {
    message.only(&[
        "begin_date",
        "client_ip",
        "expiration_date",
        "first_play_expiration",
        "key_ids",
        "keys",
        "keys_based_on_request",
        "persistent",
        "return_client_info",
        "type",
        "version",
    ])?;
    let mut entitlement = Entitlement::default();
    let claims = &mut entitlement.claims;
    claims.terms.playback = license::version_1(message)?;
    let address = |value: &Value| value.as_str()?.parse::<Cidr>().ok();
    claims.addresses.extend(message.read("client_ip", "an address", address)?);
    if let Some(info) = message.flag("return_client_info")? {
        claims.other.insert("return_client_info".into(), info.into());
    }
    Ok((entitlement, keys::version_1(message)?))
}
