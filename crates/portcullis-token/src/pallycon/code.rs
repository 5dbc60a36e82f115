//! The vendor's error codes for our refusals.
//!
//! The vendor answers with these in a body of JSON; whoever speaks that dialect to players
//! takes them from here. Which HTTP status goes with them is decided there.
//!
//! SPEC: PallyCon "License Error Code".

use crate::fault::{Fault, Refused, Step};

/// The vendor's code for a refusal of a PallyCon token, for reports and logs.
///
/// A token that is not there is 9001; for PlayReady without `CustomData` the vendor says
/// 7206, and for a request of NCG with a token of another kind 7021: whoever knows the request
/// puts those in.
#[must_use]
pub const fn vendor_code(refused: &Refused) -> u16 {
    match (&refused.fault, refused.step) {
        (Fault::Absent | Fault::Ambiguous, _) => 9001,
        (Fault::Duplicate { .. } | Fault::Malformed { .. } | Fault::TooLong { .. }, _) => 7009,
        (Fault::Incomplete { .. } | Fault::Kind { .. }, _) => 7010,
        (Fault::System, _) | (Fault::RequestLacks { .. }, Step::System) => 7018,
        (Fault::Claim { .. }, Step::Kind) => 7018,
        (Fault::Key, _) => 1003,
        (Fault::Signature, _) => 7019,
        (Fault::Expired { .. } | Fault::IssuedAhead { .. } | Fault::NotYet { .. }, _) => 7011,
        (Fault::Undecryptable, _) => 7008,
        (Fault::Terms { .. }, _) => 7013,
        (Fault::Content, _) | (Fault::RequestLacks { .. }, Step::Content) => 7012,
        _ => 7016,
    }
}

/// The code a client may be told.
///
/// SECURITY: a wrong hash and a policy that does not decrypt are one and the same to the
/// outside (SEC-36), so that nobody learns anything of the padding. The order of the checks
/// sees to it already; this makes sure of the answer.
#[must_use]
pub const fn outside_code(refused: &Refused) -> u16 {
    match vendor_code(refused) {
        7008 => 7019,
        code => code,
    }
}
