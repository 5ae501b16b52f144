//! One accept loop for every door: who is let in, for how long without a login, for how long in silence,
//! and how everybody leaves when the house closes.
//!
//! It exists because a server that leaves this to its protocol library dies at the first EMFILE, keeps
//! half-open connections for ever, and cuts uploads off on shutdown (TRANSFER.md R3, R8, R10).

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::lobby::{Counts, Lobby, NoRoom, Seat};
use super::presence::{Leaving, Presence};
use super::proxy::{self, ProxyError, Route};
use crate::config::{self, Live};
use crate::defend::{Defender, Offence};

/// An address being listened on.
#[derive(Debug)]
pub struct Gate {
    listener: TcpListener,
    address: SocketAddr,
    rules: Rules,
}

/// Who is let in: what all connections of a gate share.
#[derive(Debug, Clone)]
struct Rules {
    limits: Live<config::Doors>,
    lobby: Arc<Lobby>,
    defender: Defender,
    /// What a client is told that is not let in, in its protocol's own words; nothing where it would not be
    /// understood.
    refusal: &'static [u8],
    /// Connections of balancers whose header has not come yet.
    nameless: Arc<AtomicUsize>,
    /// When a balancer without a header was last complained of.
    complained: Arc<Mutex<Option<Instant>>>,
}

/// A connection that was let in. It counts until it is dropped.
#[derive(Debug)]
pub struct Visit {
    pub stream: TcpStream,
    pub presence: Arc<Presence>,
    /// The address the client connected to, where a balancer stands between.
    pub to: Option<SocketAddr>,
    _seat: Seat,
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
/// How often a line says that a balancer sends no PROXY header.
const COMPLAINT_EVERY: Duration = Duration::from_secs(10);

impl Gate {
    /// Listens on `address`; port 0 takes a free one. `refusal` is what is said to whoever is not let in.
    ///
    /// # Errors
    /// The address is taken or not ours.
    pub fn open(
        address: SocketAddr,
        limits: &Live<config::Doors>,
        defender: &Defender,
        refusal: &'static [u8],
    ) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restart must not wait for the last run's connections to leave TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let rules = Rules {
            limits: limits.clone(),
            lobby: Arc::default(),
            defender: defender.clone(),
            refusal,
            nameless: Arc::default(),
            complained: Arc::default(),
        };
        Ok(Self { listener, address, rules })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads the counts, now and later.
    pub fn counts(&self) -> impl Fn() -> Counts + Send + Sync + 'static {
        let lobby = Arc::clone(&self.rules.lobby);
        move || lobby.counts()
    }

    /// Hands every connection to `attend`, until `shutdown`; then lets uploads in flight finish within the
    /// drain deadline, and returns when the last connection is gone.
    pub async fn serve<A, F>(self, shutdown: CancellationToken, attend: A)
    where
        A: Fn(Visit) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let visits = TaskTracker::new();
        let attend = Arc::new(attend);
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
                    let limits = self.rules.limits.now();
                    if !proxy::is_trusted(peer.ip(), &limits.proxy_from) {
                        if let Some(visit) = self.rules.admit(stream, peer, None, &limits) {
                            let presence = Arc::clone(&visit.presence);
                            visits.spawn(accompany(attend(visit), presence, limits, shutdown.clone()));
                        }
                    } else if let Some(unnamed) = self.rules.nameless(&limits) {
                        let (rules, attend, shutdown) = (self.rules.clone(), Arc::clone(&attend), shutdown.clone());
                        visits.spawn(async move {
                            let visit = tokio::select! {
                                visit = rules.admit_named(stream, peer, &limits) => visit,
                                () = shutdown.cancelled() => None,
                            };
                            drop(unnamed);
                            if let Some(visit) = visit {
                                let presence = Arc::clone(&visit.presence);
                                accompany(attend(visit), presence, limits, shutdown).await;
                            }
                        });
                    }
                    reported = self.report_turned_away(reported);
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

    fn report_turned_away(&self, (at, count): (Instant, usize)) -> (Instant, usize) {
        let now = self.rules.lobby.turned_away();
        if now == count || (count > 0 && at.elapsed() < TURNED_AWAY_EVERY) {
            return (at, count);
        }
        warn!(connections = now - count, "turned away {} connections at a cap of [doors]", now - count);
        (Instant::now(), now)
    }
}

impl Rules {
    /// Lets a client in, or not. What it costs us up to here is an accept.
    fn admit(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        route: Option<Route>,
        limits: &config::Doors,
    ) -> Option<Visit> {
        // An IPv4 client is one, also where it came over an IPv6 socket.
        let client = route.map_or(peer, |route| route.client);
        let client = SocketAddr::new(client.ip().to_canonical(), client.port());
        if self.defender.keeps_out(client.ip()) {
            self.lobby.keep_out();
            self.refuse(&stream);
            return None;
        }
        let presence = Presence::new(client, self.defender.clone());
        let seat = match self.lobby.seat(&presence, limits) {
            Ok(seat) => seat,
            Err(why) => {
                if why == NoRoom::Address {
                    presence.blame(Offence::Limit);
                }
                self.refuse(&stream);
                return None;
            }
        };
        // Replies are small and waited for; Nagle's algorithm would hold them back (russh's default).
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "could not set TCP_NODELAY");
        }
        Some(Visit { stream, presence, to: route.map(|route| route.to), _seat: seat })
    }

    /// A place for a balancer's connection that has not said whose it is.
    fn nameless(&self, limits: &config::Doors) -> Option<Nameless> {
        let unnamed = Nameless(Arc::clone(&self.nameless));
        if self.nameless.fetch_add(1, Ordering::Relaxed) < limits.before_login_max {
            return Some(unnamed);
        }
        self.lobby.turn_away();
        None
    }

    /// Lets the client in whom the balancer's header names.
    async fn admit_named(&self, mut stream: TcpStream, peer: SocketAddr, limits: &config::Doors) -> Option<Visit> {
        match proxy::header(&mut stream, limits.proxy_deadline.duration()).await {
            Ok(route) => self.admit(stream, peer, route, limits),
            // Balancers look whether the port is open, every second for years.
            Err(error @ (ProxyError::Silent | ProxyError::Lost(_))) => {
                debug!(%peer, %error, "a balancer's connection ended before its header");
                None
            }
            Err(error) => {
                self.complain(peer, &error);
                None
            }
        }
    }

    fn complain(&self, peer: SocketAddr, error: &ProxyError) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() >= COMPLAINT_EVERY) {
            *complained = Some(Instant::now());
            warn!(%peer, %error, "closed a connection of doors.proxy_from; does that balancer send the PROXY protocol?");
        }
    }

    /// Best effort: what does not fit into an empty send buffer is not said.
    fn refuse(&self, stream: &TcpStream) {
        let _ = stream.try_write(self.refusal);
    }
}

/// One connection of which nobody knows whose it is.
struct Nameless(Arc<AtomicUsize>);

impl Drop for Nameless {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Watches over one connection until it is gone.
async fn accompany(
    attended: impl Future<Output = ()>,
    presence: Arc<Presence>,
    limits: Arc<config::Doors>,
    shutdown: CancellationToken,
) {
    tokio::pin!(attended);
    tokio::select! {
        () = &mut attended => return,
        why = reason_to_leave(&presence, &limits, &shutdown) => {
            if why == Leaving::LoginDeadline {
                presence.blame(Offence::Probe);
            }
            presence.leave(why);
        }
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::config::{Defend, Span};

    /// A gate whose visits are handed to the test; each stays until it is cut, told to leave, or dropped.
    struct Open {
        address: SocketAddr,
        visits: mpsc::UnboundedReceiver<Arc<Presence>>,
        shutdown: CancellationToken,
        served: JoinHandle<()>,
        counts: Box<dyn Fn() -> Counts>,
        _data: tempfile::TempDir,
    }

    async fn open(limits: config::Doors) -> Open {
        let limits = Live::new(limits);
        let (defender, data) = Defender::alone(Defend::default(), limits.clone()).await;
        let gate = Gate::open(SocketAddr::from(([127, 0, 0, 1], 0)), &limits, &defender, b"no\r\n").unwrap();
        let (address, counts) = (gate.address(), Box::new(gate.counts()));
        let (seen, visits) = mpsc::unbounded_channel();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(gate.serve(shutdown.clone(), move |visit: Visit| {
            let seen = seen.clone();
            async move {
                // All of it: a block that moved only the presence would give up the seat and the stream.
                let visit = visit;
                let _ = seen.send(Arc::clone(&visit.presence));
                tokio::select! {
                    () = visit.presence.leaving().cancelled() => {}
                    () = visit.presence.cut().cancelled() => {}
                }
            }
        }));
        Open { address, visits, shutdown, served, counts, _data: data }
    }

    fn span(text: &str) -> Span {
        toml::Value::String(text.to_owned()).try_into().unwrap()
    }

    async fn is_closed(stream: &mut TcpStream) {
        let read = timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new())).await;
        let _ = read.expect("it was left open");
    }

    #[tokio::test]
    async fn a_connection_that_does_not_log_in_is_closed_at_the_deadline() {
        let mut open = open(config::Doors { login_deadline: span("50 ms"), ..Default::default() }).await;
        let mut silent = TcpStream::connect(open.address).await.unwrap();
        let mut known = TcpStream::connect(open.address).await.unwrap();
        let first = open.visits.recv().await.unwrap();
        let second = open.visits.recv().await.unwrap();
        let (silent_one, known_one) =
            if first.peer() == silent.local_addr().unwrap() { (first, second) } else { (second, first) };
        known_one.logged_in();
        is_closed(&mut silent).await;
        assert_eq!(silent_one.why(), Some(Leaving::LoginDeadline));
        assert_eq!(known_one.why(), None);
        // The one that logged in is closed by the shutdown, and by nothing before it.
        open.shutdown.cancel();
        is_closed(&mut known).await;
        assert_eq!(known_one.why(), Some(Leaving::Draining));
        open.served.await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_is_closed() {
        let mut open = open(config::Doors { idle_deadline: span("50 ms"), ..Default::default() }).await;
        let mut stream = TcpStream::connect(open.address).await.unwrap();
        let presence = open.visits.recv().await.unwrap();
        presence.logged_in();
        is_closed(&mut stream).await;
        assert_eq!(presence.why(), Some(Leaving::Idle));
    }

    #[tokio::test]
    async fn the_oldest_of_those_who_do_not_log_in_make_room() {
        let mut open = open(config::Doors { before_login_max: 3, ..Default::default() }).await;
        let mut streams = Vec::new();
        for _ in 0..5 {
            streams.push(TcpStream::connect(open.address).await.unwrap());
            open.visits.recv().await.unwrap();
        }
        is_closed(&mut streams[0]).await;
        is_closed(&mut streams[1]).await;
        assert_eq!((open.counts)().before_login, 3);
    }

    #[tokio::test]
    async fn caps_in_all_and_per_address_turn_newcomers_away() {
        for limits in [
            config::Doors { connections_max: 2, ..Default::default() },
            config::Doors { connections_per_address_max: 2, ..Default::default() },
        ] {
            let mut open = open(limits).await;
            let first = TcpStream::connect(open.address).await.unwrap();
            let _second = TcpStream::connect(open.address).await.unwrap();
            let leaver = open.visits.recv().await.unwrap();
            open.visits.recv().await.unwrap();
            let mut third = TcpStream::connect(open.address).await.unwrap();
            is_closed(&mut third).await;
            assert_eq!((open.counts)(), Counts { connected: 2, before_login: 2, turned_away: 1, kept_out: 0 });
            // A seat is free again as soon as somebody is gone.
            leaver.leave(Leaving::Idle);
            drop(first);
            while (open.counts)().connected == 2 {
                tokio::task::yield_now().await;
            }
            let _fourth = TcpStream::connect(open.address).await.unwrap();
            assert!(open.visits.recv().await.is_some());
        }
    }

    #[tokio::test]
    async fn a_drain_waits_for_uploads_and_for_nobody_else() {
        let mut open = open(config::Doors::default()).await;
        let mut idle = TcpStream::connect(open.address).await.unwrap();
        let idle_one = open.visits.recv().await.unwrap();
        let mut uploading = TcpStream::connect(open.address).await.unwrap();
        let uploading_one = open.visits.recv().await.unwrap();
        idle_one.logged_in();
        uploading_one.logged_in();
        let upload = uploading_one.busy();
        open.shutdown.cancel();
        is_closed(&mut idle).await;
        assert_eq!(uploading_one.why(), None);
        assert!(TcpStream::connect(open.address).await.is_err(), "nobody comes in any more");
        drop(upload);
        is_closed(&mut uploading).await;
        open.served.await.unwrap();
    }

    /// MaxStartups 20:30:120 of one address: nobody is turned away below 20, about a third just above, all at 120.
    #[tokio::test]
    async fn chance_turns_newcomers_of_a_busy_address_away_ever_more_often() {
        let limits = config::Doors { early_drop_begin: 20, before_login_max: 120, ..Default::default() };
        let open = open(limits).await;
        let mut streams = Vec::new();
        let mut turned_away_at = Vec::new();
        for _ in 0..300 {
            let before = (open.counts)();
            streams.push(TcpStream::connect(open.address).await.unwrap());
            let after = loop {
                let after = (open.counts)();
                if after.turned_away + after.connected > before.turned_away + before.connected {
                    break after;
                }
                tokio::task::yield_now().await;
            };
            if after.turned_away > before.turned_away {
                turned_away_at.push(before.before_login);
            }
        }
        assert!(turned_away_at.iter().all(|waiting| *waiting >= 20), "{turned_away_at:?}");
        // 300 newcomers come to about 106; the last of 120 would take another 440.
        let most = (open.counts)().before_login;
        assert!((85..120).contains(&most), "{most} were let in");
        // Another address is let in: chance is for those who come in numbers.
        let early = turned_away_at.iter().filter(|waiting| **waiting < 50).count();
        assert!(early > 0, "none was turned away early");
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        let _other = socket.connect(open.address).await.unwrap();
        while (open.counts)().before_login == most {
            tokio::task::yield_now().await;
        }
    }

    /// Every connection of a flood from many addresses may be the one that goes.
    #[tokio::test]
    async fn a_flood_of_single_addresses_does_not_end_every_login_at_the_same_age() {
        let mut open = open(config::Doors { before_login_max: 8, ..Default::default() }).await;
        let mut presences = Vec::new();
        let mut streams = Vec::new();
        for last in 1..=200 {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(format!("127.0.1.{last}:0").parse().unwrap()).unwrap();
            streams.push(socket.connect(open.address).await.unwrap());
            presences.push(open.visits.recv().await.unwrap());
        }
        let stayed: Vec<usize> = (0..200).filter(|index| presences[*index].why().is_none()).collect();
        assert_eq!(stayed.len(), 8, "{stayed:?}");
        assert!(stayed[0] < 192, "only the newest stayed: {stayed:?}");
    }

    #[tokio::test]
    async fn who_is_turned_away_is_told_so() {
        let open = open(config::Doors { connections_max: 0, ..Default::default() }).await;
        let mut stream = TcpStream::connect(open.address).await.unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.unwrap();
        assert_eq!(said, b"no\r\n");
    }

    #[tokio::test]
    async fn a_balancers_connection_is_its_clients_and_its_health_checks_are_nobodys() {
        let limits = config::Doors {
            proxy_from: vec!["127.0.0.2".parse().unwrap()],
            proxy_deadline: span("100 ms"),
            ..Default::default()
        };
        let mut open = open(limits).await;
        let from = async |address: &str| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
            socket.connect(open.address).await.unwrap()
        };
        let mut named = from("127.0.0.2").await;
        named.write_all(b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 22\r\n").await.unwrap();
        assert_eq!(open.visits.recv().await.unwrap().peer(), "203.0.113.7:56324".parse().unwrap());
        let mut local = from("127.0.0.2").await;
        local.write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").await.unwrap();
        assert_eq!(open.visits.recv().await.unwrap().peer(), local.local_addr().unwrap());
        // Garbage, silence and a closed connection: nobody came.
        let mut garbage = from("127.0.0.2").await;
        garbage.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").await.unwrap();
        is_closed(&mut garbage).await;
        is_closed(&mut from("127.0.0.2").await).await;
        drop(from("127.0.0.2").await);
        // From anybody else it is the client's own first line.
        let mut liar = from("127.0.0.3").await;
        liar.write_all(b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 22\r\n").await.unwrap();
        assert_eq!(open.visits.recv().await.unwrap().peer(), liar.local_addr().unwrap());
        assert!(open.visits.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_drain_does_not_wait_beyond_its_deadline() {
        let mut open = open(config::Doors { drain_deadline: span("50 ms"), ..Default::default() }).await;
        let mut stream = TcpStream::connect(open.address).await.unwrap();
        let presence = open.visits.recv().await.unwrap();
        presence.logged_in();
        let _stalled = presence.busy();
        open.shutdown.cancel();
        is_closed(&mut stream).await;
        open.served.await.unwrap();
    }
}
