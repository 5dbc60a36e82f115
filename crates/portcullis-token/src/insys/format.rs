//! The family `insys` for callers that learn the family at run time.

use std::time::Duration;

use portcullis_base::{Rng, Timestamp};
use portcullis_terms::playback::Limit;

use super::{Account, Wish, issue, verify, walk::Walk};
use crate::{
    claims::Claims,
    fault::Refused,
    format::{
        About, Explanation, Format, Given, GivenFault, Issued, Need, ParamKind, Request, Verdict,
        param,
    },
    jws,
    jwt::{SigningKey, VerificationKey},
    watch::Recorder,
};

/// The family `insys`.
#[derive(Debug)]
pub struct Insys;

static ABOUT: About = About {
    name: "insys",
    title: "Insys drm.cloud user token",
    source: "Insys drm.cloud, user token authorization",
    keys: &[
        param("secret", ParamKind::Secret, Need::Required, "the shared secret in base64"),
        param("leeway", ParamKind::Span, Need::Optional, "by how much clocks may differ; 30 s"),
    ],
    says: &[
        param("exp", ParamKind::Time, Need::Required, "when it ends"),
        param("kid", ParamKind::Text, Need::Repeated, "a key it is for, or `*` for every key"),
        param("duration", ParamKind::Span, Need::Optional, "how long the license may be used"),
    ],
    token: "the value of `X-Drm-UserToken`",
    weaknesses: &[
        "`[\"*\"]` opens every key of the account",
        "it has no issuer, no audience and no id",
        "who can verify can issue: the key is a shared secret",
    ],
};

impl Format for Insys {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn resembles(&self, token: &str) -> bool {
        jws::unverified_claims(token)
            .is_some_and(|claims| claims.get("kid").is_some_and(|kids| kids.as_array().is_some()))
    }

    fn find_in(&self, _: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let header = request.header("x-drm-usertoken");
        let query = ["UserToken", "userToken"].into_iter().flat_map(|name| request.parameter(name));
        jws::only_one(header.chain(query).map(str::to_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let account = account(given)?.ok_or(GivenFault::Missing { name: "secret" })?;
        Ok(verify(token, &account, request, now))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let account = account(given)?;
        let request = (!request.is_unsaid()).then_some(request);
        let walk = Walk { account: account.as_ref(), request, now };
        let mut recorder = Recorder::default();
        let Ok(claims) = walk.go(token, &mut recorder);
        let (format, fields) = (ABOUT.name, jws::shown(token));
        Ok(Explanation::found(format, fields, recorder.checks, claims.as_ref()))
    }

    fn issue(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Issued, GivenFault> {
        let secret = given.base64("secret")?.ok_or(GivenFault::Missing { name: "secret" })?;
        let key = SigningKey::hs256(&secret).map_err(|error| GivenFault::key("secret", error))?;
        let every = given.all("kid").eq(["*"]);
        let kids = if every { Vec::new() } else { given.kids("kid")? };
        if !every && kids.is_empty() {
            return Err(GivenFault::Missing { name: "kid" });
        }
        let wish = Wish {
            end: given.time("exp", now)?.ok_or(GivenFault::Missing { name: "exp" })?,
            kids: (!every).then_some(kids.as_slice()),
            duration_s: given.span("duration")?.map(|span| span.as_secs()),
        };
        let token = issue(&wish, &key).map_err(GivenFault::denied)?;
        let request = Request { kids, ..Request::default() };
        if let Err(refused) = self.verify(given, &token, &request, now)? {
            return Err(GivenFault::Denied(format!("the token would be refused: {refused}")));
        }
        let carriage = vec![
            ("header", format!("X-Drm-UserToken: {token}")),
            ("query", format!("userToken={token}")),
        ];
        Ok(Issued { token, carriage })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut given = Given::new();
        given.add_some("exp", claims.end.map(|time| time.to_string()));
        let duration = claims.terms.playback.license.and_then(Limit::seconds);
        given.add_some("duration", duration.map(|seconds| seconds.to_string()));
        claims.kids.iter().for_each(|kid| given.add("kid", kid.to_string()));
        given
    }
}

fn account(given: &Given) -> Result<Option<Account>, GivenFault> {
    let Some(secret) = given.base64("secret")? else { return Ok(None) };
    let key = VerificationKey::hs256(&secret).map_err(|error| GivenFault::key("secret", error))?;
    let leeway = given.span("leeway")?.unwrap_or(Duration::from_secs(30));
    Ok(Some(Account { keys: vec![key], leeway }))
}
