//! A URL this program itself may call: an issuer's key set, a license server.
//!
//! Only `https`, and `http` where the host is this machine by name. No user, no fragment, one
//! spelling of an IPv4 address. That the host's addresses are ones that may be called is not
//! known here: that is asked when they are resolved, in `portcullis-server`.
//!
//! SPEC: RFC 3986 §3, restricted; SEC-80, SEC-81.

use std::{fmt, net::IpAddr, str::FromStr};

use crate::RequestUrl;

/// A URL that may be called. Prints without the values of its query.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutboundUrl {
    text: Box<str>,
    scheme: WebScheme,
    host: Box<str>,
    port: u16,
    /// Where the path begins in `text`; its end when there is none.
    path_at: usize,
}

/// How a URL is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WebScheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl WebScheme {
    /// The port where a URL names none.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl OutboundUrl {
    /// The URL as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is called.
    #[must_use]
    pub const fn scheme(&self) -> WebScheme {
        self.scheme
    }

    /// The name or address in lower case, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, written or not.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What goes into the first line of a request.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        match self.text.get(self.path_at..) {
            Some("") | None => "/",
            Some(path) => path,
        }
    }

    /// What goes into the `Host` header: the port only where it is not the usual one.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.to_string()
        };
        if self.port == self.scheme.default_port() { host } else { format!("{host}:{}", self.port) }
    }

    /// Whether both are called at the same door: scheme, host and port.
    #[must_use]
    pub fn is_of_same_origin(&self, other: &Self) -> bool {
        (self.scheme, &self.host, self.port) == (other.scheme, &other.host, other.port)
    }
}

impl FromStr for OutboundUrl {
    type Err = OutboundUrlError;

    fn from_str(text: &str) -> Result<Self, OutboundUrlError> {
        let printable = |byte: u8| byte.is_ascii_graphic() && !NEVER.contains(&byte);
        if text.len() > URL_BYTES_MAX || !text.bytes().all(printable) {
            return Err(OutboundUrlError::Malformed);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some(("https", rest)) => (WebScheme::Https, rest),
            Some(("http", rest)) => (WebScheme::Http, rest),
            _ => return Err(OutboundUrlError::Scheme),
        };
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if path.starts_with('?') {
            return Err(OutboundUrlError::Malformed);
        }
        if authority.contains('@') {
            return Err(OutboundUrlError::User);
        }
        let (host, port) = split_port(authority).ok_or(OutboundUrlError::Host)?;
        let host = host.to_ascii_lowercase();
        let host = check_host(&host).ok_or(OutboundUrlError::Host)?;
        if scheme == WebScheme::Http && !names_this_machine(host) {
            return Err(OutboundUrlError::Scheme);
        }
        Ok(Self {
            text: text.into(),
            scheme,
            host: host.into(),
            port: port.unwrap_or(scheme.default_port()),
            path_at: text.len() - path.len(),
        })
    }
}

/// The form for logs and listings: a query may hold a secret.
impl fmt::Display for OutboundUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, query) = match self.path_and_query().split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.path_and_query(), None),
        };
        let safe = RequestUrl::new(path, query);
        write!(f, "{}://{}{safe}", self.scheme.as_str(), self.authority())
    }
}

/// Host as written, brackets included, and the port if there is one.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => return Some((authority, None)),
    };
    let plain = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse() {
        Ok(port) if plain => Some((host, Some(port))),
        _ => None,
    }
}

/// The host without brackets, if it is an address or a name in its usual spelling.
fn check_host(host: &str) -> Option<&str> {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']')?;
        return address.parse::<std::net::Ipv6Addr>().ok().map(|_| address);
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(label) {
        return None;
    }
    // SECURITY: resolvers read `127.1` and `2130706433` as addresses; there is one spelling.
    let numeric = host.rsplit('.').next()?.bytes().all(|byte| byte.is_ascii_digit());
    (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok()).then_some(host)
}

fn names_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The text is not a URL that may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundUrlError {
    /// The host or port is not one.
    #[error("its host or port is malformed")]
    Host,
    /// It is too long, or holds characters that no URL holds.
    #[error("expected a URL such as `https://idp.example/keys`, without a fragment")]
    Malformed,
    /// It does not begin with `https://`.
    #[error("it has to begin with `https://`; `http://` only where the host is this machine")]
    Scheme,
    /// It names a user.
    #[error("it names a user or password, which would end up in logs")]
    User,
}

/// Printable, and in no URL; the last begins a fragment.
const NEVER: &[u8] = b"\"<>\\^`{|}#";
const URL_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, u16, &str), OutboundUrlError>) {
        let url = text.parse::<OutboundUrl>();
        let parts = url.as_ref().map(|url| (url.host(), url.port(), url.path_and_query()));
        assert_eq!(parts.map_err(|error| *error), expected, "{text}");
    }

    #[test]
    fn a_url_comes_apart() {
        check("https://idp.example", Ok(("idp.example", 443, "/")));
        check("https://IDP.example:8443/k?a=b/c", Ok(("idp.example", 8443, "/k?a=b/c")));
        check("https://192.0.2.1/", Ok(("192.0.2.1", 443, "/")));
        check("https://[2001:DB8::1]:444/x", Ok(("2001:db8::1", 444, "/x")));
        check("http://localhost:1/", Ok(("localhost", 1, "/")));
        check("http://127.9.9.9/", Ok(("127.9.9.9", 80, "/")));
        check("http://[::1]/", Ok(("::1", 80, "/")));
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for text in ["http://idp.example/", "http://192.0.2.1/", "ftp://a/", "HTTPS://a/", "a", ""]
        {
            check(text, Err(OutboundUrlError::Scheme));
        }
        for text in ["https://u@a/", "https://u:p@a/", "https://a@b:443/"] {
            check(text, Err(OutboundUrlError::User));
        }
        for text in [
            "https:///x",
            "https://:443/",
            "https://a:/",
            "https://a:0/",
            "https://a:080/",
            "https://a:65536/",
            "https://a:+1/",
            "https://a..b/",
            "https://a./",
            "https://-a/",
            "https://127.1/",
            "https://2130706433/",
            "https://256.1.1.1/",
            "https://[::1/",
            "https://[::1%25eth0]/",
            "https://::1/",
        ] {
            check(text, Err(OutboundUrlError::Host));
        }
        for text in ["https://a/#f", "https://a/ b", "https://a\\b/", "https://ä/", "https://a?q"]
        {
            check(text, Err(OutboundUrlError::Malformed));
        }
    }

    #[test]
    fn the_longest_url_has_2048_bytes() {
        let long = |total: usize| format!("https://a/{}", "x".repeat(total - 10));
        assert!(long(2048).parse::<OutboundUrl>().is_ok());
        check(&long(2049), Err(OutboundUrlError::Malformed));
    }

    #[test]
    fn printing_leaves_out_what_a_query_says() {
        let url: OutboundUrl = "https://A.example:444/keys?appid=s3cret&p".parse().unwrap();
        assert_eq!(url.to_string(), "https://a.example:444/keys?appid=…&p");
        let url: OutboundUrl = "http://[::1]".parse().unwrap();
        assert_eq!(url.to_string(), "http://[::1]/");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let url = |text: &str| text.parse::<OutboundUrl>().unwrap();
        let one = url("https://a.example/x");
        for (other, same) in [
            ("https://A.EXAMPLE:443/y", true),
            ("https://a.example:444/x", false),
            ("https://b.a.example/x", false),
        ] {
            assert_eq!(one.is_of_same_origin(&url(other)), same, "{other}");
        }
        assert!(!url("https://localhost:1/").is_of_same_origin(&url("http://localhost:1/")));
    }
}
