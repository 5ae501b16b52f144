//! `[defend]`: when an address has done too much, and for how long it is kept out.

use serde::{Deserialize, Serialize};

use super::{ConfigError, Span};
use crate::domain::Network;

/// `[defend]`: scores and bans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Defend {
    /// Whether addresses are scored. Operators' bans hold either way.
    pub enabled: bool,
    /// So many points, and an address is kept out. Points leak away evenly: all of these in `window`.
    pub threshold: u32,
    pub window: Span,
    /// Points for a wrong credential of an account there is.
    pub failed_login: u32,
    /// Points for a login there is none of.
    pub unknown_login: u32,
    /// Points for what no honest client sends: no SSH banner, garbage, broken frames, silence until the deadline.
    pub probe: u32,
    /// Points for a path that tries to leave its folder or hides characters.
    pub hostile_path: u32,
    /// Points for running into a limit: connections of one address, failed logins of one connection.
    pub limit: u32,
    /// How long an address is kept out the first time.
    pub ban: Span,
    /// By how many percent each further ban is longer than the one before.
    pub ban_growth: u32,
    /// No automatic ban is longer.
    pub ban_max: Span,
    /// How long after its end a ban is remembered, for the next one to be longer.
    pub ban_memory: Span,
    /// Bans there are at most; an automatic one that ends soonest makes room.
    pub bans_max: u32,
    /// Addresses, and logins, whose failures are remembered; the one heard of longest ago makes room.
    pub scores_max: usize,
    /// Addresses that are never banned automatically.
    pub exempt: Vec<Network>,
    /// How often bans of other nodes and of operators are looked for.
    pub refresh: Span,
    /// So many wrong passwords for one login in `window`, and the next ones are checked later.
    pub slow_down_after: u32,
    /// By how much later, for each wrong password beyond that.
    pub slow_down_step: Span,
    /// And never by more than this: nobody can lock somebody else out.
    pub slow_down_max: Span,
}

impl Default for Defend {
    fn default() -> Self {
        Self {
            enabled: true,
            threshold: 15,
            window: Span::minutes(30),
            failed_login: 1,
            unknown_login: 2,
            probe: 2,
            hostile_path: 1,
            limit: 3,
            ban: Span::minutes(30),
            ban_growth: 50,
            ban_max: Span::hours(24),
            ban_memory: Span::hours(24 * 7),
            bans_max: 10_000,
            scores_max: 10_000,
            // Whoever is on this machine is no stranger, and a forwarder on it is everybody.
            exempt: ["127.0.0.0/8", "::1"].iter().filter_map(|text| text.parse().ok()).collect(),
            refresh: Span::seconds(2),
            slow_down_after: 5,
            slow_down_step: Span::milliseconds(500),
            slow_down_max: Span::seconds(5),
        }
    }
}

impl Defend {
    /// How long the `count`th ban in a row is, from 1.
    #[must_use]
    pub fn length(&self, count: u32) -> Span {
        let (max, growth) = (self.ban_max.duration().as_millis(), u128::from(self.ban_growth));
        let mut length = self.ban.duration().as_millis().min(max);
        for _ in 1..count.min(1_000) {
            length = (length * (100 + growth) / 100).min(max);
        }
        Span::milliseconds(u64::try_from(length).unwrap_or(u64::MAX))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let zero = [
            ("threshold", self.threshold == 0),
            ("window", self.window.duration().is_zero()),
            ("bans_max", self.bans_max == 0),
            ("scores_max", self.scores_max == 0),
            ("refresh", self.refresh.duration().is_zero()),
        ];
        match zero.iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(ConfigError::Invalid(format!("defend.{name} is 0; it must be more"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ban_in_a_row_is_longer_up_to_a_day() {
        let defend = Defend::default();
        assert_eq!(defend.length(1), Span::minutes(30));
        assert_eq!(defend.length(2), Span::minutes(45));
        assert_eq!(defend.length(3), Span::seconds(67 * 60 + 30));
        assert_eq!(defend.length(11), Span::hours(24));
        assert_eq!(defend.length(u32::MAX), Span::hours(24));
        let doubling = Defend { ban_growth: 100, ..Defend::default() };
        assert_eq!(doubling.length(4), Span::hours(4));
        let short = Defend { ban_max: Span::minutes(1), ..Defend::default() };
        assert_eq!(short.length(1), Span::minutes(1));
    }
}
