//! Reads typed elements of the segment at hand, and says what is wrong with them.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::loops::Loops;
use crate::canonical::Evidence;
use crate::edi::Segment;
use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::short::Short;
use crate::x12::values;

/// The transaction set's own record of what was read: where we are, what is wrong, where it stood.
pub(super) struct Record {
    /// The path of the transaction set: `ISA[1]/GS[1]/ST[2]`.
    pub(super) prefix: String,
    pub(super) loops: Loops,
    pub(super) findings: Vec<Finding>,
    pub(super) evidence: Vec<Evidence>,
    ordinal: u32,
    /// The version is of 003xxx, when dates had two-digit years.
    two_digit_years: bool,
}

impl Record {
    pub(super) fn new(prefix: String, ordinal: u32, two_digit_years: bool) -> Self {
        Self { prefix, loops: Loops::new(), findings: Vec::new(), evidence: Vec::new(), ordinal, two_digit_years }
    }

    /// The path of the segment at hand.
    pub(super) fn path(&self) -> Short {
        let mut path = Short::from(&self.prefix);
        path.push_str("/");
        self.loops.add_path(&mut path);
        path
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.findings.push(finding.in_document(self.ordinal));
    }

    /// Where an element of the segment at hand stands.
    pub(super) fn place(&self, segment: &Segment<'_>, element: usize) -> Location {
        segment.element_location(element, &self.path())
    }

    pub(super) fn date(&mut self, segment: &Segment<'_>, element: usize) -> Option<Date> {
        let text = segment.value(element)?;
        let date = values::date(&text, self.two_digit_years);
        if date.is_none() {
            let field = field(segment, element);
            let shape = if self.two_digit_years { "YYMMDD or CCYYMMDD" } else { "CCYYMMDD" };
            self.report(
                Finding::error(
                    Code::DATE_INVALID,
                    self.place(segment, element),
                    format!("{field} says `{}`, which is not a date ({shape})", brief(&text)),
                    format!("Write {field} as a date of the calendar in the form {shape}."),
                )
                .with_rule("BAD-DATE")
                .with_field(field)
                .with_value(&text)
                .with_excerpt(segment.excerpt()),
            );
        }
        date
    }

    /// An R element: the decimal point is written.
    pub(super) fn number(&mut self, segment: &Segment<'_>, element: usize, code: Code) -> Option<Decimal> {
        let text = segment.value(element)?;
        let value = values::decimal(&text);
        if value.is_none() {
            self.bad_number(segment, element, &text, code);
        }
        value
    }

    /// An N2 element: two decimals are implied, whatever the currency.
    pub(super) fn implied(&mut self, segment: &Segment<'_>, element: usize) -> Option<Decimal> {
        let text = segment.value(element)?;
        let Some((value, explicit)) = values::implied(&text) else {
            self.bad_number(segment, element, &text, Code::AMOUNT_INVALID);
            return None;
        };
        if explicit {
            let field = field(segment, element);
            self.report(
                Finding::warning(
                    Code::AMOUNT_IMPLIED_DECIMAL,
                    self.place(segment, element),
                    format!("{field} says `{text}` with a decimal point, where two decimals are implied (N2); read as {value}"),
                    format!("Write {field} without a decimal point: 150.75 is 15075."),
                )
                .with_rule("W-N2-EXPLICIT-DECIMAL")
                .with_field(field)
                .with_value(&text)
                .with_excerpt(segment.excerpt()),
            );
        }
        Some(value)
    }

    fn bad_number(&mut self, segment: &Segment<'_>, element: usize, text: &str, code: Code) {
        let field = field(segment, element);
        self.report(
            Finding::error(
                code,
                self.place(segment, element),
                format!("{field} says `{}`, which is not a number", brief(text)),
                format!("Write {field} with digits only, an optional leading minus, and no thousands separators."),
            )
            .with_rule("BAD-NUMBER")
            .with_field(field)
            .with_value(text)
            .with_excerpt(segment.excerpt()),
        );
    }

    /// The finding for a required element that is not there.
    pub(super) fn missing(&self, segment: &Segment<'_>, element: usize, what: &str) -> Finding {
        let field = field(segment, element);
        Finding::error(
            Code::REQUIRED_MISSING,
            self.place(segment, element),
            format!("{field}, {what}, is missing"),
            format!("Send {field}, {what}."),
        )
        .with_field(field)
        .with_excerpt(segment.excerpt())
    }

    /// Keeps where a canonical field stands in the original.
    pub(super) fn prove(&mut self, field: impl Into<Short>, segment: &Segment<'_>, element: usize) {
        let at = self.place(segment, element);
        self.evidence.push(Evidence::new(field, at, &*segment.as_written(element)));
    }
}

/// An element's name in the trade: `IT104`.
pub(super) fn field(segment: &Segment<'_>, element: usize) -> String {
    format!("{}{element:02}", String::from_utf8_lossy(&segment.id()))
}

/// No more of a value than a sentence bears.
pub(in crate::x12) fn brief(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => text.to_owned(),
        Some((cut, _)) => text.get(..cut).map_or_else(String::new, |head| format!("{head}…")),
    }
}
