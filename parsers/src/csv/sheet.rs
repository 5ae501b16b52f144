//! Rows under their layout: cells asked for by canonical field, read by the profile's conventions, and every
//! one that cannot be read made a finding.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::amount::Amounts;
use super::cells::Cells;
use super::layout::{Layout, label};
use super::rows::{Cell, CellKind, Row};
use super::sniff::Plan;
use super::workbook::{cell_name, plain_number, serial_day};
use crate::canonical::Text;
use crate::path::Path;
use crate::profile::{Field, FieldId, NumberFormat};
use crate::short::Short;
use crate::text::trimmed;
use crate::{Code, Finding, Location};

/// A file's layouts, resolved, with the conventions of its profile.
pub(super) struct Sheet<'p> {
    pub plan: Plan<'p>,
    layouts: Vec<Layout>,
    pub amounts: Amounts<'p>,
    /// The name of the workbook's sheet.
    workbook: Option<String>,
    /// Number formats by field; most profiles have none.
    formats: Vec<Option<NumberFormat>>,
    /// The fields that must be filled.
    pub required: Vec<(FieldId, &'static Field)>,
}

impl<'p> Sheet<'p> {
    pub(super) fn new(plan: Plan<'p>, layouts: Vec<Layout>, workbook: Option<String>) -> Self {
        let profile = plan.profile;
        let format = |(index, _)| {
            let name = FieldId::at(index).map(FieldId::name)?;
            profile.numbers.get(name).copied()
        };
        let formats = match profile.numbers.is_empty() {
            true => Vec::new(),
            false => crate::profile::FIELDS.iter().enumerate().map(format).collect(),
        };
        let required = crate::profile::FIELDS.iter().enumerate().filter_map(|(index, field)| {
            let is_required = Some(field.of) == profile.documents && profile.requires(field);
            Some((FieldId::at(index)?, field)).filter(|_| is_required)
        });
        let required = required.collect();
        Self { plan, layouts, amounts: Amounts::new(profile), workbook, formats, required }
    }

    /// How a field's numbers are written, where the profile says.
    #[inline]
    pub(super) fn format(&self, field: FieldId) -> Option<NumberFormat> {
        self.formats.get(field.index()).copied().flatten()
    }

    /// The layout of a row.
    #[inline]
    pub(super) fn layout(&self, row: &Row) -> Option<&Layout> {
        self.layouts.get(row.record)
    }

    /// All of the file's layouts.
    pub(super) fn layouts(&self) -> &[Layout] {
        &self.layouts
    }

    /// What is wrong with the header itself: names that come twice, names nobody knows.
    pub(super) fn judge_header(&self, row: &Row) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        let Some(layout) = self.layouts.first() else { return findings };
        for (index, name) in layout.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let is_mapped = layout.reads(index);
            if let Some(before) = first.insert(super::folded(name), index) {
                let matters = is_mapped || layout.reads(before);
                let new = if matters { Finding::error } else { Finding::warning };
                findings.push(self.about_header(
                    new(
                        Code::CSV_HEADER_DUPLICATE,
                        self.at(row, index),
                        format!("columns {} and {} are both called `{name}`", before + 1, index + 1),
                        "Give each column a name of its own.",
                    ),
                    row,
                    name,
                ));
            } else if !is_mapped && self.plan.profile.unknown_columns == crate::profile::UnknownColumns::Report {
                findings.push(self.about_header(
                    Finding::warning(
                        Code::CSV_HEADER_UNKNOWN,
                        self.at(row, index),
                        format!("the profile `{}` knows no column `{name}`; it is not read", self.plan.profile.name),
                        "Leave the column out, or add its name to the profile.",
                    ),
                    row,
                    name,
                ));
            }
        }
        findings
    }

    fn about_header(&self, finding: Finding, row: &Row, name: &str) -> Finding {
        finding.with_field(name).with_excerpt(self.excerpt(row))
    }

    /// Whether the header names a column that is read twice, so that nobody can tell which is meant.
    pub(super) fn is_ambiguous(findings: &[Finding]) -> bool {
        findings
            .iter()
            .any(|finding| finding.code == Code::CSV_HEADER_DUPLICATE && finding.severity == crate::Severity::Error)
    }

    /// Learns the decimal mark, where the profile says to.
    pub(super) fn learn(&mut self, row: &Row) {
        if !self.amounts.is_learning() {
            return;
        }
        let Some(layout) = self.layouts.get(row.record) else { return };
        for column in &layout.numeric {
            if let Some(cell) = row.cells.get(*column).filter(|cell| cell.kind == CellKind::Text) {
                let value = row.value(*cell, self.plan.dialect.quote);
                self.amounts.learn(&self.plan.charset.text(&value));
            }
        }
    }

    /// A cell's text by its column, blanks around it cut; `None` where there is nothing in it.
    pub(super) fn read_at<'r>(&self, row: &'r Row, column: usize) -> Option<Cow<'r, str>> {
        self.read_in(row, None, column)
    }

    /// The same, by who has the whole row as text already, where its bytes are just that.
    #[inline(always)]
    pub(super) fn read_in<'r>(&self, row: &'r Row, whole: Option<&'r str>, column: usize) -> Option<Cow<'r, str>> {
        let cell = row.cells.get(column)?;
        if cell.start == cell.end {
            return None;
        }
        // Most cells are just their text.
        if !cell.quoted
            && cell.kind == CellKind::Text
            && let Some(text) = whole.and_then(|whole| whole.get(cell.start..cell.end))
        {
            return trimmed(text).map(Cow::Borrowed);
        }
        self.read_quoted(row, whole, *cell)
    }

    /// The same for a cell that may be more than the text between two delimiters.
    fn read_quoted<'r>(&self, row: &'r Row, whole: Option<&'r str>, cell: Cell) -> Option<Cow<'r, str>> {
        if let Some(text) = whole.and_then(|whole| plain(whole, cell, self.plan.dialect.quote)) {
            return trimmed(text).map(Cow::Borrowed);
        }
        let text = match row.value(cell, self.plan.dialect.quote) {
            Cow::Borrowed(value) => self.plan.charset.text(value),
            Cow::Owned(value) => Cow::Owned(self.plan.charset.text(&value).into_owned()),
        };
        let text = match cell.kind {
            CellKind::Text => text,
            CellKind::Number => Cow::Owned(plain_number(&text).unwrap_or_else(|| text.into_owned())),
            CellKind::Day => Cow::Owned(serial_day(&text).map_or_else(|| text.into_owned(), |day| day.to_string())),
        };
        match text {
            Cow::Borrowed(text) => trimmed(text).map(Cow::Borrowed),
            Cow::Owned(text) => match trimmed(&text)? {
                trimmed if trimmed.len() == text.len() => Some(Cow::Owned(text)),
                trimmed => Some(Cow::Owned(trimmed.to_owned())),
            },
        }
    }

    /// A row as text, where its bytes are just that.
    pub(super) fn whole<'r>(&self, row: &'r Row) -> Option<&'r str> {
        self.plan.charset.is_utf8().then(|| std::str::from_utf8(&row.text).ok()).flatten()
    }

    /// The same, to keep.
    pub(super) fn text_at(&self, row: &Row, column: usize) -> Option<Text> {
        self.read_at(row, column).map(Text::from)
    }

    /// A field's text, if it has a column and something in it.
    pub(super) fn read<'r>(&self, row: &'r Row, field: FieldId) -> Option<Cow<'r, str>> {
        self.read_at(row, self.layouts.get(row.record)?.column(field)?)
    }

    /// The same, to keep.
    pub(super) fn text(&self, row: &Row, field: FieldId) -> Option<Text> {
        self.read(row, field).map(Text::from)
    }

    /// What stands in a column's cell, as it stands there.
    pub(super) fn stored<'r>(&self, row: &'r Row, column: usize) -> Cow<'r, str> {
        self.plan.charset.text(row.raw(column).unwrap_or_default())
    }

    /// Whether a column says the same in two rows.
    pub(super) fn is_same(&self, column: usize, one: &Row, two: &Row) -> bool {
        one.raw(column) == two.raw(column) || self.read_at(one, column) == self.read_at(two, column)
    }

    /// The place of a column's cell in a row; of the row, where it has no such cell.
    #[inline(always)]
    pub(super) fn at(&self, row: &Row, column: usize) -> Location {
        if column >= row.cells.len() {
            return self.place(row);
        }
        let path = match (&self.workbook, self.layout(row)) {
            (None, Some(layout)) if layout.tag.is_empty() => match layout.labels.get(column) {
                Some(label) => Path::of_cell(row.number, label),
                None => Path::of_cell(row.number, &label(column)),
            },
            _ => self.long_path(row, column),
        };
        let at = row.place_of(column);
        Location {
            byte: row.byte + at.byte,
            line: row.line + at.line,
            path,
            len: u32::try_from(at.len).unwrap_or(u32::MAX),
        }
    }

    /// The path of a cell of a workbook, or of a file of record types.
    fn long_path(&self, row: &Row, column: usize) -> Path {
        let mut path = self.prefix(row);
        match (&self.workbook, self.layout(row).and_then(|layout| layout.labels.get(column))) {
            (Some(_), _) => path.push_str(&cell_name(column, row.number)),
            (None, Some(label)) => path.push_str(label),
            (None, None) => path.push_str(&label(column)),
        }
        path.into()
    }

    /// What the places of a row's cells begin with: `row 12/` of `row 12/amount`, `row 12/H/` in a file of record
    /// types, `Sheet1!` of `Sheet1!C12`.
    fn prefix(&self, row: &Row) -> Short {
        let mut prefix = Short::new();
        if let Some(sheet) = &self.workbook {
            prefix.push_str(sheet);
            prefix.push_str("!");
            return prefix;
        }
        prefix.push_str("row ");
        prefix.push_number(row.number);
        prefix.push_str("/");
        if let Some(layout) = self.layout(row).filter(|layout| !layout.tag.is_empty()) {
            prefix.push_str(&layout.tag);
            prefix.push_str("/");
        }
        prefix
    }

    /// Where a row stands.
    pub(super) fn place(&self, row: &Row) -> Location {
        let path = match &self.workbook {
            Some(sheet) => format!("{sheet}!{}", row.number).into(),
            None => Path::of_row(row.number),
        };
        Location::new(row.byte, row.line, path).spanning(match self.workbook {
            Some(_) => 0,
            None => usize::try_from(row.stored_bytes).unwrap_or(usize::MAX),
        })
    }

    /// The name of a column of a row.
    pub(super) fn name(&self, row: &Row, column: usize) -> String {
        self.layout(row).map(|layout| layout.name(column)).unwrap_or_default()
    }

    /// The row as it was written, as much of it as a finding quotes.
    pub(super) fn excerpt(&self, row: &Row) -> String {
        // No character of these encodings is longer than four bytes.
        let bytes = row.text.get(..4 * (Finding::EXCERPT_CHARS_MAX + 1)).unwrap_or(&row.text);
        let text = self.plan.charset.text(bytes);
        // Between the cells of a workbook stands what no cell contains; people see a bar.
        if self.workbook.is_some() { text.replace('\u{1f}', " | ") } else { text.into_owned() }
    }

    /// An error at a field's cell.
    pub(super) fn about(&self, row: &Row, field: FieldId, code: Code, value: &str, what: &str, fix: &str) -> Finding {
        let column = self.layout(row).and_then(|layout| layout.column(field));
        let name = column.map_or_else(|| field.name().to_owned(), |column| self.name(row, column));
        let at = column.map_or_else(|| self.place(row), |column| self.at(row, column));
        Finding::error(code, at, format!("row {}, {name}: {what}", row.number), fix)
            .with_field(name)
            .with_value(value)
            .with_excerpt(self.excerpt(row))
    }

    /// The cells of a row, by canonical field; `whole` is the row as text, if it is no more than that.
    #[inline]
    pub(super) fn cells<'s>(&'s self, row: &'s Row, whole: Option<&'s str>) -> Cells<'s> {
        Cells::new(self, row, whole)
    }
}

/// A cell as it stands in its row; `None` where it is something else than text, or has quotes in its quotes.
fn plain(whole: &str, cell: Cell, quote: Option<u8>) -> Option<&str> {
    let text = whole.get(cell.start..cell.end).filter(|_| cell.kind == CellKind::Text)?;
    let (true, Some(quote)) = (cell.quoted, quote) else { return Some(text) };
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let closes = text.as_bytes().last() == Some(&quote) && memchr::memchr(quote, inner.as_bytes()).is_none();
    closes.then_some(inner)
}
