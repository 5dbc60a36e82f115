//! The checks of a token under a restriction, once, for verifying and for explaining.

use portcullis_base::{KeyId, Timestamp};

use super::{Restriction, TokenType, said::Said, swt::Swt};
use crate::{
    claims::{Claims, Uses},
    fault::{Fault, Refused, Step},
    format::Request,
    identity::TokenFormat,
    jws::{Jws, KeyNames, form_step, note},
    jwt::{COUNTED_LIFETIME_MAX, KEYS_MAX, Thumbprints},
    lifetime::Lifetime,
    watch::Watch,
};

/// What a token is looked at with. Without a restriction or a request, what needs them is
/// skipped; a verification has both.
pub(super) struct Walk<'a> {
    pub(super) restriction: Option<&'a Restriction>,
    pub(super) request: Option<&'a Request>,
    pub(super) now: Timestamp,
}

impl Walk<'_> {
    pub(super) fn go<W: Watch>(
        &self,
        token: &str,
        token_type: TokenType,
        watch: &mut W,
    ) -> Result<Option<Claims>, W::Stop> {
        match token_type {
            TokenType::Jwt => self.jwt(token, watch),
            TokenType::Swt => self.swt(token, watch),
        }
    }

    fn jwt<W: Watch>(&self, token: &str, watch: &mut W) -> Result<Option<Claims>, W::Stop> {
        let parsed = match token.contains(SWT_MARK) {
            true => Err(Fault::Kind { what: "a Simple Web Token" }),
            false => Jws::parse(token, Thumbprints::Tolerated),
        };
        let step = parsed.as_ref().map_or_else(form_step, |_| Step::Form);
        let detail = |jws: &Jws<'_>| format!("a JSON Web Token, {}", jws.algorithm());
        let Some(jws) = note(watch, step, parsed, detail)? else { return Ok(None) };
        match self.restriction {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(restriction) => {
                let outcome = jws.check_signature(&restriction.keys, KeyNames::Ignored);
                signature(watch, outcome)?;
            }
        }
        let said = jws.claims().and_then(Said::of_jwt);
        let Some(said) = note(watch, Step::Form, said, read)? else { return Ok(None) };
        self.said(&said, watch)?;
        Ok(Some(said.into_claims(jws.signature(), TokenFormat::JwtSignature)))
    }

    fn swt<W: Watch>(&self, token: &str, watch: &mut W) -> Result<Option<Claims>, W::Stop> {
        let parsed = Swt::parse(token);
        let step = parsed.as_ref().map_or_else(form_step, |_| Step::Form);
        let detail = |_: &Swt<'_>| "a Simple Web Token".to_owned();
        let Some(swt) = note(watch, step, parsed, detail)? else { return Ok(None) };
        match self.restriction {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(restriction) => signature(watch, swt_signature(&swt, restriction))?,
        }
        let said = swt.pairs().and_then(Said::of_swt);
        let Some(said) = note(watch, Step::Form, said, read)? else { return Ok(None) };
        self.said(&said, watch)?;
        Ok(Some(said.into_claims(&swt.mac, TokenFormat::Swt)))
    }

    fn said<W: Watch>(&self, said: &Said, watch: &mut W) -> Result<(), W::Stop> {
        let skew = self.restriction.map_or(Restriction::SKEW, |restriction| restriction.skew);
        watch.check(Step::Times, self.times(said, skew), || {
            format!("within its time, give or take {} s", skew.as_secs())
        })?;
        match self.restriction {
            None => {
                watch.skip(Step::Issuer, "no issuer was given");
                watch.skip(Step::Audience, "no audience was given");
            }
            Some(wanted) => {
                let same = said.issuer.as_ref() == Some(&wanted.issuer);
                watch.check(Step::Issuer, same.then_some(()).ok_or(Fault::Issuer), || {
                    format!("issued by `{}`", wanted.issuer)
                })?;
                let among = said.audiences.contains(&wanted.audience);
                watch.check(Step::Audience, among.then_some(()).ok_or(Fault::Audience), || {
                    format!("meant for `{}`", wanted.audience)
                })?;
            }
        }
        watch.check(Step::Claims, self.claims(said), || "every required claim".to_owned())?;
        self.content(said, watch)?;
        watch.check(Step::Uses, self.uses(said, skew), || match said.uses() {
            Ok(Uses::AtMost(uses)) => format!("{uses} uses, counted where it is used"),
            _ => "as often as it lives".to_owned(),
        })
    }

    fn times(&self, said: &Said, skew: std::time::Duration) -> Result<(), Fault> {
        let end = said.end.ok_or(Fault::NoEnd)?;
        Lifetime::new(said.start.unwrap_or(Timestamp(0)), end)?.check(self.now, skew)?;
        match said.issued_at {
            Some(at) if at > self.now.saturating_add(skew) => Err(Fault::IssuedAhead { at }),
            _ => Ok(()),
        }
    }

    fn claims(&self, said: &Said) -> Result<(), Fault> {
        // What cannot be read is a fault whether it is required or not.
        said.content_key_id()?;
        said.uses()?;
        let required = self.restriction.map_or(&[][..], |wanted| &wanted.required_claims);
        match required.iter().find(|claim| !said.carries(&claim.name, claim.value.as_deref())) {
            Some(claim) => Err(Fault::Claim { name: claim.name.clone() }),
            None => Ok(()),
        }
    }

    fn content<W: Watch>(&self, said: &Said, watch: &mut W) -> Result<(), W::Stop> {
        let Ok(Some(kid)) = said.content_key_id() else {
            watch.skip(Step::Content, "the token names no key");
            return Ok(());
        };
        let Some(request) = self.request else {
            watch.skip(Step::Content, "no request was given");
            return Ok(());
        };
        watch.check(Step::Content, names_asked(kid, request), || format!("for the key {kid}"))
    }

    fn uses(&self, said: &Said, skew: std::time::Duration) -> Result<(), Fault> {
        let end = said.end.unwrap_or(Timestamp(u64::MAX));
        let latest = self.now.saturating_add(COUNTED_LIFETIME_MAX).saturating_add(skew);
        match said.uses() {
            Ok(Uses::AtMost(_)) if end > latest => {
                Err(Fault::Lifetime { seconds_max: COUNTED_LIFETIME_MAX.as_secs() })
            }
            _ => Ok(()),
        }
    }
}

fn names_asked(kid: KeyId, request: &Request) -> Result<(), Fault> {
    if request.kids.is_empty() {
        Err(Fault::RequestLacks { what: "kids" })
    } else if request.kids.iter().all(|asked| *asked == kid) {
        Ok(())
    } else {
        Err(Fault::Content)
    }
}

fn swt_signature(swt: &Swt<'_>, restriction: &Restriction) -> Result<(), Refused> {
    use crate::jwt::Algorithm;

    let secrets = restriction.keys.iter().filter(|key| key.algorithm() == Algorithm::Hs256);
    let mut secrets = secrets.peekable();
    if secrets.peek().is_none() {
        return Err(Fault::Algorithm.at(Step::Key));
    }
    let message = swt.signed.as_bytes();
    if secrets.take(KEYS_MAX).any(|key| key.verifies(message, &swt.mac)) {
        Ok(())
    } else {
        Err(Fault::Signature.at(Step::Signature))
    }
}

fn signature<W: Watch>(watch: &mut W, outcome: Result<(), Refused>) -> Result<(), W::Stop> {
    let (step, outcome) = match outcome {
        Ok(()) => (Step::Signature, Ok(())),
        Err(refused) => (refused.step, Err(refused.fault)),
    };
    watch.check(step, outcome, || "made with a key of the restriction".to_owned())
}

fn read(said: &Said) -> String {
    format!("{} claims", said.all.len())
}

const SWT_MARK: &str = "HMACSHA256=";
