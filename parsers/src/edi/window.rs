//! A window that slides over the input: it holds the segment being read and one chunk more, and knows
//! the byte and the line it starts at.

use std::io::{BufRead, ErrorKind};

use memchr::memchr2_iter;

use crate::Halt;

/// How much is asked of the input at a time.
const CHUNK_BYTES: usize = 64 * 1024;

pub(crate) struct Window<'a> {
    input: &'a mut dyn BufRead,
    buffer: Vec<u8>,
    /// What is held: `buffer[start..end]`.
    start: usize,
    end: usize,
    ended: bool,
    byte: u64,
    lines: Lines,
    /// The same from `text_start` of the buffer on, where it is UTF-8: looked at once a chunk, so that an
    /// element is text without another look.
    text: String,
    text_start: usize,
}

/// More than so much is held only of a segment that is out of the ordinary.
const TEXT_BYTES_MAX: usize = 4 * CHUNK_BYTES;

impl<'a> Window<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            ended: false,
            byte: 0,
            lines: Lines::default(),
            text: String::new(),
            text_start: 0,
        }
    }

    /// What is held of the input, from the current place on.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The first `length` bytes held as text, where they are known to be.
    #[inline]
    pub(crate) fn text(&self, length: usize) -> Option<&str> {
        let from = self.start.checked_sub(self.text_start)?;
        self.text.get(from..from.checked_add(length)?)
    }

    /// Offset of the first byte held.
    pub(crate) fn byte(&self) -> u64 {
        self.byte
    }

    /// Line of the first byte held, from 1.
    pub(crate) fn line(&self) -> u64 {
        1 + self.lines.ended
    }

    /// Holds more than before; `false` at the end of the input.
    pub(crate) fn more(&mut self) -> Result<bool, Halt> {
        if self.ended {
            return Ok(false);
        }
        self.make_room();
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.end += count;
                    self.look_for_text();
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Halt::Read(error)),
            }
        }
    }

    /// Holds at least `count` bytes, or all there are.
    #[inline]
    pub(crate) fn at_least(&mut self, count: usize) -> Result<&[u8], Halt> {
        while self.end - self.start < count && self.more()? {}
        Ok(self.bytes())
    }

    /// What is held after a segment of `length` bytes that holds no line end, where the next one follows on it,
    /// perhaps on a line of its own; and whether it is.
    #[inline]
    pub(crate) fn after(&self, length: usize) -> Option<(&[u8], bool)> {
        let rest = self.buffer.get(self.start + length..self.end)?;
        match rest {
            [b'A'..=b'Z', ..] => Some((rest, false)),
            [b'\n', rest @ ..] if rest.first().is_some_and(u8::is_ascii_uppercase) => Some((rest, true)),
            _ => None,
        }
    }

    /// Goes on to there.
    #[inline]
    pub(crate) fn go_after(&mut self, length: usize, on_new_line: bool) {
        self.lines.ended += u64::from(on_new_line);
        self.lines.after_cr = false;
        self.start += length + usize::from(on_new_line);
        self.byte += length as u64 + u64::from(on_new_line);
    }

    /// Goes on by `count` bytes of what is held.
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.lines.pass(self.buffer.get(self.start..self.start + count).unwrap_or_default());
        self.start += count;
        self.byte += count as u64;
    }

    /// Goes on by `count` bytes that hold no line end, as the caller knows.
    #[inline]
    pub(crate) fn consume_within_line(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.lines.after_cr &= count == 0;
        self.start += count;
        self.byte += count as u64;
    }

    fn look_for_text(&mut self) {
        self.text.clear();
        self.text_start = self.start;
        let held = self.buffer.get(self.start..self.end).unwrap_or_default();
        if held.len() > TEXT_BYTES_MAX {
            return;
        }
        match std::str::from_utf8(held) {
            Ok(text) => self.text.push_str(text),
            // The chunk ends inside of a character.
            Err(error) if error.error_len().is_none() => {
                let text = held.get(..error.valid_up_to()).and_then(|bytes| std::str::from_utf8(bytes).ok());
                self.text.push_str(text.unwrap_or_default());
            }
            Err(_) => {}
        }
    }

    /// Moves what is held to the front, and grows only when that gives less than a chunk's room. The
    /// buffer doubles, so that a long segment is moved a bounded number of times.
    fn make_room(&mut self) {
        if self.buffer.len() - self.end >= CHUNK_BYTES {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.text.clear();
        self.text_start = 0;
        if self.buffer.len() - self.end < CHUNK_BYTES {
            let wanted = (self.buffer.len() * 2).max(self.end + 2 * CHUNK_BYTES);
            self.buffer.resize(wanted, 0);
        }
    }
}

/// Counts line ends: LF, CR LF, or a lone CR.
#[derive(Default)]
struct Lines {
    ended: u64,
    /// The last byte passed was a CR: an LF right after it belongs to it.
    after_cr: bool,
}

impl Lines {
    fn pass(&mut self, bytes: &[u8]) {
        let mut previous_cr = if self.after_cr { Some(usize::MAX) } else { None };
        for at in memchr2_iter(b'\r', b'\n', bytes) {
            let is_cr = bytes.get(at) == Some(&b'\r');
            let belongs = !is_cr && previous_cr.is_some_and(|cr| cr.wrapping_add(1) == at);
            if !belongs {
                self.ended += 1;
            }
            previous_cr = is_cr.then_some(at);
        }
        if let Some(last) = bytes.last() {
            self.after_cr = *last == b'\r';
        }
    }
}

/// How many lines end in `bytes`.
pub(crate) fn line_ends(bytes: &[u8]) -> u64 {
    let mut lines = Lines::default();
    lines.pass(bytes);
    lines.ended
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    #[test]
    fn a_line_ends_at_lf_crlf_or_a_lone_cr() {
        for (bytes, ends) in [(&b"a\nb"[..], 1), (b"a\r\nb", 1), (b"a\rb", 1), (b"\r\r\n\n", 3), (b"", 0), (b"\n\r", 2)]
        {
            assert_eq!(line_ends(bytes), ends, "{bytes:?}");
            let mut one_by_one = Lines::default();
            bytes.iter().for_each(|byte| one_by_one.pass(&[*byte]));
            assert_eq!(one_by_one.ended, ends, "{bytes:?} byte by byte");
        }
    }

    #[test]
    fn the_window_keeps_its_place() {
        let text: Vec<u8> = (0..300_000u32).map(|at| if at % 100 == 99 { b'\n' } else { b'x' }).collect();
        let mut input = BufReader::with_capacity(7, Cursor::new(&text));
        let mut window = Window::new(&mut input);
        while !window.at_least(1000).unwrap().is_empty() {
            assert_eq!(window.line(), 1 + window.byte() / 100);
            window.consume(333);
        }
        assert_eq!(window.byte(), 300_000);
    }
}
