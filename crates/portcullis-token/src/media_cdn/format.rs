//! Media CDN's tokens behind the common face.

use portcullis_base::{Rng, SecretBytes, Timestamp};

use super::{
    MediaCdnKey, MediaCdnKeys, MediaCdnSigner, MediaCdnToken, NAME, Rules, TokenKind, Wanted,
    issue, parse,
};
use crate::{
    Check, Outcome, Verified,
    claims::{Claims, Cover},
    fault::{Refused, Step},
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, ParamKind, Request, Shown,
        Verdict, param,
    },
    jws, uri,
    watch::Recorder,
};

/// Google Media CDN's dual tokens.
#[derive(Debug)]
pub struct MediaCdn;

static ABOUT: About = About {
    name: "media-cdn",
    title: "Google Media CDN token: Ed25519 or HMAC over URL prefix, path or path globs",
    source: "Google Cloud, Media CDN, Generate tokens",
    keys: &[
        param("public_key", ParamKind::Text, Need::Repeated, "Ed25519 public key, base64"),
        param("private_key", ParamKind::Secret, Need::Optional, "Ed25519 private key, base64"),
        param("secret", ParamKind::Secret, Need::Repeated, "HMAC secret, base64; first signs"),
        param("danger_sha1", ParamKind::Flag, Need::Optional, "the secrets are for HMAC-SHA-1"),
        param("kind", ParamKind::Text, Need::Optional, "`short` (default) or `long`"),
        param("name", ParamKind::Text, Need::Optional, "where it travels: edge-cache-token"),
        param("ttl_max", ParamKind::Span, Need::Optional, "how far ahead the end may lie"),
    ],
    says: &[
        param("url_prefix", ParamKind::Text, Need::Optional, "URLs that begin so are covered"),
        param("full_path", ParamKind::Text, Need::Optional, "the one path that is covered"),
        param("path_globs", ParamKind::Text, Need::Optional, "path patterns, joined by `,`"),
        param("starts", ParamKind::Time, Need::Optional, "from when it may be used"),
        param("expires", ParamKind::Time, Need::Required, "from when no longer"),
        param("session_id", ParamKind::Text, Need::Optional, "the viewer's session"),
        param("data", ParamKind::Text, Need::Optional, "a payload"),
        param("signed_header", ParamKind::Text, Need::Repeated, "`Name=value` to be repeated"),
        param("ip_ranges", ParamKind::Text, Need::Optional, "address ranges, joined by `,`"),
        param("danger_root", ParamKind::Flag, Need::Optional, "it may cover every path"),
    ],
    token: "the value of `edge-cache-token`",
    weaknesses: &[
        "a URL prefix is compared by characters: `/vod` covers `/vodka`, too; end it with `/`",
        "HMAC-SHA-1 exists for tokens of other CDNs; it is off unless `danger_sha1` is set",
        "nothing but `_GO=Generated` tells a long token from a short one; each is refused as \
         the other",
    ],
};

impl Format for MediaCdn {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        let text = uri::unescape(token).unwrap_or_default();
        let covers = ["URLPrefix=", "FullPath", "PathGlobs="];
        text.contains("Expires=")
            && text.split('~').any(|part| covers.iter().any(|name| part.starts_with(name)))
    }

    fn find_in(&self, given: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let name = given.all("name").next().unwrap_or(NAME);
        let parts = request.path.iter().flat_map(|path| path.split('/'));
        let component = parts.filter_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let presented = component.chain(request.parameter(name)).chain(request.cookie(name));
        jws::only_one(presented.map(str::to_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let keys = keys(given)?.ok_or(GivenFault::Missing { name: "public_key" })?;
        let rules = rules(given)?;
        let verdict = parse(token).and_then(|token| token.verify(&keys, request, &rules, now));
        Ok(verdict.map(|verified| Verified::new(verified.claims().to_claims())))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let keys = keys(given)?;
        let rules = rules(given)?;
        let empty = Explanation {
            format: ABOUT.name,
            fields: Vec::new(),
            checks: Vec::new(),
            claims: None,
        };
        let token = match parse(token) {
            Ok(token) => token,
            Err(Refused { step, fault }) => {
                let checks = vec![Check { step, outcome: Outcome::Failed(fault) }];
                return Ok(Explanation { checks, ..empty });
            }
        };
        let mut recorder = Recorder::default();
        let passed = Outcome::Passed("fields joined by `~`, each once".to_owned());
        recorder.checks.push(Check { step: Step::Form, outcome: passed });
        let Ok(()) = token.walk(keys.as_ref(), request, &rules, now, &mut recorder);
        let explained =
            Explanation { fields: shown(&token), checks: recorder.into_checks(), ..empty };
        Ok(explained.saying(&token.said(request, &rules).to_claims()))
    }

    fn issue(&self, given: &Given, now: Timestamp, _rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let signer = signer(given)?;
        let expires = given.time("expires", now)?;
        let pairs: Option<Vec<_>> =
            given.all("signed_header").map(|text| text.split_once('=')).collect();
        let expected = "`Name=value`";
        let headers = pairs.ok_or(GivenFault::Value { name: "signed_header", expected })?;
        let rules = rules(given)?;
        let wanted = Wanted {
            url_prefix: given.text("url_prefix")?,
            full_path: given.text("full_path")?,
            path_globs: given.text("path_globs")?,
            starts: given.time("starts", now)?,
            expires: expires.ok_or(GivenFault::Missing { name: "expires" })?,
            session: given.text("session_id")?,
            data: given.text("data")?,
            headers,
            ip_ranges: given.text("ip_ranges")?,
            kind: rules.kind,
            danger_root: given.flag("danger_root")?,
        };
        if rules.ttl_max.is_some_and(|longest| now.until(wanted.expires) > longest) {
            return Err(GivenFault::denied("the token would live longer than `ttl_max`"));
        }
        let token = issue(&wanted, &signer, now).map_err(GivenFault::denied)?;
        let name = rules.name;
        let life = now.until(wanted.expires).as_secs();
        let cookie = format!("{name}={token}; Path=/; Max-Age={life}; Secure; HttpOnly");
        let carriage = vec![
            ("query parameter", format!("{name}={token}")),
            ("cookie", cookie),
            ("path component", format!("/{name}={token}/")),
        ];
        // A `/` in the token would end the component.
        let ways = if token.contains('/') { 2 } else { 3 };
        Ok(Issued { token, carriage: carriage.into_iter().take(ways).collect() })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        let mut globs = Vec::new();
        // SECURITY: what would mean more in a list of patterns is left out, not written.
        let plain = |text: &str| !text.contains(['*', '?', '!', ',']);
        for cover in &claims.covers {
            match cover {
                Cover::PathGlob(glob) if !glob.contains(['!', ',']) => globs.push(glob.clone()),
                Cover::PathPrefix(prefix) if plain(prefix) => globs.push(format!("{prefix}*")),
                Cover::Path(path) if claims.covers.len() == 1 => given.add("full_path", path),
                Cover::Path(path) if plain(path) => globs.push(path.clone()),
                Cover::UrlPrefix(prefix) => given.add("url_prefix", prefix),
                _ => {}
            }
        }
        given.add_some("path_globs", (!globs.is_empty()).then(|| globs.join(",")));
        given.add_some("starts", claims.start.map(|time| time.to_string()));
        given.add_some("expires", claims.end.map(|time| time.to_string()));
        given.add_some("session_id", claims.session.as_deref());
        given.add_some("data", claims.data.as_deref());
        let ranges: Vec<String> = claims.addresses.iter().map(ToString::to_string).collect();
        given.add_some("ip_ranges", (!ranges.is_empty()).then(|| ranges.join(",")));
        given
    }
}

fn rules(given: &Given) -> Result<Rules<'_>, GivenFault> {
    let kind = given.read("kind", "`short` or `long`", |text| match text {
        "long" => Some(TokenKind::Long),
        "short" => Some(TokenKind::Short),
        _ => None,
    })?;
    Ok(Rules {
        kind: kind.unwrap_or(TokenKind::Short),
        ttl_max: given.span("ttl_max")?,
        name: given.text("name")?.unwrap_or(NAME),
    })
}

/// The keys that were given; `None` when there are none.
fn keys(given: &Given) -> Result<Option<MediaCdnKeys>, GivenFault> {
    let mut keys = Vec::new();
    for bytes in each_base64(given, "public_key")? {
        let fault = || GivenFault::key("public_key", "not an Ed25519 public key of 32 bytes");
        keys.push(MediaCdnKey::ed25519(bytes.expose()).ok_or_else(fault)?);
    }
    if given.has("private_key") || given.has("secret") {
        keys.extend(signers(given)?.iter().filter_map(MediaCdnSigner::public));
    }
    Ok((!keys.is_empty()).then_some(MediaCdnKeys(keys)))
}

fn signer(given: &Given) -> Result<MediaCdnSigner, GivenFault> {
    signers(given)?.into_iter().next().ok_or(GivenFault::Missing { name: "private_key" })
}

fn signers(given: &Given) -> Result<Vec<MediaCdnSigner>, GivenFault> {
    let mut signers = Vec::new();
    if let Some(seed) = given.base64("private_key")? {
        let fault = || GivenFault::key("private_key", "not an Ed25519 private key of 32 bytes");
        signers.push(MediaCdnSigner::ed25519(&seed).ok_or_else(fault)?);
    }
    let sha1 = given.flag("danger_sha1")?;
    for secret in each_base64(given, "secret")? {
        let signer = if sha1 {
            MediaCdnSigner::danger_hmac_sha1(&secret)
        } else {
            MediaCdnSigner::hmac_sha256(&secret)
        };
        signers.push(signer.ok_or_else(|| GivenFault::key("secret", "it is empty"))?);
    }
    Ok(signers)
}

fn each_base64(given: &Given, name: &'static str) -> Result<Vec<SecretBytes>, GivenFault> {
    let read = |text: &str| {
        let mut one = Given::new();
        one.add(name, text);
        one.base64(name)
    };
    let texts: Result<Vec<Option<SecretBytes>>, GivenFault> = given.all(name).map(read).collect();
    Ok(texts?.into_iter().flatten().collect())
}

/// The fields in the order of the token.
fn shown(token: &MediaCdnToken) -> Vec<Shown> {
    let fields = &token.fields;
    let ranges: Vec<String> = fields.ranges.iter().map(ToString::to_string).collect();
    let show = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name {
            "Expires" => Shown::time(name, fields.expires),
            "FullPath" => Shown::new(name, "").noted("signed with the path of the request"),
            "Headers" => Shown::new(name, value).noted("signed with their values"),
            "IPRanges" => Shown::new(name, ranges.join(",")),
            "Starts" => Shown::time(name, fields.starts.unwrap_or(Timestamp(0))),
            "URLPrefix" => Shown::new(name, &fields.covers),
            "_GO" => Shown::new(name, value).noted("a long token, made by the edge"),
            _ => Shown::new(name, value),
        }
    };
    let mut all: Vec<Shown> = fields.sent.split('~').map(show).collect();
    let proof = token.proof();
    let name = if proof.algorithm() == "Ed25519" { "Signature" } else { "hmac" };
    all.push(Shown::new(name, hex::encode(proof.bytes())).noted(proof.algorithm()));
    all
}
