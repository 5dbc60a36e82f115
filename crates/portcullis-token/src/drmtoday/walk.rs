//! The checks of a token, once, for verifying and for explaining.

use portcullis_base::{Timestamp, json::Object};

use super::{
    Merchant,
    crt::{self, Rights},
};
use crate::{
    claims::{Claims, Uses},
    fault::{Fault, Step},
    format::Request,
    identity::{TokenFormat, TokenIdentity},
    jws::{self, Jws, KeyNames, form_step, note},
    jwt::Thumbprints,
    lifetime::Lifetime,
    members::Members,
    watch::Watch,
};

/// What a token is looked at with. Without a merchant or a request, what needs them is skipped;
/// a verification has both.
pub(super) struct Walk<'a> {
    pub(super) merchant: Option<&'a Merchant>,
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
        match self.merchant {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(merchant) => match jws.check_signature(&merchant.keys, KeyNames::Required) {
                Ok(()) => watch.check(Step::Signature, Ok(()), || {
                    format!("made with the secret `{}`", jws.kid().unwrap_or_default())
                })?,
                Err(refused) => watch.check(refused.step, Err(refused.fault), String::new)?,
            },
        }
        let claims = jws.claims();
        let detail = |claims: &Object| format!("{} claims", claims.len());
        let Some(claims) = note(watch, Step::Form, claims, detail)? else { return Ok(None) };
        watch.check(Step::Times, self.times(&claims), || "young enough".to_owned())?;
        let viewer = viewer(&claims);
        let detail = |viewer: &Viewer| match &viewer.user {
            Some(user) => format!("for the viewer `{user}`"),
            None => "for a viewer without a name".to_owned(),
        };
        let Some(viewer) = note(watch, Step::Claims, viewer, detail)? else { return Ok(None) };
        match self.merchant {
            None => watch.skip(Step::Issuer, "no merchant was given"),
            Some(merchant) => {
                let same = viewer.merchant == merchant.id;
                watch.check(Step::Issuer, same.then_some(()).ok_or(Fault::Issuer), || {
                    format!("issued for `{}`", merchant.id)
                })?;
            }
        }
        let id = jws::text(&claims, "jti").and_then(|id| {
            let fault = || Fault::Claim { name: "jti".to_owned() };
            id.filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(fault)
        });
        let Some(id) = note(watch, Step::Claims, id, |id| format!("known as `{id}`"))? else {
            return Ok(None);
        };
        let rights = self.rights(&claims);
        let detail = |_: &Rights| "its rights can be read".to_owned();
        let Some(rights) = note(watch, Step::Terms, rights, detail)? else { return Ok(None) };
        self.content(&rights, watch)?;
        watch.check(Step::Uses, Ok(()), || "one use, counted where it is used".to_owned())?;
        Ok(Some(said(&claims, viewer, rights, id)))
    }

    fn times(&self, claims: &Object) -> Result<(), Fault> {
        let leeway = self.merchant.map_or(std::time::Duration::ZERO, |one| one.leeway);
        let age_max = self.merchant.map_or(Merchant::AGE_MAX, |one| one.age_max);
        let issued_at = jws::date(claims, "iat")?;
        let issued_at = issued_at.ok_or_else(|| Fault::Claim { name: "iat".to_owned() })?;
        if issued_at > self.now.saturating_add(leeway) {
            return Err(Fault::IssuedAhead { at: issued_at });
        }
        let end = match jws::date(claims, "exp")? {
            Some(end) => end,
            None => issued_at.saturating_add(age_max),
        };
        let start = jws::date(claims, "nbf")?.unwrap_or(Timestamp(0));
        Ok(Lifetime::new(start, end)?.check(self.now, leeway)?)
    }

    fn rights(&self, claims: &Object) -> Result<Rights, Fault> {
        let fault = || Fault::Claim { name: "crt".to_owned() };
        let text = jws::text(claims, "crt")?.ok_or_else(fault)?;
        crt::read(text, self.merchant.map(|merchant| &merchant.templates))
    }

    fn content<W: Watch>(&self, rights: &Rights, watch: &mut W) -> Result<(), W::Stop> {
        let Some(asset) = &rights.asset else {
            let fault = Fault::terms("`crt` names no `assetId`");
            return watch.check(Step::Content, Err(fault), String::new);
        };
        let Some(request) = self.request else {
            watch.skip(Step::Content, "no request was given");
            return Ok(());
        };
        let outcome = match &request.content {
            None => Err(Fault::RequestLacks { what: "content" }),
            Some(content) if content == asset => Ok(()),
            Some(_) => Err(Fault::Content),
        };
        watch.check(Step::Content, outcome, || format!("for the asset `{asset}`"))
    }
}

/// What `optData` says.
struct Viewer {
    merchant: String,
    user: Option<String>,
    session: Option<String>,
}

fn viewer(claims: &Object) -> Result<Viewer, Fault> {
    let fault = || Fault::Claim { name: "optData".to_owned() };
    let text = jws::text(claims, "optData")?.ok_or_else(fault)?;
    let data = jws::object(text.as_bytes(), "viewer's data")?;
    let data = Members::new(&data, "optData");
    let text = |name| data.text(name).map_err(|_| fault()).map(|text| text.map(str::to_owned));
    Ok(Viewer {
        merchant: text("merchant")?.ok_or_else(fault)?,
        user: text("userId")?,
        session: text("sessionId")?,
    })
}

fn said(claims: &Object, viewer: Viewer, rights: Rights, id: String) -> Claims {
    let date = |name| jws::date(claims, name).ok().flatten();
    let mut other = rights.other;
    if let Some(variant) = rights.variant {
        other.insert("variantId".into(), variant.into());
    }
    Claims {
        identity: TokenIdentity::new(TokenFormat::Drmtoday, &viewer.merchant, id.as_bytes()),
        issuer: Some(viewer.merchant),
        issued_at: date("iat"),
        start: date("nbf"),
        end: date("exp"),
        id: Some(id),
        uses: Uses::ONCE,
        user: viewer.user,
        session: viewer.session,
        content: rights.asset,
        terms: rights.terms,
        other,
        ..Claims::default()
    }
}
