//! Bytes over a data connection: a file in, a file out, a listing out.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::control::Work;
use super::data::Opening;
use super::guest::Guest;
use super::reply::Reply;
use crate::arrive::presence::Presence;
use crate::land::{Download, LandError, Upload};

/// What is read and written at once.
const PIECE_BYTES: usize = 256 * 1024;
/// A TLS record's content is at most this long (RFC 8446 section 5.1).
const RECORD_BYTES: usize = 16 * 1024;
/// How long our farewell may take on a data connection whose work is done.
const FAREWELL: Duration = Duration::from_secs(2);

/// Receives a file from `offset` on; `announced` is how long it will be, if the client has said so.
pub(super) fn receive(
    guest: &Guest,
    opening: Opening,
    mut upload: Upload,
    (offset, announced): (u64, Option<u64>),
) -> Work {
    let session = guest.session.clone();
    let presence = Arc::clone(&guest.presence);
    let stall = guest.house.settings.stall_deadline.duration();
    Box::pin(async move {
        // While it is open, a drain waits.
        let _busy = presence.busy();
        let mut data = match opening.open().await {
            Ok(data) => data,
            Err(reply) => return reply,
        };
        let taken = take_in(&mut data, &mut upload, offset, stall, &presence).await;
        let tolerates = || session.as_ref().is_some_and(|session| session.policy().tolerate_missing_close_notify);
        let finished = match taken {
            Ok(End::Said) => {
                let _ = timeout(FAREWELL, data.shutdown()).await;
                upload.finish().await
            }
            // As long as ALLO said it would be: that is the client's word for its end.
            Ok(End::Unsaid) if tolerates() && announced == Some(upload.size_bytes()) => upload.finish().await,
            Ok(End::Unsaid) if tolerates() => upload.finish_unproven().await,
            Ok(End::Unsaid) => {
                upload.break_off().await;
                return Reply::new(451, NOT_SAID);
            }
            Err(trouble) => {
                upload.break_off().await;
                return match trouble {
                    Trouble::Refused(error) => refusal(&error),
                    Trouble::Broken(reply) => reply,
                };
            }
        };
        match finished {
            // Not 226: nobody knows whether it is whole, and a client must not take it for delivered.
            Ok(receipt) if receipt.unproven => Reply::new(
                451,
                format!(
                    "the data connection ended without TLS close_notify, and nothing in the file proves that it is \
                     whole; its {} bytes are held as {} and not read: send the same file again, or ask the operator \
                     to release it",
                    receipt.size_bytes, receipt.id
                ),
            ),
            Ok(receipt) if receipt.held => {
                Reply::new(226, format!("{} bytes are safe; rename the file and it arrives", receipt.size_bytes))
            }
            Ok(receipt) => Reply::new(226, format!("{} bytes are safe as {}", receipt.size_bytes, receipt.id)),
            Err(error) => refusal(&error),
        }
    })
}

/// Why a file that ended without close_notify is not taken.
const NOT_SAID: &str = "the data connection ended without TLS close_notify, so the file may be cut short and was not \
                        taken; send it again, with a client that closes TLS properly";

/// How the bytes ended.
enum End {
    /// The client has said that it was all: TLS's close_notify.
    Said,
    /// The connection has ended, and TLS has not.
    Unsaid,
}

enum Trouble {
    Refused(LandError),
    Broken(Reply),
}

/// Until the end. A connection that just ends may have lost its rest on the way, and there would be no telling.
async fn take_in(
    data: &mut TlsStream<TcpStream>,
    upload: &mut Upload,
    mut offset: u64,
    stall: Duration,
    presence: &Presence,
) -> Result<End, Trouble> {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let broken = |code, text: &str| Err(Trouble::Broken(Reply::new(code, text)));
        let Ok((count, end)) = timeout(stall, fill(data, &mut buffer)).await else {
            return broken(426, "nothing came for too long; what came can be gone on with (REST or APPE)");
        };
        presence.heard();
        upload.write_at(offset, buffer.get(..count).unwrap_or_default()).await.map_err(Trouble::Refused)?;
        offset = offset.saturating_add(count as u64);
        match end {
            None => {}
            Some(Ok(())) => return Ok(End::Said),
            Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(End::Unsaid),
            Some(Err(error)) => {
                debug!(%error, "a data connection broke");
                return broken(426, "the data connection broke; what came can be gone on with (REST or APPE)");
            }
        }
    }
}

/// Waits for something, then takes what is there already, up to a bufferful; and says if the end was met.
async fn fill(data: &mut TlsStream<TcpStream>, buffer: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(filled..).unwrap_or_default();
        let read = if filled == 0 {
            data.read(room).await
        } else if room.len() < RECORD_BYTES {
            return (filled, None);
        } else {
            match data.read(room).now_or_never() {
                Some(read) => read,
                None => return (filled, None),
            }
        };
        match read {
            Ok(0) => return (filled, Some(Ok(()))),
            Ok(count) => filled += count,
            Err(error) => return (filled, Some(Err(error))),
        }
    }
}

/// Sends a file from `offset` on.
pub(super) fn send(guest: &Guest, opening: Opening, file: Download, mut offset: u64) -> Work {
    let presence = Arc::clone(&guest.presence);
    let stall = guest.house.settings.stall_deadline.duration();
    Box::pin(async move {
        let mut data = match opening.open().await {
            Ok(data) => data,
            Err(reply) => return reply,
        };
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let count = match file.read_at(offset, &mut buffer).await {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) => return refusal(&error),
            };
            for piece in buffer.get(..count).unwrap_or_default().chunks(RECORD_BYTES * 4) {
                if let Err(reply) = put(&mut data, piece, stall).await {
                    return reply;
                }
                presence.heard();
            }
            offset = offset.saturating_add(count as u64);
        }
        if let Err(reply) = farewell(&mut data, stall).await {
            return reply;
        }
        file.completed();
        Reply::new(226, "that was all of it")
    })
}

/// Sends a listing's lines.
pub(super) fn send_lines(guest: &Guest, opening: Opening, lines: Vec<String>) -> Work {
    let presence = Arc::clone(&guest.presence);
    let stall = guest.house.settings.stall_deadline.duration();
    Box::pin(async move {
        let mut data = match opening.open().await {
            Ok(data) => data,
            Err(reply) => return reply,
        };
        for lines in lines.chunks(500) {
            let text = lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect::<String>();
            if let Err(reply) = put(&mut data, text.as_bytes(), stall).await {
                return reply;
            }
            presence.heard();
        }
        match farewell(&mut data, stall).await {
            Ok(()) => Reply::new(226, format!("{} entries", lines.len())),
            Err(reply) => reply,
        }
    })
}

async fn put(data: &mut TlsStream<TcpStream>, bytes: &[u8], stall: Duration) -> Result<(), Reply> {
    match timeout(stall, data.write_all(bytes)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            debug!(%error, "a data connection broke");
            Err(Reply::new(426, "the data connection broke"))
        }
        Err(_) => Err(Reply::new(426, "nothing was taken for too long")),
    }
}

/// Our close_notify: without it, the client could not tell a whole file from half of one either.
async fn farewell(data: &mut TlsStream<TcpStream>, stall: Duration) -> Result<(), Reply> {
    match timeout(stall, async {
        data.flush().await?;
        data.shutdown().await
    })
    .await
    {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Reply::new(426, "the data connection broke")),
    }
}

/// What the dropbox refuses, in FTP's numbers (RFC 959 section 4.2.2).
pub(super) fn refusal(error: &LandError) -> Reply {
    let code = match error {
        LandError::NotFound { .. } | LandError::Refused { .. } | LandError::Forbidden { .. } => 550,
        LandError::Exists { .. } | LandError::Path(_) => 553,
        LandError::TooLarge { .. } | LandError::OverQuota { .. } => 552,
        LandError::NoSpace => 452,
        LandError::Incomplete { .. } => 554,
        LandError::Busy { .. } => 450,
        LandError::Unavailable => 451,
    };
    Reply::new(code, error.to_string())
}
