//! Access tokens (`hdnts`): what a player shows to get a manifest.
//!
//! An ACL token names the paths it covers; a URL token names none and is signed over one. A
//! session token is not accepted here, whatever its signature. An access token opens a
//! session and may ask for what it covers; whether it may is decided elsewhere.
//!
//! SPEC: Akamai EdgeAuth 2.0; SEC-32 to 35.

use std::{borrow::Cow, fmt, iter, net::IpAddr};

use portcullis_base::Timestamp;

use super::{
    EdgeKeys, EdgeTokenError, FieldFault, IssueError, Lookup, Signed, UnknownFields,
    acl::Acl,
    escape::{self, Dialect},
    fields::{Fields, Writer, decoded},
    path,
    walk::{FirstFault, Looks, Sight},
};
use crate::{
    Verified,
    identity::{TokenFormat, TokenIdentity},
    lifetime::{Leeway, Lifetime},
    token_key::MacBytes,
    watch::{Check, Recorder},
};

/// The name access tokens travel under.
pub const NAME: &str = "hdnts";

/// A token that was read and not yet verified. It shows nothing of what it says.
#[derive(Debug)]
pub struct AccessToken<'a> {
    fields: Fields<'a>,
    acl: Option<Acl>,
}

/// Reads an access token, as sent.
///
/// # Errors
///
/// Says which rule of the text is broken; [`EdgeTokenError::WrongKind`] for a session token.
pub fn parse(raw: &str) -> Result<AccessToken<'_>, EdgeTokenError> {
    parse_with(raw, UnknownFields::Refuse)
}

/// As [`parse`], with a choice of what becomes of fields nobody knows.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_with(raw: &str, unknown: UnknownFields) -> Result<AccessToken<'_>, EdgeTokenError> {
    let fields = Fields::parse(raw, unknown)?;
    // SECURITY: the kind is read before the signature is checked. A refusal may rest on what
    // is not verified; an acceptance may not, and the mark is part of what is signed.
    let data = fields.data.as_deref().unwrap_or_default();
    if data.starts_with(SESSION_MARK) || decoded(data).starts_with(SESSION_MARK) {
        return Err(EdgeTokenError::WrongKind);
    }
    let acl = fields.acl.as_deref().map(Acl::parse).transpose().map_err(FieldFault::Acl)?;
    Ok(AccessToken { fields, acl })
}

impl AccessToken<'_> {
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
    ) -> Result<Verified<AccessClaims>, EdgeTokenError> {
        self.verify_within(keys, lookup, now, Leeway::NONE)
    }

    /// As [`Self::verify`], where the generator's clock may differ from ours by `leeway`.
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
    ) -> Result<Verified<AccessClaims>, EdgeTokenError> {
        let sight = Sight { keys: Some(keys), lookup: Some(lookup), now, leeway };
        self.walk(&sight, &mut FirstFault)?;
        self.said().map(Verified::new)
    }

    /// What the token says, whether it is true or not.
    pub(crate) fn said(self) -> Result<AccessClaims, EdgeTokenError> {
        let start = self.fields.start.unwrap_or(Timestamp(0));
        Ok(AccessClaims {
            lifetime: Lifetime::new(start, self.fields.end)?,
            coverage: self.acl.map_or(Coverage::Url, Coverage::Acl),
            address: self.fields.address,
            id: self.fields.id.map(Cow::into_owned),
            data: self.fields.data.as_deref().map(|data| decoded(data).into_owned()),
            mac: self.fields.mac,
        })
    }

    fn walk<L: Looks>(&self, sight: &Sight<'_>, looks: &mut L) -> Result<(), L::Stop> {
        let (fields, acl) = (&self.fields, self.acl.as_ref());
        let signed = Signed { fields: &fields.signed, url: None, extra_salt: "" };
        let agrees = |keys: &EdgeKeys, lookup: Option<&Lookup<'_>>| match (acl, lookup) {
            (Some(_), _) => keys.agree(&signed, &fields.mac),
            (None, Some(lookup)) => spellings(lookup)
                .any(|url| keys.agree(&Signed { url: Some(&url), ..signed }, &fields.mac)),
            (None, None) => false,
        };
        sight.walk(fields, acl, agrees, looks)
    }

    /// The outcome of every check.
    pub(crate) fn explain(&self, sight: &Sight<'_>) -> Vec<Check> {
        let mut recorder = Recorder::default();
        let Ok(()) = self.walk(sight, &mut recorder);
        recorder.checks
    }
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// What it covers.
    pub coverage: Coverage,
    /// When it may be used.
    pub lifetime: Lifetime,
    /// The only address it may be used from.
    pub address: Option<IpAddr>,
    /// The id by which it can be revoked.
    pub id: Option<String>,
    /// The generator's payload.
    pub data: Option<String>,
    mac: MacBytes,
}

impl AccessClaims {
    /// What tells this token from every other (SEC-40).
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        TokenIdentity::new(TokenFormat::Edge, "", self.mac.as_ref())
    }
}

/// What an access token covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// The paths its list admits.
    Acl(Acl),
    /// The one URL it was verified for.
    Url,
}

impl Coverage {
    /// What the session that this token opens may cover: the token's own list or, for a URL
    /// token, the directory of the URL it was verified for.
    ///
    /// # Errors
    ///
    /// [`FieldFault::Acl`] when the directory cannot be written as a pattern.
    pub fn session_acl(&self, raw_path: &str) -> Result<Acl, FieldFault> {
        match self {
            Self::Acl(acl) => Ok(acl.clone()),
            Self::Url => Acl::directory_of(raw_path).map_err(FieldFault::Acl),
        }
    }
}

/// What an access token is to say.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// What it covers.
    pub covers: Covers<'a>,
    /// From when it may be used; at once if absent.
    pub start: Option<Timestamp>,
    /// From when it may no longer be used.
    pub end: Timestamp,
    /// The only address it may be used from.
    pub address: Option<IpAddr>,
    /// The id by which it can be revoked: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub id: Option<&'a str>,
    /// A payload, carried over to the session.
    pub data: Option<&'a str>,
}

/// What a new access token covers.
#[derive(Clone, Copy, Debug)]
pub enum Covers<'a> {
    /// The paths a list admits. The list must not admit every path.
    Acl(&'a Acl),
    /// The paths a list admits, even if that is every path.
    DangerRootAcl(&'a Acl),
    /// One path as it will be sent, with its query if that is to be signed.
    Url(&'a str),
}

/// How the values of a token are written. Verifiers that speak this format read all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writing {
    /// As one of Akamai's libraries writes them with its escaping on.
    Escaped(Dialect),
    /// What has a meaning inside a token is escaped, the rest stands as it is.
    #[default]
    Own,
    /// As one of Akamai's libraries writes them with its escaping off: as they are.
    Plain(Dialect),
}

impl Writing {
    /// A value as it will stand in the token; `None` if the field is left out.
    fn value(self, field: &'static str, value: &str) -> Result<Option<String>, IssueError> {
        let (written, dialect) = match self {
            Self::Own => return Ok(Some(escape::value(value))),
            Self::Escaped(dialect) => (dialect.escape(value), dialect),
            Self::Plain(dialect) => (value.to_owned(), dialect),
        };
        if written.is_empty() && !dialect.keeps_empty_fields() {
            return Ok(None);
        }
        // SECURITY: a `~` begins a field. Two of the libraries leave it alone.
        let protected = written.bytes().all(|byte| matches!(byte, b' '..=b'}'));
        let same = matches!(self, Self::Escaped(_)) || decoded(&written) == value;
        let fault = IssueError::Unprotected { field };
        if protected && same { Ok(Some(written)) } else { Err(fault) }
    }

    fn acl(self, acl: &Acl) -> Cow<'_, str> {
        match self {
            Self::Escaped(Dialect::Java) => Cow::Owned(Dialect::Java.escape(acl.as_str())),
            _ => Cow::Borrowed(acl.as_str()),
        }
    }

    fn url(self, url: &str) -> Cow<'_, str> {
        match self {
            Self::Escaped(dialect) => Cow::Owned(dialect.escape(url)),
            _ => Cow::Borrowed(url),
        }
    }

    /// Whether a value that is empty can be meant.
    const fn has_empty_values(self) -> bool {
        !matches!(self, Self::Own)
    }
}

/// Makes an access token, signed with the current key.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(request: &AccessRequest<'_>, keys: &EdgeKeys) -> Result<String, IssueError> {
    issue_as(request, keys, Writing::Own)
}

/// As [`issue`], written as another generator would: to the byte what it makes of the same
/// wishes, unless that could be read as something else.
///
/// # Errors
///
/// As [`issue`], and [`IssueError::Unprotected`] for a value that this way of writing would
/// leave with a meaning of its own.
pub fn issue_as(
    request: &AccessRequest<'_>,
    keys: &EdgeKeys,
    writing: Writing,
) -> Result<String, IssueError> {
    if request.start.unwrap_or(Timestamp(0)) >= request.end {
        return Err(IssueError::LifetimeEmpty);
    }
    if request.data.is_some_and(|data| data.starts_with(SESSION_MARK)) {
        return Err(IssueError::DataReserved);
    }
    let left_empty = |id: &str| id.is_empty() && writing.has_empty_values();
    if !request.id.is_none_or(|id| revocable(id) || left_empty(id)) {
        return Err(IssueError::Id);
    }
    let (acl, url) = match request.covers {
        Covers::Acl(acl) if acl.is_root() => return Err(IssueError::RootAcl),
        Covers::Acl(acl) | Covers::DangerRootAcl(acl) => (Some(acl), None),
        Covers::Url(url) => {
            let path = url.split_once('?').map_or(url, |(path, _)| path);
            path::check(path).map_err(IssueError::Path)?;
            (None, Some(writing.url(url)))
        }
    };
    let value = |field, text: Option<&str>| {
        text.map(|text| writing.value(field, text)).transpose().map(Option::flatten)
    };
    let address = request.address.map(|address| address.to_string());
    let mut text = Writer::new();
    text.field("ip", value("ip", address.as_deref())?);
    text.field("st", request.start);
    text.field("exp", Some(request.end));
    text.field("acl", acl.map(|acl| writing.acl(acl)));
    text.field("id", value("id", request.id)?);
    text.field("data", value("data", request.data)?);
    let mac = keys.sign(&Signed { fields: text.as_str(), url: url.as_deref(), extra_salt: "" });
    text.close(&mac)
}

/// The ways in which generators may have written the URL they signed, the likeliest first.
fn spellings<'a>(lookup: &Lookup<'a>) -> impl Iterator<Item = Cow<'a, str>> {
    let url = match lookup.query {
        None => Cow::Borrowed(lookup.path),
        Some(query) => Cow::Owned(format!("{}?{query}", lookup.path)),
    };
    let dialects: &[Dialect] = match url.contains([' ', '!', '(', ')', '*', '~']) {
        true => &Dialect::ALL,
        // They differ in nothing else.
        false => &[Dialect::Python],
    };
    let plain = url.clone();
    let escaped = dialects.iter().map(move |dialect| Cow::Owned(dialect.escape(&url)));
    iter::once(plain).chain(escaped)
}

/// SPEC: Akamai Access Revocation API, token identifiers.
pub(crate) fn revocable(id: &str) -> bool {
    let accepted = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=64).contains(&id.len()) && id.bytes().all(accepted)
}

/// Begins the payload of session tokens, and of nothing else.
pub(super) const SESSION_MARK: &str = super::session::NAME;

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acl(acl) => acl.fmt(f),
            Self::Url => f.write_str("one URL"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example has a space in its path, which no request can: it is checked
    /// against the spellings alone.
    #[test]
    fn a_url_is_signed_in_each_librarys_spelling() {
        let current = EdgeKeys::key_from_hex("52a152a152a152a152a152a152a1").unwrap();
        let keys = EdgeKeys { current, transition: None, salt: None };
        let path = "/v/a b~c/(d)'*!.m3u8";
        let lookup = Lookup { path, query: None, address: None, header_salt: "" };
        for mac in [
            "7335a7a53c8f4e758be37a6f38c6f392e8f0750788afab345fb6cff90c7632c2",
            "d5c600a4a911c046722220a35be483f620e719a57a9ea305712470741f4da734",
        ] {
            let mac = MacBytes::from_hex(mac).unwrap();
            let by = |url: &str| {
                let fields = "exp=1700003600";
                keys.agree(&Signed { fields, url: Some(url), extra_salt: "" }, &mac)
            };
            assert!(spellings(&lookup).any(|url| by(&url)));
        }
    }
}
