//! Networks as operators write them: an address, or a prefix in CIDR notation (RFC 4632, RFC 4291 section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// All addresses that begin with the same bits. Always canonical: an IPv4 address that came in IPv6's clothes is
/// an IPv4 address, and no bit behind the prefix is set, so that equal networks compare equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// How many bits of an IPv6 address say whose it is: a /64 is the least anybody is given (RFC 6177), and whoever
/// has one has all of its addresses.
const SUBSCRIBER_BITS: u8 = 64;

impl Network {
    /// The network of the first `prefix` bits of `address`; longer prefixes than the address has are the address.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        match address {
            IpAddr::V4(address) => Self::v4(address, prefix),
            IpAddr::V6(address) => match (address.to_ipv4_mapped(), prefix) {
                (Some(mapped), 96..) => Self::v4(mapped, prefix - 96),
                _ => {
                    let prefix = prefix.min(128);
                    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                    Self { first: Ipv6Addr::from_bits(address.to_bits() & mask).into(), prefix }
                }
            },
        }
    }

    fn v4(address: Ipv4Addr, prefix: u8) -> Self {
        let prefix = prefix.min(32);
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        Self { first: Ipv4Addr::from_bits(address.to_bits() & mask).into(), prefix }
    }

    /// Just this address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self::new(address, 128)
    }

    /// Whoever this address belongs to, as far as it can be told from outside: an IPv4 address, an IPv6 /64.
    #[must_use]
    pub fn subscriber(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::v4(address, 32),
            address @ IpAddr::V6(_) => Self::new(address, SUBSCRIBER_BITS),
        }
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && Self::new(address, self.prefix).first == self.first
    }

    /// Whether the two have an address in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }

    /// Its first address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// How many bits are the same in all its addresses: 0 to 32, or 0 to 128.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    fn is_one_address(&self) -> bool {
        self.prefix == if self.first.is_ipv4() { 32 } else { 128 }
    }
}

/// What was written is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address or a network; write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.chars().filter(|c| !c.is_control()).take(64).collect());
        let text = text.trim();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        match prefix {
            None => Ok(Self::of(address)),
            // Digits alone: `+8` and the like are numbers to Rust.
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
                if prefix > bits { Err(wrong()) } else { Ok(Self::new(address, prefix)) }
            }
            Some(_) => Err(wrong()),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_one_address() { self.first.fmt(out) } else { write!(out, "{}/{}", self.first, self.prefix) }
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

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_written_in_one_way() {
        for (written, shown) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7/32", "203.0.113.7"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            (" 10.1.2.3/8 ", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("2001:db8:1:2:3::4/48", "2001:db8:1::/48"),
            ("2001:DB8::1", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7/120", "203.0.113.0/24"),
        ] {
            assert_eq!(network(written).to_string(), shown, "{written}");
            assert_eq!(network(shown), network(written));
        }
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "a", "10.0.0.0/8/8", "/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let holds = |text: &str, address: &str| network(text).contains(address.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("0.0.0.0/0", "198.51.100.1") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && !holds("::/0", "198.51.100.1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.1.1"), "IPv4 in IPv6's clothes");
        assert!(holds("2001:db8::/64", "2001:db8::ffff") && !holds("2001:db8::/64", "2001:db8:0:1::"));
        assert!(network("10.0.0.0/8").overlaps(&network("10.2.0.0/16")));
        assert!(network("10.2.0.0/16").overlaps(&network("10.0.0.0/8")));
        assert!(!network("10.2.0.0/16").overlaps(&network("10.3.0.0/16")));
    }

    #[test]
    fn whoever_has_an_ipv6_address_has_its_64() {
        let of = |text: &str| Network::subscriber(text.parse().unwrap()).to_string();
        assert_eq!(of("203.0.113.7"), "203.0.113.7");
        assert_eq!(of("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    }
}
