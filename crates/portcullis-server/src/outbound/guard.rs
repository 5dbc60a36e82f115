//! Which addresses this server may call.
//!
//! Only public ones, and those in ranges that were allowed by name. An address that carries
//! another one inside (NAT64, 6to4, IPv4 in IPv6) is judged by the one inside. Services that
//! give out credentials of the machine itself are never called, whatever is allowed.
//!
//! SPEC: SEC-81; the special-purpose registries of RFC 6890.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use portcullis_base::{Cidr, canonical_address};

/// Whether `address` may be called; `allowed` are the ranges that were allowed by name.
pub(super) fn may_be_called(address: IpAddr, allowed: &[Cidr]) -> bool {
    let address = innermost(address);
    let within = |ranges: &[Cidr]| ranges.iter().any(|range| range.contains(address));
    !within(&NEVER) && (!within(&NOT_PUBLIC) || within(allowed))
}

fn innermost(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = canonical_address(address) else { return canonical_address(address) };
    let [first, second, third, ..] = v6.segments();
    let bytes = v6.octets();
    match (first, second, third) {
        // NAT64: the last four bytes, if those before are zero.
        (0x64, 0xff9b, 0) if bytes.get(4..12).is_some_and(|zeros| zeros == [0; 8]) => {
            let [.., a, b, c, d] = bytes;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        // 6to4: the four bytes after the prefix.
        (0x2002, ..) => {
            let [_, _, a, b, c, d, ..] = bytes;
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => IpAddr::V6(v6),
    }
}

/// Link-local addresses, where cloud machines find their own credentials, and the metadata
/// services that live elsewhere.
static NEVER: LazyLock<Vec<Cidr>> =
    LazyLock::new(|| ranges(&["169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "100.100.100.200"]));

static NOT_PUBLIC: LazyLock<Vec<Cidr>> = LazyLock::new(|| {
    ranges(&[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        // IPv4-compatible addresses, the unspecified one and loopback.
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fec0::/10",
        "ff00::/8",
    ])
});

fn ranges(texts: &[&str]) -> Vec<Cidr> {
    texts
        .iter()
        .map(|text| text.parse().expect("the ranges of this file are well formed"))
        .collect()
}

/// Whether plain HTTP to this address stays on the machine.
pub(super) const fn is_this_machine(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback(),
        IpAddr::V6(v6) => v6.to_bits() == Ipv6Addr::LOCALHOST.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, allowed: &[&str], expected: bool) {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(may_be_called(address, &ranges(allowed)), expected, "{address} {allowed:?}");
    }

    #[test]
    fn public_addresses_may_be_called_and_their_neighbours_may_not() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:200::1",
            "2003::1",
        ] {
            check(address, &[], true);
        }
        for address in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b:1::1",
        ] {
            check(address, &[], false);
        }
    }

    #[test]
    fn an_address_inside_another_counts() {
        for (address, expected) in [
            ("::ffff:10.0.0.1", false),
            ("::ffff:1.1.1.1", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::101:101", true),
            ("64:ff9b::a9fe:a9fe", false),
            ("2002:a00:1::", false),
            ("2002:101:101::", true),
            ("2002:7f00:1::1", false),
        ] {
            check(address, &[], expected);
        }
    }

    #[test]
    fn what_was_allowed_by_name_may_be_called_but_never_a_metadata_service() {
        check("10.1.2.3", &["10.1.0.0/16"], true);
        check("10.2.2.3", &["10.1.0.0/16"], false);
        check("64:ff9b::a01:203", &["10.1.0.0/16"], true);
        check("::1", &["::1"], true);
        for address in ["169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200"] {
            check(address, &["0.0.0.0/0", "::/0"], false);
        }
        check("::ffff:169.254.169.254", &["0.0.0.0/0", "::/0"], false);
        check("64:ff9b::a9fe:a9fe", &["0.0.0.0/0", "::/0"], false);
    }
}
