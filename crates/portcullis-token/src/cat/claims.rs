//! The claims of a token, read with their types.
//!
//! A claim of a wrong type is a failure, never taken for absent.

use portcullis_base::{
    Cidr, Timestamp,
    json::{self, Object},
};

use super::{
    cbor::Value,
    cose::Cose,
    matching::{self, to_json},
};
use crate::{
    claims::{Claims, Cover, Uses},
    fault::Fault,
    identity::{TokenFormat, TokenIdentity},
};

/// The labels of claims. SPEC: IANA, CBOR Web Token Claims.
pub(super) mod label {
    pub(in super::super) const ISS: u64 = 1;
    pub(in super::super) const SUB: u64 = 2;
    pub(in super::super) const AUD: u64 = 3;
    pub(in super::super) const EXP: u64 = 4;
    pub(in super::super) const NBF: u64 = 5;
    pub(in super::super) const IAT: u64 = 6;
    pub(in super::super) const CTI: u64 = 7;
    pub(in super::super) const CATREPLAY: u64 = 308;
    pub(in super::super) const CATV: u64 = 310;
    pub(in super::super) const CATNIP: u64 = 311;
    pub(in super::super) const CATU: u64 = 312;
    pub(in super::super) const CATM: u64 = 313;
    pub(in super::super) const CATALPN: u64 = 314;
    pub(in super::super) const CATH: u64 = 315;
    pub(in super::super) const CATGEOISO3166: u64 = 316;
    pub(in super::super) const CATIFDATA: u64 = 320;
    pub(in super::super) const CATIF: u64 = 322;
    pub(in super::super) const CATR: u64 = 323;
}

/// Every label with a name, and whether the claim is understood here.
const NAMES: [(u64, &str, Understood); 26] = [
    (label::ISS, "iss", Understood::Yes),
    (label::SUB, "sub", Understood::Yes),
    (label::AUD, "aud", Understood::Yes),
    (label::EXP, "exp", Understood::Yes),
    (label::NBF, "nbf", Understood::Yes),
    (label::IAT, "iat", Understood::Yes),
    (label::CTI, "cti", Understood::Yes),
    (8, "cnf", Understood::No),
    (282, "geohash", Understood::No),
    (label::CATREPLAY, "catreplay", Understood::Yes),
    (309, "catpor", Understood::No),
    (label::CATV, "catv", Understood::Yes),
    (label::CATNIP, "catnip", Understood::Yes),
    (label::CATU, "catu", Understood::Yes),
    (label::CATM, "catm", Understood::Yes),
    (label::CATALPN, "catalpn", Understood::Yes),
    (label::CATH, "cath", Understood::Yes),
    (label::CATGEOISO3166, "catgeoiso3166", Understood::Yes),
    (317, "catgeocoord", Understood::No),
    (318, "catgeoalt", Understood::No),
    (319, "cattpk", Understood::No),
    (label::CATIFDATA, "catifdata", Understood::Yes),
    (321, "catdpop", Understood::No),
    (label::CATIF, "catif", Understood::Yes),
    (label::CATR, "catr", Understood::Yes),
    (324, "cattprint", Understood::No),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Understood {
    No,
    Yes,
}

/// The name of a claim, or its label.
pub(super) fn name_of(key: &Value) -> String {
    let named = key.as_u64().and_then(|key| NAMES.iter().find(|(label, ..)| *label == key));
    named.map_or_else(|| key.to_string(), |(_, name, _)| (*name).to_owned())
}

/// The label of a claim's name.
pub(super) fn label_of(name: &str) -> Option<u64> {
    NAMES.iter().find(|(_, known, _)| *known == name).map(|(label, ..)| *label)
}

/// What a token says.
#[derive(Clone, Debug)]
pub struct CatClaims {
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `aud`.
    pub audiences: Vec<String>,
    /// `exp`: the first second outside.
    pub end: Timestamp,
    /// `nbf`.
    pub start: Option<Timestamp>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `cti`.
    pub id: Option<Vec<u8>>,
    /// Whether `catreplay` prohibits a second use.
    pub once: bool,
    /// `catnip`: the ranges among what it names; an entry of another kind admits nobody.
    pub ranges: Vec<Cidr>,
    /// `catm`; any if empty.
    pub methods: Vec<String>,
    /// `catgeoiso3166`; any if empty.
    pub countries: Vec<String>,
    /// `catr`.
    pub renewal: Option<CatRenewal>,
    pub(super) protocols: Vec<Vec<u8>>,
    pub(super) all: Vec<(Value, Value)>,
    mark: Vec<u8>,
}

/// How a token is renewed: `catr`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatRenewal {
    /// 0: how the new token is handed over.
    pub way: RenewalType,
    /// 1: for how many seconds it is good, counted from the renewal.
    pub seconds: u64,
    /// 2: how many seconds before its end a token is renewed.
    pub deadline: u64,
    /// 3: the cookie's name.
    pub cookie_name: Option<String>,
    /// 4: the header's name.
    pub header_name: Option<String>,
    /// 5: attributes of the cookie.
    pub cookie_params: Vec<String>,
    /// 6: parameters of the header.
    pub header_params: Vec<String>,
    /// 7: the status of a redirect.
    pub code: Option<u64>,
}

/// How a new token is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalType {
    /// 0: as the old one came.
    Automatic,
    /// 1.
    Cookie,
    /// 2.
    Header,
    /// 3.
    Redirect,
}

impl CatClaims {
    pub(super) fn parse(cose: &Cose) -> Result<Self, Fault> {
        let all = &cose.claims;
        let get = |label: u64| find(all, label);
        let claims = Self {
            issuer: text(all, label::ISS)?,
            subject: text(all, label::SUB)?,
            audiences: texts(all, label::AUD)?,
            end: date(all, label::EXP)?.ok_or(Fault::NoEnd)?,
            start: date(all, label::NBF)?,
            issued_at: date(all, label::IAT)?,
            id: match get(label::CTI) {
                None => None,
                Some(Value::Bytes(id)) if !id.is_empty() => Some(id.clone()),
                Some(_) => return Err(wrong("cti")),
            },
            once: match get(label::CATREPLAY).map(Value::as_i64) {
                None | Some(Some(0)) => false,
                Some(Some(1)) => true,
                Some(Some(2)) => {
                    return Err(Fault::Unsupported { what: "catreplay 2".to_owned() });
                }
                Some(_) => return Err(wrong("catreplay")),
            },
            ranges: get(label::CATNIP).map_or(Ok(Vec::new()), ranges)?,
            methods: texts(all, label::CATM)?,
            countries: texts(all, label::CATGEOISO3166)?,
            renewal: get(label::CATR)
                .map(|value| renewal(value).ok_or_else(|| wrong("catr")))
                .transpose()?,
            protocols: get(label::CATALPN).map_or(Ok(Vec::new()), protocols)?,
            all: all.clone(),
            mark: cose.mark().to_vec(),
        };
        if claims.once && claims.id.is_none() {
            return Err(wrong("cti"));
        }
        for (label, name) in [(label::CATU, "catu"), (label::CATH, "cath")] {
            if get(label).is_some_and(|value| !matching::is_sound(value)) {
                return Err(wrong(name));
            }
        }
        for (label, name) in [(label::CATM, "catm"), (label::CATGEOISO3166, "catgeoiso3166")] {
            if get(label).is_some_and(|value| value.as_array().is_none_or(<[Value]>::is_empty)) {
                return Err(wrong(name));
            }
        }
        if get(label::CATIF).is_some_and(|value| !is_catif(value)) {
            return Err(wrong("catif"));
        }
        Ok(claims)
    }

    /// Every claim is one that is enforced here.
    pub(super) fn check_understood(all: &[(Value, Value)]) -> Result<(), Fault> {
        for (key, value) in all {
            let known = key.as_u64().and_then(|key| NAMES.iter().find(|(label, ..)| *label == key));
            match known {
                Some((label::CATV, ..)) if *value != Value::Unsigned(1) => {
                    return Err(Fault::Unsupported { what: "catv".to_owned() });
                }
                Some((_, _, Understood::Yes)) => {}
                Some((_, name, Understood::No)) => {
                    return Err(Fault::Unsupported { what: (*name).to_owned() });
                }
                // A text came from outside, and is not repeated.
                None => {
                    let what = key
                        .as_i64()
                        .map_or("a named claim".to_owned(), |key| format!("claim {key}"));
                    return Err(Fault::Unsupported { what });
                }
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, label: u64) -> Option<&Value> {
        find(&self.all, label)
    }

    /// What tells this token from every other (SEC-40).
    #[must_use]
    pub fn identity(&self) -> Option<TokenIdentity> {
        let issuer = self.issuer.as_deref().unwrap_or_default();
        match &self.id {
            Some(id) => TokenIdentity::new(TokenFormat::Cwt, issuer, id),
            None => TokenIdentity::new(TokenFormat::Edge, issuer, &self.mark),
        }
    }

    /// The same in words common to every family.
    #[must_use]
    pub fn to_claims(&self) -> Claims {
        let cover = self.get(label::CATU).map(|catu| Cover::UrlParts(to_json(catu).to_string()));
        let mut other = Object::new();
        for label in
            [label::CATM, label::CATALPN, label::CATH, label::CATIFDATA, label::CATIF, label::CATR]
        {
            let Some(value) = self.get(label) else { continue };
            let shown = match label {
                label::CATH => to_json(value),
                label::CATM => {
                    json::Value::Array(self.methods.iter().map(|one| one.as_str().into()).collect())
                }
                _ => value.to_string().into(),
            };
            other.insert(name_of(&Value::Unsigned(label)), shown);
        }
        Claims {
            issuer: self.issuer.clone(),
            audiences: self.audiences.clone(),
            issued_at: self.issued_at,
            start: self.start,
            end: Some(self.end),
            id: self.id.as_ref().map(hex::encode),
            identity: self.identity(),
            uses: if self.once { Uses::ONCE } else { Uses::Unlimited },
            user: self.subject.clone(),
            addresses: self.ranges.clone(),
            countries: self.countries.clone(),
            covers: cover.into_iter().collect(),
            other,
            ..Claims::default()
        }
    }
}

fn wrong(name: &str) -> Fault {
    Fault::Claim { name: name.to_owned() }
}

fn wrong_label(label: u64) -> Fault {
    Fault::Claim { name: name_of(&Value::Unsigned(label)) }
}

fn find(all: &[(Value, Value)], label: u64) -> Option<&Value> {
    all.iter().find(|(key, _)| *key == Value::Unsigned(label)).map(|(_, value)| value)
}

fn text(all: &[(Value, Value)], label: u64) -> Result<Option<String>, Fault> {
    let read = |value: &Value| value.as_text().map(str::to_owned);
    find(all, label).map(|value| read(value).ok_or_else(|| wrong_label(label))).transpose()
}

/// A text or a list of texts.
fn texts(all: &[(Value, Value)], label: u64) -> Result<Vec<String>, Fault> {
    let items = match find(all, label) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let read = |item: &Value| item.as_text().map(str::to_owned).ok_or_else(|| wrong_label(label));
    items.iter().map(read).collect()
}

/// A time: whole seconds, or with a fraction that is dropped. 0 is one.
fn date(all: &[(Value, Value)], label: u64) -> Result<Option<Timestamp>, Fault> {
    let read = |value: &Value| match value {
        Value::Float(number) if (0.0..9_007_199_254_740_992.0).contains(number) => {
            Some(Timestamp(number.floor() as u64))
        }
        Value::Unsigned(number) if *number < 1 << 53 => Some(Timestamp(*number)),
        _ => None,
    };
    find(all, label).map(|value| read(value).ok_or_else(|| wrong_label(label))).transpose()
}

/// Names of protocols, as bytes or texts.
fn protocols(value: &Value) -> Result<Vec<Vec<u8>>, Fault> {
    let read = |item: &Value| match item {
        Value::Bytes(bytes) => Some(bytes.clone()),
        Value::Text(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    let items = value.as_array().filter(|items| !items.is_empty());
    let names: Option<Vec<Vec<u8>>> = items.and_then(|items| items.iter().map(read).collect());
    names.ok_or_else(|| wrong("catalpn"))
}

/// The address ranges of `catnip`. Numbers of autonomous systems may stand among them; nobody
/// here knows which one an address belongs to, so they admit nobody.
fn ranges(value: &Value) -> Result<Vec<Cidr>, Fault> {
    let items =
        value.as_array().filter(|items| !items.is_empty()).ok_or_else(|| wrong("catnip"))?;
    let mut ranges = Vec::new();
    for item in items {
        match item {
            Value::Unsigned(_) => {}
            other => ranges.push(range(other).ok_or_else(|| wrong("catnip"))?),
        }
    }
    if ranges.is_empty() {
        return Err(Fault::Unsupported { what: "catnip".to_owned() });
    }
    Ok(ranges)
}

/// Reads an address or a prefix. Zero bytes at the end of a prefix are left out by the
/// standard and written by some libraries; both are read. Bits below the prefix are not.
///
/// SPEC: RFC 9164 §3.1, §4.2.
fn range(value: &Value) -> Option<Cidr> {
    let Value::Tag(tag, inner) = value else { return None };
    let width = match tag {
        52 => 4,
        54 => 16,
        _ => return None,
    };
    let (bits, bytes) = match inner.as_ref() {
        Value::Bytes(bytes) if bytes.len() == width => (None, bytes.as_slice()),
        Value::Array(items) => match items.as_slice() {
            [bits, Value::Bytes(bytes)] if bytes.len() <= width => {
                (Some(bits.as_u64()?), bytes.as_slice())
            }
            _ => return None,
        },
        _ => return None,
    };
    let mut octets = bytes.to_vec();
    octets.resize(width, 0);
    let address = match width {
        4 => std::net::IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        _ => std::net::IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
    };
    match bits {
        None => address.to_string().parse().ok(),
        Some(bits) => format!("{address}/{bits}").parse().ok(),
    }
}

/// Writes a range as the standard has it.
pub(super) fn range_value(text: &str) -> Option<Value> {
    let range: Cidr = text.parse().ok()?;
    let text = range.to_string();
    let (address, bits) = text.split_once('/')?;
    let (tag, octets) = match address.parse().ok()? {
        std::net::IpAddr::V4(v4) => (52, v4.octets().to_vec()),
        std::net::IpAddr::V6(v6) => (54, v6.octets().to_vec()),
    };
    let bits: u64 = bits.parse().ok()?;
    let whole = octets.len() as u64 * 8 == bits;
    let inner = if whole {
        Value::Bytes(octets)
    } else {
        let kept = octets.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let kept = octets.into_iter().take(kept).collect();
        Value::Array(vec![Value::Unsigned(bits), Value::Bytes(kept)])
    };
    Some(Value::Tag(tag, Box::new(inner)))
}

fn renewal(value: &Value) -> Option<CatRenewal> {
    let map = value.as_map()?;
    if !map.iter().all(|(key, _)| key.as_u64().is_some_and(|key| key <= 7)) {
        return None;
    }
    let number = |label: u64| find(map, label).map(|value| value.as_u64().filter(|n| *n < 1 << 32));
    let name = |label: u64| match find(map, label) {
        None => Some(None),
        Some(value) => {
            value.as_text().filter(|name| is_token(name)).map(|name| Some(name.to_owned()))
        }
    };
    let params = |label: u64| match find(map, label) {
        None => Some(Vec::new()),
        Some(Value::Array(items)) => {
            let read =
                |item: &Value| item.as_text().filter(|text| is_param(text)).map(str::to_owned);
            items.iter().map(read).collect()
        }
        Some(one) => one.as_text().filter(|text| is_param(text)).map(|text| vec![text.to_owned()]),
    };
    Some(CatRenewal {
        way: match number(0)?? {
            0 => RenewalType::Automatic,
            1 => RenewalType::Cookie,
            2 => RenewalType::Header,
            3 => RenewalType::Redirect,
            _ => return None,
        },
        seconds: number(1)?.filter(|seconds| *seconds > 0)?,
        deadline: number(2).unwrap_or(Some(DEADLINE))?,
        cookie_name: name(3)?,
        header_name: name(4)?,
        cookie_params: params(5)?,
        header_params: params(6)?,
        code: match number(7) {
            None => None,
            Some(code) => Some(code.filter(|code| (300..400).contains(code))?),
        },
    })
}

/// Whether `catif` has its form: for each claim a status and, possibly, headers and a key.
fn is_catif(value: &Value) -> bool {
    let sound = |(_, answer): &(Value, Value)| match answer.as_array() {
        Some([status, rest @ ..]) => {
            let status = status.as_u64().is_some_and(|status| (100..600).contains(&status));
            status
                && rest.len() <= 2
                && rest.first().is_none_or(|headers| headers.as_map().is_some())
        }
        _ => false,
    };
    value.as_map().is_some_and(|map| !map.is_empty() && map.iter().all(sound))
}

/// A name of a header or cookie.
pub(super) fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(token)
}

/// One attribute, which cannot begin another.
pub(super) fn is_param(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b";,".contains(&byte))
}

const DEADLINE: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_read_with_and_without_its_zeros_and_written_without() {
        let check = |bytes: &str, expected: Option<&str>| {
            let read = range(&Value::read(&hex::decode(bytes).unwrap()).unwrap());
            let read = read.map(|range| range.to_string());
            assert_eq!(read.as_deref(), expected, "{bytes}");
        };
        check("d83482181843c00002", Some("192.0.2.0/24"));
        check("d83482181844c0000200", Some("192.0.2.0/24"));
        check("d83482181844c0000207", None);
        check("d8348218204 4c0000207".replace(' ', "").as_str(), Some("192.0.2.7/32"));
        check("d83444c0000207", Some("192.0.2.7/32"));
        check("d83443c00002", None);
        check("d83482182144c0000207", None);
        check("d8368218204420010db8", Some("2001:db8::/32"));
        check("d834820040", Some("0.0.0.0/0"));
        check("d83544c0000207", None);
        check("44c0000207", None);
        for (text, bytes) in [
            ("192.0.2.0/24", "d83482181843c00002"),
            ("192.0.2.7", "d83444c0000207"),
            ("2001:db8::/32", "d8368218204420010db8"),
            ("0.0.0.0/0", "d834820040"),
        ] {
            assert_eq!(hex::encode(range_value(text).unwrap().write()), bytes, "{text}");
        }
    }
}
