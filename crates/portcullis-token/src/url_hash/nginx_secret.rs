//! nginx `secure_link_secret`: `/prefix/<hex md5>/<link>`, an MD5 hash over link and secret.
//!
//! Such a link never ends and is bound to nothing; whoever has it, has it for ever. It is
//! read for migration only, after [`SecretLink::danger_md5_endless`]. The prefix is not
//! hashed: a link is good under every prefix where the same secret is configured.
//!
//! SPEC: ngx_http_secure_link_module, `secure_link_secret`.

use std::{borrow::Cow, fmt};

use aws_lc_rs::constant_time;
use md5::{Digest, Md5};
use portcullis_base::{Rng, SecretBytes, Timestamp};

use super::{
    Asked,
    nginx::{md5_is, path_of},
    scheme::{Made, Scheme, verify},
};
use crate::{
    Verified,
    claims::{Claims, Cover},
    fault::{Fault, Refused, Step},
    format::{About, Given, GivenFault, Issued, Need, Param, ParamKind, Request, Shown},
    identity::{TokenFormat, TokenIdentity},
    uri::unescape,
    watch::Watch,
};

/// The secret of one nginx location.
pub struct SecretLink {
    secret: Option<SecretBytes>,
    links: Links,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Links {
    Accepted,
    Md5Off,
    NoEndOff,
}

impl SecretLink {
    /// Takes the secret. These links are MD5 and never end; whoever calls this has links of
    /// another system to honour.
    #[must_use]
    pub const fn danger_md5_endless(secret: SecretBytes) -> Self {
        Self { secret: Some(secret), links: Links::Accepted }
    }

    /// Verifies a link: the whole path, `/prefix/<hash>/<link>`.
    ///
    /// # Errors
    ///
    /// Says at which check it was refused, and why. The client is not to be told.
    pub fn verify(
        &self,
        path: &str,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<Verified<Claims>, Refused> {
        verify(self, path, asked, now)
    }

    /// The path of a link.
    ///
    /// # Errors
    ///
    /// [`Fault::Key`] without a secret, [`Fault::Malformed`] when the prefix is not one
    /// segment.
    pub fn sign(&self, prefix: &str, link: &str) -> Result<String, Fault> {
        let prefix = prefix.trim_matches('/');
        if prefix.is_empty() || prefix.contains('/') {
            return Err(Fault::malformed("the prefix is not one segment of a path"));
        }
        Ok(format!("/{prefix}/{}/{link}", hex::encode(self.hash(link).ok_or(Fault::Key)?)))
    }

    fn hash(&self, link: &str) -> Option<[u8; 16]> {
        let secret = self.secret.as_ref()?;
        // nginx hashes the link decoded, as `$uri` is.
        let link = unescape(link)?;
        Some(Md5::new().chain_update(&*link).chain_update(secret.expose()).finalize().into())
    }
}

impl fmt::Debug for SecretLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretLink(…)")
    }
}

/// A path taken apart.
#[derive(Debug)]
pub(crate) struct Path<'t> {
    whole: &'t str,
    prefix: &'t str,
    hash: [u8; 16],
    link: &'t str,
}

fn split(path: &str) -> Option<Path<'_>> {
    let (prefix, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (digits, link) = rest.split_once('/')?;
    let mut hash = [0; 16];
    hex::decode_to_slice(digits, &mut hash).ok()?;
    (!prefix.is_empty() && !link.is_empty()).then_some(Path { whole: path, prefix, hash, link })
}

impl Scheme for SecretLink {
    const ABOUT: &'static About = &ABOUT;
    const BYTES_MAX: usize = 8192;
    type Token<'t> = Path<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        let secret = given.text("secret")?.filter(|secret| !secret.is_empty());
        let links = match (given.flag("danger_allow_md5")?, given.flag("danger_allow_no_end")?) {
            (true, true) => Links::Accepted,
            (false, _) => Links::Md5Off,
            (true, false) => Links::NoEndOff,
        };
        let secret = secret.map(|secret| SecretBytes::new(secret.as_bytes().to_vec()));
        Ok(Self { secret, links })
    }

    fn ready(&self) -> Result<(), GivenFault> {
        if self.secret.is_none() {
            return Err(GivenFault::Missing { name: "secret" });
        }
        md5_is(self.links != Links::Md5Off)
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        Ok(asked.path.filter(|path| split(path).is_some()).map(Cow::Borrowed))
    }

    fn is_core(whole: &str, part: &str) -> bool {
        whole.split('/').nth(2) == Some(part)
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Path<'t>, Fault> {
        split(text).ok_or_else(|| Fault::malformed("not `/prefix/<32 hex digits>/<link>`"))
    }

    fn walk<W: Watch>(
        &self,
        path: &Path<'_>,
        asked: &Asked<'_>,
        _: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let known = asked.checked_path(watch)?;
        match self.hash(path.link) {
            Some(hash) => {
                let same = constant_time::verify_slices_are_equal(&hash, &path.hash);
                let outcome = same.map_err(|_| Fault::Signature);
                watch.check(Step::Signature, outcome, || "the hash is that of the link".into())?;
            }
            None if self.secret.is_some() => {
                let outcome = Err(Fault::malformed("the link's percent signs"));
                watch.check(Step::Signature, outcome, String::new)?;
            }
            None => watch.skip(Step::Signature, "no secret was given"),
        }
        let accepted = self.links == Links::Accepted;
        let outcome = if accepted { Ok(()) } else { Err(Fault::NoEnd) };
        watch.check(Step::Times, outcome, || "good for ever, as this site allows".to_owned())?;
        let same = known.is_none_or(|known| known == path.whole);
        let outcome = if same { Ok(()) } else { Err(Fault::Path) };
        watch.check(Step::Coverage, outcome, || format!("the link is `{}`", path.link))
    }

    fn claims(&self, path: &Path<'_>, _: &Asked<'_>) -> Claims {
        Claims {
            identity: TokenIdentity::new(TokenFormat::UrlHash, ABOUT.name, &path.hash),
            covers: vec![Cover::Path(format!("/{}/{}", path.prefix, path.link))],
            ..Claims::default()
        }
    }

    fn show(&self, path: &Path<'_>) -> Vec<Shown> {
        vec![
            Shown::new("prefix", path.prefix).noted("not hashed"),
            Shown::new("hash", hex::encode(path.hash)),
            Shown::new("link", path.link),
        ]
    }

    fn make(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Made, GivenFault> {
        let token = self.sign(given.need("prefix")?, given.need("link")?);
        let token = token.map_err(GivenFault::denied)?;
        let request = Request { path: Some(token.clone()), ..Request::default() };
        let carriage = vec![("path", token.clone())];
        Ok(Made { issued: Issued { token, carriage }, request, start: now })
    }

    fn fields(claims: &Claims) -> Given {
        let mut given = Given::new();
        let path = path_of(claims).and_then(|path| path.strip_prefix('/'));
        if let Some((prefix, link)) = path.and_then(|path| path.split_once('/')) {
            given.add("prefix", prefix);
            given.add("link", link);
        }
        given
    }
}

static ABOUT: About = About {
    name: "nginx-secure-link-secret",
    title: "nginx `secure_link_secret`: MD5 over link and secret, in the path, without an end",
    source: "nginx documentation, ngx_http_secure_link_module",
    keys: &[
        Param {
            name: "secret",
            kind: ParamKind::Secret,
            need: Need::Required,
            help: "what `secure_link_secret` says",
        },
        Param {
            name: "danger_allow_md5",
            kind: ParamKind::Flag,
            need: Need::Required,
            help: "allows MD5 at all: for links of another system only",
        },
        Param {
            name: "danger_allow_no_end",
            kind: ParamKind::Flag,
            need: Need::Required,
            help: "accepts that these links never end",
        },
    ],
    says: &[
        Param {
            name: "prefix",
            kind: ParamKind::Text,
            need: Need::Required,
            help: "the first segment of the path; it is not hashed",
        },
        Param {
            name: "link",
            kind: ParamKind::Text,
            need: Need::Required,
            help: "the rest of the path, without a slash in front",
        },
    ],
    token: "the path with the hash in it: `/prefix/<hash>/<link>`",
    weaknesses: &[
        "links never end and cannot be taken back: refused unless `danger_allow_no_end` is set",
        "MD5 over link and secret is no MAC; off unless `danger_allow_md5` is set",
        "the prefix is not hashed: use another secret under each",
    ],
};
