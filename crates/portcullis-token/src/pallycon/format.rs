//! PallyCon tokens for callers that learn the family at run time.

use portcullis_base::{Rng, SecretBytes, Timestamp, json::Value};
use zeroize::Zeroizing;

use super::{
    Asked, CARRIER, DrmTypeCase, Hint, KeyRotation, NO_USER, PallyConIssue, PallyConKeys,
    PallyConSettings, PallyConSite, ResponseFormat, UserIdRule, explain, issue, policy, system,
    timestamp,
    token::{members, verify},
};
use crate::{
    Verified,
    claims::{Claims, Uses},
    fault::{Fault, Refused, Step},
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, Param, ParamKind, Request,
        Verdict, param,
    },
};

/// The adapter.
#[derive(Debug)]
pub(crate) struct PallyConFormat;

impl Format for PallyConFormat {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        let Ok(members) = members(token) else { return false };
        let has = |name: &str| members.contains_key(name);
        has("site_id") && (has("hash") && (has("policy") || has("token")) || has("data"))
    }

    fn find_in(&self, _given: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let blank = |sign: char| matches!(sign, '\r' | '\n' | '\t' | ' ');
        let header = request.header(CARRIER).map(|text| text.replace(blank, ""));
        // A blank in a query was a plus sign before somebody decoded it as a form.
        let query = request.parameter(CARRIER).map(|text| percent_decoded(text).replace(' ', "+"));
        let mut found = header.chain(query).filter(|text| !text.is_empty());
        let first = found.next();
        if found.any(|other| Some(&other) != first.as_ref()) {
            return Err(Fault::Ambiguous.at(Step::Presence));
        }
        Ok(first)
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let verdict = verify(token, &site(given)?, &asked(request), now);
        Ok(verdict.map(|verified| Verified::new(Claims::from(verified.into_claims()))))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let keyed = given.has("site_key") || given.has("access_key");
        let site = keyed.then(|| site(given)).transpose()?;
        let asked = asked(request);
        let asked = (!request.is_unsaid()).then_some(&asked);
        Ok(explain::explain(token, site.as_ref(), asked, now))
    }

    fn issue(&self, given: &Given, now: Timestamp, _rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let drm_type = |text: &str| system::from_word(text, DrmTypeCase::Lenient);
        let expected = "one of `Widevine` `PlayReady` `FairPlay` `NCG` `Wiseplay`";
        let policy = policy_text(given, now)?;
        let wish = PallyConIssue {
            system: given.read("drm_type", expected, drm_type)?.unwrap_or(system::DEFAULT),
            user: given.text("user_id")?.filter(|user| *user != NO_USER),
            content: given.need("cid")?,
            policy: &policy,
            timestamp: given.time("timestamp", now)?.unwrap_or(now),
            response_format: given
                .read("response_format", RESPONSE_FORMATS, ResponseFormat::from_word)?
                .unwrap_or_default(),
            key_rotation: KeyRotation::of(given.flag("key_rotation")?),
        };
        let token = issue(&wish, &site(given)?).map_err(GivenFault::denied)?;
        let escaped = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let carriage = vec![
            ("header", format!("{CARRIER}: {token}")),
            ("query", format!("{CARRIER}={escaped}")),
        ];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("drm_type", claims.system.and_then(system::word));
        given.add_some("user_id", claims.user.as_deref());
        given.add_some("cid", claims.content.as_deref());
        for (name, text) in policy::playback_members(&claims.terms, claims.system) {
            given.add(name, text.trim_matches('"'));
        }
        given.add_some("security_policy", policy::write_security(&claims.terms));
        let keys = policy::write_keys(&claims.keys);
        given.add_some("external_key", keys.as_ref().map(|keys| keys.as_str()));
        for name in ["response_format", "key_rotation"] {
            if let Some(value) = claims.other.get(name) {
                given.add_json(name, value);
            }
        }
        given
    }
}

fn asked(request: &Request) -> Asked<'_> {
    Asked { system: request.system, content: request.content.as_deref() }
}

fn site(given: &Given) -> Result<PallyConSite, GivenFault> {
    let pair = |site_key: &'static str, access_key: &'static str| {
        let key = |name| given.need(name).map(|text| SecretBytes::new(text.as_bytes().to_vec()));
        PallyConKeys::new(&key(site_key)?, &key(access_key)?).map_err(|error| {
            let name = if error.name == "site_key" { site_key } else { access_key };
            GivenFault::Key { name, why: "it is not 32 printable ASCII characters".to_owned() }
        })
    };
    let expected = "four of `A-Z 0-9`";
    let id = given.need("site_id")?;
    let site = PallyConSite::new(id, pair("site_key", "access_key")?)
        .map_err(|_| GivenFault::Value { name: "site_id", expected })?
        .with_settings(settings(given)?);
    if given.has("previous_site_key") || given.has("previous_access_key") {
        return Ok(site.with_previous(pair("previous_site_key", "previous_access_key")?));
    }
    Ok(site)
}

fn settings(given: &Given) -> Result<PallyConSettings, GivenFault> {
    let usual = PallyConSettings::default();
    let case = given.read("drm_type_case", "`strict` or `lenient`", |text| match text {
        "lenient" => Some(DrmTypeCase::Lenient),
        "strict" => Some(DrmTypeCase::Strict),
        _ => None,
    })?;
    let skew = given.span("skew")?.unwrap_or(usual.skew);
    if skew.as_secs() > 60 {
        return Err(GivenFault::Value { name: "skew", expected: "at most 60 s" });
    }
    let length = given.number("user_id_length")?;
    let length = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    let ending = given.read("user_id_ending", "one character", |text| {
        let mut signs = text.chars();
        signs.next().filter(|_| signs.next().is_none())
    })?;
    let user_id = match (length, ending) {
        (None, None) => UserIdRule::Any,
        (Some(length), None) => UserIdRule::Length(length),
        (None, Some(ending)) => UserIdRule::ClosedBy(ending),
        (Some(_), Some(_)) => {
            let why = "`user_id_length` and `user_id_ending` exclude each other";
            return Err(GivenFault::denied(why));
        }
    };
    let uses = given.read("uses", "a whole number above 0", |text| text.parse().ok())?;
    let hint = |name| {
        let heed = given.maybe_flag(name)?.unwrap_or(true);
        Ok(if heed { Hint::Heed } else { Hint::Ignore })
    };
    Ok(PallyConSettings {
        drm_type_case: case.unwrap_or_default(),
        duration: given.span("duration")?.unwrap_or(usual.duration),
        skew,
        user_id,
        uses: uses.map_or(Uses::Unlimited, Uses::AtMost),
        response_format: hint("heed_response_format")?,
        key_rotation: hint("heed_key_rotation")?,
    })
}

/// The policy: as it was given, or put together from single fields.
fn policy_text(given: &Given, now: Timestamp) -> Result<Zeroizing<String>, GivenFault> {
    let whole = given.text("policy")?;
    let mut single = SINGLE.iter().filter(|param| given.has(param.name));
    if let (Some(_), Some(other)) = (whole, single.next()) {
        return Err(GivenFault::denied(format!("`policy` says all: leave out `{}`", other.name)));
    }
    if let Some(whole) = whole {
        return Ok(Zeroizing::new(whole.to_owned()));
    }
    let mut members = Vec::new();
    for param in SINGLE {
        let name = param.name;
        let text = match param.kind {
            ParamKind::Flag => given.maybe_flag(name)?.map(|truth| truth.to_string()),
            ParamKind::Number => given.number(name)?.map(|number| number.to_string()),
            ParamKind::Span => given.span(name)?.map(|span| span.as_secs().to_string()),
            ParamKind::Time => given.time(name, now)?.and_then(timestamp::write).map(quoted),
            ParamKind::Text => given.text(name)?.map(|text| quoted(text.to_owned())),
            ParamKind::Json | ParamKind::Secret => None,
        };
        members.extend(text.map(|text| format!("\"{name}\":{text}")));
    }
    let mut policy = Zeroizing::new(r#"{"policy_version":2"#.to_owned());
    if !members.is_empty() {
        policy.push_str(&format!(r#","playback_policy":{{{}}}"#, members.join(",")));
    }
    // A list arrives as its items, or as one text.
    let entries: Vec<&str> = given.all("security_policy").collect();
    match entries.as_slice() {
        [] => {}
        [list] if list.trim_start().starts_with('[') => {
            policy.push_str(&format!(r#","security_policy":{list}"#));
        }
        entries => policy.push_str(&format!(r#","security_policy":[{}]"#, entries.join(","))),
    }
    if let Some(keys) = given.text("external_key")? {
        policy.push_str(r#","external_key":"#);
        policy.push_str(keys);
    }
    policy.push('}');
    Ok(policy)
}

fn quoted(text: String) -> String {
    Value::from(text).to_string()
}

/// The text with `%xx` decoded; an escape that is none stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let escaped = match rest {
            [b'%', high, low, after @ ..] => {
                digit(high).zip(digit(low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const fn optional(name: &'static str, kind: ParamKind, help: &'static str) -> Param {
    param(name, kind, Need::Optional, help)
}

pub(super) static ABOUT: About = About {
    name: "pallycon",
    title: "PallyCon (DoveRunner) license token, version 2",
    source: "PallyCon License Token Guide, policy specification 2.0",
    keys: &[
        param("site_id", ParamKind::Text, Need::Required, "the site: four of `A-Z 0-9`"),
        param("site_key", ParamKind::Secret, Need::Required, "32 characters; seals the policy"),
        param("access_key", ParamKind::Secret, Need::Required, "32 characters; for the hash"),
        optional("previous_site_key", ParamKind::Secret, "accepted too, with its access key"),
        optional("previous_access_key", ParamKind::Secret, "the access key of the previous pair"),
        optional("drm_type_case", ParamKind::Text, "`strict` (default) or `lenient`"),
        optional("duration", ParamKind::Span, "how long a token may be used: 600 s"),
        optional("skew", ParamKind::Span, "how far ahead a timestamp may be: 30 s, at most 60 s"),
        optional("user_id_length", ParamKind::Number, "the length every user id has"),
        optional("user_id_ending", ParamKind::Text, "the character that ends every user id"),
        optional("uses", ParamKind::Number, "how often a token may be used; any number of times"),
        optional("heed_response_format", ParamKind::Flag, "follow `response_format`: true"),
        optional("heed_key_rotation", ParamKind::Flag, "follow `key_rotation`: true"),
    ],
    says: &[
        optional("drm_type", ParamKind::Text, "`Widevine` `PlayReady` (default) `FairPlay` …"),
        optional("user_id", ParamKind::Text, "the viewer, 1 to 32 characters; nobody"),
        param("cid", ParamKind::Text, Need::ToIssue, "the content, 1 to 200 bytes"),
        optional("timestamp", ParamKind::Time, "from when the token may be used; now"),
        optional("policy", ParamKind::Json, "the whole policy, sealed byte for byte"),
        PERSISTENT,
        LICENSE_DURATION,
        EXPIRE_DATE,
        RENTAL_DURATION,
        PLAYBACK_DURATION,
        ALLOWED_TRACK_TYPES,
        MAX_STREAM_PER_USER,
        RENEWAL_DURATION,
        SECURITY_POLICY,
        EXTERNAL_KEY,
        optional("response_format", ParamKind::Text, RESPONSE_FORMATS),
        optional("key_rotation", ParamKind::Flag, "whether the keys change during playback"),
    ],
    token: "the value of `pallycon-customdata-v2`",
    weaknesses: &[
        "the hash does not say where `user_id` ends and `cid` begins: the `cid` must be the \
         content of the request, and a site can fix the length or the end of its user ids",
        "the hash can be extended without the key: only strict JSON and an exact timestamp are \
         read",
        "`response_format` and `key_rotation` are not under the hash: they are hints, and a site \
         can have them ignored",
        "one fixed vector: equal policies look equal, and one leaked site key opens every key \
         that was ever sent",
        "no nonce, no audience, no address: a copy can be used for ten minutes, unless the site \
         counts uses",
        "no key id: two pairs of keys are tried while they change",
    ],
};

const PERSISTENT: Param =
    optional("persistent", ParamKind::Flag, "whether the license may be stored");
const LICENSE_DURATION: Param =
    optional("license_duration", ParamKind::Span, "how long the license lasts; 0: without end");
const EXPIRE_DATE: Param =
    optional("expire_date", ParamKind::Time, "when it ends; ignored beside `license_duration`");
const RENTAL_DURATION: Param =
    optional("rental_duration", ParamKind::Span, "how long until the first offline playback");
const PLAYBACK_DURATION: Param =
    optional("playback_duration", ParamKind::Span, "how long after the first offline playback");
const ALLOWED_TRACK_TYPES: Param =
    optional("allowed_track_types", ParamKind::Text, "`ALL` `SD_ONLY` `SD_HD` `SD_UHD1` `SD_UHD2`");
const MAX_STREAM_PER_USER: Param =
    optional("max_stream_per_user", ParamKind::Number, "how many streams at once");
const RENEWAL_DURATION: Param =
    optional("renewal_duration", ParamKind::Span, "how often the player asks again");
const SECURITY_POLICY: Param = param(
    "security_policy",
    ParamKind::Json,
    Need::Repeated,
    "an entry, or the list of them: `track_type` and an object per DRM",
);
const EXTERNAL_KEY: Param =
    optional("external_key", ParamKind::Secret, "keys to bring along, as the policy writes them");

/// The fields a policy can be put together from, in the guide's order.
const SINGLE: [Param; 10] = [
    PERSISTENT,
    LICENSE_DURATION,
    EXPIRE_DATE,
    RENTAL_DURATION,
    PLAYBACK_DURATION,
    ALLOWED_TRACK_TYPES,
    MAX_STREAM_PER_USER,
    RENEWAL_DURATION,
    SECURITY_POLICY,
    EXTERNAL_KEY,
];

const RESPONSE_FORMATS: &str = "one of `original` `custom` `json`";
