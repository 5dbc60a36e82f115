//! May this request for a manifest or a segment through?
//!
//! Decided from the route's settings and the token alone: no store, no network, and no
//! memory taken per rule on the way to a yes. An access token opens a session: the
//! admission then says what the session token may contain. Nothing is signed here.
//!
//! SPEC: Akamai Adaptive Media Delivery, token authentication; access and session tokens.

use std::{net::IpAddr, time::Duration};

use portcullis_base::Timestamp;
use portcullis_token::{
    Verified,
    edge::{
        access::{AccessClaims, Coverage},
        acl::Acl,
        path,
        session::{LIFETIME_MAX, SessionClaims},
    },
};

use crate::{
    Decision, Reason, Rule,
    decision::{Step, Trace},
    model::{AddressRule, Standing},
    rules,
    words::span,
};

/// Who asks the edge.
#[derive(Debug)]
pub enum EdgeCaller {
    /// The holder of an access token.
    Access(Verified<AccessClaims>),
    /// Somebody without a token.
    Anonymous,
    /// The holder of a session token.
    Session(Verified<SessionClaims>),
}

/// What is known about the route a request fell under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeRoute {
    /// Whether a token is needed.
    pub level: Level,
    /// From where the route may be used.
    pub addresses: AddressRule,
    /// The longest an access token may still live when it is shown (SEC-24): it is meant to
    /// open a session soon after it was made, not to be passed around.
    pub access_lifetime_max: Duration,
    /// The longest life of a session token.
    pub session_lifetime_max: Duration,
}

/// Whether a token is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// No token is needed.
    Open,
    /// A token is needed.
    Token,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeAsk<'a> {
    /// The path as sent, without the component that carries a token. It must be the path
    /// the token was verified against.
    pub path: &'a str,
    /// What lies there.
    pub kind: EdgeKind,
    /// The viewer's address, if it is known.
    pub address: Option<IpAddr>,
    /// How long the media last, where that should limit the session: when the session token
    /// is written into the manifest.
    pub media_duration: Option<Duration>,
    /// Whether the caller, their token or the tenant was revoked.
    pub standing: Standing,
}

/// What lies at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// A manifest: an access token opens a session here.
    Manifest,
    /// Media, or anything else a manifest points to.
    Media,
}

/// Permission to answer one path.
///
/// It cannot be made outside this crate, nor come from nowhere, nor be used for two:
///
/// ```compile_fail,E0451
/// let forged = portcullis_policy::Admission { path: "/film/a.mpd".into(), session: None };
/// ```
///
/// ```compile_fail,E0277
/// fn made_of_nothing<T: Default>() -> T { T::default() }
/// let forged: portcullis_policy::Admission = made_of_nothing();
/// ```
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(one: &T) -> T { one.clone() }
/// fn spend(admission: &portcullis_policy::Admission) { twice(admission); }
/// ```
#[derive(Debug)]
#[must_use = "an admission that is not acted on must be recorded as abandoned"]
pub struct Admission {
    path: Box<str>,
    session: Option<NewSession>,
}

impl Admission {
    /// The path that may be answered.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The session that was opened, if one was.
    #[must_use]
    pub const fn session(&self) -> Option<&NewSession> {
        self.session.as_ref()
    }
}

/// The session an access token opened: what its session token says.
///
/// ```compile_fail,E0277
/// fn twice<T: Clone>(one: &T) -> T { one.clone() }
/// fn spend(session: &portcullis_policy::NewSession) { twice(session); }
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct NewSession {
    acl: Acl,
    id: Option<String>,
    address: Option<IpAddr>,
    data: Option<String>,
    lifetime: Duration,
}

impl NewSession {
    /// The paths the session covers: those the access token covers.
    #[must_use]
    pub const fn acl(&self) -> &Acl {
        &self.acl
    }

    /// The id to carry over, by which the session can be revoked.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The address to carry over.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The payload to carry over.
    #[must_use]
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }

    /// How long the session lasts, in whole seconds, at least one.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

/// Decides whether the request may through.
pub fn decide_edge(
    caller: &EdgeCaller,
    route: &EdgeRoute,
    ask: &EdgeAsk<'_>,
    now: Timestamp,
) -> Decision<Admission> {
    let mut trace = Trace::new();
    trace.add(path_rule(caller, ask.path));
    trace.add(level(route.level, caller));
    trace.add(lifetime(caller, now));
    trace.add(rules::revocation::check(ask.standing));
    trace.add(access_lifetime(caller, route.access_lifetime_max, now));
    trace.add(rules::address::check(&route.addresses, ask.address));
    let session = match (route.level, caller, ask.kind) {
        (Level::Token, EdgeCaller::Access(token), EdgeKind::Manifest) => {
            new_session(token.claims(), route, ask, &mut trace)
        }
        _ => None,
    };
    trace.conclude(|| Admission { path: ask.path.into(), session })
}

fn access_lifetime(caller: &EdgeCaller, longest: Duration, now: Timestamp) -> Step {
    let EdgeCaller::Access(token) = caller else {
        return Step::skip(Rule::Lifetime, "there is no access token");
    };
    let end = token.claims().lifetime.end();
    if end <= now.saturating_add(longest) {
        return Step::allow(Rule::Lifetime, "the access token does not live too long");
    }
    let (left, longest) = (span(now.until(end)), span(longest));
    let detail = format!("the access token ends in {left}; the route accepts {longest} at most");
    Step::refuse(Rule::Lifetime, Reason::TokenLifetime, detail)
}

/// What the session token will say; without one, the trace says why not.
fn new_session(
    claims: &AccessClaims,
    route: &EdgeRoute,
    ask: &EdgeAsk<'_>,
    trace: &mut Trace,
) -> Option<NewSession> {
    let lifetime = session_lifetime(route, ask);
    if lifetime.is_zero() {
        let detail = "the route leaves a session no second to live";
        trace.add(Step::refuse(Rule::Session, Reason::RuleUnavailable, detail));
        return None;
    }
    let Ok(acl) = claims.coverage.session_acl(ask.path) else {
        let detail = "the directory of the path cannot be written as a pattern";
        trace.add(Step::refuse(Rule::Session, Reason::TokenPath, detail));
        return None;
    };
    trace.add(Step::allow(Rule::Session, "the access token opens a session"));
    let AccessClaims { address, id, data, .. } = claims;
    Some(NewSession { acl, id: id.clone(), address: *address, data: data.clone(), lifetime })
}

fn level(level: Level, caller: &EdgeCaller) -> Step {
    match (level, caller) {
        (Level::Open, _) => Step::allow(Rule::Level, "the route asks for no token"),
        (Level::Token, EdgeCaller::Anonymous) => {
            let detail = "the route asks for a token and none was presented";
            Step::refuse(Rule::Level, Reason::TokenMissing, detail)
        }
        (Level::Token, EdgeCaller::Access(_)) => Step::allow(Rule::Level, "an access token"),
        (Level::Token, EdgeCaller::Session(_)) => Step::allow(Rule::Level, "a session token"),
    }
}

fn lifetime(caller: &EdgeCaller, now: Timestamp) -> Step {
    let lifetime = match caller {
        EdgeCaller::Access(token) => token.claims().lifetime,
        EdgeCaller::Anonymous => return Step::skip(Rule::Lifetime, "there is no token"),
        EdgeCaller::Session(token) => token.claims().lifetime,
    };
    rules::lifetime::check(&lifetime, Duration::ZERO, now)
}

/// The verifier looked at the path too. It is looked at again so that the path that is
/// admitted is the one the token covers, and so that it is looked at where there is no token.
fn path_rule(caller: &EdgeCaller, raw_path: &str) -> Step {
    if let Err(fault) = path::check(raw_path) {
        return Step::refuse(Rule::Path, Reason::PathMalformed, fault.to_string());
    }
    let acl = match caller {
        EdgeCaller::Access(token) => match &token.claims().coverage {
            Coverage::Acl(acl) => acl,
            Coverage::Url => return Step::allow(Rule::Path, "the token is signed over the URL"),
        },
        EdgeCaller::Anonymous => return Step::allow(Rule::Path, "the path has one reading"),
        EdgeCaller::Session(token) => &token.claims().acl,
    };
    if acl.admits(raw_path) {
        Step::allow(Rule::Path, "the token covers the path")
    } else {
        Step::refuse(Rule::Path, Reason::TokenPath, format!("the token covers `{acl}` only"))
    }
}

/// Whole seconds: the shortest of what the route, the media and the format allow.
fn session_lifetime(route: &EdgeRoute, ask: &EdgeAsk<'_>) -> Duration {
    let media = ask.media_duration.map_or(LIFETIME_MAX, round_up);
    let route = Duration::from_secs(route.session_lifetime_max.as_secs());
    route.min(media).min(LIFETIME_MAX)
}

fn round_up(duration: Duration) -> Duration {
    let whole = u64::from(duration.subsec_nanos() > 0);
    Duration::from_secs(duration.as_secs().saturating_add(whole))
}
