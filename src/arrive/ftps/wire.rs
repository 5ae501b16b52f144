//! The control connection's bytes: in clear until AUTH TLS, lines of bounded length either way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::lines::{Lines, TooLong};

/// A control connection.
pub(super) struct Wire {
    stream: Stream,
    lines: Lines,
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// While a handshake has the stream.
    Gone,
}

/// What came over the control connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Line(Vec<u8>),
    TooLong,
    End,
}

impl Wire {
    pub(super) fn clear(stream: TcpStream, line_max: usize) -> Self {
        Self { stream: Stream::Clear(stream), lines: Lines::new(line_max) }
    }

    /// The stream for a handshake, if nothing was said behind AUTH TLS: what came in clear must not be taken
    /// for what came protected (RFC 4217 section 4, and how others were broken into).
    pub(super) fn for_handshake(&mut self) -> Option<TcpStream> {
        if !self.lines.is_empty() {
            return None;
        }
        match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Clear(stream) => Some(stream),
            other => {
                self.stream = other;
                None
            }
        }
    }

    pub(super) fn protected(&mut self, stream: TlsStream<TcpStream>) {
        self.stream = Stream::Tls(Box::new(stream));
    }

    /// The next line, without its end. Cancelling it loses nothing.
    pub(super) async fn line(&mut self) -> io::Result<Heard> {
        loop {
            match self.lines.next() {
                Some(Ok(line)) => return Ok(Heard::Line(line)),
                Some(Err(TooLong)) => return Ok(Heard::TooLong),
                None => {}
            }
            let mut piece = [0; 512];
            let room = self.lines.room().min(piece.len());
            let piece = piece.get_mut(..room).unwrap_or_default();
            match self.stream.read(piece).await? {
                0 => return Ok(Heard::End),
                count => self.lines.push(piece.get(..count).unwrap_or_default()),
            }
        }
    }

    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    pub(super) async fn goodbye(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn wire(said: &'static [u8], line_max: usize) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(said).await.unwrap();
        });
        Wire::clear(listener.accept().await.unwrap().0, line_max)
    }

    #[tokio::test]
    async fn lines_end_with_lf_and_are_bounded() {
        let mut wire = wire(b"USER a\r\nPWD\n\xff\xf4\xff\xf2ABOR\r\n0123456789abcdef", 16).await;
        for line in [&b"USER a"[..], b"PWD", b"ABOR"] {
            assert_eq!(wire.line().await.unwrap(), Heard::Line(line.to_vec()));
        }
        assert_eq!(wire.line().await.unwrap(), Heard::TooLong);
        assert_eq!(wire.lines.room(), 0);
    }

    #[tokio::test]
    async fn what_is_said_behind_auth_tls_makes_no_handshake() {
        let mut wire = wire(b"AUTH TLS\r\nUSER a\r\n", 4096).await;
        wire.line().await.unwrap();
        assert!(wire.for_handshake().is_none());
    }
}
