//! Makes tokens, and makes them anew.
//!
//! Claims stand in the order of their labels, with the version last, as the libraries that
//! exist write them. What a verifier of this crate would refuse is not made.

use portcullis_base::{
    Rng, Timestamp,
    json::{self, Object},
};

use super::{
    NAME, PARAMETERS, TOKEN_BYTES_MAX,
    cbor::Value,
    claims::{
        CatClaims, CatRenewal, RenewalType, is_param, is_token, label, label_of, range_value,
    },
    cose::sign,
    matching::{cath_from_json, catu_from_json},
    parameter,
};
use crate::{Verified, format::Request, jwt::SigningKey};

/// What a token is to say.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// `iss`.
    pub issuer: Option<&'a str>,
    /// `sub`.
    pub subject: Option<&'a str>,
    /// `aud`: one is written as a text, several as a list.
    pub audiences: Vec<&'a str>,
    /// `exp`; it must be there.
    pub end: Option<Timestamp>,
    /// `nbf`.
    pub start: Option<Timestamp>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `cti`; 128 random bits if it is absent and `once` is set.
    pub id: Option<Vec<u8>>,
    /// `catreplay`: whether a second use is prohibited; not said if absent.
    pub once: Option<bool>,
    /// `catnip`: addresses and ranges.
    pub ranges: Vec<&'a str>,
    /// `catu`: `{"path": {"prefix-match": "/vod/"}}`.
    pub url: Option<Object>,
    /// `catm`.
    pub methods: Vec<&'a str>,
    /// `catalpn`.
    pub protocols: Vec<&'a str>,
    /// `cath`: as `catu`, by names of headers.
    pub headers: Option<Object>,
    /// `catgeoiso3166`.
    pub countries: Vec<&'a str>,
    /// `catifdata`.
    pub if_data: Option<&'a str>,
    /// `catif`: what to answer when a claim fails: `{"exp": [307, {"Location": "…"}]}`.
    pub if_failed: Option<Object>,
    /// `catr`.
    pub renewal: Option<CatRenewal>,
}

/// Signs a token.
///
/// # Errors
///
/// Says which wish cannot be granted.
pub fn issue(wanted: &Wanted<'_>, key: &SigningKey, rng: &dyn Rng) -> Result<String, CatRefusal> {
    let end = wanted.end.ok_or(CatRefusal::NoEnd)?;
    if wanted.start.is_some_and(|start| start >= end) || end == Timestamp(0) {
        return Err(CatRefusal::LifetimeEmpty);
    }
    let id = match (&wanted.id, wanted.once) {
        (Some(id), _) if id.is_empty() => return Err(CatRefusal::Id),
        (Some(id), _) => Some(id.clone()),
        (None, Some(true)) => {
            let mut id = vec![0; 16];
            rng.fill(&mut id);
            Some(id)
        }
        (None, _) => None,
    };
    let text = |text: Option<&str>| text.map(Value::from);
    let time = |time: Option<Timestamp>| time.map(|time| Value::Unsigned(time.0));
    let list = |items: &[&str]| {
        let items: Vec<Value> = items.iter().map(|item| Value::from(*item)).collect();
        (!items.is_empty()).then_some(Value::Array(items))
    };
    let ranges: Option<Vec<Value>> = wanted.ranges.iter().map(|text| range_value(text)).collect();
    let ranges = ranges.ok_or(CatRefusal::Ranges)?;
    let url = wanted.url.as_ref().map(|url| catu_from_json(url).ok_or(CatRefusal::Url));
    let headers = wanted.headers.as_ref().map(|one| cath_from_json(one).ok_or(CatRefusal::Headers));
    let renewal = wanted.renewal.as_ref().map(|one| renewal_value(one).ok_or(CatRefusal::Renewal));
    let if_failed = wanted.if_failed.as_ref().map(|one| if_value(one).ok_or(CatRefusal::IfFailed));
    let claims = [
        (label::ISS, text(wanted.issuer)),
        (label::SUB, text(wanted.subject)),
        (
            label::AUD,
            match wanted.audiences.as_slice() {
                [one] => text(Some(one)),
                all => list(all),
            },
        ),
        (label::EXP, time(Some(end))),
        (label::NBF, time(wanted.start)),
        (label::IAT, time(wanted.issued_at)),
        (label::CTI, id.map(Value::Bytes)),
        (label::CATREPLAY, wanted.once.map(|once| Value::Unsigned(once.into()))),
        (label::CATNIP, (!ranges.is_empty()).then_some(Value::Array(ranges))),
        (label::CATU, url.transpose()?),
        (label::CATM, list(&wanted.methods)),
        (label::CATALPN, list(&wanted.protocols)),
        (label::CATH, headers.transpose()?),
        (label::CATGEOISO3166, list(&wanted.countries)),
        (label::CATIFDATA, text(wanted.if_data)),
        (label::CATIF, if_failed.transpose()?),
        (label::CATR, renewal.transpose()?),
        (label::CATV, Some(Value::Unsigned(1))),
    ];
    let said = claims.into_iter().filter_map(|(key, value)| Some((Value::Unsigned(key), value?)));
    finish(&Value::Map(said.collect()), key)
}

fn finish(claims: &Value, key: &SigningKey) -> Result<String, CatRefusal> {
    let token = sign(claims, key).ok_or(CatRefusal::Key)?;
    if token.len() > TOKEN_BYTES_MAX { Err(CatRefusal::TooLong) } else { Ok(token) }
}

/// `catr`, in the order in which libraries write it.
fn renewal_value(renewal: &CatRenewal) -> Option<Value> {
    let names = [(3, &renewal.cookie_name), (4, &renewal.header_name)];
    let params = [(5, &renewal.cookie_params), (6, &renewal.header_params)];
    let sound = names.iter().all(|(_, name)| name.as_deref().is_none_or(is_token))
        && params.iter().all(|(_, params)| params.iter().all(|one| is_param(one)))
        && renewal.seconds.max(renewal.deadline) < 1 << 32
        && renewal.seconds > 0
        && renewal.code.is_none_or(|code| (300..400).contains(&code));
    if !sound {
        return None;
    }
    let way = match renewal.way {
        RenewalType::Automatic => 0,
        RenewalType::Cookie => 1,
        RenewalType::Header => 2,
        RenewalType::Redirect => 3,
    };
    let mut pairs = vec![(Value::Unsigned(0), Value::Unsigned(way))];
    for (label, name) in names {
        pairs.extend(name.as_deref().map(|name| (Value::Unsigned(label), name.into())));
    }
    pairs.push((Value::Unsigned(1), Value::Unsigned(renewal.seconds)));
    pairs.push((Value::Unsigned(2), Value::Unsigned(renewal.deadline)));
    for (label, list) in params {
        let list: Vec<Value> = list.iter().map(|one| one.as_str().into()).collect();
        pairs.extend((!list.is_empty()).then_some((Value::Unsigned(label), Value::Array(list))));
    }
    pairs.extend(renewal.code.map(|code| (Value::Unsigned(7), Value::Unsigned(code))));
    Some(Value::Map(pairs))
}

/// `catif`: for each claim a status and headers.
fn if_value(object: &Object) -> Option<Value> {
    let mut answers = Vec::new();
    for (name, answer) in object {
        let [status, rest @ ..] = answer.as_array()? else { return None };
        let status = status.as_number()?.as_u64().filter(|status| (100..600).contains(status))?;
        let mut parts = vec![Value::Unsigned(status)];
        match rest {
            [] => {}
            [headers] => {
                let header = |(name, value): (&String, &json::Value)| {
                    let value = value.as_str().filter(|value| !value.contains(char::is_control))?;
                    is_token(name).then(|| (Value::from(name.as_str()), Value::from(value)))
                };
                let headers: Option<Vec<_>> = headers.as_object()?.iter().map(header).collect();
                parts.push(Value::Map(headers?));
            }
            _ => return None,
        }
        answers.push((Value::Unsigned(label_of(name)?), Value::Array(parts)));
    }
    (!answers.is_empty()).then_some(Value::Map(answers))
}

/// A token made anew, and how it is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatRenewed {
    /// A header of the answer: its name and value.
    Header(String, String),
    /// A redirect: its status and `Location`.
    Redirect(u64, String),
}

/// Makes a token anew that was accepted at `now`, if it asks for that and its time has come:
/// the same claims, good for `expadd` seconds from now, with another `cti` if it has one.
///
/// `None` when it does not ask for it, when it is not yet within `deadline` of its end, or
/// when a redirect is asked for and the request's URL is not known.
///
/// # Errors
///
/// When the key cannot sign, or the token would be too long.
pub fn renew(
    token: &Verified<CatClaims>,
    request: &Request,
    now: Timestamp,
    key: &SigningKey,
    rng: &dyn Rng,
) -> Result<Option<CatRenewed>, CatRefusal> {
    let said = token.claims();
    let Some(renewal) = &said.renewal else { return Ok(None) };
    let deadline = std::time::Duration::from_secs(renewal.deadline);
    if now < said.end.saturating_sub(deadline) || now >= said.end {
        return Ok(None);
    }
    let end = now.saturating_add(std::time::Duration::from_secs(renewal.seconds));
    let mut claims = said.all.clone();
    for (key, value) in &mut claims {
        match key.as_u64() {
            Some(label::EXP) => *value = Value::Unsigned(end.0),
            Some(label::IAT) => *value = Value::Unsigned(now.0),
            Some(label::CTI) => {
                let mut id = vec![0; 16];
                rng.fill(&mut id);
                *value = Value::Bytes(id);
            }
            _ => {}
        }
    }
    let token = finish(&Value::Map(claims), key)?;
    let cookie = || {
        let name = renewal.cookie_name.as_deref().unwrap_or(NAME);
        let mut cookie = format!("{name}={token}");
        renewal.cookie_params.iter().for_each(|param| cookie.push_str(&format!("; {param}")));
        CatRenewed::Header("Set-Cookie".to_owned(), cookie)
    };
    let header = || {
        let name = renewal.header_name.as_deref().unwrap_or(NAME);
        let mut value = token.clone();
        renewal.header_params.iter().for_each(|param| value.push_str(&format!("; {param}")));
        CatRenewed::Header(name.to_owned(), value)
    };
    let came_in_a_cookie = || super::token::cookies(request).next().is_some();
    Ok(Some(match renewal.way {
        RenewalType::Automatic if came_in_a_cookie() => cookie(),
        RenewalType::Automatic | RenewalType::Header => header(),
        RenewalType::Cookie => cookie(),
        RenewalType::Redirect => {
            let query = match request.query_without(&PARAMETERS) {
                Some(rest) => format!("{rest}&{}={token}", parameter()),
                None => format!("{}={token}", parameter()),
            };
            let Some(url) = request.url(Some(&query)) else { return Ok(None) };
            CatRenewed::Redirect(renewal.code.unwrap_or(302), url)
        }
    }))
}

/// Why a token could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatRefusal {
    /// The headers are none.
    #[error("`cath` is not an object of headers with matches")]
    Headers,
    /// The id is empty.
    #[error("`cti` is empty")]
    Id,
    /// The answers to failures are none.
    #[error("`catif` is not an object of claims, each with a status and headers")]
    IfFailed,
    /// The key cannot sign such tokens.
    #[error("the key's algorithm has no number in COSE, or it could not sign")]
    Key,
    /// The lifetime has no second in it.
    #[error("the token would end no later than it starts")]
    LifetimeEmpty,
    /// There is no end.
    #[error("`exp` is missing")]
    NoEnd,
    /// The ranges are none.
    #[error("`catnip` is not an address or a range of addresses")]
    Ranges,
    /// The renewal is none.
    #[error("`catr` is not a renewal: `type`, `expadd`, and what goes with them")]
    Renewal,
    /// The token would be longer than it may be.
    #[error("the token would be longer than 4000 bytes")]
    TooLong,
    /// The URL's parts are none.
    #[error("`catu` is not an object of URL parts with matches")]
    Url,
}
