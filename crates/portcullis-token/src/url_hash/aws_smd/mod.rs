//! AWS Secure Media Delivery at the Edge: a JWT in the first component of the path.
//!
//! `/[<session>.]<jwt>/path…`, HS256. `paths` are beginnings of paths that may be fetched,
//! `exc` beginnings for which nothing but signature and times is checked. What binds the
//! token to a viewer (`ip`, `co`, `reg`, `ssn`, `headers`, `qs`) is not in it in clear: an
//! inner HMAC, `intsig`, is over the values.
//!
//! Stricter than the solution's own function: a token without an end is refused; so is one
//! bound to values of which the request has none, which there passes unchecked; `co_fallback`
//! and `reg_fallback` do not lift a binding; a claim that is not enforced (`cty`, any unknown
//! one) is refused.
//!
//! SPEC: aws-solutions/secure-media-delivery-at-the-edge-on-aws; SEC-25 to 27.

mod about;
mod payload;

use std::{borrow::Cow, fmt, net::IpAddr, time::Duration};

use portcullis_base::{
    Rng, SecretBytes, Timestamp,
    json::{Object, Value},
};

use self::{
    about::ABOUT,
    payload::{Bound, Payload, Place, bound_text},
};
use super::{
    Asked, check_end, lacks, leeway_of, only,
    scheme::{Made, Scheme, verify},
};
use crate::{
    TokenKey, Verified,
    claims::{Claims, Cover},
    fault::{Fault, Refused, Step},
    format::{About, Given, GivenFault, Shown},
    identity::{TokenFormat, TokenIdentity},
    jwt::{Algorithm, Compact, Header, base64url, is_key_id},
    lifetime::Leeway,
    watch::Watch,
};

/// The keys of one deployment.
pub struct AwsSmd {
    keys: Vec<Key>,
    viewer: ViewerHeaders,
    /// How far clocks may differ.
    pub leeway: Leeway,
    /// How long a token may still be good when it is shown; any time if absent.
    pub lifetime_max: Option<Duration>,
}

struct Key {
    kid: Option<String>,
    key: TokenKey,
}

/// Who says where the viewer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewerHeaders {
    /// The headers `CloudFront-Viewer-Country` and `-Country-Region`, which CloudFront writes.
    /// Only where nothing else can reach us: anybody can write a header.
    FromCloudFront,
    /// Our own look at the address; regions are not known.
    #[default]
    Ignored,
}

impl AwsSmd {
    /// Without keys yet.
    #[must_use]
    pub const fn new(viewer: ViewerHeaders) -> Self {
        Self { keys: Vec::new(), viewer, leeway: Leeway::NONE, lifetime_max: None }
    }

    /// Adds a key: the text of the secret. One without a name is tried for every token. The
    /// first key signs.
    ///
    /// # Errors
    ///
    /// When the secret is shorter than 32 bytes, or the name is not 1 to 128 printable ASCII
    /// characters.
    pub fn with_key(mut self, kid: Option<&str>, secret: &SecretBytes) -> Result<Self, GivenFault> {
        if secret.len() < 32 {
            return Err(GivenFault::key("key", "it is shorter than 32 bytes"));
        }
        if !kid.is_none_or(is_key_id) {
            return Err(GivenFault::Value { name: "kid", expected: "a key's name" });
        }
        self.keys.push(Key { kid: kid.map(str::to_owned), key: TokenKey::hmac_sha256(secret) });
        Ok(self)
    }

    /// Verifies a token: the first component of the path.
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

    fn place<'a>(&self, asked: &Asked<'a>) -> Place<'a> {
        match self.viewer {
            ViewerHeaders::FromCloudFront => Place {
                country: asked.header("cloudfront-viewer-country"),
                region: asked.header("cloudfront-viewer-country-region"),
            },
            ViewerHeaders::Ignored => Place { country: asked.country, region: None },
        }
    }

    /// The keys a token may be of.
    fn keys_for<'a, 'h>(
        &'a self,
        header: &'h Header,
    ) -> impl Iterator<Item = &'a Key> + use<'a, 'h> {
        let kid = header.kid.as_deref();
        self.keys.iter().filter(move |key| key.kid.is_none() || key.kid.as_deref() == kid)
    }

    /// Checks the signature, and gives the key that made it.
    fn signature<'a, W: Watch>(
        &'a self,
        token: &Token<'_>,
        watch: &mut W,
    ) -> Result<Option<&'a TokenKey>, W::Stop> {
        if self.keys.is_empty() {
            watch.skip(Step::Signature, "no key was given");
            return Ok(None);
        }
        let known = self.keys_for(&token.header).next().is_some();
        let outcome = match token.header.algorithm {
            Algorithm::Hs256 if known => Ok(()),
            Algorithm::Hs256 => Err(Fault::Key),
            _ => Err(Fault::Algorithm),
        };
        watch.check(Step::Key, outcome, || "the key it names is known".to_owned())?;
        let (signed, signature) = (token.compact.signed.as_bytes(), &token.compact.signature);
        let mut keys = self.keys_for(&token.header).map(|key| &key.key);
        let key = keys.find(|key| key.agrees(&[signed], signature));
        let outcome = if key.is_some() { Ok(()) } else { Err(Fault::Signature) };
        watch.check(Step::Signature, outcome, || "made with that key".to_owned())?;
        Ok(key)
    }

    fn times<W: Watch>(
        &self,
        payload: &Payload,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        match payload.end {
            None => watch.check(Step::Times, Err(Fault::NoEnd), String::new)?,
            Some(end) => {
                let now = now.saturating_sub(self.leeway.duration());
                check_end(end, now, self.lifetime_max, watch)?;
            }
        }
        let soon = now.saturating_add(self.leeway.duration());
        let outcome = match (payload.start, payload.issued_at) {
            (Some(start), _) if start > soon => Err(Fault::NotYet { start }),
            (_, Some(at)) if at > soon => Err(Fault::IssuedAhead { at }),
            _ => Ok(()),
        };
        watch.check(Step::Times, outcome, || "its time has come".to_owned())
    }

    fn viewer<W: Watch>(
        &self,
        token: &Token<'_>,
        key: Option<&TokenKey>,
        asked: &Asked<'_>,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let bound = &token.payload.bound;
        if bound.is_empty() {
            return Ok(());
        }
        if bound.region && self.viewer == ViewerHeaders::Ignored {
            let fault = Fault::Unsupported { what: "reg".to_owned() };
            watch.check(Step::Claims, Err(fault), String::new)?;
        }
        let Some(key) = key else {
            watch.skip(Step::Place, "without its key, nothing shows whom it is bound to");
            return Ok(());
        };
        if asked.path.is_none() {
            return lacks(Step::Place, "url", watch);
        }
        if let (Some(version), Some(address)) = (bound.address, asked.address) {
            let same = (version == 4) == address.to_canonical().is_ipv4();
            let outcome = if same { Ok(()) } else { Err(Fault::Address) };
            watch.check(Step::Place, outcome, || format!("an address of IPv{version}"))?;
        }
        let text = bound_text(bound, asked, self.place(asked), token.session);
        let outcome = text.and_then(|text| {
            let mac = base64url(key.mac(&[text.as_bytes()]).as_ref());
            let claimed = token.payload.intsig.as_deref().unwrap_or_default();
            let same = aws_lc_rs::constant_time::verify_slices_are_equal(
                mac.as_bytes(),
                claimed.as_bytes(),
            );
            // Which of the values differs does not show; the address is the usual one.
            let only_address = bound.address.is_some();
            same.map_err(|_| if only_address { Fault::Address } else { Fault::Place })
        });
        watch.check(Step::Place, outcome, || "the viewer it was made for".to_owned())
    }

    /// Makes the token of `grant`, with the first key.
    ///
    /// # Errors
    ///
    /// [`Fault::Key`] without a key, [`Fault::RequestLacks`] when a value it is to be bound
    /// to is not given.
    pub fn sign(&self, grant: &Grant<'_>) -> Result<String, Fault> {
        let first = self.keys.first().ok_or(Fault::Key)?;
        let bound = grant.bound();
        let place = Place { country: grant.asked.country, region: grant.region };
        let text = bound_text(&bound, &grant.asked, place, grant.session)?;
        // SECURITY: the key that signs this text signs `header.claims`, too, and the viewer
        // sees the result. A header made to read so would become a token of its own.
        let reads = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if text.contains('.') && text.bytes().all(reads) && text.matches('.').count() == 1 {
            return Err(Fault::malformed("what it is bound to reads like a token"));
        }
        let intsig =
            (!text.is_empty()).then(|| base64url(first.key.mac(&[text.as_bytes()]).as_ref()));
        let header = match &first.kid {
            Some(kid) => format!(r#"{{"alg":"HS256","typ":"JWT","kid":{}}}"#, json(kid)),
            None => r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
        };
        let payload = grant.payload(&bound, intsig.as_deref());
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(payload.as_bytes()));
        let mac = base64url(first.key.mac(&[signed.as_bytes()]).as_ref());
        let session = grant.session.map(|session| format!("{session}.")).unwrap_or_default();
        Ok(format!("{session}{signed}.{mac}"))
    }
}

/// What a new token is to say.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// Beginnings of the paths that may be fetched.
    pub paths: &'a [&'a str],
    /// Beginnings of the paths for which the viewer does not matter.
    pub excepted: &'a [&'a str],
    /// When it is made.
    pub issued_at: Timestamp,
    /// From when it may be used.
    pub start: Option<Timestamp>,
    /// From when it may no longer be used.
    pub end: Timestamp,
    /// The viewer: address and country, where given, are bound; so are the headers named.
    pub asked: Asked<'a>,
    /// The region to bind it to.
    pub region: Option<&'a str>,
    /// The session to bind it to.
    pub session: Option<&'a str>,
    /// The names of headers it is bound to.
    pub headers: &'a [&'a str],
    /// The names of query parameters it is bound to.
    pub parameters: &'a [&'a str],
}

impl Grant<'_> {
    fn bound(&self) -> Bound {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Bound {
            address: self.asked.address.map(|address| match address.to_canonical() {
                IpAddr::V4(_) => 4,
                IpAddr::V6(_) => 6,
            }),
            country: self.asked.country.is_some(),
            region: self.region.is_some(),
            session: self.session.is_some(),
            headers: owned(self.headers),
            parameters: owned(self.parameters),
        }
    }

    /// The members in the order of the solution's SDK.
    fn payload(&self, bound: &Bound, intsig: Option<&str>) -> String {
        let list = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| json(text)).collect();
            format!("[{}]", texts.join(","))
        };
        let mut out = format!(
            r#"{{"ip":{},"co":{},"cty":false,"reg":{},"ssn":{},"exp":{},"headers":{},"qs":{}"#,
            bound.address.is_some(),
            bound.country,
            bound.region,
            bound.session,
            self.end,
            list(self.headers),
            list(self.parameters),
        );
        if let Some(intsig) = intsig {
            out.push_str(&format!(r#","intsig":{}"#, json(intsig)));
        }
        out.push_str(&format!(r#","paths":{},"exc":{}"#, list(self.paths), list(self.excepted)));
        if let Some(version) = bound.address {
            out.push_str(&format!(r#","ip_ver":{version}"#));
        }
        if let Some(start) = self.start {
            out.push_str(&format!(r#","nbf":{start}"#));
        }
        out.push_str(&format!(r#","iat":{}}}"#, self.issued_at));
        out
    }
}

fn json(text: &str) -> String {
    Value::from(text).to_string()
}

impl fmt::Debug for AwsSmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsSmd({} keys, {:?})", self.keys.len(), self.viewer)
    }
}

/// A token taken apart.
#[derive(Debug)]
pub(crate) struct Token<'t> {
    session: Option<&'t str>,
    text: &'t str,
    compact: Compact<'t>,
    header: Header,
    payload: Payload,
}

/// Takes the component that carries a token out of a path.
fn split(path: &str) -> (Option<&str>, &str) {
    let Some(inside) = path.strip_prefix('/') else { return (None, path) };
    let Some((first, _)) = inside.split_once('/') else { return (None, path) };
    let dots = first.bytes().filter(|byte| *byte == b'.').count();
    if first.len() < COMPONENT_BYTES_MIN || !matches!(dots, 2 | 3) {
        return (None, path);
    }
    (Some(first), inside.strip_prefix(first).unwrap_or(path))
}

impl Scheme for AwsSmd {
    const ABOUT: &'static About = &ABOUT;
    const BYTES_MAX: usize = 8192;
    type Token<'t> = Token<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        let trusted = given.flag("trust_viewer_headers")?;
        let viewer = if trusted { ViewerHeaders::FromCloudFront } else { ViewerHeaders::Ignored };
        let mut kids = given.all("kid");
        let mut site = Self::new(viewer);
        for key in given.all("key") {
            site = site.with_key(kids.next(), &SecretBytes::new(key.as_bytes().to_vec()))?;
        }
        let leeway = leeway_of(given)?;
        Ok(Self { leeway, lifetime_max: given.span("lifetime_max")?, ..site })
    }

    fn ready(&self) -> Result<(), GivenFault> {
        if self.keys.is_empty() { Err(GivenFault::Missing { name: "key" }) } else { Ok(()) }
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        Ok(asked.path.and_then(|path| split(path).0).map(Cow::Borrowed))
    }

    fn is_core(whole: &str, part: &str) -> bool {
        whole.split_once('.').is_some_and(|(_, jwt)| jwt == part)
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Token<'t>, Fault> {
        let (session, jwt) = match text.split_once('.') {
            Some((session, jwt)) if text.bytes().filter(|byte| *byte == b'.').count() == 3 => {
                (Some(session), jwt)
            }
            _ => (None, text),
        };
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let sound = |id: &str| (1..=SESSION_BYTES_MAX).contains(&id.len()) && id.bytes().all(sound);
        if !session.is_none_or(sound) {
            return Err(Fault::malformed("the session's id"));
        }
        let compact = Compact::parse(jwt)?;
        let header = Header::parse(&compact.header)?;
        if !header.is_of_type(None) {
            return Err(Fault::Header { name: "typ".to_owned() });
        }
        let payload = Payload::parse(&compact.payload)?;
        Ok(Token { session, text, compact, header, payload })
    }

    fn walk<W: Watch>(
        &self,
        token: &Token<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let (component, path) = asked.path.map_or((None, None), |path| {
            let (component, path) = split(path);
            (component, Some(path))
        });
        let same = component.is_none_or(|component| component == token.text);
        let outcome = if same { Ok(()) } else { Err(Fault::Ambiguous) };
        watch.check(Step::Presence, outcome, || "one token".to_owned())?;
        let path = Asked { path, ..*asked }.checked_path(watch)?;
        let key = self.signature(token, watch)?;
        self.times(&token.payload, now, watch)?;
        if let Some(path) = path {
            let begins = |starts: &[String]| starts.iter().any(|start| path.starts_with(start));
            if begins(&token.payload.excepted) {
                return watch.check(Step::Coverage, Ok(()), || "excepted from checks".to_owned());
            }
            let covered = begins(&token.payload.paths);
            let outcome = if covered { Ok(()) } else { Err(Fault::Path) };
            watch.check(Step::Coverage, outcome, || "begins like one of `paths`".to_owned())?;
        }
        self.viewer(token, key, asked, watch)
    }

    fn claims(&self, token: &Token<'_>, asked: &Asked<'_>) -> Claims {
        let payload = &token.payload;
        let bound = &payload.bound;
        let session = token.session.filter(|_| bound.session).map(str::to_owned);
        let address = asked.address.filter(|_| bound.address.is_some()).and_then(only);
        let country = self.place(asked).country.filter(|_| bound.country).map(str::to_owned);
        let mut other = Object::new();
        for name in ["exc", "headers", "qs"] {
            let list = payload.all.get(name).filter(|list| list.as_array() != Some(&[]));
            other.extend(list.map(|list| (name.to_owned(), list.clone())));
        }
        if bound.region {
            other.insert("reg".to_owned(), Value::Bool(true));
        }
        Claims {
            issued_at: payload.issued_at,
            start: payload.start,
            end: payload.end,
            id: session.clone(),
            identity: TokenIdentity::new(
                TokenFormat::JwtSignature,
                ABOUT.name,
                &token.compact.signature,
            ),
            session,
            addresses: address.into_iter().collect(),
            countries: country.into_iter().collect(),
            covers: payload.paths.iter().map(|path| Cover::PathPrefix(path.clone())).collect(),
            other,
            ..Claims::default()
        }
    }

    fn show(&self, token: &Token<'_>) -> Vec<Shown> {
        let mut shown = Vec::new();
        shown.extend(token.session.map(|session| Shown::new("session", session)));
        shown.push(Shown::new("alg", token.header.algorithm));
        shown.extend(token.header.kid.as_deref().map(|kid| Shown::new("kid", kid)));
        for (name, value) in &token.payload.all {
            let time = matches!(name.as_str(), "exp" | "iat" | "nbf");
            let seconds = value.as_number().and_then(portcullis_base::json::Number::as_u64);
            shown.push(match seconds.filter(|_| time) {
                Some(seconds) => Shown::time(name, Timestamp(seconds)),
                None => Shown::new(name, value),
            });
        }
        shown
    }

    fn make(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Made, GivenFault> {
        about::make(self, given, now)
    }

    fn fields(claims: &Claims) -> Given {
        about::fields(claims)
    }
}

/// SPEC: the solution's function looks at no shorter component.
const COMPONENT_BYTES_MIN: usize = 60;
const SESSION_BYTES_MAX: usize = 64;
