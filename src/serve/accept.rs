//! The accept loop of the API: how many connections, how long a silent one may stay, and the draining.
//! Our own, because a listener that meets `EMFILE` must wait and go on (SECURITY D2).

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use crate::config::{self, Live};
use crate::defend::Defender;

/// Request headers in all: a request line, a token, a cursor, and what proxies add.
const HEADER_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 64;
/// What hyper holds of a connection at most while it reads.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// After an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts and answers until `closing`, then drains.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    doors: &Live<config::Doors>,
    defender: &Defender,
    closing: CancellationToken,
) {
    let mut most = doors.now().connections_max.min(Semaphore::MAX_PERMITS);
    let places = Arc::new(Semaphore::new(most));
    let addresses = Addresses::default();
    let connections = TaskTracker::new();
    let abandoned = CancellationToken::new();
    loop {
        most = resized(&places, most, doors.now().connections_max.min(Semaphore::MAX_PERMITS));
        // Taken before the accept: while the house is full, others wait in the kernel's queue.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = closing.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = %error, "could not accept an API connection; going on in a moment");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let doors = doors.now();
        if defender.keeps_out(address.ip()) {
            tracing::debug!(peer = %address, "closed: this address is kept out");
            continue;
        }
        let Some(seat) = addresses.take(address.ip(), doors.connections_per_address_max) else {
            tracing::debug!(peer = %address, "closed: this address has too many connections open");
            continue;
        };
        let answering = connection(stream, address, router.clone(), doors, closing.clone());
        let abandoned = abandoned.clone();
        connections.spawn(async move {
            let _kept = (place, seat);
            tokio::select! {
                () = answering => {}
                () = abandoned.cancelled() => {}
            }
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(doors.now().drain_deadline.duration(), connections.wait()).await.is_err() {
        tracing::warn!("gave up waiting for {} API connections", connections.len());
        abandoned.cancel();
        connections.wait().await;
    }
}

/// Makes the house as large as the settings say now; how large it is. Whoever is inside stays.
fn resized(places: &Semaphore, most: usize, wanted: usize) -> usize {
    if wanted >= most {
        places.add_permits(wanted - most);
        return wanted;
    }
    most - places.forget_permits(most - wanted)
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    doors: Arc<config::Doors>,
    closing: CancellationToken,
) {
    // Small answers must not wait for the client's acknowledgment of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(peer = %address, error = %error, "could not set TCP_NODELAY");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        // A router is always ready.
        router.clone().call(request)
    });
    let io = TokioIo::new(Watched::new(stream, doors.idle_deadline.duration()));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(doors.login_deadline.duration())
            .max_header_size(HEADER_BYTES_MAX)
            .max_headers(HEADERS_MAX)
            .max_buf_size(BUFFER_BYTES_MAX)
            .serve_connection(io, service)
    );
    let mut draining = false;
    loop {
        tokio::select! {
            done = connection.as_mut() => {
                if let Err(error) = done {
                    tracing::debug!(peer = %address, error = %error, "an API connection ended early");
                }
                return;
            }
            () = closing.cancelled(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// How many connections each address has open.
#[derive(Debug, Clone, Default)]
struct Addresses {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's place among its address's; given back when dropped.
#[derive(Debug)]
struct Seat(Addresses, IpAddr);

impl Addresses {
    fn take(&self, address: IpAddr, most: usize) -> Option<Seat> {
        let mut open = self.open.lock().ok()?;
        let count = open.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat(self.clone(), address))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Ok(mut open) = self.0.open.lock() else { return };
        if let Some(count) = open.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.1);
            }
        }
    }
}

/// A stream that fails when nothing moves in either direction for too long: hyper has a deadline for
/// headers, but none for a body that stalls or a reader that stops reading.
struct Watched {
    stream: TcpStream,
    longest: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl Watched {
    fn new(stream: TcpStream, longest: Duration) -> Self {
        Self { stream, longest, deadline: Box::pin(tokio::time::sleep(longest)) }
    }

    fn moved(&mut self) {
        let next = Instant::now() + self.longest;
        self.deadline.as_mut().reset(next);
    }

    fn waited(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.deadline.as_mut().poll(cx));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "nothing moved on this connection for too long"))
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => self.waited(cx).map(Err),
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => self.waited(cx).map(Err),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write_vectored(cx, slices) {
            Poll::Ready(done) => {
                self.moved();
                Poll::Ready(done)
            }
            Poll::Pending => self.waited(cx).map(Err),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
