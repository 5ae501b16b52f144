//! Who is inside, and whether there is room for one more.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::presence::{Leaving, Presence};
use crate::config;

/// How many connections there are, for the log, metrics and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub connected: usize,
    pub before_login: usize,
    /// Turned away at a cap since the start.
    pub turned_away: usize,
}

/// Everybody inside.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    guests: Mutex<Guests>,
    turned_away: AtomicUsize,
}

#[derive(Debug, Default)]
struct Guests {
    connected: usize,
    per_address: HashMap<IpAddr, usize>,
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
    pub(super) fn seat(self: &Arc<Self>, presence: &Arc<Presence>, limits: &config::Doors) -> Option<Seat> {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let address = presence.peer().ip();
        let from_here = guests.per_address.get(&address).copied().unwrap_or(0);
        let full = guests.connected >= limits.connections_max || from_here >= limits.connections_per_address_max;
        if full || !guests.make_room(limits.before_login_max) {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        guests.connected += 1;
        *guests.per_address.entry(address).or_default() += 1;
        guests.before_login.push(Arc::clone(presence));
        Some(Seat { lobby: Arc::clone(self), presence: Arc::clone(presence) })
    }

    pub(super) fn counts(&self) -> Counts {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.forget_logged_in();
        Counts {
            connected: guests.connected,
            before_login: guests.before_login.len(),
            turned_away: self.turned_away.load(Ordering::Relaxed),
        }
    }
}

impl Guests {
    /// Makes sure that fewer than `max` connections wait for their login. When the room is full, the address
    /// with the most of them loses its oldest: one address that opens connections and says nothing displaces
    /// itself and nobody else, where refusing the newcomer would keep everybody out.
    fn make_room(&mut self, max: usize) -> bool {
        if self.before_login.len() < max {
            return true;
        }
        self.forget_logged_in();
        if self.before_login.len() < max {
            return true;
        }
        let mut waiting: HashMap<IpAddr, usize> = HashMap::new();
        for presence in &self.before_login {
            *waiting.entry(presence.peer().ip()).or_default() += 1;
        }
        let Some((busiest, _)) = waiting.into_iter().max_by_key(|(_, count)| *count) else { return false };
        let Some(oldest) = self.before_login.iter().position(|presence| presence.peer().ip() == busiest) else {
            return false;
        };
        let oldest = self.before_login.remove(oldest);
        oldest.leave(Leaving::MadeRoom);
        // No farewell: the room is needed now.
        oldest.hang_up();
        true
    }

    fn forget_logged_in(&mut self) {
        self.before_login.retain(|presence| !presence.is_logged_in());
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut guests = self.lobby.guests.lock().unwrap_or_else(PoisonError::into_inner);
        guests.connected -= 1;
        let address = self.presence.peer().ip();
        if let Some(count) = guests.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                guests.per_address.remove(&address);
            }
        }
        guests.before_login.retain(|presence| !Arc::ptr_eq(presence, &self.presence));
    }
}
