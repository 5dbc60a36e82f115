//! Hashes in URLs: small tokens that say until when one path may be fetched.
//!
//! nginx, Fastly, Cloudflare, Bunny and AWS Secure Media Delivery each have one. What they
//! share is here: the request they are checked for ([`Asked`]), how numbers are read, and the
//! walk from text to claims ([`scheme`]). Which route asks for which token is decided
//! elsewhere.
//!
//! Paths are matched as sent, after [`crate::edge::path::check`].
//!
//! Most of these formats join a path and a number without a mark between them, so that `/a/1`
//! until `1700003600` has the hash of `/a/` until `11700003600`. Numbers of more than ten
//! digits are refused here, which leaves a shifted number in the past.
//!
//! SPEC: edge tokens of their vendors, as each module says; SEC-20 to 24, 32.

pub mod aws_smd;
pub mod bunny;
pub mod cloudflare;
pub mod fastly;
pub mod nginx;
pub mod nginx_secret;
pub(crate) mod scheme;

use std::{net::IpAddr, time::Duration};

use portcullis_base::{Cidr, Timestamp};

use crate::{
    fault::{Fault, Step},
    format::{Given, GivenFault, Request},
    lifetime::Leeway,
    uri::check_path,
    watch::Watch,
};

use self::scheme::Adapter;

pub(crate) static AWS_SMD: Adapter<aws_smd::AwsSmd> = Adapter::new();
pub(crate) static BUNNY: Adapter<bunny::Bunny> = Adapter::new();
pub(crate) static CLOUDFLARE: Adapter<cloudflare::Cloudflare> = Adapter::new();
pub(crate) static FASTLY: Adapter<fastly::Fastly> = Adapter::new();
pub(crate) static NGINX: Adapter<nginx::SecureLink> = Adapter::new();
pub(crate) static NGINX_SECRET: Adapter<nginx_secret::SecretLink> = Adapter::new();

/// The request a token is checked for, as far as it is known. Texts are as sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// `https` or `http`, with the host and port.
    pub origin: Option<&'a str>,
    /// The path, with the token in it where that is its place.
    pub path: Option<&'a str>,
    /// The query without `?`, with the token in it where that is its place.
    pub query: Option<&'a str>,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The country of that address, ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// The headers.
    pub headers: &'a [(String, String)],
}

impl<'a> Asked<'a> {
    /// What a described request asks for.
    #[must_use]
    pub fn of(request: &'a Request) -> Self {
        Self {
            origin: request.origin.as_deref(),
            path: request.path.as_deref(),
            query: request.query.as_deref(),
            address: request.address,
            country: request.country.as_deref(),
            headers: &request.headers,
        }
    }

    /// The pairs of the query, as sent. A parameter without `=` has an empty value.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        pairs(self.query.unwrap_or_default())
    }

    /// The one value of a parameter. Empty counts as absent.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        let mine = self.parameters().filter(|(known, _)| *known == name);
        one_of(mine.map(|(_, value)| value).filter(|value| !value.is_empty()))
    }

    /// The first value of a header, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        let named = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| value.trim_matches([' ', '\t']))
    }

    /// Checks the path, and gives it. `None` only where checks are recorded: a verification
    /// ends here.
    pub(crate) fn checked_path<W: Watch>(&self, watch: &mut W) -> Result<Option<&'a str>, W::Stop> {
        match self.path {
            Some(path) => {
                watch.check(Step::Coverage, check_path(path), || {
                    "the path can be read in one way only".to_owned()
                })?;
                Ok(Some(path))
            }
            None => lacks(Step::Coverage, "url", watch).map(|()| None),
        }
    }
}

/// Refuses for what the request does not say.
pub(crate) fn lacks<W: Watch>(
    step: Step,
    what: &'static str,
    watch: &mut W,
) -> Result<(), W::Stop> {
    watch.check(step, Err(Fault::RequestLacks { what }), String::new)
}

/// The one text among several mentions of it.
pub(crate) fn one_of<'a>(
    mut texts: impl Iterator<Item = &'a str>,
) -> Result<Option<&'a str>, Fault> {
    let first = texts.next();
    if texts.any(|other| first != Some(other)) { Err(Fault::Ambiguous) } else { Ok(first) }
}

/// The pairs of a query, as sent; empty ones are left out.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let texts = query.split('&').filter(|pair| !pair.is_empty());
    texts.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Reads Unix seconds: 1 to 10 digits without a zero in front.
///
/// SECURITY: ten digits reach to the year 2286. Where a number follows a path without a mark
/// between them, an eleventh digit would be one taken from the path.
pub(crate) fn seconds(text: &str) -> Option<Timestamp> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=10).contains(&text.len()) && plain && !text.starts_with('0');
    if fits { text.parse().ok().map(Timestamp) } else { None }
}

/// Checks that the end has not come, and is not further away than is accepted.
pub(crate) fn check_end<W: Watch>(
    end: Timestamp,
    now: Timestamp,
    lifetime_max: Option<Duration>,
    watch: &mut W,
) -> Result<(), W::Stop> {
    let outcome = match lifetime_max {
        _ if now >= end => Err(Fault::Expired { end }),
        Some(longest) if now.until(end) > longest => {
            Err(Fault::Lifetime { seconds_max: longest.as_secs() })
        }
        _ => Ok(()),
    };
    watch.check(Step::Times, outcome, || format!("good for another {} s", now.until(end).as_secs()))
}

/// How far clocks may differ.
pub(crate) fn leeway_of(given: &Given) -> Result<Leeway, GivenFault> {
    let fault = GivenFault::Value { name: "leeway", expected: "a span of a minute at most" };
    Leeway::new(given.span("leeway")?.unwrap_or_default()).ok_or(fault)
}

/// Escapes everything but the unreserved characters of RFC 3986.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| {
                char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
            };
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

/// The range that holds one address.
pub(crate) fn only(address: IpAddr) -> Option<Cidr> {
    address.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling_and_ten_digits_at_most() {
        for (text, expected) in [
            ("1", Some(1)),
            ("1700003600", Some(1_700_003_600)),
            ("9999999999", Some(9_999_999_999)),
            ("10000000000", None),
            ("0", None),
            ("01700003600", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            (" 1", None),
            ("1e9", None),
        ] {
            assert_eq!(seconds(text), expected.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn what_is_escaped_decodes_to_itself() {
        assert_eq!(escaped("/a b,é~"), "%2Fa%20b%2C%C3%A9~");
        assert_eq!(crate::uri::unescape(&escaped("/a b,é~%")).as_deref(), Some("/a b,é~%"));
    }

    #[test]
    fn a_parameter_may_be_repeated_but_not_differ() {
        let asked = |query| Asked { query: Some(query), ..Asked::default() };
        assert_eq!(asked("a=1&b=2&a=1").parameter("a"), Ok(Some("1")));
        assert_eq!(asked("a=1&a=2").parameter("a"), Err(Fault::Ambiguous));
        assert_eq!(asked("a=&b").parameter("a"), Ok(None));
    }
}
