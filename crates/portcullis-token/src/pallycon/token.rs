//! A token's text, and the walk of checks over it.
//!
//! The order is the vendor's: form, DRM type, site, ids, timestamp, hash, times, and only then
//! the policy is decrypted. The system and the content must be those of the request, and a
//! request that does not say them is refused.
//!
//! SPEC: License Token Guide; SEC-20 to 24, SEC-36.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use portcullis_base::{
    Timestamp,
    json::{self, JsonFault, Limits, Object, Value},
};
use zeroize::Zeroizing;

use super::{
    DrmTypeCase, Hint, KeyRotation, NO_USER, PallyConClaims, PallyConKeys, PallyConSettings,
    PallyConSite, ResponseFormat, TOKEN_BYTES_MAX, UserIdRule,
    claims::{identity, note_hints},
    policy::{self, Policy},
    system, timestamp,
};
use crate::{
    Verified,
    claims::{Claims, TokenSystem},
    fault::{Fault, Refused, Step},
    watch::{Strict, Watch},
};

/// A token that was read and not yet verified. It shows nothing of what it says but the site
/// whose keys it needs.
pub struct PallyConToken {
    drm_type: Option<String>,
    site_id: String,
    user_id: String,
    cid: String,
    policy: String,
    timestamp: String,
    hash: String,
    hints: Hints,
}

/// Reads a token: base64 with line breaks and blanks left out, then strict JSON.
///
/// # Errors
///
/// Says which rule of the text is broken, or which member is missing or no text.
pub fn parse(raw: &str) -> Result<PallyConToken, Refused> {
    PallyConToken::from_members(members(raw)?)
}

/// The members of a token.
pub(super) fn members(raw: &str) -> Result<Object, Refused> {
    if raw.is_empty() {
        return Err(Fault::Absent.at(Step::Presence));
    }
    object(raw).map_err(|fault| fault.at(Step::Form))
}

fn object(raw: &str) -> Result<Object, Fault> {
    if raw.len() > TOKEN_BYTES_MAX {
        return Err(Fault::TooLong { bytes_max: TOKEN_BYTES_MAX });
    }
    let text = decode(raw).ok_or_else(|| Fault::malformed("it is not padded base64"))?;
    match json::parse(&text, &LIMITS) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Fault::malformed("it is not a JSON object")),
        Err(error) if error.fault == JsonFault::Duplicate => {
            Err(Fault::Duplicate { what: format!("{error}") })
        }
        Err(error) => Err(Fault::malformed(format!("it is not strict JSON: {error}"))),
    }
}

/// Most tokens hold neither line breaks nor blanks.
fn decode(raw: &str) -> Option<Vec<u8>> {
    let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\t' | b' ');
    STANDARD.decode(raw).ok().or_else(|| {
        let text: Vec<u8> = raw.bytes().filter(|byte| !blank(byte)).collect();
        STANDARD.decode(text).ok()
    })
}

impl PallyConToken {
    pub(super) fn from_members(members: Object) -> Result<Self, Refused> {
        if is_custom_data(&members) {
            return Err(Fault::Kind { what: CUSTOM_DATA }.at(Step::Kind));
        }
        Self::read(members).map_err(|fault| fault.at(Step::Form))
    }

    fn read(members: Object) -> Result<Self, Fault> {
        let mut texts: [Option<String>; 6] = Default::default();
        let [site_id, user_id, cid, policy, timestamp, hash] = &mut texts;
        let (mut drm_type, mut hints, mut policies) = (Ok(None), Hints::default(), 0);
        for (name, value) in members {
            match name.as_str() {
                "cid" => *cid = text(value),
                "drm_type" => drm_type = text(value).map(Some).ok_or("drm_type"),
                "hash" => *hash = text(value),
                "key_rotation" => hints.key_rotation = key_rotation(&value),
                "response_format" => hints.response_format = response_format(&value),
                "site_id" => *site_id = text(value),
                "timestamp" => *timestamp = text(value),
                "user_id" => *user_id = text(value),
                POLICY | POLICY_ALIAS => {
                    if policies > 0 {
                        let what = format!("`{POLICY}`, once as `{POLICY_ALIAS}`");
                        return Err(Fault::Duplicate { what });
                    }
                    (*policy, policies) = (text(value), 1);
                }
                _ => {}
            }
        }
        let names = ["site_id", "user_id", "cid", POLICY, "timestamp", "hash"];
        let lacks = |name: &str| Fault::Incomplete { name: name.to_owned() };
        let missing = texts.iter().zip(names).find(|(text, _)| text.is_none());
        if let Some((_, name)) = missing {
            return Err(lacks(name));
        }
        let drm_type = drm_type.map_err(lacks)?;
        let [site_id, user_id, cid, policy, timestamp, hash] = texts.map(Option::unwrap_or_default);
        Ok(Self { drm_type, site_id, user_id, cid, policy, timestamp, hash, hints })
    }

    /// The site the token says it is of, with which its keys are found.
    #[must_use]
    pub fn site_id(&self) -> &str {
        &self.site_id
    }

    /// Checks the token. `site` and `asked` may be missing for an explanation only.
    pub(super) fn walk<W: Watch>(
        &self,
        site: Option<&PallyConSite>,
        asked: Option<&Asked<'_>>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<Found, W::Stop> {
        let settings = site.map_or_else(PallyConSettings::default, |site| site.settings);
        let mut found = Found { system: self.system(settings.drm_type_case), ..Found::default() };
        let known = found.system.ok_or_else(|| claim("drm_type"));
        watch.check(Step::Kind, known.map(drop), || {
            format!("`drm_type` is {}", self.drm_type.as_deref().unwrap_or("left out"))
        })?;
        match site {
            None => watch.skip(Step::Key, NO_KEY),
            Some(site) => {
                let known = if site.id() == self.site_id { Ok(()) } else { Err(Fault::Key) };
                watch.check(Step::Key, known, || format!("the site is {}", site.id()))?;
            }
        }
        watch.check(Step::Form, self.check_form(), || "ids and hints are in bounds".to_owned())?;
        found.timestamp = timestamp::read(&self.timestamp);
        let known = found.timestamp.ok_or_else(|| claim("timestamp"));
        watch.check(Step::Form, known.map(drop), || "the timestamp is exact".to_owned())?;

        let keys = match site {
            None => {
                watch.skip(Step::Signature, NO_KEY);
                None
            }
            Some(site) => {
                let made = self.signer(site, found.system);
                found.hash = made.map(|(_, hash)| hash);
                let outcome = made.map(drop).ok_or(Fault::Signature);
                watch.check(Step::Signature, outcome, || "the hash is right".to_owned())?;
                made.map(|(keys, _)| keys)
            }
        };
        self.check_times(&mut found, &settings, now, watch)?;
        if settings.user_id == UserIdRule::Any {
            watch.skip(Step::Claims, "the site has no rule for user ids");
        } else {
            let admitted = settings.user_id.admits(&self.user_id);
            let outcome = if admitted { Ok(()) } else { Err(claim("user_id")) };
            watch
                .check(Step::Claims, outcome, || "the user id obeys the site's rule".to_owned())?;
        }
        self.check_policy(&mut found, keys, site.is_some(), watch)?;
        self.check_request(&found, asked, watch)?;
        Ok(found)
    }

    fn system(&self, case: DrmTypeCase) -> Option<TokenSystem> {
        match &self.drm_type {
            None => Some(system::DEFAULT),
            Some(word) => system::from_word(word, case),
        }
    }

    fn check_form(&self) -> Result<(), Fault> {
        check_ids(&self.user_id, &self.cid)?;
        self.hints.response_format.map(drop).map_err(claim)?;
        self.hints.key_rotation.map(drop).map_err(claim)
    }

    /// The pair of keys with which the hash was made, and the hash.
    ///
    /// The vendor's server does not mind the case of `drm_type` in the hash, so a word in
    /// another case is tried as sent and in its usual spelling. A token without the member is
    /// hashed with the word it stands for.
    fn signer<'a>(
        &self,
        site: &'a PallyConSite,
        known: Option<TokenSystem>,
    ) -> Option<(&'a PallyConKeys, [u8; 32])> {
        let hash: [u8; 32] = decode_exact(&self.hash)?;
        let usual = known.and_then(system::word);
        let sent = self.drm_type.as_deref().or(usual)?;
        let usual = usual.filter(|usual| *usual != sent);
        let usual = usual.filter(|_| site.settings.drm_type_case == DrmTypeCase::Lenient);
        let [site_id, user, cid] = [&self.site_id, &self.user_id, &self.cid];
        let made = |keys: &&PallyConKeys| {
            [Some(sent), usual].into_iter().flatten().any(|word| {
                keys.agrees(&[word, site_id, user, cid, &self.policy, &self.timestamp], &hash)
            })
        };
        site.pairs().find(made).map(|keys| (keys, hash))
    }

    fn check_times<W: Watch>(
        &self,
        found: &mut Found,
        settings: &PallyConSettings,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let Some(start) = found.timestamp else { return Ok(()) };
        // SPEC: the last second is inside.
        let end = start.saturating_add(settings.duration).saturating_add(Duration::from_secs(1));
        found.end = Some(end);
        let outcome = if start > now.saturating_add(settings.skew) {
            Err(Fault::NotYet { start })
        } else if now >= end {
            Err(Fault::Expired { end })
        } else {
            Ok(())
        };
        let left = now.until(end).as_secs().saturating_sub(1);
        watch.check(Step::Times, outcome, || format!("it may be used for {left} s more"))
    }

    fn check_policy<W: Watch>(
        &self,
        found: &mut Found,
        keys: Option<&PallyConKeys>,
        keyed: bool,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        // SECURITY: without a hash that is right nothing is decrypted, in an explanation
        // either: what it says must not tell good padding from bad.
        let Some(keys) = keys else {
            watch.skip(Step::Terms, if keyed { "the hash is wrong" } else { NO_KEY });
            return Ok(());
        };
        let opened = self.open(keys);
        let (policy, text) = match opened {
            None => (Err(Fault::Undecryptable), None),
            Some(text) => (policy::read(&text), Some(text)),
        };
        found.policy_text = text;
        let outcome = policy.map(|policy| found.policy = Some(policy));
        watch.check(Step::Terms, outcome, || "the policy can be read".to_owned())
    }

    fn open(&self, keys: &PallyConKeys) -> Option<Zeroizing<Vec<u8>>> {
        let mut text = Zeroizing::new(STANDARD.decode(&self.policy).ok()?);
        let length = keys.open(&mut text)?.len();
        text.truncate(length);
        Some(text)
    }

    fn check_request<W: Watch>(
        &self,
        found: &Found,
        asked: Option<&Asked<'_>>,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let Some(asked) = asked else {
            watch.skip(Step::System, NO_REQUEST);
            watch.skip(Step::Content, NO_REQUEST);
            return Ok(());
        };
        let outcome = match asked.system {
            None => Err(Fault::RequestLacks { what: "DRM system" }),
            Some(system) if Some(system) != found.system => Err(Fault::System),
            Some(_) => Ok(()),
        };
        watch.check(Step::System, outcome, || "it is for the system asked for".to_owned())?;
        // SECURITY: the hash would hold as well with the end of the user id moved to the cid.
        let outcome = match asked.content {
            None => Err(Fault::RequestLacks { what: "content" }),
            Some(content) if content != self.cid => Err(Fault::Content),
            Some(_) => Ok(()),
        };
        watch.check(Step::Content, outcome, || "it is for the content asked for".to_owned())
    }

    /// What the token says, as far as it could be read.
    pub(super) fn claims(self, found: Found, settings: &PallyConSettings) -> Claims {
        let mut claims = Claims {
            issued_at: found.timestamp,
            start: found.timestamp,
            end: found.end,
            identity: found.hash.and_then(|hash| identity(&self.site_id, &hash)),
            uses: settings.uses,
            user: Some(self.user_id).filter(|user| user != NO_USER),
            content: Some(self.cid),
            system: found.system,
            ..Claims::default()
        };
        claims.issuer = Some(self.site_id);
        if let Some(policy) = found.policy {
            (claims.terms, claims.keys) = (policy.terms, policy.keys);
        }
        let (response_format, key_rotation) = self.hints.heed(settings);
        note_hints(&mut claims.other, response_format, key_rotation);
        claims
    }
}

impl fmt::Debug for PallyConToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PallyConToken(unverified)")
    }
}

/// Verifies a token for one request.
///
/// # Errors
///
/// Says which check failed. The client is to be told the
/// [`outside_code`](super::outside_code) at most.
pub fn verify(
    raw: &str,
    site: &PallyConSite,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Verified<PallyConClaims>, Refused> {
    let token = parse(raw)?;
    let found = token.walk(Some(site), Some(asked), now, &mut Strict)?;
    let missing = || Fault::malformed("it could not be read whole").at(Step::Form);
    let (response_format, key_rotation) = token.hints.heed(&site.settings);
    // A strict walk that came to its end found them all.
    Ok(Verified::new(PallyConClaims {
        site_id: token.site_id,
        system: found.system.ok_or_else(missing)?,
        user: Some(token.user_id).filter(|user| user != NO_USER),
        content: token.cid,
        timestamp: found.timestamp.ok_or_else(missing)?,
        end: found.end.ok_or_else(missing)?,
        policy: found.policy.ok_or_else(missing)?,
        response_format,
        key_rotation,
        uses: site.settings.uses,
        hash: found.hash.ok_or_else(missing)?,
    }))
}

/// What a request asks for, as far as it says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// The DRM system, by route or challenge.
    pub system: Option<TokenSystem>,
    /// The content, by route, PSSH or key ids; not by the token.
    pub content: Option<&'a str>,
}

/// What a walk found on its way.
#[derive(Default)]
pub(super) struct Found {
    pub(super) system: Option<TokenSystem>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) hash: Option<[u8; 32]>,
    pub(super) policy: Option<Policy>,
    /// The policy decrypted. It may hold keys.
    pub(super) policy_text: Option<Zeroizing<Vec<u8>>>,
}

/// Whether this is the callback type's custom data, which travels in the same places.
pub(super) fn is_custom_data(members: &Object) -> bool {
    let policy = members.contains_key(POLICY) || members.contains_key(POLICY_ALIAS);
    members.contains_key("data") && !policy
}

/// Checks the ids a token is made of.
pub(super) fn check_ids(user_id: &str, cid: &str) -> Result<(), Fault> {
    let plain = |text: &str| !text.chars().any(char::is_control);
    if !(1..=USER_CHARS_MAX).contains(&user_id.chars().count()) || !plain(user_id) {
        return Err(claim("user_id"));
    }
    if !(1..=CID_BYTES_MAX).contains(&cid.len()) || !plain(cid) {
        return Err(claim("cid"));
    }
    Ok(())
}

/// The members that are not under the hash, or the name of the one that is wrong.
#[derive(Clone, Copy)]
struct Hints {
    response_format: Result<ResponseFormat, &'static str>,
    key_rotation: Result<KeyRotation, &'static str>,
}

impl Hints {
    /// The hints as the site takes them.
    fn heed(self, settings: &PallyConSettings) -> (ResponseFormat, KeyRotation) {
        let format = match settings.response_format {
            Hint::Heed => self.response_format.unwrap_or_default(),
            Hint::Ignore => ResponseFormat::default(),
        };
        let rotation = match settings.key_rotation {
            Hint::Heed => self.key_rotation.unwrap_or_default(),
            Hint::Ignore => KeyRotation::default(),
        };
        (format, rotation)
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            response_format: Ok(ResponseFormat::default()),
            key_rotation: Ok(KeyRotation::default()),
        }
    }
}

fn response_format(value: &Value) -> Result<ResponseFormat, &'static str> {
    value.as_str().and_then(ResponseFormat::from_word).ok_or("response_format")
}

fn key_rotation(value: &Value) -> Result<KeyRotation, &'static str> {
    match value {
        Value::Bool(rotating) => Ok(KeyRotation::of(*rotating)),
        _ => Err("key_rotation"),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn claim(name: &'static str) -> Fault {
    Fault::Claim { name: name.to_owned() }
}

fn decode_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // The decoder asks for room by the length of the text: for three bytes more, at most.
    let mut room = [0; 48];
    let length = STANDARD.decode_slice(text, &mut room).ok()?;
    bytes.copy_from_slice(room.get(..length).filter(|room| room.len() == N)?);
    Some(bytes)
}

const POLICY: &str = "policy";
/// The name back ends of the first version use.
const POLICY_ALIAS: &str = "token";
const CUSTOM_DATA: &str = "custom data for the callback, not a license token";
const NO_KEY: &str = "no key was given";
const NO_REQUEST: &str = "nothing is known of the request";
const USER_CHARS_MAX: usize = 32;
const CID_BYTES_MAX: usize = 200;

/// The policy is one string, and most of the token.
const LIMITS: Limits =
    Limits { bytes_max: 64 << 10, depth_max: 16, values_max: 128, string_bytes_max: 64 << 10 };
