//! A partner's server, over SFTP or FTPS: what stands in a folder, reading and writing from any byte on, renaming,
//! removing. Each wait has an end.

mod certificate;
mod error;
mod ftps;
mod host_key;
mod secret;
mod sftp;
mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

pub use error::PartnerError;
use tokio::net::TcpStream;

use crate::config::Partner;
use crate::config::partners::Protocol;

/// A server we are logged in to.
#[derive(Debug)]
pub struct Remote {
    to: To,
    address: SocketAddr,
}

#[derive(Debug)]
enum To {
    Sftp(sftp::Sftp),
    Ftps(ftps::Ftps),
}

/// A file in a folder there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    pub name: String,
    pub size_bytes: u64,
    /// Seconds since 1970 in UTC; `None` where the server tells no time.
    pub modified: Option<i64>,
}

/// A file there that is being read.
pub struct Reading(From);

enum From {
    Sftp(sftp::Reading),
    Ftps(ftps::Reading),
}

/// A file there that is being written.
pub struct Writing(Into);

enum Into {
    Sftp(sftp::Writing),
    Ftps(ftps::Writing),
}

impl Remote {
    /// Connects and logs in.
    ///
    /// # Errors
    /// The server is not there, is not who it should be, or does not let us in.
    pub async fn connect(partner: &Partner) -> Result<Self, PartnerError> {
        let deadline = partner.connect_deadline.duration();
        within(deadline, "log in", async {
            let (stream, address) = reach(partner).await?;
            let to = match partner.protocol {
                Protocol::Sftp => To::Sftp(sftp::Sftp::log_in(stream, partner).await?),
                Protocol::Ftps => To::Ftps(ftps::Ftps::log_in(stream, partner).await?),
                Protocol::FtpsImplicit => {
                    drop(stream);
                    To::Ftps(ftps::Ftps::log_in_implicit(address, partner).await?)
                }
            };
            Ok(Self { to, address })
        })
        .await
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The files of a folder that `wanted` says yes to, at most `max` entries looked at.
    ///
    /// # Errors
    /// There is no such folder, it is not ours to look into, or it is too full.
    pub async fn list(
        &mut self,
        folder: &str,
        max: usize,
        wanted: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<Vec<RemoteFile>, PartnerError> {
        match &mut self.to {
            To::Sftp(sftp) => sftp.list(folder, max, wanted).await,
            To::Ftps(ftps) => ftps.list(folder, max, wanted).await,
        }
    }

    /// The file with this path as it is now, if there is one.
    ///
    /// # Errors
    /// The server does not say.
    pub async fn look(&mut self, path: &str) -> Result<Option<RemoteFile>, PartnerError> {
        match &mut self.to {
            To::Sftp(sftp) => sftp.look(path).await,
            To::Ftps(ftps) => ftps.look(path).await,
        }
    }

    /// Begins to read a file of `size_bytes` at a byte.
    ///
    /// # Errors
    /// The server does not let us.
    pub async fn read(&mut self, path: &str, from: u64, size_bytes: u64) -> Result<Reading, PartnerError> {
        match &mut self.to {
            To::Sftp(sftp) => sftp.read(path, from, size_bytes).await.map(|reading| Reading(From::Sftp(reading))),
            To::Ftps(ftps) => ftps.read(path, from).await.map(|reading| Reading(From::Ftps(reading))),
        }
    }

    /// Begins to write a file at a byte; at 0 it is a new one.
    ///
    /// # Errors
    /// The server does not let us.
    pub async fn write(&mut self, path: &str, from: u64) -> Result<Writing, PartnerError> {
        match &mut self.to {
            To::Sftp(sftp) => sftp.write(path, from).await.map(|writing| Writing(Into::Sftp(writing))),
            To::Ftps(ftps) => ftps.write(path, from).await.map(|writing| Writing(Into::Ftps(writing))),
        }
    }

    /// Gives a file another name, which must be free.
    ///
    /// # Errors
    /// The server does not let us.
    pub async fn rename(&mut self, from: &str, to: &str) -> Result<(), PartnerError> {
        match &mut self.to {
            To::Sftp(sftp) => sftp.rename(from, to).await,
            To::Ftps(ftps) => ftps.rename(from, to).await,
        }
    }

    /// Removes a file; `false`: there was none.
    ///
    /// # Errors
    /// The server does not let us.
    pub async fn remove(&mut self, path: &str) -> Result<bool, PartnerError> {
        match &mut self.to {
            To::Sftp(sftp) => sftp.remove(path).await,
            To::Ftps(ftps) => ftps.remove(path).await,
        }
    }

    /// Says goodbye.
    pub async fn leave(self) {
        match self.to {
            To::Sftp(sftp) => sftp.leave().await,
            To::Ftps(ftps) => ftps.leave().await,
        }
    }
}

impl Reading {
    /// The next bytes, at most some 256 KiB; none at the end.
    ///
    /// # Errors
    /// The connection broke, or nothing came for too long.
    pub async fn next(&mut self) -> Result<Vec<u8>, PartnerError> {
        match &mut self.0 {
            From::Sftp(reading) => reading.next().await,
            From::Ftps(reading) => reading.next().await,
        }
    }

    /// Ends the reading of a file, so that the server can be asked for something else.
    ///
    /// # Errors
    /// The server says that what came was not all of it.
    pub async fn finish(self) -> Result<(), PartnerError> {
        match self.0 {
            From::Sftp(reading) => reading.finish().await,
            From::Ftps(reading) => reading.finish().await,
        }
    }
}

impl Writing {
    /// Writes the next bytes.
    ///
    /// # Errors
    /// The connection broke, nothing was taken for too long, or the server has refused earlier bytes.
    pub async fn put(&mut self, bytes: &[u8]) -> Result<(), PartnerError> {
        match &mut self.0 {
            Into::Sftp(writing) => writing.put(bytes).await,
            Into::Ftps(writing) => writing.put(bytes).await,
        }
    }

    /// Returns when the server has said that it has every byte.
    ///
    /// # Errors
    /// It has not.
    pub async fn finish(self) -> Result<(), PartnerError> {
        match self.0 {
            Into::Sftp(writing) => writing.finish().await,
            Into::Ftps(writing) => writing.finish().await,
        }
    }
}

/// A path in a folder.
#[must_use]
pub fn path_in(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// Connects to the first address of the host that answers.
async fn reach(partner: &Partner) -> Result<(TcpStream, SocketAddr), PartnerError> {
    let host = || partner.host.clone();
    let found = tokio::net::lookup_host((partner.host.as_str(), partner.port())).await;
    let found = found.map_err(|source| PartnerError::Resolve { host: host(), source })?;
    let mut failed = PartnerError::Resolve {
        host: host(),
        source: std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address"),
    };
    for address in found {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                let _ = stream.set_nodelay(true);
                return Ok((stream, address));
            }
            Err(source) => failed = PartnerError::Connect { address, source },
        }
    }
    Err(failed)
}

/// Waits for something, and not for ever.
async fn within<T>(
    after: Duration,
    doing: &str,
    work: impl Future<Output = Result<T, PartnerError>>,
) -> Result<T, PartnerError> {
    match tokio::time::timeout(after, work).await {
        Ok(done) => done,
        Err(_) => Err(PartnerError::Stalled { doing: doing.to_owned(), after }),
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Reading")
    }
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Writing")
    }
}
