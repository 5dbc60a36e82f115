//! Who may have a license: the sections `license_server` and `session`.
//!
//! Every member here is a limit. One that is unknown, or known and not to be kept here, refuses
//! the message.

use portcullis_base::{Cidr, DrmSystem, json::Object};
use portcullis_terms::{
    Terms, Tracks,
    output::WidevineOutput,
    playback::{Concurrency, ConcurrencyMode},
};

use crate::{
    claims::{Claims, TokenSystem, Uses},
    fault::Fault,
    members::Members,
};

/// Reads `license_server` into `claims`. `system` is the one the license is for, if known.
pub(super) fn server(
    server: Members<'_>,
    system: Option<TokenSystem>,
    claims: &mut Claims,
) -> Result<(), Fault> {
    server.only(&["access_control", "return_license_request_info"])?;
    if let Some(info) = server.flag("return_license_request_info")? {
        claims.other.insert("return_license_request_info".into(), info.into());
    }
    let Some(access) = server.object("access_control", PLACE)? else { return Ok(()) };
    access.only(&[
        "allowed_ip_addresses",
        "concurrency_limit",
        "concurrency_mode",
        "fairplay",
        "playready",
        "prevent_drm_message_reuse",
        "widevine",
    ])?;
    if access.flag("prevent_drm_message_reuse")? == Some(true) {
        claims.uses = Uses::ONCE;
    }
    claims.addresses = addresses(access)?;
    limits(access, &mut claims.terms.concurrency)?;
    for (name, place, own) in SYSTEMS {
        if let Some(section) = access.object(name, place)? {
            for_system(section, own, system, claims)?;
        }
    }
    Ok(())
}

/// Reads `session`: the viewer.
pub(super) fn session(session: Members<'_>, other: &mut Object) -> Result<Option<String>, Fault> {
    session.only(&["user_id"])?;
    let user = session.text("user_id")?;
    if user == Some("") {
        other.insert("user_id".into(), "".into());
    }
    Ok(user.filter(|user| !user.is_empty()).map(str::to_owned))
}

fn limits(access: Members<'_>, concurrency: &mut Concurrency) -> Result<(), Fault> {
    if let Some(limit) = access.number("concurrency_limit")? {
        if !(1..=6).contains(&limit) {
            return Err(access.fault("concurrency_limit", "a number from 1 to 6"));
        }
        concurrency.limit = limit.try_into().ok();
    }
    concurrency.mode = mode(access)?;
    Ok(())
}

fn mode(section: Members<'_>) -> Result<Option<ConcurrencyMode>, Fault> {
    section.read("concurrency_mode", "`NONE` or `BLOCK_NEW_DEVICE`", |value| {
        match value.as_str()? {
            "BLOCK_NEW_DEVICE" => Some(ConcurrencyMode::BlockNewDevice),
            "NONE" => Some(ConcurrencyMode::None),
            _ => None,
        }
    })
}

fn addresses(access: Members<'_>) -> Result<Vec<Cidr>, Fault> {
    let name = "allowed_ip_addresses";
    let fault = || access.fault(name, "a list of addresses, at least one");
    let texts = access.texts(name)?;
    // An empty list allows nobody; a list in our words allows everybody when it is empty.
    if access.has(name) && texts.is_empty() {
        return Err(fault());
    }
    texts.iter().map(|text| text.parse().map_err(|_| fault())).collect()
}

fn for_system(
    section: Members<'_>,
    own: DrmSystem,
    system: Option<TokenSystem>,
    claims: &mut Claims,
) -> Result<(), Fault> {
    let widevine = own == DrmSystem::Widevine;
    section.only(if widevine { &WIDEVINE } else { &EVERY_SYSTEM })?;
    if section.flag("use_native_session_ids")? == Some(true) {
        claims.other.insert(format!("{own}_use_native_session_ids"), true.into());
    }
    let applies = system.is_none_or(|system| system == TokenSystem::Known(own));
    if let (true, Some(mode)) = (applies, mode(section)?) {
        if system.is_none() && claims.terms.concurrency.mode != Some(mode) {
            let what = "license_server.access_control: a mode of its own for a system";
            return Err(Fault::Unsupported { what: what.to_owned() });
        }
        claims.terms.concurrency.mode = Some(mode);
    }
    let devices = section.texts("allowed_device_ids")?;
    if section.has("allowed_device_ids") && devices.is_empty() {
        return Err(section.fault("allowed_device_ids", "a list of devices, at least one"));
    }
    if applies {
        claims.devices.extend(devices);
    }
    if widevine {
        widevine_only(section, &mut claims.terms)?;
    }
    Ok(())
}

fn widevine_only(section: Members<'_>, terms: &mut Terms) -> Result<(), Fault> {
    let serials = "allowed_device_certificate_serial_numbers";
    if section.has(serials) {
        return Err(Fault::Unsupported { what: serials.to_owned() });
    }
    let asked = WidevineOutput {
        min_vmp: section.text("min_vmp_level")?.map(str::to_owned),
        allow_non_vmp: section.flag("allow_non_vmp_platforms")?,
        allow_tampered: section.flag("allow_tampered_platforms")?,
        ..WidevineOutput::default()
    };
    if !asked.is_unsaid() {
        let output = terms.outputs.entry(Tracks::All).or_default();
        let below = output.widevine.take().unwrap_or_default();
        output.widevine = Some(below.overlay(&asked));
    }
    Ok(())
}

/// Whether the devices depend on a DRM system that nobody named.
pub(super) fn names_devices(server: Members<'_>) -> Result<bool, Fault> {
    let Some(access) = server.object("access_control", PLACE)? else { return Ok(false) };
    for (name, place, _) in SYSTEMS {
        if access.object(name, place)?.is_some_and(|section| section.has("allowed_device_ids")) {
            return Ok(true);
        }
    }
    Ok(false)
}

const PLACE: &str = "license_server.access_control";
const SYSTEMS: [(&str, &str, DrmSystem); 3] = [
    ("fairplay", "license_server.access_control.fairplay", DrmSystem::FairPlay),
    ("playready", "license_server.access_control.playready", DrmSystem::PlayReady),
    ("widevine", "license_server.access_control.widevine", DrmSystem::Widevine),
];
const EVERY_SYSTEM: [&str; 3] =
    ["allowed_device_ids", "concurrency_mode", "use_native_session_ids"];
const WIDEVINE: [&str; 7] = [
    "allowed_device_ids",
    "concurrency_mode",
    "use_native_session_ids",
    "allow_non_vmp_platforms",
    "allow_tampered_platforms",
    "allowed_device_certificate_serial_numbers",
    "min_vmp_level",
];
