//! A family for the tests of what is common to all. It protects nothing.
//!
//! A token is `sample.END.KEY`.

use portcullis_base::{Rng, Timestamp};

use super::{
    About, Explanation, Format, Given, GivenFault, Issued, Need, Param, ParamKind, Request, Shown,
    Verdict,
};
use crate::{
    Verified,
    claims::Claims,
    fault::{Fault, Refused, Step},
    watch::{Recorder, Strict, Watch},
};

/// The family `sample`.
pub(super) static SAMPLE: Double = Double(&about("sample"));
/// The same with another name.
pub(super) static OTHER: Double = Double(&about("other"));

const fn about(name: &'static str) -> About {
    About {
        name,
        title: "a family for tests",
        source: "nowhere",
        keys: &[Param {
            name: "key",
            kind: ParamKind::Secret,
            need: Need::Required,
            help: "the key",
        }],
        says: &[Param {
            name: "end",
            kind: ParamKind::Time,
            need: Need::Required,
            help: "the end",
        }],
        token: "the token",
        weaknesses: &[],
    }
}

/// The double.
#[derive(Debug)]
pub(super) struct Double(&'static About);

impl Double {
    fn walk<W: Watch>(
        &self,
        key: Option<&str>,
        token: &str,
        now: Timestamp,
        watch: &mut W,
    ) -> Result<Claims, W::Stop> {
        let mut parts = token.split('.');
        let (name, end, signed) = (parts.next(), parts.next(), parts.next());
        let formed = name == Some(self.0.name);
        let form = if formed { Ok(()) } else { Err(Fault::malformed("it is none")) };
        watch.check(Step::Form, form, String::new)?;
        match key {
            None => watch.skip(Step::Signature, "no key was given"),
            Some(key) => {
                let same = if signed == Some(key) { Ok(()) } else { Err(Fault::Signature) };
                watch.check(Step::Signature, same, || "the key's".to_owned())?;
            }
        }
        let end = Timestamp(end.and_then(|end| end.parse().ok()).unwrap_or(0));
        let over = if now < end { Ok(()) } else { Err(Fault::Expired { end }) };
        watch.check(Step::Times, over, || format!("until {end}"))?;
        Ok(Claims { end: Some(end), ..Claims::default() })
    }
}

impl Format for Double {
    fn about(&self) -> &'static About {
        self.0
    }

    fn resembles(&self, token: &str) -> bool {
        token.strip_prefix(self.0.name).is_some_and(|rest| rest.starts_with('.'))
    }

    fn find_in(&self, _: &Given, request: &Request) -> Result<Option<String>, Refused> {
        let mut found = request.parameter(self.0.name);
        let first = found.next();
        if found.any(|next| Some(next) != first) {
            return Err(Fault::Ambiguous.at(Step::Presence));
        }
        Ok(first.map(str::to_owned))
    }

    fn verify(
        &self,
        given: &Given,
        token: &str,
        _: &Request,
        now: Timestamp,
    ) -> Result<Verdict, GivenFault> {
        let key = given.need("key")?;
        Ok(self.walk(Some(key), token, now, &mut Strict).map(Verified::new))
    }

    fn explain(
        &self,
        given: &Given,
        token: &str,
        _: &Request,
        now: Timestamp,
    ) -> Result<Explanation, GivenFault> {
        let mut recorder = Recorder::default();
        let Ok(claims) = self.walk(given.text("key")?, token, now, &mut recorder);
        let explanation = Explanation {
            format: self.0.name,
            fields: vec![Shown::new("token", "a sample")],
            checks: recorder.checks,
            claims: None,
        };
        Ok(explanation.saying(&claims))
    }

    fn issue(&self, given: &Given, now: Timestamp, _: &dyn Rng) -> Result<Issued, GivenFault> {
        let end = given.time("end", now)?.ok_or(GivenFault::Missing { name: "end" })?;
        let token = format!("{}.{end}.{}", self.0.name, given.need("key")?);
        Ok(Issued { carriage: vec![("query", format!("{}={token}", self.0.name))], token })
    }

    fn fields_of(&self, claims: &Claims) -> Given {
        let mut fields = Given::new();
        fields.add_some("end", claims.end.map(|end| end.to_string()));
        fields
    }
}
