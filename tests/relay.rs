//! A load balancer in small: takes connections, says the PROXY header it is told to, and passes bytes on. It comes
//! from 127.0.0.2 and stands at 127.0.0.3, so that nobody mistakes it for a client on 127.0.0.1.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;

/// Where its connections come from, as `doors.proxy_from` lists it.
pub(crate) const COMES_FROM: &str = "127.0.0.2";
pub(crate) const STANDS_AT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Writes the header of a connection from the client to the balancer.
pub(crate) type Header = fn(client: SocketAddr, to: SocketAddr) -> Vec<u8>;

/// Passes connections on until it is dropped.
pub(crate) struct Relay(Runtime);

impl Relay {
    pub(crate) fn new() -> Self {
        Self(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
    }

    /// Takes connections at a port and passes them on to the same one of 127.0.0.1, with a header.
    pub(crate) fn pass_on(
        &self,
        port: u16,
        header: impl Fn(SocketAddr, SocketAddr) -> Vec<u8> + Send + Sync + 'static,
    ) {
        let address = SocketAddr::from((STANDS_AT, port));
        let listener = self.0.block_on(TcpListener::bind(address)).unwrap();
        let header = Arc::new(header);
        self.0.spawn(async move {
            loop {
                let (mut client, from) = listener.accept().await.unwrap();
                let header = Arc::clone(&header);
                tokio::spawn(async move {
                    let Ok(mut server) = connect(port).await else { return };
                    if server.write_all(&header(from, address)).await.is_ok() {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
    }
}

async fn connect(port: u16) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(COMES_FROM.parse().unwrap(), 0)).unwrap();
    socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await
}

pub(crate) fn version_1(client: SocketAddr, to: SocketAddr) -> Vec<u8> {
    format!("PROXY TCP4 {} {} {} {}\r\n", client.ip(), to.ip(), client.port(), to.port()).into_bytes()
}

/// With two extensions behind the addresses, as balancers add them.
pub(crate) fn version_2(client: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let (IpAddr::V4(from), IpAddr::V4(at)) = (client.ip(), to.ip()) else { panic!("not IPv4") };
    let extensions = [&[0x04, 0, 2, 0, 0, 0x02, 0, 7][..], b"example"].concat();
    let size = u16::try_from(12 + extensions.len()).unwrap();
    [
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11",
        &size.to_be_bytes()[..],
        &from.octets(),
        &at.octets(),
        &client.port().to_be_bytes(),
        &to.port().to_be_bytes(),
        &extensions,
    ]
    .concat()
}

/// As many ports in a row that are free on both sides.
pub(crate) fn free_ports(count: u16) -> u16 {
    let is_free =
        |port: u16| [Ipv4Addr::LOCALHOST, STANDS_AT].iter().all(|at| std::net::TcpListener::bind((*at, port)).is_ok());
    let mut first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    while !(first..first + count).all(is_free) {
        first += count;
    }
    first
}
