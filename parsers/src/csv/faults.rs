//! What can be wrong with a row as a whole, in words.

use super::rows::Row;
use super::sheet::{Sheet, row_place};
use crate::{Code, Finding};

impl Sheet<'_> {
    /// The file ends inside quotes.
    pub(super) fn unclosed(&self, row: &Row) -> Finding {
        let column = row.cells.len().saturating_sub(1);
        Finding::error(
            Code::CSV_QUOTE_UNCLOSED,
            self.at(row, column),
            format!(
                "row {} opens a quote that is never closed: the file is cut off, or a quote is missing",
                row.number
            ),
            "Close the quote, or write the file again and send it whole; a quote inside quotes is doubled.",
        )
        .with_rule("CSV-UNCLOSED-QUOTE")
        .with_field(self.name(column))
        .with_excerpt(self.excerpt(row))
    }

    /// Bytes that are no text, from `offset` within the row.
    pub(super) fn no_text(&self, row: &Row, offset: usize) -> Finding {
        let charset = self.plan.charset;
        let mut at = row_place(row);
        if !charset.is_wide() {
            at.byte += offset as u64;
            at.len = 1;
        }
        Finding::error(
            Code::ENCODING_INVALID,
            at,
            format!("row {} has bytes that are no {}", row.number, charset.name()),
            "Export the file in one encoding, and say which in the profile.",
        )
        .with_excerpt(self.excerpt(row))
    }

    /// More or fewer cells than the header has.
    pub(super) fn ragged(&self, row: &Row) -> Finding {
        let (cells, columns) = (row.cells.len(), self.header.len());
        Finding::error(
            Code::CSV_COLUMN_COUNT,
            row_place(row),
            format!("row {} has {cells} cells, but the header has {columns} columns; the row is left out", row.number),
            "Write one cell for each column, empty ones too, and quote what contains the delimiter.",
        )
        .with_rule("CSV-RAGGED")
        .with_excerpt(self.excerpt(row))
    }

    /// A row of an invoice that says something else than its first, which is given with its number.
    pub(super) fn disputed(&self, row: &Row, column: usize, number: &str, (first_row, first): (u64, &str)) -> Finding {
        let name = self.name(column);
        let value = self.text_at(row, column).unwrap_or_default();
        Finding::error(
            Code::DUPLICATE_DOCUMENT,
            self.at(row, column),
            format!("row {} of invoice {number} says {name} `{value}`, but row {first_row} says `{first}`", row.number),
            "Repeat the invoice's own columns unchanged on each of its rows, or give another invoice another number.",
        )
        .with_rule("DUP-INVOICE-NUMBER")
        .with_field(name)
        .with_value(&value)
        .with_excerpt(self.excerpt(row))
    }

    /// A row without the number of its document.
    pub(super) fn unnumbered(&self, row: &Row, field: &str) -> Finding {
        let what = "empty: a document without a number is left out";
        self.about(row, field, Code::REQUIRED_MISSING, "", what, "Fill the cell on every row.")
    }

    /// A document that the file had before.
    pub(super) fn repeated(&self, row: &Row, field: &str, number: &str, first_row: u64) -> Finding {
        let what = format!("{number} of the same vendor is on row {first_row} already; this one is left out");
        let fix = "Send each document once, its rows together; give a corrected one a number of its own.";
        self.about(row, field, Code::DUPLICATE_DOCUMENT, number, &what, fix).with_rule("DUP-INVOICE-NUMBER")
    }
}
