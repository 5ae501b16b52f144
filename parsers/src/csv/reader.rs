//! From rows to documents: which rows are one, which are none, and which come twice.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufRead;
use std::ops::ControlFlow;

use encoding_rs::WINDOWS_1252;

use super::rows::{Row, Rows};
use super::sheet::{Sheet, row_place};
use super::sniff::{Plan, names, separator_of};
use super::{invoice, voucher};
use crate::canonical::{Body, Document, Evidence, Invoice};
use crate::profile::{Documents, Profile};
use crate::{Event, Finding, Halt, Limit, Limits, Location, Sink, Summary};

/// Reads a file by a plan.
pub(super) fn read(
    input: &mut dyn BufRead,
    plan: Plan<'_>,
    limits: Limits,
    sink: &mut Sink<'_>,
) -> Result<Summary, Halt> {
    let (profile, charset, dialect) = (plan.profile, plan.charset, plan.dialect);
    let mut rows = Rows::new(charset.open(input).map_err(Halt::Read)?, charset, dialect, limits);
    let mut row = Row::default();
    let mut title_rows = profile.skip_rows;
    let mut units = 0;
    let mut header = None;
    while header.is_none() && rows.next(&mut row)? {
        units += 1;
        if row.number == 1 && separator_of(&row).is_some() {
            rows.uncount();
        } else if title_rows > 0 {
            title_rows -= 1;
        } else if !row.is_blank(dialect) {
            header = Some(names(&row, charset, dialect));
        }
    }
    let sheet = Sheet::new(plan, header.unwrap_or_default());
    let mut reader =
        Reader { sheet, limits, sink, documents: 0, open: None, repeated: None, seen: HashMap::new(), held: None };
    let about_header = reader.sheet.judge_header(&row);
    let is_ambiguous = Sheet::is_ambiguous(&about_header);
    for finding in about_header {
        reader.tell(finding)?;
    }
    if !is_ambiguous {
        loop {
            match rows.next(&mut row) {
                Ok(true) => {}
                Ok(false) => break,
                Err(halt) => return Err(reader.halted(halt, &row)),
            }
            units += 1;
            reader.take(&row)?;
        }
        reader.release(None)?;
        reader.close()?;
    }
    Ok(Summary {
        format: "csv".to_owned(),
        encoding: Some(reader.sheet.plan.charset.name()),
        profile: Some(profile.name.clone()),
        documents: u64::from(reader.documents),
        units,
        ..Summary::default()
    })
}

struct Reader<'p, 'r, 's> {
    sheet: Sheet<'p>,
    limits: Limits,
    sink: &'r mut Sink<'s>,
    documents: u32,
    /// The invoice whose rows are being read.
    open: Option<Open>,
    /// A document that came before: its rows are passed over.
    repeated: Option<Key>,
    /// Documents told so far, by the hash of their key, with their first row.
    seen: HashMap<u64, u64>,
    held: Option<Held>,
}

/// What tells a document from another: the cells of its key, as they are written.
type Key = Vec<Option<String>>;

/// An invoice whose rows are being read.
struct Open {
    key: Key,
    /// Its own fields as the first row has them, by column.
    own: Vec<Option<String>>,
    invoice: Invoice,
    evidence: Vec<Evidence>,
    at: Location,
    first_row: u64,
    /// Where its last row ends.
    end: u64,
    text_bytes: usize,
    /// No row or line amount of it is missing.
    is_whole: bool,
    /// It has been said that its rows disagree.
    is_disputed: bool,
}

/// Findings on rows that were kept out, until the next row says whose they are.
struct Held {
    key: Key,
    findings: Vec<Finding>,
}

/// So many documents of one file are remembered, to tell when one comes again: 16 bytes each.
const SEEN_MAX: usize = 400_000;
/// So many findings wait for their document.
const HELD_MAX: usize = 64;
/// One document's rows hold at most as much as this many rows of the greatest length.
const ROWS_OF_GREATEST_LENGTH: usize = 64;

impl Reader<'_, '_, '_> {
    fn take(&mut self, row: &Row) -> Result<(), Halt> {
        if row.is_blank(self.sheet.plan.dialect) || self.is_sum(row) {
            return Ok(());
        }
        self.check_text(row)?;
        if row.is_unclosed {
            return self.unclosed(row);
        }
        if !self.has_its_cells(row) {
            return self.ragged(row);
        }
        self.sheet.learn(row);
        match self.profile().documents {
            Some(Documents::Voucher) => self.voucher(row),
            _ => self.invoice(row),
        }
    }

    fn profile(&self) -> &'_ Profile {
        self.sheet.plan.profile
    }

    /// Whether it is a row of sums: it begins with a word the profile names, and has no number.
    fn is_sum(&self, row: &Row) -> bool {
        let words = &self.profile().skip_starting_with;
        if words.is_empty() {
            return false;
        }
        let Some(first) = (0..row.cells.len()).find_map(|column| self.sheet.text_at(row, column)) else { return false };
        let first = first.to_lowercase();
        words.iter().any(|word| first.starts_with(&word.to_lowercase()))
            && self.sheet.text(row, self.number_field()).is_none()
    }

    fn number_field(&self) -> &'static str {
        match self.profile().documents {
            Some(Documents::Voucher) => "invoice_number",
            _ => "number",
        }
    }

    /// A guess at the encoding ends with the first byte that is not ASCII; after that, what is no text is said.
    fn check_text(&mut self, row: &Row) -> Result<(), Halt> {
        let charset = &mut self.sheet.plan.charset;
        let invalid = charset.first_invalid(&row.text);
        if charset.guessed && !row.text.is_ascii() {
            charset.guessed = false;
            if invalid.is_some() {
                charset.encoding = WINDOWS_1252;
                return Ok(());
            }
        }
        match invalid {
            Some(offset) => self.tell(self.sheet.no_text(row, offset)),
            None => Ok(()),
        }
    }

    /// Cells beyond the header's that are empty are a spreadsheet's, and mean nothing.
    fn has_its_cells(&self, row: &Row) -> bool {
        let columns = self.sheet.header.len();
        row.cells.len() >= columns && row.cells.iter().skip(columns).all(|cell| cell.start == cell.end)
    }

    fn unclosed(&mut self, row: &Row) -> Result<(), Halt> {
        if let Some(open) = self.open.as_mut() {
            open.is_whole = false;
        }
        self.tell(self.sheet.unclosed(row))
    }

    /// What is left to say when a row without an end halts the reading: where a quote was never closed, and
    /// the documents before it.
    fn halted(&mut self, halt: Halt, row: &Row) -> Halt {
        if !matches!(halt, Halt::Limit(_)) {
            return halt;
        }
        if let Some(open) = self.open.as_mut() {
            open.is_whole = false;
        }
        let said = if row.is_unclosed { self.unclosed(row) } else { Ok(()) };
        said.and_then(|()| self.release(None)).and_then(|_| self.close()).err().unwrap_or(halt)
    }

    fn ragged(&mut self, row: &Row) -> Result<(), Halt> {
        let finding = self.sheet.ragged(row);
        let key = self.key(row);
        if !self.profile().group_by_number || self.sheet.text(row, self.number_field()).is_none() {
            return self.tell(finding);
        }
        if let Some(open) = self.open.as_mut().filter(|open| open.key == key) {
            open.is_whole = false;
            let finding = finding.in_document(self.documents);
            return self.tell(finding);
        }
        if self.held.as_ref().is_some_and(|held| held.key != key || held.findings.len() >= HELD_MAX) {
            self.release(None)?;
        }
        self.held.get_or_insert_with(|| Held { key, findings: Vec::new() }).findings.push(finding);
        Ok(())
    }

    /// Tells what was held: of the document that follows, or of none.
    fn release(&mut self, document: Option<u32>) -> Result<bool, Halt> {
        let Some(held) = self.held.take() else { return Ok(false) };
        for mut finding in held.findings {
            finding.document = document;
            self.tell(finding)?;
        }
        Ok(document.is_some())
    }

    fn key(&self, row: &Row) -> Key {
        let fields: &[&str] = match self.profile().documents {
            Some(Documents::Voucher) => &voucher::KEY,
            _ => &invoice::KEY,
        };
        fields.iter().map(|field| self.sheet.text(row, field)).collect()
    }

    fn voucher(&mut self, row: &Row) -> Result<(), Halt> {
        if !self.is_first(row, &self.key(row))? {
            return Ok(());
        }
        let mut cells = self.sheet.cells(row);
        let voucher = voucher::read(&self.sheet, &mut cells);
        let (findings, evidence) = (cells.findings, cells.evidence);
        for finding in findings {
            self.tell(finding.in_document(self.documents))?;
        }
        self.tell_document(row_place(row), evidence, Body::Voucher(Box::new(voucher)))
    }

    fn invoice(&mut self, row: &Row) -> Result<(), Halt> {
        let key = self.key(row);
        let groups = self.profile().group_by_number;
        if groups && self.repeated.as_ref() == Some(&key) {
            return Ok(());
        }
        if groups && self.open.as_ref().is_some_and(|open| open.key == key) {
            self.release(None)?;
            self.check_repeated_cells(row)?;
        } else {
            self.close()?;
            let is_first = self.is_first(row, &key)?;
            self.repeated = (!is_first).then(|| key.clone());
            if !is_first {
                return self.release(None).map(drop);
            }
            let is_its = self.held.as_ref().is_some_and(|held| held.key == key);
            let has_lost_rows = self.release(is_its.then_some(self.documents))?;
            self.begin(row, key, !has_lost_rows)?;
        }
        self.add_line(row)
    }

    fn begin(&mut self, row: &Row, key: Key, is_whole: bool) -> Result<(), Halt> {
        let mut cells = self.sheet.cells(row);
        let invoice = invoice::read(&self.sheet, &mut cells);
        let (findings, evidence) = (cells.findings, cells.evidence);
        let own = self.sheet.own_columns().iter().map(|column| self.sheet.text_at(row, *column)).collect();
        self.open = Some(Open {
            key,
            own,
            invoice,
            evidence,
            at: row_place(row),
            first_row: row.number,
            end: row.byte,
            text_bytes: 0,
            is_whole,
            is_disputed: false,
        });
        for finding in findings {
            self.tell(finding.in_document(self.documents))?;
        }
        Ok(())
    }

    fn add_line(&mut self, row: &Row) -> Result<(), Halt> {
        let Some(open) = self.open.as_mut() else { return Ok(()) };
        open.end = row.byte + row.stored_bytes;
        open.text_bytes += row.text.len();
        let limit = |what, setting, max: usize| {
            Halt::Limit(Limit { what, setting, max: max as u64, byte: row.byte, line: row.line })
        };
        let bytes_max = self.limits.token_bytes_max.saturating_mul(ROWS_OF_GREATEST_LENGTH);
        if open.text_bytes > bytes_max {
            return Err(limit("rows of one document, in bytes,", "token_bytes_max", bytes_max));
        }
        let mut cells = self.sheet.cells(row);
        let line = invoice::read_line(&mut cells, open.invoice.lines.len(), open.invoice.currency.as_deref());
        if let Some(line) = line {
            if open.invoice.lines.len() >= self.limits.lines_max {
                return Err(limit("number of lines of one document", "lines_max", self.limits.lines_max));
            }
            open.invoice.lines.push(line);
            open.evidence.append(&mut cells.evidence);
        }
        let findings = cells.findings;
        open.is_whole &= findings.is_empty();
        for finding in findings {
            self.tell(finding.in_document(self.documents))?;
        }
        Ok(())
    }

    /// A document's own fields are the same on each of its rows; the first difference is said.
    fn check_repeated_cells(&mut self, row: &Row) -> Result<(), Halt> {
        let Some(open) = self.open.as_mut().filter(|open| !open.is_disputed) else { return Ok(()) };
        let differs = |(column, first): &(&usize, &Option<String>)| self.sheet.text_at(row, **column) != **first;
        let Some((column, first)) = self.sheet.own_columns().iter().zip(&open.own).find(differs) else { return Ok(()) };
        open.is_disputed = true;
        let number = open.invoice.number.as_deref().unwrap_or_default();
        let first = (open.first_row, first.as_deref().unwrap_or_default());
        let finding = self.sheet.disputed(row, *column, number, first).in_document(self.documents);
        self.tell(finding)
    }

    /// Whether no document before had this key. One without a number is none, and that is said too.
    fn is_first(&mut self, row: &Row, key: &Key) -> Result<bool, Halt> {
        let field = self.number_field();
        let Some(number) = self.sheet.text(row, field) else {
            self.tell(self.sheet.unnumbered(row, field))?;
            return Ok(false);
        };
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        let Some(first_row) = self.seen.get(&hash).copied() else {
            if self.seen.len() < SEEN_MAX {
                self.seen.insert(hash, row.number);
            }
            return Ok(true);
        };
        self.tell(self.sheet.repeated(row, field, &number, first_row))?;
        Ok(false)
    }

    /// Tells the invoice whose rows have been read.
    fn close(&mut self) -> Result<(), Halt> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        invoice::settle(&mut open.invoice, &self.profile().credit_types);
        if let Some((sum, total)) = invoice::sums(&open.invoice).filter(|_| open.is_whole && !open.is_disputed) {
            let finding = invoice::mismatch(&open.invoice, &open.evidence, &open.at, sum, total);
            self.tell(finding.in_document(self.documents))?;
        }
        let mut at = open.at;
        at.len = u32::try_from(open.end.saturating_sub(at.byte)).unwrap_or(u32::MAX);
        self.tell_document(at, open.evidence, Body::Invoice(Box::new(open.invoice)))
    }

    fn tell_document(&mut self, location: Location, evidence: Vec<Evidence>, body: Body) -> Result<(), Halt> {
        let document = Document {
            ordinal: self.documents,
            format: "csv".to_owned(),
            version: Some(self.profile().name.clone()),
            location,
            control: Vec::new(),
            evidence,
            body,
        };
        self.documents = self.documents.saturating_add(1);
        told((self.sink)(Event::Document(Box::new(document))))
    }

    /// Tells a finding as the chosen profile weighs it: among several candidates the caller cannot know.
    fn tell(&mut self, mut finding: Finding) -> Result<(), Halt> {
        match self.profile().weigh(finding.code.as_str(), finding.rule, finding.severity) {
            None => Ok(()),
            Some(severity) => {
                finding.severity = severity;
                told((self.sink)(Event::Finding(Box::new(finding))))
            }
        }
    }
}

fn told(answer: ControlFlow<()>) -> Result<(), Halt> {
    match answer {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Halt::Stopped),
    }
}
