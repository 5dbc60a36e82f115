//! Verifies a token for one request.

use std::time::Duration;

use portcullis_base::Timestamp;

use super::{
    jwe::ClaimKey,
    package,
    said::{UriSigningClaims, range, wrong},
};
use crate::{
    Verified,
    fault::{Fault, Refused, Step},
    format::Request,
    jws::{self, Jws, note},
    jwt::{KEYS_MAX, Thumbprints, VerificationKey},
    lifetime::{Lifetime, LifetimeError},
    watch::{Strict, Watch},
};

/// A key and whose it is.
#[derive(Debug)]
pub struct UriSigningKey {
    /// The key.
    pub key: VerificationKey,
    /// The issuers it is bound to. A token that names another, or names one while there are
    /// none here, is refused.
    pub issuers: Vec<String>,
}

/// What a server verifies with.
#[derive(Debug)]
pub struct UriSigningKeys {
    /// The keys signatures are verified with; at most 8 are tried.
    pub keys: Vec<UriSigningKey>,
    /// The key encrypted claims are under. Without it, a token with `cdniip` is refused.
    pub claim_key: Option<ClaimKey>,
    /// The names of this server. A token that is meant for others is refused.
    pub audiences: Vec<String>,
    /// The parameter tokens travel in.
    pub name: String,
}

/// Verifies a token for one request.
///
/// A token with a `jti` is good for one use, which the caller has to count before anything is
/// served.
///
/// # Errors
///
/// Says which check failed; [`log_code`] gives the RFC's word for it. The client is not to be
/// told.
pub fn verify(
    token: &str,
    keys: &UriSigningKeys,
    request: &Request,
    now: Timestamp,
) -> Result<Verified<UriSigningClaims>, Refused> {
    match (Walk { keys: Some(keys), name: &keys.name, request, now }).go(token, &mut Strict)? {
        Some(claims) => Ok(Verified::new(claims)),
        // A strict walk that goes on has read the claims.
        None => Err(Fault::malformed("no claims").at(Step::Form)),
    }
}

/// The code RFC 9246 has for the outcome in a log: 200 for an accepted token, 4xx by the claim
/// that failed, 500 for a URI that is none, 0 where nothing was checked.
#[must_use]
pub fn log_code(outcome: Result<(), &Refused>) -> u16 {
    let Err(Refused { step, fault }) = outcome else { return 200 };
    match fault {
        Fault::Claim { name } => match name.as_str() {
            "sub" => 402,
            "aud" => 403,
            "exp" => 404,
            "nbf" | "iat" => 405,
            "cdniets" | "cdnistd" | "cdnistt" => 406,
            "jti" => 407,
            "cdniv" => 408,
            "cdnicrit" => 409,
            "cdniip" => 410,
            "cdniuc" => 411,
            _ => 401,
        },
        Fault::Absent => 0,
        Fault::Address => 410,
        Fault::Audience => 403,
        Fault::Expired { .. } | Fault::Lifetime { .. } | Fault::NoEnd => 404,
        Fault::IssuedAhead { .. } | Fault::NotYet { .. } => 405,
        Fault::Issuer => 401,
        Fault::Path => 411,
        Fault::PathMalformed { .. } => 500,
        Fault::RequestLacks { .. } => {
            if *step == Step::Place {
                410
            } else {
                411
            }
        }
        Fault::Revoked | Fault::UsedUp => 407,
        Fault::Unsupported { what } if what == "cdniv" => 408,
        Fault::Unsupported { what } if what == "cdniip" => 410,
        Fault::Unsupported { .. } => 409,
        _ => 400,
    }
}

pub(super) struct Walk<'a> {
    pub(super) keys: Option<&'a UriSigningKeys>,
    pub(super) name: &'a str,
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
}

impl Walk<'_> {
    pub(super) fn go<W: Watch>(
        &self,
        token: &str,
        watch: &mut W,
    ) -> Result<Option<UriSigningClaims>, W::Stop> {
        let read = Jws::parse(token, Thumbprints::Refused);
        let step = read.as_ref().err().map_or(Step::Form, jws::form_step);
        let Some(jws) = note(watch, step, read, |_| "a compact JWS".to_owned())? else {
            return Ok(None);
        };
        let key = match self.keys {
            None => {
                watch.skip(Step::Signature, "no key was given");
                None
            }
            Some(keys) => {
                let found = find_key(&jws, &keys.keys);
                let step = found.as_ref().err().map_or(Step::Signature, |(step, _)| *step);
                let found = found.map_err(|(_, fault)| fault);
                note(watch, step, found, |_| format!("{} by a key of ours", jws.algorithm()))?
            }
        };
        let claims = jws
            .claims()
            .and_then(|all| UriSigningClaims::parse(all, jws.algorithm(), jws.signature()));
        let step = match &claims {
            Err(Fault::NoEnd) => Step::Times,
            Err(Fault::Claim { .. }) => Step::Claims,
            _ => Step::Form,
        };
        let Some(mut claims) = note(watch, step, claims, |_| "every claim is read".to_owned())?
        else {
            return Ok(None);
        };
        let times = self.check_times(&claims);
        watch.check(Step::Times, times, || format!("until {}", claims.end))?;
        self.walk_parties(&claims, key, watch)?;
        watch.check(Step::Claims, claims.check_understood(), || {
            "nothing critical is unknown".to_owned()
        })?;
        let covered = package::signed_uri(self.name, self.request);
        let covered = covered.and_then(|uri| claims.container.check(&uri).map(|()| uri));
        claims.uri = note(watch, Step::Coverage, covered, String::clone)?;
        self.walk_place(&mut claims, watch)?;
        let uses =
            if claims.id.is_some() { "good for one use, to be counted" } else { "not counted" };
        watch.skip(Step::Uses, uses);
        Ok(Some(claims))
    }

    fn check_times(&self, claims: &UriSigningClaims) -> Result<(), Fault> {
        let start = claims.start.unwrap_or(Timestamp(0));
        match Lifetime::new(start, claims.end) {
            Ok(lifetime) => lifetime.check(self.now, Duration::ZERO)?,
            Err(LifetimeError::Empty { .. }) if claims.end <= self.now => {
                return Err(Fault::Expired { end: claims.end });
            }
            Err(error) => return Err(error.into()),
        }
        match claims.issued_at {
            Some(at) if at > self.now.saturating_add(AHEAD_MAX) => Err(Fault::IssuedAhead { at }),
            _ => Ok(()),
        }
    }

    fn walk_parties<W: Watch>(
        &self,
        claims: &UriSigningClaims,
        key: Option<&UriSigningKey>,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        match (&claims.issuer, key) {
            (None, _) => watch.skip(Step::Issuer, "the token names no issuer"),
            (Some(_), None) => watch.skip(Step::Issuer, "no key was found to be bound to it"),
            (Some(issuer), Some(key)) => {
                let known = key.issuers.contains(issuer);
                let outcome = if known { Ok(()) } else { Err(Fault::Issuer) };
                watch.check(Step::Issuer, outcome, || issuer.clone())?;
            }
        }
        let own = self.keys.map(|keys| keys.audiences.as_slice()).unwrap_or_default();
        if !claims.all.contains_key("aud") {
            watch.skip(Step::Audience, "the token names no audience");
            return Ok(());
        }
        if self.keys.is_none() {
            watch.skip(Step::Audience, "no names of this server were given");
            return Ok(());
        }
        let meant = claims.audiences.iter().any(|audience| own.contains(audience));
        let outcome = if meant { Ok(()) } else { Err(Fault::Audience) };
        watch.check(Step::Audience, outcome, || "this server is meant".to_owned())
    }

    /// Opens what is encrypted, and compares the address.
    fn walk_place<W: Watch>(
        &self,
        claims: &mut UriSigningClaims,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        let key = self.keys.and_then(|keys| keys.claim_key.as_ref());
        // Who it is about may be meant for others, under a key that is theirs.
        claims.user = key.zip(claims.subject.as_deref()).and_then(|(key, text)| key.open(text));
        let Some(sealed) = claims.all.get("cdniip").and_then(|value| value.as_str()) else {
            watch.skip(Step::Place, "the token is bound to no address");
            return Ok(());
        };
        let opened = match key {
            None if self.keys.is_none() => {
                watch.skip(Step::Place, "no key for encrypted claims was given");
                return Ok(());
            }
            None => Err(Fault::Unsupported { what: "cdniip".to_owned() }),
            Some(key) => {
                let range = key.open(sealed).and_then(|text| range(&text));
                range.ok_or_else(|| wrong("cdniip"))
            }
        };
        claims.addresses = opened.as_ref().ok().copied();
        let outcome = opened.and_then(|range| match self.request.address {
            None => Err(Fault::RequestLacks { what: "address" }),
            Some(own) if range.contains(own) => Ok(()),
            Some(_) => Err(Fault::Address),
        });
        watch.check(Step::Place, outcome, || "the address lies in the range".to_owned())
    }
}

/// The key that made the signature.
fn find_key<'a>(
    jws: &Jws<'_>,
    keys: &'a [UriSigningKey],
) -> Result<&'a UriSigningKey, (Step, Fault)> {
    let mut keys = keys.iter().filter(|one| one.key.algorithm() == jws.algorithm()).peekable();
    if keys.peek().is_none() {
        return Err((Step::Key, Fault::Algorithm));
    }
    let mut keys = keys.filter(|one| one.key.answers_to(jws.kid())).peekable();
    if keys.peek().is_none() {
        return Err((Step::Key, Fault::Key));
    }
    let found = keys.take(KEYS_MAX).find(|one| jws.is_signed_by(&one.key));
    found.ok_or((Step::Signature, Fault::Signature))
}

/// How far ahead of ours the clock of an issuer may be that says when it made the token.
/// `exp` and `nbf` have no leeway.
const AHEAD_MAX: Duration = Duration::from_secs(30);
