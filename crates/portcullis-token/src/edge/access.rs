//! Access tokens (`hdnts`): what a player shows to get a manifest.
//!
//! An ACL token names the paths it covers; a URL token names none and is signed over one. A
//! session token is not accepted here, whatever its signature. An access token opens a
//! session and may ask for what it covers; whether it may is decided elsewhere.
//!
//! SPEC: Akamai EdgeAuth 2.0; SEC-32 to 35.

use std::{fmt, net::IpAddr};

use portcullis_base::Timestamp;

use super::{
    EdgeKeys, EdgeTokenError, FieldFault, IssueError, Lookup,
    acl::Acl,
    check_address, check_span,
    escape::{self, Dialect},
    fields::{Fields, Writer, decoded},
    path,
};
use crate::{
    Verified,
    identity::{TokenFormat, TokenIdentity},
    lifetime::Lifetime,
};

/// The name access tokens travel under.
pub const NAME: &str = "hdnts";

/// A token that was read and not yet verified. It shows nothing of what it says.
#[derive(Debug)]
pub struct AccessToken {
    fields: Fields,
    acl: Option<Acl>,
}

/// Reads an access token, as sent.
///
/// # Errors
///
/// Says which rule of the text is broken; [`EdgeTokenError::WrongKind`] for a session token.
pub fn parse(raw: &str) -> Result<AccessToken, EdgeTokenError> {
    let fields = Fields::parse(raw)?;
    // SECURITY: the kind is read before the signature is checked. A refusal may rest on what
    // is not verified; an acceptance may not, and the mark is part of what is signed.
    let data = fields.data.as_deref().unwrap_or_default();
    if data.starts_with(SESSION_MARK) || decoded(data).starts_with(SESSION_MARK) {
        return Err(EdgeTokenError::WrongKind);
    }
    let acl = fields.acl.as_deref().map(Acl::parse).transpose().map_err(FieldFault::Acl)?;
    Ok(AccessToken { fields, acl })
}

impl AccessToken {
    /// Checks the token for one request: MAC, times, path, address, in this order.
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
        path::check(lookup.path)?;
        let signed = self.fields.signed.as_bytes();
        let mac = self.fields.mac.as_slice();
        let genuine = match self.acl {
            Some(_) => keys.agree(&[signed], "", mac),
            None => spellings(lookup)
                .any(|url| keys.agree(&[signed, b"~url=", url.as_bytes()], "", mac)),
        };
        if !genuine {
            return Err(EdgeTokenError::Mac);
        }
        let lifetime = check_span(self.fields.start, self.fields.end, now)?;
        let coverage = match self.acl {
            Some(acl) if !acl.admits(lookup.path) => return Err(EdgeTokenError::Path),
            Some(acl) => Coverage::Acl(acl),
            None => Coverage::Url,
        };
        check_address(self.fields.address, lookup.address)?;
        Ok(Verified::new(AccessClaims {
            coverage,
            lifetime,
            address: self.fields.address,
            id: self.fields.id,
            data: self.fields.data.as_deref().map(decoded),
            mac: self.fields.mac,
        }))
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
    mac: [u8; 32],
}

impl AccessClaims {
    /// What tells this token from every other (SEC-40).
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        TokenIdentity::new(TokenFormat::Edge, "", &self.mac)
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

/// Makes an access token, signed with the current key.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(request: &AccessRequest<'_>, keys: &EdgeKeys) -> Result<String, IssueError> {
    if request.start.unwrap_or(Timestamp(0)) >= request.end {
        return Err(IssueError::LifetimeEmpty);
    }
    let data = request.data.map(escape::value);
    if request.data.is_some_and(|data| data.starts_with(SESSION_MARK)) {
        return Err(IssueError::DataReserved);
    }
    if !request.id.is_none_or(revocable) {
        return Err(IssueError::Id);
    }
    let (acl, url) = match request.covers {
        Covers::Acl(acl) if acl.is_root() => return Err(IssueError::RootAcl),
        Covers::Acl(acl) | Covers::DangerRootAcl(acl) => (Some(acl), None),
        Covers::Url(url) => {
            let path = url.split_once('?').map_or(url, |(path, _)| path);
            path::check(path).map_err(IssueError::Path)?;
            (None, Some(url))
        }
    };
    let mut text = Writer::new();
    text.field("ip", request.address);
    text.field("st", request.start);
    text.field("exp", Some(request.end));
    text.field("acl", acl);
    text.field("id", request.id);
    text.field("data", data);
    let mac = match url {
        None => keys.sign(&[text.as_bytes()], ""),
        Some(url) => keys.sign(&[text.as_bytes(), b"~url=", url.as_bytes()], ""),
    };
    text.close(&mac)
}

/// The ways in which generators may have written the URL they signed.
fn spellings(lookup: &Lookup<'_>) -> impl Iterator<Item = String> {
    let query = lookup.query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("{}{query}", lookup.path);
    let escaped: [String; 4] = Dialect::ALL.map(|dialect| dialect.escape(&url));
    [url].into_iter().chain(escaped)
}

/// SPEC: Akamai Access Revocation API, token identifiers.
fn revocable(id: &str) -> bool {
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
            let mac = hex::decode(mac).unwrap();
            let by =
                |url: &String| keys.agree(&[b"exp=1700003600", b"~url=", url.as_bytes()], "", &mac);
            assert_eq!(spellings(&lookup).filter(by).count(), 1);
        }
    }
}
