//! Reads typed components of the segment at hand, and says what is wrong with them: one message's own
//! record of where we are, what is wrong, and where it stood.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::groups::{Grammar, Groups};
use super::receipts::Fault;
use super::segment::{Segment, Spot, Tag};
use super::values;
use crate::Halt;
use crate::canonical::{Evidence, Text};
use crate::finding::{Code, Finding};
use crate::limits::{Limit, Limits};
use crate::location::Location;
use crate::path::{Path, Steps};
use crate::short::Short;
use crate::text::brief;

/// Text one message may bring, in longest segments.
const TEXT_SEGMENTS_MAX: usize = 64;

pub(super) struct Record {
    pub(super) groups: Groups,
    pub(super) findings: Vec<Finding>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) limits: Limits,
    ordinal: u32,
    /// The position of the segment at hand in its message: UNH is 1.
    position: u64,
    /// Which findings are faults of a segment, and where: for the acknowledgment.
    pub(super) faults: Vec<(usize, Fault)>,
    text_bytes: usize,
    /// Repeated parts taken so far.
    parts: usize,
}

impl Record {
    pub(super) fn new(prefix: Steps, ordinal: u32, grammar: &'static Grammar, limits: Limits) -> Self {
        let groups = Groups::new(grammar, prefix);
        Self {
            groups,
            findings: Vec::new(),
            // A message of a few lines proves some dozens of fields.
            evidence: Vec::with_capacity(32),
            limits,
            ordinal,
            position: 1,
            faults: Vec::new(),
            text_bytes: 0,
            parts: 0,
        }
    }

    /// Steps on to a segment; a message has a limit.
    pub(super) fn step(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        self.groups.step(segment.tag);
        self.position += 1;
        self.text_bytes += segment.raw.len();
        let text_bytes_max = self.limits.token_bytes_max.saturating_mul(TEXT_SEGMENTS_MAX);
        self.within(segment, "text of one document in bytes", "token_bytes_max", self.text_bytes, text_bytes_max)
    }

    /// One more of the parts that may repeat.
    pub(super) fn part(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        self.parts += 1;
        let parts_max = self.limits.lines_max.saturating_mul(10);
        self.within(segment, "number of parts of one document", "lines_max", self.parts, parts_max)
    }

    pub(super) fn within(
        &self,
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

    /// The path of the segment at hand.
    pub(super) fn path(&self) -> Steps {
        *self.groups.path()
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.findings.push(finding.in_document(self.ordinal));
    }

    /// Where a component of the segment at hand stands.
    #[inline(always)]
    pub(super) fn place(&self, segment: &Segment<'_>, spot: Spot) -> Location {
        segment.component_location(spot.element, spot.component, Path::of_named(self.groups.path(), spot.path))
    }

    /// Keeps where a canonical field stands in the original.
    #[inline(always)]
    pub(super) fn prove(&mut self, field: impl Into<Short>, segment: &Segment<'_>, spot: Spot) {
        let evidence = self.evidence(field, segment, spot);
        self.evidence.push(evidence);
    }

    /// The same, for a field of which it is not sure yet that this is the one that counts.
    #[inline(always)]
    pub(super) fn evidence(&self, field: impl Into<Short>, segment: &Segment<'_>, spot: Spot) -> Evidence {
        let raw = segment.written(spot.element, spot.component).into();
        Evidence { field: field.into(), at: self.place(segment, spot), raw }
    }

    /// Reports a fault of the segment at hand, which the acknowledgment will point at.
    fn report_at(&mut self, finding: Finding, tag: Tag, spot: Option<Spot>) {
        let position = |at: usize| u32::try_from(at).ok();
        let fault = Fault {
            segment: Some(tag.iter().map(|byte| char::from(*byte)).collect()),
            position: Some(self.position),
            element: spot.and_then(|spot| position(spot.element)),
            component: spot.and_then(|spot| position(spot.component)),
        };
        self.faults.push((self.findings.len(), fault));
        self.report(finding);
    }

    /// Findings so far, when there are too many to keep until the end.
    pub(super) fn overflow(&mut self) -> (Vec<Finding>, Vec<(usize, Fault)>) {
        const KEPT_MAX: usize = 1_000;
        if self.findings.len() > KEPT_MAX {
            (std::mem::take(&mut self.findings), std::mem::take(&mut self.faults))
        } else {
            (Vec::new(), Vec::new())
        }
    }

    /// A number; nothing where there is none.
    #[inline(always)]
    pub(super) fn number(&mut self, segment: &Segment<'_>, spot: Spot, code: Code) -> Option<Decimal> {
        let text = segment.code(spot.element, spot.component);
        if text.is_empty() {
            return None;
        }
        let value = values::decimal(&text);
        if value.is_none() {
            self.bad_number(segment, spot, code, &text);
        }
        value
    }

    #[cold]
    fn bad_number(&mut self, segment: &Segment<'_>, spot: Spot, code: Code, text: &[u8]) {
        let said = format!("says `{}`, which is not a number", text_of(text));
        let fix = "Write it with digits, one decimal mark at most, a leading minus if need be, and no \
                   thousands separators.";
        let finding = self.fault(segment, spot, code, &said, fix).with_rule("BAD-NUMBER");
        self.report_at(finding, segment.tag, Some(spot));
    }

    /// The day of a DTM (C507), or a period where its format is one's; the last day of it counts then.
    pub(super) fn date(&mut self, dtm: &Segment<'_>) -> Option<Date> {
        match (dtm.code(1, 2), dtm.code(1, 3)) {
            (value, _) if value.is_empty() => None,
            (value, format) => {
                let date = values::date(&value, &format).or_else(|| values::period(&value, &format).map(|days| days.1));
                if date.is_none() {
                    self.bad_date(dtm);
                }
                date
            }
        }
    }

    pub(super) fn bad_date(&mut self, dtm: &Segment<'_>) {
        let (value, format) = (dtm.code(1, 2), dtm.code(1, 3));
        let said = format!("says `{}`, which is not a date of format {}", text_of(&value), text_of(&format));
        let fix = "Write a date of the calendar in the form that 2379 names: CCYYMMDD for 102.";
        let finding = self.fault(dtm, DATE, Code::DATE_INVALID, &said, fix).with_rule("BAD-DATE");
        self.report_at(finding, dtm.tag, Some(DATE));
    }

    /// A currency code; kept as it is written, and reported when it cannot be one.
    pub(super) fn currency(&mut self, segment: &Segment<'_>, spot: Spot) -> Option<Text> {
        let currency = segment.owned(spot.element, spot.component)?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let said = format!("says `{}`, which is not a currency code", brief(&currency));
            let fix = "Write the ISO 4217 code of the currency in capitals: EUR.";
            let finding = self.fault(segment, spot, Code::CURRENCY_UNKNOWN, &said, fix);
            self.report_at(finding, segment.tag, Some(spot));
        }
        Some(currency)
    }

    /// A fault of one component, with everything that finds it.
    fn fault(&self, segment: &Segment<'_>, spot: Spot, code: Code, said: &str, fix: &str) -> Finding {
        let field = field(segment.tag, spot);
        Finding::error(code, self.place(segment, spot), format!("{field} {said}"), fix)
            .with_field(field)
            .with_value(segment.written(spot.element, spot.component))
            .with_excerpt(segment.excerpt())
    }

    /// A segment this kind of message has no place for.
    pub(super) fn unknown(&mut self, segment: &Segment<'_>, message: &str) {
        let name = segment.name();
        let finding = Finding::error(
            Code::EDI_SEGMENT_UNEXPECTED,
            segment.location(self.path()),
            format!("segment `{name}` is not part of {message}; it was left out"),
            "Remove the segment, or agree with us what it means.",
        )
        .with_rule("UNKNOWN-SEGMENT")
        .with_value(name)
        .with_excerpt(segment.excerpt());
        self.report_at(finding, segment.tag, None);
    }
}

pub(super) const DATE: Spot = Spot::new(1, 2, "/C507.2380");
pub(super) const AMOUNT: Spot = Spot::new(1, 2, "/C516.5004");

/// A data element's name in the trade: `MOA C516.5004`.
pub(super) fn field(tag: Tag, spot: Spot) -> String {
    let tag: String = tag.iter().map(|byte| char::from(*byte)).collect();
    format!("{tag} {}", spot.name())
}

/// Bytes of a code as a sentence says them.
fn text_of(bytes: &[u8]) -> String {
    brief(&String::from_utf8_lossy(bytes))
}

/// A place remembered until it is known what to say of it.
pub(super) struct Kept {
    pub(super) location: Location,
    pub(super) excerpt: Short,
}

impl Kept {
    pub(super) fn of(segment: &Segment<'_>, path: Steps) -> Self {
        Self { location: segment.location(path), excerpt: segment.excerpt().into() }
    }
}

/// What every reader of a message gives back.
pub(super) struct Told {
    pub(super) body: crate::canonical::Body,
    pub(super) evidence: Vec<Evidence>,
    pub(super) findings: Vec<Finding>,
    /// Which of the findings are faults of a segment, and where.
    pub(super) faults: Vec<(usize, Fault)>,
}
