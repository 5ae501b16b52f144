//! SFTP version 3 as a client speaks it (draft-ietf-secsh-filexfer-02): requests, replies, and nothing kept but what is
//! being waited for. Names and handles are bytes: servers hand out handles that are no text.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::error::PartnerError;
use super::within;

pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const READ: u8 = 5;
pub(super) const WRITE: u8 = 6;
pub(super) const OPENDIR: u8 = 11;
pub(super) const READDIR: u8 = 12;
pub(super) const REMOVE: u8 = 13;
pub(super) const STAT: u8 = 17;
pub(super) const RENAME: u8 = 18;
const INIT: u8 = 1;
const VERSION: u8 = 2;
const STATUS: u8 = 101;
pub(super) const HANDLE: u8 = 102;
pub(super) const DATA: u8 = 103;
pub(super) const NAME: u8 = 104;
pub(super) const ATTRS: u8 = 105;

pub(super) const FOR_READING: u32 = 0x01;
pub(super) const FOR_WRITING: u32 = 0x02;
pub(super) const CREATE: u32 = 0x08;
pub(super) const TRUNCATE: u32 = 0x10;

const OK: u32 = 0;
pub(super) const EOF: u32 = 1;
pub(super) const NO_SUCH_FILE: u32 = 2;

/// What OpenSSH takes and sends at most.
const PACKET_MAX: u32 = 256 * 1024;
/// Of a server's sentence, in characters.
const SAID_MAX: usize = 300;

/// Any stream of bytes both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// One conversation.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    id: u32,
    stall: Duration,
}

/// What a server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) id: u32,
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

/// What a server says about a file.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) size_bytes: Option<u64>,
    pub(super) permissions: Option<u32>,
    pub(super) modified: Option<u32>,
}

impl Wire {
    /// Exchanges versions.
    pub(super) async fn begin(stream: Box<dyn Stream>, stall: Duration) -> Result<Self, PartnerError> {
        let mut wire = Self { stream, id: 3, stall };
        let doing = "start SFTP";
        wire.put(doing, &[0, 0, 0, 5, INIT, 0, 0, 0, 3]).await?;
        let reply = wire.receive(doing).await?;
        // Its "id" is the version; newer servers answer with what the client has.
        if reply.kind != VERSION || reply.id < 3 {
            return Err(broken(doing, "it does not speak SFTP version 3"));
        }
        Ok(wire)
    }

    /// Sends a request and returns its number. The reply is fetched with [`receive`](Self::receive).
    pub(super) async fn send(&mut self, doing: &str, kind: u8, fields: &[Field<'_>]) -> Result<u32, PartnerError> {
        self.id = self.id.wrapping_add(1);
        let mut packet = vec![0; 4];
        packet.push(kind);
        packet.extend(self.id.to_be_bytes());
        for field in fields {
            match field {
                Field::Number(number) => packet.extend(number.to_be_bytes()),
                Field::Offset(number) => packet.extend(number.to_be_bytes()),
                Field::Bytes(bytes) => {
                    packet.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
                    packet.extend(*bytes);
                }
            }
        }
        let length = u32::try_from(packet.len() - 4).unwrap_or(u32::MAX);
        if length > PACKET_MAX {
            return Err(broken(doing, "the request is too long"));
        }
        if let Some(place) = packet.first_chunk_mut() {
            *place = length.to_be_bytes();
        }
        self.put(doing, &packet).await?;
        Ok(self.id)
    }

    async fn put(&mut self, doing: &str, packet: &[u8]) -> Result<(), PartnerError> {
        let stream = &mut self.stream;
        within(self.stall, doing, async {
            stream.write_all(packet).await.map_err(|error| lost(doing, error))?;
            stream.flush().await.map_err(|error| lost(doing, error))
        })
        .await
    }

    /// The next reply, whichever it is to.
    pub(super) async fn receive(&mut self, doing: &str) -> Result<Reply, PartnerError> {
        let stream = &mut self.stream;
        within(self.stall, doing, async {
            let length = stream.read_u32().await.map_err(|error| lost(doing, error))?;
            if !(5..=PACKET_MAX).contains(&length) {
                return Err(broken(doing, "it sent a packet of an impossible length"));
            }
            let kind = stream.read_u8().await.map_err(|error| lost(doing, error))?;
            let id = stream.read_u32().await.map_err(|error| lost(doing, error))?;
            let mut body = vec![0; usize::try_from(length - 5).unwrap_or(0)];
            stream.read_exact(&mut body).await.map_err(|error| lost(doing, error))?;
            Ok(Reply { id, kind, body })
        })
        .await
    }

    /// Asks one thing and waits for its reply.
    pub(super) async fn ask(&mut self, doing: &str, kind: u8, fields: &[Field<'_>]) -> Result<Reply, PartnerError> {
        let id = self.send(doing, kind, fields).await?;
        let reply = self.receive(doing).await?;
        if reply.id != id {
            return Err(broken(doing, "it answered a question that was not asked"));
        }
        Ok(reply)
    }

    /// Asks for something that is either done or not.
    pub(super) async fn tell(&mut self, doing: &str, kind: u8, fields: &[Field<'_>]) -> Result<(), PartnerError> {
        let reply = self.ask(doing, kind, fields).await?;
        done(doing, &reply)
    }
}

/// A part of a request.
pub(super) enum Field<'a> {
    Number(u32),
    Offset(u64),
    Bytes(&'a [u8]),
}

/// The reply to something that is either done or not.
pub(super) fn done(doing: &str, reply: &Reply) -> Result<(), PartnerError> {
    match status(reply) {
        Some((OK, _)) => Ok(()),
        Some((code, said)) => Err(refused(doing, code, said)),
        None => Err(broken(doing, "it answered something else")),
    }
}

/// The code and the sentence of a STATUS.
pub(super) fn status(reply: &Reply) -> Option<(u32, String)> {
    let mut rest = reply.body.as_slice();
    let code = (reply.kind == STATUS).then(|| number(&mut rest)).flatten()?;
    let said = bytes(&mut rest).unwrap_or_default();
    Some((code, String::from_utf8_lossy(said).chars().filter(|c| !c.is_control()).take(SAID_MAX).collect()))
}

/// What a reply of the wanted kind carries; everything else is an error, in the server's words.
pub(super) fn body<'a>(doing: &str, reply: &'a Reply, kind: u8) -> Result<&'a [u8], PartnerError> {
    if reply.kind == kind {
        return Ok(&reply.body);
    }
    match status(reply) {
        Some((code, said)) => Err(refused(doing, code, said)),
        None => Err(broken(doing, "it answered something else")),
    }
}

fn refused(doing: &str, code: u32, said: String) -> PartnerError {
    let meaning = match code {
        EOF => "end of file",
        NO_SUCH_FILE => "no such file",
        3 => "permission denied",
        8 => "operation unsupported",
        _ => "failure",
    };
    let said = if said.is_empty() { meaning.to_owned() } else { format!("{said} ({meaning})") };
    PartnerError::Refused { doing: doing.to_owned(), said }
}

pub(super) fn broken(doing: &str, how: &'static str) -> PartnerError {
    PartnerError::Lost { doing: doing.to_owned(), source: how.into() }
}

fn lost(doing: &str, error: std::io::Error) -> PartnerError {
    PartnerError::Lost { doing: doing.to_owned(), source: error.into() }
}

pub(super) fn number(rest: &mut &[u8]) -> Option<u32> {
    let (four, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u32::from_be_bytes(*four))
}

pub(super) fn bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (found, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(found)
}

/// ATTRS (section 5).
pub(super) fn attributes(rest: &mut &[u8]) -> Option<Attributes> {
    let flags = number(rest)?;
    let mut found = Attributes::default();
    if flags & 0x01 != 0 {
        let (eight, behind) = rest.split_first_chunk()?;
        *rest = behind;
        found.size_bytes = Some(u64::from_be_bytes(*eight));
    }
    if flags & 0x02 != 0 {
        number(rest)?;
        number(rest)?;
    }
    if flags & 0x04 != 0 {
        found.permissions = Some(number(rest)?);
    }
    if flags & 0x08 != 0 {
        number(rest)?;
        found.modified = Some(number(rest)?);
    }
    if flags & 0x8000_0000 != 0 {
        for _ in 0..number(rest)? {
            bytes(rest)?;
            bytes(rest)?;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says these bytes, whatever it is asked.
    async fn against(said: &[u8]) -> Result<Wire, PartnerError> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(said).await.unwrap();
        // Kept open: silence is not the end.
        tokio::spawn(async move {
            let mut heard = Vec::new();
            let _ = theirs.read_to_end(&mut heard).await;
        });
        Wire::begin(Box::new(ours), Duration::from_millis(200)).await
    }

    const HELLO: &[u8] = &[0, 0, 0, 5, VERSION, 0, 0, 0, 3];

    #[tokio::test]
    async fn what_is_no_sftp_is_an_error_and_never_a_wait_without_end() {
        for said in [
            b"SSH-2.0-hello there\n".as_slice(),
            &[0xff; 100],
            &[0, 0, 0, 0],
            &[0, 0, 0, 5, VERSION, 0, 0, 0, 1],
            &[0, 0, 0, 5, STATUS, 0, 0, 0, 3],
            &[],
        ] {
            assert!(against(said).await.is_err(), "{said:?}");
        }
        let asks = |said: &[u8]| {
            let said = [HELLO, said].concat();
            async move {
                let mut wire = against(&said).await.unwrap();
                let reply = wire.ask("look", STAT, &[Field::Bytes(b"/x")]).await?;
                body("look", &reply, ATTRS).map(<[u8]>::to_vec)
            }
        };
        // To another question; too long; silence; a refusal with its sentence.
        assert!(matches!(asks(&[0, 0, 0, 5, ATTRS, 0, 0, 0, 9]).await, Err(PartnerError::Lost { .. })));
        assert!(matches!(asks(&[0xff, 0xff, 0xff, 0xff]).await, Err(PartnerError::Lost { .. })));
        assert!(matches!(asks(&[]).await, Err(PartnerError::Stalled { .. })));
        let status =
            [&[0, 0, 0, 22, STATUS, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 5][..], b"g\x1bone", &[0, 0, 0, 0]].concat();
        let said = asks(&status).await.unwrap_err().to_string();
        assert_eq!(said, "the server refused to look: gone (permission denied)");
    }

    #[test]
    fn attributes_are_read_in_order_and_never_beyond_the_end() {
        let whole = [
            &0x8000_000f_u32.to_be_bytes()[..],
            &7_u64.to_be_bytes(),
            &[0; 8],
            &0o100_644_u32.to_be_bytes(),
            &[0; 4],
            &99_u32.to_be_bytes(),
            &[0, 0, 0, 1, 0, 0, 0, 1, b'k', 0, 0, 0, 1, b'v'],
            b"behind",
        ]
        .concat();
        let mut rest = whole.as_slice();
        let found = attributes(&mut rest).unwrap();
        assert_eq!((found.size_bytes, found.permissions, found.modified), (Some(7), Some(0o100_644), Some(99)));
        assert_eq!(rest, b"behind");
        for end in 0..whole.len() - b"behind".len() {
            assert_eq!(attributes(&mut &whole[..end]), None, "{end}");
        }
        assert_eq!(attributes(&mut [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff].as_slice()), None);
    }
}
