//! Who is inside, and whether there is room for one more.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::presence::{Leaving, Presence};
use crate::config;
use crate::domain::Network;

/// How many connections there are, for the log, metrics and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub connected: usize,
    pub before_login: usize,
    /// Turned away at a cap since the start.
    pub turned_away: usize,
    /// Kept out by a ban since the start.
    pub kept_out: usize,
}

/// Why there was no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoRoom {
    Full,
    /// The address has as many connections as it may have.
    Address,
    /// Chance: many wait for their login.
    Chance,
}

/// Everybody inside.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    guests: Mutex<Guests>,
    turned_away: AtomicUsize,
    kept_out: AtomicUsize,
}

#[derive(Debug, Default)]
struct Guests {
    connected: usize,
    /// By whom the address belongs to: whoever has an IPv6 address has a /64 of them.
    per_address: HashMap<Network, usize>,
    /// In the order they came. Who has logged in is removed when the room is needed.
    before_login: Vec<Arc<Presence>>,
}

/// A place in the house, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    lobby: Arc<Lobby>,
    presence: Arc<Presence>,
}

impl Lobby {
    pub(super) fn seat(self: &Arc<Self>, presence: &Arc<Presence>, limits: &config::Doors) -> Result<Seat, NoRoom> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let whose = whose(presence);
        let from_here = guests.per_address.get(&whose).copied().unwrap_or(0);
        let room = if guests.connected >= limits.connections_max {
            Err(NoRoom::Full)
        } else if from_here >= limits.connections_per_address_max {
            Err(NoRoom::Address)
        } else if guests.is_dropped_early(whose, limits) {
            Err(NoRoom::Chance)
        } else if guests.make_room(limits.before_login_max) {
            Ok(())
        } else {
            Err(NoRoom::Full)
        };
        if let Err(why) = room {
            self.turn_away();
            return Err(why);
        }
        guests.connected += 1;
        *guests.per_address.entry(whose).or_default() += 1;
        guests.before_login.push(Arc::clone(presence));
        Ok(Seat { lobby: Arc::clone(self), presence: Arc::clone(presence) })
    }

    /// Counts a connection that was turned away before it had a name.
    pub(super) fn turn_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn turned_away(&self) -> usize {
        self.turned_away.load(Ordering::Relaxed)
    }

    pub(super) fn keep_out(&self) {
        self.kept_out.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.forget_logged_in();
        Counts {
            connected: guests.connected,
            before_login: guests.before_login.len(),
            turned_away: self.turned_away.load(Ordering::Relaxed),
            kept_out: self.kept_out.load(Ordering::Relaxed),
        }
    }
}

impl Guests {
    /// As sshd's MaxStartups: from `early_drop_begin` on a newcomer is turned away with a probability that grows
    /// from `early_drop_rate` to all at `before_login_max`. Unlike sshd's, not one of whose address nobody waits:
    /// the many of one address do not keep the others out.
    fn is_dropped_early(&mut self, whose: Network, limits: &config::Doors) -> bool {
        let (begin, full) = (limits.early_drop_begin, limits.before_login_max);
        if self.before_login.len() < begin || begin >= full {
            return false;
        }
        self.forget_logged_in();
        let waiting = self.before_login.len();
        if waiting < begin || !self.before_login.iter().any(|presence| self::whose(presence) == whose) {
            return false;
        }
        let rate = u64::from(limits.early_drop_rate.min(100));
        let beyond = (waiting - begin).min(full - begin) as u64;
        chance() % 100 < rate + (100 - rate) * beyond / (full - begin) as u64
    }

    /// Makes sure that fewer than `max` connections wait for their login. When the room is full, the address
    /// with the most of them loses its oldest: one address that opens connections and says nothing displaces
    /// itself and nobody else, where refusing the newcomer would keep everybody out. When no address has more than
    /// one, any of them goes: were it the oldest, a flood would end everybody's login at the same short age.
    fn make_room(&mut self, max: usize) -> bool {
        if self.before_login.len() < max {
            return true;
        }
        self.forget_logged_in();
        if self.before_login.len() < max {
            return true;
        }
        let mut waiting: HashMap<Network, usize> = HashMap::new();
        for presence in &self.before_login {
            *waiting.entry(whose(presence)).or_default() += 1;
        }
        let Some((busiest, count)) = waiting.into_iter().max_by_key(|(_, count)| *count) else { return false };
        let goes = if count > 1 {
            self.before_login.iter().position(|presence| whose(presence) == busiest)
        } else {
            usize::try_from(chance() % self.before_login.len() as u64).ok()
        };
        let Some(goes) = goes.filter(|goes| *goes < self.before_login.len()) else { return false };
        let goes = self.before_login.remove(goes);
        goes.leave(Leaving::MadeRoom);
        // No farewell: the room is needed now.
        goes.hang_up();
        true
    }

    fn forget_logged_in(&mut self) {
        self.before_login.retain(|presence| !presence.is_logged_in());
    }
}

fn whose(presence: &Presence) -> Network {
    Network::subscriber(presence.peer().ip())
}

/// A number nobody can guess: each `RandomState` has a key of its own.
fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut guests = self.lobby.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.connected -= 1;
        let whose = whose(&self.presence);
        if let Some(count) = guests.per_address.get_mut(&whose) {
            *count -= 1;
            if *count == 0 {
                guests.per_address.remove(&whose);
            }
        }
        guests.before_login.retain(|presence| !Arc::ptr_eq(presence, &self.presence));
    }
}
