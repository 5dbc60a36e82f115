//! May this media request through? Shared by the edge and by `portcullis explain edge`.
//!
//! Collects the tokens a request carries, verifies them, and asks the policy. A session that
//! verifies counts; otherwise an access token does; when neither verifies, the refusal names
//! what was wrong with the one that was meant for this request.

use std::{net::IpAddr, time::Duration};

use http::{HeaderMap, HeaderName, header::COOKIE};
use portcullis_base::Timestamp;
use portcullis_policy::{
    Admission, Decision, EdgeAsk, EdgeCaller, EdgeKind, EdgeRoute, Level, Reason, Rule,
    decide_edge,
    model::{AddressRule, AllowedAddresses, Standing},
};
use portcullis_token::edge::{
    EdgeTokenError, Lookup, access,
    carrier::{self, Carriers},
    session,
};

use super::manifest::ManifestKind;
use crate::{
    config::{self, Edge, Route},
    http::query,
};

/// What a media request shows.
#[derive(Debug)]
pub struct Presented<'a> {
    /// The path as sent, without a session component.
    pub path: &'a str,
    /// The session component, if the path had one.
    pub component: Option<&'a str>,
    /// The query as sent.
    pub query: Option<&'a str>,
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The viewer's address.
    pub address: Option<IpAddr>,
    /// How long the media last, where that bounds the session.
    pub media_duration: Option<Duration>,
}

/// Says how a caller stands with the revocations.
pub type StandingOf<'a> = &'a (dyn Fn(&EdgeCaller) -> Standing + Sync);

/// Decides whether a media request may through.
pub fn judge(
    edge: &Edge,
    route: &Route,
    presented: &Presented<'_>,
    standing: StandingOf<'_>,
    now: Timestamp,
) -> Decision<Admission> {
    let caller = match caller(edge, presented, now) {
        Ok(caller) => caller,
        // An open route asks for no token, so a bad one is as good as none.
        Err(_) if route.level == config::Level::Open => EdgeCaller::Anonymous,
        Err(error) => {
            let reason = Reason::from(&error);
            return Decision::refused(Rule::Token, reason, error.to_string());
        }
    };
    let manifest = ManifestKind::of(&query::percent_decoded(presented.path)).is_some();
    let ask = EdgeAsk {
        path: presented.path,
        kind: if manifest { EdgeKind::Manifest } else { EdgeKind::Media },
        address: presented.address,
        media_duration: presented.media_duration,
        standing: standing(&caller),
    };
    decide_edge(&caller, &policy_route(route), &ask, now)
}

fn caller(
    edge: &Edge,
    presented: &Presented<'_>,
    now: Timestamp,
) -> Result<EdgeCaller, EdgeTokenError> {
    let Some(keys) = &edge.keys else { return Ok(EdgeCaller::Anonymous) };
    let cookies: Vec<&str> = texts(presented.headers, &COOKIE);
    let access_headers = texts(presented.headers, &HeaderName::from_static(access::NAME));
    let session_headers = texts(presented.headers, &HeaderName::from_static(session::NAME));
    let access = carrier::collect(
        access::NAME,
        &Carriers {
            path_component: None,
            query: presented.query,
            headers: &access_headers,
            cookies: &cookies,
        },
    )?;
    let session = carrier::collect(
        session::NAME,
        &Carriers {
            path_component: presented.component,
            query: presented.query,
            headers: &session_headers,
            cookies: &cookies,
        },
    )?;
    let header_salt = header_salt(edge, presented.headers);
    let lookup = Lookup {
        path: presented.path,
        query: access.query.as_deref(),
        address: presented.address,
        header_salt: &header_salt,
    };
    let by_session = session
        .token
        .map(|token| session::parse(token).and_then(|token| token.verify(keys, &lookup, now)));
    let by_access = access
        .token
        .map(|token| access::parse(token).and_then(|token| token.verify(keys, &lookup, now)));
    match (by_session, by_access) {
        (Some(Ok(token)), _) => Ok(EdgeCaller::Session(token)),
        (_, Some(Ok(token))) => Ok(EdgeCaller::Access(token)),
        (_, Some(Err(error))) | (Some(Err(error)), None) => Err(error),
        (None, None) => Ok(EdgeCaller::Anonymous),
    }
}

/// What the configured request headers add to a session's salt.
pub(super) fn header_salt(edge: &Edge, headers: &HeaderMap) -> String {
    let value = |name: &String| headers.get(name.as_str()).and_then(|value| value.to_str().ok());
    let pairs: Vec<(&str, Option<&str>)> =
        edge.session_headers.iter().map(|name| (name.as_str(), value(name))).collect();
    session::header_salt(&pairs)
}

fn policy_route(route: &Route) -> EdgeRoute {
    EdgeRoute {
        level: match route.level {
            config::Level::Open => Level::Open,
            config::Level::Token => Level::Token,
        },
        addresses: AddressRule {
            allow: match route.addresses.allow.is_empty() {
                true => AllowedAddresses::Any,
                false => AllowedAddresses::Only(route.addresses.allow.clone()),
            },
            deny: route.addresses.deny.clone(),
        },
        access_lifetime_max: route.access_max,
        session_lifetime_max: route.session_max,
    }
}

/// The values of a header. One that is not text stands as something no token looks like, so
/// that it cannot pass for absent.
fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("-")).collect()
}
