//! The wire below SSH: buffered reading (russh reads a packet in two small pieces), a way to cut it at any
//! moment, and an ear for the client's name, which goes over it in clear before anything else.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A connection's bytes.
pub(super) struct Line {
    stream: BufReader<TcpStream>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    greeting: Greeting,
    heard: Vec<u8>,
}

/// What the client calls itself: `SSH-2.0-OpenSSH_9.2p1 …` (RFC 4253 section 4.2).
#[derive(Debug, Clone, Default)]
pub(super) struct Greeting(Arc<OnceLock<String>>);

/// Fewer system calls per packet, 2 to 4 % of the CPU. The kernel gives its pages only when they are used.
const READ_BUFFER: usize = 256 * 1024;
/// "The maximum length of the string is 255 characters, including the CR and LF."
const GREETING_MAX: usize = 255;

impl Line {
    pub(super) fn new(stream: TcpStream, cut: &CancellationToken, greeting: Greeting) -> Self {
        Self {
            stream: BufReader::with_capacity(READ_BUFFER, stream),
            cut: Box::pin(cut.clone().cancelled_owned()),
            greeting,
            heard: Vec::new(),
        }
    }

    fn listen(&mut self, bytes: &[u8]) {
        let room = GREETING_MAX - self.heard.len();
        self.heard.extend(bytes.iter().take(room));
        let end = self.heard.iter().position(|byte| *byte == b'\n');
        if end.is_none() && self.heard.len() < GREETING_MAX {
            return;
        }
        let text = self
            .heard
            .iter()
            .take(end.unwrap_or(GREETING_MAX))
            .filter(|byte| (0x20..0x7f).contains(*byte))
            .map(|byte| char::from(*byte))
            .collect();
        let _ = self.greeting.0.set(text);
        self.heard = Vec::new();
    }
}

impl Greeting {
    pub(super) fn text(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.greeting.0.get().is_none() {
            self.listen(buf.filled().get(before..).unwrap_or_default());
        }
        read
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
