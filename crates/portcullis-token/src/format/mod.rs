//! Every token family behind one face: verify, explain, issue, convert.
//!
//! A [`Format`] is a thin adapter over a family's own typed module, for callers that learn
//! the family at run time: the command line, test sets, policies. It takes keys and fields as
//! named texts ([`Given`]), and speaks of what a token says in [`Claims`]. The typed modules
//! are what a server calls for every request; they prepare keys once and allocate little.
//!
//! To add a family: write its module (`parse`, a walk of checks over `Watch`, `verify`,
//! `issue`), then its adapter with an [`About`], and put it into [`FORMATS`].

mod batch;
mod convert;
#[cfg(test)]
mod double;
mod explain;
mod given;
pub(crate) mod keys;
mod request;
mod sighting;

use std::fmt;

use portcullis_base::{Rng, Timestamp};

pub use batch::{BatchAnswer, BatchFault, BatchVerdict, LINE_BYTES_MAX, answer};
pub use convert::{Converted, Loss, convert};
pub use explain::{Explanation, Shown, advice, calendar, recognise};
pub use given::{Given, GivenFault};
pub use request::{Request, RequestFault};
pub use sighting::{Sighting, Sightings, sight, sight_in};

use crate::{Verified, ams, claims::Claims, fault::Refused};

/// Every family, in the order of the documentation.
pub static FORMATS: &[&dyn Format] = &[
    &crate::edge::AkamaiAccess,
    &crate::edge::AkamaiSession,
    &crate::url_hash::NGINX,
    &crate::url_hash::NGINX_SECRET,
    &crate::url_hash::FASTLY,
    &crate::url_hash::CLOUDFLARE,
    &crate::url_hash::BUNNY,
    &crate::url_hash::AWS_SMD,
    &crate::cloudfront::URL,
    &crate::cloudfront::COOKIE,
    &crate::media_cdn::MediaCdn,
    &crate::uri_signing::UriSigning,
    &crate::cat::Cat,
    &crate::pallycon::PallyConFormat,
    &ams::JWT,
    &ams::SWT,
    &crate::axinom::Axinom,
    &crate::drmtoday::Drmtoday,
    &crate::insys::Insys,
    &crate::native::Native,
];

/// The family called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.about().name == name)
}

/// Whether a token was accepted, and what it says.
pub type Verdict = Result<Verified<Claims>, Refused>;

/// A token family.
pub trait Format: fmt::Debug + Sync {
    /// What it is and what it takes.
    fn about(&self) -> &'static About;

    /// Whether a text has the form of this family's tokens, judged without any key. It is
    /// used to explain a token of unknown kind, so it should be true of no other family's
    /// tokens; several formats of JSON Web Tokens look at their claims for that.
    fn resembles(&self, token: &str) -> bool;

    /// Finds the token in a request that carries it, in this family's usual places (or those
    /// `given` names). `None` when there is none.
    ///
    /// # Errors
    ///
    /// A refusal at [`Step::Presence`](crate::fault::Step::Presence) when two differ.
    fn find_in(&self, given: &Given, request: &Request) -> Result<Option<String>, Refused>;

    /// Verifies a token for a request.
    ///
    /// # Errors
    ///
    /// When a key or setting is missing or cannot be read. What is wrong with the token is
    /// in the [`Verdict`].
    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault>;

    /// Shows every field and every check. Without keys, what needs them is skipped; without
    /// a request ([`Request::is_unsaid`]), what needs one.
    ///
    /// # Errors
    ///
    /// When a key or setting that was given cannot be read.
    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault>;

    /// Makes a token with the fields in `given`.
    ///
    /// # Errors
    ///
    /// Says which field is missing, faulty or cannot be granted.
    fn issue(&self, given: &Given, now: Timestamp, rng: &dyn Rng) -> Result<Issued, GivenFault>;

    /// The fields with which [`Format::issue`] would say what `claims` says, as far as it
    /// can be said in this family. What is left out is found by verifying the new token and
    /// comparing ([`convert()`]).
    fn fields_of(&self, claims: &Claims) -> Given;
}

/// What a family is and takes.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name in commands and test sets: `akamai-access`.
    pub name: &'static str,
    /// What it is, in a line.
    pub title: &'static str,
    /// Where its description can be read, without a link.
    pub source: &'static str,
    /// The keys and settings both sides share. Their names must differ from those of a
    /// request: `now url path query method ip headers content drm kids country`.
    pub keys: &'static [Param],
    /// What a token can say, by the format's own names: what `issue` takes besides the keys.
    pub says: &'static [Param],
    /// What a test set's `token` member holds, in a line: "the value of `hdnts`".
    pub token: &'static str,
    /// Known weaknesses of the format, and what is done about them.
    pub weaknesses: &'static [&'static str],
}

/// A named text that a family takes.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name, as the format writes it, with `_` between words.
    pub name: &'static str,
    /// What kind of text it is.
    pub kind: ParamKind,
    /// Whether it must be given.
    pub need: Need,
    /// What it means, with unit, range and default.
    pub help: &'static str,
}

/// A named text that a family takes.
pub(crate) const fn param(
    name: &'static str,
    kind: ParamKind,
    need: Need,
    help: &'static str,
) -> Param {
    Param { name, kind, need, help }
}

/// The kind of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// `true` or `false`; as an option without a value, `true`.
    Flag,
    /// A JSON value.
    Json,
    /// A whole number.
    Number,
    /// A secret or a private key: the command line reads it from a file with `@FILE`.
    Secret,
    /// A number of seconds, or `90s`, `15m`, `2h`, `7d`.
    Span,
    /// Any text. A public key in PEM form, too, which may be read with `@FILE`.
    Text,
    /// Unix seconds, a time such as `2026-01-31T12:00:00Z`, `now`, or `now+2h`.
    Time,
}

impl ParamKind {
    /// The word in lists of options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Json => "json",
            Self::Number => "number",
            Self::Secret => "secret",
            Self::Span => "span",
            Self::Text => "text",
            Self::Time => "time",
        }
    }
}

/// Whether a text must be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It may be left out.
    Optional,
    /// It may be given several times, or not at all.
    Repeated,
    /// It must be given.
    Required,
    /// It must be given to issue; a verifier does without.
    ToIssue,
    /// It must be given to verify; an issuer does without.
    ToVerify,
}

impl Need {
    /// The word in lists of options.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Repeated => "repeated",
            Self::Required => "required",
            Self::ToIssue => "to issue",
            Self::ToVerify => "to verify",
        }
    }
}

/// A token that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The token, in the form [`Format::verify`] takes.
    pub token: String,
    /// How it can travel: a way in a few words, and the text to send.
    pub carriage: Vec<(&'static str, String)>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued(…)")
    }
}
