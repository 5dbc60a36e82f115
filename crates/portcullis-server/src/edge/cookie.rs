//! The session cookie (SEC-78).
//!
//! Host-only, never readable by scripts, and no wider than the token's own ACL: its path is
//! the folder all of the ACL's patterns share.

use std::time::Duration;

use http::HeaderValue;

use crate::config::SameSite;

/// The value of `Set-Cookie` for a session token, or `None` when a cookie cannot carry it.
pub(super) fn set(
    token: &str,
    directory: &str,
    lifetime: Duration,
    same_site: SameSite,
) -> Option<HeaderValue> {
    let name_and_value = NAME.len() + 1 + token.len();
    if name_and_value >= COOKIE_BYTES_MAX {
        return None;
    }
    // A path must not end in the middle of an attribute.
    let path = if directory.contains(';') { "/" } else { directory };
    let max_age = lifetime.as_secs();
    let same_site = match same_site {
        SameSite::Lax => "SameSite=Lax",
        SameSite::None => "SameSite=None; Partitioned",
    };
    let text =
        format!("{NAME}={token}; Path={path}; Max-Age={max_age}; Secure; HttpOnly; {same_site}");
    HeaderValue::from_str(&text).ok()
}

pub(super) const NAME: &str = "hdntl";

/// What browsers store at least; a longer one is dropped in silence.
const COOKIE_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_too_long_for_a_cookie_gets_none() {
        let same_site = SameSite::Lax;
        let cookie =
            |length: usize| set(&"x".repeat(length), "/m/", Duration::from_secs(60), same_site);
        assert!(cookie(4089).is_some());
        assert!(cookie(4090).is_none());
        assert_eq!(
            cookie(1).unwrap(),
            "hdntl=x; Path=/m/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
        );
    }
}
