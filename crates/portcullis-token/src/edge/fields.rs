//! The fields of an edge token: reads and writes the text both kinds share.
//!
//! `name=value` joined by `~`, each name at most once, `hmac` last. `url` and `salt` are
//! signed and never sent, so a token that has them was made to confuse. Nothing here decides
//! whether the token is genuine.
//!
//! SPEC: SEC-32, SEC-33.

use std::{borrow::Cow, fmt, fmt::Write as _, net::IpAddr};

use portcullis_base::{Timestamp, canonical_address};

use super::{EdgeTokenError, FieldFault, IssueError, TOKEN_BYTES_MAX, escape};
use crate::token_key::MacBytes;

/// What stands in a token. The text before the MAC is kept as received: it is what was signed.
pub(super) struct Fields<'a> {
    pub(super) signed: Cow<'a, str>,
    pub(super) mac: MacBytes,
    pub(super) address: Option<IpAddr>,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Timestamp,
    pub(super) acl: Option<Cow<'a, str>>,
    pub(super) id: Option<Cow<'a, str>>,
    /// Not decoded yet: the mark of a session token is looked for first.
    pub(super) data: Option<Cow<'a, str>>,
}

/// What to do about fields that have no meaning here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownFields {
    /// Skip them. Whatever their author wanted them to forbid is not forbidden.
    DangerAccept,
    /// Refuse the token.
    #[default]
    Refuse,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(raw: &'a str, unknown: UnknownFields) -> Result<Self, EdgeTokenError> {
        match received(raw)? {
            Cow::Borrowed(text) => Self::read(text, unknown),
            Cow::Owned(text) => Fields::read(&text, unknown).map(Fields::into_owned),
        }
    }

    fn read(text: &'a str, unknown: UnknownFields) -> Result<Self, EdgeTokenError> {
        let (signed, digits) = mac_in(text).ok_or(FieldFault::Mac)?;
        let mac = MacBytes::from_hex(digits).ok_or(FieldFault::Mac)?;
        let [address, start, end, acl, id, data] = values(signed, unknown)?;
        // Some generators write an empty field where others leave it out.
        let filled = |value: Option<&'a str>| value.filter(|text| !text.is_empty());
        Ok(Self {
            address: filled(address).map(decoded).as_deref().map(address_of).transpose()?,
            start: start.map(seconds).transpose()?,
            end: end.map(seconds).transpose()?.ok_or(EdgeTokenError::NoEnd)?,
            acl: acl.map(Cow::Borrowed),
            id: filled(id).map(decoded).map(printable_id).transpose()?,
            data: filled(data).map(Cow::Borrowed),
            mac,
            signed: Cow::Borrowed(signed),
        })
    }

    fn into_owned<'b>(self) -> Fields<'b> {
        let owned = |value: Cow<'a, str>| Cow::Owned(value.into_owned());
        Fields {
            signed: owned(self.signed),
            mac: self.mac,
            address: self.address,
            start: self.start,
            end: self.end,
            acl: self.acl.map(owned),
            id: self.id.map(owned),
            data: self.data.map(owned),
        }
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields(unverified)")
    }
}

/// The value of each field in [`NAMES`], if it is there.
fn values(signed: &str, unknown: UnknownFields) -> Result<[Option<&str>; NAMES.len()], FieldFault> {
    let mut values: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
    let mut others: Vec<&str> = Vec::new();
    let mut rest = Some(signed);
    while let Some(text) = rest {
        let (part, after) = split_at(text, b'~');
        rest = after;
        let (name, Some(value)) = split_at(part, b'=') else { return Err(FieldFault::Nameless) };
        let twice =
            match place_of(name).and_then(|place| values.get_mut(place).zip(NAMES.get(place))) {
                Some((place, known)) => place.replace(value).map(|_| *known),
                None if name == "hmac" => Some("hmac"),
                // `url` and `salt` are signed and never sent: who sends them wants to confuse.
                None if unknown == UnknownFields::Refuse || matches!(name, "url" | "salt") => {
                    return Err(FieldFault::Misplaced);
                }
                None => {
                    let twice = others.contains(&name);
                    others.push(name);
                    twice.then_some("one that has no meaning here")
                }
            };
        if let Some(name) = twice {
            return Err(FieldFault::Duplicate { name });
        }
    }
    Ok(values)
}

/// What stands before the first `mark`, and what behind it. Fields are short: to look at each
/// byte is quicker than to search.
#[inline]
fn split_at(text: &str, mark: u8) -> (&str, Option<&str>) {
    let place = text.bytes().position(|byte| byte == mark);
    let parts = place.and_then(|place| Some((text.get(..place)?, text.get(place + 1..)?)));
    parts.map_or((text, None), |(before, behind)| (before, Some(behind)))
}

#[inline]
fn place_of(name: &str) -> Option<usize> {
    Some(match name {
        "ip" => 0,
        "st" => 1,
        "exp" => 2,
        "acl" => 3,
        "id" => 4,
        "data" => 5,
        _ => return None,
    })
}

/// The fields that were signed and the digits of the MAC, if that is the last field. Most
/// MACs have one length, so its place is known.
#[inline]
fn mac_in(text: &str) -> Option<(&str, &str)> {
    let usual = text.len().checked_sub(MAC_DIGITS_USUAL).and_then(|at| text.split_at_checked(at));
    if let Some((before, digits)) = usual
        && let Some(signed) = before.strip_suffix("~hmac=")
        && !digits.contains('~')
    {
        return Some((signed, digits));
    }
    let (signed, last) = text.rsplit_once('~')?;
    Some((signed, last.strip_prefix("hmac=")?))
}

/// The text that was signed: as received, or decoded once if the MAC cannot be seen in it.
pub(crate) fn received(raw: &str) -> Result<Cow<'_, str>, EdgeTokenError> {
    if raw.len() > TOKEN_BYTES_MAX {
        return Err(EdgeTokenError::TooLong);
    }
    let text = if mac_in(raw).is_some() || raw.contains("hmac=") {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(escape::decode(raw).ok_or(FieldFault::Character)?)
    };
    // Every byte is looked at, whatever was found: that is quicker than to stop early.
    let strange = |byte: &u8| !matches!(byte, b' '..=b'~');
    if text.as_bytes().iter().fold(false, |found, byte| found | strange(byte)) {
        return Err(FieldFault::Character.into());
    }
    Ok(text)
}

/// The value decoded once, or as it stands if it was never encoded.
#[inline]
pub(crate) fn decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    escape::decode(value).map_or(Cow::Borrowed(value), Cow::Owned)
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
            // Writing to a string does not fail.
            let _ = write!(self.0, "{join}{name}={value}");
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn close(mut self, mac: &str) -> Result<String, IssueError> {
        self.field("hmac", Some(mac));
        if self.0.len() > TOKEN_BYTES_MAX { Err(IssueError::TooLong) } else { Ok(self.0) }
    }
}

#[inline]
fn seconds(text: &str) -> Result<Timestamp, FieldFault> {
    let fits = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if fits { text.parse().ok() } else { None };
    seconds.map(Timestamp).ok_or(FieldFault::Time)
}

fn address_of(text: &str) -> Result<IpAddr, FieldFault> {
    text.parse().map(canonical_address).map_err(|_| FieldFault::Address)
}

#[inline]
fn printable_id(id: Cow<'_, str>) -> Result<Cow<'_, str>, FieldFault> {
    let fits = id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if fits { Ok(id) } else { Err(FieldFault::Id) }
}

/// In Akamai's order, and in [`place_of`]'s.
const NAMES: [&str; 6] = ["ip", "st", "exp", "acl", "id", "data"];
const MAC_DIGITS_USUAL: usize = 64;
const ID_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "hmac=68d6c7a35bbfab325c1a50a30d6f9ee4e3d89ec6c32c81d6bc52a3e96c74ec94";

    #[track_caller]
    fn check(fields: &str, expected: Result<(), EdgeTokenError>) {
        let text = format!("{fields}~{MAC}");
        let actual = Fields::parse(&text, UnknownFields::Refuse).map(drop);
        assert_eq!(actual, expected, "{fields}");
    }

    #[test]
    fn the_grammar_is_kept_to_the_letter() {
        check("exp=1", Ok(()));
        check("exp=1~acl=/a=b*", Ok(()));
        check("id=~data=~ip=~exp=1", Ok(()));
        check("st=1~acl=/*", Err(EdgeTokenError::NoEnd));
        for (fields, fault) in [
            ("exp=1~exp=1", FieldFault::Duplicate { name: "exp" }),
            ("exp=1~acl=/a~acl=/*", FieldFault::Duplicate { name: "acl" }),
            ("exp=1~data=x~data=y", FieldFault::Duplicate { name: "data" }),
            (&format!("{MAC}~exp=1"), FieldFault::Duplicate { name: "hmac" }),
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
    fn every_name_has_its_place() {
        for (place, name) in NAMES.into_iter().enumerate() {
            assert_eq!(place_of(name), Some(place));
        }
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
            "exp=1~hmac=79f2e45666b8d83995f31756b7c9fc4df6566b",
        ] {
            let actual = Fields::parse(text, UnknownFields::Refuse).map(drop);
            assert_eq!(actual, Err(FieldFault::Mac.into()), "{text}");
        }
    }

    #[test]
    fn a_token_that_was_escaped_as_a_whole_is_unescaped_once() {
        let text = format!("exp=1~acl=/a*~{MAC}").replace('=', "%3d").replace('/', "%2f");
        let read = |text: &'_ str| Fields::parse(text, UnknownFields::Refuse).map(drop);
        let fields = Fields::parse(&text, UnknownFields::Refuse).unwrap();
        assert_eq!((&*fields.signed, fields.acl.as_deref()), ("exp=1~acl=/a*", Some("/a*")));
        let twice = text.replace('%', "%25");
        assert_eq!(read(&twice), Err(FieldFault::Mac.into()));
    }

    #[test]
    fn unknown_fields_are_skipped_only_where_that_was_asked_for() {
        let check = |fields: &str, expected: Result<(), FieldFault>| {
            let text = format!("{fields}~{MAC}");
            let actual = Fields::parse(&text, UnknownFields::DangerAccept).map(drop);
            assert_eq!(actual, expected.map_err(EdgeTokenError::from), "{fields}");
        };
        check("exp=1~rate=5~x=", Ok(()));
        let unknown = "one that has no meaning here";
        check("exp=1~rate=5~rate=5", Err(FieldFault::Duplicate { name: unknown }));
        check("exp=1~exp=1~x=", Err(FieldFault::Duplicate { name: "exp" }));
        check("exp=1~url=/a", Err(FieldFault::Misplaced));
        check("exp=1~salt=a", Err(FieldFault::Misplaced));
        check("exp=1~hmac=a", Err(FieldFault::Duplicate { name: "hmac" }));
        check("exp=1~x", Err(FieldFault::Nameless));
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
