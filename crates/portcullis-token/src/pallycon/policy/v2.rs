//! Reads a policy of version 2.

use std::collections::BTreeMap;

use portcullis_base::{TrackClass, json::Value};
use portcullis_terms::{
    ClassSet, Terms, Tracks,
    output::{
        Cgms, FairPlayHdcp, FairPlayOutput, HdcpSrmRule, NcgOutput, Output, OutputControl,
        PlayReadyOutput, WidevineHdcp, WidevineLevel, WidevineOutput, WisePlayLevel,
        WisePlayOutput,
    },
    playback::{Limit, Playback},
};

use super::{Policy, keys, members::Members};
use crate::fault::Fault;

pub(super) fn read(all: Members<'_>) -> Result<Policy, Fault> {
    let mut terms = Terms::default();
    if let Some(said) = all.object("playback_policy", "playback_policy")? {
        read_playback(&said, &mut terms)?;
    }
    if let Some(entries) = all.read("security_policy", "an array", Value::as_array)? {
        for entry in entries {
            let (tracks, output) = read_entry(&Members::of(entry, "security_policy[]")?)?;
            add(&mut terms.outputs, tracks, output)?;
        }
    }
    spare_audio(&mut terms.outputs);
    Ok(Policy { terms, keys: keys::read(&all)? })
}

fn read_playback(said: &Members<'_>, terms: &mut Terms) -> Result<(), Fault> {
    let limit = |seconds: Option<u64>| seconds.map(Limit::from_zero_is_unlimited);
    let license = limit(said.count(said.either("license_duration", "duration")?)?);
    terms.playback = Playback {
        persistent: said.flag("persistent")?,
        expires: said.time("expire_date")?,
        license,
        rental: limit(said.count("rental_duration")?),
        playback: limit(said.count("playback_duration")?),
        ..Playback::default()
    };
    // SPEC: `expire_date` is ignored when `license_duration` is set.
    if license.is_some_and(|license| license.seconds().is_some()) {
        terms.playback.expires = None;
    }
    terms.classes = said.word("allowed_track_types", classes)?;
    let streams = said.loose_count("max_stream_per_user")?.filter(|streams| *streams > 0);
    terms.concurrency.limit = streams.and_then(|streams| u32::try_from(streams).ok());
    let renewal = said.loose_count("renewal_duration")?.filter(|seconds| *seconds > 0);
    terms.renewal.allowed = renewal.map(|_| true);
    terms.renewal.delay_s = renewal;
    Ok(())
}

fn classes(word: &str) -> Option<ClassSet> {
    match word {
        "ALL" => Some(ClassSet::ALL),
        "SD_ONLY" => Some(ClassSet::up_to(TrackClass::Sd)),
        "SD_HD" => Some(ClassSet::up_to(TrackClass::Hd)),
        "SD_UHD1" => Some(ClassSet::up_to(TrackClass::Uhd1)),
        "SD_UHD2" => Some(ClassSet::up_to(TrackClass::Uhd2)),
        _ => None,
    }
}

fn read_entry(entry: &Members<'_>) -> Result<(Tracks, Output), Fault> {
    let tracks = entry.word("track_type", Tracks::from_word)?.unwrap_or(Tracks::All);
    let widevine = entry.object("widevine", "security_policy[].widevine")?;
    let playready = entry.object("playready", "security_policy[].playready")?;
    let fairplay = entry.object("fairplay", "security_policy[].fairplay")?;
    let ncg = entry.object("ncg", "security_policy[].ncg")?;
    let wiseplay = entry.object("wiseplay", "security_policy[].wiseplay")?;
    let output = Output {
        widevine: widevine.map(|said| read_widevine(&said)).transpose()?,
        playready: playready.map(|said| read_playready(&said)).transpose()?,
        fairplay: fairplay.map(|said| read_fairplay(&said)).transpose()?,
        ncg: ncg.map(|said| read_ncg(&said)).transpose()?,
        wiseplay: wiseplay.map(|said| read_wiseplay(&said)).transpose()?,
    };
    Ok((tracks, output))
}

fn read_widevine(said: &Members<'_>) -> Result<WidevineOutput, Fault> {
    Ok(WidevineOutput {
        security_level: said.read("security_level", "a level from 1 to 5", |value| {
            WidevineLevel::from_number(value.as_number()?.as_u64()?)
        })?,
        hdcp: said.word("required_hdcp_version", WidevineHdcp::from_word)?,
        cgms: said.word("required_cgms_flags", Cgms::from_word)?,
        disable_analog: said.flag("disable_analog_output")?,
        hdcp_srm: said.word("hdcp_srm_rule", HdcpSrmRule::from_word)?,
        override_device_revocation: said.flag("override_device_revocation")?,
        allow_test_device: said.flag("allow_test_device")?,
        license_cipher: said.flag("enable_license_cipher")?,
        ..WidevineOutput::default()
    })
}

fn read_playready(said: &Members<'_>) -> Result<PlayReadyOutput, Fault> {
    // The format does not tell compressed from uncompressed outputs: it means both.
    let video = said.level("digital_video_protection_level", DIGITAL_VIDEO)?;
    let audio = said.level("digital_audio_protection_level", DIGITAL_AUDIO)?;
    Ok(PlayReadyOutput {
        security_level: said.level("security_level", SECURITY)?,
        compressed_video: video,
        uncompressed_video: video,
        analog_video: said.level("analog_video_protection_level", ANALOG_VIDEO)?,
        compressed_audio: audio,
        uncompressed_audio: audio,
        hdcp_type_1: said.flag("require_hdcp_type_1")?,
        license_cipher: said.flag("enable_license_cipher")?,
        ..PlayReadyOutput::default()
    })
}

fn read_fairplay(said: &Members<'_>) -> Result<FairPlayOutput, Fault> {
    let hdcp =
        said.read("hdcp_enforcement", "-1, 0 or 1", |value| match value.as_number()?.as_str() {
            "-1" => Some(FairPlayHdcp::None),
            "0" => Some(FairPlayHdcp::Type0),
            "1" => Some(FairPlayHdcp::Type1),
            _ => None,
        })?;
    Ok(FairPlayOutput {
        hdcp,
        allow_airplay: said.flag("allow_airplay")?,
        allow_av_adapter: said.flag("allow_av_adapter")?,
    })
}

fn read_ncg(said: &Members<'_>) -> Result<NcgOutput, Fault> {
    Ok(NcgOutput {
        allow_abnormal_device: said.flag("allow_mobile_abnormal_device")?,
        allow_external_display: said.flag("allow_external_display")?,
        hdcp: control(said, "control_hdcp", 2)?,
    })
}

fn read_wiseplay(said: &Members<'_>) -> Result<WisePlayOutput, Fault> {
    Ok(WisePlayOutput {
        security_level: said.read("security_level", "1, 2 or 3", |value| {
            WisePlayLevel::from_number(value.as_number()?.as_u64()?)
        })?,
        output: control(said, "output_control", 3)?,
    })
}

/// A number from 0 to `most` that says how a digital output is controlled.
pub(super) fn control(
    said: &Members<'_>,
    name: &str,
    most: u64,
) -> Result<Option<OutputControl>, Fault> {
    said.read(name, "one of its levels", |value| {
        match value.as_number()?.as_u64().filter(|number| *number <= most)? {
            0 => Some(OutputControl::Free),
            1 => Some(OutputControl::Hdcp1),
            2 => Some(OutputControl::Hdcp2),
            _ => Some(OutputControl::Forbidden),
        }
    })
}

/// Adds an entry. Two for the same tracks must not contradict each other.
fn add(
    outputs: &mut BTreeMap<Tracks, Output>,
    tracks: Tracks,
    output: Output,
) -> Result<(), Fault> {
    let Some(there) = outputs.get_mut(&tracks) else {
        outputs.insert(tracks, output);
        return Ok(());
    };
    if let Some(term) = contradiction(there, &output) {
        return Err(Fault::terms(format!(
            "two entries of `security_policy` for {tracks} contradict each other on {term}"
        )));
    }
    *there = there.merge(&output);
    Ok(())
}

fn contradiction(a: &Output, b: &Output) -> Option<&'static str> {
    fn each<T>(
        a: Option<&T>,
        b: Option<&T>,
        conflict: impl Fn(&T, &T) -> Option<&'static str>,
    ) -> Option<&'static str> {
        a.zip(b).and_then(|(a, b)| conflict(a, b))
    }
    each(a.widevine.as_ref(), b.widevine.as_ref(), WidevineOutput::conflict)
        .or_else(|| each(a.playready.as_ref(), b.playready.as_ref(), PlayReadyOutput::conflict))
        .or_else(|| each(a.fairplay.as_ref(), b.fairplay.as_ref(), FairPlayOutput::conflict))
        .or_else(|| each(a.ncg.as_ref(), b.ncg.as_ref(), NcgOutput::conflict))
        .or_else(|| each(a.wiseplay.as_ref(), b.wiseplay.as_ref(), WisePlayOutput::conflict))
}

/// Sound stays playable in software.
///
/// SPEC: release notes 4.2.0 of the vendor's license server. Where an entry for all tracks asks
/// for Widevine in hardware, sound keeps level 1 and no HDCP unless an entry of its own speaks
/// of Widevine: hardware decoders are for pictures. It is said here as that entry, so that
/// whoever resolves the terms later comes to the same result.
fn spare_audio(outputs: &mut BTreeMap<Tracks, Output>) {
    let all = outputs.get(&Tracks::All).and_then(|all| all.widevine.as_ref());
    let asked = all.and_then(|all| all.security_level);
    if asked.is_none_or(|level| level < WidevineLevel::HwSecureCrypto) {
        return;
    }
    let audio = outputs.entry(Tracks::Class(TrackClass::Audio)).or_default();
    audio.widevine.get_or_insert_with(|| WidevineOutput {
        security_level: Some(WidevineLevel::SwSecureCrypto),
        hdcp: Some(WidevineHdcp::None),
        ..WidevineOutput::default()
    });
}

pub(super) const SECURITY: &[u32] = &[150, 2000, 3000];
pub(super) const DIGITAL_VIDEO: &[u32] = &[100, 250, 270, 300, 301];
pub(super) const ANALOG_VIDEO: &[u32] = &[100, 150, 200, 201];
pub(super) const DIGITAL_AUDIO: &[u32] = &[100, 250, 300, 301];
