//! The request a token is shown with, as far as it is known.
//!
//! Whatever is not said is `None` or empty; a check that needs it refuses
//! ([`Fault::RequestLacks`](crate::fault::Fault::RequestLacks)) instead of passing. Nothing
//! is decoded or normalised here: paths and queries are as sent.

use std::net::IpAddr;

use portcullis_base::KeyId;

use crate::claims::TokenSystem;

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `https` or `http`, with the host and port: `https://cdn.example:8443`.
    pub origin: Option<String>,
    /// The path as sent, beginning with `/`.
    pub path: Option<String>,
    /// The query as sent, without `?`.
    pub query: Option<String>,
    /// The method; `GET` if it is not said.
    pub method: Option<String>,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The country of that address, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Headers as sent, in order.
    pub headers: Vec<(String, String)>,
    /// The content asked for.
    pub content: Option<String>,
    /// The keys asked for.
    pub kids: Vec<KeyId>,
    /// The DRM system the license is for.
    pub system: Option<TokenSystem>,
}

impl Request {
    /// Whether nothing is known of the request.
    #[must_use]
    pub fn is_unsaid(&self) -> bool {
        *self == Self::default()
    }

    /// Takes a URL apart: `https://host/path?query`, or `/path?query` alone. A fragment is
    /// not sent, and left out.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn set_url(&mut self, url: &str) -> Result<(), RequestFault> {
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let (origin, rest) = match url.split_once("://") {
            Some((scheme, rest)) if matches!(scheme, "http" | "https") => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (host, rest) = rest.split_at_checked(end).ok_or(RequestFault::Url)?;
                if host.is_empty() || host.contains('@') {
                    return Err(RequestFault::Url);
                }
                (Some(format!("{scheme}://{host}")), rest)
            }
            _ if url.starts_with('/') => (None, url),
            _ => return Err(RequestFault::Url),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        self.origin = origin;
        self.path = Some(if path.is_empty() { "/" } else { path }.to_owned());
        self.query = query;
        Ok(())
    }

    /// The whole URL with this query, if origin and path are known.
    #[must_use]
    pub fn url(&self, query: Option<&str>) -> Option<String> {
        let (origin, path) = (self.origin.as_deref()?, self.path.as_deref()?);
        let mark = if query.is_some() { "?" } else { "" };
        Some(format!("{origin}{path}{mark}{}", query.unwrap_or_default()))
    }

    /// The values of the header called `name`, in any case.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |(given, _): &&(String, String)| given.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|(_, value)| value.trim_matches([' ', '\t']))
    }

    /// The values of the cookie called `name`.
    pub fn cookie(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.header("cookie").flat_map(|value| value.split(';'));
        let pairs = pairs.filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='));
        pairs.filter(move |(given, _)| *given == name).map(|(_, value)| value)
    }

    /// The values of the query parameter called `name`, as sent.
    pub fn parameter(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.query.iter().flat_map(|query| query.split('&'));
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        pairs.filter(move |(given, _)| *given == name).map(|(_, value)| value)
    }

    /// The query without the parameters called one of `names`, in order; `None` if nothing
    /// is left of it.
    #[must_use]
    pub fn query_without(&self, names: &[&str]) -> Option<String> {
        let kept = |pair: &&str| {
            let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
            !names.contains(&name)
        };
        let query = self.query.as_deref()?;
        let rest: Vec<&str> = query.split('&').filter(kept).collect();
        (!rest.is_empty()).then(|| rest.join("&"))
    }
}

/// What is wrong with a request that was described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFault {
    /// The URL is none.
    #[error("a URL is `https://host/path?query`, or `/path?query` alone")]
    Url,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_it_was_sent() {
        let check = |url: &str, expected: Option<(Option<&str>, &str, Option<&str>)>| {
            let mut request = Request::default();
            let taken = request.set_url(url).ok().map(|()| {
                (
                    request.origin.as_deref(),
                    request.path.as_deref().unwrap_or(""),
                    request.query.as_deref(),
                )
            });
            assert_eq!(taken, expected, "{url}");
        };
        check(
            "https://a.test/p/%2f?q=1?2#f",
            Some((Some("https://a.test"), "/p/%2f", Some("q=1?2"))),
        );
        check("http://a.test:80", Some((Some("http://a.test:80"), "/", None)));
        check("https://a.test?x", Some((Some("https://a.test"), "/", Some("x"))));
        check("/p?q", Some((None, "/p", Some("q"))));
        for bad in ["", "p", "ftp://a.test/", "https:///p", "https://user@a.test/"] {
            check(bad, None);
        }
    }

    #[test]
    fn parameters_cookies_and_headers_are_found_by_name() {
        let mut request = Request::default();
        request.set_url("/p?a=1&b=2&a=3&c").unwrap();
        request.headers =
            vec![("Cookie".into(), "a=x; b=y".into()), ("cookie".into(), "a=z".into())];
        assert_eq!(request.parameter("a").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(request.cookie("a").collect::<Vec<_>>(), ["x", "z"]);
        assert_eq!(request.query_without(&["a", "c"]).as_deref(), Some("b=2"));
        assert_eq!(request.query_without(&["a", "b", "c"]), None);
    }
}
