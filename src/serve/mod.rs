//! Looking at it: the REST API. What a caller may see is decided by the [`Scope`](crate::domain::Scope)
//! that comes out of their token, and by nothing else.

mod accept;
mod api;
mod ask;
mod auth;
mod cursor;
pub mod openapi;
mod page;
mod problem;
mod request;
mod tagged;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Live};
use crate::defend::Defender;
use crate::land::Dropbox;
use crate::originals::Originals;
use crate::record::Record;

/// The API, listening.
#[derive(Debug)]
pub struct Api {
    listener: TcpListener,
    address: SocketAddr,
    doors: Live<config::Doors>,
    desk: Shared,
}

/// Changes an open API for the requests that come from now on; `listen` and `streams_max` stay.
#[derive(Debug, Clone)]
pub struct ApiSettings(Live<config::Http>);

impl ApiSettings {
    pub fn set(&self, settings: config::Http) {
        self.0.set(settings);
    }
}

/// The rooms the API looks into.
#[derive(Debug, Clone)]
pub struct Rooms {
    pub record: Record,
    pub originals: Originals,
    pub dropbox: Dropbox,
    pub defender: Defender,
    /// Where the SFTP door listens, for the front page to say.
    pub sftp: Option<SocketAddr>,
}

/// Why the API could not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("could not listen on {address}; is another program there? (`[http] listen`, WAYBILL_HTTP_LISTEN)")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("could not read or make the cursor key in the data folder")]
    Key(#[source] std::io::Error),
}

/// What every handler has at hand.
#[derive(Debug)]
struct Desk {
    record: Record,
    originals: Originals,
    dropbox: Dropbox,
    defender: Defender,
    sftp: Option<SocketAddr>,
    settings: Live<config::Http>,
    seal: cursor::Seal,
    /// One permit for each event stream that may be open.
    streams: Arc<Semaphore>,
    /// One permit for each password hashed at once: each costs 19 MiB.
    hashing: Semaphore,
    /// Idempotency keys whose first request is being answered by this process.
    keys_under_way: Mutex<HashSet<(String, String)>>,
    /// Cancelled when the house is about to close.
    closing: CancellationToken,
}

type Shared = Arc<Desk>;

impl Api {
    /// Takes its address; nobody is answered before [`serve`](Self::serve).
    ///
    /// # Errors
    /// The address is taken, or the data folder cannot be written.
    pub async fn open(
        settings: &config::Http,
        doors: &Live<config::Doors>,
        rooms: Rooms,
        data: &Path,
    ) -> Result<Self, OpenError> {
        let desk = Desk::open(settings, rooms, data)?;
        let listen = |source| OpenError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { listener, address, doors: doors.clone(), desk })
    }

    /// The way to change it while it is open.
    #[must_use]
    pub fn settings(&self) -> ApiSettings {
        ApiSettings(self.desk.settings.clone())
    }

    /// Where it listens, with the port it was given.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown`, then lets what is being answered finish, at most `[doors] drain_deadline`.
    /// `/v1/readyz` says 503 from the first moment of the draining.
    pub async fn serve(self, shutdown: CancellationToken) {
        let desk = Arc::clone(&self.desk);
        let router = api::router(Arc::clone(&self.desk));
        let closing = async {
            shutdown.cancelled().await;
            desk.closing.cancel();
        };
        tokio::join!(closing, accept::accept(self.listener, router, &self.doors, &desk.defender, desk.closing.clone()));
    }
}

impl Desk {
    fn open(settings: &config::Http, rooms: Rooms, data: &Path) -> Result<Shared, OpenError> {
        Ok(Arc::new(Self {
            record: rooms.record,
            originals: rooms.originals,
            dropbox: rooms.dropbox,
            defender: rooms.defender,
            sftp: rooms.sftp,
            settings: Live::new(settings.clone()),
            seal: cursor::Seal::open(data).map_err(OpenError::Key)?,
            streams: Arc::new(Semaphore::new(settings.streams_max)),
            hashing: Semaphore::new(2),
            keys_under_way: Mutex::default(),
            closing: CancellationToken::new(),
        }))
    }
}
