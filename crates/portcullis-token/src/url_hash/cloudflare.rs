//! Cloudflare's timed HMAC: `<issued>-<base64>`, an HMAC-SHA-256 over a message and the time
//! at which the token was made.
//!
//! `?verify=1700000000-Q8q%2F…`. The message is the path; a rule can be written over another
//! text, which the site then names. The token is good from its time for as long as the site
//! says; one from the future is refused, where Cloudflare's function only looks at the end.
//!
//! SPEC: Cloudflare ruleset language, `is_timed_hmac_valid_v0`.

use std::{borrow::Cow, fmt, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use portcullis_base::{Rng, SecretBytes, Timestamp};

use super::{
    Asked, check_end, escaped, leeway_of,
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
    lifetime::Leeway,
    uri::unescape,
    watch::Watch,
};

/// How one Cloudflare zone checks its tokens.
pub struct Cloudflare {
    key: Option<TokenKey>,
    lifetime: Duration,
    message: Option<String>,
    parameter: String,
    /// How far clocks may differ: a token from that near a future is accepted.
    pub leeway: Leeway,
}

impl Cloudflare {
    /// Prepares a key: the text as it is configured. Tokens are good for `lifetime`.
    #[must_use]
    pub fn new(key: &SecretBytes, lifetime: Duration) -> Self {
        Self { key: Some(TokenKey::hmac_sha256(key)), lifetime, ..Self::unset() }
    }

    const fn unset() -> Self {
        Self {
            key: None,
            lifetime: Duration::ZERO,
            message: None,
            parameter: String::new(),
            leeway: Leeway::NONE,
        }
    }

    /// Verifies a token, `<issued>-<base64>`.
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

    /// The token for a message, made at `issued`. In a URL it has to be escaped.
    ///
    /// # Errors
    ///
    /// [`Fault::Key`] without a key.
    pub fn sign(&self, message: &str, issued: Timestamp) -> Result<String, Fault> {
        let key = self.key.as_ref().ok_or(Fault::Key)?;
        let issued = issued.to_string();
        let mac = key.mac(&[message.as_bytes(), issued.as_bytes()]);
        Ok(format!("{issued}-{}", STANDARD.encode(mac)))
    }

    fn parameter(&self) -> &str {
        if self.parameter.is_empty() { "verify" } else { &self.parameter }
    }

    fn end_of(&self, token: &Token<'_>) -> Timestamp {
        token.issued.saturating_add(self.lifetime)
    }
}

impl fmt::Debug for Cloudflare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cloudflare({})", self.parameter())
    }
}

/// A token taken apart.
#[derive(Debug)]
pub(crate) struct Token<'t> {
    issued_text: &'t str,
    issued: Timestamp,
    mac: [u8; 32],
}

impl Scheme for Cloudflare {
    const ABOUT: &'static About = &ABOUT;
    type Token<'t> = Token<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        let key = given.text("key")?.map(|key| SecretBytes::new(key.as_bytes().to_vec()));
        if key.as_ref().is_some_and(SecretBytes::is_empty) {
            return Err(GivenFault::key("key", "it is empty"));
        }
        Ok(Self {
            key: key.as_ref().map(TokenKey::hmac_sha256),
            lifetime: given.span("lifetime")?.unwrap_or_default(),
            message: given.text("message")?.map(str::to_owned),
            parameter: given.text("parameter")?.unwrap_or_default().to_owned(),
            leeway: leeway_of(given)?,
        })
    }

    fn ready(&self) -> Result<(), GivenFault> {
        match &self.key {
            None => Err(GivenFault::Missing { name: "key" }),
            Some(_) if self.lifetime.is_zero() => Err(GivenFault::Missing { name: "lifetime" }),
            Some(_) => Ok(()),
        }
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        let found = asked.parameter(self.parameter())?;
        Ok(found.map(|text| unescape(text).unwrap_or(Cow::Borrowed(text))))
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Token<'t>, Fault> {
        let malformed = || Fault::malformed("not `<Unix seconds>-<32 bytes in base64>`");
        let (issued_text, mac) = text.split_once('-').ok_or_else(malformed)?;
        let issued = seconds(issued_text).ok_or_else(malformed)?;
        let mac = unescape(mac).ok_or_else(malformed)?;
        // Cloudflare's flag `s` is for the alphabet of URLs, without padding.
        let bytes = STANDARD.decode(&*mac).or_else(|_| URL_SAFE_NO_PAD.decode(&*mac));
        let mac = bytes.ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(malformed)?;
        Ok(Token { issued_text, issued, mac })
    }

    fn walk<W: Watch>(
        &self,
        token: &Token<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let path = asked.checked_path(watch)?;
        match (&self.key, self.message.as_deref().or(path)) {
            (Some(key), Some(message)) => {
                let parts = [message.as_bytes(), token.issued_text.as_bytes()];
                let agrees = key.agrees(&parts, &token.mac);
                let outcome = if agrees { Ok(()) } else { Err(Fault::Signature) };
                watch.check(Step::Signature, outcome, || "over this message and time".into())?;
            }
            (Some(_), None) => watch.skip(Step::Signature, "the path is part of what is signed"),
            (None, _) => watch.skip(Step::Signature, "no key was given"),
        }
        let ahead = token.issued > now.saturating_add(self.leeway.duration());
        let outcome = if ahead { Err(Fault::IssuedAhead { at: token.issued }) } else { Ok(()) };
        watch.check(Step::Times, outcome, || "made in the past".to_owned())?;
        if self.lifetime.is_zero() {
            watch.skip(Step::Times, "no lifetime was given");
            return Ok(());
        }
        check_end(self.end_of(token), now, None, watch)
    }

    fn claims(&self, token: &Token<'_>, asked: &Asked<'_>) -> Claims {
        let path = asked.path.filter(|path| self.message.as_deref().is_none_or(|m| m == *path));
        Claims {
            issued_at: Some(token.issued),
            end: (!self.lifetime.is_zero()).then(|| self.end_of(token)),
            identity: TokenIdentity::new(TokenFormat::UrlHash, ABOUT.name, &token.mac),
            covers: path.map(|path| Cover::Path(path.to_owned())).into_iter().collect(),
            ..Claims::default()
        }
    }

    fn show(&self, token: &Token<'_>) -> Vec<Shown> {
        vec![
            Shown::time("issued", token.issued),
            Shown::new("mac", STANDARD.encode(token.mac)).noted(hex::encode(token.mac)),
        ]
    }

    fn make(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Made, GivenFault> {
        let path = given.need("uri")?;
        let message = self.message.as_deref().unwrap_or(path);
        let issued = given.time("issued", now)?.unwrap_or(now);
        let token = self.sign(message, issued).map_err(GivenFault::denied)?;
        let query = format!("{}={}", self.parameter(), escaped(&token));
        let carriage = vec![("url", format!("{path}?{query}")), ("query", query)];
        let request = Request { path: Some(path.to_owned()), ..Request::default() };
        Ok(Made { issued: Issued { token, carriage }, request, start: issued })
    }

    fn fields(claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("uri", path_of(claims));
        given.add_some("issued", claims.issued_at.map(|issued| issued.to_string()));
        given
    }
}

static ABOUT: About = About {
    name: "cloudflare",
    title: "Cloudflare timed HMAC over a message and the time it was made",
    source: "Cloudflare ruleset language, is_timed_hmac_valid_v0",
    keys: &[
        Param {
            name: "key",
            kind: ParamKind::Secret,
            need: Need::Required,
            help: "the shared key, as text",
        },
        Param {
            name: "lifetime",
            kind: ParamKind::Span,
            need: Need::Required,
            help: "how long a token is good, from when it was made",
        },
        Param {
            name: "message",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "what is signed, if it is not the path that is asked for",
        },
        Param {
            name: "parameter",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "the query parameter that carries it; `verify`",
        },
        Param {
            name: "leeway",
            kind: ParamKind::Span,
            need: Need::Optional,
            help: "how far ahead the issuer's clock may be, 60 s at most; 0",
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
            name: "issued",
            kind: ParamKind::Time,
            need: Need::Optional,
            help: "when it is made; now",
        },
    ],
    token: "the value of `verify`: `<issued>-<base64>`, percent-encoded or not, or the whole URL",
    weaknesses: &[
        "the end is not in the token: whoever verifies says how long it is good",
        "message and time stand side by side: a digit could move from one to the other; a time \
         of more than ten digits is refused, and a shorter one is long past",
        "the query and the viewer are not signed",
    ],
};
