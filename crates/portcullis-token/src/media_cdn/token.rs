//! Reads and verifies a token for one request.

use std::{borrow::Cow, fmt, time::Duration};

use portcullis_base::{Cidr, Timestamp, json::Value};

use super::{
    LONG_LIFETIME_MAX,
    fields::{Fields, is_name},
    keys::{MediaCdnKeys, Proof},
};
use crate::{
    Verified,
    claims::{Claims, Cover},
    edge::acl::Acl,
    fault::{Fault, Refused, Step},
    format::Request,
    identity::{TokenFormat, TokenIdentity},
    lifetime::Lifetime,
    uri,
    watch::{Strict, Watch},
};

/// A token that was read and not yet verified.
#[derive(Debug)]
pub struct MediaCdnToken {
    pub(super) fields: Fields,
}

/// Reads a token, as sent.
///
/// # Errors
///
/// Says which rule of the text is broken.
pub fn parse(raw: &str) -> Result<MediaCdnToken, Refused> {
    let fields = Fields::parse(raw).map_err(|fault| {
        let step = if matches!(fault, Fault::NoEnd) { Step::Times } else { Step::Form };
        fault.at(step)
    })?;
    Ok(MediaCdnToken { fields })
}

/// What a token covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covers {
    /// The one path that was signed; it does not stand in the token.
    FullPath,
    /// The paths that patterns match.
    PathGlobs(Acl),
    /// Every URL of one origin whose path begins so.
    UrlPrefix {
        /// Scheme, host and port, in lower case, without the scheme's own port.
        origin: String,
        /// The beginning of the path; it begins with `/`.
        path: String,
    },
}

impl Covers {
    /// Whether every path of a host is covered.
    #[must_use]
    pub fn is_root(&self) -> bool {
        match self {
            Self::FullPath => false,
            Self::PathGlobs(globs) => globs.is_root(),
            Self::UrlPrefix { path, .. } => path == "/",
        }
    }

    fn check(&self, request: &Request, path: &str) -> Result<(), Fault> {
        let covered = match self {
            // The signature over it was checked.
            Self::FullPath => true,
            Self::PathGlobs(globs) => globs.admits(path),
            Self::UrlPrefix { origin, path: prefix } => {
                uri::origin_of(request)?.to_string() == *origin && path.starts_with(prefix.as_str())
            }
        };
        if covered { Ok(()) } else { Err(Fault::Path) }
    }
}

impl fmt::Display for Covers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FullPath => f.write_str("the one path that was signed"),
            Self::PathGlobs(globs) => globs.fmt(f),
            Self::UrlPrefix { origin, path } => write!(f, "{origin}{path}"),
        }
    }
}

/// Which of the two tokens it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// One the edge made of a short one: it bears the mark `_GO=Generated`.
    Long,
    /// One that opens a stream.
    Short,
}

/// What a route asks of tokens.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Which kind is asked for.
    pub kind: TokenKind,
    /// How far ahead the end may lie.
    pub ttl_max: Option<Duration>,
    /// The name tokens travel under, for those that come as a path component.
    pub name: &'a str,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaCdnClaims {
    /// Which kind it is.
    pub kind: TokenKind,
    /// What it covers.
    pub covers: Covers,
    /// The path it was verified for, without a token in it.
    pub path: Option<String>,
    /// From when it may be used.
    pub starts: Option<Timestamp>,
    /// From when it may no longer be used.
    pub expires: Timestamp,
    /// The viewer's session.
    pub session: Option<String>,
    /// The issuer's payload.
    pub data: Option<String>,
    /// The request headers whose values were signed.
    pub headers: Vec<String>,
    /// The only addresses it may be used from; any if empty.
    pub ranges: Vec<Cidr>,
    proof: Vec<u8>,
}

impl MediaCdnClaims {
    /// What tells this token from every other (SEC-40).
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        TokenIdentity::new(TokenFormat::Edge, "", &self.proof)
    }

    /// The same in words common to every family.
    #[must_use]
    pub fn to_claims(&self) -> Claims {
        let cover = match &self.covers {
            Covers::FullPath => self.path.clone().map(Cover::Path).into_iter().collect(),
            Covers::PathGlobs(globs) => {
                globs.as_str().split('!').map(|glob| Cover::PathGlob(glob.to_owned())).collect()
            }
            Covers::UrlPrefix { .. } => vec![Cover::UrlPrefix(self.covers.to_string())],
        };
        let mut claims = Claims {
            start: self.starts,
            end: Some(self.expires),
            identity: self.identity(),
            session: self.session.clone(),
            addresses: self.ranges.clone(),
            covers: cover,
            data: self.data.clone(),
            ..Claims::default()
        };
        if !self.headers.is_empty() {
            let names = self.headers.iter().map(|name| Value::from(name.as_str())).collect();
            claims.other.insert("Headers".to_owned(), Value::Array(names));
        }
        if self.kind == TokenKind::Long {
            claims.other.insert("_GO".to_owned(), super::fields::GENERATED.into());
        }
        claims
    }
}

impl MediaCdnToken {
    /// Verifies the token for one request.
    ///
    /// # Errors
    ///
    /// Says which check failed. The client is not to be told.
    pub fn verify(
        &self,
        keys: &MediaCdnKeys,
        request: &Request,
        rules: &Rules<'_>,
        now: Timestamp,
    ) -> Result<Verified<MediaCdnClaims>, Refused> {
        self.walk(Some(keys), request, rules, now, &mut Strict)?;
        Ok(Verified::new(self.said(request, rules)))
    }

    /// Which kind it says it is.
    pub(super) const fn kind(&self) -> TokenKind {
        if self.fields.generated { TokenKind::Long } else { TokenKind::Short }
    }

    pub(super) const fn proof(&self) -> &Proof {
        &self.fields.proof
    }

    pub(super) fn said(&self, request: &Request, rules: &Rules<'_>) -> MediaCdnClaims {
        let fields = &self.fields;
        MediaCdnClaims {
            kind: self.kind(),
            covers: fields.covers.clone(),
            path: self.path(request, rules).ok().map(Cow::into_owned),
            starts: fields.starts,
            expires: fields.expires,
            session: fields.session.clone(),
            data: fields.data.clone(),
            headers: fields.headers.clone(),
            ranges: fields.ranges.clone(),
            proof: fields.proof.bytes().to_vec(),
        }
    }

    pub(super) fn walk<W: Watch>(
        &self,
        keys: Option<&MediaCdnKeys>,
        request: &Request,
        rules: &Rules<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let kind = match (rules.kind, self.kind()) {
            (TokenKind::Short, TokenKind::Long) => Err(Fault::Kind { what: "a long token" }),
            (TokenKind::Long, TokenKind::Short) => Err(Fault::Kind { what: "a short token" }),
            _ => Ok(()),
        };
        watch.check(Step::Kind, kind, || format!("a {:?} token", self.kind()))?;
        match keys {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(keys) => {
                let proof = &self.fields.proof;
                let fits = if keys.any_fits(proof) { Ok(()) } else { Err(Fault::Algorithm) };
                watch.check(Step::Key, fits, || proof.algorithm().to_owned())?;
                let outcome = self.check_proof(keys, request, rules);
                watch.check(Step::Signature, outcome, || "made with a key of ours".to_owned())?;
            }
        }
        watch.check(Step::Times, self.check_times(rules, now), || {
            format!("until {}", self.fields.expires)
        })?;
        let covered = self.path(request, rules).and_then(|path| {
            uri::check_path(&path)?;
            self.fields.covers.check(request, &path)
        });
        watch.check(Step::Coverage, covered, || self.fields.covers.to_string())?;
        if self.fields.ranges.is_empty() {
            watch.skip(Step::Place, "the token is bound to no address");
            return Ok(());
        }
        let place = match request.address {
            None => Err(Fault::RequestLacks { what: "address" }),
            Some(own) if self.fields.ranges.iter().any(|range| range.contains(own)) => Ok(()),
            Some(_) => Err(Fault::Address),
        };
        watch.check(Step::Place, place, || "the address lies in a range".to_owned())
    }

    fn check_proof(
        &self,
        keys: &MediaCdnKeys,
        request: &Request,
        rules: &Rules<'_>,
    ) -> Result<(), Fault> {
        let signed = self.signed(request, rules)?;
        let genuine = keys.any_verifies(signed.as_bytes(), &self.fields.proof);
        if genuine { Ok(()) } else { Err(Fault::Signature) }
    }

    /// The text that was signed: as sent, but for the two fields that stand for more.
    fn signed(&self, request: &Request, rules: &Rules<'_>) -> Result<Cow<'_, str>, Fault> {
        let fields = &self.fields;
        if fields.headers.is_empty() && fields.covers != Covers::FullPath {
            return Ok(Cow::Borrowed(&fields.sent));
        }
        let mut signed = String::with_capacity(fields.sent.len() + 64);
        for (at, part) in fields.sent.split('~').enumerate() {
            if at > 0 {
                signed.push('~');
            }
            match part {
                "FullPath" => {
                    signed.push_str("FullPath=");
                    signed.push_str(&self.path(request, rules)?);
                }
                _ if part.starts_with("Headers=") => {
                    signed.push_str("Headers=");
                    signed.push_str(&header_values(&fields.headers, request)?);
                }
                _ => signed.push_str(part),
            }
        }
        Ok(Cow::Owned(signed))
    }

    /// The path of the request without the component that carries this token.
    fn path<'a>(&self, request: &'a Request, rules: &Rules<'_>) -> Result<Cow<'a, str>, Fault> {
        let path = request.path.as_deref().ok_or(Fault::RequestLacks { what: "path" })?;
        let carries = |part: &str| {
            let value = part.strip_prefix(rules.name).and_then(|rest| rest.strip_prefix('='));
            value.is_some_and(|value| {
                Fields::parse(value).is_ok_and(|one| one.sent == self.fields.sent)
            })
        };
        if !path.split('/').any(carries) {
            return Ok(Cow::Borrowed(path));
        }
        let rest: Vec<&str> = path.split('/').filter(|part| !carries(part)).collect();
        let rest = rest.join("/");
        Ok(Cow::Owned(if rest.is_empty() { "/".to_owned() } else { rest }))
    }

    fn check_times(&self, rules: &Rules<'_>, now: Timestamp) -> Result<(), Fault> {
        let (start, end) = (self.fields.starts.unwrap_or(Timestamp(0)), self.fields.expires);
        Lifetime::new(start, end)?.check(now, Duration::ZERO)?;
        let own = (self.kind() == TokenKind::Long).then_some(LONG_LIFETIME_MAX);
        let longest = rules.ttl_max.into_iter().chain(own).min();
        match longest {
            Some(longest) if now.until(end) > longest => {
                Err(Fault::Lifetime { seconds_max: longest.as_secs() })
            }
            _ => Ok(()),
        }
    }
}

/// `a=v,b=w`: the names as the token writes them, with the values of the request.
pub(super) fn header_values(names: &[String], request: &Request) -> Result<String, Fault> {
    let mut text = String::new();
    for name in names {
        let mut values = request.header(name);
        let value = values.next().ok_or(Fault::RequestLacks { what: "headers" })?;
        // SECURITY: which of two values was signed is anybody's guess, a `~` would begin a
        // field, and `,name=` the next header, which could then be left out of the list.
        let mut parts = value.split(',').skip(1);
        let begins = parts.any(|part| part.split_once('=').is_some_and(|(name, _)| is_name(name)));
        if values.next().is_some() || value.contains('~') || begins {
            return Err(Fault::Ambiguous);
        }
        let join = if text.is_empty() { "" } else { "," };
        text.push_str(&format!("{join}{name}={value}"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_header_is_not_the_beginning_of_another() {
        let check = |value: &str, expected: Result<&str, Fault>| {
            let headers = vec![("User-Agent".to_owned(), value.to_owned())];
            let request = Request { headers, ..Request::default() };
            let actual = header_values(&["User-Agent".to_owned()], &request);
            assert_eq!(actual, expected.map(str::to_owned), "{value}");
        };
        check("A (KHTML, like B)", Ok("User-Agent=A (KHTML, like B)"));
        check("a=b", Ok("User-Agent=a=b"));
        check("a,X-Country=DE", Err(Fault::Ambiguous));
        check("a~Data=b", Err(Fault::Ambiguous));
    }
}
