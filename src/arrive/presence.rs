//! What the accept loop and a protocol tell each other about one connection: it has logged in, it has said
//! something, it has an upload open; it should leave, it is cut off.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::defend::{Defender, Offence};
use crate::land::SentAway;

/// One connection, as both sides know it.
#[derive(Debug)]
pub struct Presence {
    peer: SocketAddr,
    defender: Defender,
    since: Instant,
    logged_in: CancellationToken,
    /// Milliseconds from `since` to the last thing the client asked for.
    heard: AtomicU64,
    uploads: AtomicUsize,
    leaving: CancellationToken,
    cut: CancellationToken,
    why: OnceLock<Leaving>,
}

/// Why a connection should end, although the client did not ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    LoginDeadline,
    Idle,
    Draining,
    /// It had not logged in when the room before the login was full.
    MadeRoom,
    /// The account's policy does not let it be inside any more.
    Revoked,
    /// An operator has ended the session.
    Ended,
}

impl From<SentAway> for Leaving {
    fn from(why: SentAway) -> Self {
        match why {
            SentAway::NotAdmitted(_) => Self::Revoked,
            SentAway::ByOperator => Self::Ended,
        }
    }
}

/// As long as it lives, the connection has work that a drain waits for.
#[derive(Debug)]
pub struct Busy(Arc<Presence>);

impl Presence {
    pub(super) fn new(peer: SocketAddr, defender: Defender) -> Arc<Self> {
        Arc::new(Self {
            peer,
            defender,
            since: Instant::now(),
            logged_in: CancellationToken::new(),
            heard: AtomicU64::new(0),
            uploads: AtomicUsize::new(0),
            leaving: CancellationToken::new(),
            cut: CancellationToken::new(),
            why: OnceLock::new(),
        })
    }

    /// The client: of a balancer's connection, whom its PROXY header names.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The client did something wrong; its address is remembered for it.
    pub fn blame(&self, offence: Offence) {
        self.defender.blame(self.peer.ip(), offence);
    }

    /// The client has logged in: the login deadline is off.
    pub fn logged_in(&self) {
        self.logged_in.cancel();
        self.heard();
    }

    pub fn is_logged_in(&self) -> bool {
        self.logged_in.is_cancelled()
    }

    /// The client has asked for something. Its keep-alives do not count.
    pub fn heard(&self) {
        let millis = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(millis, Ordering::Relaxed);
    }

    /// The client has an upload open, until what this returns is dropped.
    #[must_use]
    pub fn busy(self: &Arc<Self>) -> Busy {
        self.uploads.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    /// When to say goodbye in the protocol's own words.
    pub fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

    /// When to stop at once, in the middle of a word.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }

    pub fn why(&self) -> Option<Leaving> {
        self.why.get().copied()
    }

    pub(super) fn leave(&self, why: Leaving) {
        let _ = self.why.set(why);
        self.leaving.cancel();
    }

    pub(super) fn hang_up(&self) {
        self.cut.cancel();
    }

    /// Returns when the client has logged in.
    pub(super) async fn login(&self) {
        self.logged_in.cancelled().await;
    }

    pub(super) fn since(&self) -> Instant {
        self.since
    }

    pub(super) fn last_heard(&self) -> Instant {
        self.since + Duration::from_millis(self.heard.load(Ordering::Relaxed))
    }

    pub(super) fn is_busy(&self) -> bool {
        self.uploads.load(Ordering::Relaxed) > 0
    }
}

impl Leaving {
    /// The sentence for the client and the log.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::LoginDeadline => "no login within the time allowed for it",
            Self::Idle => "nothing was asked for too long; connect again when there is something to do",
            Self::Draining => "the server is going down; connect again in a moment",
            Self::MadeRoom => "too many connections are waiting to log in",
            Self::Revoked => "this account may not be used any more; ask the operator of this server",
            Self::Ended => "the operator of this server has ended this session",
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.uploads.fetch_sub(1, Ordering::Relaxed);
        // The client's next request after an upload is not hurried by the time the upload took.
        self.0.heard();
    }
}
