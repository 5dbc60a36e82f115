//! The customer rights token: what the license may do.
//!
//! `profile` has two notations. Durations are ISO 8601; an absolute end wins over a relative
//! one. Selectors over the client (`overrides`) cannot be evaluated here and refuse the token.

use std::collections::BTreeMap;

use portcullis_base::json::{Object, Value};
use portcullis_terms::{
    Terms,
    playback::{Limit, Playback},
};

use super::output;
use crate::{
    fault::Fault,
    jws,
    members::{Members, duration},
};

/// What a rights token says.
#[derive(Debug, Default)]
pub(super) struct Rights {
    pub(super) asset: Option<String>,
    pub(super) variant: Option<String>,
    pub(super) terms: Terms,
    /// What has no place in the terms.
    pub(super) other: Object,
}

/// Reads the text of the claim `crt`: an object, or an array of one.
pub(super) fn read(
    text: &str,
    templates: Option<&BTreeMap<String, Terms>>,
) -> Result<Rights, Fault> {
    let value = only_item(jws::value(text.as_bytes(), "rights")?)?;
    let crt = Members::of(&value, "crt")?;
    crt.only(&[
        "assetId",
        "op",
        "outputProtection",
        "overrides",
        "profile",
        "ref",
        "storeLicense",
        "variantId",
    ])?;
    if !crt.list("overrides")?.is_empty() {
        return Err(Fault::Unsupported { what: "crt.overrides".to_owned() });
    }
    let mut rights = Rights {
        asset: crt.text("assetId")?.map(str::to_owned),
        variant: crt.text("variantId")?.map(str::to_owned),
        ..Rights::default()
    };
    let below = template(crt, templates, &mut rights.other)?;
    let mut own = Terms { playback: profile(crt)?, ..Terms::default() };
    own.playback.persistent = crt.flag("storeLicense")?;
    output::protection(crt, &mut own, &mut rights.other)?;
    output::configured(crt, &mut own)?;
    rights.terms = below.overlay(&own);
    Ok(rights)
}

/// Older tokens hold an array of one.
fn only_item(value: Value) -> Result<Value, Fault> {
    let fault = || Fault::terms("`crt` is neither an object nor an array of one");
    match value {
        Value::Array(mut items) if items.len() == 1 => items.pop().ok_or_else(fault),
        Value::Array(_) => Err(fault()),
        other => Ok(other),
    }
}

/// The terms of the templates the rights token names, one over the other.
fn template(
    crt: Members<'_>,
    templates: Option<&BTreeMap<String, Terms>>,
    other: &mut Object,
) -> Result<Terms, Fault> {
    let names = crt.texts("ref")?;
    if names.is_empty() {
        return Ok(Terms::default());
    }
    other.insert(
        "ref".into(),
        Value::Array(names.iter().map(|name| name.as_str().into()).collect()),
    );
    // Without a merchant nobody knows the templates; an explanation shows their names.
    let Some(templates) = templates else { return Ok(Terms::default()) };
    names.iter().try_fold(Terms::default(), |below, name| match templates.get(name) {
        Some(terms) => Ok(below.overlay(terms)),
        None => Err(Fault::Unsupported { what: "crt.ref".to_owned() }),
    })
}

fn profile(crt: Members<'_>) -> Result<Playback, Fault> {
    let Some(profile) = crt.object("profile", "crt.profile")? else {
        return Ok(Playback::default());
    };
    let (kind, terms) =
        match (profile.text("type")?, profile.get("purchase"), profile.get("rental")) {
            (Some(kind), None, None) => (kind, profile),
            (None, Some(purchase), None) => {
                ("purchase", Members::of(purchase, "crt.profile.purchase")?)
            }
            (None, None, Some(rental)) => ("rental", Members::of(rental, "crt.profile.rental")?),
            _ => return Err(crt.fault("profile", "exactly one of `purchase` and `rental`")),
        };
    match kind {
        "purchase" => {
            terms.only(&["type"])?;
            Ok(Playback { license: Some(Limit::Unlimited), ..Playback::default() })
        }
        "rental" => rental(terms),
        _ => Err(profile.fault("type", "`purchase` or `rental`")),
    }
}

fn rental(terms: Members<'_>) -> Result<Playback, Fault> {
    terms.only(&["absoluteExpiration", "playDuration", "relativeExpiration", "type"])?;
    let span = |name| {
        let read = |value: &Value| duration(value.as_str()?).map(Limit::Seconds);
        terms.read(name, "an ISO 8601 duration such as `PT10M` or `P7D`", read)
    };
    let expires = terms.time("absoluteExpiration")?;
    let relative = span("relativeExpiration")?;
    let playback = span("playDuration")?;
    if expires.is_none() && relative.is_none() && playback.is_none() {
        // SECURITY: a rental without an end would be a purchase.
        return Err(Fault::terms("`crt.profile` is a rental without an end"));
    }
    let license = relative.filter(|_| expires.is_none());
    Ok(Playback { expires, license, playback, ..Playback::default() })
}
