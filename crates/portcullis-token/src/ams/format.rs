//! The families `azure-jwt` and `azure-swt` for callers that learn the family at run time.

use portcullis_base::{
    Rng, Timestamp,
    json::{Object, Value},
};

use super::{
    Algorithms, RequiredClaim, Restriction, Secrets, TokenType, Wish, certificate_keys, issue_jwt,
    issue_swt, restriction::rsa_algorithms, swt, symmetric_keys, verify, walk::Walk,
};
use crate::{
    bearer,
    claims::Claims,
    fault::Refused,
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, Param, ParamKind, Request,
        Shown, Verdict, param,
    },
    jws,
    jwt::{Algorithm, CONTENT_KEY_ID, MAX_USES, SigningKey, VerificationKey},
    watch::Recorder,
};

/// One of the two families.
#[derive(Debug)]
pub struct Azure {
    about: About,
    token_type: TokenType,
}

/// `azure-jwt`.
pub(crate) static JWT: Azure = Azure {
    about: About {
        name: "azure-jwt",
        title: "Azure Media Services key-delivery token, JSON Web Token",
        source: "Azure Media Services v3, content key policy token restriction",
        keys: &JWT_KEYS,
        says: &JWT_SAYS,
        token: "the token, without `Bearer`",
        weaknesses: &[
            "a token that names no key opens every content of its policy: \
             require `urn:microsoft:azure:mediaservices:contentkeyidentifier`",
            "tokens of 30 days and more are common: nothing limits a lifetime unless uses are \
             counted",
        ],
    },
    token_type: TokenType::Jwt,
};

/// `azure-swt`.
pub(crate) static SWT: Azure = Azure {
    about: About {
        name: "azure-swt",
        title: "Azure Media Services key-delivery token, Simple Web Token",
        source: "Azure Media Services v3, content key policy token restriction",
        keys: &SWT_KEYS,
        says: &SWT_SAYS,
        token: "the token, without `Bearer`",
        weaknesses: &[
            "no start and no id: a token is told apart by its signature",
            "who can verify can issue: the key is a shared secret",
        ],
    },
    token_type: TokenType::Swt,
};

impl Format for Azure {
    fn about(&self) -> &'static About {
        match self.token_type {
            TokenType::Jwt => &JWT.about,
            TokenType::Swt => &SWT.about,
        }
    }

    fn resembles(&self, token: &str) -> bool {
        match self.token_type {
            TokenType::Jwt => jws::unverified_claims(token).is_some_and(|claims| {
                [CONTENT_KEY_ID, MAX_USES].iter().any(|name| claims.contains_key(name))
                    && !claims.keys().any(|name| name.starts_with("portcullis:"))
            }),
            TokenType::Swt => token.contains("&HMACSHA256="),
        }
    }

    fn find_in(&self, _: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let bare = |text: &str| bearer::strip(text).to_owned();
        let header = request.header("authorization").map(bare);
        let query = request.parameter("token").filter_map(swt::decode);
        jws::only_one(header.chain(query.map(|text| bare(&text))))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let restriction = restriction(given, self.token_type)?;
        let restriction = restriction.ok_or(GivenFault::Missing { name: "key" })?;
        Ok(verify(token, &restriction, request, now))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let restriction = restriction(given, self.token_type)?;
        let request = (!request.is_unsaid()).then_some(request);
        let walk = Walk { restriction: restriction.as_ref(), request, now };
        let mut recorder = Recorder::default();
        let token_type = restriction.as_ref().map_or(self.token_type, |one| one.token_type);
        let Ok(claims) = walk.go(token, token_type, &mut recorder);
        let fields = match self.token_type {
            TokenType::Jwt => jws::shown(token),
            TokenType::Swt => shown_pairs(token),
        };
        let format = self.about().name;
        Ok(Explanation::found(format, fields, recorder.checks, claims.as_ref()))
    }

    fn issue(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Issued, GivenFault> {
        let mut claims = given.object("claims")?.unwrap_or_default();
        let kids = given.kids("contentkeyidentifier")?;
        if let [kid] = kids.as_slice() {
            claims.insert(CONTENT_KEY_ID.to_owned(), kid.to_string().into());
        } else if !kids.is_empty() {
            return Err(GivenFault::Several { name: "contentkeyidentifier" });
        }
        if let Some(uses) = given.text("maxuses")? {
            claims.insert(MAX_USES.to_owned(), uses.into());
        }
        for name in ["jti", "sub"] {
            if let Some(text) = given.text(name)? {
                claims.insert(name.to_owned(), text.into());
            }
        }
        let wish = Wish {
            issuer: given.need("issuer")?,
            audience: given.need("audience")?,
            end: given.time("exp", now)?.ok_or(GivenFault::Missing { name: "exp" })?,
            start: given.time("nbf", now)?,
            claims: &claims,
        };
        let key = signing_key(given)?;
        let token = match self.token_type {
            TokenType::Jwt => issue_jwt(&wish, &key),
            TokenType::Swt => issue_swt(&wish, &key),
        }
        .map_err(GivenFault::denied)?;
        let restriction = Restriction {
            issuer: wish.issuer.to_owned(),
            audience: wish.audience.to_owned(),
            keys: vec![key.public().map_err(|error| GivenFault::key("key", error))?],
            required_claims: required_claims(given)?,
            token_type: self.token_type,
            skew: given.span("skew")?.unwrap_or(Restriction::SKEW),
        };
        let request = Request { kids, ..Request::default() };
        let first = wish.start.map_or(now, |start| start.max(now));
        if let Err(refused) = verify(&token, &restriction, &request, first) {
            return Err(GivenFault::Denied(format!("the token would be refused: {refused}")));
        }
        let carriage = vec![
            ("header", format!("Authorization: Bearer {token}")),
            ("query", format!("token={}", swt::encode(&token))),
        ];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("exp", claims.end.map(|time| time.to_string()));
        given.add_some("sub", claims.user.as_deref());
        if let [kid] = claims.kids.as_slice() {
            given.add("contentkeyidentifier", kid.to_string());
        }
        given.add_some("maxuses", claims.uses.limit().map(|uses| uses.to_string()));
        if self.token_type == TokenType::Jwt {
            given.add_some("nbf", claims.start.map(|time| time.to_string()));
        }
        if !claims.other.is_empty() {
            given.add("claims", Value::Object(claims.other.clone()).to_string());
        }
        given
    }
}

fn restriction(given: &Given, token_type: TokenType) -> Result<Option<Restriction>, GivenFault> {
    let (algorithms, secrets) = switches(given)?;
    let skew = given.span("skew")?.unwrap_or(Restriction::SKEW);
    if let Some(json) = given.object("restriction")? {
        let read = Restriction::from_json(&json, algorithms, secrets);
        let read = read.map_err(|error| GivenFault::key("restriction", error))?;
        return Ok(Some(Restriction { skew, ..read }));
    }
    let mut keys = Vec::new();
    for secret in given.base64s("key")? {
        let read = symmetric_keys(&secret, algorithms, secrets);
        keys.extend(read.map_err(|error| GivenFault::key("key", error))?);
    }
    for pem in given.all("public_key") {
        for algorithm in rsa_algorithms(algorithms) {
            let key = VerificationKey::from_pem(*algorithm, pem);
            keys.push(key.map_err(|error| GivenFault::key("public_key", error))?);
        }
    }
    for der in given.base64s("certificate")? {
        let read = certificate_keys(der.expose(), algorithms);
        keys.extend(read.map_err(|error| GivenFault::key("certificate", error))?);
    }
    if keys.is_empty() {
        return Ok(None);
    }
    Ok(Some(Restriction {
        issuer: given.need("issuer")?.to_owned(),
        audience: given.need("audience")?.to_owned(),
        keys,
        required_claims: required_claims(given)?,
        token_type,
        skew,
    }))
}

fn switches(given: &Given) -> Result<(Algorithms, Secrets), GivenFault> {
    let algorithms =
        if given.flag("algorithm_family")? { Algorithms::Family } else { Algorithms::One };
    let secrets = match given.flag("danger_short_secrets")? {
        true => Secrets::DangerShort,
        false => Secrets::FullLength,
    };
    Ok((algorithms, secrets))
}

fn required_claims(given: &Given) -> Result<Vec<RequiredClaim>, GivenFault> {
    let name = "required_claims";
    let read = |(claim, value): (String, Value)| match value {
        Value::Null => Ok(RequiredClaim { name: claim, value: None }),
        Value::String(text) => Ok(RequiredClaim { name: claim, value: Some(text) }),
        _ => Err(GivenFault::Value { name, expected: "an object of texts and `null`" }),
    };
    given.object(name)?.unwrap_or_else(Object::new).into_iter().map(read).collect()
}

fn signing_key(given: &Given) -> Result<SigningKey, GivenFault> {
    let key = match given.text("private_key")? {
        Some(pem) => SigningKey::rs256_from_pem(pem)
            .map_err(|error| GivenFault::key("private_key", error))?,
        None => {
            let secrets = given.base64s("key")?;
            let secret = secrets.first().ok_or(GivenFault::Missing { name: "key" })?;
            let bytes_min = if given.flag("danger_short_secrets")? { 16 } else { 32 };
            SigningKey::hmac_of_at_least(Algorithm::Hs256, secret, bytes_min)
                .map_err(|error| GivenFault::key("key", error))?
        }
    };
    match given.text("kid")? {
        Some(kid) => key.with_kid(kid).map_err(|error| GivenFault::key("kid", error)),
        None => Ok(key),
    }
}

fn shown_pairs(token: &str) -> Vec<Shown> {
    let signed = token.rsplit_once("&HMACSHA256=").map_or(token, |(signed, _)| signed);
    let shown = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (swt::decode(name)?, swt::decode(value)?);
        Some(match value.parse().ok().filter(|_| name == "ExpiresOn") {
            Some(time) => Shown::time(name, Timestamp(time)),
            None => Shown::new(name, value),
        })
    };
    signed.split('&').filter_map(shown).collect()
}

const ISSUER: Param =
    param("issuer", ParamKind::Text, Need::ToIssue, "the one issuer, unless `restriction` says");
const AUDIENCE: Param =
    param("audience", ParamKind::Text, Need::ToIssue, "the audience, unless `restriction` says");
const KEY: Param = param(
    "key",
    ParamKind::Secret,
    Need::Repeated,
    "a shared secret in base64: primary, then alternates; the first one signs",
);
const REQUIRED: Param = param(
    "required_claims",
    ParamKind::Json,
    Need::Optional,
    "an object: claim type to the text it must have, or to null for any",
);
const RESTRICTION: Param = param(
    "restriction",
    ParamKind::Json,
    Need::Optional,
    "a whole ContentKeyPolicyTokenRestriction, in place of issuer, audience, keys and claims",
);
const SHORT: Param = param(
    "danger_short_secrets",
    ParamKind::Flag,
    Need::Optional,
    "take secrets of 16 to 31 bytes, too",
);
const SKEW: Param =
    param("skew", ParamKind::Span, Need::Optional, "by how much clocks may differ; 300 s");

static JWT_KEYS: [Param; 11] = [
    ISSUER,
    AUDIENCE,
    KEY,
    param("private_key", ParamKind::Secret, Need::Optional, "an RSA key in PEM that signs"),
    param("public_key", ParamKind::Text, Need::Repeated, "an RSA key in PEM"),
    param("certificate", ParamKind::Text, Need::Repeated, "an X.509 certificate, DER in base64"),
    REQUIRED,
    RESTRICTION,
    SHORT,
    param(
        "algorithm_family",
        ParamKind::Flag,
        Need::Optional,
        "let a secret verify HS384 and HS512, too, and an RSA key RS384, RS512 and PS*",
    ),
    SKEW,
];
static SWT_KEYS: [Param; 7] = [ISSUER, AUDIENCE, KEY, REQUIRED, RESTRICTION, SHORT, SKEW];

const EXP: Param = param("exp", ParamKind::Time, Need::Required, "when it ends");
const KID: Param =
    param("contentkeyidentifier", ParamKind::Text, Need::Optional, "the one key it is for, a UUID");
const USES: Param = param(
    "maxuses",
    ParamKind::Text,
    Need::Optional,
    "how often it may be used, or `unlimited`; with a number it must end within the hour",
);
const CLAIMS: Param =
    param("claims", ParamKind::Json, Need::Optional, "an object of further claims");

static JWT_SAYS: [Param; 8] = [
    EXP,
    param("nbf", ParamKind::Time, Need::Optional, "when it begins"),
    KID,
    USES,
    param("sub", ParamKind::Text, Need::Optional, "the viewer"),
    param("jti", ParamKind::Text, Need::Optional, "its id"),
    param("kid", ParamKind::Text, Need::Optional, "the signing key's name in the header"),
    CLAIMS,
];
static SWT_SAYS: [Param; 4] = [EXP, KID, USES, CLAIMS];
