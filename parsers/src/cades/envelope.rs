//! The way down to the content of signed data, by tags and lengths (X.690; RFC 5652 §5):
//!
//! ```text
//! ContentInfo ─► [0] SignedData ─► encapContentInfo ─► [0] OCTET STRING, whole or in pieces
//! ```

use std::io::{self, BufRead, Read};

use super::places::{Lines, Map, Piece};

/// A signed envelope that was opened.
pub(super) enum Opened<'a> {
    Content(Envelope<'a>),
    /// There is nothing to take out, and why.
    Nothing(&'static str),
}

/// The content of an envelope while it is read.
pub(super) struct Envelope<'a> {
    input: Counted<'a>,
    map: Map,
    state: State,
    /// Bytes of the content so far.
    inside: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// So many bytes of this piece are left.
    Piece {
        left: u64,
        is_last: bool,
    },
    /// A piece may begin.
    Between,
    End,
}

/// A tag with its length; none where the end is marked instead.
struct Head {
    tag: u8,
    len: Option<u64>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const IDENTIFIER: u8 = 0x06;
const EXPLICIT_0: u8 = 0xA0;
const OCTETS: u8 = 0x04;
const OCTETS_IN_PIECES: u8 = 0x24;

impl<'a> Envelope<'a> {
    /// Goes down to the content.
    pub(super) fn open(input: &'a mut dyn BufRead, map: Map) -> io::Result<Opened<'a>> {
        let mut input = Counted { input, byte: 0, lines: 0, after_cr: false };
        // ContentInfo, its type, its content, SignedData; version and digest algorithms; encapContentInfo.
        let way = [SEQUENCE, IDENTIFIER, EXPLICIT_0, SEQUENCE, INTEGER, SET, SEQUENCE, IDENTIFIER];
        for tag in way {
            let Some(head) = input.head()? else { return Ok(Opened::Nothing("it is cut off")) };
            if head.tag != tag {
                return Ok(Opened::Nothing("it is not built as RFC 5652 says"));
            }
            if matches!(tag, IDENTIFIER | INTEGER | SET) {
                let Some(len) = head.len else { return Ok(Opened::Nothing("a length in its head is not stated")) };
                input.skip(len)?;
            }
        }
        let Some(head) = input.head()? else { return Ok(Opened::Nothing("it is cut off")) };
        if head.tag != EXPLICIT_0 {
            return Ok(Opened::Nothing("the signature is detached: what was signed is somewhere else"));
        }
        let state = match input.head()? {
            Some(Head { tag: OCTETS, len: Some(left) }) => State::Piece { left, is_last: true },
            Some(Head { tag: OCTETS_IN_PIECES, .. }) => State::Between,
            Some(_) => return Ok(Opened::Nothing("its content is no octet string")),
            None => return Ok(Opened::Nothing("it is cut off")),
        };
        let mut envelope = Self { input, map, state, inside: 0 };
        if let State::Piece { .. } = state {
            envelope.piece_begins()?;
        }
        Ok(Opened::Content(envelope))
    }

    fn piece_begins(&mut self) -> io::Result<()> {
        let lines = Lines::More(self.input.lines);
        self.map.add(Piece { inside: self.inside, outside: self.input.byte, lines })
    }
}

impl Read for Envelope<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill_buf()?;
        let count = ahead.len().min(into.len());
        for (to, from) in into.iter_mut().zip(ahead) {
            *to = *from;
        }
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Envelope<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.state {
                State::Piece { left: 0, is_last } => self.state = if is_last { State::End } else { State::Between },
                State::Piece { left, .. } => {
                    let ahead = self.input.input.fill_buf()?;
                    let end = usize::try_from(left).unwrap_or(usize::MAX);
                    return Ok(ahead.get(..end).unwrap_or(ahead));
                }
                // Pieces come one after another; whatever else comes is behind the content.
                State::Between => match self.input.head()? {
                    Some(Head { tag: OCTETS, len: Some(left) }) => {
                        self.piece_begins()?;
                        self.state = State::Piece { left, is_last: false };
                    }
                    _ => self.state = State::End,
                },
                State::End => return Ok(&[]),
            }
        }
    }

    fn consume(&mut self, count: usize) {
        if let State::Piece { left, .. } = &mut self.state {
            *left = left.saturating_sub(count as u64);
        }
        self.inside += count as u64;
        self.input.pass_content(count);
    }
}

/// The envelope's bytes, with how many there were and how many lines ended among those that are not content.
struct Counted<'a> {
    input: &'a mut dyn BufRead,
    byte: u64,
    lines: u64,
    after_cr: bool,
}

impl Counted<'_> {
    /// The next byte, of the envelope itself.
    fn next(&mut self) -> io::Result<Option<u8>> {
        let Some(byte) = self.input.fill_buf()?.first().copied() else { return Ok(None) };
        self.input.consume(1);
        self.byte += 1;
        if byte == b'\r' || (byte == b'\n' && !self.after_cr) {
            self.lines += 1;
        }
        self.after_cr = byte == b'\r';
        Ok(Some(byte))
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        for _ in 0..count {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn pass_content(&mut self, count: usize) {
        self.input.consume(count);
        self.byte += count as u64;
        self.after_cr = false;
    }

    /// A tag and its length (X.690 §8.1.3); `None` at the end of the bytes, or where it is too long for any file.
    fn head(&mut self) -> io::Result<Option<Head>> {
        let (Some(tag), Some(first)) = (self.next()?, self.next()?) else { return Ok(None) };
        let len = match first {
            0..0x80 => Some(u64::from(first)),
            0x80 => None,
            _ => {
                let mut len = 0_u64;
                for _ in 0..(first & 0x7F) {
                    let Some(byte) = self.next()? else { return Ok(None) };
                    if len >> 48 != 0 {
                        return Ok(None);
                    }
                    len = (len << 8) | u64::from(byte);
                }
                Some(len)
            }
        };
        Ok(Some(Head { tag, len }))
    }
}
