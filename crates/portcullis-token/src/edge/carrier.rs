//! Where an edge token travels, and which one counts.
//!
//! A token may stand in a path component, in the query, in a header or in a cookie. One
//! request may repeat it; it may not carry two that differ, for then two readers could judge
//! it by different ones. Nothing is verified here.
//!
//! SPEC: Akamai EdgeAuth 2.0; SEC-35.

use std::borrow::Cow;

use super::{EdgeTokenError, fields};

/// The places of one request in which a token may stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carriers<'a> {
    /// What [`super::path::split_session`] took out of the path. Session tokens only.
    pub path_component: Option<&'a str>,
    /// The query as sent, without the `?`.
    pub query: Option<&'a str>,
    /// The values of the headers of the token's name.
    pub headers: &'a [&'a str],
    /// The values of all `Cookie` headers.
    pub cookies: &'a [&'a str],
}

/// What [`collect`] found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The token as sent, if there is one.
    pub token: Option<&'a str>,
    /// The query without the token's parameter; `None` if nothing is left of it.
    pub query: Option<Cow<'a, str>>,
}

/// Finds the token called `name`. Empty values count as absent.
///
/// # Errors
///
/// [`EdgeTokenError::Ambiguous`] when two tokens differ, [`EdgeTokenError::TooLong`] or
/// [`EdgeTokenError::Malformed`] when one of several cannot be read for comparison.
pub fn collect<'a>(name: &str, carriers: &Carriers<'a>) -> Result<Found<'a>, EdgeTokenError> {
    let parameters = carriers.query.into_iter().flat_map(|query| query.split('&'));
    let mine = parameters.clone().filter_map(|pair| value_of(pair, name));
    let pairs = carriers.cookies.iter().flat_map(|header| header.split(';'));
    let cookies = pairs.filter_map(|pair| value_of(pair.trim_matches([' ', '\t']), name));
    let headers = carriers.headers.iter().map(|value| value.trim_matches([' ', '\t']));
    let presented = carriers.path_component.into_iter().chain(mine).chain(headers).chain(cookies);
    let mut presented = presented.filter(|value| !value.is_empty());

    let token = presented.next();
    for other in presented {
        if token.map(fields::received).transpose()? != Some(fields::received(other)?) {
            return Err(EdgeTokenError::Ambiguous);
        }
    }
    Ok(Found { token, query: without(name, carriers.query) })
}

/// A query without the parameters called `name`.
fn without<'a>(name: &str, query: Option<&'a str>) -> Option<Cow<'a, str>> {
    let query = query?;
    let is_mine = |pair: &&str| value_of(pair, name).is_some() || *pair == name;
    if !query.split('&').any(|pair| is_mine(&pair)) {
        return Some(Cow::Borrowed(query));
    }
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_mine(pair)).collect();
    (!rest.is_empty()).then(|| Cow::Owned(rest.join("&")))
}

fn value_of<'a>(pair: &'a str, name: &str) -> Option<&'a str> {
    pair.strip_prefix(name)?.strip_prefix('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "exp=1~hmac=aa";
    const TWO: &str = "exp=2~hmac=bb";

    #[track_caller]
    fn check(carriers: Carriers<'_>, expected: Result<Option<&str>, EdgeTokenError>) {
        assert_eq!(collect("hdntl", &carriers).map(|found| found.token), expected);
    }

    #[test]
    fn a_token_is_found_in_each_place() {
        let none = Carriers::default();
        check(none, Ok(None));
        check(Carriers { path_component: Some(ONE), ..none }, Ok(Some(ONE)));
        check(Carriers { query: Some("a=b&hdntl=exp=1~hmac=aa&c"), ..none }, Ok(Some(ONE)));
        check(Carriers { headers: &[ONE], ..none }, Ok(Some(ONE)));
        check(Carriers { cookies: &["a=b; hdntl=exp=1~hmac=aa;c=d"], ..none }, Ok(Some(ONE)));
    }

    #[test]
    fn other_names_and_empty_values_are_no_token() {
        let none = Carriers::default();
        check(Carriers { query: Some("xhdntl=1&hdntlx=1&hdntl"), ..none }, Ok(None));
        check(Carriers { cookies: &["HDNTL=1; xhdntl=2"], ..none }, Ok(None));
        check(
            Carriers {
                path_component: Some(""),
                query: Some("hdntl="),
                headers: &[""],
                cookies: &["hdntl="],
            },
            Ok(None),
        );
    }

    #[test]
    fn the_same_token_may_be_repeated() {
        let query = format!("hdntl={ONE}&hdntl={ONE}");
        let cookie = format!("hdntl={ONE}");
        let escaped = ONE.replace('=', "%3D");
        check(
            Carriers {
                path_component: Some(ONE),
                query: Some(&query),
                headers: &[ONE, &escaped],
                cookies: &[&cookie],
            },
            Ok(Some(ONE)),
        );
    }

    #[test]
    fn two_differing_tokens_are_refused_wherever_they_stand() {
        let none = Carriers::default();
        let query_one = format!("hdntl={ONE}");
        let query_both = format!("hdntl={ONE}&hdntl={TWO}");
        let cookie_two = format!("hdntl={TWO}");
        let cookies_both = format!("hdntl={ONE}; hdntl={TWO}");
        for carriers in [
            Carriers { query: Some(&query_both), ..none },
            Carriers { cookies: &[&cookies_both], ..none },
            Carriers { cookies: &[&query_one, &cookie_two], ..none },
            Carriers { headers: &[ONE, TWO], ..none },
            Carriers { query: Some(&query_one), cookies: &[&cookie_two], ..none },
            Carriers { path_component: Some(TWO), query: Some(&query_one), ..none },
            Carriers { path_component: Some(ONE), headers: &[TWO], ..none },
        ] {
            check(carriers, Err(EdgeTokenError::Ambiguous));
        }
    }

    #[test]
    fn the_rest_of_the_query_is_kept_as_sent() {
        for (query, rest) in [
            ("a=b&c=d", Some("a=b&c=d")),
            ("hdntl=x", None),
            ("a=b&hdntl=x&c=%20", Some("a=b&c=%20")),
            ("hdntl&a", Some("a")),
            ("", Some("")),
        ] {
            let carriers = Carriers { query: Some(query), ..Carriers::default() };
            let found = collect("hdntl", &carriers).unwrap();
            assert_eq!(found.query.as_deref(), rest, "{query}");
        }
    }
}
