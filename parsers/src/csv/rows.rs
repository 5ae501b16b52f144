//! A file as rows of cells: RFC 4180 and what is written beside it, in bounded memory, each cell with the
//! place where it was stored.
//!
//! Our own splitter: the `csv` crate's reader grows a record without a bound, and says where a record starts
//! but not where a cell does.

use std::borrow::Cow;
use std::io::BufRead;

use super::charset::{Charset, HALF_UNIT};
use crate::profile::Span;
use crate::{Halt, Limit, Limits};

/// How rows are told apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    pub delimiter: u8,
    pub quote: Option<u8>,
}

impl Dialect {
    /// Rows are lines: no text contains a NUL, so nothing delimits.
    pub(super) const LINES: Self = Self { delimiter: 0, quote: None };
}

/// Reads rows.
pub(super) struct Rows<'i> {
    input: Box<dyn BufRead + 'i>,
    dialect: Dialect,
    limits: Limits,
    wide: bool,
    /// Where the next row starts.
    byte: u64,
    line: u64,
    number: u64,
    /// The row before ended with a CR: an LF that follows belongs to it.
    after_cr: bool,
}

/// One row. Kept and filled again, so that reading allocates once.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Its number among the rows of the file, blank ones too, from 1.
    pub number: u64,
    pub line: u64,
    pub byte: u64,
    /// How many bytes it has in the stored file, without its line end.
    pub stored_bytes: u64,
    /// Its text, without its line end.
    pub text: Vec<u8>,
    pub cells: Vec<Cell>,
    /// The file ends inside quotes.
    pub is_unclosed: bool,
    /// The file ends here, and no line end says that the row does.
    pub is_last: bool,
    /// Which of the file's record types it is; 0 in a table.
    pub record: usize,
}

/// One cell: where it stands in its row, quotes and all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    pub start: usize,
    pub end: usize,
    pub quoted: bool,
    /// In the stored file, from the start of the row.
    pub byte: u64,
    pub len: usize,
    /// Lines below the first line of the row.
    pub line: u64,
    /// What a workbook says of its cell; the cells of a text are all text.
    pub kind: CellKind,
}

/// What is in a cell of a workbook.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CellKind {
    /// Text, written by people's conventions.
    #[default]
    Text,
    /// A number, as the workbook stores it: `1234.5`, `1.5E-3`.
    Number,
    /// A day, as the number of days since 1899-12-30 that the workbook stores.
    Day,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of a cell.
    Start,
    Plain,
    Quoted,
    /// After a quote within quotes: it closes them, or is one half of a doubled one.
    Closing,
}

impl<'i> Rows<'i> {
    /// Rows of an input that [`Charset::open`] has opened.
    pub(super) fn new(input: Box<dyn BufRead + 'i>, charset: Charset, dialect: Dialect, limits: Limits) -> Self {
        let byte = charset.mark_bytes as u64;
        Self { input, dialect, limits, wide: charset.is_wide(), byte, line: 1, number: 0, after_cr: false }
    }

    /// The row just read is not counted: the `sep=` row, which spreadsheets do not show.
    pub(super) fn uncount(&mut self) {
        self.number = self.number.saturating_sub(1);
    }

    /// Reads the next row; `false` at the end of the file.
    pub(super) fn next(&mut self, row: &mut Row) -> Result<bool, Halt> {
        row.text.clear();
        row.cells.clear();
        row.is_unclosed = false;
        row.is_last = false;
        row.record = 0;
        let (mut state, mut cell) = (State::Start, Cell::default());
        loop {
            let buffer = self.input.fill_buf().map_err(Halt::Read)?;
            if buffer.is_empty() {
                if state == State::Start && row.cells.is_empty() {
                    return Ok(false);
                }
                row.is_unclosed = state == State::Quoted;
                row.is_last = true;
                self.close(row, cell)?;
                self.finish(row, 0);
                return Ok(true);
            }
            if self.after_cr {
                self.after_cr = false;
                if buffer.first() == Some(&b'\n') {
                    self.input.consume(1);
                    self.byte += if self.wide { 2 } else { 1 };
                    continue;
                }
            }
            let Dialect { delimiter, quote } = self.dialect;
            if row.cells.is_empty() && row.text.is_empty() && state == State::Start {
                let limits = (self.limits.token_bytes_max, self.limits.columns_max);
                if let Some(end) = whole_row(buffer, self.dialect, limits, &mut row.cells) {
                    row.text.extend_from_slice(buffer.get(..end).unwrap_or_default());
                    self.after_cr = buffer.get(end) == Some(&b'\r');
                    self.input.consume(end + 1);
                    self.finish(row, 1);
                    return Ok(true);
                }
                row.cells.clear();
            }
            // What stands before the next byte that means something is the cell's.
            let plain = match (state, quote) {
                (State::Plain, _) => memchr::memchr3(delimiter, b'\n', b'\r', buffer),
                (State::Quoted, Some(quote)) => memchr::memchr(quote, buffer),
                _ => Some(0),
            }
            .unwrap_or(buffer.len());
            let (content, rest) = buffer.split_at_checked(plain).unwrap_or((buffer, &[]));
            if row.text.len() + content.len() >= self.limits.token_bytes_max {
                // The cell that is open, for a reader who wants to say where a quote was never closed.
                row.cells.push(Cell { end: row.text.len(), byte: cell.start as u64, ..cell });
                return Err(self.limit("row", "token_bytes_max", self.limits.token_bytes_max, state, row));
            }
            row.text.extend_from_slice(content);
            let Some(&byte) = rest.first() else {
                self.input.consume(plain);
                continue;
            };
            self.input.consume(plain + 1);
            let is_quote = Some(byte) == quote;
            match (state, byte) {
                (State::Start, _) if is_quote => {
                    cell.quoted = true;
                    state = State::Quoted;
                    row.text.push(byte);
                }
                (State::Quoted, _) => {
                    state = State::Closing;
                    row.text.push(byte);
                }
                (State::Closing, _) if is_quote => {
                    state = State::Quoted;
                    row.text.push(byte);
                }
                (_, b'\n' | b'\r') => {
                    self.after_cr = byte == b'\r';
                    self.close(row, cell)?;
                    self.finish(row, 1);
                    return Ok(true);
                }
                (_, _) if byte == delimiter => {
                    self.close(row, cell)?;
                    row.text.push(byte);
                    cell = Cell { start: row.text.len(), ..Cell::default() };
                    state = State::Start;
                }
                (_, _) => {
                    state = State::Plain;
                    row.text.push(byte);
                }
            }
        }
    }

    fn close(&self, row: &mut Row, cell: Cell) -> Result<(), Halt> {
        if row.cells.len() >= self.limits.columns_max {
            return Err(self.limit("number of columns", "columns_max", self.limits.columns_max, State::Plain, row));
        }
        row.cells.push(Cell { end: row.text.len(), ..cell });
        Ok(())
    }

    /// Counts the row, and where its cells were stored.
    fn finish(&mut self, row: &mut Row, end_units: u64) {
        self.number += 1;
        row.number = self.number;
        row.line = self.line;
        row.byte = self.byte;
        // Only within quotes may a row hold line ends.
        let is_flat = !self.wide
            && (row.cells.iter().all(|cell| !cell.quoted) || memchr::memchr2(b'\n', b'\r', &row.text).is_none());
        let lines = if is_flat { flat(row) } else { place(row, self.wide) };
        self.line += lines + 1;
        self.byte += row.stored_bytes + if self.wide { 2 * end_units } else { end_units };
    }

    fn limit(&self, what: &'static str, setting: &'static str, max: usize, state: State, row: &mut Row) -> Halt {
        row.is_unclosed = state == State::Quoted;
        row.number = self.number + 1;
        row.line = self.line;
        row.byte = self.byte;
        Halt::Limit(Limit { what, setting, max: max as u64, byte: self.byte, line: self.line })
    }
}

/// Cuts a row that stands in the buffer from its start to its line end, which is most of them; where that is.
/// `None` leaves it to be read piece by piece: it goes on past the buffer, or passes a limit, or has quotes
/// within quotes.
fn whole_row(
    buffer: &[u8],
    dialect: Dialect,
    (bytes_max, cells_max): (usize, usize),
    cells: &mut Vec<Cell>,
) -> Option<usize> {
    let Dialect { delimiter, quote } = dialect;
    let marks = Marks::new([delimiter, b'\n', b'\r']);
    let mut start = 0;
    loop {
        let rest = buffer.get(start..)?;
        if let (Some(quote), true) = (quote, quote.is_some() && rest.first().copied() == quote) {
            let end = start + 2 + memchr::memchr(quote, rest.get(1..)?)?;
            let last = *buffer.get(end)?;
            let ends_row = matches!(last, b'\n' | b'\r');
            if (last != delimiter && !ends_row) || cells.len() >= cells_max || end >= bytes_max {
                return None;
            }
            cells.push(Cell { start, end, quoted: true, ..Cell::default() });
            if ends_row {
                return Some(end);
            }
            start = end + 1;
            continue;
        }
        // Cells without quotes, eight bytes at a time, up to one that has them.
        let mut from = start;
        'plain: for eight in rest.as_chunks::<8>().0 {
            let mut hits = marks.hits(*eight);
            while hits != 0 {
                let at = hits.trailing_zeros() / 8;
                hits &= hits - 1;
                let end = from + at as usize;
                if cells.len() >= cells_max || end >= bytes_max {
                    return None;
                }
                cells.push(Cell { start, end, ..Cell::default() });
                if eight.get(at as usize) != Some(&delimiter) {
                    return Some(end);
                }
                start = end + 1;
                if quote.is_some() && buffer.get(start).copied() == quote {
                    break 'plain;
                }
            }
            from += 8;
        }
        if quote.is_some() && buffer.get(start).copied() == quote {
            continue;
        }
        // What is left of the buffer.
        let length = buffer.get(from..)?.iter().position(|byte| *byte == delimiter || matches!(byte, b'\n' | b'\r'))?;
        let end = from + length;
        if cells.len() >= cells_max || end >= bytes_max {
            return None;
        }
        cells.push(Cell { start, end, ..Cell::default() });
        if buffer.get(end) != Some(&delimiter) {
            return Some(end);
        }
        start = end + 1;
    }
}

/// Bytes to be found, each repeated eight times.
struct Marks([u64; 3]);

impl Marks {
    fn new(marks: [u8; 3]) -> Self {
        Self(marks.map(|mark| u64::from_ne_bytes([mark; 8])))
    }

    /// The highest bit of each byte that is one of them.
    #[inline]
    fn hits(&self, eight: [u8; 8]) -> u64 {
        const LOWS: u64 = u64::from_ne_bytes([0x7f; 8]);
        let word = u64::from_le_bytes(eight);
        self.0.iter().fold(0, |hits, mark| {
            let off = word ^ mark;
            hits | !(((off & LOWS) + LOWS) | off | LOWS)
        })
    }
}

/// Places of cells that stand on one line, in bytes as stored.
fn flat(row: &mut Row) -> u64 {
    for cell in &mut row.cells {
        cell.byte = cell.start as u64;
        cell.len = cell.end - cell.start;
    }
    row.stored_bytes = row.text.len() as u64;
    0
}

/// Places of cells where a unit is two bytes, or where quotes may hold line ends: one pass over the row.
fn place(row: &mut Row, wide: bool) -> u64 {
    let (mut lines, mut stored, mut from) = (0, 0, 0);
    for cell in &mut row.cells {
        let between = row.text.get(from..cell.start).unwrap_or_default();
        stored += stored_bytes(between, wide);
        let content = row.text.get(cell.start..cell.end).unwrap_or_default();
        let len = stored_bytes(content, wide);
        cell.byte = stored;
        cell.len = usize::try_from(len).unwrap_or(usize::MAX);
        cell.line = lines;
        lines += line_ends(content);
        stored += len;
        from = cell.end;
    }
    row.stored_bytes = stored;
    lines
}

/// How many bytes the text had before it was UTF-8.
fn stored_bytes(text: &[u8], wide: bool) -> u64 {
    if !wide {
        return text.len() as u64;
    }
    let bytes_of = |byte: &u8| match *byte {
        0x80..=0xbf => 0,
        HALF_UNIT => 1,
        0xf0..=0xff => 4,
        _ => 2,
    };
    text.iter().map(bytes_of).sum()
}

fn line_ends(text: &[u8]) -> u64 {
    let mut previous = 0;
    let mut ends = 0;
    for &byte in text {
        if byte == b'\r' || (byte == b'\n' && previous != b'\r') {
            ends += 1;
        }
        previous = byte;
    }
    ends
}

impl Row {
    /// Becomes a copy of another, in the memory it has.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.text.clone_from(&other.text);
        self.cells.clone_from(&other.cells);
        self.number = other.number;
        self.line = other.line;
        self.byte = other.byte;
        self.stored_bytes = other.stored_bytes;
        self.record = other.record;
    }

    /// Cuts a row of fixed width into its cells. Places are counted in characters: a byte of UTF-8 that goes
    /// on with a character starts none.
    pub(super) fn cut(&mut self, spans: &[Span], charset: Charset) {
        let by_byte = charset.is_single_byte() || self.text.is_ascii();
        let starts: Vec<usize> = match by_byte {
            true => Vec::new(),
            false => (0..self.text.len()).filter(|at| self.text.get(*at).is_some_and(|b| b & 0xc0 != 0x80)).collect(),
        };
        let length = self.text.len();
        let byte_of = |character: usize| match by_byte {
            true => character.min(length),
            false => starts.get(character).copied().unwrap_or(length),
        };
        self.cells.clear();
        for span in spans {
            let first = (span.start as usize).saturating_sub(1);
            let (start, end) = (byte_of(first), byte_of(first.saturating_add(span.length as usize)));
            let wide = charset.is_wide();
            let before = self.text.get(..start).unwrap_or_default();
            let content = self.text.get(start..end).unwrap_or_default();
            let (byte, len) = (stored_bytes(before, wide), stored_bytes(content, wide));
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            self.cells.push(Cell { start, end, byte, len, ..Cell::default() });
        }
    }

    /// How many characters it has.
    pub(super) fn characters(&self, charset: Charset) -> usize {
        match charset.is_single_byte() {
            true => self.text.len(),
            false => self.text.iter().filter(|byte| **byte & 0xc0 != 0x80).count(),
        }
    }

    /// A cell's bytes, quotes and all.
    pub(super) fn raw(&self, column: usize) -> Option<&[u8]> {
        let cell = self.cells.get(column)?;
        self.text.get(cell.start..cell.end)
    }

    /// A cell's content: without its quotes, doubled ones made single.
    pub(super) fn value(&self, cell: Cell, quote: Option<u8>) -> Cow<'_, [u8]> {
        let raw = self.text.get(cell.start..cell.end).unwrap_or_default();
        let (true, Some(quote)) = (cell.quoted, quote) else { return Cow::Borrowed(raw) };
        let inner = raw.get(1..).unwrap_or_default();
        match memchr::memchr(quote, inner) {
            Some(end) if end + 1 == inner.len() => return Cow::Borrowed(inner.get(..end).unwrap_or_default()),
            None => return Cow::Borrowed(inner),
            Some(_) => {}
        }
        let mut value = Vec::with_capacity(inner.len());
        let mut bytes = inner.iter().copied().peekable();
        let mut inside = true;
        while let Some(byte) = bytes.next() {
            if !inside || byte != quote {
                value.push(byte);
            } else if bytes.next_if_eq(&quote).is_some() {
                value.push(quote);
            } else {
                inside = false;
            }
        }
        Cow::Owned(value)
    }

    /// Whether there is nothing in it but blanks, delimiters and empty quotes.
    pub(super) fn is_blank(&self, dialect: Dialect) -> bool {
        let nothing = |byte: &u8| {
            byte.is_ascii_whitespace() || *byte == dialect.delimiter || Some(*byte) == dialect.quote || *byte == 0x1a
        };
        !self.is_unclosed && self.text.iter().all(nothing)
    }
}
