//! Makes license service messages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{
    DrmSystem, KeyId, Timestamp,
    json::{Object, Value},
};
use portcullis_terms::{
    Terms, Tracks,
    output::{Cgms, FairPlayHdcp, Output, WidevineHdcp},
    playback::{ConcurrencyMode, Limit, Playback},
};

use super::{CommunicationKey, keys::seal};
use crate::{
    claims::{Claims, Uses},
    jws,
    jwt::IssueError,
    members::time_text,
};

/// A license service message to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'a> {
    /// `id`: the message's own id, a GUID.
    pub id: Option<&'a str>,
    /// `begin_date`.
    pub begin: Option<Timestamp>,
    /// `expiration_date`.
    pub end: Option<Timestamp>,
    /// `message`: the entitlement message.
    pub message: &'a Object,
}

/// Signs a message. What the entitlement message says is not looked at: verify it.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(envelope: &Envelope<'_>, key: &CommunicationKey) -> Result<String, IssueError> {
    if let (Some(begin), Some(end)) = (envelope.begin, envelope.end)
        && begin >= end
    {
        return Err(IssueError::LifetimeEmpty);
    }
    let mut claims = Object::new();
    claims.insert("version".into(), 1.into());
    claims.insert("com_key_id".into(), key.id().to_string().into());
    claims.insert("message".into(), Value::Object(envelope.message.clone()));
    if let Some(id) = envelope.id {
        claims.insert("id".into(), id.into());
    }
    for (name, time) in [("begin_date", envelope.begin), ("expiration_date", envelope.end)] {
        if let Some(time) = time {
            let text = time_text(time).ok_or(IssueError::LifetimeEmpty)?;
            claims.insert(name.into(), text.into());
        }
    }
    jws::sign(&claims, &key.signing)
}

/// The `encrypted_key` for a content key.
///
/// # Errors
///
/// [`IssueError::Signing`] when the library cannot encrypt.
pub fn encrypt_key(
    key: &CommunicationKey,
    kid: KeyId,
    content_key: &[u8; 16],
) -> Result<String, IssueError> {
    seal(key, kid, content_key).map(|block| STANDARD.encode(block)).ok_or(IssueError::Signing)
}

/// The entitlement message that says what `claims` says, as far as it can.
pub(super) fn message_of(claims: &Claims) -> Object {
    let mut message = Object::new();
    message.insert("type".into(), "entitlement_message".into());
    message.insert("version".into(), 2.into());
    let policies: Vec<Value> = claims
        .terms
        .outputs
        .get(&Tracks::All)
        .filter(|output| !output.is_unsaid())
        .map(|output| usage_policy(output, "ALL"))
        .into_iter()
        .collect();
    let item = |kid: &KeyId| {
        let mut item = Object::new();
        item.insert("id".into(), kid.to_string().into());
        if !policies.is_empty() {
            item.insert("usage_policy".into(), "ALL".into());
        }
        Value::Object(item)
    };
    let inline = Value::Array(claims.kids.iter().map(item).collect());
    let source = [("inline".to_owned(), inline)].into_iter().collect();
    message.insert("content_keys_source".into(), Value::Object(source));
    if !policies.is_empty() {
        message.insert("content_key_usage_policies".into(), Value::Array(policies));
    }
    let mut put = |name: &str, section: Object| {
        if !section.is_empty() {
            message.insert(name.to_owned(), Value::Object(section));
        }
    };
    put("license", license(&claims.terms));
    let access = access(claims);
    if !access.is_empty() {
        let section = [("access_control".to_owned(), Value::Object(access))];
        put("license_server", section.into_iter().collect());
    }
    let user = claims.user.iter().map(|user| ("user_id".to_owned(), user.as_str().into()));
    put("session", user.collect());
    message
}

/// Collects members that are there.
#[derive(Default)]
struct Section(Object);

impl Section {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }
}

fn license(terms: &Terms) -> Object {
    let mut section = Section::default();
    let playback = &terms.playback;
    section.put("start_datetime", playback.not_before.and_then(time_text));
    section.put("expiration_datetime", playback.expires.and_then(time_text));
    section.put("concurrency_interval", terms.concurrency.interval_s);
    section.put("concurrency_grace_period", terms.concurrency.grace_s);
    common(&mut section, playback);
    for system in [DrmSystem::FairPlay, DrmSystem::PlayReady, DrmSystem::Widevine] {
        // Only systems have a playback duration and a strict end: what is said for all is
        // said for each.
        let own = terms.systems.get(&system).cloned().unwrap_or_default();
        let spread = Playback {
            playback: own.playback.or(playback.playback),
            cut_off: own.cut_off.or(playback.cut_off),
            ..own
        };
        let mut members = Section::default();
        common(&mut members, &spread);
        members.put("playback_duration", spread.playback.and_then(Limit::seconds));
        if system == DrmSystem::Widevine {
            members.put("real_time_duration_expiration", spread.cut_off);
            members.put("real_time_playback_expiration", spread.cut_off);
            members.put("allow_playback", spread.allowed.or(playback.allowed));
            let renewal = &terms.renewal;
            members.put("allow_renewal", renewal.allowed);
            members.put("renewal_delay", renewal.delay_s);
            members.put("renewal_retry_interval", renewal.retry_s);
            members.put("renewal_recovery", renewal.recovery_s);
            members.put("renew_with_usage", renewal.with_usage);
            members.put("renewal_url", renewal.url.as_deref());
        } else {
            members.put("real_time_expiration", spread.cut_off);
        }
        if !members.0.is_empty() {
            section.0.insert(system.as_str().to_owned(), Value::Object(members.0));
        }
    }
    section.0
}

fn common(section: &mut Section, playback: &Playback) {
    section.put("duration", playback.license.and_then(Limit::seconds));
    section.put("allow_persistence", playback.persistent);
}

fn access(claims: &Claims) -> Object {
    let mut section = Section::default();
    section.put("prevent_drm_message_reuse", (claims.uses == Uses::ONCE).then_some(true));
    let concurrency = &claims.terms.concurrency;
    section.put("concurrency_limit", concurrency.limit.map(u64::from));
    let mode = match concurrency.mode {
        Some(ConcurrencyMode::BlockNewDevice) => Some("BLOCK_NEW_DEVICE"),
        Some(ConcurrencyMode::None) => Some("NONE"),
        _ => None,
    };
    section.put("concurrency_mode", mode);
    let addresses = claims.addresses.iter().map(|address| address.to_string().into());
    let addresses: Vec<Value> = addresses.collect();
    section.put("allowed_ip_addresses", (!addresses.is_empty()).then_some(Value::Array(addresses)));
    section.0
}

fn usage_policy(output: &Output, name: &str) -> Value {
    let mut policy = Section::default();
    policy.put("name", Some(name));
    if let Some(own) = &output.widevine {
        let mut section = Section::default();
        section.put("device_security_level", own.security_level.map(|level| level.as_str()));
        let hdcp = own.hdcp.and_then(|hdcp| match hdcp {
            WidevineHdcp::NoDigitalOutput => None,
            WidevineHdcp::None => Some("none"),
            WidevineHdcp::V1 => Some("1.0"),
            WidevineHdcp::V2 => Some("2.0"),
            WidevineHdcp::V2_1 => Some("2.1"),
            WidevineHdcp::V2_2 => Some("2.2"),
            WidevineHdcp::V2_3 => Some("2.3"),
        });
        section.put("hdcp", hdcp);
        let cgms = own.cgms.map(|cgms| match cgms {
            Cgms::CopyFree => "free",
            Cgms::CopyNever => "never",
            Cgms::CopyOnce => "once",
            Cgms::None => "none",
        });
        section.put("cgms-a", cgms);
        policy.put("widevine", Some(Value::Object(section.0)));
    }
    if let Some(own) = &output.fairplay {
        let mut section = Section::default();
        let hdcp = own.hdcp.map(|hdcp| match hdcp {
            FairPlayHdcp::None => "NONE",
            FairPlayHdcp::Type0 => "TYPE0",
            FairPlayHdcp::Type1 => "TYPE1",
        });
        section.put("hdcp", hdcp);
        section.put("allow_airplay", own.allow_airplay);
        section.put("allow_av_adapter", own.allow_av_adapter);
        policy.put("fairplay", Some(Value::Object(section.0)));
    }
    if let Some(own) = &output.playready {
        let mut section = Section::default();
        for (name, level) in [
            ("min_device_security_level", own.security_level),
            ("compressed_digital_video_opl", own.compressed_video),
            ("uncompressed_digital_video_opl", own.uncompressed_video),
            ("analog_video_opl", own.analog_video),
            ("compressed_digital_audio_opl", own.compressed_audio),
            ("uncompressed_digital_audio_opl", own.uncompressed_audio),
        ] {
            section.put(name, level.map(u64::from));
        }
        let enablers = own
            .play_enablers
            .as_ref()
            .map(|ids| Value::Array(ids.iter().map(|id| id.as_str().into()).collect()));
        section.put("play_enablers", enablers);
        policy.put("playready", Some(Value::Object(section.0)));
    }
    Value::Object(policy.0)
}
