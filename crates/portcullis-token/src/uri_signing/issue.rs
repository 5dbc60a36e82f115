//! Makes tokens, and makes them anew.
//!
//! Claims are written in the order of RFC 9246 §2.1, which is the order of other libraries'
//! tokens, too. What a verifier of this crate would refuse is not made.

use std::num::NonZeroU64;

use portcullis_base::{
    Rng, Timestamp,
    json::{Object, Value},
};

use super::{
    NAME,
    ere::Ere,
    jwe::ClaimKey,
    package,
    said::{Container, KNOWN, RenewalWay, UriSigningClaims, range},
};
use crate::{
    Verified,
    format::Request,
    jwt::{IssueError, SigningKey, TOKEN_BYTES_MAX, base64url},
    uri,
};

/// What a token is to say.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// `iss`.
    pub issuer: Option<&'a str>,
    /// `sub`, which is encrypted on the way.
    pub subject: Option<&'a str>,
    /// `aud`: one is written as a text, several as a list.
    pub audiences: Vec<&'a str>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `nbf`.
    pub start: Option<Timestamp>,
    /// `exp`.
    pub end: Timestamp,
    /// `jti`: the token is good for one use.
    pub id: Option<&'a str>,
    /// `cdniv`; the only version is 1.
    pub version: Option<u64>,
    /// `cdnicrit`: claims that have to be understood, joined by `,`.
    pub critical: Option<&'a str>,
    /// `cdniip`: an address or a range, which is encrypted on the way.
    pub addresses: Option<&'a str>,
    /// `cdniets` and `cdnistt`: for how many seconds and how the token is renewed.
    pub renewal: Option<Renewal>,
    /// `cdnistd`: how many segments of the path the cookie of a renewed token is for.
    pub cookie_depth: Option<u64>,
    /// `cdniuc`: `hash:sha-256;…` or `regex:…`.
    pub container: &'a str,
}

/// How a token is to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// `cdniets`: for how many seconds the renewed token is good.
    pub seconds: NonZeroU64,
    /// `cdnistt`: how it is handed over.
    pub way: RenewalWay,
}

/// The container that covers one URL: the SHA-256 of the URL as a verifier normalises it.
///
/// # Errors
///
/// [`UriSigningRefusal::Url`] when it is none or could be read in more than one way.
pub(super) fn hash_of(url: &str) -> Result<Container, UriSigningRefusal> {
    let mut request = Request::default();
    request.set_url(url).map_err(|_| UriSigningRefusal::Url)?;
    let signed = package::signed_uri(NAME, &request).map_err(|_| UriSigningRefusal::Url)?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, signed.as_bytes());
    digest.as_ref().try_into().map(Container::Hash).map_err(|_| UriSigningRefusal::Url)
}

/// Signs a token. `claim_key` encrypts `sub` and `cdniip`, and is needed only for them.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(
    wanted: &Wanted<'_>,
    key: &SigningKey,
    claim_key: Option<&ClaimKey>,
    rng: &dyn Rng,
) -> Result<String, UriSigningRefusal> {
    if wanted.start.is_some_and(|start| start >= wanted.end) || wanted.end == Timestamp(0) {
        return Err(UriSigningRefusal::LifetimeEmpty);
    }
    if wanted.addresses.is_some_and(|text| range(text).is_none()) {
        return Err(UriSigningRefusal::Addresses);
    }
    match Container::parse(wanted.container) {
        Some(Container::Regex(expression)) if Ere::parse(&expression).is_none() => {
            return Err(UriSigningRefusal::Container);
        }
        None => return Err(UriSigningRefusal::Container),
        Some(_) => {}
    }
    let seal = |text: Option<&str>| match (text, claim_key) {
        (None, _) => Ok(None),
        (Some(_), None) => Err(UriSigningRefusal::ClaimKey),
        (Some(text), Some(key)) => key
            .seal(text, rng)
            .map(|text| Some(Value::from(text)))
            .ok_or(UriSigningRefusal::ClaimKey),
    };
    let text = |text: Option<&str>| text.map(Value::from);
    let time = |time: Option<Timestamp>| time.map(|time| Value::from(time.0));
    let mut claims = Object::new();
    let mut put = |name: &str, value: Option<Value>| {
        claims.extend(value.map(|value| (name.to_owned(), value)));
    };
    put("iss", text(wanted.issuer));
    put("sub", seal(wanted.subject)?);
    put(
        "aud",
        match wanted.audiences.as_slice() {
            [] => None,
            [one] => Some(Value::from(*one)),
            all => Some(Value::Array(all.iter().map(|one| Value::from(*one)).collect())),
        },
    );
    put("iat", time(wanted.issued_at));
    put("nbf", time(wanted.start));
    put("exp", time(Some(wanted.end)));
    put("jti", text(wanted.id));
    put("cdniv", wanted.version.map(Value::from));
    put("cdnicrit", text(wanted.critical));
    put("cdniip", seal(wanted.addresses)?);
    put("cdniets", wanted.renewal.map(|renewal| Value::from(renewal.seconds.get())));
    put("cdnistt", wanted.renewal.map(|renewal| Value::from(number(renewal.way))));
    put("cdnistd", wanted.cookie_depth.map(Value::from));
    put("cdniuc", text(Some(wanted.container)));
    let said = UriSigningClaims::parse(claims.clone(), key.algorithm(), &[]);
    said.and_then(|said| said.check_understood())
        .map_err(|fault| UriSigningRefusal::Claims(fault.to_string()))?;
    sign(&claims, key)
}

/// The cookie, or the parameter, with a token made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The value of a `Set-Cookie` header.
    Cookie(String),
    /// The parameter for the URL of a redirect to another domain.
    Query(String),
}

/// Makes a token anew that was accepted at `checked_at`, if it asks for that: the same claims
/// until `cdniets` seconds after the check, with another `jti` if it has one. It is handed
/// over with a successful answer only.
///
/// `None` when it does not ask for it, or when the path has fewer segments than `cdnistd`.
///
/// SPEC: RFC 9246 §2.1.12 (counted from the check; the example of its appendix A.3 counts from
/// the old end, which would let a quick client add to it without limit), §3.
///
/// # Errors
///
/// When the key cannot sign, or the token would be too long.
pub fn renew(
    token: &Verified<UriSigningClaims>,
    request: &Request,
    name: &str,
    checked_at: Timestamp,
    key: &SigningKey,
    rng: &dyn Rng,
) -> Result<Option<Renewed>, UriSigningRefusal> {
    let said = token.claims();
    let (Some(seconds), RenewalWay::Cookie | RenewalWay::Query) =
        (said.renewed_seconds, said.renewal)
    else {
        return Ok(None);
    };
    let Some(path) = cookie_path(said, request, name) else { return Ok(None) };
    let mut claims = said.all.clone();
    let end = checked_at.saturating_add(std::time::Duration::from_secs(seconds));
    claims.insert("exp".into(), end.0.into());
    if claims.contains_key("iat") {
        claims.insert("iat".into(), checked_at.0.into());
    }
    if claims.contains_key("jti") {
        let mut id = [0; 16];
        rng.fill(&mut id);
        claims.insert("jti".into(), base64url(&id).into());
    }
    let pair = format!("{name}={}", sign(&claims, key)?);
    if said.renewal == RenewalWay::Query {
        return Ok(Some(Renewed::Query(pair)));
    }
    let secure = request.origin.as_deref().is_none_or(|origin| origin.starts_with("https"));
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{pair}; Path={path}; Max-Age={seconds}{secure}; HttpOnly");
    Ok(Some(Renewed::Cookie(cookie)))
}

/// The first `cdnistd` segments of the path.
fn cookie_path(said: &UriSigningClaims, request: &Request, name: &str) -> Option<String> {
    let path = package::path_without(name, request.path.as_deref()?);
    uri::check_path(&path).ok()?;
    let depth = usize::try_from(said.cookie_depth).ok()?;
    let segments: Vec<&str> = path.split('/').skip(1).filter(|one| !one.is_empty()).collect();
    let kept = segments.get(..depth)?;
    Some(format!("/{}", kept.join("/")))
}

const fn number(way: RenewalWay) -> u64 {
    match way {
        RenewalWay::None => 0,
        RenewalWay::Cookie => 1,
        RenewalWay::Query => 2,
    }
}

fn sign(claims: &Object, key: &SigningKey) -> Result<String, UriSigningRefusal> {
    let mut members: Vec<(&str, &Value)> = Vec::with_capacity(claims.len());
    members.extend(KNOWN.iter().filter_map(|name| Some((*name, claims.get(name)?))));
    let unknown = claims.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str()));
    members.extend(unknown.map(|(name, value)| (name.as_str(), value)));
    let mut header = vec![("alg", Value::from(key.algorithm().as_str()))];
    header.extend(key.kid().map(|kid| ("kid", Value::from(kid))));
    let header = header.iter().map(|(name, value)| (*name, value));
    let signed = format!("{}.{}", object(header), object(members.into_iter()));
    let signature = key.sign(signed.as_bytes()).map_err(UriSigningRefusal::Signing)?;
    let token = format!("{signed}.{}", base64url(&signature));
    if token.len() > TOKEN_BYTES_MAX {
        return Err(UriSigningRefusal::Signing(IssueError::TooLong));
    }
    Ok(token)
}

/// An object with its members in order, encoded.
fn object<'a>(members: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let members: Vec<String> =
        members.map(|(name, value)| format!("{}:{value}", Value::from(name))).collect();
    base64url(format!("{{{}}}", members.join(",")).as_bytes())
}

/// Why a token could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriSigningRefusal {
    /// The address is none.
    #[error("`cdniip` is not an address or a range of addresses")]
    Addresses,
    /// There is no key to encrypt with.
    #[error("`sub` and `cdniip` are encrypted: give `jwe_key`, of 16 or 32 bytes")]
    ClaimKey,
    /// A claim would be refused.
    #[error("the token would be refused: {0}")]
    Claims(String),
    /// What is covered cannot be read.
    #[error("`cdniuc` is not `hash:sha-256;…`, nor `regex:…` with a POSIX expression")]
    Container,
    /// The lifetime has no second in it.
    #[error("the token would end no later than it starts")]
    LifetimeEmpty,
    /// The signature could not be made.
    #[error("{0}")]
    Signing(#[source] IssueError),
    /// The URL is none.
    #[error("not a URL that can be read in one way only")]
    Url,
}
