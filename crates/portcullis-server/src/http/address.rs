//! The viewer's address (SEC-76).
//!
//! It is the peer of the socket, unless that peer is one of our own proxies; then it is the
//! right-most address in the one configured header that is not such a proxy itself. From
//! anybody else the header is ignored: it is the client's to write. When a proxy's header is
//! missing or malformed there is no address, and a rule that needs one refuses.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use portcullis_base::canonical_address;

use crate::config::{Proxy, ProxyHeader};

/// The address a request comes from, or `None` when a proxy does not say.
pub(crate) fn of_viewer(peer: SocketAddr, headers: &HeaderMap, proxy: &Proxy) -> Option<IpAddr> {
    let peer = canonical_address(peer.ip());
    if !is_trusted(peer, proxy) {
        return Some(peer);
    }
    let name = match proxy.header {
        ProxyHeader::Forwarded => http::header::FORWARDED,
        ProxyHeader::XForwardedFor => X_FORWARDED_FOR,
    };
    let lines: Vec<&str> =
        headers.get_all(name).iter().map(|value| value.to_str()).collect::<Result<_, _>>().ok()?;
    let hops = lines.iter().flat_map(|line| line.split(','));
    for hop in hops.rev() {
        let address = match proxy.header {
            ProxyHeader::Forwarded => forwarded_for(hop)?,
            ProxyHeader::XForwardedFor => hop.trim().parse().ok()?,
        };
        let address = canonical_address(address);
        if !is_trusted(address, proxy) {
            return Some(address);
        }
    }
    None
}

fn is_trusted(address: IpAddr, proxy: &Proxy) -> bool {
    proxy.trusted.iter().any(|range| range.contains(address))
}

/// SPEC: RFC 7239 §4, §6: `for=192.0.2.1`, `for="[2001:db8::1]:4711"`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    })?;
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    if let Some(rest) = value.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    value.parse().ok().or_else(|| value.rsplit_once(':')?.0.parse().ok())
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, kind: ProxyHeader, lines: &[&str], expected: Option<&str>) {
        let proxy = Proxy { trusted: vec!["127.0.0.0/8".parse().unwrap()], header: kind };
        let name = match kind {
            ProxyHeader::Forwarded => "forwarded",
            ProxyHeader::XForwardedFor => "x-forwarded-for",
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, line.parse().unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        let expected = expected.map(|text| text.parse().unwrap());
        assert_eq!(of_viewer(peer, &headers, &proxy), expected);
    }

    #[test]
    fn a_stranger_s_header_is_ignored() {
        let kind = ProxyHeader::XForwardedFor;
        check("192.0.2.9", kind, &["203.0.113.1"], Some("192.0.2.9"));
        check("::ffff:192.0.2.9", kind, &[], Some("192.0.2.9"));
    }

    #[test]
    fn the_right_most_untrusted_hop_counts() {
        let kind = ProxyHeader::XForwardedFor;
        check("127.0.0.1", kind, &["10.0.0.1, 203.0.113.1"], Some("203.0.113.1"));
        check("127.0.0.1", kind, &["203.0.113.1, 127.0.0.2"], Some("203.0.113.1"));
        check("127.0.0.1", kind, &["203.0.113.1", "127.0.0.2"], Some("203.0.113.1"));
    }

    #[test]
    fn a_proxy_that_does_not_say_leaves_no_address() {
        let kind = ProxyHeader::XForwardedFor;
        check("127.0.0.1", kind, &[], None);
        check("127.0.0.1", kind, &["unknown"], None);
        check("127.0.0.1", kind, &["203.0.113.1, nonsense"], None);
    }

    #[test]
    fn the_standard_header_reads_both_families() {
        let kind = ProxyHeader::Forwarded;
        check("127.0.0.1", kind, &["for=192.0.2.1;proto=https"], Some("192.0.2.1"));
        check("127.0.0.1", kind, &["For=\"[2001:db8::1]:4711\""], Some("2001:db8::1"));
        check("127.0.0.1", kind, &["for=192.0.2.1:99"], Some("192.0.2.1"));
        check("127.0.0.1", kind, &["for=_hidden"], None);
    }
}
