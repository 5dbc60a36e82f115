//! nginx `secure_link`: an MD5 hash over an expression, beside the time of its end.
//!
//! `?md5=<22 characters of base64url>&expires=<Unix seconds>`; the names of the two arguments
//! and the expression are the site's own. nginx calls a link whose hash is right and whose
//! time is over `0`, and any other bad one empty; here they are `token.expired` and
//! `token.signature`.
//!
//! MD5 with a secret in it is no MAC. Links are read for migration only, after
//! [`SecureLink::danger_md5`]; an expression without the end makes links for ever, which
//! takes another switch.
//!
//! SPEC: ngx_http_secure_link_module, `secure_link`, `secure_link_md5`.

mod expression;

use std::{borrow::Cow, fmt, time::Duration};

use aws_lc_rs::constant_time;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{Rng, Timestamp};

use self::expression::Expression;
use super::{
    Asked, check_end, one_of, only, pairs,
    scheme::{Made, Scheme, verify},
    seconds,
};
use crate::{
    Verified,
    claims::{Claims, Cover},
    fault::{Fault, Refused, Step},
    format::{About, Given, GivenFault, Issued, Need, Param, ParamKind, Request, Shown},
    identity::{TokenFormat, TokenIdentity},
    watch::Watch,
};

/// How one nginx makes and checks its links.
pub struct SecureLink {
    expression: Option<Expression>,
    hash_name: String,
    expires_name: String,
    endless: Endless,
    md5: Md5Links,
    /// How long a link may still be good when it is shown; any time if absent.
    pub lifetime_max: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endless {
    Accepted,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Md5Links {
    Accepted,
    Off,
}

impl SecureLink {
    /// Reads an expression as `secure_link_md5` takes it, without quotes. MD5 proves little;
    /// whoever calls this has links of another system to honour.
    ///
    /// # Errors
    ///
    /// When a variable is not known, or nothing in it is secret.
    pub fn danger_md5(expression: &str) -> Result<Self, GivenFault> {
        let fault = GivenFault::Value { name: "expression", expected: EXPRESSION };
        Ok(Self {
            expression: Some(Expression::parse(expression).ok_or(fault)?),
            md5: Md5Links::Accepted,
            ..Self::unset()
        })
    }

    /// Sets the names of the arguments that carry hash and end: `md5`, `expires`.
    #[must_use]
    pub fn with_names(self, hash: &str, expires: &str) -> Self {
        Self { hash_name: hash.to_owned(), expires_name: expires.to_owned(), ..self }
    }

    /// Accepts links that never end: those of an expression without the end, and those that
    /// do not say it.
    #[must_use]
    pub fn danger_endless(self) -> Self {
        Self { endless: Endless::Accepted, ..self }
    }

    /// Verifies a link: `md5=…&expires=…`, as in the query.
    ///
    /// # Errors
    ///
    /// Says at which check it was refused, and why. The client is not to be told.
    pub fn verify(
        &self,
        link: &str,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<Verified<Claims>, Refused> {
        verify(self, link, asked, now)
    }

    /// The arguments that make a link of what is asked for.
    ///
    /// # Errors
    ///
    /// When the request lacks what the expression needs, or the expression the end.
    pub fn sign(&self, asked: &Asked<'_>, end: Option<Timestamp>) -> Result<String, Fault> {
        let expression = self.expression.as_ref().ok_or(Fault::Key)?;
        let expires = end.map(|end| end.to_string()).unwrap_or_default();
        let hash = expression.hash(asked, &self.expires_name, &expires)?;
        let hash = format!("{}={}", self.hash_name, URL_SAFE_NO_PAD.encode(hash));
        Ok(match end {
            Some(_) => format!("{hash}&{}={expires}", self.expires_name),
            None => hash,
        })
    }

    fn unset() -> Self {
        Self {
            expression: None,
            hash_name: "md5".to_owned(),
            expires_name: "expires".to_owned(),
            endless: Endless::Refused,
            md5: Md5Links::Off,
            lifetime_max: None,
        }
    }

    fn end<W: Watch>(&self, link: &Link<'_>, now: Timestamp, watch: &mut W) -> Result<(), W::Stop> {
        // SECURITY: an end that is not hashed is whatever the client writes.
        let hashed = self.expression.as_ref().is_none_or(|one| one.has_end(&self.expires_name));
        if let Some((_, end)) = link.end {
            check_end(end, now, self.lifetime_max, watch)?;
        }
        if hashed && link.end.is_some() {
            return Ok(());
        }
        let accepted = self.endless == Endless::Accepted;
        let outcome = if accepted { Ok(()) } else { Err(Fault::NoEnd) };
        watch.check(Step::Times, outcome, || "good for ever, as this site allows".to_owned())
    }
}

impl fmt::Debug for SecureLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecureLink({}, {})", self.hash_name, self.expires_name)
    }
}

/// A link's arguments.
#[derive(Debug)]
pub(crate) struct Link<'t> {
    hash_text: &'t str,
    hash: [u8; 16],
    end: Option<(&'t str, Timestamp)>,
}

impl Scheme for SecureLink {
    const ABOUT: &'static About = &ABOUT;
    type Token<'t> = Link<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        let expression = given.read("expression", EXPRESSION, Expression::parse)?;
        let flag = |name| given.flag(name);
        let names = (given.text("md5_name")?, given.text("expires_name")?);
        let (hash_name, expires_name) = (names.0.unwrap_or("md5"), names.1.unwrap_or("expires"));
        if hash_name.eq_ignore_ascii_case(expires_name) {
            let expected = "another name than `expires_name`";
            return Err(GivenFault::Value { name: "md5_name", expected });
        }
        Ok(Self {
            expression,
            hash_name: hash_name.to_owned(),
            expires_name: expires_name.to_owned(),
            endless: if flag(ENDLESS)? { Endless::Accepted } else { Endless::Refused },
            md5: if flag(MD5)? { Md5Links::Accepted } else { Md5Links::Off },
            lifetime_max: given.span("lifetime_max")?,
        })
    }

    fn ready(&self) -> Result<(), GivenFault> {
        if self.expression.is_none() {
            return Err(GivenFault::Missing { name: "expression" });
        }
        md5_is(self.md5 == Md5Links::Accepted)
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        let value = |name: &str| {
            let mine = asked.parameters().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            one_of(mine.map(|(_, value)| value))
        };
        let Some(hash) = value(&self.hash_name)? else { return Ok(None) };
        let hash = format!("{}={hash}", self.hash_name);
        Ok(Some(Cow::Owned(match value(&self.expires_name)? {
            Some(expires) => format!("{hash}&{}={expires}", self.expires_name),
            None => hash,
        })))
    }

    fn is_core(whole: &str, part: &str) -> bool {
        pairs(whole).next().is_some_and(|(_, hash)| hash == part)
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Link<'t>, Fault> {
        let (mut hash, mut expires) = (None, None);
        for (name, value) in pairs(text) {
            let place = match name {
                _ if name == self.hash_name => &mut hash,
                _ if name == self.expires_name => &mut expires,
                _ => return Err(Fault::malformed("an argument besides hash and end")),
            };
            if place.replace(value).is_some() {
                return Err(Fault::Duplicate { what: name.to_owned() });
            }
        }
        let hash_text = hash.ok_or_else(|| Fault::malformed("no hash"))?;
        let bytes = URL_SAFE_NO_PAD.decode(hash_text).ok();
        let hash = bytes.and_then(|bytes| bytes.try_into().ok());
        let hash = hash.ok_or_else(|| Fault::malformed("the hash is not 16 bytes in base64url"))?;
        let not_seconds = || Fault::malformed("the end is not a number of seconds");
        let end = expires.map(|text| seconds(text).map(|end| (text, end)).ok_or_else(not_seconds));
        Ok(Link { hash_text, hash, end: end.transpose()? })
    }

    fn walk<W: Watch>(
        &self,
        link: &Link<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let path = asked.checked_path(watch)?;
        match &self.expression {
            Some(expression) if path.is_some() => {
                let expires = link.end.map_or("", |(text, _)| text);
                let hash = expression.hash(asked, &self.expires_name, expires);
                let outcome = hash.and_then(|hash| {
                    let same = constant_time::verify_slices_are_equal(&hash, &link.hash);
                    same.map_err(|_| Fault::Signature)
                });
                watch.check(Step::Signature, outcome, || "the hash is that of the link".into())?;
            }
            Some(_) => watch.skip(Step::Signature, "the path is part of what is hashed"),
            None => watch.skip(Step::Signature, "no expression was given"),
        }
        self.end(link, now, watch)?;
        let covered = self.expression.as_ref().is_none_or(Expression::has_path);
        let outcome = if covered { Ok(()) } else { Err(Fault::Path) };
        watch.check(Step::Coverage, outcome, || "the path is part of what was hashed".to_owned())
    }

    fn claims(&self, link: &Link<'_>, asked: &Asked<'_>) -> Claims {
        let bound = self.expression.as_ref().is_some_and(Expression::has_address);
        let address = asked.address.filter(|_| bound).and_then(only);
        Claims {
            end: link.end.map(|(_, end)| end),
            identity: TokenIdentity::new(TokenFormat::UrlHash, ABOUT.name, &link.hash),
            addresses: address.into_iter().collect(),
            covers: asked.path.map(|path| Cover::Path(path.to_owned())).into_iter().collect(),
            ..Claims::default()
        }
    }

    fn show(&self, link: &Link<'_>) -> Vec<Shown> {
        let end = link.end.map(|(_, end)| Shown::time(&self.expires_name, end));
        let hash = Shown::new(&self.hash_name, link.hash_text);
        [hash.noted(hex::encode(link.hash))].into_iter().chain(end).collect()
    }

    fn make(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Made, GivenFault> {
        let mut request = request_of(given, given.need("uri")?)?;
        let end = given.time("expires", now)?;
        let asked = Asked::of(&request);
        let token = self.sign(&asked, end).map_err(GivenFault::denied)?;
        let query = match &request.query {
            Some(query) => format!("{query}&{token}"),
            None => token.clone(),
        };
        request.query = Some(query.clone());
        let path = request.path.as_deref().unwrap_or_default();
        let carriage = vec![("query", token.clone()), ("url", format!("{path}?{query}"))];
        Ok(Made { issued: Issued { token, carriage }, request, start: now })
    }

    fn fields(claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("expires", claims.end.map(|end| end.to_string()));
        given.add_some("uri", path_of(claims));
        if let [address] = claims.addresses.as_slice() {
            given.add("remote_addr", single(&address.to_string()));
        }
        given
    }
}

/// The request that the fields of `issue` describe.
fn request_of(given: &Given, uri: &str) -> Result<Request, GivenFault> {
    let mut request = Request::default();
    let expected = "a path such as `/a/b.m4s`";
    request.set_url(uri).map_err(|_| GivenFault::Value { name: "uri", expected })?;
    request.address = given.read("remote_addr", "an address", |text| text.parse().ok())?;
    if let Some(host) = given.text("host")? {
        request.headers.push(("host".to_owned(), host.to_owned()));
    }
    for header in given.all("http") {
        let fault = GivenFault::Value { name: "http", expected: "`name: value`" };
        let (name, value) = header.split_once(':').ok_or(fault)?;
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Ok(request)
}

/// The one path that claims name.
pub(super) fn path_of(claims: &Claims) -> Option<&str> {
    match claims.covers.as_slice() {
        [Cover::Path(path)] => Some(path),
        _ => None,
    }
}

/// An address without the length of its range, if that is the whole address.
pub(super) fn single(range: &str) -> &str {
    range.strip_suffix("/32").or(range.strip_suffix("/128")).unwrap_or(range)
}

/// Says whether MD5 links are on.
pub(super) fn md5_is(accepted: bool) -> Result<(), GivenFault> {
    if accepted {
        return Ok(());
    }
    let why = "MD5 links are off: set `danger_allow_md5` to honour another system's";
    Err(GivenFault::Denied(why.to_owned()))
}

const MD5: &str = "danger_allow_md5";
const ENDLESS: &str = "danger_allow_no_end";
const EXPRESSION: &str = "an expression of known variables and a secret";

static ABOUT: About = About {
    name: "nginx-secure-link",
    title: "nginx `secure_link`: MD5 over an expression of path, end, address and a secret",
    source: "nginx documentation, ngx_http_secure_link_module",
    keys: &[
        Param {
            name: "expression",
            kind: ParamKind::Secret,
            need: Need::Required,
            help: "what `secure_link_md5` says, e.g. \
                   `$secure_link_expires$uri$remote_addr secret`; variables: \
                   secure_link_expires uri remote_addr host arg_NAME http_NAME",
        },
        Param {
            name: MD5,
            kind: ParamKind::Flag,
            need: Need::Required,
            help: "allows MD5 at all: for links of another system only",
        },
        Param {
            name: ENDLESS,
            kind: ParamKind::Flag,
            need: Need::Optional,
            help: "accepts links that never end",
        },
        Param {
            name: "md5_name",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "the argument that carries the hash; `md5`",
        },
        Param {
            name: "expires_name",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "the argument that carries the end; `expires`",
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
            help: "the path as it will be sent, with its query if it has one",
        },
        Param {
            name: "expires",
            kind: ParamKind::Time,
            need: Need::Optional,
            help: "from when it may no longer be used",
        },
        Param {
            name: "remote_addr",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "the viewer's address, if the expression has it",
        },
        Param {
            name: "host",
            kind: ParamKind::Text,
            need: Need::Optional,
            help: "the host, if the expression has it",
        },
        Param {
            name: "http",
            kind: ParamKind::Text,
            need: Need::Repeated,
            help: "a request header `name: value`, if the expression has it",
        },
    ],
    token: "`md5=…&expires=…` as in the query, or the whole URL",
    weaknesses: &[
        "MD5 over text and secret is no MAC; off unless `danger_allow_md5` is set",
        "with the secret in front, a hash can be extended by more text: put it last",
        "an expression without the end makes links for ever; refused unless \
         `danger_allow_no_end` is set",
        "variables stand side by side without a mark: an end of more than ten digits is \
         refused, other neighbours are the expression's author's care",
    ],
};
