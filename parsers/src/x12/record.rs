//! Reads typed elements of the segment at hand, whatever its transaction set, and says what is wrong with
//! them.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::loops::{Grammar, Loops};
use super::values;
use crate::canonical::{Evidence, Text};
use crate::edi::Segment;
use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::path::Steps;
use crate::short::Short;
use crate::text::brief;
use crate::{Halt, Limit, Limits};

/// Text one document may bring, in longest segments.
const TEXT_SEGMENTS_MAX: usize = 64;
/// An invoice of six lines has so many fields that a person may dispute.
const EVIDENCE_EXPECTED: usize = 16;
/// Findings kept of one document before they are told.
const KEPT_MAX: usize = 1_000;

/// The transaction set's own record of what was read: where we are, what is wrong, where it stood.
pub(super) struct Record {
    pub(super) loops: Loops,
    /// What is wrong, each with the place of its segment in the set: ST is 1.
    pub(super) said: Vec<(Finding, u64)>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) limits: Limits,
    /// The place of the segment at hand in its transaction set; ST is 1.
    pub(super) position: u64,
    grammar: &'static Grammar,
    ordinal: u32,
    /// The version is of 003xxx, when dates had two-digit years.
    two_digit_years: bool,
    text_bytes: usize,
}

/// An element kept for a check at the end of its set.
#[derive(Clone)]
pub(super) struct Noted {
    pub(super) place: Location,
    pub(super) raw: Short,
    pub(super) excerpt: Short,
    pub(super) position: u64,
}

/// The ST segment, kept for what is reported at the end of its set.
pub(super) struct Place {
    pub(super) location: Location,
    pub(super) excerpt: Short,
}

impl Record {
    /// `set` is the path of the transaction set, `version` the group's (GS08).
    pub(super) fn new(
        grammar: &'static Grammar,
        set: Steps,
        ordinal: u32,
        version: Option<&str>,
        limits: Limits,
    ) -> Self {
        Self {
            loops: Loops::new(grammar, set),
            said: Vec::new(),
            evidence: Vec::with_capacity(EVIDENCE_EXPECTED),
            limits,
            position: 1,
            grammar,
            ordinal,
            two_digit_years: version.is_some_and(|version| version < "004"),
            text_bytes: 0,
        }
    }

    /// Steps on to a segment; `false` when its set has none of its kind, which is reported.
    pub(super) fn step(&mut self, segment: &Segment<'_>) -> Result<bool, Halt> {
        self.position += 1;
        if !self.loops.step(segment.id) {
            self.unknown(segment);
            return Ok(false);
        }
        self.text_bytes += segment.raw.len();
        let text_bytes_max = self.limits.token_bytes_max.saturating_mul(TEXT_SEGMENTS_MAX);
        within(segment, "text of one document in bytes", "token_bytes_max", self.text_bytes, text_bytes_max)?;
        Ok(true)
    }

    /// What was said so far, when it is too much to keep until the end.
    pub(super) fn overflow(&mut self) -> Vec<(Finding, u64)> {
        if self.said.len() > KEPT_MAX { std::mem::take(&mut self.said) } else { Vec::new() }
    }

    fn unknown(&mut self, segment: &Segment<'_>) {
        let id = segment.written(0);
        let id = brief(&id);
        let set = self.grammar.set;
        let article = if set.starts_with('8') { "an" } else { "a" };
        self.report(
            Finding::error(
                Code::EDI_SEGMENT_UNEXPECTED,
                segment.location(self.path()),
                format!("segment `{id}` is not part of {article} {set}; it was left out"),
                "Remove the segment, or agree with us what it means.",
            )
            .with_rule("UNKNOWN-SEGMENT")
            .with_value(id)
            .with_excerpt(segment.excerpt()),
        );
    }

    /// A segment that may come once comes again.
    pub(super) fn repeated(&mut self, segment: &Segment<'_>) {
        let id = segment.written(0);
        self.report(
            Finding::error(
                Code::EDI_SEGMENT_UNEXPECTED,
                segment.location(self.path()),
                format!("a second {id} in one transaction set; the first one counts"),
                format!("Send one {id} per transaction set, and a transaction set per {}.", self.grammar.document),
            )
            .with_field(id)
            .with_excerpt(segment.excerpt()),
        );
    }

    /// A segment that every set of this kind has was not met until its end. `without` says what that takes
    /// away, `fix` where it belongs.
    pub(super) fn lacking(
        &mut self,
        st: &Place,
        segment: &'static str,
        rule: &'static str,
        position: u64,
        without: &str,
        fix: &str,
    ) {
        let set = self.grammar.set;
        let message = format!("this {set} has no {segment} segment, and thus {without}");
        let finding = Finding::error(Code::EDI_SEGMENT_MISSING, st.location.clone(), message, fix);
        self.report_at(finding.with_rule(rule).with_field(segment).with_excerpt(&st.excerpt), position);
    }

    /// Keeps an element of the segment at hand.
    pub(super) fn note(&self, segment: &Segment<'_>, element: usize) -> Noted {
        Noted {
            place: self.place(segment, element),
            raw: segment.as_written(element).into(),
            excerpt: segment.excerpt().into(),
            position: self.position,
        }
    }

    /// A currency code, as it is written; what is none is reported.
    pub(super) fn currency(&mut self, cur: &Segment<'_>, element: usize) -> Option<Text> {
        let currency = cur.text(element)?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let field = field(cur, element);
            let finding = Finding::error(
                Code::CURRENCY_UNKNOWN,
                self.place(cur, element),
                format!("{field} says `{}`, which is not a currency code", brief(&currency)),
                "Write the ISO 4217 code of the currency in capitals: USD.",
            );
            self.report(finding.with_field(field).with_value(&currency).with_excerpt(cur.excerpt()));
        }
        Some(currency)
    }

    /// The path of the segment at hand.
    pub(super) fn path(&self) -> Steps {
        *self.loops.path()
    }

    /// Reports a finding of the segment at hand.
    pub(super) fn report(&mut self, finding: Finding) {
        self.report_at(finding, self.position);
    }

    /// Reports a finding of a segment that came earlier.
    pub(super) fn report_at(&mut self, finding: Finding, position: u64) {
        self.said.push((finding.in_document(self.ordinal), position));
    }

    /// Where an element of the segment at hand stands.
    #[inline(always)]
    pub(super) fn place(&self, segment: &Segment<'_>, element: usize) -> Location {
        segment.element_location(element, self.loops.path())
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
    #[inline(always)]
    pub(super) fn number(&mut self, segment: &Segment<'_>, element: usize, code: Code) -> Option<Decimal> {
        let text = segment.value(element)?;
        let value = values::decimal(&text);
        if value.is_none() {
            self.bad_number(segment, element, &text, code);
        }
        value
    }

    /// An N2 element: two decimals are implied, whatever the currency.
    #[inline(always)]
    pub(super) fn implied(&mut self, segment: &Segment<'_>, element: usize) -> Option<Decimal> {
        let text = segment.value(element)?;
        let Some((value, explicit)) = values::implied(&text) else {
            self.bad_number(segment, element, &text, Code::AMOUNT_INVALID);
            return None;
        };
        if explicit {
            self.say_explicit(segment, element, &text, value);
        }
        Some(value)
    }

    /// A point is written where two decimals are implied.
    #[cold]
    fn say_explicit(&mut self, segment: &Segment<'_>, element: usize, text: &str, value: Decimal) {
        let field = field(segment, element);
        self.report(
            Finding::warning(
                Code::AMOUNT_IMPLIED_DECIMAL,
                self.place(segment, element),
                format!(
                    "{field} says `{text}` with a decimal point, where two decimals are implied (N2); read as {value}"
                ),
                format!("Write {field} without a decimal point: 150.75 is 15075."),
            )
            .with_rule("W-N2-EXPLICIT-DECIMAL")
            .with_field(field)
            .with_value(text)
            .with_excerpt(segment.excerpt()),
        );
    }

    #[cold]
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
    #[inline(always)]
    pub(super) fn prove(&mut self, field: impl Into<Short>, segment: &Segment<'_>, element: usize) {
        let at = self.place(segment, element);
        let raw = segment.as_written(element).into();
        self.evidence.push(Evidence { field: field.into(), at, raw });
    }
}

/// An element's name in the trade: `IT104`.
pub(super) fn field(segment: &Segment<'_>, element: usize) -> String {
    format!("{}{element:02}", String::from_utf8_lossy(segment.id))
}

/// Holds a count against its limit.
pub(super) fn within(
    at: &Segment<'_>,
    what: &'static str,
    setting: &'static str,
    count: usize,
    max: usize,
) -> Result<(), Halt> {
    if count <= max {
        return Ok(());
    }
    Err(Halt::Limit(Limit { what, setting, max: max as u64, byte: at.byte, line: at.line }))
}
