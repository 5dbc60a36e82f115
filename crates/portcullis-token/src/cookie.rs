//! Random same-site cookie tokens: a value nobody can guess, stored on our side by its digest.
//!
//! The token says nothing; what it stands for is the record that was stored under its digest.
//! Whoever reads the store learns no token. The cookie is bound to one host, hidden from
//! scripts and withheld from other sites' requests, so it can be neither set from elsewhere
//! nor sent from there. A session is over when it was not used for a while, and in any case
//! some time after it was opened. At a login the value is replaced, so that one that was
//! planted before is worth nothing after.
//!
//! Not looked up here and not stored here: the caller brings the record, and finds the one
//! cookie in a request with [`carrier::collect`](crate::edge::carrier::collect).
//!
//! SPEC: AMD cookie sessions; RFC 6265bis §4.1.3 for `__Host-`; SEC-78.

use std::{fmt, time::Duration};

use aws_lc_rs::{constant_time, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_base::{Rng, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::{Verified, edge::acl::Acl, lifetime::Lifetime};

/// A token, as the cookie carries it.
#[derive(Debug)]
pub struct CookieToken(Secret<VALUE_BYTES>);

impl CookieToken {
    /// Makes a token nobody has seen.
    #[must_use]
    pub fn generate(rng: &dyn Rng) -> Self {
        Self(Secret::fill_with(|value| rng.fill(value)))
    }

    /// Reads the value of the cookie: 43 characters of unpadded base64url.
    ///
    /// # Errors
    ///
    /// [`CookieError::Malformed`] for everything else.
    pub fn parse(text: &str) -> Result<Self, CookieError> {
        // One token has one text: the decoder refuses padding and unused bits that are set.
        let decoded =
            if text.len() == TEXT_CHARS { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
        let decoded = decoded.map(Zeroizing::new);
        let value = decoded.and_then(|value| Secret::copy_from(&value));
        value.map(Self).ok_or(CookieError::Malformed)
    }

    /// The value of the cookie.
    #[must_use]
    pub fn expose_text(&self) -> Zeroizing<String> {
        Zeroizing::new(URL_SAFE_NO_PAD.encode(self.0.expose()))
    }

    /// What is stored of the token.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut out = [0; 32];
        let made = digest::digest(&digest::SHA256, self.0.expose());
        out.copy_from_slice(made.as_ref());
        out
    }

    /// Checks the token for one request against the record stored for it: that it is the one,
    /// that the session has not ended, and that it covers the path as sent.
    ///
    /// # Errors
    ///
    /// Says which check failed. The client is not to be told.
    pub fn verify(
        &self,
        record: CookieRecord,
        limits: &CookieLimits,
        path: &str,
        now: Timestamp,
    ) -> Result<Verified<CookieClaims>, CookieError> {
        let own = self.digest();
        if constant_time::verify_slices_are_equal(&own, &record.digest).is_err() {
            return Err(CookieError::Unknown);
        }
        let end = limits.end(&record);
        if end <= now {
            return Err(CookieError::Ended { end });
        }
        if !record.acl.admits(path) {
            return Err(CookieError::Path);
        }
        let start = record.opened.min(now);
        let lifetime = Lifetime::new(start, end).map_err(|_| CookieError::Ended { end })?;
        Ok(Verified::new(CookieClaims {
            session: record.session,
            subject: record.subject,
            acl: record.acl,
            lifetime,
            use_to_note: limits.use_to_note(record.seen, now),
        }))
    }
}

/// What was stored when a session was opened, and when it was used last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieRecord {
    /// The digest of the token.
    pub digest: [u8; 32],
    /// The session's id, by which it can be revoked. It stays when the token is replaced.
    pub session: String,
    /// Whose session it is, where that is known.
    pub subject: Option<String>,
    /// What it covers.
    pub acl: Acl,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was used last, as far as that was noted.
    pub seen: Timestamp,
}

/// When sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieLimits {
    /// How long a session lasts without being used.
    pub idle: Duration,
    /// How long it lasts in any case.
    pub absolute: Duration,
}

impl CookieLimits {
    /// When a session ends if it is not used again: the first second outside.
    #[must_use]
    pub fn end(&self, record: &CookieRecord) -> Timestamp {
        let idle = record.seen.saturating_add(self.idle);
        idle.min(record.opened.saturating_add(self.absolute))
    }

    /// Uses are noted from time to time only; a minute is early enough, and so is a quarter of
    /// a shorter idle time.
    fn use_to_note(&self, seen: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let step = NOTE_EVERY.min(self.idle / 4);
        (seen < now && seen.until(now) >= step).then_some(now)
    }
}

/// What a session says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieClaims {
    /// The session's id.
    pub session: String,
    /// Whose session it is, where that is known.
    pub subject: Option<String>,
    /// What it covers.
    pub acl: Acl,
    /// From when it was opened until it ends if it is not used again.
    pub lifetime: Lifetime,
    /// The moment to store as that of the last use, if it is time to store one.
    pub use_to_note: Option<Timestamp>,
}

/// Why a cookie token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CookieError {
    /// The session was not used for too long, or is too old.
    #[error("the session ended at {end}")]
    Ended {
        /// When it ended.
        end: Timestamp,
    },
    /// The text is not a token.
    #[error("not a cookie token: expected 43 characters of unpadded base64url")]
    Malformed,
    /// The session does not cover the path.
    #[error("the session does not cover the path")]
    Path,
    /// The record is another token's.
    #[error("no session has this token")]
    Unknown,
}

impl CookieError {
    /// A stable name for logs and traces.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ended { .. } => "token.expired",
            Self::Malformed => "token.malformed",
            Self::Path => "token.path",
            Self::Unknown => "token.signature",
        }
    }
}

/// The name of the cookie: `__Host-` and a word. Browsers take a cookie of such a name only
/// over TLS, from the host itself and for all of its paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieName(String);

impl CookieName {
    /// Makes the name of 1 to 32 letters, digits, `-` or `_`; `None` for anything else.
    #[must_use]
    pub fn new(word: &str) -> Option<Self> {
        let accepted = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let fits = (1..=32).contains(&word.len()) && word.bytes().all(accepted);
        fits.then(|| Self(format!("__Host-{word}")))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `Set-Cookie` for a new session, or for one whose token was replaced `age` after it was
    /// opened.
    #[must_use]
    pub fn set(
        &self,
        token: &CookieToken,
        same_site: CookieSite,
        limits: &CookieLimits,
        age: Duration,
    ) -> Zeroizing<String> {
        let left = limits.absolute.saturating_sub(age).as_secs();
        let value = token.expose_text();
        Zeroizing::new(self.with(&value, same_site, left))
    }

    /// `Set-Cookie` that takes the cookie away.
    #[must_use]
    pub fn clear(&self, same_site: CookieSite) -> String {
        self.with("", same_site, 0)
    }

    fn with(&self, value: &str, same_site: CookieSite, max_age: u64) -> String {
        let (name, site) = (&self.0, same_site.as_str());
        format!("{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite={site}")
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// With which requests browsers send the cookie. Never with those of other sites' scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieSite {
    /// With the site's own requests, and when a viewer follows a link to it.
    Lax,
    /// With the site's own requests only.
    Strict,
}

impl CookieSite {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }
}

const VALUE_BYTES: usize = 32;
const TEXT_CHARS: usize = 43;
const NOTE_EVERY: Duration = Duration::from_secs(60);
