//! A file as rows of cells: RFC 4180 and what is written beside it, in bounded memory, each cell with the
//! place where it was stored.
//!
//! Our own splitter: the `csv` crate's reader grows a record without a bound, and says where a record starts
//! but not where a cell does.

use std::borrow::Cow;
use std::io::BufRead;

use super::charset::{Charset, HALF_UNIT};
use super::marks::{Ahead, kind, places};
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
    ahead: Ahead,
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
    /// Its text is ASCII, as far as the splitter has looked.
    pub is_ascii: bool,
    /// It stands on one line, stored as it is read: its cells stand where they do in its text.
    is_flat: bool,
    /// Where the cells of any other row stand.
    places: Vec<CellPlace>,
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
    /// What a workbook says of its cell; the cells of a text are all text.
    pub kind: CellKind,
}

/// Where a cell stands in the stored file, from the start of its row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CellPlace {
    pub byte: u64,
    pub len: usize,
    /// Lines below the first line of the row.
    pub line: u64,
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
        Self {
            input,
            dialect,
            limits,
            wide: charset.is_wide(),
            byte,
            line: 1,
            number: 0,
            after_cr: false,
            ahead: Ahead::default(),
        }
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
        row.is_ascii = false;
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
                    self.ahead.pass(1);
                    self.byte += if self.wide { 2 } else { 1 };
                    continue;
                }
            }
            let Dialect { delimiter, quote } = self.dialect;
            if row.cells.is_empty() && row.text.is_empty() && state == State::Start {
                let limits = (self.limits.token_bytes_max, self.limits.columns_max);
                let kinds = self.ahead.of(buffer, self.dialect);
                let whole = whole_row(kinds, quote == Some(delimiter), limits, &mut row.cells);
                if let Some(whole) = whole.filter(|whole| whole.end < buffer.len()) {
                    row.text.extend_from_slice(buffer.get(..whole.end).unwrap_or_default());
                    row.is_ascii = whole.is_ascii;
                    self.after_cr = buffer.get(whole.end) == Some(&b'\r');
                    self.input.consume(whole.end + 1);
                    self.ahead.pass(whole.end + 1);
                    self.count(row, whole.breaks_lines, 1);
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
                row.cells.push(Cell { end: row.text.len(), ..cell });
                row.is_flat = true;
                return Err(self.limit("row", "token_bytes_max", self.limits.token_bytes_max, state, row));
            }
            row.text.extend_from_slice(content);
            let Some(&byte) = rest.first() else {
                self.input.consume(plain);
                self.ahead.pass(plain);
                continue;
            };
            self.input.consume(plain + 1);
            self.ahead.pass(plain + 1);
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

    /// Counts a row that was read piece by piece.
    fn finish(&mut self, row: &mut Row, end_units: u64) {
        // Only within quotes may a row hold line ends.
        let breaks_lines =
            row.cells.iter().any(|cell| cell.quoted) && memchr::memchr2(b'\n', b'\r', &row.text).is_some();
        self.count(row, breaks_lines, end_units);
    }

    /// Counts the row, and where its cells were stored.
    fn count(&mut self, row: &mut Row, breaks_lines: bool, end_units: u64) {
        self.number += 1;
        row.number = self.number;
        row.line = self.line;
        row.byte = self.byte;
        row.is_flat = !self.wide && !breaks_lines;
        row.stored_bytes = row.text.len() as u64;
        let lines = if row.is_flat { 0 } else { place(row, self.wide) };
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

/// A row that stands in the buffer from its start to its line end.
struct Whole {
    /// Where its line end stands.
    end: usize,
    is_ascii: bool,
    /// A line ends within quotes.
    breaks_lines: bool,
}

/// Cuts a row that stands in the buffer from its start to its line end, which is most of them. `None` leaves it to be
/// read piece by piece: it goes on past what has been looked at, or passes a limit, or has quotes within quotes.
fn whole_row(
    kinds: &[u8],
    delimiter_quotes: bool,
    (bytes_max, cells_max): (usize, usize),
    cells: &mut Vec<Cell>,
) -> Option<Whole> {
    if delimiter_quotes {
        return None;
    }
    let (mut cell, mut quotes) = (Cell::default(), Quotes::Outside);
    let (mut is_ascii, mut breaks_lines) = (true, false);
    for (at, kind) in places(kinds) {
        let end = at as usize;
        // Most of them end a cell without quotes.
        if kind == kind::DELIMITER && matches!(quotes, Quotes::Outside) && cells.len() < cells_max && end < bytes_max {
            cells.push(Cell { end, ..cell });
            cell = Cell { start: end + 1, ..Cell::default() };
            continue;
        }
        if kind == kind::HIGH {
            is_ascii = false;
            continue;
        }
        if kind == kind::QUOTE {
            match quotes {
                Quotes::Outside if end == cell.start => (cell.quoted, quotes) = (true, Quotes::Inside),
                // In the midst of a cell it is data.
                Quotes::Outside => {}
                Quotes::Inside => quotes = Quotes::Closed(end),
                Quotes::Closed(_) => return None,
            }
            continue;
        }
        match quotes {
            Quotes::Inside => {
                breaks_lines |= kind == kind::LINE_END;
                continue;
            }
            Quotes::Closed(before) if before + 1 != end => return None,
            Quotes::Closed(_) | Quotes::Outside => {}
        }
        if cells.len() >= cells_max || end >= bytes_max {
            return None;
        }
        cells.push(Cell { end, ..cell });
        if kind == kind::LINE_END {
            return Some(Whole { end, is_ascii, breaks_lines });
        }
        (cell, quotes) = (Cell { start: end + 1, ..Cell::default() }, Quotes::Outside);
    }
    None
}

/// Where a cell's quotes have come to.
#[derive(Clone, Copy)]
enum Quotes {
    Outside,
    Inside,
    /// The closing one stands here.
    Closed(usize),
}

/// Places of cells where a unit is two bytes, or where quotes may hold line ends: one pass over the row.
fn place(row: &mut Row, wide: bool) -> u64 {
    let (mut lines, mut stored, mut from) = (0, 0, 0);
    row.places.clear();
    for cell in &row.cells {
        let between = row.text.get(from..cell.start).unwrap_or_default();
        stored += stored_bytes(between, wide);
        let content = row.text.get(cell.start..cell.end).unwrap_or_default();
        let len = stored_bytes(content, wide);
        row.places.push(CellPlace { byte: stored, len: usize::try_from(len).unwrap_or(usize::MAX), line: lines });
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
        self.places.clone_from(&other.places);
        self.is_ascii = other.is_ascii;
        self.is_flat = other.is_flat;
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
        let wide = charset.is_wide();
        self.cells.clear();
        self.places.clear();
        self.is_flat = !wide;
        for span in spans {
            let first = (span.start as usize).saturating_sub(1);
            let (start, end) = (byte_of(first), byte_of(first.saturating_add(span.length as usize)));
            self.cells.push(Cell { start, end, ..Cell::default() });
            if wide {
                let before = self.text.get(..start).unwrap_or_default();
                let content = self.text.get(start..end).unwrap_or_default();
                let (byte, len) = (stored_bytes(before, wide), stored_bytes(content, wide));
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                self.places.push(CellPlace { byte, len, line: 0 });
            }
        }
    }

    /// How many characters it has.
    pub(super) fn characters(&self, charset: Charset) -> usize {
        match charset.is_single_byte() {
            true => self.text.len(),
            false => self.text.iter().filter(|byte| **byte & 0xc0 != 0x80).count(),
        }
    }

    /// Where a cell stands in the stored file. The cells of a workbook have no places.
    #[inline]
    pub(super) fn place_of(&self, column: usize) -> CellPlace {
        match self.cells.get(column) {
            Some(cell) if self.is_flat => {
                CellPlace { byte: cell.start as u64, len: cell.end.saturating_sub(cell.start), line: 0 }
            }
            _ => self.places.get(column).copied().unwrap_or_default(),
        }
    }

    /// What a workbook says of a column's cell.
    #[inline]
    pub(super) fn kind(&self, column: usize) -> CellKind {
        self.cells.get(column).map_or(CellKind::Text, |cell| cell.kind)
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
