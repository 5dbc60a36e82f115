//! The checks of a message, once, for verifying and for explaining.

use std::sync::LazyLock;

use portcullis_base::{DrmSystem, KeyId, SecretBytes, Timestamp, json::Object};

use super::{
    CommunicationKey, Endless, Tenant,
    keys::Source,
    message::{self, Entitlement},
};
use crate::{
    claims::{Claims, TokenSystem},
    fault::{Fault, Refused, Step},
    format::Request,
    identity::{TokenFormat, TokenIdentity},
    jws::{self, Jws, KeyNames, form_step, note},
    jwt::{Algorithm, KEYS_MAX, Thumbprints, VerificationKey},
    lifetime::Lifetime,
    members,
    watch::Watch,
};

/// What a message is looked at with. Without a tenant or a request, what needs them is skipped;
/// a verification has both.
pub(super) struct Walk<'a> {
    pub(super) tenant: Option<&'a Tenant>,
    pub(super) request: Option<&'a Request>,
    pub(super) now: Timestamp,
}

impl Walk<'_> {
    pub(super) fn go<W: Watch>(
        &self,
        token: &str,
        watch: &mut W,
    ) -> Result<Option<Claims>, W::Stop> {
        // The key's name stands among the claims, so that they are read before the signature
        // is looked at, and nothing else of them is used before.
        let parsed = Jws::parse(token, Thumbprints::Refused);
        let parsed = parsed.and_then(|jws| Ok((jws.claims()?, jws)));
        let step = parsed.as_ref().map_or_else(form_step, |_| Step::Form);
        let detail = |_: &(Object, Jws<'_>)| "a license service message".to_owned();
        let Some((claims, jws)) = note(watch, step, parsed, detail)? else { return Ok(None) };
        let key = match self.tenant {
            None => {
                watch.skip(Step::Signature, "no key was given");
                None
            }
            Some(tenant) => match find_key(tenant, &jws, &claims) {
                Ok(key) => {
                    let detail = || format!("made with the communication key {}", key.id());
                    watch.check(Step::Signature, Ok(()), detail)?;
                    Some(key)
                }
                Err(refused) => {
                    watch.check(refused.step, Err(refused.fault), String::new)?;
                    None
                }
            },
        };
        watch.check(Step::Times, self.times(&claims), || "within its time".to_owned())?;
        let message = envelope(&claims);
        let detail = |_: &&Object| "an entitlement message".to_owned();
        let Some(message) = note(watch, Step::Claims, message, detail)? else { return Ok(None) };
        let system = self.request.and_then(|request| request.system);
        let read = match message::read(message, key, system) {
            Ok(read) => read,
            Err(fault) => {
                let step = if let Fault::Kind { .. } = fault { Step::Kind } else { Step::Terms };
                watch.check(step, Err(fault), String::new)?;
                return Ok(None);
            }
        };
        self.bindings(&read, watch)?;
        Ok(Some(complete(read.claims, &claims, &jws, key)))
    }

    fn times(&self, claims: &Object) -> Result<(), Fault> {
        let date = |name| {
            let fault = || Fault::Claim { name: String::from(name) };
            let text = jws::text(claims, name)?;
            text.map(|text| members::time(text).ok_or_else(fault)).transpose()
        };
        let (begin, end) = (date("begin_date")?, date("expiration_date")?);
        let leeway = self.tenant.map_or(std::time::Duration::ZERO, |tenant| tenant.leeway);
        let endless = self.tenant.map_or(Endless::DangerAccepted, |tenant| tenant.endless);
        // Libraries that make tokens put these in, too; nobody may outlive what they say.
        let (start, strict_end) = (jws::date(claims, "nbf")?, jws::date(claims, "exp")?);
        let end = end.into_iter().chain(strict_end).min();
        if end.is_none() && endless == Endless::Refused {
            return Err(Fault::NoEnd);
        }
        let start = begin.into_iter().chain(start).max().unwrap_or(Timestamp(0));
        let lifetime = Lifetime::new(start, end.unwrap_or(Timestamp(u64::MAX)))?;
        lifetime.check(self.now, leeway)?;
        match jws::date(claims, "iat")? {
            Some(at) if at > self.now.saturating_add(leeway) => Err(Fault::IssuedAhead { at }),
            _ => Ok(()),
        }
    }

    fn bindings<W: Watch>(&self, read: &Entitlement, watch: &mut W) -> Result<(), W::Stop> {
        let said = &read.claims;
        match self.request {
            _ if said.addresses.is_empty() => watch.skip(Step::Place, "good from everywhere"),
            None => watch.skip(Step::Place, "no request was given"),
            Some(request) => watch.check(Step::Place, address(said, request), || {
                "used from an address it allows".to_owned()
            })?,
        }
        watch.check(Step::Terms, Ok(()), || "its terms can be read".to_owned())?;
        match self.request {
            _ if !read.devices_by_system => watch.skip(Step::System, "good for every DRM system"),
            None => watch.skip(Step::System, "no request was given"),
            Some(request) => {
                let known = match request.system {
                    // Clear Key tells nobody which device it is.
                    Some(TokenSystem::Known(DrmSystem::ClearKey)) => Err(Fault::System),
                    Some(TokenSystem::Known(_)) => Ok(()),
                    Some(_) => Err(Fault::System),
                    None => Err(Fault::RequestLacks { what: "drm" }),
                };
                watch.check(Step::System, known, || "its devices are known".to_owned())?;
            }
        }
        match self.request {
            _ if read.source == Source::Request => {
                watch.skip(Step::Content, "it leaves the keys to the license request");
            }
            None if !said.kids.is_empty() => watch.skip(Step::Content, "no request was given"),
            request => watch.check(Step::Content, listed(&said.kids, request), || {
                "every key asked for is listed".to_owned()
            })?,
        }
        watch.check(Step::Uses, Ok(()), || match said.uses.limit() {
            Some(_) => "one use, counted where it is used".to_owned(),
            None => "as often as it lives".to_owned(),
        })
    }
}

/// The key the message names, if it made the signature.
fn find_key<'t>(
    tenant: &'t Tenant,
    jws: &Jws<'_>,
    claims: &Object,
) -> Result<&'t CommunicationKey, Refused> {
    if jws.algorithm() != Algorithm::Hs256 {
        return Err(Fault::Algorithm.at(Step::Key));
    }
    let id: Option<KeyId> =
        jws::text(claims, "com_key_id").ok().flatten().and_then(|text| text.parse().ok());
    let named = tenant.keys.iter().filter(|key| Some(key.id) == id).take(KEYS_MAX);
    let mut tried = false;
    for key in named {
        tried = true;
        let own = std::slice::from_ref(&key.verification);
        if jws.check_signature(own, KeyNames::Ignored).is_ok() {
            return Ok(key);
        }
    }
    // SECURITY: an unknown key id and a wrong signature are one answer after equal work.
    if !tried && let Some(decoy) = &*DECOY {
        let own = std::slice::from_ref(decoy);
        drop(jws.check_signature(own, KeyNames::Ignored));
    }
    Err(Fault::Signature.at(Step::Signature))
}

static DECOY: LazyLock<Option<VerificationKey>> =
    LazyLock::new(|| VerificationKey::hs256(&SecretBytes::new(vec![0; 32])).ok());

fn envelope(claims: &Object) -> Result<&Object, Fault> {
    let fault = |name: &str| Fault::Claim { name: name.to_owned() };
    let version = claims.get("version").and_then(|value| value.as_number()?.as_u64());
    if version != Some(1) {
        return Err(fault("version"));
    }
    if claims.contains_key("id") && jws::text(claims, "id")?.is_none_or(str::is_empty) {
        return Err(fault("id"));
    }
    let message = claims.get("message").and_then(|value| value.as_object());
    let message = message.ok_or_else(|| fault("message"))?;
    match message.get("type").and_then(|value| value.as_str()) {
        Some("entitlement_message") => Ok(message),
        _ => Err(fault("message.type")),
    }
}

fn address(said: &Claims, request: &Request) -> Result<(), Fault> {
    match request.address {
        None => Err(Fault::RequestLacks { what: "address" }),
        Some(address) if said.addresses.iter().any(|range| range.contains(address)) => Ok(()),
        Some(_) => Err(Fault::Address),
    }
}

fn listed(kids: &[KeyId], request: Option<&Request>) -> Result<(), Fault> {
    if kids.is_empty() {
        // SECURITY: a list without keys entitles to none; in our words no list means all.
        return Err(Fault::Content);
    }
    let asked = request.map_or(&[][..], |request| &request.kids);
    if asked.is_empty() {
        Err(Fault::RequestLacks { what: "kids" })
    } else if asked.iter().all(|kid| kids.contains(kid)) {
        Ok(())
    } else {
        Err(Fault::Content)
    }
}

fn complete(
    mut said: Claims,
    envelope: &Object,
    jws: &Jws<'_>,
    key: Option<&CommunicationKey>,
) -> Claims {
    let text = |name| jws::text(envelope, name).ok().flatten();
    let time = |name| text(name).and_then(members::time);
    said.issuer = text("com_key_id").map(str::to_owned);
    let date = |name| jws::date(envelope, name).ok().flatten();
    said.start = time("begin_date").into_iter().chain(date("nbf")).max();
    said.end = time("expiration_date").into_iter().chain(date("exp")).min();
    said.issued_at = date("iat");
    said.id = text("id").map(str::to_owned);
    let issuer = key.map(|key| key.id().to_string()).unwrap_or_default();
    // A message without an id of its own is told apart by its signature, which one text has.
    let id = said.id.as_deref().map_or(jws.signature(), str::as_bytes);
    said.identity = TokenIdentity::new(TokenFormat::Axinom, &issuer, id);
    said
}
