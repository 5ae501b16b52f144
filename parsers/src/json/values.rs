//! Cuts a stream into JSON objects, by their braces alone: what is in them is not looked at here.

use std::io::BufRead;

use crate::limits::Limit;
use crate::{Halt, Location, Path};

/// The objects of a stream, one at a time.
pub(super) struct Values<'i> {
    input: &'i mut dyn BufRead,
    bytes_max: usize,
    place: Place,
    /// What was read and not yet handed out: the beginning of the next value.
    held: Option<Value>,
}

/// How far reading has come.
#[derive(Debug, Clone, Copy)]
struct Place {
    byte: u64,
    line: u64,
    /// The last byte was a CR: an LF behind it is the same line end.
    after_cr: bool,
    /// Nothing of the line has been read.
    starts_line: bool,
}

pub(super) enum Piece {
    /// An object, or what there is of one.
    Value(Value),
    /// Something else, up to the next line that begins an object; its first bytes.
    Stray(Value),
    End,
}

/// A piece of the stream and where it begins.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) bytes: Vec<u8>,
    pub(super) byte: u64,
    pub(super) line: u64,
    /// Its last brace was there.
    pub(super) is_whole: bool,
}

/// How much of what should not be there is kept to be shown.
const STRAY_BYTES: usize = 200;

/// How a line of ours begins.
const OURS: &[u8] = b"{\"ordinal\"";

impl<'i> Values<'i> {
    pub(super) fn new(input: &'i mut dyn BufRead, bytes_max: usize) -> Self {
        let place = Place { byte: 0, line: 1, after_cr: false, starts_line: true };
        Self { input, bytes_max, place, held: None }
    }

    pub(super) fn next(&mut self) -> Result<Piece, Halt> {
        let value = match self.held.take() {
            Some(value) => value,
            None => match self.begin()? {
                Piece::Value(value) => value,
                other => return Ok(other),
            },
        };
        self.finish(value).map(Piece::Value)
    }

    /// Reads up to the brace of the next value.
    fn begin(&mut self) -> Result<Piece, Halt> {
        let mut stray: Option<Value> = None;
        loop {
            let buffer = self.input.fill_buf().map_err(Halt::Read)?;
            let Some(&first) = buffer.first() else {
                return Ok(stray.map_or(Piece::End, Piece::Stray));
            };
            // A brace begins a value; behind something stray only at the start of a line.
            if first == b'{' && (stray.is_none() || self.place.starts_line) {
                return Ok(match stray {
                    Some(stray) => Piece::Stray(stray),
                    None => Piece::Value(self.value()),
                });
            }
            let is_mark = self.place.byte < 3 && matches!(first, 0xef | 0xbb | 0xbf);
            if stray.is_none() && !first.is_ascii_whitespace() && !is_mark {
                stray = Some(self.value());
            }
            if let Some(stray) = &mut stray
                && stray.bytes.len() < STRAY_BYTES
                && !matches!(first, b'\r' | b'\n')
                && stray.line == self.place.line
            {
                stray.bytes.push(first);
            }
            self.place.pass(first);
            self.input.consume(1);
        }
    }

    /// An empty value that begins here.
    fn value(&self) -> Value {
        Value { bytes: Vec::new(), byte: self.place.byte, line: self.place.line, is_whole: false }
    }

    /// Reads a value to its last brace, to the line that begins another one, or to the end.
    fn finish(&mut self, mut value: Value) -> Result<Value, Halt> {
        let mut nesting = Nesting::default();
        value.bytes.iter().for_each(|byte| nesting.pass(*byte));
        // Where the current line begins in the value, and the place that is in the stream.
        let mut line = (0, self.place);
        loop {
            let buffer = self.input.fill_buf().map_err(Halt::Read)?;
            if buffer.is_empty() {
                return Ok(value);
            }
            let mut used = 0;
            let mut cut = false;
            for &byte in buffer {
                if self.place.starts_line && !matches!(byte, b'\r' | b'\n') {
                    line = (value.bytes.len(), self.place);
                    if byte == b'{' && line.0 > 0 && !nesting.wants_more {
                        cut = true;
                        break;
                    }
                }
                used += 1;
                value.bytes.push(byte);
                self.place.pass(byte);
                nesting.pass(byte);
                let begun = value.bytes.get(line.0..).unwrap_or_default();
                cut = line.0 > 0 && byte == b'"' && begun == OURS;
                if nesting.is_done || cut || value.bytes.len() > self.bytes_max {
                    break;
                }
            }
            self.input.consume(used);
            if nesting.is_done {
                value.is_whole = true;
                return Ok(value);
            }
            if cut {
                let next = value.bytes.split_off(line.0);
                if !next.is_empty() {
                    self.held = Some(Value { bytes: next, byte: line.1.byte, line: line.1.line, is_whole: false });
                }
                return Ok(value);
            }
            if value.bytes.len() > self.bytes_max {
                return Err(Halt::Limit(Limit {
                    what: "JSON document",
                    setting: "token_bytes_max",
                    max: self.bytes_max as u64,
                    byte: value.byte,
                    line: value.line,
                }));
            }
        }
    }
}

impl Place {
    fn pass(&mut self, byte: u8) {
        self.byte += 1;
        let ends_line = byte == b'\r' || byte == b'\n' && !self.after_cr;
        self.line += u64::from(ends_line);
        self.starts_line = matches!(byte, b'\r' | b'\n');
        self.after_cr = byte == b'\r';
    }
}

/// How deep in braces a value is.
#[derive(Debug, Default)]
struct Nesting {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// The last thing before the white space was a `:`, a `,` or a `[`: another value comes.
    wants_more: bool,
    is_done: bool,
}

impl Nesting {
    fn pass(&mut self, byte: u8) {
        // No string of JSON goes over a line end: one that seems to was never closed.
        if matches!(byte, b'\r' | b'\n') {
            (self.in_string, self.escaped) = (false, false);
            return;
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => (),
            }
            return;
        }
        match byte {
            b' ' | b'\t' => return,
            b'"' => self.in_string = true,
            b'{' => self.depth += 1,
            b'}' => {
                self.depth = self.depth.saturating_sub(1);
                self.is_done = self.depth == 0;
            }
            _ => (),
        }
        self.wants_more = matches!(byte, b':' | b',' | b'[');
    }
}

/// The lines of a value, counted as far as was asked.
pub(super) struct Places<'v> {
    value: &'v Value,
    counted: usize,
    line: u64,
}

impl Places<'_> {
    /// A place that is not before the last one.
    pub(super) fn at(&mut self, offset: usize, path: impl Into<Path>) -> Location {
        let bytes = &self.value.bytes;
        let offset = offset.min(bytes.len());
        let passed = bytes.get(self.counted..offset).unwrap_or_default();
        let start = self.counted;
        let is_break = |at: &usize| match bytes.get(*at) {
            Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
            byte => byte.is_some(),
        };
        self.line += memchr::memchr2_iter(b'\n', b'\r', passed).map(|at| start + at).filter(is_break).count() as u64;
        self.counted = self.counted.max(offset);
        Location::new(self.value.byte + offset as u64, self.line, path)
    }
}

impl Value {
    /// A place inside the value.
    pub(super) fn place(&self, offset: usize, path: impl Into<Path>) -> Location {
        self.places().at(offset, path)
    }

    /// Many places inside the value, in their order: its lines are counted once.
    pub(super) fn places(&self) -> Places<'_> {
        Places { value: self, counted: 0, line: self.line }
    }

    /// The byte at a line (LF alone ends one) and column, both from 1, as serde_json counts them.
    pub(super) fn offset(&self, line: usize, column: usize) -> usize {
        let mut start = 0;
        for _ in 1..line {
            let rest = self.bytes.get(start..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest) else { break };
            start += end + 1;
        }
        (start + column.saturating_sub(1)).min(self.bytes.len())
    }

    /// The text around a place, from a quarter of what an excerpt holds before it.
    pub(super) fn excerpt(&self, offset: usize) -> String {
        let from = offset.saturating_sub(100);
        let to = (offset + 200).min(self.bytes.len());
        let line_start =
            self.bytes.get(..offset).and_then(|before| memchr::memrchr(b'\n', before)).map_or(0, |at| at + 1);
        let line_end =
            self.bytes.get(offset..).and_then(|rest| memchr::memchr(b'\n', rest)).map_or(to, |at| offset + at);
        let shown = self.bytes.get(from.max(line_start)..to.min(line_end)).unwrap_or_default();
        String::from_utf8_lossy(shown).trim_end_matches('\u{fffd}').trim_start_matches('\u{fffd}').to_owned()
    }
}
