//! The house: builds the rooms from the settings, opens the doors, says when it is ready, and closes in
//! order when it is told to: doors first, uploads in flight next, then the workers, then the record.

mod reload;

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use self::reload::Reload;
pub use self::reload::{Reloading, tell_to_reload};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::arrive::{FtpsDoor, SftpDoor};
use crate::config::{self, Config, Live};
use crate::defend::{Defender, Keeper};
use crate::deliver::Deliver;
use crate::domain::NodeId;
use crate::ingest::Ingest;
use crate::land::Dropbox;
use crate::originals::Originals;
use crate::record::Record;
use crate::serve::{Api, Rooms};

/// A house with its doors bound: connections wait until [`House::run`].
pub struct House {
    config: Config,
    record: Record,
    dropbox: Dropbox,
    keeper: Keeper,
    deliver: Deliver,
    reload: Reload,
    originals: Originals,
    sftp: Option<SftpDoor>,
    ftps: Option<FtpsDoor>,
    api: Option<Api>,
    ready: Ready,
    /// Held while the house stands: two daemons on one folder would undo each other's uploads.
    _lock: File,
}

/// What `<data>/ready.json` says: where the doors are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    pub version: String,
    pub pid: u32,
    pub data: PathBuf,
    pub doors: Vec<ReadyDoor>,
}

/// One door and its address.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadyDoor {
    /// `sftp`, `ftps`, `ftps-implicit`, `http`.
    pub door: String,
    pub address: SocketAddr,
    /// The SSH host key's `SHA256:…`; the TLS certificate's SHA-256 in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Ready {
    /// The address of a door.
    #[must_use]
    pub fn address(&self, door: &str) -> Option<SocketAddr> {
        self.doors.iter().find(|known| known.door == door).map(|known| known.address)
    }
}

impl std::fmt::Debug for House {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("House").field("ready", &self.ready).finish_non_exhaustive()
    }
}

/// Marks a data folder of which only a part was restored yet.
pub const RESTORING: &str = "restoring";

impl House {
    /// Builds the rooms, binds the doors, and says where they are in `ready.json`.
    ///
    /// # Errors
    /// Another daemon has the folder, a port is taken, or a room cannot be built; the chain says which.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let data = &config.store.data;
        // What rests in it is for nobody else on this machine. A folder that is there keeps its mode.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.with_context(|| format!("could not make the data folder {}", data.display()))?;
        let lock = lock(data)?;
        if data.join(RESTORING).exists() {
            bail!("{} is half restored; run `waybill restore` again, until it is whole", data.display());
        }
        // One that was killed has left its own; whoever waits for ours must not read that.
        let _ = std::fs::remove_file(data.join("ready.json"));
        let record = Record::of(&config.store).await.context("could not open the record")?;
        config.store.leave_word().context("could not leave word of the database in the data folder")?;
        let originals = Originals::of(&config.store, &config.s3).await.context("could not open the originals")?;
        let (doors, defend) = (Live::new(config.doors.clone()), Live::new(config.defend.clone()));
        let (defender, keeper) =
            Defender::open(record.clone(), defend.clone(), doors.clone()).await.context("could not read the bans")?;
        let (land, accounts) = (config.land.clone(), &config.accounts);
        let node = node_of(&config.store).context("could not name this node")?;
        let dropbox = Dropbox::open(record.clone(), defender.clone(), originals.clone(), land, accounts, data, node)
            .await
            .context("could not open the dropbox")?;
        let deliver = Deliver::new(record.clone(), originals.clone(), dropbox.clone(), &config);
        let sftp = if config.sftp.enabled {
            let door = SftpDoor::open(&config.sftp, &doors, &defender, data, dropbox.clone()).await;
            Some(door.with_context(|| format!("could not open the SFTP door on {}", config.sftp.listen))?)
        } else {
            None
        };
        let ftps = if config.ftps.enabled || config.ftps.implicit_enabled {
            let door = FtpsDoor::open(&config.ftps, &config.tls, &doors, &defender, data, dropbox.clone());
            Some(door.context("could not open the FTPS door")?)
        } else {
            None
        };
        let api = if config.http.enabled {
            let rooms = Rooms {
                record: record.clone(),
                originals: originals.clone(),
                dropbox: dropbox.clone(),
                defender: defender.clone(),
                sftp: sftp.as_ref().map(SftpDoor::address),
            };
            Some(Api::open(&config.http, &doors, rooms, data).await.context("could not open the API")?)
        } else {
            None
        };
        let mut open = vec![];
        open.extend(sftp.as_ref().map(|door| ReadyDoor {
            door: "sftp".to_owned(),
            address: door.address(),
            fingerprint: Some(door.fingerprint().to_owned()),
            url: None,
        }));
        if let Some(door) = &ftps {
            let addresses = [("ftps", door.address()), ("ftps-implicit", door.implicit_address())];
            open.extend(addresses.into_iter().filter_map(|(name, address)| {
                Some(ReadyDoor {
                    door: name.to_owned(),
                    address: address?,
                    fingerprint: Some(door.fingerprint().to_owned()),
                    url: None,
                })
            }));
        }
        open.extend(api.as_ref().map(|api| ReadyDoor {
            door: "http".to_owned(),
            address: api.address(),
            fingerprint: None,
            url: Some(format!("http://{}", api.address())),
        }));
        let ready = Ready {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            data: std::path::absolute(data).unwrap_or_else(|_| data.clone()),
            doors: open,
        };
        write_ready(data, &ready)?;
        let reload = Reload {
            config: config.clone(),
            record: record.clone(),
            doors,
            defend,
            dropbox: dropbox.clone(),
            deliver: deliver.clone(),
            sftp: sftp.as_ref().map(|door| door.settings(data)),
            ftps: ftps.as_ref().map(|door| door.settings(data)),
            api: api.as_ref().map(Api::settings),
        };
        Ok(Self { config, record, dropbox, keeper, deliver, reload, originals, sftp, ftps, api, ready, _lock: lock })
    }

    /// Where the doors are.
    #[must_use]
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The record, for whoever runs in the same process.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Serves until `shutdown`, then drains: no new connections, uploads in flight finish within
    /// `doors.drain_deadline`, files being read are finished.
    pub async fn run(self, shutdown: CancellationToken, reloading: Option<Reloading>) {
        let data = self.config.store.data.clone();
        let mut doors = JoinSet::new();
        let workers = CancellationToken::new();
        let ingest = Ingest::new(
            self.record.clone(),
            self.originals.clone(),
            self.config.ingest.clone(),
            self.config.parse,
            &data,
        );
        let mut inside = JoinSet::new();
        inside.spawn(ingest.work(workers.clone()));
        inside.spawn(self.keeper.keep(workers.clone()));
        // It goes with the doors: what it is fetching is gone on with after the next start.
        doors.spawn(self.deliver.keep(shutdown.clone()));
        let sweeping = tokio::spawn(self.dropbox.clone().keep_swept());
        let beating = tokio::spawn(self.dropbox.clone().keep_beating());
        let tidying = tokio::spawn(self.dropbox.clone().keep_shelf_tidy());
        let looking = tokio::spawn(self.dropbox.clone().keep_looking());
        let listening = tokio::spawn(self.record.clone().listen());
        let policies = tokio::spawn(self.dropbox.clone().keep_policies());
        let sessions = tokio::spawn(self.dropbox.clone().keep_sessions());
        if let Some(sftp) = self.sftp {
            doors.spawn(sftp.serve(shutdown.clone()));
        }
        if let Some(ftps) = self.ftps {
            doors.spawn(ftps.serve(shutdown.clone()));
        }
        if let Some(api) = self.api {
            doors.spawn(api.serve(shutdown.clone()));
        }
        let watchdog = tokio::spawn(tell_systemd());
        let reloaded = reloading.map(|reloading| tokio::spawn(keep_reloading(self.reload, reloading)));
        shutdown.cancelled().await;
        let _ = std::fs::remove_file(data.join("ready.json"));
        tracing::info!("closing: no new connections; uploads under way may finish");
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        while doors.join_next().await.is_some() {}
        workers.cancel();
        while inside.join_next().await.is_some() {}
        sweeping.abort();
        beating.abort();
        listening.abort();
        tidying.abort();
        looking.abort();
        policies.abort();
        sessions.abort();
        if let Err(error) = self.dropbox.forget_sessions().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not say that nobody is inside any more");
        }
        if let Some(reloaded) = reloaded {
            reloaded.abort();
        }
        watchdog.abort();
        self.record.close().await;
        tracing::info!("closed");
    }
}

/// The name of this node: that of its folder, since what is in the spool belongs to it. The embedded house has one.
fn node_of(store: &config::Store) -> anyhow::Result<String> {
    if store.database.is_empty() {
        return Ok("local".to_owned());
    }
    let path = store.data.join("node_id");
    if let Ok(text) = std::fs::read_to_string(&path)
        && !text.trim().is_empty()
    {
        return Ok(text.trim().to_owned());
    }
    let name = NodeId::random().to_string();
    std::fs::write(&path, format!("{name}\n")).with_context(|| format!("could not write {}", path.display()))?;
    Ok(name)
}

/// The post room of a folder that no daemon has, for a command that does a partner's turn itself; and the folder's lock.
///
/// # Errors
/// A daemon has the folder, or a room cannot be built.
pub async fn post_room(config: &Config) -> anyhow::Result<(Deliver, File)> {
    let data = &config.store.data;
    let lock = lock(data)?;
    let record = Record::of(&config.store).await.context("could not open the record")?;
    let originals = Originals::of(&config.store, &config.s3).await.context("could not open the originals")?;
    let node = node_of(&config.store).context("could not name this node")?;
    let (doors, defend) = (Live::new(config.doors.clone()), Live::new(config.defend.clone()));
    let (defender, _) = Defender::open(record.clone(), defend, doors).await.context("could not read the bans")?;
    let dropbox =
        Dropbox::open(record.clone(), defender, originals.clone(), config.land.clone(), &config.accounts, data, node)
            .await
            .context("could not open the dropbox")?;
    Ok((Deliver::new(record, originals, dropbox, config), lock))
}

/// Takes a data folder for one process: as long as the file is held, no daemon runs on it.
///
/// # Errors
/// A daemon runs on it, or the folder does not take the file.
pub fn lock(data: &Path) -> anyhow::Result<File> {
    let path = data.join("waybill.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("could not open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => bail!(
            "another waybill daemon is running on {}; stop it, or give this one another folder with --data",
            data.display()
        ),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("could not lock {}", path.display()))
        }
    }
}

/// Written beside and renamed, so that whoever waits for it never reads half.
fn write_ready(data: &Path, ready: &Ready) -> anyhow::Result<()> {
    let path = data.join("ready.json");
    let draft = data.join("ready.json.new");
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&draft)?;
        serde_json::to_writer_pretty(&mut file, ready)?;
        file.write_all(b"\n")?;
        std::fs::rename(&draft, &path)
    };
    write().with_context(|| format!("could not write {}", path.display()))
}

async fn keep_reloading(mut reload: Reload, mut reloading: Reloading) {
    while reloading.told.recv().await.is_some() {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Reloading]);
        reload.again(&reloading.settings).await;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    }
}

/// Tells systemd that we are ready and, again and again, that we are alive; does nothing elsewhere.
async fn tell_systemd() {
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let Some(every) = sd_notify::watchdog_enabled() else { return };
    loop {
        tokio::time::sleep(every / 2).await;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
    }
}

/// Cancelled when the process is told to end (SIGTERM, SIGINT). A second signal ends it at once.
///
/// # Errors
/// The signals cannot be listened to.
pub fn told_to_end() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        for time in 0..2 {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if time == 0 {
                told.cancel();
            } else {
                // What was acknowledged is on disk; what was not is the sender's to repeat.
                std::process::exit(130);
            }
        }
    });
    Ok(token)
}
