//! What can be wrong with a row as a whole, in words.

use super::draft::repeated_rule;
use super::rows::Row;
use super::sheet::Sheet;
use crate::profile::{Documents, FieldId};
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
        .with_field(self.name(row, column))
        .with_excerpt(self.excerpt(row))
    }

    /// Bytes that are no text, from `offset` within the row.
    pub(super) fn no_text(&self, row: &Row, offset: usize) -> Finding {
        let charset = self.plan.charset;
        let mut at = self.place(row);
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

    /// More or fewer cells than the header has, or than the profile says.
    pub(super) fn ragged(&self, row: &Row) -> Finding {
        let cells = row.cells.len();
        let layout = self.layout(row);
        let columns = layout.map_or(0, |layout| layout.names.len());
        let fixed = layout.is_some_and(|layout| !layout.spans.is_empty());
        let message = match layout.and_then(|layout| layout.width) {
            Some(width) if fixed => {
                let length = row.characters(self.plan.charset);
                format!("row {} has {length} characters, but the profile says {width}; the row is left out", row.number)
            }
            Some(width) => {
                format!("row {} has {cells} cells, but the profile says {width}; the row is left out", row.number)
            }
            None => {
                let number = row.number;
                format!("row {number} has {cells} cells, but the header has {columns} columns; the row is left out")
            }
        };
        let fix = match fixed {
            true => "Pad every row with blanks to its full length.",
            false => "Write one cell for each column, empty ones too, and quote what contains the delimiter.",
        };
        Finding::error(Code::CSV_COLUMN_COUNT, self.place(row), message, fix)
            .with_rule("CSV-RAGGED")
            .with_excerpt(self.excerpt(row))
    }

    /// A row whose record type the profile does not list.
    pub(super) fn unknown_record(&self, row: &Row, tag: &str) -> Finding {
        let known = self.layouts().iter().map(|layout| layout.tag.as_str()).collect::<Vec<_>>().join(", ");
        let tag: String = tag.chars().take(40).collect();
        Finding::error(
            Code::RECORD_UNEXPECTED,
            self.place(row),
            format!(
                "row {} is of the record type `{tag}`, and the profile `{}` knows {known}; the row is left out",
                row.number, self.plan.profile.name
            ),
            "Write one of the record types of the profile, or add this one to it.",
        )
        .with_rule("RECORD-TYPE")
        .with_value(tag)
        .with_excerpt(self.excerpt(row))
    }

    /// A line without a document above it, or below another one than it names.
    pub(super) fn homeless(&self, row: &Row, other: Option<(FieldId, &str)>) -> Finding {
        let fix = "Write the lines of a document below the record that opens it.";
        match other {
            Some((field, open)) => {
                let said = self.text(row, field).unwrap_or_default();
                let what = format!("`{said}`, but the document above is `{open}`; the row is left out");
                self.about(row, field, Code::RECORD_UNEXPECTED, &said, &what, fix).with_rule("RECORD-ORDER")
            }
            None => Finding::error(
                Code::RECORD_UNEXPECTED,
                self.place(row),
                format!("row {} is a line, but no document stands above it; the row is left out", row.number),
                fix,
            )
            .with_rule("RECORD-ORDER")
            .with_excerpt(self.excerpt(row)),
        }
    }

    /// A row of a document that says something else than its first.
    pub(super) fn disputed(&self, row: &Row, column: usize, of: Documents, number: &str, first: &Row) -> Finding {
        let name = self.name(row, column);
        let value = self.text_at(row, column).unwrap_or_default();
        let (was, first_row) = (self.text_at(first, column).unwrap_or_default(), first.number);
        let what = match of {
            Documents::Remittance => "payment",
            _ => "invoice",
        };
        Finding::error(
            Code::DUPLICATE_DOCUMENT,
            self.at(row, column),
            format!("row {} of {what} {number} says {name} `{value}`, but row {first_row} says `{was}`", row.number),
            format!(
                "Repeat the {what}'s own columns unchanged on each of its rows, or give another {what} another number."
            ),
        )
        .with_rule(repeated_rule(of))
        .with_field(name)
        .with_value(&value)
        .with_excerpt(self.excerpt(row))
    }

    /// A row without the number of its document.
    pub(super) fn unnumbered(&self, row: &Row, field: FieldId) -> Finding {
        let what = "empty: a document without a number is left out";
        self.about(row, field, Code::REQUIRED_MISSING, "", what, "Fill the cell on every row.")
    }

    /// A document that the file had before.
    pub(super) fn repeated(&self, row: &Row, field: FieldId, number: &str, first_row: u64, of: Documents) -> Finding {
        let what = match of {
            Documents::Vendor => format!("{number} is on row {first_row} already; this one is left out"),
            _ => format!("{number} of the same vendor is on row {first_row} already; this one is left out"),
        };
        let fix = "Send each document once, its rows together; give a corrected one a number of its own.";
        self.about(row, field, Code::DUPLICATE_DOCUMENT, number, &what, fix).with_rule(repeated_rule(of))
    }
}
