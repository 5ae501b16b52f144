//! This node's copy of the bans, asked at every accept.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use crate::domain::{Network, Timestamp};
use crate::record::BanRow;

/// Who is kept out, by network.
#[derive(Debug, Default)]
pub(super) struct Bans {
    until: HashMap<Network, Option<Timestamp>>,
    /// The lengths of prefix there are: few, each looked up once.
    prefixes: BTreeSet<u8>,
}

impl Bans {
    pub(super) fn of(rows: &[BanRow]) -> Self {
        let mut bans = Self::default();
        for row in rows {
            bans.add(row.network, row.until);
        }
        bans
    }

    pub(super) fn add(&mut self, network: Network, until: Option<Timestamp>) {
        self.prefixes.insert(network.prefix());
        self.until.insert(network, until);
    }

    pub(super) fn lift(&mut self, network: Network) {
        self.until.remove(&network);
    }

    pub(super) fn len(&self) -> usize {
        self.until.len()
    }

    pub(super) fn drop_ended(&mut self, now: Timestamp) {
        self.until.retain(|_, until| until.is_none_or(|until| until > now));
    }

    pub(super) fn holds(&self, address: IpAddr, now: Timestamp) -> bool {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        self.prefixes.iter().take_while(|prefix| **prefix <= bits).any(|prefix| {
            self.until.get(&Network::new(address, *prefix)).is_some_and(|until| until.is_none_or(|until| until > now))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_holds_for_its_network_until_its_end() {
        let now = Timestamp::now();
        let mut bans = Bans::default();
        bans.add("203.0.113.7".parse().unwrap(), Some(now.plus_micros(10)));
        bans.add("198.51.100.0/24".parse().unwrap(), None);
        bans.add("2001:db8:1:2::/64".parse().unwrap(), None);
        let holds = |bans: &Bans, address: &str, now| bans.holds(address.parse().unwrap(), now);
        for address in ["203.0.113.7", "::ffff:203.0.113.7", "198.51.100.200", "2001:db8:1:2:3:4:5:6"] {
            assert!(holds(&bans, address, now), "{address}");
        }
        for address in ["203.0.113.8", "198.51.101.1", "2001:db8:1:3::1", "cb00:7107::"] {
            assert!(!holds(&bans, address, now), "{address}");
        }
        assert!(!holds(&bans, "203.0.113.7", now.plus_micros(10)));
        bans.drop_ended(now.plus_micros(10));
        assert_eq!(bans.len(), 2);
        bans.lift("198.51.100.0/24".parse().unwrap());
        assert!(!holds(&bans, "198.51.100.200", now));
    }
}
