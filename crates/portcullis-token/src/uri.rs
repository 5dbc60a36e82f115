//! What the families that look at whole URLs share: taking one apart, and decoding once.
//!
//! Nothing here is lenient: what cannot be read is `None`, and no rule matches it.
//!
//! SPEC: RFC 3986 §3, §6.2.2, §6.2.3.

use std::borrow::Cow;

use crate::{fault::Fault, format::Request};

/// `scheme://host[:port]`, in lower case, without the port that is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: String,
    /// A name or address; an IPv6 address stands in brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Origin {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return None;
        }
        let port_at = match authority.rfind(']') {
            Some(end) => authority.get(end..)?.find(':').map(|at| end + at),
            None => authority.find(':'),
        };
        let (host, port) = match port_at {
            None => (authority, None),
            Some(at) => (authority.get(..at)?, Some(authority.get(at + 1..)?)),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~[]:".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            return None;
        }
        let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match port {
            None | Some("") => None,
            Some(port) if digits(port) => Some(port.parse::<u16>().ok()?),
            Some(_) => return None,
        };
        let own = if scheme == "https" { 443 } else { 80 };
        let host = host.to_ascii_lowercase();
        Some(Self { scheme, host, port: port.filter(|port| *port != own) })
    }

    /// The port that is meant, said or not.
    pub(crate) fn port_meant(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == "https" { 443 } else { 80 })
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Decodes every escape once. `None` when a `%` is not followed by two hex digits, or the
/// result is not UTF-8.
pub(crate) fn unescape(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'%' {
            let ([high, low], after) = after.split_first_chunk()?;
            out.push(hex_byte(*high, *low)?);
            rest = after;
        } else {
            out.push(*first);
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

/// The byte that two hex digits stand for.
pub(crate) fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(nibble(high)? << 4 | nibble(low)?).ok()
}

/// The request's origin, read.
///
/// # Errors
///
/// [`Fault::RequestLacks`] when it is not said, and a fault of form when it is none.
pub(crate) fn origin_of(request: &Request) -> Result<Origin, Fault> {
    let text = request.origin.as_deref().ok_or(Fault::RequestLacks { what: "origin" })?;
    let fault = || Fault::PathMalformed { what: "the origin is not one".to_owned() };
    Origin::parse(text).ok_or_else(fault)
}

/// Refuses a path that could be read in more than one way.
pub(crate) fn check_path(path: &str) -> Result<(), Fault> {
    let fault =
        |fault: crate::edge::path::PathFault| Fault::PathMalformed { what: fault.to_string() };
    crate::edge::path::check(path).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        let check = |text: &str, expected: Option<&str>| {
            let read = Origin::parse(text).map(|origin| origin.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("https://CDN.example", Some("https://cdn.example"));
        check("HTTPS://cdn.example:443", Some("https://cdn.example"));
        check("https://cdn.example:", Some("https://cdn.example"));
        check("http://cdn.example:443", Some("http://cdn.example:443"));
        check("http://[2001:DB8::1]:80", Some("http://[2001:db8::1]"));
        for bad in [
            "",
            "cdn.example",
            "ftp://cdn.example",
            "https://",
            "https://:1",
            "https://a:65536",
            "https://a:+1",
            "https://a b",
            "https://u@a",
            "https://a/",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn escapes_are_decoded_once() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(unescape(text).as_deref(), expected, "{text}");
        };
        check("a%2Fb", Some("a/b"));
        check("a%252fb", Some("a%2fb"));
        for bad in ["%", "%2", "%zz", "%+1", "%ff"] {
            check(bad, None);
        }
    }
}
