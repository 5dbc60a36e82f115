//! URI Signing behind the common face.

use std::num::NonZeroU64;

use portcullis_base::{Rng, Timestamp};

use super::{
    ClaimKey, NAME, Renewal, RenewalWay, UriSigningKey, UriSigningKeys, Wanted, ere,
    issue::{hash_of, issue},
    log_code, package,
    said::is_ours,
    token::{Walk, verify},
};
use crate::{
    Verified,
    claims::{Claims, Cover},
    fault::Refused,
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, Param, ParamKind, Request,
        Shown, Verdict,
        keys::{KEYS, signing_key, verification_keys},
        param,
    },
    jws,
    watch::Recorder,
};

/// URI Signing.
#[derive(Debug)]
pub struct UriSigning;

static PARAMS: [Param; 11] = {
    let [secret, private_key, public_key, jwk, alg, kid] = KEYS;
    [
        secret,
        private_key,
        public_key,
        jwk,
        alg,
        kid,
        param("issuer", ParamKind::Text, Need::Repeated, "issuers the keys are bound to"),
        param("audience", ParamKind::Text, Need::Repeated, "names of this server"),
        param("jwe_key", ParamKind::Secret, Need::Optional, "key of encrypted claims, base64"),
        param("jwe_kid", ParamKind::Text, Need::Optional, "the name of that key"),
        param("name", ParamKind::Text, Need::Optional, "where it travels: URISigningPackage"),
    ]
};

static ABOUT: About = About {
    name: "uri-signing",
    title: "URI Signing for CDNI: a JWT over a hash of the URI or a POSIX expression",
    source: "RFC 9246, URI Signing for CDNI",
    keys: &PARAMS,
    says: &[
        param("iss", ParamKind::Text, Need::Optional, "who issues it"),
        param("sub", ParamKind::Text, Need::Optional, "the viewer; encrypted with `jwe_key`"),
        param("aud", ParamKind::Text, Need::Repeated, "for whom it is meant"),
        param("iat", ParamKind::Time, Need::Optional, "when it is made"),
        param("nbf", ParamKind::Time, Need::Optional, "from when it may be used"),
        param("exp", ParamKind::Time, Need::Required, "from when no longer"),
        param("jti", ParamKind::Text, Need::Optional, "its id; makes it good for one use"),
        param("cdniv", ParamKind::Number, Need::Optional, "the version: 1"),
        param("cdnicrit", ParamKind::Text, Need::Optional, "claims to be understood, by `,`"),
        param("cdniip", ParamKind::Text, Need::Optional, "address range; encrypted"),
        param("cdniets", ParamKind::Span, Need::Optional, "for how long it is renewed"),
        param("cdnistt", ParamKind::Number, Need::Optional, "renewal: 0 none 1 cookie 2 query"),
        param("cdnistd", ParamKind::Number, Need::Optional, "segments of the cookie's path"),
        param("cdniuc", ParamKind::Text, Need::Optional, "`hash:sha-256;…` or `regex:…`"),
        param("signed_url", ParamKind::Text, Need::Optional, "instead: the URL to hash"),
    ],
    token: "the value of `URISigningPackage`",
    weaknesses: &[
        "`exp` is optional in the RFC: a token without it is refused here",
        "POSIX expressions match anywhere in a text: here the whole URI has to match",
        "a renewed token is good again and again: `cdniets` should be short",
        "`cdniip` and `jti` are optional to enforce in the RFC: here the token is refused when \
         they cannot be",
    ],
};

impl Format for UriSigning {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        jws::unverified_claims(token).is_some_and(|claims| is_ours(&claims))
    }

    fn find_in(&self, given: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let name = given.all("name").next().unwrap_or(NAME);
        jws::only_one(package::presented(name, request).map(str::to_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let keys = keys(given)?.ok_or(GivenFault::Missing { name: "public_key" })?;
        let verdict = verify(token, &keys, request, now);
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
        let name = given.text("name")?.unwrap_or(NAME);
        let mut recorder = Recorder::default();
        let Ok(claims) =
            (Walk { keys: keys.as_ref(), name, request, now }).go(token, &mut recorder);
        let mut fields = jws::shown(token);
        if let Some(claims) = &claims {
            fields.extend(claims.user.as_ref().map(|user| Shown::new("sub, decrypted", user)));
            let range = claims.addresses.as_ref();
            fields.extend(range.map(|range| Shown::new("cdniip, decrypted", range)));
        }
        // Of a request that nobody made no log says anything.
        if keys.is_some() && !request.is_unsaid() {
            let refused = recorder.refused();
            let code = log_code(refused.as_ref().map_or(Ok(()), Err));
            fields.push(Shown::new("s-uri-signing", code).noted("what the RFC has a log say"));
        }
        let claims = claims.map(|claims| claims.to_claims());
        Ok(Explanation::found(ABOUT.name, fields, recorder.into_checks(), claims.as_ref()))
    }

    fn issue(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let container = match (given.text("cdniuc")?, given.text("signed_url")?) {
            (Some(text), None) => text.to_owned(),
            (None, Some(url)) => hash_of(url).map_err(GivenFault::denied)?.to_string(),
            _ => return Err(GivenFault::denied("give either `cdniuc` or `signed_url`")),
        };
        let wanted = Wanted {
            issuer: given.text("iss")?,
            subject: given.text("sub")?,
            audiences: given.all("aud").collect(),
            issued_at: given.time("iat", now)?,
            start: given.time("nbf", now)?,
            end: given.time("exp", now)?.ok_or(GivenFault::Missing { name: "exp" })?,
            id: given.text("jti")?,
            version: given.number("cdniv")?,
            critical: given.text("cdnicrit")?,
            addresses: given.text("cdniip")?,
            renewal: renewal(given)?,
            cookie_depth: given.number("cdnistd")?,
            container: &container,
        };
        let signer = signing_key(given)?.ok_or(GivenFault::Missing { name: "private_key" })?;
        let claim_key = claim_key(given)?;
        let token = issue(&wanted, &signer, claim_key.as_ref(), rng);
        let token = token.map_err(GivenFault::denied)?;
        let pair = format!("{}={token}", given.text("name")?.unwrap_or(NAME));
        let carriage = vec![
            ("query parameter", pair.clone()),
            ("path parameter", format!(";{pair}")),
            ("cookie", format!("{pair}; Path=/; Secure; HttpOnly")),
        ];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("iss", claims.issuer.as_deref());
        given.add_some("sub", claims.user.as_deref());
        claims.audiences.iter().for_each(|audience| given.add("aud", audience.as_str()));
        given.add_some("nbf", claims.start.map(|time| time.to_string()));
        given.add_some("exp", claims.end.map(|time| time.to_string()));
        given.add_some("jti", claims.id.as_deref().filter(|_| claims.uses.limit().is_some()));
        if let [range] = claims.addresses.as_slice() {
            given.add("cdniip", range.to_string());
        }
        let names = ["cdniets", "cdnistt", "cdnistd", "cdniv", "cdnicrit"];
        for (name, value) in names.iter().filter_map(|name| Some((name, claims.other.get(name)?))) {
            given.add_json(name, value);
        }
        let expressions: Option<Vec<String>> = claims.covers.iter().map(expression).collect();
        match (claims.covers.as_slice(), expressions) {
            ([Cover::Url(url)], _) => given.add("signed_url", url.as_str()),
            ([_, ..], Some(all)) => given.add("cdniuc", format!("regex:{}", all.join("|"))),
            _ => {}
        }
        given
    }
}

/// What covers the same URLs, as a POSIX expression.
fn expression(cover: &Cover) -> Option<String> {
    match cover {
        Cover::Url(url) => Some(ere::literally(url)),
        Cover::UrlGlob(glob) => {
            let plain: Vec<String> = glob
                .split('*')
                .map(|run| run.split('?').map(ere::literally).collect::<Vec<_>>().join("."))
                .collect();
            Some(plain.join(".*"))
        }
        Cover::UrlPrefix(prefix) => Some(format!("{}.*", ere::literally(prefix))),
        Cover::UrlRegex(expression) => Some(expression.clone()),
        _ => None,
    }
}

fn renewal(given: &Given) -> Result<Option<Renewal>, GivenFault> {
    let way = given.read("cdnistt", "0, 1 or 2", |text| match text {
        "0" => Some(RenewalWay::None),
        "1" => Some(RenewalWay::Cookie),
        "2" => Some(RenewalWay::Query),
        _ => None,
    })?;
    let seconds = given.span("cdniets")?.map(|span| NonZeroU64::new(span.as_secs()));
    match (seconds, way) {
        (None, None) => Ok(None),
        (Some(Some(seconds)), Some(way)) => Ok(Some(Renewal { seconds, way })),
        _ => Err(GivenFault::denied("`cdniets`, not 0, and `cdnistt` go together")),
    }
}

/// The keys that were given; `None` when there are none.
fn keys(given: &Given) -> Result<Option<UriSigningKeys>, GivenFault> {
    let keys = verification_keys(given)?;
    if keys.is_empty() {
        return Ok(None);
    }
    let issuers: Vec<String> = given.all("issuer").map(str::to_owned).collect();
    let bound = |key| UriSigningKey { key, issuers: issuers.clone() };
    Ok(Some(UriSigningKeys {
        keys: keys.into_iter().map(bound).collect(),
        claim_key: claim_key(given)?,
        audiences: given.all("audience").map(str::to_owned).collect(),
        name: given.text("name")?.unwrap_or(NAME).to_owned(),
    }))
}

fn claim_key(given: &Given) -> Result<Option<ClaimKey>, GivenFault> {
    let Some(secret) = given.base64("jwe_key")? else { return Ok(None) };
    let fault = || GivenFault::key("jwe_key", "it has not 16 or 32 bytes");
    ClaimKey::new(&secret, given.text("jwe_kid")?).map(Some).ok_or_else(fault)
}
