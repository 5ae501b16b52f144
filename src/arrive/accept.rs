//! One accept loop for every door: who is let in, for how long without a login, for how long in silence,
//! and how everybody leaves when the house closes.
//!
//! It exists because a server that leaves this to its protocol library dies at the first EMFILE, keeps
//! half-open connections for ever, and cuts uploads off on shutdown (TRANSFER.md R3, R8, R10).

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::presence::{Leaving, Presence};
use crate::config;

/// An address being listened on.
#[derive(Debug)]
pub struct Gate {
    listener: TcpListener,
    address: SocketAddr,
    limits: config::Doors,
    lobby: Arc<Lobby>,
}

/// A connection that was let in. It counts until it is dropped.
#[derive(Debug)]
pub struct Visit {
    pub stream: TcpStream,
    pub presence: Arc<Presence>,
    _seat: Seat,
}

/// How many connections there are, for the log, metrics and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub connected: usize,
    pub before_login: usize,
    /// Turned away at a cap since the start.
    pub turned_away: usize,
}

/// Connections the kernel keeps for us while we are not looking. The kernel lowers it to its own limit.
const BACKLOG: u32 = 4096;
/// Between two attempts to accept while there are no file descriptors.
const BACK_OFF: Duration = Duration::from_millis(50);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// How long a connection that was told to leave may take over it.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a connection without an open upload is left alone during a drain: time for the rename that
/// follows an upload.
const LINGER: Duration = Duration::from_millis(500);
/// How often a line says that connections are being turned away.
const TURNED_AWAY_EVERY: Duration = Duration::from_secs(10);

impl Gate {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub fn open(address: SocketAddr, limits: &config::Doors) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restart must not wait for the last run's connections to leave TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, limits: limits.clone(), lobby: Arc::default() })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads the counts, now and later.
    pub fn counts(&self) -> impl Fn() -> Counts + Send + Sync + 'static {
        let lobby = Arc::clone(&self.lobby);
        move || lobby.counts()
    }

    /// Hands every connection to `attend`, until `shutdown`; then lets uploads in flight finish within the
    /// drain deadline, and returns when the last connection is gone.
    pub async fn serve<A, F>(self, shutdown: CancellationToken, attend: A)
    where
        A: Fn(Visit) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let visits = TaskTracker::new();
        let mut back_off = BACK_OFF;
        let mut reported = (Instant::now(), 0);
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    back_off = BACK_OFF;
                    let Some(visit) = self.admit(stream, peer) else {
                        reported = self.report_turned_away(reported);
                        continue;
                    };
                    let presence = Arc::clone(&visit.presence);
                    let attended = attend(visit);
                    visits.spawn(accompany(attended, presence, self.limits.clone(), shutdown.clone()));
                }
                Err(error) if is_out_of_resources(&error) => {
                    warn!(%error, "no connection can be accepted; trying again in {back_off:?}");
                    tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = sleep(back_off) => {}
                    }
                    back_off = (back_off * 2).min(BACK_OFF_MAX);
                }
                // The client left between its SYN and our accept (accept(2), ECONNABORTED), or its network
                // had an error; the next one is another client.
                Err(error) => debug!(%error, "a connection was gone before it was accepted"),
            }
        }
        // From here on the kernel refuses: a load balancer sees it at once.
        drop(self.listener);
        visits.close();
        visits.wait().await;
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<Visit> {
        let presence = Presence::new(peer);
        let seat = self.lobby.seat(&presence, &self.limits)?;
        // Replies are small and waited for; Nagle's algorithm would hold them back (russh's default).
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "could not set TCP_NODELAY");
        }
        Some(Visit { stream, presence, _seat: seat })
    }

    fn report_turned_away(&self, (at, count): (Instant, usize)) -> (Instant, usize) {
        let now = self.lobby.counts().turned_away;
        if count > 0 && at.elapsed() < TURNED_AWAY_EVERY {
            return (at, count);
        }
        warn!(connections = now - count, "turned away {} connections at a cap of [doors]", now - count);
        (Instant::now(), now)
    }
}

/// Watches over one connection until it is gone.
async fn accompany(
    attended: impl Future<Output = ()>,
    presence: Arc<Presence>,
    limits: config::Doors,
    shutdown: CancellationToken,
) {
    tokio::pin!(attended);
    tokio::select! {
        () = &mut attended => return,
        why = reason_to_leave(&presence, &limits, &shutdown) => presence.leave(why),
    }
    // The door says goodbye in its own protocol; who stays is cut off.
    if timeout(FAREWELL, &mut attended).await.is_err() {
        presence.hang_up();
        attended.await;
    }
}

async fn reason_to_leave(presence: &Presence, limits: &config::Doors, shutdown: &CancellationToken) -> Leaving {
    let stay = async {
        let login_deadline = presence.since() + limits.login_deadline.duration();
        tokio::select! {
            () = presence.login() => idle(presence, limits.idle_deadline.duration()).await,
            () = sleep_until(login_deadline) => Leaving::LoginDeadline,
        }
    };
    tokio::select! {
        why = stay => return why,
        () = presence.leaving().cancelled() => return presence.why().unwrap_or(Leaving::MadeRoom),
        () = shutdown.cancelled() => {}
    }
    let deadline = Instant::now() + limits.drain_deadline.duration();
    loop {
        let now = Instant::now();
        if now >= deadline || !presence.is_logged_in() {
            return Leaving::Draining;
        }
        let quiet = presence.last_heard() + LINGER;
        if !presence.is_busy() && now >= quiet {
            return Leaving::Draining;
        }
        sleep_until(quiet.max(now + LINGER / 10).min(deadline)).await;
    }
}

/// Returns when nothing has been heard for `limit`. An open upload is not an excuse: its client is to send.
async fn idle(presence: &Presence, limit: Duration) -> Leaving {
    loop {
        let until = presence.last_heard() + limit;
        if Instant::now() >= until {
            return Leaving::Idle;
        }
        sleep_until(until).await;
    }
}

/// `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`: it helps to wait, and only that.
fn is_out_of_resources(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM))
}

/// Everybody inside.
#[derive(Debug, Default)]
struct Lobby {
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

#[derive(Debug)]
struct Seat {
    lobby: Arc<Lobby>,
    presence: Arc<Presence>,
}

impl Lobby {
    fn seat(self: &Arc<Self>, presence: &Arc<Presence>, limits: &config::Doors) -> Option<Seat> {
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

    fn counts(&self) -> Counts {
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
