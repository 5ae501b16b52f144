//! One accept loop for every door: who is let in, for how long without a login, for how long in silence,
//! and how everybody leaves when the house closes.
//!
//! It exists because a server that leaves this to its protocol library dies at the first EMFILE, keeps
//! half-open connections for ever, and cuts uploads off on shutdown (TRANSFER.md R3, R8, R10).

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::lobby::{Counts, Lobby, Seat};
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::sync::mpsc;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::config::Span;

    /// A gate whose visits are handed to the test; each stays until it is cut, told to leave, or dropped.
    struct Open {
        address: SocketAddr,
        visits: mpsc::UnboundedReceiver<Arc<Presence>>,
        shutdown: CancellationToken,
        served: JoinHandle<()>,
        counts: Box<dyn Fn() -> Counts>,
    }

    fn open(limits: config::Doors) -> Open {
        let gate = Gate::open(SocketAddr::from(([127, 0, 0, 1], 0)), &limits).unwrap();
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
        Open { address, visits, shutdown, served, counts }
    }

    fn span(text: &str) -> Span {
        toml::Value::String(text.to_owned()).try_into().unwrap()
    }

    async fn is_closed(stream: &mut TcpStream) {
        let mut byte = [0];
        let read = timeout(Duration::from_secs(10), stream.read(&mut byte)).await.expect("it was left open");
        assert!(matches!(read, Ok(0) | Err(_)));
    }

    #[tokio::test]
    async fn a_connection_that_does_not_log_in_is_closed_at_the_deadline() {
        let mut open = open(config::Doors { login_deadline: span("50 ms"), ..Default::default() });
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
        let mut open = open(config::Doors { idle_deadline: span("50 ms"), ..Default::default() });
        let mut stream = TcpStream::connect(open.address).await.unwrap();
        let presence = open.visits.recv().await.unwrap();
        presence.logged_in();
        is_closed(&mut stream).await;
        assert_eq!(presence.why(), Some(Leaving::Idle));
    }

    #[tokio::test]
    async fn the_oldest_of_those_who_do_not_log_in_make_room() {
        let mut open = open(config::Doors { before_login_max: 3, ..Default::default() });
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
            let mut open = open(limits);
            let first = TcpStream::connect(open.address).await.unwrap();
            let _second = TcpStream::connect(open.address).await.unwrap();
            let leaver = open.visits.recv().await.unwrap();
            open.visits.recv().await.unwrap();
            let mut third = TcpStream::connect(open.address).await.unwrap();
            is_closed(&mut third).await;
            assert_eq!((open.counts)(), Counts { connected: 2, before_login: 2, turned_away: 1 });
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
        let mut open = open(config::Doors::default());
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

    #[tokio::test]
    async fn a_drain_does_not_wait_beyond_its_deadline() {
        let mut open = open(config::Doors { drain_deadline: span("50 ms"), ..Default::default() });
        let mut stream = TcpStream::connect(open.address).await.unwrap();
        let presence = open.visits.recv().await.unwrap();
        presence.logged_in();
        let _stalled = presence.busy();
        open.shutdown.cancel();
        is_closed(&mut stream).await;
        open.served.await.unwrap();
    }
}
