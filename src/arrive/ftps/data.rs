//! Data connections: opened one way or the other, from the client's own address, always protected.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::NoServerSessionStorage;
use rustls::{HandshakeKind, ServerConfig};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use super::guest::Guest;
use super::reply::Reply;
use super::{House, plain};
use crate::arrive::proxy;
use crate::config;

/// How a data connection comes about.
#[derive(Debug)]
pub(super) enum Way {
    /// The client connects to us. There is one at most: asking again closes the last one's port.
    Passive(TcpListener),
    /// We connect to the client.
    Active(SocketAddr),
}

/// What a data connection needs of its guest.
pub(super) struct Opening {
    house: Arc<House>,
    way: Way,
    peer: IpAddr,
    doors: Arc<config::Doors>,
    tls: Arc<ServerConfig>,
}

/// The TLS of one control connection and its data connections. Where data connections must resume its
/// session, its tickets are sealed with keys of its own: nobody else's session is one of its own.
///
/// (rustls could carry a mark in its tickets, `set_resumption_data`, but gives it back in TLS 1.3 only, 0.23.46.)
pub(super) fn tls_of(house: &House) -> Arc<ServerConfig> {
    if !house.settings.require_resumption {
        return Arc::clone(&house.tls);
    }
    let mut own = ServerConfig::clone(&house.tls);
    own.session_storage = Arc::new(NoServerSessionStorage {});
    match Ticketer::new() {
        Ok(ticketer) => own.ticketer = ticketer,
        // Nothing can be resumed then, and every data connection is refused.
        Err(error) => warn!(%error, "no keys for TLS tickets"),
    }
    Arc::new(own)
}

/// A TLS handshake as server.
pub(super) async fn protect(tls: &Arc<ServerConfig>, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    TlsAcceptor::from(Arc::clone(tls)).accept(stream).await
}

/// Opens the port the client's next data connection comes to, and says which. Not two ports at once: the last one is
/// closed first.
pub(super) fn await_client(guest: &mut Guest) -> Result<u16, Reply> {
    guest.way = None;
    let opened = listen(&guest.house.settings, guest.local.ip())
        .and_then(|listener| listener.local_addr().map(|address| (listener, address.port())));
    match opened {
        Ok((listener, port)) => {
            guest.way = Some(Way::Passive(listener));
            Ok(port)
        }
        Err(error) => {
            warn!(%error, "no port for a data connection");
            Err(Reply::new(425, "no port is free for a data connection; try again in a moment"))
        }
    }
}

fn listen(settings: &config::Ftps, local: IpAddr) -> io::Result<TcpListener> {
    let (first, last) = (settings.passive_port_first, settings.passive_port_last);
    // Where the range is searched from differs from time to time: a port just closed is not the next.
    let span = u32::from(last - first) + 1;
    let start =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.subsec_micros())
            % span;
    let mut refused = io::Error::from(io::ErrorKind::AddrInUse);
    for step in 0..span {
        let port = first.saturating_add(u16::try_from((start + step) % span).unwrap_or(0));
        match bind(SocketAddr::new(local, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4)
}

impl Opening {
    /// Refuses in words where the guest has prepared no way, or no protection.
    pub(super) fn is_prepared(guest: &Guest) -> Result<(), Reply> {
        if !guest.data_is_protected {
            return Err(Reply::new(521, "data goes over TLS here; send PBSZ 0 and PROT P first"));
        }
        if guest.way.is_none() { Err(no_way()) } else { Ok(()) }
    }

    /// Takes the way the guest has prepared; refuses as [`is_prepared`](Self::is_prepared) does.
    pub(super) fn of(guest: &mut Guest) -> Result<Self, Reply> {
        Self::is_prepared(guest)?;
        let way = guest.way.take().ok_or_else(no_way)?;
        Ok(Self {
            house: Arc::clone(&guest.house),
            doors: guest.house.doors.now(),
            way,
            peer: plain(guest.presence.peer()),
            tls: Arc::clone(&guest.tls),
        })
    }

    /// Opens the connection.
    pub(super) async fn open(self) -> Result<TlsStream<TcpStream>, Reply> {
        let deadline = self.house.settings.handshake_deadline.duration();
        let stream = match timeout(deadline, connect(self.way, self.peer, &self.doors)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                debug!(%error, "no data connection");
                return Err(Reply::new(425, "the data connection could not be opened"));
            }
            Err(_) => return Err(Reply::new(425, "no data connection came within the time allowed for it")),
        };
        let _ = stream.set_nodelay(true);
        let stream = match timeout(deadline, protect(&self.tls, stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                debug!(%error, "a TLS handshake failed on a data connection");
                return Err(Reply::new(425, "the TLS handshake on the data connection failed"));
            }
            Err(_) => return Err(Reply::new(425, "the TLS handshake on the data connection took too long")),
        };
        let resumes = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        if self.house.settings.require_resumption && !resumes {
            let text = "the data connection must resume the control connection's TLS session; set your client to \
                        reuse sessions";
            return Err(Reply::new(522, text));
        }
        Ok(stream)
    }
}

fn no_way() -> Reply {
    Reply::new(425, "send EPSV or PASV first")
}

/// The connection, from the address the control connection comes from and no other: a port can be guessed. A
/// balancer's connection comes from whom its PROXY header names; a client may also come directly, where it can.
async fn connect(way: Way, peer: IpAddr, doors: &config::Doors) -> io::Result<TcpStream> {
    match way {
        Way::Active(address) => TcpStream::connect(address).await,
        Way::Passive(listener) => loop {
            let (mut stream, from) = listener.accept().await?;
            let client = if proxy::is_trusted(from.ip(), &doors.proxy_from) {
                match proxy::header(&mut stream, doors.proxy_deadline.duration()).await {
                    Ok(route) => route.map_or(from, |route| route.client),
                    Err(error) => {
                        warn!(%from, %error, "closed a data connection of doors.proxy_from");
                        continue;
                    }
                }
            } else {
                from
            };
            if plain(client) == peer {
                return Ok(stream);
            }
            warn!(%client, "a stranger connected to a data port and was closed");
        },
    }
}

/// Whether a handshake that failed was none. A client that does not like our certificate says so in an alert, and one
/// that goes is no attacker.
pub(super) fn is_probe(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    matches!(
        tls,
        Some(
            rustls::Error::InvalidMessage(_)
                | rustls::Error::InappropriateMessage { .. }
                | rustls::Error::InappropriateHandshakeMessage { .. }
                | rustls::Error::DecryptError
                | rustls::Error::PeerSentOversizedRecord
                | rustls::Error::PeerMisbehaved(_)
        )
    )
}
