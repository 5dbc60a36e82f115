//! What device and outputs must be: the section `content_key_usage_policies`.
//!
//! A policy applies to the keys that name it. One that nobody names is not read; one that is
//! named must be there, once.

use portcullis_base::json::Value;
use portcullis_terms::output::{
    Cgms, FairPlayHdcp, FairPlayOutput, Output, PlayReadyOutput, Restriction, WidevineHdcp,
    WidevineLevel, WidevineOutput,
};

use crate::{fault::Fault, members::Members};

const PLACE: &str = "content_key_usage_policies";

/// The policy called `name`.
pub(super) fn find(policies: &[Value], name: &str) -> Result<Output, Fault> {
    let mut found = None;
    for policy in policies {
        let policy = Members::of(policy, PLACE)?;
        let own = policy.text("name")?.ok_or_else(|| policy.fault("name", "there"))?;
        if own == name && found.replace(policy).is_some() {
            return Err(Fault::Duplicate { what: "the name of a usage policy".to_owned() });
        }
    }
    let policy = found.ok_or_else(|| Fault::terms("a key names a usage policy that is not there"));
    read(policy?)
}

fn read(policy: Members<'_>) -> Result<Output, Fault> {
    policy.only(&["fairplay", "name", "playready", "widevine"])?;
    let fairplay = policy.object("fairplay", "content_key_usage_policies.fairplay")?;
    let playready = policy.object("playready", "content_key_usage_policies.playready")?;
    let widevine = policy.object("widevine", "content_key_usage_policies.widevine")?;
    Ok(Output {
        fairplay: fairplay.map(of_fairplay).transpose()?,
        playready: playready.map(of_playready).transpose()?,
        widevine: widevine.map(of_widevine).transpose()?,
        ..Output::default()
    })
}

fn of_fairplay(fairplay: Members<'_>) -> Result<FairPlayOutput, Fault> {
    fairplay.only(&["allow_airplay", "allow_av_adapter", "hdcp"])?;
    let hdcp = |value: &Value| match value.as_str()? {
        "NONE" => Some(FairPlayHdcp::None),
        "TYPE0" => Some(FairPlayHdcp::Type0),
        "TYPE1" => Some(FairPlayHdcp::Type1),
        _ => None,
    };
    Ok(FairPlayOutput {
        hdcp: fairplay.read("hdcp", "`NONE`, `TYPE0` or `TYPE1`", hdcp)?,
        allow_airplay: fairplay.flag("allow_airplay")?,
        allow_av_adapter: fairplay.flag("allow_av_adapter")?,
    })
}

fn of_widevine(widevine: Members<'_>) -> Result<WidevineOutput, Fault> {
    widevine.only(&["cgms-a", "device_security_level", "hdcp"])?;
    let hdcp = |value: &Value| match value.as_str()? {
        "1.0" | "1.1" | "1.2" | "1.3" | "1.4" => Some(WidevineHdcp::V1),
        "2.0" => Some(WidevineHdcp::V2),
        "2.1" => Some(WidevineHdcp::V2_1),
        "2.2" => Some(WidevineHdcp::V2_2),
        "2.3" => Some(WidevineHdcp::V2_3),
        none if none.eq_ignore_ascii_case("none") => Some(WidevineHdcp::None),
        _ => None,
    };
    let cgms = |value: &Value| match value.as_str()? {
        "free" => Some(Cgms::CopyFree),
        "never" => Some(Cgms::CopyNever),
        "once" => Some(Cgms::CopyOnce),
        none if none.eq_ignore_ascii_case("none") => Some(Cgms::None),
        _ => None,
    };
    let level = |value: &Value| WidevineLevel::from_word(value.as_str()?);
    Ok(WidevineOutput {
        security_level: widevine.read("device_security_level", "a level's name", level)?,
        hdcp: widevine.read("hdcp", "an HDCP version such as `2.2`", hdcp)?,
        cgms: widevine.read("cgms-a", "`free`, `once`, `never` or `none`", cgms)?,
        ..WidevineOutput::default()
    })
}

fn of_playready(playready: Members<'_>) -> Result<PlayReadyOutput, Fault> {
    playready.only(&[
        "analog_video_opl",
        "analog_video_output_protections",
        "compressed_digital_audio_opl",
        "compressed_digital_video_opl",
        "digital_video_output_protections",
        "min_device_security_level",
        "play_enablers",
        "source_id",
        "uncompressed_digital_audio_opl",
        "uncompressed_digital_video_opl",
    ])?;
    let level = |name| {
        let number = playready.number(name)?.map(u32::try_from).transpose();
        number.map_err(|_| playready.fault(name, "a level"))
    };
    let source = |value: &Value| match value {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        text => text.as_str()?.parse().ok(),
    };
    let enablers = playready.has("play_enablers").then(|| playready.texts("play_enablers"));
    Ok(PlayReadyOutput {
        security_level: level("min_device_security_level")?,
        compressed_video: level("compressed_digital_video_opl")?,
        uncompressed_video: level("uncompressed_digital_video_opl")?,
        analog_video: level("analog_video_opl")?,
        compressed_audio: level("compressed_digital_audio_opl")?,
        uncompressed_audio: level("uncompressed_digital_audio_opl")?,
        source_id: playready.read("source_id", "a number", source)?,
        play_enablers: enablers.transpose()?,
        analog_restrictions: restrictions(playready, "analog_video_output_protections")?,
        digital_restrictions: restrictions(playready, "digital_video_output_protections")?,
        ..PlayReadyOutput::default()
    })
}

fn restrictions(playready: Members<'_>, name: &str) -> Result<Option<Vec<Restriction>>, Fault> {
    if !playready.has(name) {
        return Ok(None);
    }
    let read = |value: &Value| {
        let one = Members::of(value, "content_key_usage_policies.playready.output_protections")?;
        one.only(&["config_data", "id"])?;
        let text = |name| one.text(name).map(|text| text.map(str::to_owned));
        Ok(Restriction { id: text("id")?, config: text("config_data")? })
    };
    playready.list(name)?.iter().map(read).collect::<Result<_, Fault>>().map(Some)
}
