//! The FTPS door: FTP (RFC 959 and what came after it) over TLS (RFC 4217), and never without.
//!
//! `wire` reads `lines`, `verbs` say what each means (a verb a file), `guest` is who says it, `control` is the
//! conversation, `data` opens data connections and `transfer` moves bytes over them. A file counts when its
//! client has said so: TLS's close_notify on the data connection, and nothing less.

mod control;
mod data;
mod guest;
mod lines;
mod listing;
mod reply;
mod transfer;
mod verbs;
mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info, info_span};

use self::control::Control;
use super::accept::{Gate, Visit};
use super::client_certificate::Authority;
use super::tls::{Certificates, TlsError};
use crate::config::{self, Live};
use crate::defend::Defender;
use crate::land::Dropbox;

/// The FTPS door, open on its addresses.
pub struct FtpsDoor {
    explicit: Option<Gate>,
    implicit: Option<Gate>,
    fingerprint: String,
    house: Live<House>,
}

/// Changes an open door for those who come from now on.
#[derive(Clone)]
pub struct FtpsSettings {
    house: Live<House>,
    data: PathBuf,
}

/// What every connection shares.
struct House {
    tls: Arc<ServerConfig>,
    /// Whose client certificates are good, where any are.
    authority: Option<Arc<Authority>>,
    settings: config::Ftps,
    /// Balancers speak for their clients on data connections too.
    doors: Live<config::Doors>,
    dropbox: Dropbox,
    fingerprint: String,
}

/// What is said to whoever is not let in (RFC 959 section 5.4); with implicit TLS there is nothing to say.
const REFUSAL: &[u8] = b"421 not allowed at this time\r\n";

/// Why the door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum FtpsError {
    #[error("could not listen for FTPS on {address}; is another program using it?")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl FtpsDoor {
    /// Listens, with the certificate of the settings or of the data folder `data`.
    ///
    /// # Errors
    /// An address or the certificate is not to be had.
    pub fn open(
        ftps: &config::Ftps,
        tls: &config::Tls,
        doors: &Live<config::Doors>,
        defender: &Defender,
        data: &Path,
        dropbox: Dropbox,
    ) -> Result<Self, FtpsError> {
        let house = House::of(ftps, tls, doors, data, dropbox)?;
        let listen = |address, refusal| {
            Gate::open(address, doors, defender, refusal).map_err(|source| FtpsError::Listen { address, source })
        };
        let explicit = ftps.enabled.then(|| listen(ftps.listen, REFUSAL)).transpose()?;
        let implicit = ftps.implicit_enabled.then(|| listen(ftps.implicit_listen, b"")).transpose()?;
        let door = Self { explicit, implicit, fingerprint: house.fingerprint.clone(), house: Live::new(house) };
        for (address, how) in [(door.address(), "explicit"), (door.implicit_address(), "implicit")] {
            if let Some(address) = address {
                info!(%address, how, fingerprint = door.fingerprint, "opened the FTPS door");
            }
        }
        Ok(door)
    }

    /// The way to change it while it is open.
    #[must_use]
    pub fn settings(&self, data: &Path) -> FtpsSettings {
        FtpsSettings { house: self.house.clone(), data: data.to_owned() }
    }

    /// Where explicit FTPS listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.explicit.as_ref().map(Gate::address)
    }

    /// Where implicit FTPS listens.
    #[must_use]
    pub fn implicit_address(&self) -> Option<SocketAddr> {
        self.implicit.as_ref().map(Gate::address)
    }

    /// SHA-256 of the certificate, in hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Serves until `shutdown`, and then until the last connection is gone: uploads in flight may finish
    /// within the drain deadline.
    pub async fn serve(self, shutdown: CancellationToken) {
        let serve = |gate: Option<Gate>, begins_with_tls| {
            let (house, shutdown) = (self.house.clone(), shutdown.clone());
            async move {
                if let Some(gate) = gate {
                    gate.serve(shutdown, move |visit| attend(house.now(), visit, begins_with_tls)).await;
                }
            }
        };
        tokio::join!(serve(self.explicit, false), serve(self.implicit, true));
        debug!("closed the FTPS door");
    }
}

impl House {
    fn of(
        ftps: &config::Ftps,
        tls: &config::Tls,
        doors: &Live<config::Doors>,
        data: &Path,
        dropbox: Dropbox,
    ) -> Result<Self, TlsError> {
        let certificates = Certificates::open(tls, data)?;
        let authority = match ftps.client_ca.as_os_str().is_empty() {
            true => None,
            false => Some(Authority::open(&ftps.client_ca, &ftps.client_crl, certificates.provider())?),
        };
        Ok(Self {
            tls: certificates.server_config(authority.as_ref())?,
            authority,
            settings: ftps.clone(),
            doors: doors.clone(),
            dropbox,
            fingerprint: certificates.fingerprint(),
        })
    }
}

impl FtpsSettings {
    /// Reads the certificate again and prepares the change; what is returned makes it. Whether the certificate is
    /// another one.
    ///
    /// # Errors
    /// The certificate cannot be read. Nothing is changed.
    pub fn prepare(
        &self,
        ftps: &config::Ftps,
        tls: &config::Tls,
    ) -> Result<(bool, impl FnOnce() + Send + use<>), TlsError> {
        let now = self.house.now();
        let house = House::of(ftps, tls, &now.doors, &self.data, now.dropbox.clone())?;
        let is_another = house.fingerprint != now.fingerprint;
        let live = self.house.clone();
        Ok((is_another, move || live.set(house)))
    }
}

async fn attend(house: Arc<House>, visit: Visit, begins_with_tls: bool) {
    let presence = Arc::clone(&visit.presence);
    let span = info_span!("connection", door = "ftps", peer = %presence.peer());
    // The rest of `visit` keeps the connection's seat until we return.
    let Visit { stream, to, .. } = visit;
    let Ok(local) = stream.local_addr() else { return };
    let mut control = Control::new(house, stream, Arc::clone(&presence), local, to.unwrap_or(local));
    let ended = control.run(begins_with_tls).instrument(span.clone()).await;
    let reason = match (presence.why(), ended) {
        (Some(why), _) => why.sentence().to_owned(),
        (None, Ok(reason)) => reason.to_owned(),
        (None, Err(_)) => "the connection was lost".to_owned(),
    };
    debug!(parent: &span, reason, logged_in = presence.is_logged_in(), "closed a connection");
    if let Some(session) = control.session() {
        session.end(&reason).instrument(span).await;
    }
}

/// The address as it is compared and told: an IPv4 address is one, also where it came over IPv6.
fn plain(address: SocketAddr) -> IpAddr {
    address.ip().to_canonical()
}

impl std::fmt::Debug for FtpsSettings {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FtpsSettings").field("data", &self.data).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for FtpsDoor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FtpsDoor").field("address", &self.address()).finish_non_exhaustive()
    }
}
