//! The family `drmtoday` for callers that learn the family at run time.

use std::{collections::BTreeMap, time::Duration};

use portcullis_base::{
    KeyId, Rng, Timestamp,
    json::{Object, Value},
};
use portcullis_terms::{Terms, playback::Limit};

use super::{Merchant, Wish, issue, shared_secret, signing_key, verify, walk::Walk};
use crate::{
    claims::Claims,
    fault::Refused,
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, ParamKind, Request, Verdict,
        param,
    },
    jws,
    jwt::Algorithm,
    members::{duration_text, time_text},
    watch::Recorder,
};

/// The family `drmtoday`.
#[derive(Debug)]
pub struct Drmtoday;

static ABOUT: About = About {
    name: "drmtoday",
    title: "castLabs DRMtoday upfront authorization token",
    source: "castLabs DRMtoday, License Delivery Authorization",
    keys: &[
        param("merchant", ParamKind::Text, Need::Required, "the organization's id"),
        param("kid", ParamKind::Text, Need::Required, "the shared secret's id"),
        param("secret", ParamKind::Secret, Need::Required, "the shared secret in hex"),
        param(
            "algorithm",
            ParamKind::Text,
            Need::Optional,
            "HS256, HS384 or HS512, the one the secret is for; HS256",
        ),
        param("leeway", ParamKind::Span, Need::Optional, "by how much clocks may differ; 30 s"),
        param(
            "age_max",
            ParamKind::Span,
            Need::Optional,
            "how old a token without exp may be; 10m",
        ),
        param(
            "templates",
            ParamKind::Json,
            Need::Optional,
            "an object: the name of a template (`:name`) to its terms",
        ),
    ],
    says: &[
        param("jti", ParamKind::Text, Need::Optional, "its id; random if left out"),
        param("iat", ParamKind::Time, Need::Optional, "when it is made; now"),
        param("exp", ParamKind::Time, Need::Optional, "when it ends"),
        param("userId", ParamKind::Text, Need::Optional, "the viewer"),
        param("sessionId", ParamKind::Text, Need::Optional, "the viewer's session"),
        param("crt", ParamKind::Json, Need::Optional, "a whole rights token"),
        param("assetId", ParamKind::Text, Need::Optional, "the content"),
        param("variantId", ParamKind::Text, Need::Optional, "its variant"),
        param("profile", ParamKind::Json, Need::Optional, "the profile: purchase or rental"),
        param("storeLicense", ParamKind::Flag, Need::Optional, "whether it may be kept"),
    ],
    token: "the value of `x-dt-auth-token`",
    weaknesses: &[
        "a token without `exp` is good for its age only: the verifier bounds it",
        "who can verify can issue: the key is a shared secret",
    ],
};

impl Format for Drmtoday {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        jws::unverified_claims(token)
            .is_some_and(|claims| ["crt", "optData"].iter().all(|name| claims.contains_key(name)))
    }

    fn find_in(&self, _: &Given, request: &Request) -> Result<Option<String>, Refused> {
        jws::only_one(request.header("x-dt-auth-token").map(str::to_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let merchant = merchant(given)?.ok_or(GivenFault::Missing { name: "secret" })?;
        Ok(verify(token, &merchant, request, now))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let merchant = merchant(given)?;
        let request = (!request.is_unsaid()).then_some(request);
        let walk = Walk { merchant: merchant.as_ref(), request, now };
        let mut recorder = Recorder::default();
        let Ok(claims) = walk.go(token, &mut recorder);
        let (format, fields) = (ABOUT.name, jws::shown(token));
        Ok(Explanation::found(format, fields, recorder.checks, claims.as_ref()))
    }

    fn issue(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let secret = given.hex("secret")?.ok_or(GivenFault::Missing { name: "secret" })?;
        let key = signing_key(given.need("kid")?, algorithm(given)?, &secret);
        let key = key.map_err(|error| GivenFault::key("secret", error))?;
        let mut viewer = Object::new();
        viewer.insert("merchant".into(), given.need("merchant")?.into());
        for name in ["userId", "sessionId"] {
            if let Some(text) = given.text(name)? {
                viewer.insert(name.into(), text.into());
            }
        }
        let rights = rights(given)?;
        let id = given.text("jti")?.map_or_else(|| random_id(rng), str::to_owned);
        let wish = Wish {
            id: &id,
            issued_at: given.time("iat", now)?.unwrap_or(now),
            end: given.time("exp", now)?,
            viewer: &viewer,
            rights: &rights,
        };
        let token = issue(&wish, &key).map_err(GivenFault::denied)?;
        let content = rights.get("assetId").and_then(|asset| asset.as_str()).map(str::to_owned);
        let request = Request { content, ..Request::default() };
        let first = wish.issued_at.max(now);
        if let Err(refused) = self.verify(given, &token, &request, first)? {
            return Err(GivenFault::Denied(format!("the token would be refused: {refused}")));
        }
        Ok(Issued { carriage: vec![("header", format!("x-dt-auth-token: {token}"))], token })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("exp", claims.end.map(|time| time.to_string()));
        given.add_some("userId", claims.user.as_deref());
        given.add_some("sessionId", claims.session.as_deref());
        given.add_some("assetId", claims.content.as_deref());
        let variant = claims.other.get("variantId").and_then(Value::as_str);
        given.add_some("variantId", variant);
        let playback = &claims.terms.playback;
        given.add_some("storeLicense", playback.persistent.map(|kept| kept.to_string()));
        given.add_some("profile", profile_of(claims).map(|profile| profile.to_string()));
        given
    }
}

/// The profile that says what the terms say about time.
fn profile_of(claims: &Claims) -> Option<Value> {
    let playback = &claims.terms.playback;
    let span = |limit: Option<Limit>| limit.and_then(Limit::seconds).map(duration_text);
    let members = [
        ("absoluteExpiration", playback.expires.and_then(time_text)),
        ("relativeExpiration", span(playback.license).filter(|_| playback.expires.is_none())),
        ("playDuration", span(playback.playback)),
    ];
    let members = members.into_iter().filter_map(|(name, text)| Some((name, text?)));
    let mut profile: Object =
        members.map(|(name, text)| (name.to_owned(), Value::from(text))).collect();
    let kind = match playback.license {
        _ if !profile.is_empty() => "rental",
        Some(Limit::Unlimited) => "purchase",
        _ => return None,
    };
    profile.insert("type".into(), kind.into());
    Some(Value::Object(profile))
}

fn merchant(given: &Given) -> Result<Option<Merchant>, GivenFault> {
    let Some(secret) = given.hex("secret")? else { return Ok(None) };
    let key = shared_secret(given.need("kid")?, algorithm(given)?, &secret);
    let name = "templates";
    let template = |(template, terms): (String, Value)| match Terms::from_json(&terms) {
        Ok(terms) => Ok((template, terms)),
        Err(_) => Err(GivenFault::Value { name, expected: "an object of terms by name" }),
    };
    let templates = given.object(name)?.unwrap_or_default().into_iter().map(template);
    Ok(Some(Merchant {
        id: given.need("merchant")?.to_owned(),
        keys: vec![key.map_err(|error| GivenFault::key("secret", error))?],
        leeway: given.span("leeway")?.unwrap_or(Duration::from_secs(30)),
        age_max: given.span("age_max")?.unwrap_or(Merchant::AGE_MAX),
        templates: templates.collect::<Result<BTreeMap<_, _>, GivenFault>>()?,
    }))
}

fn algorithm(given: &Given) -> Result<Algorithm, GivenFault> {
    let read = given.read("algorithm", "HS256, HS384 or HS512", |text| text.parse().ok())?;
    Ok(read.unwrap_or(Algorithm::Hs256))
}

fn rights(given: &Given) -> Result<Object, GivenFault> {
    if let Some(rights) = given.object("crt")? {
        return Ok(rights);
    }
    let mut rights = Object::new();
    for name in ["assetId", "variantId"] {
        if let Some(text) = given.text(name)? {
            rights.insert(name.into(), text.into());
        }
    }
    if let Some(profile) = given.object("profile")? {
        rights.insert("profile".into(), Value::Object(profile));
    }
    if let Some(kept) = given.maybe_flag("storeLicense")? {
        rights.insert("storeLicense".into(), kept.into());
    }
    Ok(rights)
}

fn random_id(rng: &dyn Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    KeyId::from_bytes(bytes).to_string()
}
