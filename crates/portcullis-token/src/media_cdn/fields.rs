//! The fields of a token: reads the text and keeps it, for the text is what was signed.
//!
//! Nothing here decides whether a token is genuine.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{Cidr, Timestamp};

use super::{TOKEN_BYTES_MAX, keys::Proof, token::Covers};
use crate::{edge::acl::Acl, fault::Fault, uri};

/// What stands in a token.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    /// The fields as sent, without what closes them.
    pub(super) sent: String,
    pub(super) proof: Proof,
    pub(super) covers: Covers,
    pub(super) starts: Option<Timestamp>,
    pub(super) expires: Timestamp,
    pub(super) session: Option<String>,
    pub(super) data: Option<String>,
    pub(super) headers: Vec<String>,
    pub(super) ranges: Vec<Cidr>,
    pub(super) generated: bool,
}

impl Fields {
    pub(super) fn parse(raw: &str) -> Result<Self, Fault> {
        let text = received(raw)?;
        let (sent, last) = text.rsplit_once('~').ok_or_else(no_proof)?;
        let proof = proof(last)?;
        let mut values: [Option<&str>; NAMES.len()] = [None; NAMES.len()];
        for part in sent.split('~') {
            let (name, value) = match part.split_once('=') {
                Some(pair) => pair,
                None if part == "FullPath" => (part, ""),
                None => return Err(Fault::malformed("a part is not of the form `Name=value`")),
            };
            if matches!(name, "Signature" | "hmac") {
                return Err(Fault::Duplicate { what: name.to_owned() });
            }
            let mut places = NAMES.iter().zip(&mut values);
            let (_, place) = places
                .find(|(known, _)| **known == name)
                .ok_or_else(|| Fault::malformed("a field that does not belong there"))?;
            if place.replace(value).is_some() {
                return Err(Fault::Duplicate { what: name.to_owned() });
            }
            // SECURITY: only the bare name is replaced in what is signed.
            let sound = if name == "FullPath" { part == name } else { !value.is_empty() };
            if !sound {
                return Err(Fault::malformed("a field is empty, or `FullPath` is not"));
            }
        }
        let [prefix, full, globs, starts, expires, session, data, headers, ranges, generated] =
            values;
        if generated.is_some_and(|word| word != GENERATED) {
            return Err(Fault::malformed("`_GO` is not `Generated`"));
        }
        Ok(Self {
            covers: covers(prefix, full, globs)?,
            starts: starts.map(seconds).transpose()?,
            expires: expires.map(seconds).transpose()?.ok_or(Fault::NoEnd)?,
            session: session.map(session_id).transpose()?,
            data: data.map(str::to_owned),
            headers: headers.map_or(Ok(Vec::new()), header_names)?,
            ranges: ranges.map_or(Ok(Vec::new()), address_ranges)?,
            generated: generated.is_some(),
            proof,
            sent: sent.to_owned(),
        })
    }
}

/// The text as received, or decoded once if what closes it cannot be seen.
fn received(raw: &str) -> Result<Cow<'_, str>, Fault> {
    if raw.len() > TOKEN_BYTES_MAX {
        return Err(Fault::TooLong { bytes_max: TOKEN_BYTES_MAX });
    }
    let closed = raw.contains("~Signature=") || raw.contains("~hmac=");
    let text = if closed { Some(Cow::Borrowed(raw)) } else { uri::unescape(raw) };
    let printable = |text: &Cow<'_, str>| text.bytes().all(|byte| byte.is_ascii_graphic());
    text.filter(printable).ok_or_else(|| Fault::malformed("a character other than printable ASCII"))
}

fn no_proof() -> Fault {
    Fault::malformed("the last field is neither `Signature` nor `hmac`")
}

fn proof(last: &str) -> Result<Proof, Fault> {
    if let Some(text) = last.strip_prefix("Signature=") {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 64);
        let fault = || Fault::malformed("`Signature` is not 64 bytes of unpadded base64url");
        return bytes.map(Proof::Signature).ok_or_else(fault);
    }
    let digits = last.strip_prefix("hmac=").ok_or_else(no_proof)?;
    // One MAC has one text: upper-case digits are another.
    let lower = !digits.bytes().any(|byte| byte.is_ascii_uppercase());
    let mac = hex::decode(digits).ok().filter(|mac| lower && matches!(mac.len(), 20 | 32));
    let fault = || Fault::malformed("`hmac` is not 40 or 64 lower-case hex digits");
    mac.map(Proof::Hmac).ok_or_else(fault)
}

fn covers(prefix: Option<&str>, full: Option<&str>, globs: Option<&str>) -> Result<Covers, Fault> {
    match (prefix, full, globs) {
        (Some(text), None, None) => {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            text.and_then(|text| url_prefix(&text))
                .ok_or_else(|| Fault::malformed("`URLPrefix` is not an encoded URL"))
        }
        (None, Some(_), None) => Ok(Covers::FullPath),
        (None, None, Some(text)) => path_globs(text).ok_or_else(|| {
            Fault::malformed("`PathGlobs` is not 1 to 5 path patterns joined by `,` or `!`")
        }),
        _ => Err(Fault::malformed("not exactly one of `URLPrefix`, `FullPath` and `PathGlobs`")),
    }
}

/// Reads a prefix: an origin, and a path that begins with `/`. Without the slash, a prefix of
/// one host would cover every host whose name goes on from there.
pub(super) fn url_prefix(text: &str) -> Option<Covers> {
    let host_from = text.find("://")? + 3;
    let path_from = host_from + text.get(host_from..)?.find('/')?;
    let (origin, path) = text.split_at_checked(path_from)?;
    let clean = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#~\\".contains(&byte));
    let origin = uri::Origin::parse(origin).filter(|_| clean)?;
    Some(Covers::UrlPrefix { origin: origin.to_string(), path: path.to_owned() })
}

pub(super) fn path_globs(text: &str) -> Option<Covers> {
    let list = text.replace(',', "!");
    let few = list.split('!').count() <= GLOBS_MAX;
    Acl::parse(&list).ok().filter(|_| few).map(Covers::PathGlobs)
}

fn seconds(text: &str) -> Result<Timestamp, Fault> {
    let fits = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if fits { text.parse().ok() } else { None };
    seconds.map(Timestamp).ok_or_else(|| Fault::malformed("a time is not 1 to 19 digits"))
}

fn session_id(text: &str) -> Result<String, Fault> {
    let fits = text.len() <= SESSION_BYTES_MAX;
    let fault = || Fault::malformed("`SessionID` is longer than 64 characters");
    fits.then(|| text.to_owned()).ok_or_else(fault)
}

/// Whether the text can be the name of a header.
pub(super) fn is_name(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

/// Reads the names of headers. None may stand twice: a value would count twice or once.
pub(super) fn header_names(text: &str) -> Result<Vec<String>, Fault> {
    let names: Vec<String> = text.split(',').map(str::to_owned).collect();
    if names.len() > HEADERS_MAX || !names.iter().all(|name| is_name(name)) {
        return Err(Fault::malformed("`Headers` is not 1 to 16 header names joined by `,`"));
    }
    let mut lower: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    lower.sort_unstable();
    if lower.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(Fault::Duplicate { what: "a name in `Headers`".to_owned() });
    }
    Ok(names)
}

fn address_ranges(text: &str) -> Result<Vec<Cidr>, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let list = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    list.and_then(|list| ranges(&list))
        .ok_or_else(|| Fault::malformed("`IPRanges` is not an encoded list of address ranges"))
}

/// Reads a list of ranges joined by `,`.
pub(super) fn ranges(list: &str) -> Option<Vec<Cidr>> {
    let ranges: Option<Vec<Cidr>> = list.split(',').map(range).collect();
    ranges.filter(|ranges| ranges.len() <= RANGES_MAX)
}

/// Reads a range. Google's own sample writes an IPv6 range without its zeros
/// (`2001:db8:4a7f:a732/64`): whole groups, as many as the prefix is long, are read so.
fn range(text: &str) -> Option<Cidr> {
    if let Ok(range) = text.parse() {
        return Some(range);
    }
    let (groups, bits) = text.split_once('/')?;
    let count = groups.split(':').count();
    let short = !groups.contains("::") && (2..8).contains(&count);
    let exact = bits.parse::<usize>().is_ok_and(|bits| Some(bits) == count.checked_mul(16));
    (short && exact).then(|| format!("{groups}::/{bits}").parse().ok())?
}

/// In the order of Google's sample.
const NAMES: [&str; 10] = [
    "URLPrefix",
    "FullPath",
    "PathGlobs",
    "Starts",
    "Expires",
    "SessionID",
    "Data",
    "Headers",
    "IPRanges",
    "_GO",
];
/// The word that marks a token the edge made of another.
pub(super) const GENERATED: &str = "Generated";
const GLOBS_MAX: usize = 5;
const HEADERS_MAX: usize = 16;
const RANGES_MAX: usize = 32;
pub(super) const SESSION_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: &str = "hmac=9439ecdd5c4919f76f915dea72afa85a045579794e63d8cda664f5a1140c8d93";

    #[track_caller]
    fn check(fields: &str, expected: Result<(), &str>) {
        let read = Fields::parse(&format!("{fields}~{MAC}")).map(drop);
        assert_eq!(read.as_ref().map_err(Fault::code).copied(), expected, "{fields}");
    }

    #[test]
    fn the_grammar_is_kept_to_the_letter() {
        let bad = Err("token.malformed");
        check("PathGlobs=/*~Expires=1", Ok(()));
        check("Expires=1~FullPath", Ok(()));
        check("URLPrefix=aHR0cDovLzEwLjIwLjMwLjQwLw~Expires=1", Ok(()));
        check("PathGlobs=/*", Err("token.no_end"));
        check("PathGlobs=/*~Expires=1~Expires=1", Err("token.duplicate"));
        check(&format!("{MAC}~PathGlobs=/*~Expires=1"), Err("token.duplicate"));
        check("PathGlobs=/*~Expires=1~Headers=a,A", Err("token.duplicate"));
        for fields in [
            "Expires=1",
            "FullPath~PathGlobs=/*~Expires=1",
            "FullPath=/a~Expires=1",
            "FullPath=~Expires=1",
            "PathGlobs=~Expires=1",
            "PathGlobs=/a,/b,/c,/d,/e,/f~Expires=1",
            "PathGlobs=/a,,/b~Expires=1",
            "PathGlobs=/*~Expires=1~Data=",
            "PathGlobs=/*~Expires=1~exp=1",
            "PathGlobs=/*~Expires=1~acl=/*",
            "PathGlobs=/*~Expires=1~",
            "PathGlobs=/*~Expires=1~Data",
            "PathGlobs=/*~Expires=1~_GO=Made",
            "PathGlobs=/*~Expires=-1",
            "PathGlobs=/*~Expires=1.0",
            "PathGlobs=/*~Expires=10000000000000000000",
            "PathGlobs=/*~Expires=1~Data=a b",
            "PathGlobs=/*~Expires=1~Data=é",
            "PathGlobs=/*~Expires=1~Headers=a,",
            "PathGlobs=/*~Expires=1~Headers=a=b",
            "PathGlobs=/*~Expires=1~IPRanges=MjAzLjAuMTEzLjAvMjQ=",
            "URLPrefix=aHR0cDovLzEwLjIwLjMwLjQw~Expires=1",
            "URLPrefix=L3ZvZC8~Expires=1",
        ] {
            check(fields, bad);
        }
        check(&format!("PathGlobs=/*~Expires=1~SessionID={}", "i".repeat(64)), Ok(()));
        check(&format!("PathGlobs=/*~Expires=1~SessionID={}", "i".repeat(65)), bad);
    }

    #[test]
    fn what_closes_a_token_is_last_and_whole() {
        let fields = "PathGlobs=/*~Expires=1";
        for last in ["", "hmac=", "hmac=00", "Signature=AA", "signature=AA", "Data=x"] {
            let read = Fields::parse(&format!("{fields}~{last}")).map(drop);
            assert_eq!(read.unwrap_err().code(), "token.malformed", "{last}");
        }
        let upper = MAC.to_uppercase().replace("HMAC", "hmac");
        assert!(Fields::parse(&format!("{fields}~{upper}")).is_err());
        let once = format!("{fields}~{MAC}").replace('=', "%3D").replace('~', "%7E");
        assert_eq!(Fields::parse(&once).unwrap().sent, fields);
        assert!(Fields::parse(&once.replace('%', "%25")).is_err());
    }

    #[test]
    fn a_range_may_lack_its_zeros_and_nothing_else() {
        let check = |text: &str, expected: Option<&str>| {
            let read = range(text).map(|range| range.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("203.0.113.0/24", Some("203.0.113.0/24"));
        check("2001:db8:4a7f:a732/64", Some("2001:db8:4a7f:a732::/64"));
        check("2001:db8/32", Some("2001:db8::/32"));
        for bad in ["2001:db8/33", "2001:db8/64", "2001/16", "a:b:c", "203.0.113/24", ""] {
            check(bad, None);
        }
    }
}
