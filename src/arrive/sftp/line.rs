//! The wire below SSH: buffered reading (russh reads a packet in two small pieces), with a buffer as large
//! as the traffic is; a way to cut it at any moment; and an ear for what goes over it in clear before anything
//! else.

use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::ear::{Ear, Greeting};

/// A connection's bytes.
pub(super) struct Line {
    stream: TcpStream,
    buffer: Box<[u8]>,
    /// What of the buffer has been read from the wire, and is still to be handed out.
    unread: Range<usize>,
    /// How large the buffer is to be when it is filled the next time.
    wanted: usize,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    /// While there is something to hear.
    ear: Option<Ear>,
}

/// Fewer system calls per packet: 2 to 4 % of the CPU of an upload.
const BUFFER_MAX: usize = 256 * 1024;
/// For whoever says little. While nothing comes there is none: there may be ten thousand connections.
const BUFFER_MIN: usize = 4 * 1024;

impl Line {
    pub(super) fn new(stream: TcpStream, cut: &CancellationToken, greeting: Greeting) -> Self {
        Self {
            stream,
            buffer: Box::default(),
            unread: 0..0,
            wanted: BUFFER_MIN,
            cut: Box::pin(cut.clone().cancelled_owned()),
            ear: Some(Ear::new(greeting)),
        }
    }

    /// Reads from the wire until there is something to hand out; nothing is the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.buffer.len() != self.wanted {
            // Made when there is something to put into it: whoever is silent has none.
            self.buffer = Box::default();
            ready!(self.stream.poll_read_ready(cx))?;
            self.buffer = vec![0; self.wanted].into_boxed_slice();
        }
        let mut buffer = ReadBuf::new(&mut self.buffer);
        if Pin::new(&mut self.stream).poll_read(cx, &mut buffer)?.is_pending() {
            if self.wanted == BUFFER_MIN {
                self.buffer = Box::default();
            }
            return Poll::Pending;
        }
        let count = buffer.filled().len();
        self.unread = 0..count;
        // Full: there is more where that came from. A sixteenth: the rush is over.
        if count == self.buffer.len() {
            self.wanted = (self.wanted * 4).min(BUFFER_MAX);
        } else if count < self.buffer.len() / 16 {
            self.wanted = BUFFER_MIN;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        ready!(self.poll_fill(cx))?;
        let Self { buffer, unread, .. } = &mut *self;
        let here = buffer.get(unread.clone()).unwrap_or_default();
        let here = here.get(..here.len().min(buf.remaining())).unwrap_or_default();
        let before = buf.filled().len();
        buf.put_slice(here);
        unread.start += here.len();
        if let Some(ear) = &mut self.ear
            && !ear.hear(buf.filled().get(before..).unwrap_or_default())
        {
            self.ear = None;
        }
        Poll::Ready(Ok(()))
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::arrive::sftp::algorithms::Policy;
    use crate::arrive::sftp::ear::GREETING_MAX;

    async fn line() -> (Line, TcpStream, CancellationToken, Greeting) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let (cut, greeting) = (CancellationToken::new(), Greeting::new(Policy::Modern));
        (Line::new(server, &cut, greeting.clone()), client, cut, greeting)
    }

    #[tokio::test]
    async fn everything_arrives_in_order_and_the_buffer_follows_the_traffic() {
        let (mut line, mut client, _cut, greeting) = line().await;
        client.write_all(b"SSH-2.0-Test_1.0 with a comment\r\n").await.unwrap();
        let sent: Vec<u8> = (0..4_000_000_u32).map(|number| (number / 5) as u8).collect();
        let copy = sent.clone();
        let sending = tokio::spawn(async move {
            client.write_all(&copy).await.unwrap();
            client
        });
        let mut first = [0; 33];
        line.read_exact(&mut first).await.unwrap();
        assert_eq!(greeting.text().as_deref(), Some("SSH-2.0-Test_1.0 with a comment"));
        let mut received = vec![0; sent.len()];
        // Small reads and large ones, as russh mixes them.
        for piece in received.chunks_mut(32 * 1024) {
            let (head, body) = piece.split_at_mut(4);
            line.read_exact(head).await.unwrap();
            line.read_exact(body).await.unwrap();
        }
        assert!(received == sent);
        let mut client = sending.await.unwrap();
        for _ in 0..3 {
            client.write_all(b"x").await.unwrap();
            line.read_exact(&mut [0]).await.unwrap();
        }
        assert_eq!(line.wanted, BUFFER_MIN);
        let silent = tokio::time::timeout(std::time::Duration::from_millis(20), line.read(&mut first)).await;
        assert!(silent.is_err() && line.buffer.is_empty(), "kept while nothing comes");
        drop(client);
        assert_eq!(line.read(&mut first).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_line_is_cut_in_the_middle_of_waiting() {
        let (mut line, _client, cut, _) = line().await;
        let waiting = tokio::spawn(async move { line.read(&mut [0; 10]).await.map_err(|error| error.kind()) });
        tokio::task::yield_now().await;
        cut.cancel();
        assert_eq!(waiting.await.unwrap(), Err(io::ErrorKind::ConnectionAborted));
    }

    #[tokio::test]
    async fn a_greeting_without_an_end_is_not_kept_beyond_its_limit() {
        let (mut line, mut client, _cut, greeting) = line().await;
        client.write_all(&[b'x'; 10_000]).await.unwrap();
        line.read_exact(&mut [0; 10_000]).await.unwrap();
        assert_eq!(greeting.text().map(|text| text.len()), Some(GREETING_MAX));
        assert!(line.ear.is_none());
    }
}
