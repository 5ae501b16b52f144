//! A table under its header: cells asked for by canonical field, read by the profile's conventions, and
//! every one that cannot be read made a finding.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::amount::{Amounts, NoAmount};
use super::currency::minor_units;
use super::rows::{Cell, Row};
use super::sniff::{Plan, column, folded_all};
use crate::canonical::Evidence;
use crate::profile::{Field, FieldKind};
use crate::{Code, Finding, Location};

/// The header, resolved.
pub(super) struct Sheet<'p> {
    pub plan: Plan<'p>,
    pub header: Vec<String>,
    columns: BTreeMap<&'static str, usize>,
    /// The columns of the document's own fields: they must repeat on each of its rows.
    own: Vec<usize>,
    numeric: Vec<usize>,
    amounts: Amounts<'p>,
}

/// A text is kept up to this many characters; more is `length_exceeded`.
const TEXT_CHARS_MAX: usize = 2_000;

impl<'p> Sheet<'p> {
    pub(super) fn new(plan: Plan<'p>, header: Vec<String>) -> Self {
        let profile = plan.profile;
        let folded = folded_all(&header);
        let fields = profile.documents.into_iter().flat_map(Field::all);
        let found: Vec<(&'static Field, usize)> =
            fields.filter_map(|field| Some((field, column(profile, field, &folded)?))).collect();
        let is_numeric = |field: &Field| matches!(field.kind, FieldKind::Amount | FieldKind::Number);
        Self {
            plan,
            header,
            columns: found.iter().map(|(field, column)| (field.name, *column)).collect(),
            own: found.iter().filter(|(field, _)| !field.per_line).map(|(_, column)| *column).collect(),
            numeric: found.iter().filter(|(field, _)| is_numeric(field)).map(|(_, column)| *column).collect(),
            amounts: Amounts::new(profile),
        }
    }

    /// What is wrong with the header itself: names that come twice, names nobody knows.
    pub(super) fn judge_header(&self, row: &Row) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut first: BTreeMap<String, usize> = BTreeMap::new();
        for (index, name) in self.header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let is_mapped = self.columns.values().any(|column| *column == index);
            if let Some(before) = first.insert(super::folded(name), index) {
                let matters = is_mapped || self.columns.values().any(|column| *column == before);
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
        for column in &self.numeric {
            if let Some(cell) = row.cells.get(*column) {
                let value = row.value(*cell, self.plan.dialect.quote);
                self.amounts.learn(&self.plan.charset.text(&value));
            }
        }
    }

    /// The columns of the document's own fields.
    pub(super) fn own_columns(&self) -> &[usize] {
        &self.own
    }

    /// A cell's text by its column, blanks around it cut.
    pub(super) fn text_at(&self, row: &Row, column: usize) -> Option<String> {
        let cell = *row.cells.get(column)?;
        let value = row.value(cell, self.plan.dialect.quote);
        let text = self.plan.charset.text(&value);
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A field's text, if it has a column and something in it.
    pub(super) fn text(&self, row: &Row, field: &str) -> Option<String> {
        self.text_at(row, *self.columns.get(field)?)
    }

    /// The place of a column's cell in a row; of the row, where it has no such cell.
    pub(super) fn at(&self, row: &Row, column: usize) -> Location {
        match row.cells.get(column) {
            Some(cell) => place(row, *cell, &format!("row {}/{}", row.number, self.name(column))),
            None => row_place(row),
        }
    }

    /// The name of a column, as the header has it; its number, where that is empty.
    pub(super) fn name(&self, column: usize) -> String {
        match self.header.get(column) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("column {}", column + 1),
        }
    }

    /// The row as it was written, as much of it as a finding quotes.
    pub(super) fn excerpt(&self, row: &Row) -> String {
        // No character of these encodings is longer than four bytes.
        let bytes = row.text.get(..4 * (Finding::EXCERPT_CHARS_MAX + 1)).unwrap_or(&row.text);
        self.plan.charset.text(bytes).into_owned()
    }

    /// An error at a field's cell.
    pub(super) fn about(&self, row: &Row, field: &str, code: Code, value: &str, what: &str, fix: &str) -> Finding {
        let column = self.columns.get(field).copied();
        let name = column.map_or_else(|| field.to_owned(), |column| self.name(column));
        let at = column.map_or_else(|| row_place(row), |column| self.at(row, column));
        Finding::error(code, at, format!("row {}, {name}: {what}", row.number), fix)
            .with_field(name)
            .with_value(value)
            .with_excerpt(self.excerpt(row))
    }

    /// The cells of a row, by canonical field.
    pub(super) fn cells<'s>(&'s self, row: &'s Row) -> Cells<'s> {
        Cells { sheet: self, row, findings: Vec::new(), evidence: Vec::new() }
    }
}

/// The start of a text, so that what a message says of it is not lost behind it.
fn brief(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
    }
}

/// Where a row stands.
pub(super) fn row_place(row: &Row) -> Location {
    Location::new(row.byte, row.line, format!("row {}", row.number))
        .spanning(usize::try_from(row.stored_bytes).unwrap_or(usize::MAX))
}

fn place(row: &Row, cell: Cell, path: &str) -> Location {
    Location::new(row.byte + cell.byte, row.line + cell.line, path).spanning(cell.len)
}

/// One row's cells, and what was found while reading them.
pub(super) struct Cells<'s> {
    sheet: &'s Sheet<'s>,
    row: &'s Row,
    pub findings: Vec<Finding>,
    pub evidence: Vec<Evidence>,
}

impl Cells<'_> {
    /// A text, shortened to what is kept.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        let text = self.sheet.text(self.row, field)?;
        let Some((cut, _)) = text.char_indices().nth(TEXT_CHARS_MAX) else { return Some(text) };
        let what = format!("longer than {TEXT_CHARS_MAX} characters; the rest is not kept");
        self.report(Code::LENGTH_EXCEEDED, None, field, &text, &what, "Shorten the text.");
        if let Some(finding) = self.findings.last_mut() {
            finding.severity = crate::Severity::Warning;
        }
        text.get(..cut).map(str::to_owned)
    }

    /// A text that must be there, with its evidence under a canonical path.
    pub(super) fn witnessed(&mut self, field: &str, path: &str) -> Option<String> {
        let text = self.text(field)?;
        self.witness(field, path, &text);
        Some(text)
    }

    /// An amount or a number, with its evidence.
    pub(super) fn amount(&mut self, field: &str, path: &str) -> Option<Decimal> {
        let text = self.sheet.text(self.row, field)?;
        self.witness(field, path, &text);
        let (what, fix) = match self.sheet.amounts.read(&text) {
            Ok(amount) => return Some(amount),
            Err(NoAmount::NotANumber) => (
                format!(
                    "`{}` is no number by the conventions of the profile `{}`",
                    brief(&text),
                    self.sheet.plan.profile.name
                ),
                "Write digits, one decimal mark, and a sign as your profile has them.",
            ),
            Err(NoAmount::Ambiguous) => (
                format!(
                    "`{}` can be read two ways, and nothing in the file says which sign is the decimal mark",
                    brief(&text)
                ),
                "Say `decimal = \",\"` or `decimal = \".\"` in the profile, or write two decimals.",
            ),
            Err(NoAmount::TooLong) => {
                (format!("`{}` has more digits than an amount can have", brief(&text)), "Write at most 28 digits.")
            }
        };
        self.report(Code::AMOUNT_INVALID, Some("BAD-NUMBER"), field, &text, &what, fix);
        None
    }

    /// An amount of money: no more decimals than its currency has.
    pub(super) fn money(&mut self, field: &str, path: &str, currency: Option<&str>) -> Option<Decimal> {
        let amount = self.amount(field, path)?;
        if let Some((code, units)) = currency.and_then(|code| Some((code, minor_units(code)?)))
            && amount.normalize().scale() > units
        {
            let what = format!("{amount} has more decimals than {code} has ({units})");
            let fix = format!("Round the amount to {units} decimals.");
            self.report(Code::AMOUNT_SCALE, None, field, &amount.to_string(), &what, &fix);
        }
        Some(amount)
    }

    /// A date, with its evidence.
    pub(super) fn date(&mut self, field: &str, path: &str) -> Option<Date> {
        let text = self.sheet.text(self.row, field)?;
        self.witness(field, path, &text);
        let patterns = &self.sheet.plan.profile.dates;
        if let Some(date) = patterns.iter().find_map(|pattern| pattern.read(&text)) {
            return Some(date);
        }
        let written: Vec<&str> = patterns.iter().map(|pattern| pattern.as_str()).collect();
        let written = written.join(" or ");
        let what = format!("`{}` is no date written {written}", brief(&text));
        let fix = format!("Write the date as {written}.");
        self.report(Code::DATE_INVALID, Some("BAD-DATE"), field, &text, &what, &fix);
        None
    }

    /// The currency: the cell's, or the profile's.
    pub(super) fn currency(&mut self, path: &str) -> Option<String> {
        let Some(text) = self.sheet.text(self.row, "currency") else {
            return self.sheet.plan.profile.defaults.currency.clone();
        };
        self.witness("currency", path, &text);
        let code = text.to_ascii_uppercase();
        if minor_units(&code).is_none() {
            let what = format!("`{}` is no currency of ISO 4217", brief(&text));
            self.report(
                Code::CURRENCY_UNKNOWN,
                None,
                "currency",
                &text,
                &what,
                "Write a code of three letters: USD, EUR.",
            );
        }
        self.cut(code)
    }

    fn cut(&self, text: String) -> Option<String> {
        match text.char_indices().nth(TEXT_CHARS_MAX) {
            None => Some(text),
            Some((cut, _)) => text.get(..cut).map(str::to_owned),
        }
    }

    /// Reports each required field of the document that is empty, but those a default fills.
    pub(super) fn require(&mut self) {
        let profile = self.sheet.plan.profile;
        for field in profile.documents.into_iter().flat_map(Field::all).filter(|field| profile.requires(field)) {
            let filled = field.name == "currency" && profile.defaults.currency.is_some();
            if !filled && self.sheet.text(self.row, field.name).is_none() {
                let what = format!("empty, but the profile `{}` requires it: {}", profile.name, field.about);
                self.report(Code::REQUIRED_MISSING, None, field.name, "", &what, "Fill the cell.");
            }
        }
    }

    /// Adds an error at a field's cell.
    pub(super) fn report(
        &mut self,
        code: Code,
        rule: Option<&'static str>,
        field: &str,
        value: &str,
        what: &str,
        fix: &str,
    ) {
        let mut finding = self.sheet.about(self.row, field, code, value, what, fix);
        finding.rule = rule;
        self.findings.push(finding);
    }

    fn witness(&mut self, field: &str, path: &str, raw: &str) {
        if let Some(column) = self.sheet.columns.get(field) {
            let raw = raw.chars().take(Finding::VALUE_CHARS_MAX).collect();
            self.evidence.push(Evidence { field: path.into(), at: self.sheet.at(self.row, *column), raw });
        }
    }
}
