//! The characters of a file and the bytes they begin at: what is shown can then be found again.

use super::super::screen::{self, Visible};

/// How the bytes are read for showing: the byte order mark decides, and what does not decode is spelled out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Text {
    pub(super) fn cells(self, bytes: &[u8], start: u64) -> Vec<Cell> {
        let mut cells = match self {
            Self::Utf8 => utf8(bytes, start),
            Self::Utf16Le => utf16(bytes, start, u16::from_le_bytes),
            Self::Utf16Be => utf16(bytes, start, u16::from_be_bytes),
        };
        mark_halves(&mut cells);
        cells
    }
}

/// A character of the file, and the byte it begins at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) byte: u64,
    pub(super) bytes: usize,
    pub(super) glyph: Glyph,
    /// The CR of a CR LF: one line end is one sign.
    is_half: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glyph {
    Char(char),
    /// A byte that is not text in the encoding at hand.
    Byte(u8),
}

impl Cell {
    pub(super) fn is_break(self) -> bool {
        matches!(self.glyph, Glyph::Char('\n' | '\r'))
    }

    fn visible(self) -> Visible {
        match self.glyph {
            // Inside a segment: the line goes on below.
            Glyph::Char('\n' | '\r') => Visible::Plain('↵'),
            Glyph::Char(c) => screen::visible(c),
            Glyph::Byte(byte) => Visible::byte(byte),
        }
    }

    pub(super) fn columns(self) -> usize {
        if self.is_half {
            return 0;
        }
        // The mark at the start of a file is no part of its first line.
        if self.byte == 0 && self.glyph == Glyph::Char('\u{feff}') { 0 } else { self.visible().columns() }
    }

    pub(super) fn push_to(self, text: &mut String) {
        if self.is_half {
            return;
        }
        if self.columns() > 0 || !matches!(self.glyph, Glyph::Char('\u{feff}')) {
            text.push_str(&self.visible().text());
        }
    }
}

fn mark_halves(cells: &mut [Cell]) {
    for at in 1..cells.len() {
        let is_lf = cells.get(at).is_some_and(|cell| cell.glyph == Glyph::Char('\n'));
        if let Some(before) = cells.get_mut(at - 1) {
            before.is_half = is_lf && before.glyph == Glyph::Char('\r');
        }
    }
}

fn utf8(bytes: &[u8], start: u64) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(bytes.len());
    let mut byte = start;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            cells.push(Cell { byte, bytes: c.len_utf8(), glyph: Glyph::Char(c), is_half: false });
            byte += c.len_utf8() as u64;
        }
        for &bad in chunk.invalid() {
            cells.push(Cell { byte, bytes: 1, glyph: Glyph::Byte(bad), is_half: false });
            byte += 1;
        }
    }
    cells
}

fn utf16(bytes: &[u8], start: u64, unit: fn([u8; 2]) -> u16) -> Vec<Cell> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut cells = Vec::with_capacity(pairs.len());
    let mut byte = start;
    for c in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        let bytes = 2 * c.len_utf16();
        cells.push(Cell { byte, bytes, glyph: Glyph::Char(c), is_half: false });
        byte += bytes as u64;
    }
    cells.extend(rest.iter().map(|&odd| Cell { byte, bytes: 1, glyph: Glyph::Byte(odd), is_half: false }));
    cells
}
