//! From rows to documents: which rows are one, which are none, and which come twice.

use std::mem;
use std::ops::ControlFlow;

use encoding_rs::WINDOWS_1252;

use super::cells::Money;
use super::control::Control;
use super::draft::{self, Draft};
use super::layout::Layout;
use super::rows::{Row, Rows};
use super::sheet::Sheet;
use super::sniff::{Plan, names, separator_of};
use crate::canonical::{Document, Evidence, Text};
use crate::profile::{Documents, FieldId, Profile, Role};
use crate::seen::{Digest, Seen};
use crate::{Event, Finding, Halt, Limit, Limits, Location, Sink, Summary};

/// Where rows come from: a text, or the sheet of a workbook.
pub(super) trait RowSource {
    /// Reads the next row; `false` after the last.
    fn next(&mut self, row: &mut Row) -> Result<bool, Halt>;

    /// The row just read is not counted: the `sep=` row, which spreadsheets do not show.
    fn uncount(&mut self) {}
}

impl RowSource for Rows<'_> {
    fn next(&mut self, row: &mut Row) -> Result<bool, Halt> {
        self.next(row)
    }

    fn uncount(&mut self) {
        self.uncount();
    }
}

/// Where the rows of a file come from, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// `csv`, `fixed-width`, `xlsx`.
    pub format: &'static str,
    /// The name of the workbook's sheet.
    pub sheet: Option<String>,
}

/// Reads a file by a plan.
pub(super) fn read(
    rows: &mut dyn RowSource,
    plan: Plan<'_>,
    origin: Origin,
    limits: Limits,
    sink: &mut Sink<'_>,
) -> Result<Summary, Halt> {
    let profile = plan.profile;
    let Some(of) = profile.documents else { return Ok(Summary::default()) };
    let mut row = Row::default();
    let mut units = 0;
    let has_header = profile.records.is_empty();
    let layouts = match has_header {
        true => vec![Layout::of_header(profile, header(rows, &plan, &mut row, &mut units)?)],
        false => profile.records.iter().map(|record| Layout::of_record(profile, record)).collect(),
    };
    let control = Control::new(&layouts);
    let mut reader = Reader {
        sheet: Sheet::new(plan, layouts, origin.sheet),
        of,
        format: origin.format,
        limits,
        sink,
        documents: 0,
        open: None,
        first: Row::default(),
        repeated: None,
        is_passing: false,
        seen: Seen::default(),
        held: None,
        control,
        evidence_before: 0,
        title_rows: if has_header { 0 } else { u64::from(profile.skip_rows) },
    };
    let about_header = if has_header { reader.sheet.judge_header(&row) } else { Vec::new() };
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
            reader.take(&mut row)?;
        }
        reader.release(None)?;
        reader.close()?;
        reader.end_control(&row)?;
    }
    Ok(Summary {
        format: origin.format.to_owned(),
        encoding: Some(reader.sheet.plan.charset.name()),
        profile: Some(profile.name.clone()),
        documents: u64::from(reader.documents),
        units,
        ..Summary::default()
    })
}

/// The names of the header; `row` is then its row.
fn header(rows: &mut dyn RowSource, plan: &Plan<'_>, row: &mut Row, units: &mut u64) -> Result<Vec<String>, Halt> {
    while rows.next(row)? {
        *units += 1;
        if row.number == 1 && separator_of(row).is_some() {
            rows.uncount();
        } else if row.number > u64::from(plan.profile.skip_rows) && !row.is_blank(plan.dialect) {
            return Ok(names(row, plan.charset, plan.dialect));
        }
    }
    Ok(Vec::new())
}

pub(super) struct Reader<'p, 'r, 's> {
    pub(super) sheet: Sheet<'p>,
    pub(super) of: Documents,
    format: &'static str,
    limits: Limits,
    sink: &'r mut Sink<'s>,
    documents: u32,
    /// The document whose rows are being read.
    open: Option<Open>,
    /// Its first row.
    first: Row,
    /// A document that came before: its rows are passed over.
    repeated: Option<Key>,
    /// The lines that follow belong to a document that is left out.
    is_passing: bool,
    /// Documents told so far, by their key, with their first row.
    seen: Seen<SEEN_MAX, u64>,
    held: Option<Held>,
    pub(super) control: Control,
    /// Rows above the first record.
    title_rows: u64,
    /// How much evidence the document before had: the next will have as much.
    evidence_before: usize,
}

/// So many documents of one file are remembered: 16 bytes each.
const SEEN_MAX: usize = 400_000;
/// So much room is made for it.
const EVIDENCE_EXPECTED_MAX: usize = 256;

/// What tells a document from another: the cells of its key, as they are written.
type Key = Vec<Option<Text>>;

/// A document whose rows are being read.
struct Open {
    draft: Draft,
    currency: Option<Money>,
    evidence: Vec<Evidence>,
    at: Location,
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

/// The format of workbooks.
pub(super) const XLSX: &str = "xlsx";

/// So many findings wait for their document.
const HELD_MAX: usize = 64;
/// One document's rows hold at most as much as this many rows of the greatest length.
const ROWS_OF_GREATEST_LENGTH: usize = 64;

impl<'p> Reader<'p, '_, '_> {
    fn take(&mut self, row: &mut Row) -> Result<(), Halt> {
        if row.is_blank(self.sheet.plan.dialect) || row.number <= self.title_rows {
            return Ok(());
        }
        self.check_text(row)?;
        if row.is_unclosed {
            return self.unclosed(row);
        }
        let role = match self.profile().records.is_empty() {
            true => Role::Row,
            false => match self.assign(row)? {
                Some(role) => role,
                None => return Ok(()),
            },
        };
        if role == Role::Row && self.is_sum(row) {
            return Ok(());
        }
        self.control.count(role);
        if !self.has_its_cells(row) {
            return self.ragged(row);
        }
        self.sheet.learn(row);
        let whole = self.sheet.whole(row);
        match role {
            Role::Row => self.row(row, whole),
            Role::Document => self.document(row, whole),
            Role::Line => self.line(row, whole),
            Role::Trailer => self.trailer(row),
            Role::Ignore => Ok(()),
        }
    }

    /// Finds the record type of a row, and cuts it, if it is of fixed width; `None` where no type is its.
    fn assign(&mut self, row: &mut Row) -> Result<Option<Role>, Halt> {
        let plan = &self.sheet.plan;
        let tag = super::records::assign(row, plan.profile, self.sheet.layouts(), plan.charset, plan.dialect);
        let Err(tag) = tag else { return Ok(self.sheet.layout(row).map(|layout| layout.role)) };
        self.control.count(Role::Ignore);
        if let Some(open) = self.open.as_mut() {
            open.is_whole = false;
        }
        let finding = self.sheet.unknown_record(row, &tag);
        self.tell_of_open(finding)?;
        Ok(None)
    }

    pub(super) fn profile(&self) -> &'p Profile {
        self.sheet.plan.profile
    }

    /// Whether it is a row of sums: it begins with a word the profile names, and has no number; or that word
    /// stands where the number would.
    fn is_sum(&self, row: &Row) -> bool {
        let words = &self.profile().skip_starting_with;
        if words.is_empty() {
            return false;
        }
        let Some(first) = (0..row.cells.len()).find_map(|column| self.sheet.read_at(row, column)) else { return false };
        let first = first.to_lowercase();
        let Some(word) = words.iter().map(|word| word.to_lowercase()).find(|word| first.starts_with(word)) else {
            return false;
        };
        match self.sheet.read(row, self.number_field()) {
            None => true,
            Some(number) => number.to_lowercase().trim_end_matches([':', ' ']) == word,
        }
    }

    fn number_field(&self) -> FieldId {
        draft::number(self.of)
    }

    /// A guess at the encoding ends with the first byte that is not ASCII; after that, what is no text is said.
    fn check_text(&mut self, row: &Row) -> Result<(), Halt> {
        if row.is_ascii {
            return Ok(());
        }
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

    /// Cells beyond the header's that are empty are a spreadsheet's, and mean nothing. A record may be short:
    /// what it lacks is empty.
    fn has_its_cells(&self, row: &Row) -> bool {
        let Some(layout) = self.sheet.layout(row) else { return false };
        if self.profile().records.is_empty() {
            let columns = layout.names.len();
            // A sheet does not store the empty cells at the end of a row.
            let has_enough = row.cells.len() >= columns || self.format == XLSX;
            return has_enough && row.cells.iter().skip(columns).all(|cell| cell.start == cell.end);
        }
        match layout.width {
            None => true,
            Some(width) if layout.spans.is_empty() => row.cells.len() == width,
            Some(width) => row.characters(self.sheet.plan.charset) == width,
        }
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
        self.control.lost();
        let role = self.sheet.layout(row).map_or(Role::Row, |layout| layout.role);
        if role != Role::Row {
            if role == Role::Document {
                self.close()?;
                self.is_passing = true;
            } else if let Some(open) = self.open.as_mut() {
                open.is_whole = false;
            }
            return self.tell_of_open(finding);
        }
        let key = self.key(row);
        if !self.profile().group_by_number || self.sheet.read(row, self.number_field()).is_none() {
            return self.tell(finding);
        }
        if self.open.is_some() && self.is_of_open(row) {
            if let Some(open) = self.open.as_mut() {
                open.is_whole = false;
            }
            return self.tell_of_open(finding);
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
        draft::key(self.of).iter().map(|field| self.sheet.text(row, *field)).collect()
    }

    /// Whether a row is of the document that is open: their keys are the same.
    fn is_of_open(&self, row: &Row) -> bool {
        let Some(layout) = self.sheet.layout(row) else { return false };
        draft::key(self.of)
            .iter()
            .filter_map(|field| layout.column(*field))
            .all(|column| self.sheet.is_same(column, row, &self.first))
    }

    /// A row that stands alone: a document, or the line of the one it names. `whole` is the row as text, if it is no
    /// more than that.
    fn row(&mut self, row: &Row, whole: Option<&str>) -> Result<(), Halt> {
        let groups = self.profile().group_by_number;
        if groups && self.open.is_some() {
            let repeats = self.sheet.layout(row).is_some_and(|layout| layout.repeats(row, &self.first));
            if repeats || self.is_of_open(row) {
                self.release(None)?;
                if !repeats {
                    self.check_repeated_cells(row)?;
                }
                return self.add_line(row, whole);
            }
        }
        if groups && self.repeated.as_ref().is_some_and(|repeated| *repeated == self.key(row)) {
            return Ok(());
        }
        self.control.count(Role::Document);
        self.count_amount(row);
        self.close()?;
        let is_first = self.is_first(row, whole)?;
        self.repeated = (!is_first).then(|| self.key(row));
        if !is_first {
            return self.release(None).map(drop);
        }
        let is_its = self.held.as_ref().is_some_and(|held| held.key == self.key(row));
        let has_lost_rows = self.release(is_its.then_some(self.documents))?;
        self.begin(row, whole, !has_lost_rows)?;
        self.add_line(row, whole)?;
        if groups { Ok(()) } else { self.close() }
    }

    /// A record that opens a document.
    fn document(&mut self, row: &Row, whole: Option<&str>) -> Result<(), Halt> {
        self.close()?;
        self.count_amount(row);
        self.is_passing = !self.is_first(row, whole)?;
        if self.is_passing {
            return Ok(());
        }
        self.begin(row, whole, true)?;
        self.add_line(row, whole)
    }

    /// A record that is a line of the document above it.
    fn line(&mut self, row: &Row, whole: Option<&str>) -> Result<(), Halt> {
        if self.is_passing {
            return Ok(());
        }
        let Some(open) = self.open.as_mut() else {
            return self.tell(self.sheet.homeless(row, None));
        };
        let number = draft::number(self.of);
        let says_other = self.sheet.read(row, number).is_some_and(|said| said != open.draft.number());
        if says_other {
            open.is_whole = false;
            let finding = self.sheet.homeless(row, Some((number, open.draft.number())));
            return self.tell_of_open(finding);
        }
        self.add_line(row, whole)
    }

    fn begin(&mut self, row: &Row, whole: Option<&str>, is_whole: bool) -> Result<(), Halt> {
        let mut cells = self.sheet.cells(row, whole);
        cells.evidence.reserve(self.evidence_before);
        let (draft, currency) = Draft::read(self.of, &self.sheet, &mut cells);
        let (findings, evidence) = (cells.findings, cells.evidence);
        self.first.copy_from(row);
        self.open = Some(Open {
            draft,
            currency,
            evidence,
            at: self.sheet.place(row),
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

    fn add_line(&mut self, row: &Row, whole: Option<&str>) -> Result<(), Halt> {
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
        let profile = self.sheet.plan.profile;
        if !self.sheet.layout(row).is_some_and(|layout| layout.has_line) {
            return Ok(());
        }
        let mut cells = self.sheet.cells(row, whole);
        // Evidence is written where it stays: memory of its own for each row would cost more than the row.
        let before = open.evidence.len();
        cells.evidence = mem::take(&mut open.evidence);
        let is_line = open.draft.read_line(&mut cells, open.currency.as_ref(), profile);
        open.evidence = cells.evidence;
        if !is_line {
            open.evidence.truncate(before);
        } else if open.draft.lines() > self.limits.lines_max {
            return Err(limit("number of lines of one document", "lines_max", self.limits.lines_max));
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
        let Some(layout) = self.sheet.layout(row) else { return Ok(()) };
        let differs = |column: &&usize| !self.sheet.is_same(**column, row, &self.first);
        let Some(column) = layout.own.iter().find(differs) else { return Ok(()) };
        open.is_disputed = true;
        let finding = self.sheet.disputed(row, *column, self.of, open.draft.number(), &self.first);
        self.tell(finding.in_document(self.documents))
    }

    /// Whether no document before had this key. One without a number is none, and that is said too.
    fn is_first(&mut self, row: &Row, whole: Option<&str>) -> Result<bool, Halt> {
        let field = self.number_field();
        let read = |field| self.sheet.layout(row)?.column(field).and_then(|at| self.sheet.read_in(row, whole, at));
        let Some(number) = read(field) else {
            self.control.lost();
            self.tell(self.sheet.unnumbered(row, field))?;
            return Ok(false);
        };
        let mut key = Digest::default();
        for field in draft::key(self.of) {
            key.add(read(*field).as_deref().unwrap_or_default().as_bytes());
        }
        let Some(first_row) = self.seen.meet(&key, row.number) else { return Ok(true) };
        self.tell(self.sheet.repeated(row, field, &number, first_row, self.of))?;
        Ok(false)
    }

    /// Tells the document whose rows have been read.
    pub(super) fn close(&mut self) -> Result<(), Halt> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.draft.settle(self.profile());
        self.evidence_before = open.evidence.len().min(EVIDENCE_EXPECTED_MAX);
        if open.is_whole
            && !open.is_disputed
            && let Some(finding) = open.draft.mismatch(&open.evidence, &open.at)
        {
            self.tell(finding.in_document(self.documents))?;
        }
        let mut at = open.at;
        if self.format != XLSX {
            at.len = u32::try_from(open.end.saturating_sub(at.byte)).unwrap_or(u32::MAX);
        }
        let document = Document {
            ordinal: self.documents,
            format: self.format.into(),
            version: Some((&self.profile().name).into()),
            location: at,
            control: Vec::new(),
            evidence: open.evidence,
            body: open.draft.into_body(),
        };
        self.documents = self.documents.saturating_add(1);
        told((self.sink)(Event::Document(Box::new(document))))
    }

    /// Tells a finding of the document that is open; of the file, where none is.
    fn tell_of_open(&mut self, finding: Finding) -> Result<(), Halt> {
        match self.open {
            Some(_) => self.tell(finding.in_document(self.documents)),
            None => self.tell(finding),
        }
    }

    /// Tells a finding as the chosen profile weighs it: among several candidates the caller cannot know.
    pub(super) fn tell(&mut self, mut finding: Finding) -> Result<(), Halt> {
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
