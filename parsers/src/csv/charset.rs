//! What a file's bytes are as text: chosen from its head, and read without losing where a byte stood.
//!
//! UTF-8 and the one-byte encodings are split as they are and decoded cell by cell. UTF-16 is turned into
//! UTF-8 on the way in; two stored bytes are one unit, so that the stored place of a cell can be counted.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::str;

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::profile::TextEncoding;

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charset {
    pub encoding: &'static Encoding,
    /// Length of the byte order mark.
    pub mark_bytes: usize,
    /// Whether nothing but a guess speaks for it: all ASCII so far, which is UTF-8 and windows-1252 both.
    pub guessed: bool,
}

impl Charset {
    /// The encoding of a file that starts with `head`; `None` where that is no text. `complete` says that
    /// the head is the whole file.
    pub(super) fn of(head: &[u8], complete: bool, setting: TextEncoding) -> Option<Self> {
        let charset = Self::said(head, setting).unwrap_or_else(|| {
            let valid = match str::from_utf8(head) {
                Ok(_) => true,
                // The head may end inside a character.
                Err(error) => error.error_len().is_none() && !complete,
            };
            let encoding = if valid { UTF_8 } else { WINDOWS_1252 };
            Self { encoding, mark_bytes: 0, guessed: head.is_ascii() }
        });
        charset.is_text(head).then_some(charset)
    }

    /// What the byte order mark says, or the profile.
    fn said(head: &[u8], setting: TextEncoding) -> Option<Self> {
        if let Some((encoding, mark_bytes)) = Encoding::for_bom(head) {
            return Some(Self { encoding, mark_bytes, guessed: false });
        }
        match setting {
            TextEncoding::Auto => None,
            TextEncoding::Named(encoding) => Some(Self { encoding, mark_bytes: 0, guessed: false }),
        }
    }

    /// Text has no control characters but those that lay it out.
    fn is_text(self, head: &[u8]) -> bool {
        let control = |unit: u16| unit < 0x20 && !matches!(unit, 0x09 | 0x0a | 0x0c | 0x0d | 0x1a);
        if self.is_wide() {
            let big = self.encoding == UTF_16BE;
            let unit = |pair: &[u8]| match *pair {
                [a, b] => u16::from_be_bytes(if big { [a, b] } else { [b, a] }),
                _ => 0x20,
            };
            return !head.chunks(2).map(unit).any(control);
        }
        !head.iter().any(|byte| control(u16::from(*byte)))
    }

    /// Whether a unit is two bytes.
    pub(super) fn is_wide(self) -> bool {
        self.encoding == UTF_16LE || self.encoding == UTF_16BE
    }

    /// Whether the bytes that [`Charset::open`] gives are UTF-8.
    pub(super) fn is_utf8(self) -> bool {
        self.encoding == UTF_8 || self.is_wide()
    }

    /// Whether a character is one byte.
    pub(super) fn is_single_byte(self) -> bool {
        self.encoding.is_single_byte()
    }

    /// Its name, as a summary has it.
    pub(super) fn name(self) -> String {
        self.encoding.name().to_ascii_lowercase()
    }

    /// Some of the file's text; what is not text becomes U+FFFD.
    pub(super) fn text(self, bytes: &[u8]) -> Cow<'_, str> {
        if self.is_wide() || self.encoding == UTF_8 {
            return match str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(bytes),
            };
        }
        self.encoding.decode_without_bom_handling(bytes).0
    }

    /// Where the first byte stands that is no text in this encoding, within `bytes`.
    pub(super) fn first_invalid(self, bytes: &[u8]) -> Option<usize> {
        if self.is_wide() {
            let replaced = memchr::memmem::find(bytes, "\u{fffd}".as_bytes());
            return replaced.into_iter().chain(memchr::memchr(HALF_UNIT, bytes)).min();
        }
        if self.encoding == UTF_8 {
            return str::from_utf8(bytes).err().map(|error| error.valid_up_to());
        }
        None
    }

    /// The input without its byte order mark, in bytes that [`Charset::text`] takes.
    pub(super) fn open<'i>(self, input: &'i mut dyn BufRead) -> io::Result<Box<dyn BufRead + 'i>> {
        let mut mark = Vec::with_capacity(3);
        input.take(self.mark_bytes as u64).read_to_end(&mut mark)?;
        if !self.is_wide() {
            return Ok(Box::new(input));
        }
        let decoder = self.encoding.new_decoder_without_bom_handling();
        Ok(Box::new(Widened {
            input,
            decoder,
            text: Box::new([0; WIDENED_BYTES]),
            start: 0,
            end: 0,
            ended: false,
            odd: false,
        }))
    }
}

/// What half a unit of UTF-16 becomes at the end of a file that was cut off: a byte that UTF-8 never has, so
/// that it counts as the one byte it was.
pub(super) const HALF_UNIT: u8 = 0xff;

const WIDENED_BYTES: usize = 16 * 1024;

/// UTF-16 read as UTF-8, a buffer at a time.
struct Widened<'i> {
    input: &'i mut dyn BufRead,
    decoder: Decoder,
    text: Box<[u8; WIDENED_BYTES]>,
    start: usize,
    end: usize,
    ended: bool,
    /// An odd number of bytes has been read.
    odd: bool,
}

impl BufRead for Widened<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end && !self.ended {
            let stored = self.input.fill_buf()?;
            let last = stored.is_empty();
            let (result, taken, written, _) = self.decoder.decode_to_utf8(stored, self.text.as_mut_slice(), last);
            self.ended = last && result == encoding_rs::CoderResult::InputEmpty;
            self.input.consume(taken);
            self.odd ^= taken % 2 == 1;
            (self.start, self.end) = (0, written);
            if self.ended && self.odd {
                let replaced = written.saturating_sub("\u{fffd}".len());
                if let Some(byte) = self.text.get_mut(replaced) {
                    *byte = HALF_UNIT;
                    self.end = replaced + 1;
                }
            }
        }
        Ok(self.text.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start = (self.start + amount).min(self.end);
    }
}

impl Read for Widened<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
