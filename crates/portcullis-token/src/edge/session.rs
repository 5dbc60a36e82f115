//! Session tokens (`hdntl`): what a player shows for everything a manifest names.
//!
//! Made from a verified access token and bound to what that was bound to. An access token is
//! not accepted here, whatever its signature.
//!
//! `[ip=…~]exp=…~acl=%2f…*[~id=…]~data=hdntl[,payload]~hmac=…`: there is no `st`, and every
//! value is written so that the whole token fits one path component and one cookie.
//!
//! SPEC: AMD session tokens as seen in the field; how headers enter the salt is ours, since
//! Akamai's way is not published. SEC-35.

use std::{borrow::Cow, fmt::Write as _, net::IpAddr, time::Duration};

use portcullis_base::Timestamp;

use super::{
    EdgeKeys, EdgeTokenError, FieldFault, IssueError, Lookup, Signed, UnknownFields,
    access::SESSION_MARK,
    acl::Acl,
    escape,
    fields::{Fields, Writer, decoded},
    walk::{FirstFault, Looks, Sight},
};
use crate::{
    Verified,
    identity::{TokenFormat, TokenIdentity},
    lifetime::{Leeway, Lifetime},
    token_key::MacBytes,
    watch::{Check, Recorder},
};

/// The name session tokens travel under, and the mark that begins their payload.
pub const NAME: &str = "hdntl";

/// A token that was read and not yet verified. It shows nothing of what it says.
#[derive(Debug)]
pub struct SessionToken<'a> {
    fields: Fields<'a>,
    acl: Acl,
    data: Option<String>,
}

/// Reads a session token, as sent.
///
/// # Errors
///
/// Says which rule of the text is broken; [`EdgeTokenError::WrongKind`] for an access token.
pub fn parse(raw: &str) -> Result<SessionToken<'_>, EdgeTokenError> {
    parse_with(raw, UnknownFields::Refuse)
}

/// As [`parse`], with a choice of what becomes of fields nobody knows.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_with(raw: &str, unknown: UnknownFields) -> Result<SessionToken<'_>, EdgeTokenError> {
    let fields = Fields::parse(raw, unknown)?;
    // SECURITY: as in `access::parse`, a refusal may rest on what is not verified.
    let payload = fields.data.as_deref().and_then(|data| data.strip_prefix(SESSION_MARK));
    let data = match payload.map(|rest| (rest, rest.strip_prefix(','))) {
        Some(("", _)) => None,
        Some((_, Some(carried))) => Some(decoded(carried).into_owned()),
        _ => return Err(EdgeTokenError::WrongKind),
    };
    if fields.start.is_some() {
        return Err(FieldFault::Misplaced.into());
    }
    let acl = fields.acl.as_deref().ok_or(FieldFault::NoAcl)?;
    let acl = escape::decode_session_acl(acl).ok_or(FieldFault::Character)?;
    let acl = Acl::read(acl).map_err(FieldFault::Acl)?;
    Ok(SessionToken { fields, acl, data })
}

impl SessionToken<'_> {
    /// Checks the token for one request: path, MAC, times, coverage, address, in this order.
    ///
    /// # Errors
    ///
    /// Says which check failed. The client is not to be told.
    pub fn verify(
        self,
        keys: &EdgeKeys,
        lookup: &Lookup<'_>,
        now: Timestamp,
    ) -> Result<Verified<SessionClaims>, EdgeTokenError> {
        self.verify_within(keys, lookup, now, Leeway::NONE)
    }

    /// As [`Self::verify`], where the issuer's clock may differ from ours by `leeway`.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    pub fn verify_within(
        self,
        keys: &EdgeKeys,
        lookup: &Lookup<'_>,
        now: Timestamp,
        leeway: Leeway,
    ) -> Result<Verified<SessionClaims>, EdgeTokenError> {
        let sight = Sight { keys: Some(keys), lookup: Some(lookup), now, leeway };
        self.walk(&sight, &mut FirstFault)?;
        self.said().map(Verified::new)
    }

    /// What the token says, whether it is true or not.
    pub(crate) fn said(self) -> Result<SessionClaims, EdgeTokenError> {
        Ok(SessionClaims {
            acl: self.acl,
            lifetime: Lifetime::new(Timestamp(0), self.fields.end)?,
            address: self.fields.address,
            id: self.fields.id.map(Cow::into_owned),
            data: self.data,
            mac: self.fields.mac,
        })
    }

    fn walk<L: Looks>(&self, sight: &Sight<'_>, looks: &mut L) -> Result<(), L::Stop> {
        let agrees = |keys: &EdgeKeys, lookup: Option<&Lookup<'_>>| {
            let extra_salt = lookup.map_or("", |lookup| lookup.header_salt);
            let signed = Signed { fields: &self.fields.signed, url: None, extra_salt };
            keys.agree(&signed, &self.fields.mac)
        };
        sight.walk(&self.fields, Some(&self.acl), agrees, looks)
    }

    /// The outcome of every check.
    pub(crate) fn explain(&self, sight: &Sight<'_>) -> Vec<Check> {
        let mut recorder = Recorder::default();
        let Ok(()) = self.walk(sight, &mut recorder);
        recorder.checks
    }
}

/// What a session token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionClaims {
    /// What it covers.
    pub acl: Acl,
    /// When it may be used.
    pub lifetime: Lifetime,
    /// The only address it may be used from.
    pub address: Option<IpAddr>,
    /// The id carried over from the access token.
    pub id: Option<String>,
    /// The payload carried over from the access token.
    pub data: Option<String>,
    mac: MacBytes,
}

impl SessionClaims {
    /// What tells this token from every other (SEC-40).
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        TokenIdentity::new(TokenFormat::Edge, "", self.mac.as_ref())
    }
}

/// What a session token is to say.
#[derive(Clone, Copy, Debug)]
pub struct SessionRequest<'a> {
    /// What it covers: what the access token covers.
    pub acl: &'a Acl,
    /// When it is made.
    pub issued_at: Timestamp,
    /// From when it may no longer be used; at most a day later.
    pub end: Timestamp,
    /// The only address it may be used from.
    pub address: Option<IpAddr>,
    /// The access token's id.
    pub id: Option<&'a str>,
    /// The access token's payload.
    pub data: Option<&'a str>,
    /// What the request's headers add to the salt: [`header_salt`].
    pub header_salt: &'a str,
}

/// Makes a session token, signed with the current key.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(request: &SessionRequest<'_>, keys: &EdgeKeys) -> Result<String, IssueError> {
    if request.issued_at >= request.end {
        return Err(IssueError::LifetimeEmpty);
    }
    if request.issued_at.until(request.end) > LIFETIME_MAX {
        return Err(IssueError::LifetimeTooLong);
    }
    if request.id.is_some_and(|id| id.is_empty() || id.len() > 64) {
        return Err(IssueError::Id);
    }
    let mut data = SESSION_MARK.to_owned();
    if let Some(carried) = request.data {
        data.push(',');
        data.push_str(&escape::component(carried));
    }
    let mut text = Writer::new();
    text.field("ip", request.address);
    text.field("exp", Some(request.end));
    text.field("acl", Some(escape::session_acl(request.acl.as_str())));
    text.field("id", request.id.map(escape::component));
    text.field("data", Some(data));
    let signed = Signed { fields: text.as_str(), url: None, extra_salt: request.header_salt };
    let mac = keys.sign(&signed);
    text.close(&mac)
}

/// What the configured request headers add to the salt: binding a session to them means that
/// a copied token is of no use to a player that sends others.
///
/// `headers` lists each configured name, lower case and in configured order, with the value
/// the request has for it.
#[must_use]
pub fn header_salt(headers: &[(&str, Option<&str>)]) -> String {
    let mut salt = String::new();
    for (name, value) in headers {
        if let Some(value) = value {
            // A header's value holds no line break, so no two lists give one salt.
            let _ = write!(salt, "\n{name}:{value}");
        }
    }
    salt
}

/// The longest life of a session token.
pub const LIFETIME_MAX: Duration = Duration::from_secs(86_400);
