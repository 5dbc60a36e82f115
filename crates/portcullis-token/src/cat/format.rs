//! Common Access Tokens behind the common face.

use portcullis_base::{
    Rng, Timestamp,
    json::{self, Object},
};

use super::{
    CatRenewal, CatRules, NAME, RenewalType, Wanted,
    cbor::Value,
    claims::name_of,
    cose::Cose,
    issue, parameter,
    token::{Walk, presented, verify},
};
use crate::{
    Check, Verified,
    claims::{Claims, Cover, Uses},
    fault::{Refused, Step},
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, Param, ParamKind, Request,
        Shown, Verdict,
        keys::{KEYS, signing_key, verification_keys},
        param,
    },
    jws,
    lifetime::Leeway,
    watch::{Outcome, Recorder},
};

/// Common Access Tokens.
#[derive(Debug)]
pub struct Cat;

static PARAMS: [Param; 10] = {
    let [secret, private_key, public_key, jwk, alg, kid] = KEYS;
    [
        secret,
        private_key,
        public_key,
        jwk,
        alg,
        kid,
        param("issuer", ParamKind::Text, Need::Optional, "the one issuer; then `iss` is needed"),
        param("audience", ParamKind::Text, Need::Optional, "the name of this server"),
        param("skew", ParamKind::Span, Need::Optional, "how far clocks may differ: 0 to 60 s"),
        param("alpn", ParamKind::Text, Need::Optional, "what the connection speaks: `h2` …"),
    ]
};

static ABOUT: About = About {
    name: "cat",
    title: "Common Access Token: a CBOR Web Token for media delivery",
    source: "CTA-5007, as its public implementations speak it; RFC 8392, RFC 9052",
    keys: &PARAMS,
    says: &[
        param("iss", ParamKind::Text, Need::Optional, "who issues it"),
        param("sub", ParamKind::Text, Need::Optional, "the viewer"),
        param("aud", ParamKind::Text, Need::Repeated, "for whom it is meant"),
        param("exp", ParamKind::Time, Need::Required, "from when it may no longer be used"),
        param("nbf", ParamKind::Time, Need::Optional, "from when it may be used"),
        param("iat", ParamKind::Time, Need::Optional, "when it is made"),
        param("cti", ParamKind::Text, Need::Optional, "its id, hex"),
        param("catreplay", ParamKind::Number, Need::Optional, "1: it is good for one use"),
        param("catnip", ParamKind::Text, Need::Repeated, "an address or range it is bound to"),
        param("catu", ParamKind::Json, Need::Optional, r#"{"path":{"prefix-match":"/vod/"}}"#),
        param("catm", ParamKind::Text, Need::Repeated, "a method it allows"),
        param("catalpn", ParamKind::Text, Need::Repeated, "a protocol it allows"),
        param("cath", ParamKind::Json, Need::Optional, r#"{"X-Device":{"exact-match":"1"}}"#),
        param("catgeoiso3166", ParamKind::Text, Need::Repeated, "a country it is bound to"),
        param("catifdata", ParamKind::Text, Need::Optional, "data for the issuer's endpoint"),
        param("catif", ParamKind::Json, Need::Optional, r#"{"exp":[307,{"Location":"…"}]}"#),
        param("catr", ParamKind::Json, Need::Optional, r#"{"type":"cookie","expadd":120}"#),
    ],
    token: "the value of `CTA-Common-Access-Token`",
    weaknesses: &[
        "libraries skip claims they do not enforce: here such a claim refuses the token",
        "`exp` of 0 counts as absent in some libraries: here it is a time long past",
        "`catreplay` 2 (reuse detection) is refused: it asks for a judgement nobody defined",
        "a prefix match of a host or path is by characters: end it where a name ends",
    ],
};

impl Format for Cat {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        Cose::parse(token).is_ok()
    }

    fn find_in(&self, _: &Given, request: &Request) -> Result<Option<String>, Refused> {
        jws::only_one(presented(request).map(str::to_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let rules = rules(given)?.ok_or(GivenFault::Missing { name: "secret" })?;
        let verdict = verify(token, &rules, request, now);
        Ok(verdict.map(|verified| Verified::new(verified.claims().to_claims())))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let rules = rules(given)?;
        let mut explained = Explanation {
            format: ABOUT.name,
            fields: Vec::new(),
            checks: Vec::new(),
            claims: None,
        };
        let cose = match Cose::parse(token) {
            Ok(cose) => cose,
            Err(refused) => {
                explained.checks.push(refused.into());
                return Ok(explained);
            }
        };
        let mut recorder = Recorder::default();
        let passed = Outcome::Passed("CBOR in a COSE envelope".to_owned());
        recorder.checks.push(Check { step: Step::Form, outcome: passed });
        let Ok(claims) = (Walk { rules: rules.as_ref(), request, now }).go(&cose, &mut recorder);
        explained.fields = shown(&cose);
        explained.checks = recorder.into_checks();
        Ok(match claims {
            Some(claims) => explained.saying(&claims.to_claims()),
            None => explained,
        })
    }

    fn issue(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let signer = signing_key(given)?.ok_or(GivenFault::Missing { name: "secret" })?;
        let once = given.read("catreplay", "0 or 1", |text| match text {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        })?;
        let wanted = Wanted {
            issuer: given.text("iss")?,
            subject: given.text("sub")?,
            audiences: given.all("aud").collect(),
            end: given.time("exp", now)?,
            start: given.time("nbf", now)?,
            issued_at: given.time("iat", now)?,
            id: given.read("cti", "hex digits", |text| hex::decode(text).ok())?,
            once,
            ranges: given.all("catnip").collect(),
            url: given.object("catu")?,
            methods: given.all("catm").collect(),
            protocols: given.all("catalpn").collect(),
            headers: given.object("cath")?,
            countries: given.all("catgeoiso3166").collect(),
            if_data: given.text("catifdata")?,
            if_failed: given.object("catif")?,
            renewal: renewal(given)?,
        };
        let token = issue(&wanted, &signer, rng).map_err(GivenFault::denied)?;
        let carriage = vec![
            ("header", format!("{NAME}: {token}")),
            ("cookie", format!("{NAME}={token}; Path=/; Secure; HttpOnly")),
            ("query parameter", format!("{}={token}", parameter())),
        ];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("iss", claims.issuer.as_deref());
        given.add_some("sub", claims.user.as_deref());
        claims.audiences.iter().for_each(|audience| given.add("aud", audience.as_str()));
        given.add_some("exp", claims.end.map(|time| time.to_string()));
        given.add_some("nbf", claims.start.map(|time| time.to_string()));
        claims.addresses.iter().for_each(|range| given.add("catnip", range.to_string()));
        claims.countries.iter().for_each(|country| given.add("catgeoiso3166", country.as_str()));
        if claims.uses == Uses::ONCE {
            given.add("catreplay", "1");
        }
        for name in ["catm", "cath"] {
            if let Some(value) = claims.other.get(name) {
                given.add_json(name, value);
            }
        }
        if let [cover] = claims.covers.as_slice() {
            given.add_some("catu", url_parts(cover));
        }
        given
    }
}

/// What covers the same, as conditions on the parts of a URL; patterns have no place here.
fn url_parts(cover: &Cover) -> Option<String> {
    let one = |part: &str, kind: &str, text: &str| {
        let matches = Object::from([(kind.to_owned(), json::Value::from(text))]);
        Object::from([(part.to_owned(), json::Value::Object(matches))])
    };
    let whole = |url: &str, kind: &str| {
        let mut request = Request::default();
        request.set_url(url).ok().filter(|()| !url.contains('#'))?;
        let origin = crate::uri::Origin::parse(request.origin.as_deref()?)?;
        let mut parts = one("scheme", "exact-match", &origin.scheme);
        parts.extend(one("host", "exact-match", &origin.host));
        parts.extend(one("port", "exact-match", &origin.port_meant().to_string()));
        parts.extend(one("path", kind, request.path.as_deref()?));
        match (request.query.as_deref(), kind) {
            (None, "exact-match") => parts.extend(one("query", "exact-match", "")),
            (None, _) => {}
            (Some(query), "exact-match") => parts.extend(one("query", "exact-match", query)),
            (Some(_), _) => return None,
        }
        Some(parts)
    };
    let parts = match cover {
        Cover::Path(path) if !path.contains('?') => Some(one("path", "exact-match", path)),
        Cover::PathGlob(glob) => match glob.strip_suffix('*') {
            Some(prefix) if !prefix.contains(['*', '?']) => {
                Some(one("path", "prefix-match", prefix))
            }
            None if !glob.contains('?') => Some(one("path", "exact-match", glob)),
            _ => None,
        },
        Cover::PathPrefix(prefix) => Some(one("path", "prefix-match", prefix)),
        Cover::Url(url) => whole(url, "exact-match"),
        Cover::UrlParts(parts) => return Some(parts.clone()),
        Cover::UrlPrefix(prefix) => whole(prefix, "prefix-match"),
        _ => None,
    };
    parts.map(|parts| json::Value::Object(parts).to_string())
}

fn rules(given: &Given) -> Result<Option<CatRules>, GivenFault> {
    let keys = verification_keys(given)?;
    let fault = GivenFault::Value { name: "skew", expected: "a span of a minute at most" };
    let leeway = Leeway::new(given.span("skew")?.unwrap_or_default()).ok_or(fault)?;
    let own = |name| Ok::<_, GivenFault>(given.text(name)?.map(str::to_owned));
    let rules = CatRules {
        keys,
        issuer: own("issuer")?,
        audience: own("audience")?,
        leeway,
        alpn: own("alpn")?,
    };
    Ok((!rules.keys.is_empty()).then_some(rules))
}

/// Reads `catr` as people write it.
fn renewal(given: &Given) -> Result<Option<CatRenewal>, GivenFault> {
    let Some(object) = given.object("catr")? else { return Ok(None) };
    let expected = "a renewal such as {\"type\":\"cookie\",\"expadd\":120,\"deadline\":60}";
    renewal_of(&object).map(Some).ok_or(GivenFault::Value { name: "catr", expected })
}

fn renewal_of(object: &Object) -> Option<CatRenewal> {
    let known = [
        "type",
        "expadd",
        "deadline",
        "cookie-name",
        "header-name",
        "cookie-params",
        "header-params",
        "code",
    ];
    if !object.keys().all(|name| known.contains(&name.as_str())) {
        return None;
    }
    let number = |name: &str| object.get(name).map(|value| value.as_number()?.as_u64());
    let text = |name: &str| object.get(name).map(|value| value.as_str().map(str::to_owned));
    let texts = |name: &str| {
        let items = object.get(name).map_or(Some(&[][..]), json::Value::as_array)?;
        items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
    };
    Some(CatRenewal {
        way: match object.get("type")?.as_str()? {
            "automatic" => RenewalType::Automatic,
            "cookie" => RenewalType::Cookie,
            "header" => RenewalType::Header,
            "redirect" => RenewalType::Redirect,
            _ => return None,
        },
        seconds: number("expadd")??,
        deadline: number("deadline").unwrap_or(Some(60))?,
        cookie_name: text("cookie-name").map_or(Some(None), |name| name.map(Some))?,
        header_name: text("header-name").map_or(Some(None), |name| name.map(Some))?,
        cookie_params: texts("cookie-params")?,
        header_params: texts("header-params")?,
        code: number("code").map_or(Some(None), |code| code.map(Some))?,
    })
}

/// The header and the claims in the order of the token.
fn shown(cose: &Cose) -> Vec<Shown> {
    let mut fields = vec![Shown::new("header.alg", cose.algorithm)];
    if let Some(kid) = &cose.kid {
        let text = std::str::from_utf8(kid).ok().filter(|text| !text.contains(char::is_control));
        fields.push(Shown::new("header.kid", text.map_or_else(|| hex::encode(kid), str::to_owned)));
    }
    for (key, value) in &cose.claims {
        let name = name_of(key);
        fields.push(match (name.as_str(), value) {
            ("exp" | "nbf" | "iat", Value::Unsigned(time)) => Shown::time(name, Timestamp(*time)),
            ("catu" | "cath", _) => Shown::new(name, super::matching::to_json(value)),
            (_, Value::Text(text)) => Shown::new(name, text),
            (_, other) => Shown::new(name, other),
        });
    }
    fields
}
