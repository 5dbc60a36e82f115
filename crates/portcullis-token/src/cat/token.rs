//! Verifies a token for one request.

use std::time::Duration;

use portcullis_base::Timestamp;

use super::{
    NAME, NAME_OLD, PARAMETERS,
    claims::{CatClaims, label},
    cose::Cose,
    matching,
};
use crate::{
    Verified,
    fault::{Fault, Refused, Step},
    format::Request,
    jwt::VerificationKey,
    lifetime::{Leeway, Lifetime, LifetimeError},
    watch::{Strict, Watch},
};

/// What a server verifies with.
#[derive(Debug)]
pub struct CatRules {
    /// The keys; at most 8 are tried. A name in the token leaves out keys of another name.
    pub keys: Vec<VerificationKey>,
    /// The one issuer. If it is set, a token without `iss` is refused.
    pub issuer: Option<String>,
    /// The name of this server. If it is set, a token without `aud` is refused; if not, one
    /// with `aud` is.
    pub audience: Option<String>,
    /// How far clocks may differ.
    pub leeway: Leeway,
    /// The protocol the connection agreed on (`h2`), as far as it is known.
    pub alpn: Option<String>,
}

/// Verifies a token for one request.
///
/// A token that is good for one use has to be counted by the caller before anything is served.
///
/// # Errors
///
/// Says which check failed. The client is not to be told.
pub fn verify(
    token: &str,
    rules: &CatRules,
    request: &Request,
    now: Timestamp,
) -> Result<Verified<CatClaims>, Refused> {
    let cose = Cose::parse(token)?;
    match (Walk { rules: Some(rules), request, now }).go(&cose, &mut Strict)? {
        Some(claims) => Ok(Verified::new(claims)),
        // A strict walk that goes on has read the claims.
        None => Err(Fault::malformed("no claims").at(Step::Form)),
    }
}

pub(super) struct Walk<'a> {
    pub(super) rules: Option<&'a CatRules>,
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
}

impl Walk<'_> {
    pub(super) fn go<W: Watch>(
        &self,
        cose: &Cose,
        watch: &mut W,
    ) -> Result<Option<CatClaims>, W::Stop> {
        match self.rules {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(rules) => {
                let (step, outcome) = match cose.check_proof(&rules.keys) {
                    Ok(()) => (Step::Signature, Ok(())),
                    Err(Refused { step, fault }) => (step, Err(fault)),
                };
                watch.check(step, outcome, || format!("{} by a key of ours", cose.algorithm))?;
            }
        }
        let claims = match CatClaims::parse(cose) {
            Ok(claims) => claims,
            Err(fault) => {
                let step = if fault == Fault::NoEnd { Step::Times } else { Step::Claims };
                watch.check(step, Err(fault), String::new)?;
                return Ok(None);
            }
        };
        watch.check(Step::Times, self.check_times(&claims), || format!("until {}", claims.end))?;
        self.walk_parties(&claims, watch)?;
        watch.check(Step::Claims, CatClaims::check_understood(&cose.claims), || {
            "every claim is one that is enforced".to_owned()
        })?;
        self.walk_coverage(&claims, watch)?;
        self.walk_place(&claims, watch)?;
        let uses = if claims.once { "good for one use, to be counted" } else { "not counted" };
        watch.skip(Step::Uses, uses);
        Ok(Some(claims))
    }

    fn check_times(&self, claims: &CatClaims) -> Result<(), Fault> {
        let leeway = self.rules.map_or(Duration::ZERO, |rules| rules.leeway.duration());
        match Lifetime::new(claims.start.unwrap_or(Timestamp(0)), claims.end) {
            Ok(lifetime) => lifetime.check(self.now, leeway)?,
            Err(LifetimeError::Empty { end, .. }) if end <= self.now => {
                return Err(Fault::Expired { end });
            }
            Err(error) => return Err(error.into()),
        }
        match claims.issued_at {
            Some(at) if at > self.now.saturating_add(AHEAD_MAX.max(leeway)) => {
                Err(Fault::IssuedAhead { at })
            }
            _ => Ok(()),
        }
    }

    fn walk_parties<W: Watch>(&self, claims: &CatClaims, watch: &mut W) -> Result<(), W::Stop> {
        match self.rules.and_then(|rules| rules.issuer.as_ref()) {
            None => watch.skip(Step::Issuer, "no issuer is asked for"),
            Some(issuer) => {
                let own = claims.issuer.as_ref() == Some(issuer);
                let outcome = if own { Ok(()) } else { Err(Fault::Issuer) };
                watch.check(Step::Issuer, outcome, || issuer.clone())?;
            }
        }
        let asked = claims.get(label::AUD).is_some();
        let Some(rules) = self.rules else {
            watch.skip(Step::Audience, "the name of this server was not given");
            return Ok(());
        };
        let meant = match &rules.audience {
            None => !asked,
            Some(own) => claims.audiences.contains(own),
        };
        let outcome = if meant { Ok(()) } else { Err(Fault::Audience) };
        watch.check(Step::Audience, outcome, || "this server is meant".to_owned())
    }

    fn walk_coverage<W: Watch>(&self, claims: &CatClaims, watch: &mut W) -> Result<(), W::Stop> {
        let outcome = match claims.get(label::CATU) {
            None => Ok(()),
            Some(catu) => matching::check_url(catu, self.request, &PARAMETERS),
        };
        watch.check(Step::Coverage, outcome, || "the URL is covered".to_owned())?;
        // A request whose method is not said is a GET.
        let method = self.request.method.as_deref().unwrap_or("GET");
        let allowed = claims.methods.is_empty() || claims.methods.iter().any(|one| one == method);
        let outcome = if allowed { Ok(()) } else { Err(Fault::Method) };
        watch.check(Step::Coverage, outcome, || method.to_owned())?;
        let outcome = match claims.get(label::CATH) {
            None => Ok(()),
            Some(_) if self.request.is_unsaid() => Err(Fault::RequestLacks { what: "headers" }),
            Some(cath) => matching::check_headers(cath, self.request),
        };
        watch.check(Step::Coverage, outcome, || "the headers are as they should be".to_owned())?;
        let alpn = self.rules.and_then(|rules| rules.alpn.as_deref());
        let outcome = match alpn {
            _ if claims.protocols.is_empty() => Ok(()),
            None => Err(Fault::RequestLacks { what: "protocol" }),
            Some(alpn) if claims.protocols.iter().any(|one| one == alpn.as_bytes()) => Ok(()),
            Some(_) => Err(Fault::Path),
        };
        watch.check(Step::Coverage, outcome, || "the protocol is one of those".to_owned())
    }

    fn walk_place<W: Watch>(&self, claims: &CatClaims, watch: &mut W) -> Result<(), W::Stop> {
        let outcome = match self.request.address {
            _ if claims.ranges.is_empty() => Ok(()),
            None => Err(Fault::RequestLacks { what: "address" }),
            Some(own) if claims.ranges.iter().any(|range| range.contains(own)) => Ok(()),
            Some(_) => Err(Fault::Address),
        };
        watch.check(Step::Place, outcome, || "the address may use it".to_owned())?;
        let outcome = match self.request.country.as_deref() {
            _ if claims.countries.is_empty() => Ok(()),
            None => Err(Fault::RequestLacks { what: "country" }),
            Some(own) if claims.countries.iter().any(|one| one.eq_ignore_ascii_case(own)) => Ok(()),
            Some(_) => Err(Fault::Place),
        };
        watch.check(Step::Place, outcome, || "the country may use it".to_owned())
    }
}

/// The tokens a request presents, in each place they travel in.
pub(super) fn presented(request: &Request) -> impl Iterator<Item = &str> {
    let headers = request.header(NAME).chain(request.header(NAME_OLD));
    let parameters = PARAMETERS.into_iter().flat_map(|name| request.parameter(name));
    headers.chain(cookies(request)).chain(parameters)
}

/// Those in cookies.
pub(super) fn cookies(request: &Request) -> impl Iterator<Item = &str> {
    let names = [NAME, NAME_OLD, "cta-common-access-token"];
    names.into_iter().flat_map(|name| request.cookie(name))
}

/// How far ahead of ours the clock of an issuer may be that says when it made the token.
const AHEAD_MAX: Duration = Duration::from_secs(30);
