//! The walk that every small URL token takes, and its face as a [`Format`].
//!
//! A scheme reads its text, walks its checks and says what it claims; everything else is
//! written once here: the strict verification, the explanation, finding the token in a URL,
//! and that nothing is issued which would be refused.

use std::{borrow::Cow, fmt, marker::PhantomData};

use portcullis_base::{Rng, Timestamp};

use super::Asked;
use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused, Step},
    format::{About, Explanation, Format, Given, GivenFault, Issued, Request, Shown, Verdict},
    watch::{Recorder, Strict, Watch},
};

/// A site's keys and settings for one kind of token.
pub(crate) trait Scheme: fmt::Debug + Send + Sync + Sized + 'static {
    /// What it is and takes.
    const ABOUT: &'static About;
    /// The longest text that is looked at.
    const BYTES_MAX: usize = 4000;
    /// A token that was read and not verified.
    type Token<'t>;

    /// Reads keys and settings; keys may be lacking.
    fn read(given: &Given) -> Result<Self, GivenFault>;

    /// Says what is lacking to verify, if something is.
    fn ready(&self) -> Result<(), GivenFault>;

    /// Finds the token in a request.
    fn find<'a>(&self, asked: &Asked<'a>) -> Result<Option<Cow<'a, str>>, Fault>;

    /// Whether `part` is what people call the token where more belongs to it: its hash alone,
    /// without the end that stands beside it.
    fn is_core(_whole: &str, _part: &str) -> bool {
        false
    }

    /// Reads a token.
    fn parse<'t>(&self, text: &'t str) -> Result<Self::Token<'t>, Fault>;

    /// Makes the checks, in their order.
    fn walk<W: Watch>(
        &self,
        token: &Self::Token<'_>,
        asked: &Asked<'_>,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<(), W::Stop>;

    /// What the token says, for this request.
    fn claims(&self, token: &Self::Token<'_>, asked: &Asked<'_>) -> Claims;

    /// Its fields.
    fn show(&self, token: &Self::Token<'_>) -> Vec<Shown>;

    /// Makes a token.
    fn make(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Made, GivenFault>;

    /// The fields with which `make` would say what `claims` says.
    fn fields(claims: &Claims) -> Given;
}

/// A token, and the request it is good for.
pub(crate) struct Made {
    pub(crate) issued: Issued,
    pub(crate) request: Request,
    /// From when it is good.
    pub(crate) start: Timestamp,
}

/// Verifies a token: every check holds, or the first that does not.
pub(crate) fn verify<S: Scheme>(
    site: &S,
    text: &str,
    asked: &Asked<'_>,
    now: Timestamp,
) -> Result<Verified<Claims>, Refused> {
    // SECURITY: without a key, a walk would skip what it cannot check.
    if site.ready().is_err() {
        return Err(Fault::Key.at(Step::Key));
    }
    let token = parse(site, text).map_err(|fault| fault.at(Step::Form))?;
    site.walk(&token, asked, now, &mut Strict)?;
    Ok(Verified::new(site.claims(&token, asked)))
}

fn parse<'t, S: Scheme>(site: &S, text: &'t str) -> Result<S::Token<'t>, Fault> {
    match text.len() {
        0 => Err(Fault::Absent),
        length if length > S::BYTES_MAX => Err(Fault::TooLong { bytes_max: S::BYTES_MAX }),
        _ => site.parse(text),
    }
}

/// A scheme as a [`Format`].
pub(crate) struct Adapter<S>(PhantomData<fn() -> S>);

impl<S> Adapter<S> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Scheme> fmt::Debug for Adapter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(S::ABOUT.name)
    }
}

/// A token as it is parsed, and the request it stands for.
struct Located<'a> {
    token: Cow<'a, str>,
    request: Cow<'a, Request>,
}

impl<S: Scheme> Adapter<S> {
    /// Takes a token out of the URL it stands in. The core of one is completed from the
    /// request, whose token it has to be.
    fn locate<'a>(site: &S, text: &'a str, request: &'a Request) -> Result<Located<'a>, Fault> {
        let in_url = ["https://", "http://", "/"].iter().any(|start| text.starts_with(start));
        if !in_url {
            let whole = site.find(&Asked::of(request)).ok().flatten();
            let token = match whole {
                Some(whole) if S::is_core(&whole, text) => Cow::Owned(whole.into_owned()),
                _ => Cow::Borrowed(text),
            };
            return Ok(Located { token, request: Cow::Borrowed(request) });
        }
        if text.len() > URL_BYTES_MAX {
            return Err(Fault::TooLong { bytes_max: URL_BYTES_MAX });
        }
        let mut url = Request::default();
        url.set_url(text).map_err(|error| Fault::malformed(error.to_string()))?;
        let token = site.find(&Asked::of(&url))?.map(Cow::into_owned);
        let token = Cow::Owned(token.ok_or(Fault::Absent)?);
        let request = match request.path {
            Some(_) => Cow::Borrowed(request),
            None => Cow::Owned(Request {
                origin: url.origin,
                path: url.path,
                query: url.query,
                ..request.clone()
            }),
        };
        Ok(Located { token, request })
    }
}

impl<S: Scheme> Format for Adapter<S> {
    fn about(&self) -> &'static About {
        S::ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        let Ok(site) = S::read(&Given::new()) else { return false };
        let request = Request::default();
        let located = Self::locate(&site, token, &request);
        located.is_ok_and(|located| parse(&site, &located.token).is_ok())
    }

    fn find_in(&self, given: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let Ok(site) = S::read(given) else { return Ok(None) };
        let found = site.find(&Asked::of(request)).map_err(|fault| fault.at(Step::Presence))?;
        Ok(found.map(Cow::into_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let site = S::read(given)?;
        site.ready()?;
        let located = match Self::locate(&site, token, request) {
            Ok(located) => located,
            Err(fault) => return Ok(Err(fault.at(Step::Presence))),
        };
        Ok(verify(&site, &located.token, &Asked::of(&located.request), now))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let site = S::read(given)?;
        let mut watch = Recorder::default();
        let (mut fields, mut claims) = (Vec::new(), None);
        match Self::locate(&site, token, request) {
            Err(fault) => watch.note(Step::Presence, Err(fault)),
            Ok(Located { token, request }) => match parse(&site, &token) {
                Err(fault) => watch.note(Step::Form, Err(fault)),
                Ok(token) => {
                    let asked = Asked::of(&request);
                    watch.note(Step::Form, Ok(()));
                    let Ok(()) = site.walk(&token, &asked, now, &mut watch);
                    fields = site.show(&token);
                    claims = Some(site.claims(&token, &asked));
                }
            },
        }
        let checks = watch.into_checks();
        Ok(Explanation::found(S::ABOUT.name, fields, checks, claims.as_ref()))
    }

    fn issue(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Issued, GivenFault> {
        let site = S::read(given)?;
        site.ready()?;
        let made = site.make(given, now, rng)?;
        let at = made.start.max(now);
        let refused = |refused: Refused| {
            let step = refused.step.as_str();
            GivenFault::Denied(format!("the token would be refused at {step}: {refused}"))
        };
        let _: Verified<Claims> =
            verify(&site, &made.issued.token, &Asked::of(&made.request), at).map_err(refused)?;
        Ok(made.issued)
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        S::fields(claims)
    }
}

impl Recorder {
    fn note(&mut self, step: Step, outcome: Result<(), Fault>) {
        let Ok(()) = self.check(step, outcome, || "it can be read".to_owned());
    }
}

/// A URL that carries the longest of these tokens, and as much again.
const URL_BYTES_MAX: usize = 16_384;
