//! The verification of a token, step by step.
//!
//! Nothing of the claims is read before the signature holds. What the token may open is not
//! asked here.
//!
//! SPEC: SEC-20 to 27; RFC 8725 §3.

use std::time::Duration;

use portcullis_base::{
    Timestamp,
    json::{self, Limits, Value},
};

use super::{
    COUNTED_LIFETIME_MAX, JwtClaims, JwtError, VerificationKey, form::Compact, header::Header,
};
use crate::Verified;

/// What a token has to say to be one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    /// The one issuer, byte for byte.
    pub issuer: String,
    /// The audience that must be among the token's, byte for byte.
    pub audience: String,
    /// How far clocks may differ; at most 60 s are sensible (SEC-23).
    pub leeway: Duration,
    /// How long a token may live, counted from `iat`, else from `nbf`, else from now.
    pub lifetime_max: Duration,
    /// The `typ` of this kind of token. None at all and `JWT` are accepted besides.
    pub token_type: Option<String>,
}

/// Verifies a token in compact form, with the first of `keys` that fits. At most
/// [`KEYS_MAX`] keys are tried.
///
/// A key id in the token leaves out keys of another name; it never adds one.
///
/// # Errors
///
/// Says which check failed. The client is to be told the [`JwtError::code`] at most.
pub fn verify(
    compact: &str,
    keys: &[VerificationKey],
    expectations: &Expectations,
    now: Timestamp,
) -> Result<Verified<JwtClaims>, JwtError> {
    let compact = Compact::parse(compact)?;
    let header = Header::parse(&compact.header)?;
    if !header.is_of_type(expectations.token_type.as_deref()) {
        return Err(JwtError::Type);
    }
    check_signature(&compact, &header, keys)?;
    let claims = JwtClaims::parse(&compact.payload, header.algorithm, compact.signature)?;
    check_times(&claims, expectations, now)?;
    if claims.issuer != expectations.issuer {
        return Err(JwtError::Issuer);
    }
    if !claims.audiences.contains(&expectations.audience) {
        return Err(JwtError::Audience);
    }
    Ok(Verified::new(claims))
}

/// What a token says about itself, to be shown and never to be acted on.
#[derive(Clone, Debug, PartialEq)]
pub struct UnverifiedView {
    /// The header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

/// Reads a token without verifying it, for a person to look at.
///
/// # Errors
///
/// As [`verify`], as far as form and JSON go.
pub fn unverified_view(compact: &str) -> Result<UnverifiedView, JwtError> {
    let compact = Compact::parse(compact)?;
    Ok(UnverifiedView {
        header: json::parse(&compact.header, &Limits::TOKEN).map_err(JwtError::HeaderText)?,
        claims: json::parse(&compact.payload, &Limits::TOKEN).map_err(JwtError::ClaimsText)?,
    })
}

pub(crate) fn check_signature(
    compact: &Compact<'_>,
    header: &Header,
    keys: &[VerificationKey],
) -> Result<(), JwtError> {
    let mut keys = keys.iter().filter(|key| key.algorithm() == header.algorithm).peekable();
    if keys.peek().is_none() {
        return Err(JwtError::Algorithm);
    }
    let mut keys = keys.filter(|key| key.answers_to(header.kid.as_deref())).peekable();
    if keys.peek().is_none() {
        return Err(JwtError::Key);
    }
    let message = compact.signed.as_bytes();
    if keys.take(KEYS_MAX).any(|key| key.verifies(message, &compact.signature)) {
        Ok(())
    } else {
        Err(JwtError::Signature)
    }
}

pub(crate) fn check_times(
    claims: &JwtClaims,
    expectations: &Expectations,
    now: Timestamp,
) -> Result<(), JwtError> {
    let leeway = expectations.leeway;
    claims.lifetime.check(now, leeway)?;
    if let Some(issued_at) = claims.issued_at
        && issued_at > now.saturating_add(leeway)
    {
        return Err(JwtError::IssuedInFuture { issued_at });
    }
    let end = claims.lifetime.end();
    if claims.max_uses.is_some()
        && end > now.saturating_add(COUNTED_LIFETIME_MAX).saturating_add(leeway)
    {
        return Err(JwtError::LifetimeTooLong { seconds_max: COUNTED_LIFETIME_MAX.as_secs() });
    }
    let start = claims.lifetime.start();
    let counted_from = match claims.issued_at {
        Some(issued_at) => issued_at,
        None if start > Timestamp(0) => start,
        None => now,
    };
    let longest = expectations.lifetime_max;
    if counted_from.until(end) > longest {
        return Err(JwtError::LifetimeTooLong { seconds_max: longest.as_secs() });
    }
    Ok(())
}

/// How many keys are tried for one token.
pub const KEYS_MAX: usize = 8;
