//! A partner's FTPS server, by suppaftp: explicit (RFC 4217) or implicit, data always under PROT P, and data connections
//! only ever to the address of the control connection, whatever the server says.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ClientConfig;
use suppaftp::list::{File, ListParser};
use suppaftp::tokio::{AsyncRustlsConnector, AsyncRustlsStream, ImplAsyncFtpStream, TransferStream};
use suppaftp::types::FileType;
use suppaftp::{FtpError, Mode, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::PartnerError;
use super::{RemoteFile, certificate, secret, within};
use crate::config::Partner;

type Client = ImplAsyncFtpStream<AsyncRustlsStream>;

/// A session that is logged in.
pub(super) struct Ftps {
    client: Client,
    stall: Duration,
    /// The server has no MLSD (RFC 3659 section 7): LIST and MDTM say the same, a file at a time.
    no_facts: bool,
}

/// A file that is being read.
pub(super) struct Reading {
    transfer: TransferStream<AsyncRustlsStream>,
    doing: String,
    stall: Duration,
    over: bool,
}

/// A file that is being written.
pub(super) struct Writing {
    transfer: TransferStream<AsyncRustlsStream>,
    doing: String,
    stall: Duration,
}

const BUFFER: usize = 256 * 1024;
/// The longest listing that is read, by the most entries there may be.
const LINE_BYTES_MAX: usize = 1_024;

impl Ftps {
    pub(super) async fn log_in(stream: TcpStream, partner: &Partner) -> Result<Self, PartnerError> {
        let (config, shown) = certificate::client(partner)?;
        let client = Client::connect_with_stream(stream).await.map_err(|error| failed("greet", error))?;
        let secured = client.into_secure(connector(config), &partner.host).await;
        let client = secured.map_err(|error| untrusted(error, &shown))?;
        Self::prove(client, partner).await
    }

    pub(super) async fn log_in_implicit(address: SocketAddr, partner: &Partner) -> Result<Self, PartnerError> {
        let (config, shown) = certificate::client(partner)?;
        let secured = Client::connect_secure_implicit(address, connector(config), &partner.host).await;
        let mut client = secured.map_err(|error| untrusted(error, &shown))?;
        for (command, doing) in [("PBSZ 0", "set the size of protected buffers"), ("PROT P", "protect data")] {
            client.custom_command(command, &[Status::CommandOk]).await.map_err(|error| failed(doing, error))?;
        }
        Self::prove(client, partner).await
    }

    async fn prove(mut client: Client, partner: &Partner) -> Result<Self, PartnerError> {
        // suppaftp tells the `log` crate what it says, the password too; nothing in this program listens to it.
        let password = secret::read(&partner.password_file)?;
        client.login(partner.user.as_str(), password.as_str()).await.map_err(|error| match error {
            FtpError::UnexpectedResponse(said) => {
                PartnerError::Login { user: partner.user.clone(), said: Some(sentence(&said.body)) }
            }
            error => failed("log in", error),
        })?;
        client.transfer_type(FileType::Binary).await.map_err(|error| failed("switch to binary", error))?;
        let peer = client.get_ref().await.peer_addr().map(|peer| peer.ip());
        let peer = peer.map_err(|error| failed("find the server's address", FtpError::ConnectionError(error)))?;
        // PASV (RFC 959) has room for IPv4 only. Its address is not believed.
        client.set_mode(if peer.to_canonical().is_ipv4() { Mode::Passive } else { Mode::ExtendedPassive });
        client.set_passive_nat_workaround(true);
        let stall = partner.stall_deadline.duration();
        let client = client.passive_stream_builder(move |address| data_connection(address, peer, stall));
        Ok(Self { client, stall, no_facts: false })
    }

    pub(super) async fn list(
        &mut self,
        folder: &str,
        max: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<RemoteFile>, PartnerError> {
        let doing = format!("list {folder}");
        let mut lines = None;
        if !self.no_facts {
            match self.lines(&doing, &format!("MLSD {folder}"), folder, max).await {
                Ok(found) => lines = Some(found),
                Err(Listing::Unknown) => self.no_facts = true,
                Err(Listing::Failed(error)) => return Err(error),
            }
        }
        if let Some(lines) = lines {
            let files = lines.iter().filter_map(|line| ListParser::parse_mlsd(line).ok().map(|file| (line, file)));
            let files = files.filter(|(_, file)| file.is_file() && is_wanted(file.name(), &wanted));
            return Ok(files.map(|(line, file)| remote_file(&file, has_fact(line, "modify="))).collect());
        }
        let lines = self.lines(&doing, &format!("LIST {folder}"), folder, max).await.map_err(|why| match why {
            Listing::Unknown => PartnerError::Refused { doing: doing.clone(), said: "it knows no listing".to_owned() },
            Listing::Failed(error) => error,
        })?;
        let mut files = Vec::new();
        for line in &lines {
            let Ok(file) = ListParser::parse_posix(line).or_else(|_| ListParser::parse_dos(line)) else { continue };
            if !file.is_file() || !is_wanted(file.name(), &wanted) {
                continue;
            }
            // What LIST says is rounded, and in a time zone nobody knows.
            files.extend(self.look(&super::path_in(folder, file.name())).await?);
        }
        Ok(files)
    }

    /// The lines of a listing, of which there may be so many.
    async fn lines(&mut self, doing: &str, command: &str, folder: &str, max: usize) -> Result<Vec<String>, Listing> {
        let opened = within(self.stall, doing, async {
            Ok(self.client.custom_data_command(command, &[Status::AboutToSend, Status::AlreadyOpen]).await)
        });
        let (_, transfer) = opened.await.map_err(Listing::Failed)?.map_err(|error| match &error {
            FtpError::UnexpectedResponse(said) if is_unknown(said.status) => Listing::Unknown,
            _ => Listing::Failed(failed(doing, error)),
        })?;
        let mut reading = Reading { transfer, doing: doing.to_owned(), stall: self.stall, over: false };
        let (mut text, mut entries) = (Vec::new(), 0_usize);
        loop {
            let piece = reading.next().await.map_err(Listing::Failed)?;
            if piece.is_empty() {
                break;
            }
            entries += piece.iter().filter(|byte| **byte == b'\n').count();
            text.extend(piece);
            // The folder itself, and the one above it, may be listed too.
            if entries > max.saturating_add(3) || text.len() > max.saturating_mul(LINE_BYTES_MAX) {
                return Err(Listing::Failed(PartnerError::TooMany { folder: folder.to_owned(), max }));
            }
        }
        reading.finish().await.map_err(Listing::Failed)?;
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }

    pub(super) async fn look(&mut self, path: &str) -> Result<Option<RemoteFile>, PartnerError> {
        let doing = format!("look at {path}");
        let size = within(self.stall, &doing, async { Ok(self.client.size(path).await) }).await?;
        let size_bytes = match size {
            Ok(size) => size as u64,
            Err(FtpError::UnexpectedResponse(said)) if said.status == Status::FileUnavailable => return Ok(None),
            Err(error) => return Err(failed(&doing, error)),
        };
        let modified = within(self.stall, &doing, async { Ok(self.client.mdtm(path).await) }).await?;
        let modified = match modified {
            Ok(moment) => Some(moment.and_utc().timestamp()).filter(|seconds| *seconds > 0),
            Err(FtpError::UnexpectedResponse(said)) if is_unknown(said.status) => None,
            // It went between the two questions.
            Err(FtpError::UnexpectedResponse(said)) if said.status == Status::FileUnavailable => return Ok(None),
            Err(error) => return Err(failed(&doing, error)),
        };
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        Ok(Some(RemoteFile { name, size_bytes, modified }))
    }

    pub(super) async fn read(&mut self, path: &str, from: u64) -> Result<Reading, PartnerError> {
        let doing = format!("read {path}");
        let transfer = within(self.stall, &doing, async {
            self.restart(&doing, from).await?;
            self.client.retr_as_stream(path).await.map_err(|error| failed(&doing, error))
        })
        .await?;
        Ok(Reading { transfer, doing, stall: self.stall, over: false })
    }

    pub(super) async fn write(&mut self, path: &str, from: u64) -> Result<Writing, PartnerError> {
        let doing = format!("write {path}");
        let transfer = within(self.stall, &doing, async {
            self.restart(&doing, from).await?;
            self.client.put_with_stream(path).await.map_err(|error| failed(&doing, error))
        })
        .await?;
        Ok(Writing { transfer, doing, stall: self.stall })
    }

    /// REST, right before the transfer (RFC 3659 section 5.3).
    async fn restart(&mut self, doing: &str, from: u64) -> Result<(), PartnerError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        self.client.resume_transfer(from).await.map_err(|error| failed(doing, error))
    }

    pub(super) async fn rename(&mut self, from: &str, to: &str) -> Result<(), PartnerError> {
        let doing = format!("rename {from} to {to}");
        let renamed = self.client.rename(from, to);
        within(self.stall, &doing, async { renamed.await.map_err(|error| failed(&doing, error)) }).await
    }

    pub(super) async fn remove(&mut self, path: &str) -> Result<bool, PartnerError> {
        let doing = format!("remove {path}");
        if self.look(path).await?.is_none() {
            return Ok(false);
        }
        let removed = self.client.rm(path);
        within(self.stall, &doing, async { removed.await.map_err(|error| failed(&doing, error)) }).await?;
        Ok(true)
    }

    pub(super) async fn leave(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.client.quit()).await;
    }
}

impl Reading {
    pub(super) async fn next(&mut self) -> Result<Vec<u8>, PartnerError> {
        let mut piece = vec![0; BUFFER];
        let transfer = &mut self.transfer;
        let count = within(self.stall, &self.doing, async {
            match transfer.read(&mut piece).await {
                Ok(count) => Ok(count),
                // No close_notify. Many servers send none; whether the file is whole is known by its size.
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(0),
                Err(error) => Err(PartnerError::Lost { doing: self.doing.clone(), source: error.into() }),
            }
        })
        .await?;
        piece.truncate(count);
        self.over |= count == 0;
        Ok(piece)
    }

    pub(super) async fn finish(self) -> Result<(), PartnerError> {
        let Self { transfer, doing, stall, over } = self;
        if !over {
            // Its connection is closed, and the next command hears what the server has to say about that.
            drop(transfer);
            return Ok(());
        }
        within(stall, &doing, async { transfer.finish().await.map_err(|error| failed(&doing, error)) }).await
    }
}

impl Writing {
    pub(super) async fn put(&mut self, bytes: &[u8]) -> Result<(), PartnerError> {
        let transfer = &mut self.transfer;
        within(self.stall, &self.doing, async {
            transfer
                .write_all(bytes)
                .await
                .map_err(|error| PartnerError::Lost { doing: self.doing.clone(), source: error.into() })
        })
        .await
    }

    pub(super) async fn finish(self) -> Result<(), PartnerError> {
        let Self { transfer, doing, stall } = self;
        within(stall, &doing, async { transfer.finish().await.map_err(|error| failed(&doing, error)) }).await
    }
}

/// Why there are no lines.
enum Listing {
    /// The server does not know the command.
    Unknown,
    Failed(PartnerError),
}

fn connector(config: Arc<ClientConfig>) -> AsyncRustlsConnector {
    AsyncRustlsConnector::from(TlsConnector::from(config))
}

type Connected = Pin<Box<dyn Future<Output = Result<TcpStream, FtpError>> + Send + Sync>>;

/// Connects to the port the server named, at the address it has.
fn data_connection(named: SocketAddr, peer: IpAddr, deadline: Duration) -> Connected {
    let address = SocketAddr::new(peer, named.port());
    Box::pin(async move {
        let connected = tokio::time::timeout(deadline, TcpStream::connect(address)).await;
        let connected = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        connected.map_err(FtpError::ConnectionError)
    })
}

fn is_wanted(name: &str, wanted: impl Fn(&str) -> bool) -> bool {
    // Some servers list whole paths. None of them is a name in this folder.
    !name.contains('/') && wanted(name)
}

fn has_fact(line: &str, fact: &str) -> bool {
    line.to_ascii_lowercase().split(';').any(|part| part.trim_start().starts_with(fact))
}

fn remote_file(file: &File, has_time: bool) -> RemoteFile {
    let modified = file.modified().duration_since(std::time::UNIX_EPOCH).ok();
    RemoteFile {
        name: file.name().to_owned(),
        size_bytes: file.size() as u64,
        modified: modified.filter(|_| has_time).and_then(|since| i64::try_from(since.as_secs()).ok()),
    }
}

fn is_unknown(status: Status) -> bool {
    matches!(
        status,
        Status::BadCommand | Status::BadArguments | Status::NotImplemented | Status::NotImplementedParameter
    )
}

/// A server's reply without its code and without what could act on a terminal.
fn sentence(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(300).collect()
}

fn failed(doing: &str, error: FtpError) -> PartnerError {
    let doing = doing.to_owned();
    match error {
        FtpError::UnexpectedResponse(said) => PartnerError::Refused { doing, said: sentence(&said.body) },
        FtpError::ConnectionError(source) => PartnerError::Lost { doing, source: source.into() },
        error => PartnerError::Lost { doing, source: error.into() },
    }
}

fn untrusted(error: FtpError, shown: &OnceLock<String>) -> PartnerError {
    match (shown.get(), error) {
        (Some(shown), _) => PartnerError::Certificate { shown: shown.clone() },
        (None, FtpError::SecureError(why)) if why.contains("certificate") => PartnerError::Untrusted { why },
        (None, FtpError::SecureError(why)) => PartnerError::Handshake { why },
        (None, error) => failed("begin TLS", error),
    }
}

impl std::fmt::Debug for Ftps {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Ftps")
    }
}
