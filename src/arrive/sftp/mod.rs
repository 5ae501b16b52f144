//! The SFTP door: SSH by russh, everything above it ours.
//!
//! `listener` says how we speak SSH, `algorithms` with which algorithms, `login` who is let in, `connection` what a connection may do,
//! `protocol` is SFTP itself, `outlet` sends its replies in bounded memory.

mod algorithms;
mod connection;
mod ear;
mod host_key;
mod line;
mod listener;
mod login;
mod outlet;
mod protocol;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use host_key::HostKeyError;
use russh::Disconnect;
use russh::keys::{HashAlg, PrivateKey};
use russh::server::RunningSession;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info, info_span, warn};

use self::algorithms::Policy;
use self::connection::{Connection, Ended};
use self::ear::Greeting;
use self::line::Line;
use self::login::Login;
use super::accept::{Gate, Visit};
use super::lobby::Counts;
use super::presence::{Leaving, Presence};
use crate::config::{self, Live};
use crate::defend::{Defender, Offence};
use crate::land::{Dropbox, Session};

/// The SFTP door, open on its address.
pub struct SftpDoor {
    gate: Gate,
    fingerprint: String,
    house: Live<House>,
}

/// Changes an open door for those who come from now on.
#[derive(Clone)]
pub struct SftpSettings {
    house: Live<House>,
    data: PathBuf,
}

/// What every connection shares.
struct House {
    modern: Arc<russh::server::Config>,
    /// Made when the first connection is offered it, by one of those that come at once.
    legacy: Mutex<Option<Arc<russh::server::Config>>>,
    limits: Arc<config::Sftp>,
    doors: Arc<config::Doors>,
    data: PathBuf,
    dropbox: Dropbox,
    fingerprint: String,
}

/// What is said to whoever is not let in: a line before the version is allowed (RFC 4253 section 4.2), and this is
/// what OpenSSH's sshd says.
const REFUSAL: &[u8] = b"Not allowed at this time\r\n";

/// Names of a client's offer that go into the log.
const NAMES_TOLD_MAX: usize = 32;

/// Why the door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SftpError {
    #[error("could not listen for SFTP on {address}; is another program using it?")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
}

impl SftpDoor {
    /// Listens, with the host key of the data folder `data`.
    ///
    /// # Errors
    /// The address or the host key is not to be had.
    #[expect(clippy::unused_async, reason = "opening the next doors waits for certificates and databases")]
    pub async fn open(
        sftp: &config::Sftp,
        doors: &Live<config::Doors>,
        defender: &Defender,
        data: &Path,
        dropbox: Dropbox,
    ) -> Result<Self, SftpError> {
        let host_key = host_key::host_key(data, host_key::Kind::Ed25519)?;
        let house = House::of(sftp, doors.now(), host_key, data, dropbox);
        let gate = Gate::open(sftp.listen, doors, defender, REFUSAL)
            .map_err(|source| SftpError::Listen { address: sftp.listen, source })?;
        let fingerprint = house.fingerprint.clone();
        info!(address = %gate.address(), fingerprint, "opened the SFTP door");
        Ok(Self { gate, fingerprint, house: Live::new(house) })
    }

    /// The way to change it while it is open, with the host key of the data folder `data`.
    #[must_use]
    pub fn settings(&self, data: &Path) -> SftpSettings {
        SftpSettings { house: self.house.clone(), data: data.to_owned() }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.gate.address()
    }

    /// The host key's, as `ssh` shows it: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Reads how many connections there are, now and later.
    pub fn counts(&self) -> impl Fn() -> Counts + Send + Sync + 'static {
        self.gate.counts()
    }

    /// Serves until `shutdown`, and then until the last connection is gone: uploads in flight may finish
    /// within the drain deadline.
    pub async fn serve(self, shutdown: CancellationToken) {
        let house = self.house;
        self.gate.serve(shutdown, move |visit| attend(house.now(), visit)).await;
        debug!("closed the SFTP door");
    }
}

impl House {
    fn of(sftp: &config::Sftp, doors: Arc<config::Doors>, host_key: PrivateKey, data: &Path, dropbox: Dropbox) -> Self {
        let fingerprint = host_key.fingerprint(HashAlg::Sha256).to_string();
        let modern = Arc::new(listener::ssh(sftp, &doors, vec![host_key], Policy::Modern));
        let (limits, data) = (Arc::new(sftp.clone()), data.to_owned());
        Self { modern, legacy: Mutex::default(), limits, doors, data, dropbox, fingerprint }
    }

    /// What a connection from this address is offered.
    async fn offered_to(&self, peer: SocketAddr) -> (Policy, Arc<russh::server::Config>) {
        let modern = (Policy::Modern, Arc::clone(&self.modern));
        if !self.dropbox.offers_legacy_to(peer.ip()).await {
            return modern;
        }
        let mut legacy = self.legacy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(legacy) = &*legacy {
            return (Policy::Legacy, Arc::clone(legacy));
        }
        match host_key::host_key(&self.data, host_key::Kind::Ecdsa) {
            Ok(older) => {
                let host_keys = [self.modern.keys.clone(), vec![older]].concat();
                let made = Arc::new(listener::ssh(&self.limits, &self.doors, host_keys, Policy::Legacy));
                *legacy = Some(Arc::clone(&made));
                (Policy::Legacy, made)
            }
            Err(error) => {
                error!(error = &error as &dyn std::error::Error, "the legacy algorithms are not offered");
                modern
            }
        }
    }
}

impl SftpSettings {
    /// Reads the host key again and prepares the change; what is returned makes it. Whether the key is another one.
    ///
    /// # Errors
    /// The host key cannot be read. Nothing is changed.
    pub fn prepare(
        &self,
        sftp: &config::Sftp,
        doors: &config::Doors,
    ) -> Result<(bool, impl FnOnce() + Send + use<>), HostKeyError> {
        let now = self.house.now();
        let host_key = host_key::host_key_again(&self.data, host_key::Kind::Ed25519)?;
        let house = House::of(sftp, Arc::new(doors.clone()), host_key, &self.data, now.dropbox.clone());
        let is_another = house.fingerprint != now.fingerprint;
        let live = self.house.clone();
        Ok((is_another, move || live.set(house)))
    }
}

async fn attend(house: Arc<House>, visit: Visit) {
    let presence = Arc::clone(&visit.presence);
    let span = info_span!("connection", door = "sftp", peer = %presence.peer());
    let known = Arc::new(OnceLock::new());
    let (policy, ssh) = Box::pin(house.offered_to(presence.peer())).await;
    let greeting = Greeting::new(policy);
    let running = run(&house, ssh, greeting.clone(), visit, &presence, Arc::clone(&known), &span);
    let ended = running.instrument(span.clone()).await;
    if let Err(Ended::Ssh(russh::Error::NoCommonAlgo { kind, theirs, .. })) = &ended {
        tell_of_nothing_in_common(&span, policy, &greeting, kind, theirs);
    }
    if let Err(error) = &ended
        && presence.why().is_none()
    {
        match error {
            Ended::Login(_) => presence.blame(Offence::Limit),
            Ended::Ssh(error) if !presence.is_logged_in() && is_probe(error) => presence.blame(Offence::Probe),
            Ended::Ssh(_) => {}
        }
    }
    let reason = match (presence.why(), ended) {
        (Some(why), _) => why.sentence().to_owned(),
        (None, Ok(())) => "the client left".to_owned(),
        // Gone without a goodbye, as some clients always go.
        (None, Err(Ended::Ssh(russh::Error::IO(_) | russh::Error::HUP))) => "the connection was lost".to_owned(),
        (None, Err(error)) => error.to_string(),
    };
    debug!(parent: &span, reason, logged_in = presence.is_logged_in(), "closed a connection");
    if let Some(session) = known.get() {
        Box::pin(session.end(&reason).instrument(span)).await;
    }
}

/// The client is told by its own library, in its own words; whoever looks into the log is told what would help.
fn tell_of_nothing_in_common(
    span: &tracing::Span,
    policy: Policy,
    greeting: &Greeting,
    kind: &russh::AlgorithmKind,
    theirs: &[String],
) {
    let what = match kind {
        russh::AlgorithmKind::Kex => "key exchange",
        russh::AlgorithmKind::Key => "host key",
        russh::AlgorithmKind::Cipher => "cipher",
        russh::AlgorithmKind::Compression => "compression",
        russh::AlgorithmKind::Mac => "MAC",
    };
    let advice = match policy {
        Policy::Modern => {
            "; update it, or let its account speak the legacy algorithms from its address \
             (waybill account auth LOGIN --legacy-from ADDRESS)"
        }
        Policy::Legacy => ", not even among the legacy ones; update it",
    };
    let client = greeting.text().unwrap_or_default();
    let theirs = theirs.iter().take(NAMES_TOLD_MAX).map(String::as_str).collect::<Vec<_>>().join(",");
    warn!(parent: span, client, offered = theirs, "the client speaks no {what} algorithm that we speak{advice}");
}

async fn run(
    house: &House,
    ssh: Arc<russh::server::Config>,
    greeting: Greeting,
    visit: Visit,
    presence: &Arc<Presence>,
    known: Arc<OnceLock<Session>>,
    span: &tracing::Span,
) -> Result<(), Ended> {
    // The rest of `visit` keeps the connection's seat until we return.
    let begun = begin(house, (ssh, greeting), visit.stream, presence, &known, span);
    let running = tokio::select! {
        running = begun => running?,
        () = presence.leaving().cancelled() => return Ok(()),
    };
    let handle = running.handle();
    let farewell = async {
        presence.leaving().cancelled().await;
        let sentence = presence.why().map_or("", Leaving::sentence);
        // It waits behind what the client does not read; whoever does not read is cut off in a moment.
        let _ = handle.disconnect(Disconnect::ByApplication, sentence.to_owned(), "en".to_owned()).await;
        std::future::pending().await
    };
    let revoked = async {
        presence.login().await;
        if let Some(session) = known.get() {
            presence.leave(Box::pin(session.sent_away()).await.into());
        }
        std::future::pending().await
    };
    tokio::select! {
        ended = running => ended,
        ended = farewell => ended,
        ended = revoked => ended,
    }
}

/// The beginning of a connection, as a future of its own in a box: it is over long before the connection is, and while
/// ten thousand are idle, nothing should be kept for it.
fn begin(
    house: &House,
    (ssh, greeting): (Arc<russh::server::Config>, Greeting),
    stream: TcpStream,
    presence: &Arc<Presence>,
    known: &Arc<OnceLock<Session>>,
    span: &tracing::Span,
) -> Pin<Box<dyn Future<Output = Result<RunningSession<Connection>, Ended>> + Send>> {
    let line = Line::new(stream, presence.cut(), greeting.clone());
    let login = Login::new(house.dropbox.clone(), Arc::clone(presence), greeting, Arc::clone(known), &house.limits);
    let connection =
        Connection::new(login, Arc::clone(known), Arc::clone(presence), Arc::clone(&house.limits), span.clone());
    Box::pin(russh::server::run_stream(ssh, line, connection))
}

/// Whether no SSH client ends a connection like this. One that has no algorithm in common with us, or that goes, is
/// no attacker.
fn is_probe(error: &russh::Error) -> bool {
    matches!(
        error,
        russh::Error::Version
            | russh::Error::KexInit
            | russh::Error::Kex
            | russh::Error::PacketAuth
            | russh::Error::Inconsistent
            | russh::Error::IndexOutOfBounds
            | russh::Error::PacketSize(_)
            | russh::Error::WrongChannel
            | russh::Error::DecryptionError
            | russh::Error::Utf8(_)
            | russh::Error::StrictKeyExchangeViolation { .. }
            | russh::Error::Signature(_)
            | russh::Error::SshKey(_)
            | russh::Error::SshEncoding(_)
    )
}

impl std::fmt::Debug for SftpSettings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SftpSettings").field("data", &self.data).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SftpDoor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SftpDoor").field("address", &self.address()).field("fingerprint", &self.fingerprint).finish()
    }
}
