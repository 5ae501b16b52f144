//! A proxy in front of a bucket that fails in every way a bucket can: it does not do what it is asked, or does it and
//! does not say so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};

use super::Chance;

/// What may happen to a request.
#[derive(Debug, Clone, Copy)]
enum Lie {
    /// 500 or 503, and nothing was done.
    Refused(u16),
    /// Done, late.
    Slow,
    /// The connection ends; nothing was done.
    Reset,
    /// Done, and the answer never comes.
    SilentAfterSuccess,
    /// Done, and the connection ends before the answer.
    ResetAfterSuccess,
    /// Done, and 500 is said.
    RefusedAfterSuccess,
}

const LIES: [Lie; 7] = [
    Lie::Refused(500),
    Lie::Refused(503),
    Lie::Slow,
    Lie::Reset,
    Lie::SilentAfterSuccess,
    Lie::ResetAfterSuccess,
    Lie::RefusedAfterSuccess,
];

/// The proxy. Dropping it ends it.
pub(crate) struct Liar {
    address: SocketAddr,
    told: Arc<AtomicUsize>,
    percent: Arc<AtomicUsize>,
    _runtime: tokio::runtime::Runtime,
}

impl Liar {
    /// Stands in front of a server, and lies about so many requests in a hundred.
    pub(crate) fn before(server: SocketAddr, percent: usize, seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let percent = Arc::new(AtomicUsize::new(percent));
        let chance = Arc::new(Mutex::new(Chance::new(seed)));
        let client = reqwest::Client::new();
        let (counted, share) = (Arc::clone(&told), Arc::clone(&percent));
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (told, chance, client) = (Arc::clone(&counted), Arc::clone(&chance), client.clone());
                let share = Arc::clone(&share);
                tokio::spawn(async move {
                    let answer = service_fn(move |request: Request<Incoming>| {
                        let lie = {
                            let mut chance = chance.lock().unwrap();
                            let lies = chance.below(100) < share.load(Ordering::Relaxed) as u64;
                            lies.then(|| LIES[chance.below(LIES.len() as u64) as usize])
                        };
                        let (told, client) = (Arc::clone(&told), client.clone());
                        async move {
                            if lie.is_some() {
                                told.fetch_add(1, Ordering::Relaxed);
                            }
                            answer(&client, server, request, lie).await
                        }
                    });
                    let io = hyper_util::rt::TokioIo::new(socket);
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, answer).await;
                });
            }
        });
        Self { address, told, percent, _runtime: runtime }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests were lied about.
    pub(crate) fn lies(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }

    /// Lies about so many requests in a hundred from now on.
    pub(crate) fn lie(&self, percent: usize) {
        self.percent.store(percent, Ordering::Relaxed);
    }
}

/// An error here ends the connection without an answer.
async fn answer(
    client: &reqwest::Client,
    server: SocketAddr,
    request: Request<Incoming>,
    lie: Option<Lie>,
) -> std::io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    match lie {
        Some(Lie::Refused(status)) => return Ok(refusal(status)),
        Some(Lie::Reset) => return Err(gone()),
        Some(Lie::Slow) => tokio::time::sleep(Duration::from_millis(400)).await,
        _ => {}
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut forward = client.request(head.method, format!("http://{server}{path}")).body(body);
    for (name, value) in &head.headers {
        forward = forward.header(name, value);
    }
    let answered = forward.send().await.map_err(std::io::Error::other)?;
    match lie {
        Some(Lie::SilentAfterSuccess) => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            return Err(gone());
        }
        Some(Lie::ResetAfterSuccess) => return Err(gone()),
        Some(Lie::RefusedAfterSuccess) => return Ok(refusal(500)),
        _ => {}
    }
    let mut response = Response::builder().status(answered.status());
    for (name, value) in answered.headers() {
        if name != hyper::header::TRANSFER_ENCODING {
            response = response.header(name, value);
        }
    }
    let body = answered.bytes().await.map_err(std::io::Error::other)?;
    response.body(Full::new(body)).map_err(std::io::Error::other)
}

fn gone() -> std::io::Error {
    std::io::Error::other("the connection ends without an answer")
}

fn refusal(status: u16) -> Response<Full<Bytes>> {
    let text = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>a lie</Message></Error>";
    Response::builder().status(status).body(Full::new(Bytes::from_static(text.as_bytes()))).unwrap()
}
