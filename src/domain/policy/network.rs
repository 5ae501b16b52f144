//! Addresses an account may come from: one address or a network in CIDR notation (RFC 4632 section 3.1,
//! RFC 4291 section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A network: its first address and how many leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether the address is one of its own. An IPv4 address is one, also where it came as `::ffff:192.0.2.1`.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => masked_v4(own, self.prefix) == masked_v4(other, self.prefix),
            (IpAddr::V6(own), IpAddr::V6(other)) => masked_v6(own, self.prefix) == masked_v6(other, self.prefix),
            _ => false,
        }
    }
}

fn masked_v4(address: Ipv4Addr, prefix: u8) -> u32 {
    u32::from(address) & u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn masked_v6(address: Ipv6Addr, prefix: u8) -> u128 {
    u128::from(address) & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address and no network; write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32");
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => {
                // `+8` and `008` parse as numbers, and are nobody's notation.
                let plain =
                    prefix.bytes().all(|byte| byte.is_ascii_digit()) && !(prefix.len() > 1 && prefix.starts_with('0'));
                (address, Some(prefix.parse::<u8>().ok().filter(|_| plain).ok_or_else(wrong)?))
            }
        };
        let written: IpAddr = address.parse().map_err(|_| wrong())?;
        let address = written.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        // `::ffff:192.0.2.0/120` is 192.0.2.0/24.
        let mapped = if written == address { 0 } else { 96 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => prefix.checked_sub(mapped).filter(|prefix| *prefix <= bits).ok_or_else(wrong)?,
        };
        let first = match address {
            IpAddr::V4(address) => IpAddr::V4(masked_v4(address, prefix).into()),
            IpAddr::V6(address) => IpAddr::V6(masked_v6(address, prefix).into()),
        };
        if first != address {
            return Err(format!("`{text}` has bits set beyond its prefix; did you mean {first}/{prefix}?"));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.prefix) {
            (IpAddr::V4(address), 32) => write!(out, "{address}"),
            (IpAddr::V6(address), 128) => write!(out, "{address}"),
            (address, prefix) => write!(out, "{address}/{prefix}"),
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_holds_its_own_addresses_and_no_other() {
        for (network, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            // An IPv4 address that came over IPv6, and a network written so.
            ("192.0.2.0/24", "::ffff:192.0.2.9", "::ffff:192.0.3.9"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
            ("127.0.0.0/8", "127.0.0.1", "::1"),
            ("::1", "::1", "0.0.0.1"),
        ] {
            assert!(holds(network, inside), "{inside} in {network}");
            assert!(!holds(network, outside), "{outside} in {network}");
        }
        // All of one family is not all of the other.
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && !holds("::/0", "203.0.113.9"));
    }

    #[test]
    fn what_is_no_network_is_refused_with_advice() {
        for text in [
            "",
            "x",
            "192.0.2",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/-1",
            "192.0.2.0/+8",
            "192.0.2.0/08",
            "/8",
            "2001:db8::/129",
            "192.0.2.1/24",
            "::ffff:192.0.2.0/95",
            "192.0.2.0/24/8",
            " 192.0.2.0/24",
            "192.0.2.0/24\n",
            "010.0.0.1",
        ] {
            let why = text.parse::<Network>().unwrap_err();
            assert!(why.contains("write 192.0.2.7") || why.contains("did you mean"), "{text}: {why}");
        }
        for text in ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "::1", "0.0.0.0/0"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
    }
}
