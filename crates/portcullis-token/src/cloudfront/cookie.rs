//! Signed cookies: the parts are cookies of their own.

use std::borrow::Cow;

use portcullis_base::{Rng, Timestamp};

use super::{CloudFront, NAMES, Parts, fields, fields::Wish};
use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused},
    format::{About, Given, GivenFault, Issued, Shown},
    url_hash::{
        Asked, one_of,
        scheme::{Made, Scheme, verify},
    },
    watch::Watch,
};

/// A distribution whose viewers come with signed cookies.
#[derive(Debug)]
pub struct CloudFrontCookie(pub CloudFront);

impl CloudFrontCookie {
    /// Verifies the cookies as they stand in the header, joined by `; `.
    ///
    /// # Errors
    ///
    /// Says at which check it was refused, and why. The client is not to be told.
    pub fn verify(
        &self,
        cookies: &str,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<Verified<Claims>, Refused> {
        verify(self, cookies, asked, now)
    }
}

fn pairs_of(header: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = header.split(';').map(|pair| pair.trim_matches([' ', '\t']));
    pairs.filter_map(|pair| pair.split_once('='))
}

impl Scheme for CloudFrontCookie {
    const ABOUT: &'static About = &fields::COOKIE;
    type Token<'t> = Parts<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        fields::read(given).map(Self)
    }

    fn ready(&self) -> Result<(), GivenFault> {
        fields::ready(&self.0)
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        let headers = asked.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        let cookies: Vec<(&str, &str)> = headers.flat_map(|(_, value)| pairs_of(value)).collect();
        let mut found = String::new();
        for part in NAMES {
            let is_mine = |name: &str| name.strip_prefix(PREFIX) == Some(part);
            let mine = cookies.iter().filter(|(name, _)| is_mine(name)).map(|(_, value)| *value);
            if let Some(value) = one_of(mine)? {
                let mark = if found.is_empty() { "" } else { "; " };
                found.extend([mark, PREFIX, part, "=", value]);
            }
        }
        Ok((!found.is_empty()).then_some(Cow::Owned(found)))
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Parts<'t>, Fault> {
        let foreign = || Fault::malformed("a part that is none of a signed cookie");
        let mut parts = Vec::with_capacity(NAMES.len());
        for pair in text.split(';').map(|pair| pair.trim_matches([' ', '\t'])) {
            let pair = pair.strip_prefix(PREFIX).and_then(|pair| pair.split_once('='));
            parts.push(pair.ok_or_else(foreign)?);
        }
        Parts::parse(parts.into_iter())
    }

    fn walk<W: Watch>(
        &self,
        parts: &Parts<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        self.0.walk(parts, asked, now, watch)
    }

    fn claims(&self, parts: &Parts<'_>, asked: &Asked<'_>) -> Claims {
        self.0.claims(parts, asked)
    }

    fn show(&self, parts: &Parts<'_>) -> Vec<Shown> {
        parts.show()
    }

    fn make(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Made, GivenFault> {
        let Wish { mut parts, request, start, .. } = fields::wish(&self.0, given, now)?;
        // In the order of the SDK: key, signature, policy or end, hash.
        parts.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name));
        let cookies: Vec<String> =
            parts.iter().map(|(name, value)| format!("{PREFIX}{name}={value}")).collect();
        let token = cookies.join("; ");
        let lines: Vec<String> =
            cookies.iter().map(|cookie| format!("Set-Cookie: {cookie}{ATTRIBUTES}")).collect();
        let carriage =
            vec![("cookies", format!("Cookie: {token}")), ("set-cookies", lines.join("\n"))];
        Ok(Made { issued: Issued { token, carriage }, request, start })
    }

    fn fields(claims: &Claims) -> Given {
        fields::of(claims)
    }
}

const PREFIX: &str = "CloudFront-";
const ORDER: [&str; 5] = ["Key-Pair-Id", "Signature", "Policy", "Expires", "Hash-Algorithm"];
/// A player of another site needs `SameSite=None` instead.
const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Lax";
