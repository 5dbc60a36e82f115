//! The checks of an edge token, in one order for all who make them.
//!
//! A verification stops at the first fault, an explanation notes every outcome and goes on;
//! both take the same walk. It makes no `Verified`: a walk that only notes reaches its end
//! whatever it met.

use portcullis_base::Timestamp;

use super::{
    EdgeKeys, EdgeTokenError, Lookup, acl::Acl, check_address, check_span, fields::Fields, path,
};
use crate::{
    fault::Step,
    lifetime::Leeway,
    watch::{Recorder, Watch},
};

/// Who looks on.
pub(super) trait Looks {
    /// What ends the walk early.
    type Stop;

    /// Takes the outcome of a check; `detail` says what was found to be right.
    fn look(
        &mut self,
        step: Step,
        outcome: Result<(), EdgeTokenError>,
        detail: impl FnOnce() -> String,
    ) -> Result<(), Self::Stop>;

    /// Takes note of a check that could not be made, or was not asked for.
    fn skip(&mut self, step: Step, why: &'static str);
}

/// Stops at the first fault.
pub(super) struct FirstFault;

impl Looks for FirstFault {
    type Stop = EdgeTokenError;

    fn look(
        &mut self,
        _step: Step,
        outcome: Result<(), EdgeTokenError>,
        _detail: impl FnOnce() -> String,
    ) -> Result<(), EdgeTokenError> {
        outcome
    }

    fn skip(&mut self, _step: Step, _why: &'static str) {}
}

impl Looks for Recorder {
    type Stop = <Self as Watch>::Stop;

    fn look(
        &mut self,
        step: Step,
        outcome: Result<(), EdgeTokenError>,
        detail: impl FnOnce() -> String,
    ) -> Result<(), Self::Stop> {
        self.check(step, outcome.map_err(Into::into), detail)
    }

    fn skip(&mut self, step: Step, why: &'static str) {
        Watch::skip(self, step, why);
    }
}

/// What a token is looked at by.
// INVARIANT: a verification has both keys and lookup, so that its walk skips only what the
// token leaves open.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'a> {
    pub(crate) keys: Option<&'a EdgeKeys>,
    pub(crate) lookup: Option<&'a Lookup<'a>>,
    pub(crate) now: Timestamp,
    pub(crate) leeway: Leeway,
}

impl Sight<'_> {
    /// Walks through the checks of a token with these fields. `agrees` looks whether one of
    /// the keys made the MAC, and is called with a lookup if there is an ACL or not.
    pub(super) fn walk<L: Looks>(
        &self,
        fields: &Fields<'_>,
        acl: Option<&Acl>,
        agrees: impl Fn(&EdgeKeys, Option<&Lookup<'_>>) -> bool,
        looks: &mut L,
    ) -> Result<(), L::Stop> {
        match self.lookup {
            None => looks.skip(Step::Coverage, NO_PATH),
            Some(lookup) => {
                let outcome = path::check(lookup.path).map_err(Into::into);
                looks.look(Step::Coverage, outcome, || "the path has one reading".into())?;
            }
        }
        self.walk_signature(fields, acl, agrees, looks)?;
        let outcome = check_span(fields.start, fields.end, self.now, self.leeway).map(drop);
        looks.look(Step::Times, outcome, || format!("it may be used until {}", fields.end))?;
        match (acl, self.lookup) {
            (_, None) => looks.skip(Step::Coverage, NO_PATH),
            (Some(acl), Some(lookup)) => {
                let outcome =
                    if acl.admits(lookup.path) { Ok(()) } else { Err(EdgeTokenError::Path) };
                looks.look(Step::Coverage, outcome, || "the ACL admits the path".into())?;
            }
            (None, Some(_)) => looks.skip(Step::Coverage, "the URL is part of what is signed"),
        }
        match (fields.address, self.lookup) {
            (None, _) => looks.skip(Step::Place, "the token is bound to no address"),
            (Some(_), None) => looks.skip(Step::Place, "no request is known to compare with"),
            (bound, Some(lookup)) => {
                let outcome = check_address(bound, lookup.address);
                looks.look(Step::Place, outcome, || "it is used from its address".into())?;
            }
        }
        Ok(())
    }

    fn walk_signature<L: Looks>(
        &self,
        fields: &Fields<'_>,
        acl: Option<&Acl>,
        agrees: impl Fn(&EdgeKeys, Option<&Lookup<'_>>) -> bool,
        looks: &mut L,
    ) -> Result<(), L::Stop> {
        let Some(keys) = self.keys else {
            looks.skip(Step::Key, "no key was given");
            looks.skip(Step::Signature, "no key was given");
            return Ok(());
        };
        let fits = keys.has_macs_of(&fields.mac);
        let outcome = if fits { Ok(()) } else { Err(EdgeTokenError::Algorithm) };
        looks.look(Step::Key, outcome, || format!("the keys are {}", keys.current.algorithm()))?;
        if acl.is_none() && self.lookup.is_none() {
            looks.skip(Step::Signature, NO_PATH);
            return Ok(());
        }
        let genuine = agrees(keys, self.lookup);
        let outcome = if genuine { Ok(()) } else { Err(EdgeTokenError::Mac) };
        looks.look(Step::Signature, outcome, || "a key of ours made the MAC".into())
    }
}

const NO_PATH: &str = "no path is known to compare with";
