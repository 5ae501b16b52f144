//! The PROXY protocol, versions 1 and 2 (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>): what a load
//! balancer says before the client's own first byte, so that limits, bans and the log see who the client is.
//!
//! It is believed from the addresses of `doors.proxy_from` and from nobody else: anybody can write such a line. From
//! those it is required, because a client that could do without it would be taken for the balancer.

mod header;

use std::io;
use std::net::IpAddr;
use std::time::Duration;

pub(super) use header::Route;
use header::{Garbage, LONG_ENOUGH, Step, read};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::domain::Network;

/// Why a connection of a listed address is not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProxyError {
    #[error(transparent)]
    Garbage(#[from] Garbage),
    #[error("no PROXY header came within the time allowed for it")]
    Late,
    /// Somebody looked whether the port is open: a health check.
    #[error("it was closed before a byte came")]
    Silent,
    #[error("the connection was lost in the middle of its PROXY header")]
    Lost(#[source] io::Error),
}

/// Whether this address speaks for others.
pub(super) fn is_trusted(address: IpAddr, proxies: &[Network]) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// Takes the header off the connection, and not a byte more.
///
/// # Errors
/// [`ProxyError`]: it is to be closed.
pub(super) async fn header(stream: &mut TcpStream, deadline: Duration) -> Result<Option<Route>, ProxyError> {
    timeout(deadline, take(stream)).await.unwrap_or(Err(ProxyError::Late))
}

async fn take(stream: &mut TcpStream) -> Result<Option<Route>, ProxyError> {
    let mut heard = Vec::with_capacity(LONG_ENOUGH);
    loop {
        let more = match read(&heard)? {
            Step::Whole(route) => return Ok(route),
            Step::More(more) => more,
        };
        let start = heard.len();
        heard.resize(start + more, 0);
        let room = heard.get_mut(start..).unwrap_or_default();
        let count = match stream.read(room).await {
            Ok(0) if start == 0 => return Err(ProxyError::Silent),
            Ok(0) => return Err(ProxyError::Lost(io::ErrorKind::UnexpectedEof.into())),
            // As some balancers look whether a port is open: connect, and reset.
            Err(_) if start == 0 => return Err(ProxyError::Silent),
            Err(error) => return Err(ProxyError::Lost(error)),
            Ok(count) => count,
        };
        heard.truncate(start + count);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_clients_first_byte_stays_on_the_wire_and_silence_has_an_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let sending = tokio::spawn(async move {
            for byte in b"PROXY TCP4 203.0.113.7 192.0.2.1 56324 22\r\nSSH-2.0-x\r\n" {
                client.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            client
        });
        let deadline = Duration::from_secs(10);
        let (client, to) = ("203.0.113.7:56324".parse().unwrap(), "192.0.2.1:22".parse().unwrap());
        let expected = Route { client, to };
        assert_eq!(header(&mut server, deadline).await.unwrap(), Some(expected));
        let mut rest = [0; 11];
        server.read_exact(&mut rest).await.unwrap();
        assert_eq!(&rest, b"SSH-2.0-x\r\n");
        let mut client = sending.await.unwrap();
        client.write_all(b"PROXY ").await.unwrap();
        assert!(matches!(header(&mut server, Duration::from_millis(50)).await, Err(ProxyError::Late)));
        drop(client);
        assert!(matches!(header(&mut server, deadline).await, Err(ProxyError::Silent)));
    }
}
