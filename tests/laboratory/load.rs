//! Senders over SFTP: each keeps a connection and puts file after file; some hang up in the middle, some send again what
//! was not acknowledged.

use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh_sftp::client::SftpSession;
use tokio::io::AsyncWriteExt;
use waybill::domain::Digest;

use super::Chance;
use super::journal::{Journal, Tried};

const X12: &str = include_str!("../../fixtures/x12/ok/minimal/input.edi");
/// What a sender waits for anything, as the patient ones among the real ones do.
const PATIENCE: Duration = Duration::from_secs(20);

/// Senders at work, until they are told to stop.
pub(crate) struct Load {
    runtime: tokio::runtime::Runtime,
    stop: Arc<AtomicBool>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    journal: Arc<Journal>,
    key: Arc<PrivateKey>,
    login: String,
    /// Where the doors are now; nothing while a daemon is down.
    doors: Mutex<Vec<Option<SocketAddr>>>,
    number: AtomicUsize,
    /// The largest files: parts of them go while the rest arrives.
    large_bytes: usize,
}

impl Load {
    pub(crate) fn start(
        journal: Arc<Journal>,
        key: PathBuf,
        login: &str,
        doors: usize,
        senders: usize,
        large_bytes: usize,
        seed: u64,
    ) -> Self {
        let shared = Arc::new(Shared {
            journal,
            key: Arc::new(russh::keys::load_secret_key(key, None).unwrap()),
            login: login.to_owned(),
            doors: Mutex::new(vec![None; doors]),
            number: AtomicUsize::new(0),
            large_bytes,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        for sender in 0..senders {
            let (shared, stop) = (Arc::clone(&shared), Arc::clone(&stop));
            let chance = Chance::new(seed.wrapping_add(1_000 + sender as u64));
            runtime.spawn(async move { send_on(&shared, sender, chance, &stop).await });
        }
        Self { runtime, stop, shared }
    }

    /// Where a daemon is from now on.
    pub(crate) fn set_door(&self, daemon: usize, address: Option<SocketAddr>) {
        self.shared.doors.lock().unwrap()[daemon] = address;
    }

    /// How many files were begun.
    pub(crate) fn count(&self) -> usize {
        self.shared.number.load(Ordering::Relaxed)
    }

    /// No sender begins another file; those under way have a moment to end.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.runtime.shutdown_timeout(Duration::from_secs(1));
    }
}

async fn send_on(shared: &Arc<Shared>, sender: usize, mut chance: Chance, stop: &AtomicBool) {
    let mut session: Option<Connection> = None;
    let mut again: Option<Vec<u8>> = None;
    let mut last = vec![];
    while !stop.load(Ordering::SeqCst) {
        let doors: Vec<SocketAddr> = shared.doors.lock().unwrap().iter().flatten().copied().collect();
        if doors.is_empty() {
            session = None;
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let stale = session.as_ref().is_none_or(|session| !doors.contains(&session.door));
        if stale || chance.one_in(20) {
            let door = doors[chance.below(doors.len() as u64) as usize];
            session = connect(shared, door).await;
            if session.is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        }
        let Some(connection) = &session else { continue };
        let number = shared.number.fetch_add(1, Ordering::Relaxed);
        // Some send the same again when they were not told that it is safe.
        let content = match again.take().filter(|_| chance.one_in(2)) {
            Some(content) => content,
            // Others send twice what they know is safe.
            None if chance.one_in(10) && !last.is_empty() => last.clone(),
            None => content_of(&mut chance, shared.large_bytes, sender, number),
        };
        let is_cut = chance.one_in(12);
        let name = format!("s{sender}-{number}.edi");
        shared.journal.tried(&name, Tried { digest: Digest::of(&content), is_cut });
        let sent = tokio::time::timeout(PATIENCE, put(connection, &name, &content, is_cut)).await;
        match sent {
            Ok(true) if !is_cut => {
                shared.journal.acknowledged(&name);
                last = content;
            }
            _ => {
                if !is_cut {
                    again = Some(content);
                }
                session = None;
            }
        }
    }
}

/// An invoice with a number of its own, now and then large.
fn content_of(chance: &mut Chance, large_bytes: usize, sender: usize, number: usize) -> Vec<u8> {
    let mut content = X12.replace("NW-1001", &format!("NW-{sender}-{number}")).into_bytes();
    if chance.one_in(15) {
        content.resize(content.len() + 200_000, b'\n');
    } else if chance.one_in(60) {
        content.resize(content.len() + large_bytes, b'\n');
    }
    content
}

/// One sender's way in.
struct Connection {
    door: SocketAddr,
    sftp: SftpSession,
    /// The same socket once more, to cut it.
    wire: std::net::TcpStream,
    _handle: Handle<Trusting>,
}

async fn connect(shared: &Shared, door: SocketAddr) -> Option<Connection> {
    let connecting = async {
        let socket = tokio::net::TcpStream::connect(door).await.ok()?.into_std().ok()?;
        let wire = socket.try_clone().ok()?;
        let socket = tokio::net::TcpStream::from_std(socket).ok()?;
        let mut handle = client::connect_stream(Arc::new(client::Config::default()), socket, Trusting).await.ok()?;
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&shared.key), None);
        handle.authenticate_publickey(&*shared.login, key).await.ok().filter(|known| known.success())?;
        let channel = handle.channel_open_session().await.ok()?;
        channel.request_subsystem(true, "sftp").await.ok()?;
        let sftp = SftpSession::new(channel.into_stream()).await.ok()?;
        Some(Connection { door, sftp, wire, _handle: handle })
    };
    tokio::time::timeout(PATIENCE, connecting).await.ok().flatten()
}

/// Whether the end of the file was acknowledged.
async fn put(connection: &Connection, name: &str, content: &[u8], is_cut: bool) -> bool {
    let Ok(mut file) = connection.sftp.create(format!("/drop/{name}")).await else { return false };
    let sent = if is_cut { &content[..content.len() / 2] } else { content };
    if file.write_all(sent).await.is_err() || file.flush().await.is_err() {
        return false;
    }
    if is_cut {
        // Gone without a word: the connection goes before the handle is dropped, which would close it.
        return connection.wire.shutdown(Shutdown::Both).is_ok();
    }
    file.close().await.is_ok()
}

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}
