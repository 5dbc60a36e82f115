//! Writes a policy of version 2: compact JSON, members in the guide's order.
//!
//! It writes what the format can say and leaves out the rest. Where the format knows only a
//! wider or a narrower word for a set of classes or a time, it takes the nearest; a caller who
//! must know what was lost reads the policy again and compares.

use std::fmt::Display;

use portcullis_base::{Timestamp, TrackClass};
use portcullis_terms::{
    ClassSet, Terms, Tracks,
    output::{
        FairPlayHdcp, FairPlayOutput, NcgOutput, Output, OutputControl, PlayReadyOutput,
        WidevineOutput, WisePlayOutput,
    },
    playback::{Limit, Playback},
};
use zeroize::Zeroizing;

use super::{
    super::timestamp,
    members::COUNT_MAX,
    v2::{ANALOG_VIDEO, DIGITAL_AUDIO, DIGITAL_VIDEO, SECURITY},
};
use crate::claims::{InlineKey, KeyPurpose, TokenSystem};

/// The policy that says what `terms` say for a license of `system`, and brings `keys` along.
#[must_use]
pub fn write(terms: &Terms, keys: &[InlineKey], system: Option<TokenSystem>) -> Zeroizing<String> {
    let mut json = Json::new();
    json.number("policy_version", Some(2));
    if let Some(playback) = write_playback(terms, system) {
        json.raw("playback_policy", &playback);
    }
    if let Some(security) = write_security(terms) {
        json.raw("security_policy", &security);
    }
    if let Some(keys) = write_keys(keys) {
        json.raw("external_key", &keys);
    }
    json.close()
}

/// The `playback_policy`, unless nothing is to be said.
pub(crate) fn write_playback(
    terms: &Terms,
    system: Option<TokenSystem>,
) -> Option<Zeroizing<String>> {
    let mut json = Json::new();
    for (name, text) in playback_members(terms, system) {
        json.raw(name, &text);
    }
    (!json.is_empty()).then(|| json.close())
}

/// The members of the `playback_policy`, with their values as JSON.
pub(crate) fn playback_members(
    terms: &Terms,
    system: Option<TokenSystem>,
) -> Vec<(&'static str, String)> {
    let playback = match system {
        Some(TokenSystem::Known(system)) => terms.playback_for(system),
        _ => terms.playback.clone(),
    };
    let seconds = |limit: Option<Limit>| {
        limit.map(|limit| limit.seconds().map_or(0, |seconds| seconds.min(COUNT_MAX)))
    };
    let count = |number: Option<u64>| number.filter(|number| (1..=COUNT_MAX).contains(number));
    let text = |number: Option<u64>| number.map(|number| number.to_string());
    let quoted = |text: String| format!("\"{text}\"");
    let renewal = terms.renewal.delay_s.filter(|_| terms.renewal.allowed != Some(false));
    let streams = terms.concurrency.limit.map(u64::from);
    let members = [
        ("persistent", playback.persistent.map(|truth| truth.to_string())),
        ("license_duration", text(seconds(playback.license))),
        ("expire_date", expiry(&playback).and_then(timestamp::write).map(quoted)),
        ("rental_duration", text(seconds(playback.rental))),
        ("playback_duration", text(seconds(playback.playback))),
        ("allowed_track_types", terms.classes.map(|set| quoted(classes(set).to_owned()))),
        ("max_stream_per_user", text(count(streams))),
        ("renewal_duration", text(count(renewal))),
    ];
    members.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
}

/// An end beside a duration would be ignored.
fn expiry(playback: &Playback) -> Option<Timestamp> {
    let lasting = playback.license.is_some_and(|license| license.seconds().is_some());
    playback.expires.filter(|_| !lasting)
}

/// The narrowest word that leaves out no class of the set.
fn classes(set: ClassSet) -> &'static str {
    match set.iter().last() {
        None | Some(TrackClass::Audio | TrackClass::Sd) => "SD_ONLY",
        Some(TrackClass::Hd) => "SD_HD",
        Some(TrackClass::Uhd1) => "SD_UHD1",
        Some(TrackClass::Uhd2) => "ALL",
    }
}

/// The `security_policy`, unless nothing is to be said.
pub(crate) fn write_security(terms: &Terms) -> Option<String> {
    let entries: Vec<String> =
        terms.outputs.iter().map(|(tracks, output)| write_entry(*tracks, output)).collect();
    (!entries.is_empty()).then(|| format!("[{}]", entries.join(",")))
}

fn write_entry(tracks: Tracks, output: &Output) -> String {
    let mut json = Json::new();
    json.text("track_type", Some(tracks));
    let members = [
        ("widevine", output.widevine.as_ref().map(write_widevine)),
        ("playready", output.playready.as_ref().map(write_playready)),
        ("fairplay", output.fairplay.as_ref().map(write_fairplay)),
        ("ncg", output.ncg.as_ref().map(write_ncg)),
        ("wiseplay", output.wiseplay.as_ref().map(write_wiseplay)),
    ];
    for (name, text) in members {
        if let Some(text) = text {
            json.raw(name, &text);
        }
    }
    json.close().to_string()
}

fn write_widevine(said: &WidevineOutput) -> Zeroizing<String> {
    let mut json = Json::new();
    json.number("security_level", said.security_level.map(|level| level.number()));
    json.text("required_hdcp_version", said.hdcp);
    json.text("required_cgms_flags", said.cgms);
    json.flag("disable_analog_output", said.disable_analog);
    json.text("hdcp_srm_rule", said.hdcp_srm);
    json.flag("override_device_revocation", said.override_device_revocation);
    json.flag("enable_license_cipher", said.license_cipher);
    json.flag("allow_test_device", said.allow_test_device);
    json.close()
}

fn write_playready(said: &PlayReadyOutput) -> Zeroizing<String> {
    // One word for both kinds of output: the stricter of the two.
    let level = |levels: &[u32], a: Option<u32>, b: Option<u32>| {
        a.max(b).filter(|level| levels.contains(level)).map(u64::from)
    };
    let video = level(DIGITAL_VIDEO, said.compressed_video, said.uncompressed_video);
    let audio = level(DIGITAL_AUDIO, said.compressed_audio, said.uncompressed_audio);
    let mut json = Json::new();
    json.number("security_level", level(SECURITY, said.security_level, None));
    json.number("digital_video_protection_level", video);
    json.number("analog_video_protection_level", level(ANALOG_VIDEO, said.analog_video, None));
    json.number("digital_audio_protection_level", audio);
    json.flag("require_hdcp_type_1", said.hdcp_type_1);
    json.flag("enable_license_cipher", said.license_cipher);
    json.close()
}

fn write_fairplay(said: &FairPlayOutput) -> Zeroizing<String> {
    let hdcp = said.hdcp.map(|hdcp| match hdcp {
        FairPlayHdcp::None => "-1",
        FairPlayHdcp::Type0 => "0",
        FairPlayHdcp::Type1 => "1",
    });
    let mut json = Json::new();
    if let Some(hdcp) = hdcp {
        json.raw("hdcp_enforcement", hdcp);
    }
    json.flag("allow_airplay", said.allow_airplay);
    json.flag("allow_av_adapter", said.allow_av_adapter);
    json.close()
}

fn write_ncg(said: &NcgOutput) -> Zeroizing<String> {
    let mut json = Json::new();
    json.flag("allow_mobile_abnormal_device", said.allow_abnormal_device);
    json.flag("allow_external_display", said.allow_external_display);
    let hdcp = said.hdcp.map(control).filter(|control| *control <= 2);
    json.number("control_hdcp", hdcp);
    json.close()
}

fn write_wiseplay(said: &WisePlayOutput) -> Zeroizing<String> {
    let mut json = Json::new();
    json.number("security_level", said.security_level.map(|level| level.number()));
    json.number("output_control", said.output.map(control));
    json.close()
}

const fn control(control: OutputControl) -> u64 {
    match control {
        OutputControl::Free => 0,
        OutputControl::Hdcp1 => 1,
        OutputControl::Hdcp2 => 2,
        OutputControl::Forbidden => 3,
    }
}

/// The `external_key`, unless there is none.
pub(crate) fn write_keys(keys: &[InlineKey]) -> Option<Zeroizing<String>> {
    let mut json = Json::new();
    for (name, purpose) in [("mpeg_cenc", KeyPurpose::Cenc), ("hls_aes", KeyPurpose::Hls)] {
        let entries = keys.iter().filter(|key| key.purpose == purpose).filter_map(write_key);
        let entries: Vec<Zeroizing<String>> = entries.collect();
        let mut list = Zeroizing::new(String::new());
        for entry in &entries {
            let join = if list.is_empty() { "" } else { "," };
            list.push_str(join);
            list.push_str(entry);
        }
        if !list.is_empty() {
            json.raw(name, &Zeroizing::new(format!("[{}]", list.as_str())));
        }
    }
    if let Some(key) = keys.iter().find(|key| key.purpose == KeyPurpose::Ncg) {
        let mut ncg = Json::new();
        ncg.hex("cek", Some(key.key.expose()));
        ncg.text("track_type", Some(key.tracks).filter(|tracks| *tracks != Tracks::All));
        json.raw("ncg", &ncg.close());
    }
    (!json.is_empty()).then(|| json.close())
}

/// A key as the format needs it: with an id for common encryption, with a vector for HLS.
fn write_key(key: &InlineKey) -> Option<Zeroizing<String>> {
    let mut json = Json::new();
    json.text("track_type", Some(key.tracks));
    match key.purpose {
        KeyPurpose::Cenc => json.hex("key_id", Some(key.kid?.as_bytes())),
        KeyPurpose::Hls => {
            json.hex("key_id", key.kid.as_ref().map(|kid| kid.as_bytes().as_slice()))
        }
        KeyPurpose::Ncg => return None,
    }
    json.hex("key", Some(key.key.expose()));
    if key.purpose == KeyPurpose::Hls {
        key.iv?;
    }
    json.hex("iv", key.iv.as_ref().map(<[u8; 16]>::as_slice));
    Some(json.close())
}

/// An object that is being written. Wiped when dropped, for it may hold keys.
struct Json(Zeroizing<String>);

impl Json {
    fn new() -> Self {
        Self(Zeroizing::new(String::with_capacity(256)))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A member whose value is JSON already.
    fn raw(&mut self, name: &str, value: &str) {
        for part in [if self.is_empty() { "{\"" } else { ",\"" }, name, "\":", value] {
            self.0.push_str(part);
        }
    }

    fn number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.raw(name, &value.to_string());
        }
    }

    fn flag(&mut self, name: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.raw(name, if value { "true" } else { "false" });
        }
    }

    /// A word, which has nothing in it that needs an escape.
    fn text(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.raw(name, &format!("\"{value}\""));
        }
    }

    fn hex(&mut self, name: &str, value: Option<&[u8]>) {
        if let Some(value) = value {
            let digits = Zeroizing::new(hex::encode(value));
            self.raw(name, &Zeroizing::new(format!("\"{}\"", digits.as_str())));
        }
    }

    fn close(mut self) -> Zeroizing<String> {
        let end = if self.is_empty() { "{}" } else { "}" };
        self.0.push_str(end);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use portcullis_base::DrmSystem;

    use super::{super::read, *};

    #[track_caller]
    fn same(text: &str) {
        let policy = read(text.as_bytes()).unwrap();
        let system = Some(TokenSystem::Known(DrmSystem::Widevine));
        assert_eq!(write(&policy.terms, &policy.keys, system).as_str(), text);
    }

    #[test]
    fn every_member_is_written_as_it_was_read() {
        same(r#"{"policy_version":2}"#);
        same(r#"{"policy_version":2,"playback_policy":{"persistent":false}}"#);
        same(concat!(
            r#"{"policy_version":2,"playback_policy":{"persistent":true,"license_duration":0,"#,
            r#""expire_date":"2031-12-31T23:59:59Z","rental_duration":2592000,"#,
            r#""playback_duration":172800,"allowed_track_types":"SD_UHD1","#,
            r#""max_stream_per_user":2,"renewal_duration":600},"#,
            r#""security_policy":[{"track_type":"ALL","widevine":{"security_level":2,"#,
            r#""required_hdcp_version":"HDCP_V2_3","required_cgms_flags":"COPY_ONCE","#,
            r#""disable_analog_output":true,"hdcp_srm_rule":"CURRENT_SRM","#,
            r#""override_device_revocation":true,"enable_license_cipher":true,"#,
            r#""allow_test_device":false},"playready":{"security_level":3000,"#,
            r#""digital_video_protection_level":270,"analog_video_protection_level":201,"#,
            r#""digital_audio_protection_level":301,"require_hdcp_type_1":true,"#,
            r#""enable_license_cipher":false},"fairplay":{"hdcp_enforcement":-1,"#,
            r#""allow_airplay":false,"allow_av_adapter":true},"ncg":{"#,
            r#""allow_mobile_abnormal_device":true,"allow_external_display":false,"#,
            r#""control_hdcp":2},"wiseplay":{"security_level":3,"output_control":3}},"#,
            r#"{"track_type":"ALL_VIDEO"},{"track_type":"UHD2","fairplay":{}}],"#,
            r#""external_key":{"mpeg_cenc":[{"track_type":"SD","#,
            r#""key_id":"10000000100010001000100000000001","#,
            r#""key":"3a2a1b68dd2bd9b2eeb25e84c4776668"},{"track_type":"AUDIO","#,
            r#""key_id":"10000000100010001000100000000002","#,
            r#""key":"04abe57a9f6c4c04a8d1c1ae5ed1d3ce","#,
            r#""iv":"00000000000000000000000000000001"}],"hls_aes":[{"track_type":"ALL","#,
            r#""key":"3a2a1b68dd2bd9b2eeb25e84c4776668","#,
            r#""iv":"00000000000000000000000000000002"}],"ncg":{"#,
            r#""cek":"3a2a1b68dd2bd9b2eeb25e84c47766683a2a1b68dd2bd9b2eeb25e84c4776668","#,
            r#""track_type":"HD"}}}"#,
        ));
    }

    #[test]
    fn what_the_format_cannot_say_becomes_the_nearest_it_can() {
        let check = |set: &[TrackClass], expected: &str| {
            let classes = Some(set.iter().copied().collect());
            let terms = Terms { classes, ..Terms::default() };
            let members = playback_members(&terms, None);
            assert_eq!(members, [("allowed_track_types", format!("\"{expected}\""))], "{set:?}");
        };
        check(&[], "SD_ONLY");
        check(&[TrackClass::Audio], "SD_ONLY");
        check(&[TrackClass::Hd], "SD_HD");
        check(&[TrackClass::Audio, TrackClass::Uhd1], "SD_UHD1");
        check(&[TrackClass::Uhd2], "ALL");

        let mut terms = Terms::default();
        terms.playback.license = Some(Limit::Seconds(COUNT_MAX + 1));
        terms.playback.expires = Some(Timestamp(1));
        assert_eq!(
            playback_members(&terms, None),
            [("license_duration", COUNT_MAX.to_string())],
            "a duration stands in front of an end"
        );
    }
}
