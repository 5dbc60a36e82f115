//! Who is asking: turns a presented token into a [`Caller`], or into the reason it is not one.
//!
//! No credential is not a bad credential: it leads to `Anonymous`, and the decision says
//! whether that is enough. Two differing credentials in one request are refused (SEC-35).
//! Nothing here says what a caller may do.

use std::borrow::Cow;

use http::{HeaderMap, header::AUTHORIZATION};
use portcullis_base::Timestamp;
use portcullis_policy::{Caller, Reason, model::Restriction};
use portcullis_token::{
    bearer,
    jwt::{self, Expectations, JwtError, VerificationKey},
};

use crate::http::query;

/// Takes the playback token out of a request: `Authorization: Bearer …` or `?token=…`.
///
/// # Errors
///
/// Refuses two differing tokens.
pub(crate) fn credential(
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<String>, Reason> {
    let mut found: Option<String> = None;
    let lines = headers.get_all(AUTHORIZATION).iter();
    let from_headers = lines.map(|value| Cow::Borrowed(value.to_str().unwrap_or(UNREADABLE)));
    let presented = from_headers.chain(query::values(query, "token"));
    for presented in presented.filter(|text| !text.is_empty()) {
        let token = bearer::strip(&presented);
        match &found {
            Some(other) if other != token => return Err(Reason::TokenAmbiguous),
            _ => found = Some(token.to_owned()),
        }
    }
    Ok(found)
}

/// Verifies a playback token against what a content's key policy trusts.
///
/// # Errors
///
/// Why the token is not accepted.
pub(crate) fn playback(
    token: Option<&str>,
    restriction: &Restriction,
    trusted: &[VerificationKey],
    now: Timestamp,
) -> Result<Caller, JwtError> {
    let (Some(token), Restriction::Token(wanted)) = (token, restriction) else {
        return Ok(Caller::Anonymous);
    };
    let expectations = Expectations {
        issuer: wanted.issuer.clone(),
        audience: wanted.audience.clone(),
        leeway: wanted.leeway,
        lifetime_max: wanted.lifetime_max,
        token_type: None,
    };
    jwt::verify(token, trusted, &expectations, now).map(Caller::Holder)
}

/// A header that is not text cannot be a token; it must not pass for absent either.
const UNREADABLE: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authorization: &[&str], query: Option<&str>, expected: Result<Option<&str>, Reason>) {
        let mut headers = HeaderMap::new();
        for line in authorization {
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        let expected = expected.map(|token| token.map(str::to_owned));
        assert_eq!(credential(&headers, query), expected, "{authorization:?} {query:?}");
    }

    #[test]
    fn a_token_is_found_in_header_and_query() {
        check(&[], None, Ok(None));
        check(&[""], Some("token="), Ok(None));
        check(&["Bearer a.b.c"], None, Ok(Some("a.b.c")));
        check(&[], Some("content=x&token=a.b.c"), Ok(Some("a.b.c")));
        check(&[], Some("token=Bearer%3Da.b.c"), Ok(Some("a.b.c")));
        check(&["Bearer a.b.c"], Some("token=a.b.c"), Ok(Some("a.b.c")));
    }

    #[test]
    fn two_differing_tokens_are_refused_and_an_unreadable_one_counts() {
        let ambiguous = Err(Reason::TokenAmbiguous);
        check(&["Bearer a"], Some("token=b"), ambiguous);
        check(&["Bearer a", "Bearer b"], None, ambiguous);
        check(&[], Some("token=a&token=b"), ambiguous);
        check(&["Bearer \u{e9}"], Some("token=b"), ambiguous);
    }
}
