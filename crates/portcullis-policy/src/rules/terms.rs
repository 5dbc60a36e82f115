//! The DRM system asked for can enforce the terms: the key policy's, and the token's.
//!
//! A license whose terms its player module ignores would be a license without terms, so
//! there is none: a Clear Key player gets no key that asks for protected outputs.
//!
//! Terms that a token carries are honoured or refuse the license. Honoured are the classes
//! ([`keys`](super::keys)) and what asks for no more than any license gives. A license that
//! could carry more of them is not made here yet, so that the rest refuses whatever system is
//! asked for.

use portcullis_base::DrmSystem;
use portcullis_drm::{LicenseTerms, Persistence};
use portcullis_token::native::Playback;

use crate::{Caller, Reason, Rule, claims, decision::Step};

pub(crate) fn check(terms: &LicenseTerms, caller: &Caller, system: DrmSystem) -> Step {
    if let Err(error) = terms.enforceable_by(system) {
        return Step::refuse(Rule::Terms, Reason::TermsSystem, error.to_string());
    }
    let Caller::Holder(token) = caller else {
        return Step::allow(Rule::Terms, format!("{system} can enforce the terms"));
    };
    match claims::playback(token.claims()) {
        None => {
            let detail = "what the token says of the license cannot be read";
            Step::refuse(Rule::Terms, Reason::TokenClaim, detail)
        }
        Some(playback) if !is_given_anyway(&playback, terms) => {
            let detail = format!("the token carries terms that a {system} license cannot keep");
            Step::refuse(Rule::Terms, Reason::TermsSystem, detail)
        }
        Some(_) => Step::allow(Rule::Terms, format!("{system} can enforce the terms")),
    }
}

/// Whether a license under the key policy's terms does what the token's terms say, its classes
/// apart.
fn is_given_anyway(playback: &Playback, policy: &LicenseTerms) -> bool {
    let mut rest = playback.terms.clone();
    rest.classes = None;
    let times = &mut rest.playback;
    let endless = policy.license_duration_s.is_none();
    for limit in [&mut times.license, &mut times.rental, &mut times.playback] {
        limit.take_if(|limit| endless && limit.seconds().is_none());
    }
    let streaming = policy.persistence == Persistence::Streaming;
    times.persistent.take_if(|kept| !*kept && streaming);
    times.allowed.take_if(|allowed| *allowed);
    rest.is_unsaid()
}
