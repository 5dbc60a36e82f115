//! The checks of a playback token, once, for verifying and for explaining. Each is the one
//! [`jwt::verify`](crate::jwt::verify) makes, in its order; ours come after.

use std::num::NonZeroU64;

use portcullis_base::Timestamp;

use super::Playback;
use crate::{
    claims::{Claims, Uses},
    fault::{Fault, Step},
    format::Request,
    jws::{form_step, note},
    jwt::{
        Compact, Expectations, Header, JwtClaims, JwtError, VerificationKey, check_signature,
        check_times,
    },
    watch::Watch,
};

/// Whom a verifier trusts.
#[derive(Clone, Copy)]
pub(super) struct Trust<'a> {
    pub(super) keys: &'a [VerificationKey],
    pub(super) expectations: &'a Expectations,
}

/// What a token is looked at with. Without trust or a request, what needs them is skipped; a
/// verification has both.
pub(super) struct Walk<'a> {
    pub(super) trust: Option<Trust<'a>>,
    pub(super) request: Option<&'a Request>,
    pub(super) now: Timestamp,
}

impl Walk<'_> {
    pub(super) fn go<W: Watch>(
        &self,
        token: &str,
        watch: &mut W,
    ) -> Result<Option<Claims>, W::Stop> {
        let parsed = self.form(token);
        let step = parsed.as_ref().map_or_else(form_step, |_| Step::Form);
        let detail =
            |(_, header): &(Compact<'_>, Header)| format!("a JSON Web Token, {}", header.algorithm);
        let Some((compact, header)) = note(watch, step, parsed, detail)? else { return Ok(None) };
        match self.trust {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(trust) => {
                let outcome = check_signature(&compact, &header, trust.keys);
                let step = match outcome {
                    Err(JwtError::Algorithm | JwtError::Key) => Step::Key,
                    _ => Step::Signature,
                };
                watch.check(step, outcome.map_err(Into::into), || {
                    "made with a trusted key".to_owned()
                })?;
            }
        }
        let claims = JwtClaims::parse(&compact.payload, header.algorithm, compact.signature);
        let step = match claims {
            Err(JwtError::Issuer) => Step::Issuer,
            Err(JwtError::Audience) => Step::Audience,
            Err(JwtError::NoEnd) => Step::Times,
            Err(JwtError::Claim { .. } | JwtError::NoId) => Step::Claims,
            _ => Step::Form,
        };
        let detail = |claims: &JwtClaims| format!("{} claims", claims.all.len());
        let claims = note(watch, step, claims.map_err(Into::into), detail)?;
        let Some(claims) = claims else { return Ok(None) };
        self.registered(&claims, watch)?;
        let playback = Playback::read(&claims.all);
        let step = match playback {
            Err(Fault::Terms { .. }) => Step::Terms,
            _ => Step::Claims,
        };
        let detail = |_: &Playback| "its own claims can be read".to_owned();
        let Some(playback) = note(watch, step, playback, detail)? else { return Ok(None) };
        self.content(&claims, &playback, watch)?;
        watch.check(Step::Uses, Ok(()), || match claims.max_uses {
            Some(uses) => format!("{uses} uses, counted where it is used"),
            None => "as often as it lives".to_owned(),
        })?;
        Ok(Some(said(claims, playback)))
    }

    fn form<'t>(&self, token: &'t str) -> Result<(Compact<'t>, Header), Fault> {
        if token.is_empty() {
            return Err(Fault::Absent);
        }
        let compact = Compact::parse(token)?;
        let header = Header::parse(&compact.header)?;
        let wanted = self.trust.and_then(|trust| trust.expectations.token_type.as_deref());
        if self.trust.is_some() && !header.is_of_type(wanted) {
            return Err(JwtError::Type.into());
        }
        Ok((compact, header))
    }

    fn registered<W: Watch>(&self, claims: &JwtClaims, watch: &mut W) -> Result<(), W::Stop> {
        let Some(trust) = self.trust else {
            let outcome = claims.lifetime.check(self.now, std::time::Duration::ZERO);
            watch.check(Step::Times, outcome.map_err(Into::into), || "within its time".into())?;
            watch.skip(Step::Issuer, "no issuer was given");
            watch.skip(Step::Audience, "no audience was given");
            return Ok(());
        };
        let wanted = trust.expectations;
        let outcome = check_times(claims, wanted, self.now);
        watch.check(Step::Times, outcome.map_err(Into::into), || {
            format!("within its time, give or take {} s", wanted.leeway.as_secs())
        })?;
        let same = claims.issuer == wanted.issuer;
        watch.check(Step::Issuer, same.then_some(()).ok_or(Fault::Issuer), || {
            format!("issued by `{}`", wanted.issuer)
        })?;
        let among = claims.audiences.contains(&wanted.audience);
        watch.check(Step::Audience, among.then_some(()).ok_or(Fault::Audience), || {
            format!("meant for `{}`", wanted.audience)
        })
    }

    fn content<W: Watch>(
        &self,
        claims: &JwtClaims,
        playback: &Playback,
        watch: &mut W,
    ) -> Result<(), W::Stop> {
        if claims.content_key_id.is_none() && playback.content.is_none() {
            watch.skip(Step::Content, "the token names neither content nor key");
            return Ok(());
        }
        let Some(request) = self.request else {
            watch.skip(Step::Content, "no request was given");
            return Ok(());
        };
        watch.check(Step::Content, covers(claims, playback, request), || {
            "for what is asked for".to_owned()
        })
    }
}

fn covers(claims: &JwtClaims, playback: &Playback, request: &Request) -> Result<(), Fault> {
    if let Some(content) = &playback.content {
        match &request.content {
            None => return Err(Fault::RequestLacks { what: "content" }),
            Some(asked) if asked != content => return Err(Fault::Content),
            Some(_) => {}
        }
    }
    match claims.content_key_id {
        Some(_) if request.kids.is_empty() => Err(Fault::RequestLacks { what: "kids" }),
        Some(kid) if request.kids.iter().any(|asked| *asked != kid) => Err(Fault::Content),
        _ => Ok(()),
    }
}

fn said(claims: JwtClaims, playback: Playback) -> Claims {
    let identity = claims.identity();
    let mut other = claims.all;
    other.retain(|name, _| !OWN_PLACE.contains(&name.as_str()));
    let uses = claims.max_uses.map_or(Uses::Unlimited, |uses| Uses::AtMost(NonZeroU64::from(uses)));
    Claims {
        issuer: Some(claims.issuer),
        audiences: claims.audiences,
        issued_at: claims.issued_at,
        start: Some(claims.lifetime.start()).filter(|start| *start > Timestamp(0)),
        end: Some(claims.lifetime.end()),
        id: claims.id,
        identity,
        uses,
        user: claims.subject,
        session: playback.session,
        devices: playback.device.into_iter().collect(),
        content: playback.content,
        kids: claims.content_key_id.into_iter().collect(),
        terms: playback.terms,
        other,
        ..Claims::default()
    }
}

/// Claims that have a place of their own in the common words.
const OWN_PLACE: [&str; 15] = [
    super::SESSION,
    "aud",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    super::CLASSES,
    super::CONTENT,
    super::DEVICE,
    super::TERMS,
    "sub",
    crate::jwt::CONTENT_KEY_ID,
    crate::jwt::MAX_USES,
    crate::jwt::ONE_TIME,
];
