//! Adapters for Akamai-style edge tokens: what access and session tokens have in common.
//!
//! Keys and settings are read here, fields are shown, and what a token says is put into
//! common words. The format itself is [`crate::edge`].

mod access;
mod session;

use std::{borrow::Cow, net::IpAddr};

use portcullis_base::{SecretBytes, Timestamp};

pub use access::AkamaiAccess;
pub use session::AkamaiSession;

use crate::{
    TokenKey,
    claims::{Claims, Cover},
    edge::{
        EdgeKeys, EdgeTokenError, Lookup, UnknownFields, acl::Acl, carrier, carrier::Carriers,
        decoded, path, received,
    },
    fault::{Fault, Refused, Step},
    format::{Given, GivenFault, Need, Param, ParamKind, Request, Shown, param},
    identity::TokenIdentity,
    lifetime::{Leeway, Lifetime},
    watch::{Check, Outcome},
};

/// What both kinds of token are verified and issued with.
struct Settings {
    keys: Option<EdgeKeys>,
    leeway: Leeway,
    unknown: UnknownFields,
}

impl Settings {
    /// Reads the settings. Without `key` there are no keys; whoever needs one asks for it.
    fn read(given: &Given) -> Result<Self, GivenFault> {
        let current = key(given, "key")?;
        let transition = key(given, "transition_key")?;
        let salt = given.text("salt")?.map(|salt| SecretBytes::new(salt.as_bytes().to_vec()));
        let expected = "a span of a minute at most";
        let fault = GivenFault::Value { name: "skew", expected };
        let leeway = Leeway::new(given.span("skew")?.unwrap_or_default()).ok_or(fault)?;
        let unknown = match given.flag("danger_allow_unknown_fields")? {
            true => UnknownFields::DangerAccept,
            false => UnknownFields::Refuse,
        };
        let keys = current.map(|current| EdgeKeys { current, transition, salt });
        Ok(Self { keys, leeway, unknown })
    }

    fn need_keys(&self) -> Result<&EdgeKeys, GivenFault> {
        self.keys.as_ref().ok_or(GivenFault::Missing { name: "key" })
    }
}

fn key(given: &Given, name: &'static str) -> Result<Option<TokenKey>, GivenFault> {
    let Some(text) = given.text(name)? else { return Ok(None) };
    let secret = EdgeKeys::secret_from_hex(text).map_err(|error| GivenFault::key(name, error))?;
    let plain = given.text("algorithm")?;
    if plain.is_some_and(|algorithm| algorithm != "sha256") {
        let expected = "`sha256`; `sha1` and `md5` are for `danger_algorithm`";
        return Err(GivenFault::Value { name: "algorithm", expected });
    }
    Ok(Some(match given.text("danger_algorithm")? {
        None => TokenKey::hmac_sha256(&secret),
        Some("md5") => TokenKey::danger_hmac_md5(&secret),
        Some("sha1") => TokenKey::danger_hmac_sha1(&secret),
        Some(_) => {
            let expected = "`sha1` or `md5`";
            return Err(GivenFault::Value { name: "danger_algorithm", expected });
        }
    }))
}

/// Finds the token, and what is left of the request without it.
struct Place<'a> {
    token: Option<String>,
    path: Option<Cow<'a, str>>,
    query: Option<String>,
}

impl<'a> Place<'a> {
    /// `in_path` says whether this kind of token may be a component of the path.
    fn find(
        name: &str,
        in_path: PathComponent,
        request: &'a Request,
    ) -> Result<Self, EdgeTokenError> {
        let (path, component) = match request.path.as_deref() {
            None => (None, None),
            Some(path) => {
                let (path, component) = path::split_session(path)?;
                (Some(path), component)
            }
        };
        let headers: Vec<&str> = request.header(name).collect();
        let cookies: Vec<&str> = request.header("cookie").collect();
        let carriers = Carriers {
            path_component: component.filter(|_| in_path == PathComponent::Carries),
            query: request.query.as_deref(),
            headers: &headers,
            cookies: &cookies,
        };
        let found = carrier::collect(name, &carriers)?;
        let token = found.token.map(str::to_owned);
        Ok(Self { token, path, query: found.query.map(Cow::into_owned) })
    }

    fn lookup<'b>(&'b self, request: &Request, header_salt: &'b str) -> Option<Lookup<'b>> {
        Some(Lookup {
            path: self.path.as_deref()?,
            query: self.query.as_deref(),
            address: request.address,
            header_salt,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathComponent {
    Carries,
    IsNoToken,
}

/// When a new token ends: at `exp`, or a `window` after its start, or after now.
fn end(given: &Given, start: Timestamp, now: Timestamp) -> Result<Timestamp, GivenFault> {
    let end = given.time("exp", now)?;
    let by_window = given.span("window")?.map(|window| start.saturating_add(window));
    end.or(by_window).ok_or(GivenFault::Missing { name: "exp" })
}

fn address(given: &Given) -> Result<Option<IpAddr>, GivenFault> {
    given.read("ip", "an address", |text| text.parse().ok())
}

fn acl(given: &Given) -> Result<Option<Acl>, GivenFault> {
    let patterns: Vec<&str> = given.all("acl").collect();
    let read = || Acl::parse(&patterns.join("!")).map_err(GivenFault::denied);
    (!patterns.is_empty()).then(read).transpose()
}

/// What both kinds of token say.
struct Said {
    lifetime: Lifetime,
    address: Option<IpAddr>,
    id: Option<String>,
    data: Option<String>,
    identity: Option<TokenIdentity>,
    covers: Vec<Cover>,
}

impl Said {
    fn into_claims(self) -> Claims {
        let start = self.lifetime.start();
        Claims {
            start: (start > Timestamp(0)).then_some(start),
            end: Some(self.lifetime.end()),
            id: self.id,
            identity: self.identity,
            addresses: self
                .address
                .and_then(|one| one.to_string().parse().ok())
                .into_iter()
                .collect(),
            covers: self.covers,
            data: self.data,
            ..Claims::default()
        }
    }
}

/// The patterns of a list, one by one.
fn globs(acl: &Acl) -> Vec<Cover> {
    acl.as_str().split('!').map(|pattern| Cover::PathGlob(pattern.to_owned())).collect()
}

/// The fields both kinds have in common, out of what another token says.
fn fields_of(claims: &Claims) -> Given {
    let mut given = Given::new();
    given.add_some("exp", claims.end.map(|end| end.to_string()));
    if let [one] = claims.addresses.as_slice() {
        let text = one.to_string();
        given.add_some("ip", text.strip_suffix("/32").or(text.strip_suffix("/128")));
    }
    given.add_some("id", claims.id.as_deref().filter(|id| crate::edge::access::revocable(id)));
    given.add_some("data", claims.data.as_deref());
    let plain = |text: &&String| !text.contains(['*', '?', '!', '~', '%']);
    for cover in &claims.covers {
        match cover {
            Cover::Path(path) if plain(&path) => given.add("acl", path.as_str()),
            Cover::PathGlob(pattern) => given.add("acl", pattern.as_str()),
            Cover::PathPrefix(prefix) if plain(&prefix) => given.add("acl", format!("{prefix}*")),
            // Hosts and queries have no place in an ACL.
            _ => {}
        }
    }
    given
}

/// Refuses a token whose id was revoked.
fn check_revoked(given: &Given, id: Option<&str>) -> Result<(), Refused> {
    match id {
        Some(id) if given.all("revoked").any(|one| one == id) => Err(Fault::Revoked.at(Step::Uses)),
        _ => Ok(()),
    }
}

/// The check of revoked ids, for an explanation.
fn revoked_check(given: &Given, id: Option<&str>) -> Check {
    let outcome = match id {
        None => Outcome::Skipped("the token has no id"),
        Some(_) if !given.has("revoked") => Outcome::Skipped("no revoked ids were given"),
        Some(_) => match check_revoked(given, id) {
            Ok(()) => Outcome::Passed("the id was not revoked".to_owned()),
            Err(refused) => Outcome::Failed(refused.fault),
        },
    };
    Check { step: Step::Uses, outcome }
}

/// The one check of a token that cannot be read.
fn unread(error: EdgeTokenError) -> Vec<Check> {
    let Refused { step, fault } = error.into();
    vec![Check { step, outcome: Outcome::Failed(fault) }]
}

/// A refusal, in the words of a request that may lack what was checked.
fn refused(error: EdgeTokenError, request: &Request) -> Refused {
    match error {
        EdgeTokenError::Address if request.address.is_none() => {
            Fault::RequestLacks { what: "address" }.at(Step::Place)
        }
        other => other.into(),
    }
}

/// The fields of a token as they stand in it, decoded, even if it cannot be read.
fn shown(token: &str) -> Vec<Shown> {
    let text = received(token).unwrap_or(Cow::Borrowed(token));
    text.split('~').map(show).collect()
}

fn show(part: &str) -> Shown {
    let Some((name, value)) = part.split_once('=') else {
        return Shown::new("", part).noted("not of the form `name=value`");
    };
    let value = decoded(value);
    match name {
        "st" | "exp" => match value.parse() {
            Ok(seconds) => Shown::time(name, Timestamp(seconds)),
            Err(_) => Shown::new(name, value).noted("not Unix seconds"),
        },
        "acl" => Shown::new(name, value).noted("paths it covers; `!` separates, `*` and `?` match"),
        "hmac" => {
            let note = match value.len() {
                32 => "as long as HMAC-MD5",
                40 => "as long as HMAC-SHA-1",
                64 => "as long as HMAC-SHA-256",
                _ => "as long as no MAC this format has",
            };
            Shown::new(name, value).noted(note)
        }
        "url" | "salt" => Shown::new(name, value).noted("signed, and never sent"),
        "ip" | "id" | "data" => Shown::new(name, value),
        _ => Shown::new(name, value).noted("has no meaning in this format"),
    }
}

/// Whether a text has the form of such a token; `session` says of which kind.
fn resembles(token: &str, kind: Kind) -> bool {
    let Ok(text) = received(token) else { return false };
    let Some((fields, last)) = text.rsplit_once('~') else { return false };
    let digits = last.strip_prefix("hmac=").unwrap_or_default();
    let mac = matches!(digits.len(), 32 | 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let has = |name: &str| fields.split('~').any(|part| part.starts_with(name));
    let marked = fields.split('~').filter_map(|part| part.strip_prefix("data="));
    let marked = marked.map(|data| data.strip_prefix("hdntl")).any(|rest| match rest {
        Some(rest) => rest.is_empty() || rest.starts_with(','),
        None => false,
    });
    mac && (has("exp=") || has("acl=")) && marked == (kind == Kind::Session)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Access,
    Session,
}

const KEY: Param = param(
    "key",
    ParamKind::Secret,
    Need::Required,
    "hex digits, with or without 0x; signs and verifies",
);
const TRANSITION_KEY: Param = param(
    "transition_key",
    ParamKind::Secret,
    Need::Optional,
    "a second key that verifies too, while generators move to another",
);
const ALGORITHM: Param =
    param("algorithm", ParamKind::Text, Need::Optional, "`sha256`, which is the default");
const DANGER_ALGORITHM: Param = param(
    "danger_algorithm",
    ParamKind::Text,
    Need::Optional,
    "`sha1` or `md5`, for generators that cannot be moved to SHA-256",
);
const SALT: Param =
    param("salt", ParamKind::Secret, Need::Optional, "signed with every token and never sent");
const SKEW: Param = param(
    "skew",
    ParamKind::Span,
    Need::Optional,
    "how far clocks may differ: 0, the default, to 60 s",
);
const DANGER_UNKNOWN: Param = param(
    "danger_allow_unknown_fields",
    ParamKind::Flag,
    Need::Optional,
    "skip fields that have no meaning here instead of refusing the token",
);
const REVOKED: Param =
    param("revoked", ParamKind::Text, Need::Repeated, "an id whose tokens are refused");
const TOKEN_NAME: Param = param(
    "token_name",
    ParamKind::Text,
    Need::Optional,
    "the parameter, cookie or header it travels in: `hdnts` or, of a session, `hdntl`; others \
     use `__token__`, `hdnea`, `__hdnea__`",
);
const IP: Param =
    param("ip", ParamKind::Text, Need::Optional, "the only address it may be used from");
const EXP: Param = param(
    "exp",
    ParamKind::Time,
    Need::Optional,
    "from when it may no longer be used; needed unless there is a `window`",
);
const WINDOW: Param = param(
    "window",
    ParamKind::Span,
    Need::Optional,
    "how long it may be used, from its start or from now, unless `exp` says",
);
const DATA: Param = param("data", ParamKind::Text, Need::Optional, "a payload for the origin");
