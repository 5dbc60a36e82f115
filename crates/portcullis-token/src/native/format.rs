//! The family `portcullis` for callers that learn the family at run time.

use std::time::Duration;

use portcullis_base::{
    Rng, Timestamp,
    json::{Object, Value},
};
use portcullis_terms::Terms;

use super::{
    CONTENT, DEVICE, TERMS, verify,
    walk::{Trust, Walk},
};
use crate::{
    bearer,
    claims::Claims,
    fault::Refused,
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, ParamKind, Request, Verdict,
        param,
    },
    jws,
    jwt::{
        self, Algorithm, CONTENT_KEY_ID, Expectations, Issue, MAX_USES, SigningKey, VerificationKey,
    },
    watch::Recorder,
};

/// The family `portcullis`.
#[derive(Debug)]
pub struct Native;

static ABOUT: About = About {
    name: "portcullis",
    title: "Portcullis playback token, JSON Web Token",
    source: "RFC 7519, with claims of our own",
    keys: &[
        param("issuer", ParamKind::Text, Need::Required, "`iss`, byte for byte"),
        param("audience", ParamKind::Text, Need::Required, "`aud`, byte for byte"),
        param(
            "algorithm",
            ParamKind::Text,
            Need::Optional,
            "the one the key is for: EdDSA, ES256, RS256 or HS256; HS256",
        ),
        param("secret", ParamKind::Secret, Need::Optional, "a shared secret in base64, for HS256"),
        param("public_key", ParamKind::Text, Need::Optional, "a public key in PEM, to verify"),
        param("private_key", ParamKind::Secret, Need::Optional, "a private key in PEM, to sign"),
        param("key_id", ParamKind::Text, Need::Optional, "the key's name, `kid` in the header"),
        param("token_type", ParamKind::Text, Need::Optional, "`typ`, besides `JWT`"),
        param("leeway", ParamKind::Span, Need::Optional, "by how much clocks may differ; 30 s"),
        param("lifetime_max", ParamKind::Span, Need::Optional, "how long a token may live; 24h"),
    ],
    says: &[
        param("exp", ParamKind::Time, Need::Required, "when it ends"),
        param("nbf", ParamKind::Time, Need::Optional, "when it begins; when it is made"),
        param("iat", ParamKind::Time, Need::Optional, "when it is made; now"),
        param("jti", ParamKind::Text, Need::Optional, "its id; random if left out"),
        param("sub", ParamKind::Text, Need::Optional, "the viewer"),
        param("sid", ParamKind::Text, Need::Optional, "the viewer's session"),
        param("device", ParamKind::Text, Need::Optional, "the viewer's device"),
        param("content", ParamKind::Text, Need::Optional, "the content it is for"),
        param("content_key", ParamKind::Text, Need::Optional, "the one key it is for, a UUID"),
        param("max_uses", ParamKind::Number, Need::Optional, "how often it may be used"),
        param("terms", ParamKind::Json, Need::Optional, "what the license may do, classes too"),
        param("claims", ParamKind::Json, Need::Optional, "an object of further claims"),
    ],
    token: "the token, without `Bearer`",
    weaknesses: &["it can be copied as long as it lives: keep it short, or count its uses"],
};

impl Format for Native {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        jws::unverified_claims(token)
            .is_some_and(|claims| claims.keys().any(|name| name.starts_with("portcullis:")))
    }

    fn find_in(&self, _: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let header = request.header("authorization").map(bearer::strip);
        let query = request.parameter("token").map(bearer::strip);
        jws::only_one(header.chain(query).map(str::to_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let (keys, expectations) =
            trust(given)?.ok_or(GivenFault::Missing { name: "public_key" })?;
        Ok(verify(token, &keys, &expectations, request, now))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let trust = trust(given)?;
        let trust = trust.as_ref().map(|(keys, expectations)| Trust { keys, expectations });
        let request = (!request.is_unsaid()).then_some(request);
        let mut recorder = Recorder::default();
        let Ok(claims) = Walk { trust, request, now }.go(token, &mut recorder);
        let (format, fields) = (ABOUT.name, jws::shown(token));
        Ok(Explanation::found(format, fields, recorder.checks, claims.as_ref()))
    }

    fn issue(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let key = signing_key(given)?;
        let issued_at = given.time("iat", now)?.unwrap_or(now);
        let wish = Issue {
            issuer: given.need("issuer")?.to_owned(),
            audience: given.need("audience")?.to_owned(),
            subject: given.text("sub")?.map(str::to_owned),
            issued_at,
            not_before: given.time("nbf", now)?.unwrap_or(issued_at),
            expires_at: given.time("exp", now)?.ok_or(GivenFault::Missing { name: "exp" })?,
            id: given.text("jti")?.map(str::to_owned),
            extra: extra(given)?,
            token_type: given.text("token_type")?.unwrap_or("JWT").to_owned(),
        };
        let token = jwt::issue(&wish, &key, rng).map_err(GivenFault::denied)?;
        let keys = [key.public().map_err(|error| GivenFault::key("private_key", error))?];
        let kid = given.read("content_key", "a key id", |text| text.parse().ok())?;
        let request = Request {
            content: given.text("content")?.map(str::to_owned),
            kids: kid.into_iter().collect(),
            ..Request::default()
        };
        let first = wish.not_before.max(now);
        if let Err(refused) = verify(&token, &keys, &expectations(given)?, &request, first) {
            return Err(GivenFault::Denied(format!("the token would be refused: {refused}")));
        }
        let carriage = vec![
            ("header", format!("Authorization: Bearer {token}")),
            ("query", format!("token={token}")),
        ];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("exp", claims.end.map(|time| time.to_string()));
        given.add_some("nbf", claims.start.map(|time| time.to_string()));
        given.add_some("sub", claims.user.as_deref());
        given.add_some("sid", claims.session.as_deref());
        given.add_some("content", claims.content.as_deref());
        if let [device] = claims.devices.as_slice() {
            given.add("device", device.as_str());
        }
        if let [kid] = claims.kids.as_slice() {
            given.add("content_key", kid.to_string());
        }
        given.add_some("max_uses", claims.uses.limit().map(|uses| uses.to_string()));
        if !claims.terms.is_unsaid() {
            given.add("terms", claims.terms.to_json().to_string());
        }
        if !claims.other.is_empty() {
            given.add("claims", Value::Object(claims.other.clone()).to_string());
        }
        given
    }
}

fn extra(given: &Given) -> Result<Object, GivenFault> {
    let mut extra = given.object("claims")?.unwrap_or_default();
    for (field, claim) in
        [("content", CONTENT), ("content_key", CONTENT_KEY_ID), ("device", DEVICE), ("sid", "sid")]
    {
        if let Some(text) = given.text(field)? {
            extra.insert(claim.to_owned(), text.into());
        }
    }
    if let Some(uses) = given.number("max_uses")? {
        extra.insert(MAX_USES.to_owned(), uses.into());
    }
    if let Some(terms) = given.object("terms")? {
        let terms = Value::Object(terms);
        Terms::from_json(&terms).map_err(GivenFault::denied)?;
        extra.insert(TERMS.to_owned(), terms);
    }
    Ok(extra)
}

fn algorithm(given: &Given) -> Result<Algorithm, GivenFault> {
    let read = |text: &str| {
        let ours = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Hs256, Algorithm::Rs256];
        text.parse().ok().filter(|algorithm| ours.contains(algorithm))
    };
    let read = given.read("algorithm", "EdDSA, ES256, RS256 or HS256", read)?;
    Ok(read.unwrap_or(Algorithm::Hs256))
}

fn expectations(given: &Given) -> Result<Expectations, GivenFault> {
    Ok(Expectations {
        issuer: given.need("issuer")?.to_owned(),
        audience: given.need("audience")?.to_owned(),
        leeway: given.span("leeway")?.unwrap_or(Duration::from_secs(30)),
        lifetime_max: given.span("lifetime_max")?.unwrap_or(Duration::from_secs(86_400)),
        token_type: given.text("token_type")?.map(str::to_owned),
    })
}

fn trust(given: &Given) -> Result<Option<(Vec<VerificationKey>, Expectations)>, GivenFault> {
    let algorithm = algorithm(given)?;
    let key = match (given.base64("secret")?, given.text("public_key")?) {
        (Some(secret), _) if algorithm == Algorithm::Hs256 => {
            VerificationKey::hs256(&secret).map_err(|error| GivenFault::key("secret", error))?
        }
        (_, Some(pem)) if algorithm != Algorithm::Hs256 => {
            VerificationKey::from_pem(algorithm, pem)
                .map_err(|error| GivenFault::key("public_key", error))?
        }
        (None, None) if given.has("private_key") => {
            signing_key(given)?.public().map_err(|error| GivenFault::key("private_key", error))?
        }
        (None, None) => return Ok(None),
        _ => return Err(GivenFault::Value { name: "algorithm", expected: "one for this key" }),
    };
    let key = match given.text("key_id")? {
        Some(kid) => key.with_kid(kid).map_err(|error| GivenFault::key("key_id", error))?,
        None => key,
    };
    Ok(Some((vec![key], expectations(given)?)))
}

fn signing_key(given: &Given) -> Result<SigningKey, GivenFault> {
    let algorithm = algorithm(given)?;
    let key = match (given.base64("secret")?, given.text("private_key")?, algorithm) {
        (Some(secret), _, Algorithm::Hs256) => SigningKey::hs256(&secret),
        (_, Some(pem), Algorithm::EdDsa) => SigningKey::eddsa_from_pem(pem),
        (_, Some(pem), Algorithm::Es256) => SigningKey::es256_from_pem(pem),
        (_, Some(pem), Algorithm::Rs256) => SigningKey::rs256_from_pem(pem),
        (None, None, _) => return Err(GivenFault::Missing { name: "private_key" }),
        _ => return Err(GivenFault::Value { name: "algorithm", expected: "one for this key" }),
    };
    let key = key.map_err(|error| GivenFault::key("private_key", error))?;
    match given.text("key_id")? {
        Some(kid) => key.with_kid(kid).map_err(|error| GivenFault::key("key_id", error)),
        None => Ok(key),
    }
}
