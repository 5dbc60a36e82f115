//! The checks of a token, once, for verifying and for explaining.

use portcullis_base::{
    KeyId, Timestamp,
    json::{Object, Value},
};
use portcullis_terms::{Terms, playback::Limit};

use super::Account;
use crate::{
    claims::Claims,
    fault::{Fault, Step},
    format::Request,
    identity::{TokenFormat, TokenIdentity},
    jws::{self, Jws, KeyNames, form_step, note},
    jwt::Thumbprints,
    lifetime::Lifetime,
    watch::Watch,
};

/// What a token is looked at with. Without an account or a request, what needs them is skipped;
/// a verification has both.
pub(super) struct Walk<'a> {
    pub(super) account: Option<&'a Account>,
    pub(super) request: Option<&'a Request>,
    pub(super) now: Timestamp,
}

impl Walk<'_> {
    pub(super) fn go<W: Watch>(
        &self,
        token: &str,
        watch: &mut W,
    ) -> Result<Option<Claims>, W::Stop> {
        let parsed = Jws::parse(token, Thumbprints::Refused);
        let step = parsed.as_ref().map_or_else(form_step, |_| Step::Form);
        let detail = |jws: &Jws<'_>| format!("a JSON Web Token, {}", jws.algorithm());
        let Some(jws) = note(watch, step, parsed, detail)? else { return Ok(None) };
        match self.account {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(account) => match jws.check_signature(&account.keys, KeyNames::Ignored) {
                Ok(()) => watch.check(Step::Signature, Ok(()), || "made with the secret".into())?,
                Err(refused) => watch.check(refused.step, Err(refused.fault), String::new)?,
            },
        }
        let claims = jws.claims();
        let detail = |claims: &Object| format!("{} claims", claims.len());
        let Some(claims) = note(watch, Step::Form, claims, detail)? else { return Ok(None) };
        watch.check(Step::Times, self.times(&claims), || "within its time".to_owned())?;
        let unknown = claims.keys().find(|name| !KNOWN.contains(&name.as_str()));
        let outcome = match unknown {
            Some(name) => Err(Fault::Unsupported { what: name.clone() }),
            None => Ok(()),
        };
        watch.check(Step::Claims, outcome, || "nothing that cannot be kept here".to_owned())?;
        let license = license(&claims);
        let detail = |_: &Option<Limit>| "its duration can be read".to_owned();
        let Some(license) = note(watch, Step::Terms, license, detail)? else { return Ok(None) };
        let keys = keys(&claims);
        let detail = |keys: &Keys| match keys {
            Keys::Any => "for every key".to_owned(),
            Keys::Listed(kids) => format!("for {} keys", kids.len()),
        };
        let Some(keys) = note(watch, Step::Claims, keys, detail)? else { return Ok(None) };
        self.content(&keys, watch)?;
        Ok(Some(said(&claims, keys, license, jws.signature())))
    }

    fn times(&self, claims: &Object) -> Result<(), Fault> {
        let leeway = self.account.map_or(std::time::Duration::ZERO, |account| account.leeway);
        let end = jws::date(claims, "exp")?.ok_or(Fault::NoEnd)?;
        let start = jws::date(claims, "nbf")?.unwrap_or(Timestamp(0));
        Lifetime::new(start, end)?.check(self.now, leeway)?;
        match jws::date(claims, "iat")? {
            Some(at) if at > self.now.saturating_add(leeway) => Err(Fault::IssuedAhead { at }),
            _ => Ok(()),
        }
    }

    fn content<W: Watch>(&self, keys: &Keys, watch: &mut W) -> Result<(), W::Stop> {
        match (keys, self.request) {
            (Keys::Any, _) => watch.skip(Step::Content, "the token is for every key"),
            (_, None) => watch.skip(Step::Content, "no request was given"),
            (Keys::Listed(kids), Some(request)) => {
                let outcome = if request.kids.is_empty() {
                    Err(Fault::RequestLacks { what: "kids" })
                } else if request.kids.iter().all(|kid| kids.contains(kid)) {
                    Ok(())
                } else {
                    Err(Fault::Content)
                };
                watch.check(Step::Content, outcome, || "every key asked for is listed".into())?;
            }
        }
        Ok(())
    }
}

/// The keys a token is for.
enum Keys {
    Any,
    Listed(Vec<KeyId>),
}

fn keys(claims: &Object) -> Result<Keys, Fault> {
    let fault = || Fault::Claim { name: "kid".to_owned() };
    let list = claims.get("kid").and_then(Value::as_array).ok_or_else(fault)?;
    if let [Value::String(word)] = list
        && word == "*"
    {
        return Ok(Keys::Any);
    }
    let kids: Option<Vec<KeyId>> = list.iter().map(|kid| kid.as_str()?.parse().ok()).collect();
    // SECURITY: a list without keys entitles to none; in our words no list means all.
    kids.filter(|kids| !kids.is_empty()).map(Keys::Listed).ok_or_else(fault)
}

fn license(claims: &Object) -> Result<Option<Limit>, Fault> {
    let fault = || Fault::terms("`duration` is not a number of seconds from 1");
    let seconds = |value: &Value| {
        let seconds = value.as_number()?.as_u64()?;
        (1..1 << 53).contains(&seconds).then_some(Limit::Seconds(seconds))
    };
    claims.get("duration").map(|value| seconds(value).ok_or_else(fault)).transpose()
}

fn said(claims: &Object, keys: Keys, license: Option<Limit>, signature: &[u8]) -> Claims {
    let text = |name| jws::text(claims, name).ok().flatten().map(str::to_owned);
    let date = |name| jws::date(claims, name).ok().flatten();
    let mut terms = Terms::default();
    terms.playback.license = license;
    let issuer = text("iss").unwrap_or_default();
    let id = text("jti").filter(|id| !id.is_empty());
    let identity = match &id {
        Some(id) => TokenIdentity::new(TokenFormat::Jwt, &issuer, id.as_bytes()),
        None => TokenIdentity::new(TokenFormat::JwtSignature, &issuer, signature),
    };
    Claims {
        issuer: text("iss"),
        audiences: jws::texts(claims, "aud").unwrap_or_default(),
        issued_at: date("iat"),
        start: date("nbf"),
        end: date("exp"),
        id,
        identity,
        user: text("sub"),
        kids: match keys {
            Keys::Any => Vec::new(),
            Keys::Listed(kids) => kids,
        },
        terms,
        ..Claims::default()
    }
}

const KNOWN: [&str; 9] = ["aud", "duration", "exp", "iat", "iss", "jti", "kid", "nbf", "sub"];
