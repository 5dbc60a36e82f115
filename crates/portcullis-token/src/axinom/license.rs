//! How long a license may be used: the section `license`, and its place in version 1.
//!
//! What is said for one DRM system stands in front of what is said for all.

use portcullis_base::{DrmSystem, json::Object};
use portcullis_terms::{
    Terms,
    playback::{Playback, Renewal},
};

use crate::{fault::Fault, members::Members};

/// Reads the section `license`. What has no term is kept in `other`.
pub(super) fn read(
    license: Members<'_>,
    terms: &mut Terms,
    other: &mut Object,
) -> Result<(), Fault> {
    license.only(&[
        "allow_persistence",
        "concurrency_grace_period",
        "concurrency_interval",
        "duration",
        "expiration_datetime",
        "fairplay",
        "playready",
        "start_datetime",
        "widevine",
    ])?;
    terms.playback = Playback {
        not_before: license.time("start_datetime")?,
        expires: license.time("expiration_datetime")?,
        ..common(license)?
    };
    terms.concurrency.interval_s = license.number("concurrency_interval")?;
    terms.concurrency.grace_s = license.number("concurrency_grace_period")?;
    if let Some(fairplay) = license.object("fairplay", "license.fairplay")? {
        fairplay.only(&[
            "allow_persistence",
            "duration",
            "ignore_keys_in_license_request",
            "playback_duration",
            "real_time_expiration",
        ])?;
        if let Some(ignore) = fairplay.flag("ignore_keys_in_license_request")? {
            other.insert("ignore_keys_in_license_request".into(), ignore.into());
        }
        put(terms, DrmSystem::FairPlay, timed(fairplay)?);
    }
    if let Some(playready) = license.object("playready", "license.playready")? {
        playready.only(&[
            "allow_persistence",
            "custom_data",
            "duration",
            "playback_duration",
            "real_time_expiration",
        ])?;
        if let Some(data) = playready.text("custom_data")? {
            other.insert("playready_custom_data".into(), data.into());
        }
        put(terms, DrmSystem::PlayReady, timed(playready)?);
    }
    if let Some(widevine) = license.object("widevine", "license.widevine")? {
        let playback = of_widevine(widevine, &mut terms.renewal, other)?;
        put(terms, DrmSystem::Widevine, playback);
    }
    Ok(())
}

/// Reads what version 1 says at its root.
pub(super) fn version_1(message: Members<'_>) -> Result<Playback, Fault> {
    Ok(Playback {
        persistent: message.flag("persistent")?,
        not_before: message.time("begin_date")?,
        expires: message.time("expiration_date")?,
        playback: message.limit("first_play_expiration")?,
        ..Playback::default()
    })
}

fn put(terms: &mut Terms, system: DrmSystem, playback: Playback) {
    if !playback.is_unsaid() {
        terms.systems.insert(system, playback);
    }
}

fn common(section: Members<'_>) -> Result<Playback, Fault> {
    Ok(Playback {
        persistent: section.flag("allow_persistence")?,
        license: section.limit("duration")?,
        ..Playback::default()
    })
}

fn timed(section: Members<'_>) -> Result<Playback, Fault> {
    Ok(Playback {
        playback: section.limit("playback_duration")?,
        cut_off: section.flag("real_time_expiration")?,
        ..common(section)?
    })
}

fn of_widevine(
    widevine: Members<'_>,
    renewal: &mut Renewal,
    other: &mut Object,
) -> Result<Playback, Fault> {
    widevine.only(&[
        "allow_persistence",
        "allow_playback",
        "allow_renewal",
        "duration",
        "include_all_entitled_keys",
        "playback_duration",
        "real_time_duration_expiration",
        "real_time_playback_expiration",
        "renew_with_usage",
        "renewal_delay",
        "renewal_recovery",
        "renewal_retry_interval",
        "renewal_url",
    ])?;
    if let Some(all) = widevine.flag("include_all_entitled_keys")? {
        other.insert("include_all_entitled_keys".into(), all.into());
    }
    *renewal = Renewal {
        allowed: widevine.flag("allow_renewal")?,
        delay_s: widevine.number("renewal_delay")?,
        retry_s: widevine.number("renewal_retry_interval")?,
        recovery_s: widevine.number("renewal_recovery")?,
        with_usage: widevine.flag("renew_with_usage")?,
        url: widevine.text("renewal_url")?.map(str::to_owned),
    };
    // Two ends can be strict or not; one strict end makes both strict here, which is the safe
    // side. What was said is kept beside it when they differ.
    let ends = ["real_time_duration_expiration", "real_time_playback_expiration"];
    let [license, playback] = ends.map(|name| widevine.flag(name));
    let (license, playback) = (license?, playback?);
    if license != playback {
        for (name, said) in ends.into_iter().zip([license, playback]) {
            if let Some(strict) = said {
                other.insert(name.into(), strict.into());
            }
        }
    }
    let either = || license.unwrap_or(false) || playback.unwrap_or(false);
    Ok(Playback {
        playback: widevine.limit("playback_duration")?,
        cut_off: license.or(playback).map(|_| either()),
        allowed: widevine.flag("allow_playback")?,
        ..common(widevine)?
    })
}
