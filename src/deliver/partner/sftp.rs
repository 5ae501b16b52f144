//! A partner's SFTP server: SSH by russh, SFTP by `wire`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use russh::client::{self, AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{Algorithm, PrivateKeyWithHashAlg, decode_secret_key};
use russh::{Preferred, cipher, compression, kex, mac};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::error::PartnerError;
use super::host_key::{Doorman, HostKeys};
use super::wire::{self, Attributes, Field, Wire};
use super::{RemoteFile, secret};
use crate::config::Partner;

/// A session that is logged in.
pub(super) struct Sftp {
    connection: Handle<Doorman>,
    wire: Arc<Mutex<Wire>>,
}

/// A file that is being read: pieces are asked for ahead, and come in any order.
pub(super) struct Reading {
    wire: Arc<Mutex<Wire>>,
    handle: Vec<u8>,
    doing: String,
    /// What is asked for next, and where the file ends as far as is known.
    ask: u64,
    end: u64,
    /// Where the next byte that is handed out stands.
    at: u64,
    under_way: HashMap<u32, (u64, u32)>,
    /// Pieces behind one that has not come yet.
    early: BTreeMap<u64, Vec<u8>>,
}

/// A file that is being written: pieces are sent ahead.
pub(super) struct Writing {
    wire: Arc<Mutex<Wire>>,
    handle: Vec<u8>,
    doing: String,
    at: u64,
    under_way: VecDeque<u32>,
}

/// Every server takes this much at once (draft-ietf-secsh-filexfer-02, section 3).
const PIECE: u32 = 32 * 1024;
/// Pieces asked for, or sent, ahead: 2 MiB.
const AHEAD: usize = 64;
/// Pieces behind which are kept, at most this many bytes of them.
const EARLY_MAX: usize = 4 * 1024 * 1024;

/// As our own door, and what servers of the last ten years speak besides. No SHA-1, no CBC.
const KEX: [kex::Name; 9] = [
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G14_SHA256,
    kex::DH_GEX_SHA256,
];
const CIPHERS: [cipher::Name; 6] = [
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_GCM,
    cipher::AES_128_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];
const MACS: [mac::Name; 4] = [mac::HMAC_SHA256_ETM, mac::HMAC_SHA512_ETM, mac::HMAC_SHA256, mac::HMAC_SHA512];
/// Where the partner's settings say so.
const LEGACY_KEX: [kex::Name; 1] = [kex::DH_G14_SHA1];
const LEGACY_CIPHERS: [cipher::Name; 2] = [cipher::AES_256_CBC, cipher::AES_128_CBC];
const LEGACY_MACS: [mac::Name; 2] = [mac::HMAC_SHA1_ETM, mac::HMAC_SHA1];

impl Sftp {
    pub(super) async fn log_in(stream: TcpStream, partner: &Partner) -> Result<Self, PartnerError> {
        let known = HostKeys::parse(&partner.host_keys)?;
        let config = client::Config { preferred: preferred(&known, partner), ..client::Config::default() };
        let (doorman, shown) = Doorman::new(known);
        let connected = client::connect_stream(Arc::new(config), stream, doorman).await;
        let mut connection = connected.map_err(|error| match (shown.get(), error) {
            (Some(shown), _) => PartnerError::HostKey { shown: shown.clone() },
            (None, russh::Error::NoCommonAlgo { kind, theirs, .. }) => PartnerError::Handshake {
                why: format!("it speaks none of our {kind:?} algorithms, but {}", theirs.join(",")),
            },
            (None, error) => PartnerError::Handshake { why: error.to_string() },
        })?;
        prove(&mut connection, partner).await?;
        let doing = "start SFTP";
        let channel = connection.channel_open_session().await.map_err(|error| lost(doing, error))?;
        channel.request_subsystem(false, "sftp").await.map_err(|error| lost(doing, error))?;
        let wire = Wire::begin(Box::new(channel.into_stream()), partner.stall_deadline.duration()).await?;
        Ok(Self { connection, wire: Arc::new(Mutex::new(wire)) })
    }

    pub(super) async fn list(
        &mut self,
        folder: &str,
        max: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<RemoteFile>, PartnerError> {
        let doing = format!("list {folder}");
        let mut wire = self.wire.lock().await;
        let opened = wire.ask(&doing, wire::OPENDIR, &[Field::Bytes(folder.as_bytes())]).await?;
        let handle = handle_of(&doing, wire::body(&doing, &opened, wire::HANDLE)?)?;
        let (mut files, mut entries) = (Vec::new(), 0_usize);
        loop {
            let reply = wire.ask(&doing, wire::READDIR, &[Field::Bytes(&handle)]).await?;
            if matches!(wire::status(&reply), Some((wire::EOF, _))) {
                break;
            }
            let mut rest = wire::body(&doing, &reply, wire::NAME)?;
            let count = wire::number(&mut rest).unwrap_or(0);
            if count == 0 {
                return Err(wire::broken(&doing, "it listed nothing, again and again"));
            }
            for _ in 0..count {
                let entry =
                    (|| Some((wire::bytes(&mut rest)?, wire::bytes(&mut rest)?, wire::attributes(&mut rest)?)))();
                let Some((name, long, attributes)) = entry else {
                    return Err(wire::broken(&doing, "it sent a listing that ends in the middle"));
                };
                entries += 1;
                if entries > max {
                    return Err(PartnerError::TooMany { folder: folder.to_owned(), max });
                }
                // A name that is no text cannot be asked for.
                let Ok(name) = std::str::from_utf8(name) else { continue };
                if is_file(&attributes, long) && !name.contains('/') && wanted(name) {
                    files.push(remote_file(name, &attributes));
                }
            }
        }
        wire.tell(&doing, wire::CLOSE, &[Field::Bytes(&handle)]).await?;
        Ok(files)
    }

    pub(super) async fn look(&mut self, path: &str) -> Result<Option<RemoteFile>, PartnerError> {
        let doing = format!("look at {path}");
        let reply = self.wire.lock().await.ask(&doing, wire::STAT, &[Field::Bytes(path.as_bytes())]).await?;
        if matches!(wire::status(&reply), Some((wire::NO_SUCH_FILE, _))) {
            return Ok(None);
        }
        let mut rest = wire::body(&doing, &reply, wire::ATTRS)?;
        let attributes =
            wire::attributes(&mut rest).ok_or_else(|| wire::broken(&doing, "it ended in the middle of an answer"))?;
        let name = path.rsplit('/').next().unwrap_or(path);
        Ok(Some(remote_file(name, &attributes)))
    }

    pub(super) async fn read(&mut self, path: &str, from: u64, size_bytes: u64) -> Result<Reading, PartnerError> {
        let doing = format!("read {path}");
        let handle = self.open(&doing, path, wire::FOR_READING).await?;
        let wire = Arc::clone(&self.wire);
        let (under_way, early) = (HashMap::new(), BTreeMap::new());
        Ok(Reading { wire, handle, doing, ask: from, end: size_bytes, at: from, under_way, early })
    }

    pub(super) async fn write(&mut self, path: &str, from: u64) -> Result<Writing, PartnerError> {
        let doing = format!("write {path}");
        let anew = if from == 0 { wire::TRUNCATE } else { 0 };
        let handle = self.open(&doing, path, wire::FOR_WRITING | wire::CREATE | anew).await?;
        Ok(Writing { wire: Arc::clone(&self.wire), handle, doing, at: from, under_way: VecDeque::new() })
    }

    async fn open(&mut self, doing: &str, path: &str, flags: u32) -> Result<Vec<u8>, PartnerError> {
        let fields = [Field::Bytes(path.as_bytes()), Field::Number(flags), Field::Number(0)];
        let opened = self.wire.lock().await.ask(doing, wire::OPEN, &fields).await?;
        handle_of(doing, wire::body(doing, &opened, wire::HANDLE)?)
    }

    pub(super) async fn rename(&mut self, from: &str, to: &str) -> Result<(), PartnerError> {
        let doing = format!("rename {from} to {to}");
        let fields = [Field::Bytes(from.as_bytes()), Field::Bytes(to.as_bytes())];
        self.wire.lock().await.tell(&doing, wire::RENAME, &fields).await
    }

    pub(super) async fn remove(&mut self, path: &str) -> Result<bool, PartnerError> {
        let doing = format!("remove {path}");
        let reply = self.wire.lock().await.ask(&doing, wire::REMOVE, &[Field::Bytes(path.as_bytes())]).await?;
        if matches!(wire::status(&reply), Some((wire::NO_SUCH_FILE, _))) {
            return Ok(false);
        }
        wire::done(&doing, &reply).map(|()| true)
    }

    pub(super) async fn leave(self) {
        let _ = self.connection.disconnect(russh::Disconnect::ByApplication, "done", "en").await;
    }
}

impl Reading {
    /// The next bytes in order; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, PartnerError> {
        let mut wire = self.wire.lock().await;
        loop {
            if let Some(piece) = self.early.remove(&self.at) {
                self.at += piece.len() as u64;
                return Ok(piece);
            }
            while self.under_way.len() < AHEAD && self.ask < self.end {
                let size = u32::try_from((self.end - self.ask).min(u64::from(PIECE))).unwrap_or(PIECE);
                let fields = [Field::Bytes(&self.handle), Field::Offset(self.ask), Field::Number(size)];
                let id = wire.send(&self.doing, wire::READ, &fields).await?;
                self.under_way.insert(id, (self.ask, size));
                self.ask += u64::from(size);
            }
            if self.under_way.is_empty() {
                return Ok(Vec::new());
            }
            let reply = wire.receive(&self.doing).await?;
            let Some((offset, size)) = self.under_way.remove(&reply.id) else {
                return Err(wire::broken(&self.doing, "it answered a question that was not asked"));
            };
            if matches!(wire::status(&reply), Some((wire::EOF, _))) {
                // It ends sooner than it was said to.
                self.end = self.end.min(offset);
                continue;
            }
            let mut rest = wire::body(&self.doing, &reply, wire::DATA)?;
            let piece = wire::bytes(&mut rest).filter(|piece| !piece.is_empty() && piece.len() <= size as usize);
            let Some(piece) = piece else { return Err(wire::broken(&self.doing, "it sent a piece of a wrong length")) };
            let count = u32::try_from(piece.len()).unwrap_or(size);
            if count < size {
                // A short piece: the rest of it is asked for again.
                let from = offset + u64::from(count);
                let fields = [Field::Bytes(&self.handle), Field::Offset(from), Field::Number(size - count)];
                let id = wire.send(&self.doing, wire::READ, &fields).await?;
                self.under_way.insert(id, (from, size - count));
            }
            self.early.insert(offset, piece.to_vec());
            if self.early.values().map(Vec::len).sum::<usize>() > EARLY_MAX {
                return Err(wire::broken(&self.doing, "it keeps one piece back and sends all others"));
            }
        }
    }

    pub(super) async fn finish(mut self) -> Result<(), PartnerError> {
        let mut wire = self.wire.lock().await;
        // What was asked for and is not wanted any more.
        while !self.under_way.is_empty() {
            let reply = wire.receive(&self.doing).await?;
            if self.under_way.remove(&reply.id).is_none() {
                return Err(wire::broken(&self.doing, "it answered a question that was not asked"));
            }
        }
        wire.tell(&self.doing, wire::CLOSE, &[Field::Bytes(&self.handle)]).await
    }
}

impl Writing {
    pub(super) async fn put(&mut self, bytes: &[u8]) -> Result<(), PartnerError> {
        for piece in bytes.chunks(PIECE as usize) {
            if self.under_way.len() >= AHEAD {
                self.answered().await?;
            }
            let fields = [Field::Bytes(&self.handle), Field::Offset(self.at), Field::Bytes(piece)];
            let id = self.wire.lock().await.send(&self.doing, wire::WRITE, &fields).await?;
            self.under_way.push_back(id);
            self.at += piece.len() as u64;
        }
        Ok(())
    }

    async fn answered(&mut self) -> Result<(), PartnerError> {
        let reply = self.wire.lock().await.receive(&self.doing).await?;
        let Some(place) = self.under_way.iter().position(|id| *id == reply.id) else {
            return Err(wire::broken(&self.doing, "it answered a question that was not asked"));
        };
        self.under_way.remove(place);
        wire::done(&self.doing, &reply)
    }

    pub(super) async fn finish(mut self) -> Result<(), PartnerError> {
        while !self.under_way.is_empty() {
            self.answered().await?;
        }
        self.wire.lock().await.tell(&self.doing, wire::CLOSE, &[Field::Bytes(&self.handle)]).await
    }
}

fn preferred(known: &HostKeys, partner: &Partner) -> Preferred {
    fn with<T: Clone>(modern: &[T], legacy: &[T], old: bool) -> Vec<T> {
        if old { [modern, legacy].concat() } else { modern.to_vec() }
    }
    let old = partner.legacy_algorithms;
    let mut kex = with(&KEX, &LEGACY_KEX, old);
    kex.extend([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
    Preferred {
        kex: Cow::Owned(kex),
        key: Cow::Owned(known.algorithms()),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: Cow::Owned(with(&CIPHERS, &LEGACY_CIPHERS, old)),
        mac: Cow::Owned(with(&MACS, &LEGACY_MACS, old)),
        compression: Cow::Borrowed(&[compression::NONE]),
    }
}

/// Logs in with the key, with the password, or with both where the server wants both.
async fn prove(connection: &mut Handle<Doorman>, partner: &Partner) -> Result<(), PartnerError> {
    let doing = "log in";
    if !partner.key_file.as_os_str().is_empty() {
        let path = &partner.key_file;
        let text = secret::read(path)?;
        let not_a = |what| PartnerError::NotA { path: path.clone(), what };
        let key = decode_secret_key(&text, None).map_err(|_| not_a("private key of OpenSSH's without a passphrase"))?;
        // Signing with one leaks time in the library there is (RUSTSEC-2023-0071).
        if matches!(key.algorithm(), Algorithm::Rsa { .. }) {
            return Err(not_a("Ed25519 or ECDSA key, but an RSA key, which we do not sign with"));
        }
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
        let known = connection.authenticate_publickey(&partner.user, key).await;
        if known.map_err(|error| lost(doing, error))?.success() {
            return Ok(());
        }
    }
    if !partner.password_file.as_os_str().is_empty() {
        let password = secret::read(&partner.password_file)?;
        let known = connection.authenticate_password(&partner.user, password.as_str()).await;
        if matches!(known.map_err(|error| lost(doing, error))?, AuthResult::Success) {
            return Ok(());
        }
        // Some servers take passwords only as the answer to a question.
        let mut asked = connection
            .authenticate_keyboard_interactive_start(&partner.user, None)
            .await
            .map_err(|error| lost(doing, error))?;
        for _ in 0..QUESTIONS_MAX {
            match asked {
                KeyboardInteractiveAuthResponse::Success => return Ok(()),
                KeyboardInteractiveAuthResponse::Failure { .. } => break,
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let secret = prompts.len() == 1 && prompts.iter().all(|prompt| !prompt.echo);
                    let answers = if secret { vec![password.as_str().to_owned()] } else { vec![] };
                    if !prompts.is_empty() && answers.is_empty() {
                        break;
                    }
                    asked = connection
                        .authenticate_keyboard_interactive_respond(answers)
                        .await
                        .map_err(|error| lost(doing, error))?;
                }
            }
        }
    }
    Err(PartnerError::Login { user: partner.user.clone(), said: None })
}

/// Rounds of questions; the password is the answer to the first, and servers add one that asks nothing.
const QUESTIONS_MAX: usize = 3;
/// A server's handle is at most this long (section 6.2).
const HANDLE_MAX: usize = 256;

fn handle_of(doing: &str, mut body: &[u8]) -> Result<Vec<u8>, PartnerError> {
    let handle = wire::bytes(&mut body).filter(|handle| handle.len() <= HANDLE_MAX);
    handle.map(<[u8]>::to_vec).ok_or_else(|| wire::broken(doing, "it gave a handle of an impossible length"))
}

fn is_file(attributes: &Attributes, long: &[u8]) -> bool {
    match attributes.permissions {
        Some(mode) if mode & 0o170_000 != 0 => mode & 0o170_000 == 0o100_000,
        // No type: the line of `ls -l` has one.
        _ => long.first() == Some(&b'-'),
    }
}

fn remote_file(name: &str, attributes: &Attributes) -> RemoteFile {
    RemoteFile {
        name: name.to_owned(),
        size_bytes: attributes.size_bytes.unwrap_or(0),
        modified: attributes.modified.map(i64::from),
    }
}

fn lost(doing: &str, error: russh::Error) -> PartnerError {
    PartnerError::Lost { doing: doing.to_owned(), source: error.into() }
}

impl std::fmt::Debug for Sftp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Sftp")
    }
}
