//! The DRM system asked for can enforce the key policy's terms.
//!
//! A license whose terms its player module ignores would be a license without terms, so
//! there is none: a Clear Key player gets no key that asks for protected outputs.

use portcullis_base::DrmSystem;
use portcullis_drm::LicenseTerms;

use crate::{Reason, Rule, decision::Step};

pub(crate) fn check(terms: &LicenseTerms, system: DrmSystem) -> Step {
    match terms.enforceable_by(system) {
        Ok(()) => Step::allow(Rule::Terms, format!("{system} can enforce the terms")),
        Err(error) => Step::refuse(Rule::Terms, Reason::TermsSystem, error.to_string()),
    }
}
