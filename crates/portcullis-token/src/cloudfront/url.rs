//! Signed URLs: the parts stand in the query.

use std::borrow::Cow;

use portcullis_base::{Rng, Timestamp};

use super::{CloudFront, NAMES, Parts, fields, fields::Wish};
use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused},
    format::{About, Given, GivenFault, Issued, Shown},
    url_hash::{
        Asked, pairs,
        scheme::{Made, Scheme, verify},
    },
    watch::Watch,
};

/// A distribution whose viewers come with signed URLs.
#[derive(Debug)]
pub struct CloudFrontUrl(pub CloudFront);

impl CloudFrontUrl {
    /// Verifies the parts as they stand in the query, joined by `&`.
    ///
    /// # Errors
    ///
    /// Says at which check it was refused, and why. The client is not to be told.
    pub fn verify(
        &self,
        parts: &str,
        asked: &Asked<'_>,
        now: Timestamp,
    ) -> Result<Verified<Claims>, Refused> {
        verify(self, parts, asked, now)
    }
}

impl Scheme for CloudFrontUrl {
    const ABOUT: &'static About = &fields::URL;
    type Token<'t> = Parts<'t>;

    fn read(given: &Given) -> Result<Self, GivenFault> {
        fields::read(given).map(Self)
    }

    fn ready(&self) -> Result<(), GivenFault> {
        fields::ready(&self.0)
    }

    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
        let mut found = String::new();
        let (mut signature, mut seen) = (false, Vec::<(&str, &str)>::new());
        for (name, value) in asked.parameters().filter(|(name, _)| NAMES.contains(name)) {
            match seen.iter().find(|(known, _)| *known == name) {
                Some((_, first)) if *first == value => continue,
                Some(_) => return Err(Fault::Ambiguous),
                None => seen.push((name, value)),
            }
            signature |= name == "Signature";
            let mark = if found.is_empty() { "" } else { "&" };
            found.extend([mark, name, "=", value]);
        }
        // Other systems have an `Expires`, too.
        Ok(signature.then_some(Cow::Owned(found)))
    }

    fn parse<'t>(&self, text: &'t str) -> Result<Parts<'t>, Fault> {
        Parts::parse(pairs(text))
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
        let Wish { url, parts, request, start } = fields::wish(&self.0, given, now)?;
        let token: Vec<String> = parts.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let token = token.join("&");
        let url = url.map(|url| {
            let mark = if url.contains('?') { '&' } else { '?' };
            ("url", format!("{url}{mark}{token}"))
        });
        let carriage = url.into_iter().chain([("query", token.clone())]).collect();
        Ok(Made { issued: Issued { token, carriage }, request, start })
    }

    fn fields(claims: &Claims) -> Given {
        fields::of(claims)
    }
}
