//! Network addresses and ranges.
//!
//! An IPv4 address written as an IPv6 one (`::ffff:192.0.2.1`) is the same address: both
//! sides of every comparison are folded first, so a rule cannot be passed by spelling.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

/// Folds an IPv4-mapped IPv6 address into the IPv4 address it stands for.
#[must_use]
pub fn canonical_address(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// A range of addresses: `192.0.2.0/24`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr(IpNet);

impl Cidr {
    /// Whether `address` lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&canonical_address(address))
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    /// Reads `address/prefix` or a single address. Host bits must be zero: `192.0.2.1/24`
    /// is more often a slip of the hand than a range.
    fn from_str(text: &str) -> Result<Self, CidrError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(canonical_address(address))));
        }
        let net: IpNet = text.parse().map_err(|_| CidrError::Malformed)?;
        if net.trunc() != net {
            return Err(CidrError::HostBits { network: net.trunc().to_string() });
        }
        match net.addr() {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Err(CidrError::Mapped),
            _ => Ok(Self(net)),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CidrError {
    /// Bits below the prefix are set.
    #[error("bits are set below the prefix: did you mean `{network}`?")]
    HostBits {
        /// The range with those bits cleared.
        network: String,
    },
    /// Neither an address nor a range.
    #[error("expected an address such as `192.0.2.1` or a range such as `192.0.2.0/24`")]
    Malformed,
    /// A range of IPv4-mapped addresses.
    #[error("write IPv4 ranges in IPv4 form")]
    Mapped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, address: &str, inside: bool) {
        let range: Cidr = range.parse().unwrap();
        assert_eq!(range.contains(address.parse().unwrap()), inside);
    }

    #[test]
    fn both_edges_of_a_range_are_inside() {
        check("192.0.2.0/24", "192.0.2.0", true);
        check("192.0.2.0/24", "192.0.2.255", true);
        check("192.0.2.0/24", "192.0.3.0", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::", false);
    }

    #[test]
    fn a_mapped_address_is_the_address_it_stands_for() {
        check("192.0.2.0/24", "::ffff:192.0.2.7", true);
        check("::ffff:192.0.2.7", "192.0.2.7", true);
    }

    #[test]
    fn slips_are_named() {
        let host_bits = CidrError::HostBits { network: "192.0.2.0/24".into() };
        assert_eq!("192.0.2.1/24".parse::<Cidr>(), Err(host_bits));
        assert_eq!("192.0.2.0/33".parse::<Cidr>(), Err(CidrError::Malformed));
        assert_eq!("::ffff:0:0/96".parse::<Cidr>(), Err(CidrError::Mapped));
    }
}
