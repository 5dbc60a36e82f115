//! What the token of AWS Secure Media Delivery says, and the text its inner signature is over.
//!
//! The token does not say to which address, country or headers it is bound, only that it is;
//! their values are under a second HMAC, `intsig`.

use std::{fmt::Write as _, net::IpAddr};

use portcullis_base::{
    Timestamp,
    json::{self, Limits, Object, Value},
};

use super::super::Asked;
use crate::fault::Fault;

/// The claims.
#[derive(Debug, Default)]
pub(super) struct Payload {
    pub(super) paths: Vec<String>,
    pub(super) excepted: Vec<String>,
    pub(super) end: Option<Timestamp>,
    pub(super) start: Option<Timestamp>,
    pub(super) issued_at: Option<Timestamp>,
    pub(super) bound: Bound,
    pub(super) intsig: Option<String>,
    pub(super) all: Object,
}

/// What the inner signature is over.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// 4 or 6.
    pub(super) address: Option<u64>,
    pub(super) country: bool,
    pub(super) region: bool,
    pub(super) session: bool,
    pub(super) headers: Vec<String>,
    pub(super) parameters: Vec<String>,
}

impl Bound {
    pub(super) fn is_empty(&self) -> bool {
        self.address.is_none()
            && !(self.country || self.region || self.session)
            && self.headers.is_empty()
            && self.parameters.is_empty()
    }
}

impl Payload {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let malformed = |error: json::JsonError| Fault::malformed(error.to_string());
        let value = json::parse(text, &Limits::TOKEN).map_err(malformed)?;
        let Value::Object(all) = value else {
            return Err(Fault::malformed("the claims are no object"));
        };
        if let Some(name) = all.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(Fault::Unsupported { what: name.clone() });
        }
        if flag(&all, "cty")? {
            return Err(Fault::Unsupported { what: "cty".to_owned() });
        }
        // Said, they would let a request pass whose country is not known; they are not honoured.
        flag(&all, "co_fallback")?;
        flag(&all, "reg_fallback")?;
        flag(&all, "cty_fallback")?;
        let version = match all.get("ip_ver") {
            None => None,
            Some(value) => match value.as_number().and_then(json::Number::as_u64) {
                Some(version @ (4 | 6)) => Some(version),
                _ => return Err(claim("ip_ver")),
            },
        };
        let address = match (flag(&all, "ip")?, version) {
            (false, _) => None,
            (true, None) => return Err(claim("ip_ver")),
            (true, version) => version,
        };
        let bound = Bound {
            address,
            country: flag(&all, "co")?,
            region: flag(&all, "reg")?,
            session: flag(&all, "ssn")?,
            headers: texts(&all, "headers")?,
            parameters: texts(&all, "qs")?,
        };
        let intsig = match all.get("intsig") {
            None => None,
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(_) => return Err(claim("intsig")),
        };
        if intsig.is_none() != bound.is_empty() {
            return Err(claim("intsig"));
        }
        Ok(Self {
            paths: texts(&all, "paths")?,
            excepted: texts(&all, "exc")?,
            end: time(&all, "exp")?,
            start: time(&all, "nbf")?,
            issued_at: time(&all, "iat")?,
            bound,
            intsig,
            all,
        })
    }
}

/// The values behind the inner signature, joined as the solution does.
pub(super) fn bound_text(
    bound: &Bound,
    asked: &Asked<'_>,
    place: Place<'_>,
    session: Option<&str>,
) -> Result<String, Fault> {
    let mut text = String::new();
    let mut put = |value: &str| text.extend([value, ":"]);
    if bound.address.is_some() {
        let address = asked.address.ok_or(Fault::RequestLacks { what: "address" })?;
        put(&full(address));
    }
    if bound.country {
        put(place.country.ok_or(Fault::RequestLacks { what: "country" })?);
    }
    if bound.region {
        put(place.region.ok_or(Fault::RequestLacks { what: "region" })?);
    }
    if bound.session {
        put(session.ok_or(Fault::RequestLacks { what: "session" })?);
    }
    // A header that is not there adds nothing; the solution does the same on both sides.
    bound.headers.iter().filter_map(|name| asked.header(name)).for_each(&mut put);
    for name in &bound.parameters {
        let mut mine = asked.parameters().filter(|(known, _)| known == name);
        if let Some((_, value)) = mine.next() {
            put(value);
        }
    }
    text.pop();
    Ok(text)
}

/// Where the viewer is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    pub(super) country: Option<&'a str>,
    pub(super) region: Option<&'a str>,
}

/// An address with every group of four digits written out.
pub(super) fn full(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let mut text = String::new();
            for group in address.segments() {
                let colon = if text.is_empty() { "" } else { ":" };
                // Writing to a string does not fail.
                let _ = write!(text, "{colon}{group:04x}");
            }
            text
        }
    }
}

fn flag(all: &Object, name: &str) -> Result<bool, Fault> {
    match all.get(name) {
        None => Ok(false),
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(_) => Err(claim(name)),
    }
}

fn time(all: &Object, name: &str) -> Result<Option<Timestamp>, Fault> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let number = value.as_number().and_then(json::Number::as_numeric_date);
    number.map(|seconds| Some(Timestamp(seconds))).ok_or_else(|| claim(name))
}

fn texts(all: &Object, name: &str) -> Result<Vec<String>, Fault> {
    let Some(value) = all.get(name) else { return Ok(Vec::new()) };
    let items = value.as_array().ok_or_else(|| claim(name))?;
    let text = |item: &Value| match item.as_str() {
        // An empty text would begin every path.
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(claim(name)),
    };
    items.iter().map(text).collect()
}

fn claim(name: &str) -> Fault {
    Fault::Claim { name: name.to_owned() }
}

const KNOWN: [&str; 17] = [
    "co",
    "co_fallback",
    "cty",
    "cty_fallback",
    "exc",
    "exp",
    "headers",
    "iat",
    "intsig",
    "ip",
    "ip_ver",
    "nbf",
    "paths",
    "qs",
    "reg",
    "reg_fallback",
    "ssn",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_out() {
        for (address, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001"),
        ] {
            assert_eq!(full(address.parse().unwrap()), expected);
        }
    }
}
