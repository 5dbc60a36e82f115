//! The policy inside a token: what the license may do, and keys it brings along.
//!
//! Two versions are read into the one model of terms; version 2 alone is written. Members we
//! do not know are ignored, for the vendor keeps adding some; a member we know must hold what
//! it should, and none may stand twice, under an alias either. What a policy leaves out stays
//! unsaid in the terms, so that an account's own terms can fill it; [`resolve()`] fills it with
//! the vendor's defaults.
//!
//! SPEC: PallyCon License Token Guide, policy specification 2.0; the policy of version 1 as in
//! the guide before it.

mod keys;
mod members;
mod resolve;
mod v1;
mod v2;
mod write;

use portcullis_base::json::{self, Limits, Value};
use portcullis_terms::Terms;
use zeroize::Zeroize as _;

pub(super) use keys::NAMES as KEY_MEMBERS;
pub use resolve::resolve;
pub use write::write;
pub(super) use write::{playback_members, write_keys, write_security};

use self::members::Members;
use crate::{claims::InlineKey, fault::Fault};

/// What a policy says.
#[derive(Debug, Default)]
pub struct Policy {
    /// What the license may do.
    pub terms: Terms,
    /// Keys of content that we do not hold.
    pub keys: Vec<InlineKey>,
}

/// Reads a policy, of version 2 or 1.
///
/// # Errors
///
/// [`Fault::Terms`] names the first member that is wrong.
pub fn read(text: &[u8]) -> Result<Policy, Fault> {
    let document = Document::parse(text)?;
    read_members(Members::top(&document.0)?)
}

/// Checks that a policy is one of version 2, as it may be sent.
pub(super) fn check_current(text: &[u8]) -> Result<(), Fault> {
    let document = Document::parse(text)?;
    let all = Members::top(&document.0)?;
    match all.get("policy_version") {
        None => Err(Fault::terms("`policy_version` is missing")),
        Some(_) => read_members(all).map(drop),
    }
}

fn read_members(all: Members<'_>) -> Result<Policy, Fault> {
    match all.get("policy_version") {
        None => v1::read(all),
        Some(Value::Number(version)) if version.as_u64() == Some(2) => v2::read(all),
        Some(_) => Err(Fault::terms("`policy_version` is not 2")),
    }
}

/// A policy as a tree. Keys in it are wiped when it is dropped.
pub(super) struct Document(pub(super) Value);

impl Document {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Fault> {
        let fault = |error| Fault::terms(format!("the policy is not strict JSON: {error}"));
        json::parse(text, &LIMITS).map(Self).map_err(fault)
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        let Value::Object(members) = &mut self.0 else { return };
        for name in KEY_MEMBERS {
            let mut open: Vec<&mut Value> = members.get_mut(name).into_iter().collect();
            while let Some(value) = open.pop() {
                match value {
                    Value::Array(items) => open.extend(items),
                    Value::Object(members) => open.extend(members.values_mut()),
                    Value::String(text) => text.zeroize(),
                    Value::Bool(_) | Value::Null | Value::Number(_) => {}
                }
            }
        }
    }
}

/// A policy that speaks of every track and system has some 250 values, a key five.
const LIMITS: Limits =
    Limits { bytes_max: 64 << 10, depth_max: 16, values_max: 1024, string_bytes_max: 4 << 10 };
