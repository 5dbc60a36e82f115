//! Reads a policy of version 1 and turns it into what version 2 would say.
//!
//! It bears no version, so it is told by having none. A policy of version 2 whose version was
//! forgotten would lose its limits if it were read as one of version 1; it is refused by the
//! names it uses.
//!
//! SPEC: PallyCon License Token Guide v1.0; the conversion is ours.

use std::collections::BTreeMap;

use portcullis_base::json::Value;
use portcullis_terms::{
    Terms, Tracks,
    output::{
        FairPlayHdcp, FairPlayOutput, NcgOutput, Output, OutputControl, PlayReadyOutput,
        WidevineHdcp, WidevineLevel, WidevineOutput,
    },
    playback::{Limit, Playback},
};

use super::{Policy, keys, members::Members, v2};
use crate::fault::Fault;

pub(super) fn read(all: Members<'_>) -> Result<Policy, Fault> {
    let playback = all.object("playback_policy", "playback_policy")?;
    let security = all.get("security_policy");
    let newer = playback.is_some_and(|said| NEWER.iter().any(|name| said.get(name).is_some()));
    if MEMBERS.iter().all(|name| all.get(name).is_none())
        || newer
        || matches!(security, Some(Value::Array(_)))
    {
        return Err(Fault::terms("`policy_version` is missing"));
    }
    let mut terms = Terms::default();
    if let Some(said) = playback {
        terms.playback = read_playback(&said)?;
    }
    if let Some(said) = all.object("security_policy", "security_policy")? {
        terms.outputs = read_security(&said)?;
    }
    Ok(Policy { terms, keys: keys::read(&all)? })
}

fn read_playback(said: &Members<'_>) -> Result<Playback, Fault> {
    let limit = said.flag("limit")?;
    let duration = said.count("duration")?.map(Limit::from_zero_is_unlimited);
    let expires = said.time("expire_date")?;
    let mut playback = Playback { persistent: said.flag("persistent")?, ..Playback::default() };
    match limit {
        Some(true) => {
            let lasting = duration.is_some_and(|duration| duration.seconds().is_some());
            playback.license = duration;
            playback.expires = expires.filter(|_| !lasting);
        }
        // Times count only under a limit.
        Some(false) => playback.license = Some(Limit::Unlimited),
        // Version 1 counts no time without saying so: this is a version 2 that does not say it.
        None if duration.is_some() || expires.is_some() => {
            return Err(Fault::terms("`policy_version` is missing"));
        }
        None => {}
    }
    Ok(playback)
}

fn read_security(said: &Members<'_>) -> Result<BTreeMap<Tracks, Output>, Fault> {
    let protect = said.object("output_protect", "security_policy.output_protect")?;
    let external = protect.map(|said| said.flag("allow_external_display")).transpose()?.flatten();
    let control = protect.map(|said| v2::control(&said, "control_hdcp", 2)).transpose()?.flatten();
    let abnormal = said.flag("allow_mobile_abnormal_device")?;
    let level = said.level("playready_security_level", PLAYREADY)?;
    let hardware = said.flag("hardware_drm")? == Some(true);

    let mut all = Output::default();
    if external.is_some() || control.is_some() || abnormal.is_some() {
        all.ncg = Some(NcgOutput {
            allow_abnormal_device: abnormal,
            allow_external_display: external,
            hdcp: control,
        });
    }
    if level.is_some() {
        let playready = PlayReadyOutput { security_level: level, ..PlayReadyOutput::default() };
        all.playready = Some(playready);
    }
    // Hardware decoders and HDCP are for pictures.
    let mut video = Output::default();
    let (hdcp, fairplay) = match control {
        Some(OutputControl::Hdcp1) => (Some(WidevineHdcp::V1), Some(FairPlayHdcp::Type0)),
        Some(OutputControl::Hdcp2) => (Some(WidevineHdcp::V2_2), Some(FairPlayHdcp::Type1)),
        _ => (None, None),
    };
    if hardware || hdcp.is_some() {
        video.widevine = Some(WidevineOutput {
            security_level: hardware.then_some(WidevineLevel::HwSecureAll),
            hdcp,
            ..WidevineOutput::default()
        });
    }
    if fairplay.is_some() {
        video.fairplay = Some(FairPlayOutput { hdcp: fairplay, ..FairPlayOutput::default() });
        video.playready = Some(PlayReadyOutput {
            compressed_video: Some(300),
            uncompressed_video: Some(300),
            hdcp_type_1: (control == Some(OutputControl::Hdcp2)).then_some(true),
            ..PlayReadyOutput::default()
        });
    }
    let entries = [(Tracks::All, all), (Tracks::AllVideo, video)];
    Ok(entries.into_iter().filter(|(_, output)| !output.is_unsaid()).collect())
}

/// What only a `playback_policy` of version 2 has.
/// A policy with none of these says nothing in any version.
const MEMBERS: [&str; 4] =
    ["external_key", "external_policy", "playback_policy", "security_policy"];
const NEWER: [&str; 6] = [
    "allowed_track_types",
    "license_duration",
    "max_stream_per_user",
    "playback_duration",
    "renewal_duration",
    "rental_duration",
];

const PLAYREADY: &[u32] = &[150, 2000];

#[cfg(test)]
mod tests {
    use super::super::read;

    #[test]
    fn a_policy_without_a_version_is_not_read_without_its_times() {
        let check = |text: &str, taken: bool| assert_eq!(read(text.as_bytes()).is_ok(), taken);
        check(r#"{"playback_policy":{"limit":true,"duration":60}}"#, true);
        check(r#"{"playback_policy":{"limit":false,"duration":60}}"#, true);
        check(r#"{"playback_policy":{"persistent":false}}"#, true);
        check(r#"{"playback_policy":{"duration":60}}"#, false);
        check(r#"{"playback_policy":{"expire_date":"2020-01-01T00:00:00Z"}}"#, false);
        check(r#"{"x":1}"#, false);
    }
}
