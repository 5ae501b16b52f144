//! The cells of one row, read by the profile's conventions, with what was found while reading them.

use std::borrow::Cow;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::amount::NoAmount;
use super::currency::minor_units;
use super::layout::Layout;
use super::rows::{CellKind, Row};
use super::sheet::Sheet;
use crate::canonical::{Evidence, Text};
use crate::profile::{DatePattern, FieldId};
use crate::short::Short;
use crate::text::brief;
use crate::{Code, Finding, Severity};

/// One row's cells, and what was found while reading them.
pub(super) struct Cells<'s> {
    sheet: &'s Sheet<'s>,
    row: &'s Row,
    /// The row as text, if it is no more than that.
    whole: Option<&'s str>,
    layout: Option<&'s Layout>,
    /// Which line of the document the line's values are of.
    line: usize,
    pub findings: Vec<Finding>,
    pub evidence: Vec<Evidence>,
}

/// A text is kept up to this many characters; more is `length_exceeded`.
const TEXT_CHARS_MAX: usize = 2_000;

/// The canonical path of a value: of the document, or of the line that is read.
#[derive(Clone, Copy)]
pub(super) enum Path {
    Own(&'static str),
    Line(&'static str),
}

impl<'s> Cells<'s> {
    /// `whole` is the row as text, if it is no more than that.
    pub(super) fn new(sheet: &'s Sheet<'s>, row: &'s Row, whole: Option<&'s str>) -> Self {
        let layout = sheet.layout(row);
        Self { sheet, row, whole, layout, line: 0, findings: Vec::new(), evidence: Vec::new() }
    }

    /// What is read from here on is of a line of the document.
    pub(super) fn of_line(&mut self, index: usize) {
        self.line = index;
    }

    #[inline(always)]
    fn read(&self, field: FieldId) -> Option<Cow<'s, str>> {
        self.find(field).map(|(_, text)| text)
    }

    /// The same, with the column it stands in.
    #[inline(always)]
    fn find(&self, field: FieldId) -> Option<(usize, Cow<'s, str>)> {
        let column = self.layout?.column(field)?;
        Some((column, self.sheet.read_in(self.row, self.whole, column)?))
    }

    /// A text, shortened to what is kept.
    #[inline(always)]
    pub(super) fn text(&mut self, field: FieldId) -> Option<Text> {
        self.kept(field).map(Text::from)
    }

    #[inline(always)]
    fn kept(&mut self, field: FieldId) -> Option<Cow<'s, str>> {
        let text = self.read(field)?;
        if text.len() <= TEXT_CHARS_MAX {
            return Some(text);
        }
        self.shortened(field, text)
    }

    /// No more of a text than is kept.
    #[cold]
    fn shortened(&mut self, field: FieldId, text: Cow<'s, str>) -> Option<Cow<'s, str>> {
        let Some((cut, _)) = text.char_indices().nth(TEXT_CHARS_MAX) else { return Some(text) };
        let what = format!("longer than {TEXT_CHARS_MAX} characters; the rest is not kept");
        self.report(Code::LENGTH_EXCEEDED, None, field, &text, &what, "Shorten the text.");
        self.only_warn();
        text.get(..cut).map(|kept| Cow::Owned(kept.to_owned()))
    }

    /// A text that must be there, with its evidence under a canonical path.
    #[inline(always)]
    pub(super) fn witnessed(&mut self, field: FieldId, path: Path) -> Option<Text> {
        let text = self.kept(field)?;
        if let Some(column) = self.layout.and_then(|layout| layout.column(field)) {
            self.witness(column, path, &text);
        }
        Some(text.into())
    }

    /// An amount or a number, with its evidence.
    #[inline(always)]
    pub(super) fn amount(&mut self, field: FieldId, path: Path) -> Option<Decimal> {
        let (column, text) = self.find(field)?;
        let kind = self.row.kind(column);
        match kind {
            CellKind::Text => self.witness(column, path, &text),
            // What a workbook stores, and not what is made of it.
            CellKind::Number | CellKind::Day => self.witness(column, path, &self.sheet.stored(self.row, column)),
        }
        let read = match (kind, self.sheet.format(field)) {
            (CellKind::Text, Some(format)) => self.sheet.amounts.read_formatted(&text, format),
            (CellKind::Text, None) => self.sheet.amounts.read(&text),
            (CellKind::Number | CellKind::Day, _) => Decimal::from_str_exact(&text).map_err(|_| NoAmount::NotANumber),
        };
        match read {
            Ok(amount) => Some(amount),
            Err(why) => {
                self.say_no_amount(field, &text, why);
                None
            }
        }
    }

    /// Says why a text is no amount.
    #[cold]
    fn say_no_amount(&mut self, field: FieldId, text: &str, why: NoAmount) {
        let (what, fix) = match why {
            NoAmount::NotANumber => (
                format!(
                    "`{}` is no number by the conventions of the profile `{}`",
                    brief(text),
                    self.sheet.plan.profile.name
                ),
                "Write digits, one decimal mark, and a sign as your profile has them.",
            ),
            NoAmount::Ambiguous => (
                format!(
                    "`{}` can be read two ways, and nothing in the file says which sign is the decimal mark",
                    brief(text)
                ),
                "Say `decimal = \",\"` or `decimal = \".\"` in the profile, or write two decimals.",
            ),
            NoAmount::TooLong => {
                (format!("`{}` has more digits than an amount can have", brief(text)), "Write at most 28 digits.")
            }
        };
        self.report(Code::AMOUNT_INVALID, Some("BAD-NUMBER"), field, text, &what, fix);
    }

    /// An amount of money: no more decimals than its currency has.
    #[inline(always)]
    pub(super) fn money(&mut self, field: FieldId, path: Path, currency: Option<&Money>) -> Option<Decimal> {
        let amount = self.amount(field, path)?;
        if let Some(Money { code, units: Some(units) }) = currency
            && amount.scale() > *units
            && amount.normalize().scale() > *units
        {
            let what = format!("{amount} has more decimals than {code} has ({units})");
            let fix = format!("Round the amount to {units} decimals.");
            self.report(Code::AMOUNT_SCALE, None, field, &amount.to_string(), &what, &fix);
        }
        Some(amount)
    }

    /// A date, with its evidence.
    pub(super) fn date(&mut self, field: FieldId, path: Path) -> Option<Date> {
        let (column, text) = self.find(field)?;
        self.witness(column, path, &text);
        let patterns = &self.sheet.plan.profile.dates;
        // A day of a workbook is no text, and so has no pattern.
        let stored = match self.row.kind(column) {
            CellKind::Day => DatePattern::parse("YYYY-MM-DD").ok().and_then(|pattern| pattern.read(&text)),
            CellKind::Text | CellKind::Number => None,
        };
        if let Some(date) = stored.or_else(|| patterns.iter().find_map(|pattern| pattern.read(&text))) {
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
    pub(super) fn currency(&mut self, field: FieldId) -> Option<Money> {
        let Some((column, text)) = self.find(field) else {
            let code = self.sheet.plan.profile.defaults.currency.clone()?;
            return Some(Money { units: minor_units(&code), code: code.into() });
        };
        self.witness(column, Path::Own("currency"), &text);
        let code: Text = match text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            true if text.len() == 3 => text.as_ref().into(),
            _ => text.chars().take(TEXT_CHARS_MAX).map(|char| char.to_ascii_uppercase()).collect(),
        };
        let units = minor_units(&code);
        if units.is_none() {
            let what = format!("`{}` is no currency of ISO 4217", brief(&text));
            self.report(Code::CURRENCY_UNKNOWN, None, field, &text, &what, "Write a code of three letters: USD, EUR.");
        }
        Some(Money { units, code })
    }

    /// Reports each required field that is empty, but those a default fills: of the document, or of a line.
    pub(super) fn require(&mut self, per_line: bool) {
        let profile = self.sheet.plan.profile;
        for (id, field) in self.sheet.required.iter().filter(|(_, field)| field.per_line == per_line) {
            let filled = field.name == "currency" && profile.defaults.currency.is_some();
            if !filled && self.read(*id).is_none() {
                let what = format!("empty, but the profile `{}` requires it: {}", profile.name, field.about);
                self.report(Code::REQUIRED_MISSING, None, *id, "", &what, "Fill the cell.");
            }
        }
    }

    /// Adds an error at a field's cell.
    pub(super) fn report(
        &mut self,
        code: Code,
        rule: Option<&'static str>,
        field: FieldId,
        value: &str,
        what: &str,
        fix: &str,
    ) {
        let mut finding = self.sheet.about(self.row, field, code, value, what, fix);
        finding.rule = rule;
        self.findings.push(finding);
    }

    /// What was reported last is worth knowing, no more.
    pub(super) fn only_warn(&mut self) {
        if let Some(finding) = self.findings.last_mut() {
            finding.severity = Severity::Warning;
        }
    }

    #[inline(always)]
    fn witness(&mut self, column: usize, path: Path, raw: &str) {
        let cut = match raw.len() <= Finding::VALUE_CHARS_MAX {
            true => None,
            false => raw.char_indices().nth(Finding::VALUE_CHARS_MAX).map(|(cut, _)| cut),
        };
        let raw = cut.and_then(|cut| raw.get(..cut)).unwrap_or(raw);
        let at = self.sheet.at(self.row, column);
        let field = match path {
            Path::Own(path) => Short::fixed(path),
            Path::Line(name) => Short::part("lines", self.line, name),
        };
        self.evidence.push(Evidence { field, at, raw: raw.into() });
    }
}

/// A currency, and how many decimals its amounts have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Money {
    pub code: Text,
    pub units: Option<u32>,
}
