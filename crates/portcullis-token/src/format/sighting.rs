//! Finds a token in whatever somebody has at hand: the token itself, a URL, a header line, a
//! cookie, or one of these percent-encoded once.
//!
//! It looks at the form alone and verifies nothing. What it finds is for explaining; a
//! verification is told where the token is.

use portcullis_base::Timestamp;

use super::{FORMATS, Format, Given, Request};
use crate::{
    fault::{Refused, Step},
    watch::{Check, Outcome},
};

/// A token that was found, and where.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The family whose form it has.
    pub format: &'static dyn Format,
    /// The token, in the form [`Format::explain`] takes.
    pub token: String,
    /// Where it was, in a few words: `a query parameter`.
    pub place: &'static str,
    /// What the text says of the request.
    pub request: Request,
}

impl Sighting {
    /// Whether the token can be read as one of its family, whatever the other checks say.
    fn can_be_read(&self) -> bool {
        let explained =
            self.format.explain(&Given::new(), &self.token, &Request::default(), Timestamp(0));
        let malformed =
            |check: &Check| check.step == Step::Form && matches!(check.outcome, Outcome::Failed(_));
        explained.is_ok_and(|explanation| !explanation.checks.iter().any(malformed))
    }
}

/// What was found in a text.
#[derive(Clone, Debug, Default)]
pub struct Sightings {
    /// Tokens, in the order of [`FORMATS`]; the same text may have the form of several.
    pub found: Vec<Sighting>,
    /// Families that refuse what the text carries before any check: two tokens that differ.
    pub refused: Vec<(&'static dyn Format, Refused)>,
    /// Whether it was found only after one percent-decoding of the whole text.
    pub decoded: bool,
}

impl Sightings {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.refused.is_empty()
    }

    /// Whether one of the tokens can be read.
    fn is_whole(&self) -> bool {
        self.found.iter().any(Sighting::can_be_read)
    }
}

/// Finds tokens in a text. `given` may name the places where the families look; `among` are
/// the families to look for, all when it is empty.
#[must_use]
pub fn sight(text: &str, given: &Given, among: &[&'static dyn Format]) -> Sightings {
    let formats = if among.is_empty() { FORMATS } else { among };
    let text = text.trim_ascii();
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let written = as_written(text, given, formats);
    if written.is_whole() {
        return written;
    }
    let decoded = decoded_once(text).map(|plain| as_written(plain.trim_ascii(), given, formats));
    match decoded {
        Some(sightings) if sightings.is_whole() || written.is_empty() => {
            Sightings { decoded: true, ..sightings }
        }
        _ => written,
    }
}

/// Finds tokens in a request: in each family's own places, else in any value that has the
/// form of one.
#[must_use]
pub fn sight_in(request: &Request, given: &Given, among: &[&'static dyn Format]) -> Sightings {
    within(request, given, if among.is_empty() { FORMATS } else { among })
}

/// The text itself, and what it carries if it can be read as a request. What can be read
/// displaces what only looks like a token from afar: a URL may end like the token inside it.
fn as_written(text: &str, given: &Given, formats: &[&'static dyn Format]) -> Sightings {
    let mut sightings =
        readings(text).map_or_else(Sightings::default, |request| within(&request, given, formats));
    let itself = formats.iter().filter(|format| format.resembles(text)).map(|format| Sighting {
        format: *format,
        token: text.to_owned(),
        place: "the text itself",
        request: Request::default(),
    });
    sightings.found.splice(0..0, itself);
    if sightings.is_whole() {
        sightings.found.retain(Sighting::can_be_read);
    }
    // What is a token whole may also be found in its usual place.
    let mut seen = Vec::new();
    sightings.found.retain(|sighting| {
        let name = sighting.format.about().name;
        let new = !seen.contains(&name);
        seen.push(name);
        new
    });
    sightings
}

/// The request a text describes, if it can be read as one: a query, a URL, a request line,
/// headers, or several of them on lines of their own.
fn readings(text: &str) -> Option<Request> {
    let mut request = Request::default();
    for line in text.lines().map(str::trim_ascii).filter(|line| !line.is_empty()) {
        if let Some(query) = line.strip_prefix('?') {
            request.query = Some(query.to_owned());
        } else if request.path.is_some() || !is_target(&mut request, line) {
            request.headers.push(header(line)?);
        }
    }
    Some(request)
}

/// Whether a line is a URL or a request line, which is then taken into the request.
fn is_target(request: &mut Request, line: &str) -> bool {
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(url), None, None) => request.set_url(url).is_ok(),
        (Some(method), Some(url), Some(version)) if version.starts_with("HTTP/") => {
            request.method = Some(method.to_owned());
            request.set_url(url).is_ok()
        }
        _ => false,
    }
}

/// A header of a line: with its name, a bare `Bearer …`, or a bare `name=value` cookie.
fn header(line: &str) -> Option<(String, String)> {
    let authorization = |value: &str| ("Authorization".to_owned(), value.to_owned());
    if line.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer ")) {
        return Some(authorization(line));
    }
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match line.split_once(':') {
        Some((name, value)) if is_name(name) => {
            let value = value.trim_ascii();
            // What a server sends as `Set-Cookie: a=b; Path=/` comes back as `Cookie: a=b`.
            Some(match name.eq_ignore_ascii_case("set-cookie") {
                true => ("Cookie".to_owned(), first_pair(value).to_owned()),
                false => (name.to_owned(), value.to_owned()),
            })
        }
        _ if line.contains('=') => Some(("Cookie".to_owned(), line.to_owned())),
        _ => None,
    }
}

fn first_pair(cookie: &str) -> &str {
    cookie.split_once(';').map_or(cookie, |(pair, _)| pair)
}

fn within(request: &Request, given: &Given, formats: &[&'static dyn Format]) -> Sightings {
    let mut sightings = Sightings::default();
    let values = values(request);
    for format in formats.iter().copied() {
        let place = match format.find_in(given, request) {
            Err(refused) => {
                sightings.refused.push((format, refused));
                continue;
            }
            Ok(Some(token)) => Some((token, "its usual place in the request")),
            Ok(None) => values
                .iter()
                .find(|(value, _)| format.resembles(value))
                .map(|(value, place)| (value.clone(), *place)),
        };
        if let Some((token, place)) = place {
            sightings.found.push(Sighting { format, token, place, request: request.clone() });
        }
    }
    // A family that knows the place but not the form of what stands there is no candidate
    // beside one that knows the form.
    let resembles = |sighting: &Sighting| sighting.format.resembles(&sighting.token);
    if sightings.found.iter().any(resembles) {
        sightings.found.retain(resembles);
    }
    sightings
}

/// Every value in a request that could be a token, as sent and percent-decoded once.
fn values(request: &Request) -> Vec<(String, &'static str)> {
    let mut values = Vec::new();
    let mut add = |value: &str, place| {
        values.push((value.to_owned(), place));
        values.extend(decoded_once(value).map(|plain| (plain, place)));
    };
    for pair in request.query.iter().flat_map(|query| query.split('&')).take(VALUES_MAX) {
        add(pair.split_once('=').map_or(pair, |(_, value)| value), "a query parameter");
    }
    for (name, value) in request.headers.iter().take(VALUES_MAX) {
        if name.eq_ignore_ascii_case("cookie") {
            for pair in value.split(';').take(VALUES_MAX) {
                add(pair.split_once('=').map_or(pair, |(_, value)| value).trim_ascii(), "a cookie");
            }
        } else {
            add(value.rsplit(' ').next().unwrap_or(value), "a header");
        }
    }
    values
}

/// The text with its percent escapes decoded once; `None` when there are none, when one is
/// cut, or when it is no text afterwards.
fn decoded_once(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            plain.extend(hex::decode(digits).ok()?);
            rest = after;
        } else {
            plain.push(*byte);
            rest = after;
        }
    }
    String::from_utf8(plain).ok()
}

/// Query parameters, headers or cookies looked at.
const VALUES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::double::{OTHER, SAMPLE};

    const FAMILIES: &[&dyn Format] = &[&SAMPLE, &OTHER];

    #[test]
    fn a_token_is_found_wherever_it_is_pasted_from() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let sightings = sight(text, &Given::new(), FAMILIES);
            let found = sightings.found.first().map(|one| (one.token.as_str(), one.place));
            assert_eq!(found, expected, "{text}");
            assert!(sightings.found.len() <= 1, "{text}");
        };
        check("sample.17.x", Some(("sample.17.x", "the text itself")));
        check(" \"sample.17.x\"\n", Some(("sample.17.x", "the text itself")));
        check("sample%2e17.x", Some(("sample.17.x", "the text itself")));
        check("sample%252e17.x", None);
        let usual = "its usual place in the request";
        check("https://a.test/p?q=1&sample=sample.17.x#f", Some(("sample.17.x", usual)));
        check("?sample=sample.17.x", Some(("sample.17.x", usual)));
        check("https://a.test/p?z=sample%2E17.x", Some(("sample.17.x", "a query parameter")));
        check("Cookie: a=b; c=sample.17.x", Some(("sample.17.x", "a cookie")));
        check("Set-Cookie: c=sample.17.x; Path=/", Some(("sample.17.x", "a cookie")));
        check("a=b; c=sample.17.x", Some(("sample.17.x", "a cookie")));
        check(
            "Host: a.test\r\nAuthorization: Bearer sample.17.x\r\n",
            Some(("sample.17.x", "a header")),
        );
        check("bearer sample.17.x", Some(("sample.17.x", "a header")));
        for none in ["", "?", "/", "x", "a: b", "https://a.test/", "%", "%2", "%ff", "a=b&c=%zz"] {
            check(none, None);
        }
    }

    #[test]
    fn two_tokens_that_differ_are_told() {
        let sightings = sight("/p?sample=sample.1.x&sample=sample.2.x", &Given::new(), FAMILIES);
        assert!(sightings.found.is_empty());
        assert_eq!(sightings.refused.len(), 1);
    }
}
