//! Bunny's token authentication, second version: an HMAC-SHA-256 over path, end, address and
//! the sorted parameters of the URL.
//!
//! In the query, `?token=HS256-[1-]<base64url>&…&expires=N`, or in front of the path,
//! `/bcdn_token=HS256-[1-]…&…&expires=N/…`. `1-` says that the token is bound to an address;
//! of an IPv6 address the first 64 bits count. Country lists are enforced. A speed limit
//! cannot be, and is refused unless the site says that somebody else does.
//!
//! What is signed has no marks between its parts. So that nothing can move from one to
//! another, an end has ten digits at most, and a parameter with an escaped `&`, or `=` in
//! its name, is refused. A path in `token_path` ends at a slash.
//!
//! SPEC: BunnyWay/BunnyCDN.TokenAuthentication.

mod about;
mod text;

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use portcullis_base::{Cidr, Rng, SecretBytes, Timestamp, json::Value};

pub use self::text::Form;
use self::{about::ABOUT, text::Token};
use super::{
    Asked, check_end, escaped, lacks,
    nginx::{path_of, single},
    only, pairs,
    scheme::{Made, Scheme, verify},
};
use crate::{
    TokenKey, Verified,
    claims::{Claims, Cover},
    fault::{Fault, Refused, Step},
    format::{About, Given, GivenFault, Issued, Request, Shown},
    identity::{TokenFormat, TokenIdentity},
    token_key::MacBytes,
    uri::unescape,
    watch::Watch,
};

/// How one pull zone checks its tokens.
pub struct Bunny {
    key: Option<TokenKey>,
    limits: SpeedLimits,
    /// How long a token may still be good when it is shown; any time if absent.
    pub lifetime_max: Option<Duration>,
}

/// What becomes of a token with a speed limit, which is not enforced here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpeedLimits {
    /// It is accepted: somebody else enforces it.
    Elsewhere,
    /// It is refused.
    #[default]
    Refused,
}

impl Bunny {
    /// Prepares a key: the text of the zone's security key.
    #[must_use]
    pub fn new(key: &SecretBytes, limits: SpeedLimits) -> Self {
        Self { key: Some(TokenKey::hmac_sha256(key)), limits, lifetime_max: None }
    }

    /// Verifies a token: the whole query, or the component `bcdn_token=…` of the path.
    ///
    /// # Errors
    ///
    /// Says at which check it was refused, and why. The client is not to be told.
    pub fn verify(
        &self,
        token: &str,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<Verified<Claims>, Refused> {
        verify(self, token, asked, now)
    }

    /// The query or component that makes a URL of `grant`.
    ///
    /// # Errors
    ///
    /// [`Fault::Key`] without a key.
    pub fn sign(&self, grant: &Grant<'_>) -> Result<String, Fault> {
        let key = self.key.as_ref().ok_or(Fault::Key)?;
        let mut signed: Vec<(&str, &str)> = grant.parameters.to_vec();
        signed.sort_unstable();
        let expires = grant.end.to_string();
        let token_path = signed.iter().find(|(name, _)| *name == "token_path");
        let path = token_path.map_or(grant.path, |(_, path)| path);
        let mac = mac(key, path, &expires, grant.address, &text::joined(&signed));
        let name = match grant.form {
            Form::Directory => "bcdn_token",
            Form::Query => "token",
        };
        let bound = if grant.address.is_some() { "1-" } else { "" };
        let mut out = format!("{name}=HS256-{bound}{}", crate::jwt::base64url(mac.as_ref()));
        for (name, value) in &signed {
            out.push_str(&format!("&{name}={}", escaped(value)));
        }
        out.push_str(&format!("&expires={expires}"));
        Ok(out)
    }

    fn signature<W: Watch>(
        &self,
        token: &Token<'_>,
        path: Option<&str>,
        asked: &Asked<'_>,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let Some(key) = &self.key else {
            watch.skip(Step::Signature, "no key was given");
            return Ok(());
        };
        let Some(path) = token.value("token_path").or(path) else {
            watch.skip(Step::Signature, "the path is part of what is signed");
            return Ok(());
        };
        let address = if token.bound { asked.address } else { None };
        if token.bound && address.is_none() {
            return lacks(Step::Signature, "address", watch);
        }
        let mac = mac(key, path, token.end_text, address, &text::joined(&token.signed()));
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(mac.as_ref(), &token.mac);
        let outcome = same.map_err(|_| Fault::Signature);
        watch.check(Step::Signature, outcome, || "over path, end and parameters".to_owned())
    }

    fn coverage<W: Watch>(
        token: &Token<'_>,
        path: Option<&str>,
        asked: &Asked<'_>,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        if let (Some(prefix), Some(path)) = (token.value("token_path"), path) {
            let outcome = if lies_in(path, prefix) { Ok(()) } else { Err(Fault::Path) };
            watch.check(Step::Coverage, outcome, || format!("the path lies in `{prefix}`"))?;
        }
        let Some(query) = asked.query else { return Ok(()) };
        let outcome = if token.covers_query(query) { Ok(()) } else { Err(Fault::Path) };
        watch.check(Step::Coverage, outcome, || "the query is the one that was signed".to_owned())
    }

    fn place<W: Watch>(token: &Token<'_>, asked: &Asked<'_>, watch: &mut W) -> Result<(), W::Stop> {
        let allowed = token.value("token_countries");
        let blocked = token.value("token_countries_blocked");
        if allowed.is_none() && blocked.is_none() {
            return Ok(());
        }
        let Some(country) = asked.country else {
            return lacks(Step::Place, "country", watch);
        };
        let names = |list: &str| {
            list.split(',').any(|known| known.trim_ascii().eq_ignore_ascii_case(country))
        };
        let refused = blocked.is_some_and(names) || !allowed.is_none_or(names);
        let outcome = if refused { Err(Fault::Place) } else { Ok(()) };
        watch.check(Step::Place, outcome, || format!("from {country}"))
    }
}

impl fmt::Debug for Bunny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bunny({:?})", self.limits)
    }
}

/// What a new token is to say.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The path, as it will be sent without the token.
    pub path: &'a str,
    /// From when it may no longer be used.
    pub end: Timestamp,
    /// The only address, or the /64 around it.
    pub address: Option<IpAddr>,
    /// What is signed besides, decoded: `token_path`, `token_countries`, the URL's own.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Where it stands.
    pub form: Form,
}

fn mac(
    key: &TokenKey,
    path: &str,
    expires: &str,
    address: Option<IpAddr>,
    parameters: &str,
) -> MacBytes {
    let (v4, v6);
    let address: &[u8] = match address.map(|address| address.to_canonical()) {
        None => &[],
        Some(IpAddr::V4(address)) => {
            v4 = address.octets();
            &v4
        }
        Some(IpAddr::V6(address)) => {
            v6 = network(address).octets();
            &v6
        }
    };
    key.mac(&[path.as_bytes(), expires.as_bytes(), address, parameters.as_bytes()])
}

/// The /64 an address lies in.
fn network(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))
}

/// Whether a path is `prefix` or lies below it. Bunny lets `/a` cover `/ab`; here a prefix
/// ends where a segment does.
fn lies_in(path: &str, prefix: &str) -> bool {
    let below = path.strip_prefix(prefix);
    below.is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

impl Scheme for Bunny {
    const ABOUT: &'static About = &ABOUT;
    type Token<'t> = Token<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        let key = given.text("key")?.map(|key| SecretBytes::new(key.as_bytes().to_vec()));
        if key.as_ref().is_some_and(SecretBytes::is_empty) {
            return Err(GivenFault::key("key", "it is empty"));
        }
        let elsewhere = given.flag("limit_elsewhere")?;
        Ok(Self {
            key: key.as_ref().map(TokenKey::hmac_sha256),
            limits: if elsewhere { SpeedLimits::Elsewhere } else { SpeedLimits::Refused },
            lifetime_max: given.span("lifetime_max")?,
        })
    }

    fn ready(&self) -> Result<(), GivenFault> {
        self.key.as_ref().map(drop).ok_or(GivenFault::Missing { name: "key" })
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        let component = asked.path.and_then(|path| text::split(path).0);
        let mut mine = asked.parameters().filter(|(name, _)| *name == "token");
        let query = asked.query.filter(|_| mine.any(|(_, value)| value.starts_with("HS256-")));
        match (component, query) {
            (Some(_), Some(_)) => Err(Fault::Ambiguous),
            (found, None) | (None, found) => Ok(found.map(Cow::Borrowed)),
        }
    }

    fn is_core(whole: &str, part: &str) -> bool {
        let named = |(name, _): &(&str, &str)| matches!(*name, "token" | "bcdn_token");
        pairs(whole).find(named).is_some_and(|(_, token)| token == part)
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Token<'t>, Fault> {
        Token::parse(text)
    }

    fn walk<W: Watch>(
        &self,
        token: &Token<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let (component, path) = asked.path.map_or((None, None), |path| {
            let (component, path) = text::split(path);
            (component, Some(path))
        });
        let same = component.is_none_or(|component| component == token.text);
        let outcome = if same { Ok(()) } else { Err(Fault::Ambiguous) };
        watch.check(Step::Presence, outcome, || "one token".to_owned())?;
        let path = Asked { path, ..*asked }.checked_path(watch)?;
        self.signature(token, path, asked, watch)?;
        check_end(token.end, now, self.lifetime_max, watch)?;
        if token.value("limit").is_some() {
            let outcome = match self.limits {
                SpeedLimits::Elsewhere => Ok(()),
                SpeedLimits::Refused => Err(Fault::Unsupported { what: "limit".to_owned() }),
            };
            watch.check(Step::Claims, outcome, || "the speed is limited elsewhere".to_owned())?;
        }
        Self::coverage(token, path, asked, watch)?;
        Self::place(token, asked, watch)
    }

    fn claims(&self, token: &Token<'_>, asked: &Asked<'_>) -> Claims {
        let path = asked.path.map(|path| text::split(path).1);
        let covers = match (token.value("token_path"), path) {
            (Some(prefix), _) => Some(Cover::PathPrefix(prefix.to_owned())),
            (None, path) => path.map(|path| Cover::Path(path.to_owned())),
        };
        let address = asked.address.filter(|_| token.bound).and_then(range);
        let list =
            |text: &str| text.split(',').map(|one| one.trim_ascii().to_ascii_uppercase()).collect();
        let mut claims = Claims {
            end: Some(token.end),
            identity: TokenIdentity::new(TokenFormat::UrlHash, ABOUT.name, &token.mac),
            addresses: address.into_iter().collect(),
            countries: token.value("token_countries").map(list).unwrap_or_default(),
            covers: covers.into_iter().collect(),
            ..Claims::default()
        };
        let known = ["token_path", "token_countries"];
        for (name, value) in token.signed().iter().filter(|(name, _)| !known.contains(name)) {
            claims.other.insert((*name).to_owned(), Value::from(*value));
        }
        claims
    }

    fn show(&self, token: &Token<'_>) -> Vec<Shown> {
        let bound = if token.bound { "bound to an address" } else { "bound to no address" };
        let mut shown = vec![Shown::new("token", hex::encode(token.mac)).noted(bound)];
        shown.extend(token.all().iter().map(|(name, value)| Shown::new(*name, value)));
        shown.push(Shown::time("expires", token.end));
        shown
    }

    fn make(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Made, GivenFault> {
        let mut request = Request::default();
        let expected = "a path such as `/a/b.m4s`";
        let fault = || GivenFault::Value { name: "uri", expected };
        request.set_url(given.need("uri")?).map_err(|_| fault())?;
        request.address = given.read("user_ip", "an address", |text| text.parse().ok())?;
        let query = request.query.clone().unwrap_or_default();
        let ignore = given.flag("token_ignore_params")?;
        let mut owned: Vec<(&str, Cow<'_, str>)> = Vec::new();
        for (name, value) in pairs(&query).filter(|_| !ignore) {
            owned.push((name, unescape(value).ok_or_else(fault)?));
        }
        for name in ["limit", "token_countries", "token_countries_blocked", "token_path"] {
            owned.extend(given.text(name)?.map(|value| (name, Cow::Borrowed(value))));
        }
        if ignore {
            owned.push(("token_ignore_params", Cow::Borrowed("true")));
        }
        let parameters: Vec<(&str, &str)> = owned.iter().map(|(n, v)| (*n, &**v)).collect();
        let directory = given.flag("directory")?;
        let path = request.path.clone().unwrap_or_default();
        let grant = Grant {
            path: &path,
            end: given.time("expires", now)?.ok_or(GivenFault::Missing { name: "expires" })?,
            address: request.address,
            parameters: &parameters,
            form: if directory { Form::Directory } else { Form::Query },
        };
        let token = self.sign(&grant).map_err(GivenFault::denied)?;
        request.country = country_of(given)?;
        request.query = None;
        let carriage = match grant.form {
            Form::Directory => vec![("url", format!("/{token}{path}")), ("path", token.clone())],
            Form::Query => vec![("url", format!("{path}?{token}")), ("query", token.clone())],
        };
        Ok(Made { issued: Issued { token, carriage }, request, start: now })
    }

    fn fields(claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("expires", claims.end.map(|end| end.to_string()));
        given.add_some("uri", path_of(claims));
        if let [Cover::PathPrefix(prefix)] = claims.covers.as_slice() {
            given.add("token_path", prefix.as_str());
            given.add("uri", prefix.as_str());
        }
        if let [address] = claims.addresses.as_slice() {
            let address = address.to_string();
            let network = single(&address);
            given.add("user_ip", network.strip_suffix("/64").unwrap_or(network));
        }
        if !claims.countries.is_empty() {
            given.add("token_countries", claims.countries.join(","));
        }
        given
    }
}

/// The range a token bound to an address is good for.
fn range(address: IpAddr) -> Option<Cidr> {
    match address.to_canonical() {
        IpAddr::V6(address) => format!("{}/64", network(address)).parse().ok(),
        address => only(address),
    }
}

/// A country from which a new token is good; its maker verifies it from there.
fn country_of(given: &Given) -> Result<Option<String>, GivenFault> {
    let allowed = given.text("token_countries")?.unwrap_or_default().split(',').next();
    let allowed = allowed.filter(|country| !country.is_empty()).map(str::to_owned);
    // No country has this code, so no list can block it.
    Ok(allowed.or_else(|| Some("ZZ".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_a_segment_does() {
        for (path, prefix, expected) in [
            ("/abc", "/abc", true),
            ("/abc/d", "/abc", true),
            ("/abc/d", "/abc/", true),
            ("/abcd", "/abc", false),
            ("/ab", "/abc", false),
            ("/x", "/", true),
        ] {
            assert_eq!(lies_in(path, prefix), expected, "{path} {prefix}");
        }
    }
}
