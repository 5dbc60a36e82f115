//! The claims of a token, read with their types.
//!
//! A claim of a wrong type is a failure, never taken for absent. What a claim demands of the
//! request is checked elsewhere.
//!
//! SPEC: RFC 9246 §2.1.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{
    Cidr, Timestamp,
    json::{Object, Value},
};

use super::{ere::Ere, jwe};
use crate::{
    claims::{Claims, Cover, Uses},
    fault::Fault,
    identity::{TokenFormat, TokenIdentity},
    jws,
    jwt::{Algorithm, base64url},
};

/// What a token covers: `cdniuc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Container {
    /// The URI with this SHA-256.
    Hash([u8; 32]),
    /// The URIs an expression matches whole.
    Regex(String),
}

impl Container {
    /// Reads the claim. The expression in it is not looked at.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(expression) = text.strip_prefix("regex:") {
            return Some(Self::Regex(expression.to_owned()));
        }
        let digest = text.strip_prefix("hash:sha-256;")?;
        URL_SAFE_NO_PAD.decode(digest).ok()?.try_into().ok().map(Self::Hash)
    }

    /// Whether the container covers a normalised URI.
    pub(super) fn check(&self, uri: &str) -> Result<(), Fault> {
        let covered = match self {
            Self::Hash(expected) => {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, uri.as_bytes());
                digest.as_ref() == expected
            }
            Self::Regex(expression) => {
                let fault = Fault::Claim { name: "cdniuc".to_owned() };
                Ere::parse(expression).ok_or(fault)?.matches(uri)
            }
        };
        if covered { Ok(()) } else { Err(Fault::Path) }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(digest) => write!(f, "hash:sha-256;{}", base64url(digest)),
            Self::Regex(expression) => write!(f, "regex:{expression}"),
        }
    }
}

/// How a renewed token is handed over: `cdnistt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalWay {
    /// 1: in a cookie.
    Cookie,
    /// 0: not at all.
    None,
    /// 2: in the query of a redirect.
    Query,
}

/// What a token says.
#[derive(Clone, Debug)]
pub struct UriSigningClaims {
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`, as it stands there: encrypted.
    pub subject: Option<String>,
    /// `sub`, if a key opened it.
    pub user: Option<String>,
    /// `aud`.
    pub audiences: Vec<String>,
    /// `exp`: the first second outside.
    pub end: Timestamp,
    /// `nbf`.
    pub start: Option<Timestamp>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `jti`: the token is good for one use.
    pub id: Option<String>,
    /// `cdniip`, if a key opened it: the only addresses the token may be used from.
    pub addresses: Option<Cidr>,
    /// `cdniuc`.
    pub container: Container,
    /// The URI it was verified for, normalised, without the token.
    pub uri: Option<String>,
    /// `cdniets`: for how many seconds a renewed token is good.
    pub renewed_seconds: Option<u64>,
    /// `cdnistt`: how a renewed token is handed over.
    pub renewal: RenewalWay,
    /// `cdnistd`: how many segments of the path the cookie of a renewed token is for.
    pub cookie_depth: u64,
    /// Every claim as it was written.
    pub all: Object,
    pub(super) mark: Vec<u8>,
}

impl UriSigningClaims {
    pub(super) fn parse(
        all: Object,
        algorithm: Algorithm,
        signature: &[u8],
    ) -> Result<Self, Fault> {
        let text = |name| Ok::<_, Fault>(jws::text(&all, name)?.map(str::to_owned));
        let container = jws::text(&all, "cdniuc")?.and_then(Container::parse);
        let claims = Self {
            issuer: text("iss")?,
            subject: text("sub")?,
            user: None,
            audiences: jws::texts(&all, "aud")?,
            end: jws::date(&all, "exp")?.ok_or(Fault::NoEnd)?,
            start: jws::date(&all, "nbf")?,
            issued_at: jws::date(&all, "iat")?,
            id: text("jti")?,
            addresses: None,
            container: container.ok_or_else(|| wrong("cdniuc"))?,
            uri: None,
            renewed_seconds: number(&all, "cdniets")?,
            renewal: match number(&all, "cdnistt")? {
                None | Some(0) => RenewalWay::None,
                Some(1) => RenewalWay::Cookie,
                Some(2) => RenewalWay::Query,
                Some(_) => return Err(wrong("cdnistt")),
            },
            cookie_depth: number(&all, "cdnistd")?.unwrap_or(0),
            mark: mark(algorithm, signature),
            all,
        };
        if claims.id.as_deref() == Some("") {
            return Err(wrong("jti"));
        }
        for name in ["cdnicrit", "cdniip"] {
            jws::text(&claims.all, name)?;
        }
        if claims.subject.as_deref().is_some_and(|subject| !jwe::is_jwe(subject)) {
            return Err(wrong("sub"));
        }
        claims.check_renewal()?;
        Ok(claims)
    }

    /// Both claims or neither, and a renewed token with an end.
    fn check_renewal(&self) -> Result<(), Fault> {
        match (self.all.contains_key("cdnistt"), self.renewed_seconds) {
            (false, None) | (true, Some(1..)) => Ok(()),
            (true, None) | (_, Some(0)) => Err(wrong("cdniets")),
            (false, Some(_)) => Err(wrong("cdnistt")),
        }
    }

    /// The version and the claims that have to be understood are.
    pub(super) fn check_understood(&self) -> Result<(), Fault> {
        if self.all.contains_key("cdniv") && number(&self.all, "cdniv")? != Some(1) {
            return Err(Fault::Unsupported { what: "cdniv".to_owned() });
        }
        let critical = jws::text(&self.all, "cdnicrit")?;
        let mut names = critical.into_iter().flat_map(|list| list.split(','));
        match names.find(|name| !KNOWN.contains(name)) {
            // The name came from outside, and the text of a fault is short.
            Some(name) if name.len() <= 64 => {
                Err(Fault::Unsupported { what: format!("cdnicrit: {name}") })
            }
            Some(_) => Err(wrong("cdnicrit")),
            None => Ok(()),
        }
    }

    /// What tells this token from every other (SEC-40).
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        let issuer = self.issuer.as_deref().unwrap_or_default();
        match &self.id {
            Some(id) => TokenIdentity::new(TokenFormat::Jwt, issuer, id.as_bytes()),
            None => TokenIdentity::new(TokenFormat::JwtSignature, issuer, &self.mark),
        }
    }

    /// The same in words common to every family.
    #[must_use]
    pub fn to_claims(&self) -> Claims {
        let cover = match (&self.container, &self.uri) {
            (Container::Regex(expression), _) => Cover::UrlRegex(expression.clone()),
            (Container::Hash(_), Some(uri)) => Cover::Url(uri.clone()),
            (hash, None) => Cover::UrlParts(hash.to_string()),
        };
        let read = [("cdniip", self.addresses.is_some()), ("sub", self.user.is_some())];
        let unread = read.into_iter().filter(|(_, read)| !read).map(|(name, _)| name);
        let mut other: Object = self.all.clone();
        other.retain(|name, _| !PLACED.contains(&name.as_str()));
        for name in unread {
            if let Some(value) = self.all.get(name) {
                other.insert(name.to_owned(), value.clone());
            }
        }
        Claims {
            issuer: self.issuer.clone(),
            audiences: self.audiences.clone(),
            issued_at: self.issued_at,
            start: self.start,
            end: Some(self.end),
            id: self.id.clone(),
            identity: self.identity(),
            uses: if self.id.is_some() { Uses::ONCE } else { Uses::Unlimited },
            user: self.user.clone(),
            addresses: self.addresses.into_iter().collect(),
            covers: vec![cover],
            other,
            ..Claims::default()
        }
    }
}

/// A range as RFC 9246 writes it: the example of the RFC stands in brackets and has bits below
/// its prefix; both are accepted.
pub(super) fn range(text: &str) -> Option<Cidr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let Some((address, bits)) = bare.split_once('/') else { return bare.parse().ok() };
    let bits: u32 =
        Some(bits).filter(|bits| bits.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    let network = match address.parse().ok()? {
        std::net::IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
            std::net::Ipv4Addr::from_bits(v4.to_bits() & mask).to_string()
        }
        std::net::IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(bits)?).unwrap_or(0);
            std::net::Ipv6Addr::from_bits(v6.to_bits() & mask).to_string()
        }
    };
    format!("{network}/{bits}").parse().ok()
}

/// The part of a signature that nobody without the key can change.
fn mark(algorithm: Algorithm, signature: &[u8]) -> Vec<u8> {
    // SECURITY: when (r, s) is a signature of ECDSA, so is (r, n − s).
    let elliptic = matches!(algorithm, Algorithm::Es256 | Algorithm::Es384);
    let length = if elliptic { signature.len() / 2 } else { signature.len() };
    signature.iter().take(length).copied().collect()
}

fn number(claims: &Object, name: &str) -> Result<Option<u64>, Fault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let number = value.as_number().and_then(portcullis_base::json::Number::as_u64);
    number.filter(|number| *number < 1 << 32).map(Some).ok_or_else(|| wrong(name))
}

pub(super) fn wrong(name: &str) -> Fault {
    Fault::Claim { name: name.to_owned() }
}

/// The claims a token may call critical, in the order in which we write them.
pub(super) const KNOWN: [&str; 14] = [
    "iss", "sub", "aud", "iat", "nbf", "exp", "jti", "cdniv", "cdnicrit", "cdniip", "cdniets",
    "cdnistt", "cdnistd", "cdniuc",
];
/// Those with a place of their own in the common words.
const PLACED: [&str; 9] = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "cdniip", "cdniuc"];

/// Whether claims are those of this family.
pub(super) fn is_ours(claims: &Object) -> bool {
    matches!(claims.get("cdniuc"), Some(Value::String(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_may_stand_in_brackets_and_have_host_bits() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(range(text).map(|range| range.to_string()).as_deref(), expected, "{text}");
        };
        check("[2001:db8::1/32]", Some("2001:db8::/32"));
        check("2001:db8::1/32", Some("2001:db8::/32"));
        check("192.0.2.7/24", Some("192.0.2.0/24"));
        check("192.0.2.7/0", Some("0.0.0.0/0"));
        check("::/0", Some("::/0"));
        check("192.0.2.7", Some("192.0.2.7/32"));
        for bad in ["", "[192.0.2.7", "192.0.2.7/33", "192.0.2.7/+8", "192.0.2/24", "::1/129"] {
            check(bad, None);
        }
    }

    #[test]
    fn a_container_is_a_hash_or_an_expression() {
        let hash = "hash:sha-256;2tderfWPa86Ku7YnzW51YUp7dGUjBS_3SW3ELx4hmWY";
        let container = Container::parse(hash).unwrap();
        assert_eq!(container.to_string(), hash);
        assert_eq!(container.check("http://cdni.example/foo/bar"), Ok(()));
        assert_eq!(container.check("http://cdni.example/foo/baz"), Err(Fault::Path));
        for bad in ["", "hash:", "hash:sha-256;", "hash:sha-1;AA", "HASH:sha-256;AA", "a"] {
            assert_eq!(Container::parse(bad), None, "{bad}");
        }
        assert_eq!(
            Container::parse("hash:sha-256;2tderfWPa86Ku7YnzW51YUp7dGUjBS_3SW3ELx4hmWY="),
            None
        );
        let regex = Container::parse(r"regex:(\1)").unwrap();
        assert_eq!(regex.check("x").unwrap_err().code(), "token.claim");
    }
}
