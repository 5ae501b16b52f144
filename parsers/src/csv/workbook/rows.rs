//! The rows of a sheet, one at a time (§18.3.1).

use super::Flaw;
use super::parts::{Parts, open};
use super::xml::{Piece, Xml};
use crate::csv::reader::RowSource;
use crate::csv::rows::{Cell, CellKind, Row};
use crate::packed::{Gauge, Zip};
use crate::{Halt, Limit, Limits};

/// A sheet being read.
pub(super) struct SheetRows<'a> {
    xml: Xml<'a>,
    parts: &'a Parts,
    limits: Limits,
    /// Where the sheet's part stands in the workbook.
    byte: u64,
    number: u64,
    has_ended: bool,
    flaw: Option<Flaw>,
}

/// What an open cell holds, until it closes.
#[derive(Default)]
struct Held {
    column: usize,
    kind: String,
    shows_day: bool,
    value: String,
}

impl<'a> SheetRows<'a> {
    pub(super) fn open(zip: &Zip<'a>, parts: &'a Parts, sheet: usize, gauge: &'a Gauge) -> Result<Self, Flaw> {
        let missing = || Flaw::Missing("sheet".to_owned());
        let part = parts.sheets.get(sheet).map(|sheet| sheet.part.as_str()).ok_or_else(missing)?;
        let byte = zip.entry(part).map(|entry| entry.offset).ok_or_else(missing)?;
        let xml = open(zip, gauge, part)?.ok_or_else(missing)?;
        Ok(Self { xml, parts, limits: gauge.limits, byte, number: 0, has_ended: false, flaw: None })
    }

    /// What ended the sheet, if that was not its end.
    pub(super) fn flaw(&mut self) -> Option<Flaw> {
        self.flaw.take()
    }

    /// Where the sheet stands in the workbook.
    pub(super) fn byte(&self) -> u64 {
        self.byte
    }

    /// Reads up to the end of the next row; whether there was one.
    fn read_row(&mut self, row: &mut Row) -> Result<bool, Flaw> {
        let (mut in_row, mut in_value, mut held) = (false, false, None::<Held>);
        let mut next_column = 0;
        loop {
            match self.xml.next()? {
                Piece::Open => match self.xml.name.as_str() {
                    "row" => {
                        in_row = true;
                        let stated = self.xml.attribute("r").and_then(|number| number.parse::<u64>().ok());
                        self.number = stated.unwrap_or(self.number.saturating_add(1));
                    }
                    "c" if in_row => {
                        let column = self.xml.attribute("r").and_then(column_of).unwrap_or(next_column);
                        if column >= self.limits.columns_max {
                            return Err(self.past("number of columns", "columns_max", self.limits.columns_max));
                        }
                        next_column = column + 1;
                        let style = self.xml.attribute("s").and_then(|style| style.parse::<usize>().ok());
                        held = Some(Held {
                            column,
                            kind: self.xml.attribute("t").unwrap_or("n").to_owned(),
                            shows_day: style
                                .and_then(|style| self.parts.shows_day.get(style))
                                .copied()
                                .unwrap_or(false),
                            value: String::new(),
                        });
                    }
                    "v" | "t" if held.is_some() => in_value = true,
                    _ => {}
                },
                Piece::Text if in_value => {
                    if let Some(held) = held.as_mut() {
                        held.value.push_str(&self.xml.text);
                        if held.value.len() > self.limits.token_bytes_max {
                            return Err(self.past("cell", "token_bytes_max", self.limits.token_bytes_max));
                        }
                    }
                }
                Piece::Close => match self.xml.name.as_str() {
                    "v" | "t" => in_value = false,
                    "c" => {
                        if let Some(held) = held.take() {
                            self.put(row, &held)?;
                        }
                    }
                    "row" if in_row => {
                        row.number = self.number;
                        row.line = self.number;
                        row.byte = self.byte;
                        row.stored_bytes = 0;
                        return Ok(true);
                    }
                    "sheetData" => return Ok(false),
                    _ => {}
                },
                Piece::Text => {}
                Piece::End => return Ok(false),
            }
        }
    }

    /// Adds a cell to the row, and empty ones before it where the sheet has none.
    fn put(&self, row: &mut Row, held: &Held) -> Result<(), Flaw> {
        let (text, kind) = self.content(held);
        if row.text.len() + text.len() >= self.limits.token_bytes_max {
            return Err(self.past("row", "token_bytes_max", self.limits.token_bytes_max));
        }
        while row.cells.len() < held.column {
            begin(row);
            let at = row.text.len();
            row.cells.push(Cell { start: at, end: at, ..Cell::default() });
        }
        // A sheet that gives a cell twice, or out of order, is no spreadsheet's.
        if row.cells.len() > held.column {
            return Err(Flaw::Malformed(format!("row {} has its cells out of order", self.number)));
        }
        begin(row);
        let start = row.text.len();
        row.text.extend_from_slice(text.as_bytes());
        row.cells.push(Cell { start, end: row.text.len(), kind, ..Cell::default() });
        Ok(())
    }

    /// What a cell holds, by its type (§18.18.11).
    fn content<'h>(&'h self, held: &'h Held) -> (std::borrow::Cow<'h, str>, CellKind) {
        let value = held.value.as_str();
        match held.kind.as_str() {
            "s" => {
                let index = value.trim().parse::<usize>().ok();
                (index.and_then(|index| self.parts.shared.get(index)).unwrap_or_default().into(), CellKind::Text)
            }
            "b" => (if value.trim() == "1" { "TRUE" } else { "FALSE" }.into(), CellKind::Text),
            "n" if value.trim().is_empty() => ("".into(), CellKind::Text),
            "n" if held.shows_day && self.parts.from_1904 => {
                // Both calendars are days apart, whatever the time of the day.
                let days = value.split('.').next().and_then(|days| days.trim().parse::<u32>().ok());
                let moved = days.map_or_else(|| value.to_owned(), |days| days.saturating_add(1_462).to_string());
                (moved.into(), CellKind::Day)
            }
            "n" if held.shows_day => (value.into(), CellKind::Day),
            "n" => (value.into(), CellKind::Number),
            "d" => (value.get(..10).unwrap_or(value).into(), CellKind::Text),
            _ => (value.into(), CellKind::Text),
        }
    }

    fn past(&self, what: &'static str, setting: &'static str, max: usize) -> Flaw {
        Flaw::Halt(Halt::Limit(Limit { what, setting, max: max as u64, byte: self.byte, line: self.number }))
    }
}

/// What stands between two cells.
fn begin(row: &mut Row) {
    if !row.cells.is_empty() {
        row.text.push(super::CELLS.delimiter);
    }
}

impl RowSource for SheetRows<'_> {
    fn next(&mut self, row: &mut Row) -> Result<bool, Halt> {
        row.text.clear();
        row.cells.clear();
        row.record = 0;
        row.is_unclosed = false;
        row.is_last = false;
        if self.has_ended {
            return Ok(false);
        }
        match self.read_row(row) {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.has_ended = true;
                Ok(false)
            }
            Err(Flaw::Halt(halt)) => Err(halt),
            Err(flaw) => {
                self.has_ended = true;
                self.flaw = Some(flaw);
                Ok(false)
            }
        }
    }
}

/// The column of a cell's name: 2 for `C12`.
fn column_of(name: &str) -> Option<usize> {
    let mut column = 0_usize;
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    for letter in letters {
        column = column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1;
    }
    column.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::column_of;

    #[test]
    fn a_column_is_found_in_the_name_of_its_cell() {
        for (name, column) in
            [("A1", Some(0)), ("Z9", Some(25)), ("AA10", Some(26)), ("XFD1", Some(16_383)), ("7", None)]
        {
            assert_eq!(column_of(name), column, "{name}");
        }
    }
}
