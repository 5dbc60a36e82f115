//! Fastly's URL tokens: `<end>_<hex>`, an HMAC over path and end.
//!
//! `?token=1700003600_46a3…`. Fastly publishes them with HMAC-SHA-1, which holds as a MAC;
//! HMAC-SHA-256 is the same in longer. One site speaks one of the two.
//!
//! SPEC: fastly/token-functions; Fastly's tutorial on enabling URL token validation.

use std::{borrow::Cow, fmt, time::Duration};

use portcullis_base::{Rng, SecretBytes, Timestamp};

use super::{
    Asked, check_end,
    nginx::path_of,
    scheme::{Made, Scheme, verify},
    seconds,
};
use crate::{
    TokenKey, Verified,
    claims::{Claims, Cover},
    fault::{Fault, Refused, Step},
    format::{About, Given, GivenFault, Issued, Need, Param, ParamKind, Request, Shown},
    identity::{TokenFormat, TokenIdentity},
    token_key::MacBytes,
    watch::Watch,
};

/// The hash of a site's tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hash {
    /// HMAC-SHA-1, as Fastly publishes it.
    #[default]
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
}

impl Hash {
    const fn mac_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// How one Fastly service checks its tokens.
pub struct Fastly {
    key: Option<TokenKey>,
    hash: Hash,
    parameter: String,
    /// How long a token may still be good when it is shown; any time if absent.
    pub lifetime_max: Option<Duration>,
}

impl Fastly {
    /// Prepares a key: the bytes, decoded from the base64 in which it is configured.
    #[must_use]
    pub fn new(key: &SecretBytes, hash: Hash) -> Self {
        let key = match hash {
            Hash::Sha1 => TokenKey::danger_hmac_sha1(key),
            Hash::Sha256 => TokenKey::hmac_sha256(key),
        };
        Self { key: Some(key), ..Self::unset(hash) }
    }

    fn unset(hash: Hash) -> Self {
        Self { key: None, hash, parameter: "token".to_owned(), lifetime_max: None }
    }

    /// Verifies a token, `<end>_<hex>`.
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

    /// The token for a path as it will be sent, until `end`.
    ///
    /// # Errors
    ///
    /// [`Fault::Key`] without a key.
    pub fn sign(&self, path: &str, end: Timestamp) -> Result<String, Fault> {
        let key = self.key.as_ref().ok_or(Fault::Key)?;
        let end = end.to_string();
        let mac = key.mac(&[path.as_bytes(), end.as_bytes()]);
        Ok(format!("{end}_{}", hex::encode(mac)))
    }
}

impl fmt::Debug for Fastly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fastly({:?}, {})", self.hash, self.parameter)
    }
}

/// A token taken apart.
#[derive(Debug)]
pub(crate) struct Token<'t> {
    end_text: &'t str,
    end: Timestamp,
    mac_text: &'t str,
    mac: MacBytes,
}

impl Scheme for Fastly {
    const ABOUT: &'static About = &ABOUT;
    type Token<'t> = Token<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        let hash = given.read("algorithm", "`sha1` or `sha256`", |text| match text {
            "sha1" => Some(Hash::Sha1),
            "sha256" => Some(Hash::Sha256),
            _ => None,
        })?;
        let hash = hash.unwrap_or_default();
        let site = match given.base64("key")? {
            Some(key) if key.is_empty() => return Err(GivenFault::key("key", "it is empty")),
            Some(key) => Self::new(&key, hash),
            None => Self::unset(hash),
        };
        let parameter = given.text("parameter")?.unwrap_or("token").to_owned();
        Ok(Self { parameter, lifetime_max: given.span("lifetime_max")?, ..site })
    }

    fn ready(&self) -> Result<(), GivenFault> {
        self.key.as_ref().map(drop).ok_or(GivenFault::Missing { name: "key" })
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        Ok(asked.parameter(&self.parameter)?.map(Cow::Borrowed))
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Token<'t>, Fault> {
        let malformed = || Fault::malformed("not `<Unix seconds>_<hex digits>`");
        let (end_text, mac_text) = text.split_once('_').ok_or_else(malformed)?;
        let end = seconds(end_text).ok_or_else(malformed)?;
        let mac = MacBytes::from_hex(mac_text).ok_or_else(malformed)?;
        if mac.as_ref().len() == MD5_BYTES {
            return Err(malformed());
        }
        Ok(Token { end_text, end, mac_text, mac })
    }

    fn walk<W: Watch>(
        &self,
        token: &Token<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let path = asked.checked_path(watch)?;
        let fits = token.mac.as_ref().len() == self.hash.mac_bytes();
        let outcome = if fits { Ok(()) } else { Err(Fault::Algorithm) };
        watch.check(Step::Key, outcome, || "the hash has this site's length".to_owned())?;
        match (&self.key, path) {
            (Some(key), Some(path)) => {
                let parts = [path.as_bytes(), token.end_text.as_bytes()];
                let agrees = key.agrees(&parts, token.mac.as_ref());
                let outcome = if agrees { Ok(()) } else { Err(Fault::Signature) };
                watch.check(Step::Signature, outcome, || "over this path and end".to_owned())?;
            }
            (Some(_), None) => watch.skip(Step::Signature, "the path is part of what is signed"),
            (None, _) => watch.skip(Step::Signature, "no key was given"),
        }
        check_end(token.end, now, self.lifetime_max, watch)
    }

    fn claims(&self, token: &Token<'_>, asked: &Asked<'_>) -> Claims {
        Claims {
            end: Some(token.end),
            identity: TokenIdentity::new(TokenFormat::UrlHash, ABOUT.name, token.mac.as_ref()),
            covers: asked.path.map(|path| Cover::Path(path.to_owned())).into_iter().collect(),
            ..Claims::default()
        }
    }

    fn show(&self, token: &Token<'_>) -> Vec<Shown> {
        vec![Shown::time("expiry", token.end), Shown::new("hmac", token.mac_text)]
    }

    fn make(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Made, GivenFault> {
        let path = given.need("uri")?;
        let end = given.time("expiry", now)?.ok_or(GivenFault::Missing { name: "expiry" })?;
        let token = self.sign(path, end).map_err(GivenFault::denied)?;
        let query = format!("{}={token}", self.parameter);
        let carriage = vec![("url", format!("{path}?{query}")), ("query", query)];
        let request = Request { path: Some(path.to_owned()), ..Request::default() };
        Ok(Made { issued: Issued { token, carriage }, request, start: now })
    }

    fn fields(claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("uri", path_of(claims));
        given.add_some("expiry", claims.end.map(|end| end.to_string()));
        given
    }
}

const MD5_BYTES: usize = 16;

static ABOUT: About = About {
    name: "fastly",
    title: "Fastly URL token: HMAC over path and end",
    source: "fastly/token-functions",
    keys: &[
        Param {
            name: "key",
            kind: ParamKind::Secret,
            need: Need::Required,
            help: "the shared key in base64",
        },
        Param {
            name: "algorithm",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "`sha1` (as published) or `sha256`; `sha1`",
        },
        Param {
            name: "parameter",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "the query parameter that carries it; `token`",
        },
        Param {
            name: "lifetime_max",
            kind: ParamKind::Span,
            need: Need::Optional,
            help: "how far away the end may be; any time if absent",
        },
    ],
    says: &[
        Param {
            name: "uri",
            kind: ParamKind::Text,
            need: Need::Required,
            help: "the path as it will be sent, without a query",
        },
        Param {
            name: "expiry",
            kind: ParamKind::Time,
            need: Need::Required,
            help: "from when it may no longer be used",
        },
    ],
    token: "the value of `token`: `<end>_<hex>`, or the whole URL",
    weaknesses: &[
        "path and end stand side by side: a digit could move from one to the other; an end of \
         more than ten digits is refused",
        "HMAC-SHA-1 by default: it holds, but choose `sha256` where both sides can",
        "the query and the viewer are not signed",
    ],
};
