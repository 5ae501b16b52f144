//! Canonical documents as tables, in the columns of Waybill's own profiles (`waybill-invoices`,
//! `waybill-vouchers`, `waybill-vendors`, `waybill-remittances`), which read them back.
//!
//! UTF-8, commas, RFC 4180's quotes, a point in amounts, dates as ISO 8601 writes them. A table holds one kind of
//! documents. Credit notes are written with negative amounts, as those profiles read them.

mod fields;

use std::io::{self, Write};

use self::fields::Subject;
use crate::Document;
use crate::canonical::Body;
use crate::profile::{Documents, FIELDS, Field, FieldKind, built_in};

/// Writes a table, a document at a time.
#[derive(Debug)]
pub struct Writer {
    documents: Documents,
    /// The columns: each field, and its name in the header.
    columns: Vec<(&'static Field, String)>,
    has_header: bool,
    /// An amount was written that can be read one way only; the reader knows the decimal mark from then on.
    has_shown_mark: bool,
}

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the table.
    Written,
    /// It is not, and this is why.
    NotWritten(&'static str),
}

impl Writer {
    /// A table of one kind of documents.
    #[must_use]
    pub fn new(documents: Documents) -> Self {
        let name = match documents {
            Documents::Invoice => "waybill-invoices",
            Documents::Voucher => "waybill-vouchers",
            Documents::Vendor => "waybill-vendors",
            Documents::Remittance => "waybill-remittances",
        };
        let profile = built_in().iter().find(|profile| profile.name == name);
        let column = |field: &'static Field| {
            let words = profile?.columns.get(field.name)?;
            Some((field, words.all().first()?.clone()))
        };
        let columns = FIELDS.iter().filter(|field| field.of == documents).filter_map(column).collect();
        Self { documents, columns, has_header: false, has_shown_mark: false }
    }

    /// The kind of table that a document goes into; `None` where there is none.
    #[must_use]
    pub fn documents_of(document: &Document) -> Option<Documents> {
        match &document.body {
            Body::Invoice(_) => Some(Documents::Invoice),
            Body::Voucher(_) => Some(Documents::Voucher),
            Body::Vendor(_) => Some(Documents::Vendor),
            Body::RemittanceAdvice(_) => Some(Documents::Remittance),
            Body::PaymentOrder(_) | Body::Statement(_) | Body::Acknowledgment(_) => None,
        }
    }

    /// Writes a document, a row for each of its lines; before the first, the header.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write(&mut self, document: &Document, out: &mut dyn Write) -> io::Result<Outcome> {
        let subject = match Subject::of(&document.body) {
            Some(subject) if subject.documents() == self.documents => subject,
            Some(_) => return Ok(Outcome::NotWritten("a table holds one kind of documents, and this is another")),
            None => return Ok(Outcome::NotWritten("there is no table for this kind of document")),
        };
        match subject.text(self.documents.number_field(), 0) {
            None => return Ok(Outcome::NotWritten("a row is found by its number, and this document has none")),
            Some(number) if number.contains(is_no_text) => {
                return Ok(Outcome::NotWritten("its number holds a control character, which is no text"));
            }
            Some(_) => {}
        }
        if !self.has_header {
            let names: Vec<String> = self.columns.iter().map(|(_, name)| name.clone()).collect();
            write_row(&names, out)?;
            self.has_header = true;
        }
        for line in 0..subject.lines().max(1) {
            let mut cells: Vec<String> = self
                .columns
                .iter()
                .map(|(field, _)| subject.text(field.name, line).unwrap_or_default().into())
                .collect();
            self.show_mark(&mut cells);
            write_row(&cells, out)?;
        }
        Ok(Outcome::Written)
    }

    /// `1.234` may be a thousand to who has not seen this table's decimal mark: until it was shown, such an amount
    /// gets one more decimal, which changes nothing of it.
    fn show_mark(&mut self, cells: &mut [String]) {
        if self.has_shown_mark {
            return;
        }
        let is_number = |kind: FieldKind| matches!(kind, FieldKind::Amount | FieldKind::Number);
        let numeric = || self.columns.iter().map(|(field, _)| is_number(field.kind));
        let shows = |cell: &String| cell.contains('.') && !can_be_read_two_ways(cell);
        if !cells.iter().zip(numeric()).any(|(cell, is_number)| is_number && shows(cell)) {
            let doubtful = cells.iter_mut().zip(numeric()).find(|(cell, is_number)| *is_number && cell.contains('.'));
            match doubtful {
                None => return,
                Some((cell, _)) => cell.push('0'),
            }
        }
        self.has_shown_mark = true;
    }
}

/// Three decimals after one to three digits look like a thousand.
fn can_be_read_two_ways(amount: &str) -> bool {
    let digits = amount.trim_start_matches('-');
    digits.split_once('.').is_some_and(|(whole, fraction)| {
        fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0')
    })
}

fn write_row(cells: &[String], out: &mut dyn Write) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        // What is no text in a table would make it none.
        let cell: String = cell.chars().map(|c| if is_no_text(c) { ' ' } else { c }).collect();
        if cell.contains(['"', ',', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}

fn is_no_text(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}
