//! Akamai-style edge tokens: EdgeAuth 2.0 access tokens and AMD session tokens.
//!
//! A player shows an access token (`hdnts`) to get a manifest, and a session token (`hdntl`)
//! for everything the manifest names. Both are `name=value` fields joined by `~`, closed by
//! an HMAC: with SHA-256 or, where a key was made with a `danger_` constructor, SHA-1 or MD5.
//! Whether a route asks for a token at all, and what a token leads to, is decided elsewhere.
//!
//! From request to verified claims:
//! 1. [`path::split_session`] takes the session token out of the path;
//! 2. [`path::check`] refuses paths that others might read differently;
//! 3. [`carrier::collect`] finds the one token, wherever it travels;
//! 4. `parse` and `verify` of [`access`] or [`session`].
//!
//! SPEC: Akamai EdgeAuth 2.0 as its published libraries speak it; SEC-20 to 24, 32 to 35.

pub mod access;
pub mod acl;
pub mod carrier;
mod error;
mod escape;
mod fields;
mod format;
pub mod path;
pub mod session;
mod walk;

use std::{iter, net::IpAddr};

use portcullis_base::{SecretBytes, Timestamp};
use zeroize::Zeroizing;

pub use error::{EdgeTokenError, FieldFault, IssueError, KeyTextError};
pub use escape::Dialect;
pub use fields::UnknownFields;
pub(crate) use fields::{decoded, received};
pub use format::{AkamaiAccess, AkamaiSession};
pub(crate) use walk::Sight;

use crate::{
    TokenKey,
    lifetime::{Leeway, Lifetime},
    token_key::MacBytes,
};

/// What edge tokens of one tenant are signed with.
#[derive(Debug)]
pub struct EdgeKeys {
    /// Signs, and verifies.
    pub current: TokenKey,
    /// Verifies too, while generators move from one key to the next.
    pub transition: Option<TokenKey>,
    /// Signed with every token and never in one.
    pub salt: Option<SecretBytes>,
}

impl EdgeKeys {
    /// Reads an HMAC-SHA-256 key as Akamai's configuration writes it: hex digits, with or
    /// without `0x`, white space around it ignored.
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key. It repeats none of it.
    pub fn key_from_hex(text: &str) -> Result<TokenKey, KeyTextError> {
        Self::secret_from_hex(text).map(|secret| TokenKey::hmac_sha256(&secret))
    }

    /// Reads the bytes of a key, of whatever algorithm, from the same text as
    /// [`Self::key_from_hex`].
    ///
    /// # Errors
    ///
    /// Says what keeps the text from being a key. It repeats none of it.
    pub fn secret_from_hex(text: &str) -> Result<SecretBytes, KeyTextError> {
        let text = text.trim_ascii();
        let digits = text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(text);
        if digits.is_empty() {
            return Err(KeyTextError::Empty);
        }
        if digits.len() > KEY_DIGITS_MAX {
            return Err(KeyTextError::TooLong);
        }
        if !digits.len().is_multiple_of(2) {
            return Err(KeyTextError::OddDigits);
        }
        let mut bytes = Zeroizing::new(vec![0; digits.len() / 2]);
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| KeyTextError::NotHex)?;
        Ok(SecretBytes::new(std::mem::take(&mut *bytes)))
    }

    /// Whether a key made `mac` over `signed`, and the salt.
    #[inline]
    fn agree(&self, signed: &Signed<'_>, mac: &MacBytes) -> bool {
        let parts = self.salted(signed);
        let mut keys = iter::once(&self.current).chain(&self.transition);
        keys.any(|key| key.agrees(&parts, mac.as_ref()))
    }

    /// Whether a MAC of this length could be of one of the keys.
    #[inline]
    fn has_macs_of(&self, mac: &MacBytes) -> bool {
        let mut keys = iter::once(&self.current).chain(&self.transition);
        keys.any(|key| key.algorithm().mac_bytes() == mac.as_ref().len())
    }

    /// The lower-case hex MAC of the current key.
    fn sign(&self, signed: &Signed<'_>) -> String {
        hex::encode(self.current.mac(&self.salted(signed)))
    }

    #[inline]
    fn salted<'a>(&'a self, signed: &Signed<'a>) -> [&'a [u8]; 6] {
        let salt = self.salt.as_ref().map(SecretBytes::expose).unwrap_or_default();
        let salted = !salt.is_empty() || !signed.extra_salt.is_empty();
        [
            signed.fields.as_bytes(),
            if signed.url.is_some() { b"~url=" } else { b"" },
            signed.url.unwrap_or_default().as_bytes(),
            if salted { b"~salt=" } else { b"" },
            salt,
            signed.extra_salt.as_bytes(),
        ]
    }
}

/// What a MAC is over, besides the salt.
#[derive(Clone, Copy)]
struct Signed<'a> {
    /// The fields as they stand in the token, up to the MAC.
    fields: &'a str,
    /// The URL a URL token is for, in the spelling that was signed.
    url: Option<&'a str>,
    /// What a request's headers add to the salt.
    extra_salt: &'a str,
}

/// The request a token is verified for.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// The path as sent, still percent-encoded, without the component that carries a token.
    pub path: &'a str,
    /// The query as sent, without the token's own parameter. `None` when there is none, and
    /// where URL tokens are configured to leave the query out.
    pub query: Option<&'a str>,
    /// The client's address, as far as it is known.
    pub address: Option<IpAddr>,
    /// What the request's headers add to the salt of session tokens: [`session::header_salt`].
    /// Access tokens ignore it.
    pub header_salt: &'a str,
}

/// Checks a token's span with Akamai's rule: inside from `st` on, outside from `exp` on.
#[inline]
fn check_span(
    start: Option<Timestamp>,
    end: Timestamp,
    now: Timestamp,
    leeway: Leeway,
) -> Result<Lifetime, EdgeTokenError> {
    let lifetime = Lifetime::new(start.unwrap_or(Timestamp(0)), end)?;
    lifetime.check(now, leeway.duration())?;
    Ok(lifetime)
}

/// Checks the address a token is bound to, if it is bound to one.
#[inline]
fn check_address(bound: Option<IpAddr>, client: Option<IpAddr>) -> Result<(), EdgeTokenError> {
    let client = client.map(portcullis_base::canonical_address);
    match bound {
        Some(bound) if client != Some(bound) => Err(EdgeTokenError::Address),
        _ => Ok(()),
    }
}

/// Akamai documents 32 digits; its libraries take more, and 64 is the strength of the hash.
const KEY_DIGITS_MAX: usize = 128;

/// With its name, a token of this length still fits one cookie.
const TOKEN_BYTES_MAX: usize = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_an_even_number_of_hex_digits() {
        let check = |text: &str, expected: Result<(), KeyTextError>| {
            assert_eq!(EdgeKeys::key_from_hex(text).map(drop), expected, "{text}");
        };
        check("52a152a152a152a152a152a152a1", Ok(()));
        check("0x52a1\n", Ok(()));
        check("0X52A1", Ok(()));
        check("", Err(KeyTextError::Empty));
        check("0x", Err(KeyTextError::Empty));
        check("52a", Err(KeyTextError::OddDigits));
        check("52ag", Err(KeyTextError::NotHex));
        check(&"a".repeat(128), Ok(()));
        check(&"a".repeat(130), Err(KeyTextError::TooLong));
    }

    #[test]
    fn the_same_key_is_read_from_each_spelling() {
        let bytes = |text| EdgeKeys::secret_from_hex(text).unwrap();
        assert!(bytes("52a1").ct_eq(bytes(" 0x52A1\n").expose()));
    }

    #[test]
    fn a_bound_address_is_compared_as_an_address() {
        let address = |text: &str| Some(text.parse().unwrap());
        let refused = Err(EdgeTokenError::Address);
        assert_eq!(check_address(None, None), Ok(()));
        assert_eq!(check_address(address("192.0.2.1"), address("::ffff:192.0.2.1")), Ok(()));
        assert_eq!(check_address(address("192.0.2.1"), address("192.0.2.2")), refused);
        assert_eq!(check_address(address("192.0.2.1"), None), refused);
    }
}
