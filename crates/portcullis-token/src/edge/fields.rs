//! The fields of an edge token: reads and writes the text both kinds share.
//!
//! `name=value` joined by `~`, each name at most once, `hmac` last. `url` and `salt` are
//! signed and never sent, so a token that has them was made to confuse. Nothing here decides
//! whether the token is genuine.
//!
//! SPEC: SEC-32, SEC-33.

use std::{borrow::Cow, fmt, net::IpAddr};

use portcullis_base::{Timestamp, canonical_address};

use super::{EdgeTokenError, FieldFault, IssueError, TOKEN_BYTES_MAX, escape};

/// What stands in a token. The text before the MAC is kept as received: it is what was signed.
pub(super) struct Fields {
    pub(super) signed: Box<str>,
    pub(super) mac: [u8; 32],
    pub(super) address: Option<IpAddr>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Timestamp,
    pub(super) acl: Option<Box<str>>,
    pub(super) id: Option<String>,
    pub(super) data: Option<Box<str>>,
}

impl Fields {
    pub(super) fn parse(raw: &str) -> Result<Self, EdgeTokenError> {
        let text = received(raw)?;
        let (signed, last) = text.rsplit_once('~').ok_or(FieldFault::Mac)?;
        let mac = last.strip_prefix("hmac=").and_then(mac_bytes).ok_or(FieldFault::Mac)?;
        let mut values: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
        for part in signed.split('~') {
            let (name, value) = part.split_once('=').ok_or(FieldFault::Nameless)?;
            if name == "hmac" {
                return Err(FieldFault::Duplicate.into());
            }
            let mut places = NAMES.iter().zip(&mut values);
            let (_, place) =
                places.find(|(known, _)| **known == name).ok_or(FieldFault::Misplaced)?;
            if place.replace(value).is_some() {
                return Err(FieldFault::Duplicate.into());
            }
        }
        let [address, start, end, acl, id, data] = values;
        // Some generators write an empty field where others leave it out.
        let filled = |value: Option<&'_ str>| value.filter(|text| !text.is_empty()).map(decoded);
        Ok(Self {
            address: filled(address).as_deref().map(address_of).transpose()?,
            start: start.map(seconds).transpose()?,
            end: end.map(seconds).transpose()?.ok_or(EdgeTokenError::NoEnd)?,
            acl: acl.map(Into::into),
            id: filled(id).map(printable_id).transpose()?,
            data: data.filter(|text| !text.is_empty()).map(Into::into),
            mac,
            signed: signed.into(),
        })
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields(unverified)")
    }
}

/// The text that was signed: as received, or decoded once if the MAC cannot be seen in it.
pub(super) fn received(raw: &str) -> Result<Cow<'_, str>, EdgeTokenError> {
    if raw.len() > TOKEN_BYTES_MAX {
        return Err(EdgeTokenError::TooLong);
    }
    let text = if raw.contains("hmac=") {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(escape::decode(raw).ok_or(FieldFault::Character)?)
    };
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        Ok(text)
    } else {
        Err(FieldFault::Character.into())
    }
}

/// The value decoded once, or as it stands if it was never encoded.
pub(super) fn decoded(value: &str) -> String {
    escape::decode(value).unwrap_or_else(|| value.to_owned())
}

/// Puts fields together in Akamai's order.
#[derive(Debug)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) const fn new() -> Self {
        Self(String::new())
    }

    pub(super) fn field(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            let join = if self.0.is_empty() { "" } else { "~" };
            self.0.push_str(&format!("{join}{name}={value}"));
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(super) fn close(mut self, mac: &str) -> Result<String, IssueError> {
        self.field("hmac", Some(mac));
        if self.0.len() > TOKEN_BYTES_MAX { Err(IssueError::TooLong) } else { Ok(self.0) }
    }
}

fn mac_bytes(digits: &str) -> Option<[u8; 32]> {
    let mut mac = [0; 32];
    // One MAC has one text: upper-case digits are another.
    let lower = !digits.bytes().any(|byte| byte.is_ascii_uppercase());
    (lower && hex::decode_to_slice(digits, &mut mac).is_ok()).then_some(mac)
}

fn seconds(text: &str) -> Result<Timestamp, FieldFault> {
    let fits = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if fits { text.parse().ok() } else { None };
    seconds.map(Timestamp).ok_or(FieldFault::Time)
}

fn address_of(text: &str) -> Result<IpAddr, FieldFault> {
    text.parse().map(canonical_address).map_err(|_| FieldFault::Address)
}

fn printable_id(id: String) -> Result<String, FieldFault> {
    let fits = id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if fits { Ok(id) } else { Err(FieldFault::Id) }
}

/// In Akamai's order.
const NAMES: [&str; 6] = ["ip", "st", "exp", "acl", "id", "data"];
const ID_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "hmac=68d6c7a35bbfab325c1a50a30d6f9ee4e3d89ec6c32c81d6bc52a3e96c74ec94";

    #[track_caller]
    fn check(fields: &str, expected: Result<(), EdgeTokenError>) {
        let actual = Fields::parse(&format!("{fields}~{MAC}")).map(drop);
        assert_eq!(actual, expected, "{fields}");
    }

    #[test]
    fn the_grammar_is_kept_to_the_letter() {
        check("exp=1", Ok(()));
        check("exp=1~acl=/a=b*", Ok(()));
        check("id=~data=~ip=~exp=1", Ok(()));
        check("st=1~acl=/*", Err(EdgeTokenError::NoEnd));
        for (fields, fault) in [
            ("exp=1~exp=1", FieldFault::Duplicate),
            ("exp=1~acl=/a~acl=/*", FieldFault::Duplicate),
            ("exp=1~data=x~data=y", FieldFault::Duplicate),
            (&format!("{MAC}~exp=1"), FieldFault::Duplicate),
            ("exp=1~url=/a", FieldFault::Misplaced),
            ("exp=1~salt=x", FieldFault::Misplaced),
            ("exp=1~Acl=/a", FieldFault::Misplaced),
            ("exp=1~x=1", FieldFault::Misplaced),
            ("exp=1~", FieldFault::Nameless),
            ("~exp=1", FieldFault::Nameless),
            ("exp=1~acl", FieldFault::Nameless),
            ("exp=", FieldFault::Time),
            ("exp=+1", FieldFault::Time),
            ("exp= 1", FieldFault::Time),
            ("exp=1.0", FieldFault::Time),
            ("exp=10000000000000000000", FieldFault::Time),
            ("exp=1~st=-1", FieldFault::Time),
            ("exp=1~ip=1.2.3", FieldFault::Address),
            ("exp=1~ip=01.2.3.4", FieldFault::Address),
            ("exp=1~acl=/é", FieldFault::Character),
            ("exp=1~acl=/\n", FieldFault::Character),
            ("exp=1~id=%c3%a9", FieldFault::Id),
        ] {
            check(fields, Err(fault.into()));
        }
        check("exp=9999999999999999999", Ok(()));
    }

    #[test]
    fn the_mac_is_last_and_whole() {
        for text in [
            "hmac=",
            MAC,
            "exp=1",
            "exp=1~hmac=",
            &format!("exp=1~{}", &MAC[..68]),
            &format!("exp=1~{MAC}0"),
            &format!("exp=1~{}", MAC.to_uppercase().replace("HMAC", "hmac")),
            &format!("exp=1~{MAC}~id=1"),
            "exp=1~hmac=79f2e45666b8d83995f31756b7c9fc4df6566b1c",
        ] {
            let actual = Fields::parse(text).map(drop);
            assert_eq!(actual, Err(FieldFault::Mac.into()), "{text}");
        }
    }

    #[test]
    fn a_token_that_was_escaped_as_a_whole_is_unescaped_once() {
        let text = format!("exp=1~acl=/a*~{MAC}").replace('=', "%3d").replace('/', "%2f");
        assert_eq!(&*Fields::parse(&text).unwrap().signed, "exp=1~acl=/a*");
        let twice = text.replace('%', "%25");
        assert_eq!(Fields::parse(&twice).map(drop), Err(FieldFault::Mac.into()));
    }

    #[test]
    fn maxima_hold_on_both_sides() {
        let id = |count| format!("exp=1~id={}", "i".repeat(count));
        check(&id(64), Ok(()));
        check(&id(65), Err(FieldFault::Id.into()));
        let data = |total: usize| format!("exp=1~data={}", "d".repeat(total - 11 - 1 - MAC.len()));
        check(&data(4000), Ok(()));
        check(&data(4001), Err(EdgeTokenError::TooLong));
    }
}
