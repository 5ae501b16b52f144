//! What trailers say: counts and a control total, compared with what came since the trailer before.

use rust_decimal::Decimal;

use super::layout::Layout;
use super::reader::Reader;
use super::rows::Row;
use crate::profile::{FIELDS, FieldId, Role, TrailerField};
use crate::{Code, Finding, Halt};

/// Counts, for each trailer type of a file.
#[derive(Debug, Default)]
pub(super) struct Control {
    /// The trailer's layout, and what came since the last one of it.
    since: Vec<(usize, Counts)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    documents: u64,
    lines: u64,
    records: u64,
    /// Amounts as they are written; `None` once one could not be read.
    total: Total,
    /// A row was left out for its own fault, which has been said.
    has_lost: bool,
    has_seen_trailer: bool,
}

#[derive(Debug, Clone, Copy)]
struct Total(Option<Decimal>);

impl Default for Total {
    fn default() -> Self {
        Self(Some(Decimal::ZERO))
    }
}

impl Control {
    pub(super) fn new(layouts: &[Layout]) -> Self {
        let trailers = layouts.iter().enumerate().filter(|(_, layout)| layout.role == Role::Trailer);
        Self { since: trailers.map(|(index, _)| (index, Counts::default())).collect() }
    }

    /// A record came. A row that stands alone counts as a line, and as a document when it begins one.
    pub(super) fn count(&mut self, role: Role) {
        for (_, counts) in &mut self.since {
            match role {
                Role::Document => {
                    counts.documents += 1;
                    counts.records += 1;
                }
                Role::Line | Role::Row => {
                    counts.lines += 1;
                    counts.records += 1;
                }
                Role::Trailer | Role::Ignore => counts.records += 1,
            }
        }
    }

    /// A row was left out.
    pub(super) fn lost(&mut self) {
        for (_, counts) in &mut self.since {
            counts.has_lost = true;
        }
    }

    fn add(&mut self, amount: Option<Decimal>) {
        for (_, counts) in &mut self.since {
            counts.total = Total(counts.total.0.zip(amount).and_then(|(total, amount)| total.checked_add(amount)));
        }
    }
}

impl Reader<'_, '_, '_> {
    /// Adds the amount of a row that opens a document to the control totals.
    pub(super) fn count_amount(&mut self, row: &Row) {
        if self.control.since.is_empty() {
            return;
        }
        let amount = self.amount_of(row);
        self.control.add(amount);
    }

    fn amount_of(&self, row: &Row) -> Option<Decimal> {
        let name = self.of.amount_field()?;
        let field = FIELDS.iter().position(|field| field.of == self.of && field.name == name).and_then(FieldId::at)?;
        let Some(text) = self.sheet.read(row, field) else { return Some(Decimal::ZERO) };
        match self.sheet.format(field) {
            Some(format) => self.sheet.amounts.read_formatted(&text, format).ok(),
            None => self.sheet.amounts.read(&text).ok(),
        }
    }

    /// A trailer: the document above it ends, and the counts are compared.
    pub(super) fn trailer(&mut self, row: &Row) -> Result<(), Halt> {
        self.close()?;
        let Some(slot) = self.control.since.iter_mut().find(|(record, _)| *record == row.record) else {
            return Ok(());
        };
        let counts = slot.1;
        slot.1 = Counts { has_seen_trailer: true, ..Counts::default() };
        let stated: Vec<(TrailerField, usize)> =
            self.sheet.layout(row).map(|layout| layout.trailer.clone()).unwrap_or_default();
        for (field, column) in stated {
            if let Some(finding) = self.compare(row, field, column, counts) {
                self.tell(finding)?;
            }
        }
        Ok(())
    }

    fn compare(&self, row: &Row, field: TrailerField, column: usize, counts: Counts) -> Option<Finding> {
        let text = self.sheet.read_at(row, column)?;
        let (what, counted, rule) = match field {
            TrailerField::DocumentCount => ("documents", counts.documents, "CONTROL-COUNT"),
            TrailerField::LineCount => ("lines", counts.lines, "CONTROL-COUNT"),
            TrailerField::DataCount => ("documents and lines", counts.documents + counts.lines, "CONTROL-COUNT"),
            TrailerField::RecordCount => ("records", counts.records, "CONTROL-COUNT"),
            TrailerField::ControlTotal => return self.compare_total(row, column, &text, counts),
        };
        match text.parse::<u64>() {
            Ok(stated) if stated == counted => None,
            Ok(stated) => Some(self.differs(
                row,
                column,
                rule,
                &text,
                &format!("the trailer says {stated} {what}, but {counted} came before it"),
            )),
            Err(_) => {
                Some(self.differs(row, column, rule, &text, &format!("the trailer's count of {what} is no number")))
            }
        }
    }

    fn compare_total(&self, row: &Row, column: usize, text: &str, counts: Counts) -> Option<Finding> {
        let rule = "CONTROL-TOTAL";
        let read = match self.profile().numbers.get(TrailerField::ControlTotal.name()) {
            Some(format) => self.sheet.amounts.read_formatted(text, *format),
            None => self.sheet.amounts.read(text),
        };
        let Ok(stated) = read else {
            return Some(self.differs(row, column, rule, text, "the trailer's control total is no number"));
        };
        // A row that was left out has been said; so has an amount that could not be read.
        let counted = counts.total.0.filter(|_| !counts.has_lost)?;
        (stated != counted).then(|| {
            let what = format!("the trailer says {stated} in all, but the documents before it come to {counted}");
            self.differs(row, column, rule, text, &what)
        })
    }

    fn differs(&self, row: &Row, column: usize, rule: &'static str, value: &str, what: &str) -> Finding {
        Finding::error(
            Code::CONTROL_MISMATCH,
            self.sheet.at(row, column),
            format!("row {}: {what}", row.number),
            "Compare the file with the batch it was written from; send it whole, with the trailer counted again.",
        )
        .with_rule(rule)
        .with_field(self.sheet.name(row, column))
        .with_value(value)
        .with_excerpt(self.sheet.excerpt(row))
    }

    /// At the end of the file, after its last row: what stands below the last trailer, or in a file without
    /// one, was cut off from its trailer.
    pub(super) fn end_control(&mut self, last: &Row) -> Result<(), Halt> {
        let cut: Vec<(usize, Counts)> = self
            .control
            .since
            .iter()
            .filter(|(_, counts)| !counts.has_seen_trailer || counts.documents + counts.lines > 0)
            .copied()
            .collect();
        for (record, counts) in cut {
            let tag = self.sheet.layouts().get(record).map_or("", |layout| layout.tag.as_str());
            let finding = Finding::error(
                Code::TRUNCATED,
                self.sheet.place(last),
                format!(
                    "the file ends without a trailer of the type `{tag}` after {} documents and {} lines: it is cut off",
                    counts.documents, counts.lines
                ),
                "Send the file again, whole, with its trailer.",
            )
            .with_rule("CONTROL-TRAILER");
            self.tell(finding)?;
        }
        Ok(())
    }
}
