//! A document while it is read: what has been understood of it, where each part stands, what is wrong.
//!
//! Single values are read here, with their evidence; what a value means is for the vocabulary to say.

use std::collections::{HashMap, HashSet};
use std::fmt::{Display, Write as _};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::element::Element;
use crate::canonical::{Evidence, Invoice, Text};
use crate::number;
use crate::rules::{self, Claim, Places};
use crate::{Code, Finding, Limits, Location, Severity, Short};

/// A document while it is read; `B` is what the vocabulary has made of it so far.
#[derive(Debug)]
pub(super) struct Draft<B> {
    pub(super) body: B,
    /// The path of its root element.
    pub(super) path: String,
    pub(super) version: Option<String>,
    pub(super) evidence: Vec<Evidence>,
    /// Where parts stand that are no single value: `lines[0]`, `seller`.
    pub(super) groups: Vec<(String, Location)>,
    pub(super) findings_max: usize,
    pub(super) findings: Vec<Finding>,
    /// What only documents that claim EN 16931 hear of.
    pub(super) claimed: Vec<Finding>,
    /// Fields that are there and cannot be read: they are wrong, not missing.
    pub(super) unreadable: HashSet<String>,
}

/// An invoice of a few lines has so many fields that a person may dispute.
const EVIDENCE_EXPECTED: usize = 32;

/// Evidence keeps a text as it was written up to this length; a longer one, without its white space.
const RAW_BYTES_MAX: usize = 200;

impl<B> Draft<B> {
    pub(super) fn new(body: B, path: String, limits: Limits) -> Self {
        Self {
            body,
            path,
            version: None,
            evidence: Vec::with_capacity(EVIDENCE_EXPECTED),
            groups: Vec::with_capacity(EVIDENCE_EXPECTED),
            findings_max: limits.findings_max,
            findings: Vec::new(),
            claimed: Vec::new(),
            unreadable: HashSet::new(),
        }
    }

    /// The number that a child of `parent` holds, with its evidence; `path` is the parent's.
    pub(super) fn number(
        &mut self,
        parent: Element<'_>,
        path: &str,
        name: &str,
        field: impl Display,
    ) -> Option<Decimal> {
        let element = parent.child(name)?;
        self.number_of(element, element.location(element.path_below(path)), field)
    }

    /// The number an element holds, with its evidence.
    pub(super) fn number_of(
        &mut self,
        element: Element<'_>,
        location: Location,
        field: impl Display,
    ) -> Option<Decimal> {
        let value = element.value().unwrap_or_default();
        self.number_from(decimal(value), value, element, location, field)
    }

    /// The number somebody made of an element's text, with its evidence; `None` is told to the sender.
    pub(super) fn number_from(
        &mut self,
        number: Option<Decimal>,
        value: &str,
        element: Element<'_>,
        location: Location,
        field: impl Display,
    ) -> Option<Decimal> {
        if number.is_none() {
            let finding = Finding::error(
                Code::AMOUNT_INVALID,
                location,
                format!(
                    "`{}` says `{}`, which is not a decimal number we can keep exactly",
                    element.name(),
                    brief(value)
                ),
                "Write digits with a point before the decimals, no thousands separators and no currency sign.",
            );
            self.report(finding.with_field(element.qualified_name()).with_value(value));
            self.unreadable.insert(field.to_string());
            return None;
        }
        self.witness(element, location, field);
        number
    }

    /// The day that a child of `parent` holds, with its evidence; `path` is the parent's.
    pub(super) fn date(&mut self, parent: Element<'_>, path: &str, name: &str, field: impl Display) -> Option<Date> {
        let element = parent.child(name)?;
        self.date_of(element, element.location(element.path_below(path)), field)
    }

    /// The day an element holds, with its evidence.
    pub(super) fn date_of(&mut self, element: Element<'_>, location: Location, field: impl Display) -> Option<Date> {
        let value = element.value().unwrap_or_default();
        self.date_from(day(value), value, "Write the day as YYYY-MM-DD.", element, location, field)
    }

    /// The day somebody made of an element's text, with its evidence; `None` is told to the sender.
    pub(super) fn date_from(
        &mut self,
        date: Option<Date>,
        value: &str,
        fix: &str,
        element: Element<'_>,
        location: Location,
        field: impl Display,
    ) -> Option<Date> {
        if date.is_none() {
            let message = format!("`{}` says `{}`, which is not a day", element.name(), brief(value));
            let finding = Finding::error(Code::DATE_INVALID, location, message, fix);
            self.report(finding.with_field(element.qualified_name()).with_value(value));
            self.unreadable.insert(field.to_string());
            return None;
        }
        self.witness(element, location, field);
        date
    }

    /// The text an element holds, with its evidence; `path` is its own.
    pub(super) fn text_of(&mut self, element: Element<'_>, path: &str, field: impl Display) -> Option<Text> {
        let text = element.value()?.into();
        self.witness(element, element.location(path), field);
        Some(text)
    }

    /// The text that a child of `parent` holds, with its evidence; `path` is the parent's.
    pub(super) fn text(&mut self, parent: Element<'_>, path: &str, name: &str, field: impl Display) -> Option<Text> {
        let element = parent.child(name)?;
        self.text_of(element, &element.path_below(path), field)
    }

    /// Says what is wrong; past the limit, which the caller will tell the sender, nothing more.
    pub(super) fn report(&mut self, finding: Finding) {
        if self.findings.len() <= self.findings_max {
            self.findings.push(finding);
        }
    }

    /// Says what only documents that claim EN 16931 hear of; past the limit, nothing more.
    pub(super) fn claim(&mut self, finding: Finding) {
        if self.claimed.len() <= self.findings_max {
            self.claimed.push(finding);
        }
    }

    /// Remembers where a part stands; `path` is its own.
    pub(super) fn group(&mut self, field: impl Into<String>, element: Element<'_>, path: &str) {
        self.groups.push((field.into(), element.location(path)));
    }

    /// Renames the parts whose places are remembered, for a while; gives what they were.
    pub(super) fn move_groups(&mut self, moved: impl Fn(&str) -> Option<String>) -> Vec<(String, Location)> {
        let now = self.groups.iter().filter_map(|(field, at)| Some((moved(field)?, at.clone()))).collect();
        std::mem::replace(&mut self.groups, now)
    }

    pub(super) fn set_groups(&mut self, groups: Vec<(String, Location)>) {
        self.groups = groups;
    }

    fn witness(&mut self, element: Element<'_>, location: Location, field: impl Display) {
        let mut name = Short::new();
        // Writing to a Short cannot fail.
        let _ = write!(name, "{field}");
        self.evidence.push(evidence(element, location, name));
    }

    /// What the rules of EN 16931 say of the invoice, in the sender's words: the elements' names.
    pub(super) fn broken_rules(&self, invoice: &Invoice, whole: &Location, claim: Claim) -> Vec<Finding> {
        let places = Places::new(&self.evidence, &self.groups, whole.clone());
        let mut broken = rules::check(invoice, &places, claim, self.findings_max);
        broken.retain(|finding| !finding.field.as_ref().is_some_and(|field| self.unreadable.contains(field)));
        broken.into_iter().map(|finding| in_elements(finding, whole)).collect()
    }
}

/// The rules name canonical fields; the sender knows elements.
fn in_elements(mut finding: Finding, whole: &Location) -> Finding {
    let element = finding.location.path.rsplit('/').next().unwrap_or_default();
    let name = element.split('[').next().unwrap_or_default().trim_start_matches('@').to_owned();
    finding.field = Some(name).filter(|_| finding.location.path != whole.path);
    finding
}

/// In the order of the file; an error before a warning at the same place.
pub(super) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| (finding.location.byte, std::cmp::Reverse(finding.severity == Severity::Error)));
}

pub(super) fn evidence(element: Element<'_>, at: Location, field: impl Into<Short>) -> Evidence {
    let raw = if element.text().len() <= RAW_BYTES_MAX { element.text() } else { element.text().trim() };
    Evidence::new(field, at, raw)
}

/// How often each name has come among its siblings, for paths.
#[derive(Debug, Default)]
pub(super) struct Positions {
    /// The first few names; a document has few.
    few: Vec<(String, u32)>,
    more: HashMap<String, u32>,
}

impl Positions {
    /// The place of the next of that name, from 1.
    pub(super) fn next(&mut self, name: &str) -> u32 {
        const FEW: usize = 40;
        let known = self.few.iter_mut().find(|(known, _)| known == name).map(|(_, position)| position);
        if let Some(position) = known.or_else(|| self.more.get_mut(name)) {
            *position += 1;
            return *position;
        }
        if self.few.len() < FEW {
            self.few.push((name.to_owned(), 1));
        } else {
            self.more.insert(name.to_owned(), 1);
        }
        1
    }
}

/// More digits are not read in a hurry.
const PLAIN_BYTES_MAX: usize = 18;

/// An xs:decimal, exactly.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    // Nearly all are a few digits and a point.
    if text.len() <= PLAIN_BYTES_MAX
        && let Some(number) = number::decimal(text.as_bytes(), |byte| byte == b'.')
    {
        return Some(number);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    if !is_number {
        return None;
    }
    let text = text.strip_prefix('+').unwrap_or(text);
    Decimal::from_str_exact(text.strip_suffix('.').unwrap_or(text)).ok()
}

/// An xs:date; a time zone behind it is read over, as the day is the issuer's own.
pub(super) fn day(text: &str) -> Option<Date> {
    let (date, zone) = text.split_at_checked(10)?;
    let zone_is_fine = match zone.as_bytes() {
        [] | [b'Z'] => true,
        [b'+' | b'-', hours @ .., _, _] if zone.len() == 6 => hours.last() == Some(&b':'),
        _ => false,
    };
    let in_form = date.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if zone_is_fine && in_form { date.parse().ok() } else { None }
}

pub(super) fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_as_written_or_refused() {
        assert_eq!(decimal("10.00").map(|n| n.to_string()), Some("10.00".to_owned()));
        assert_eq!(decimal("-.5").map(|n| n.to_string()), Some("-0.5".to_owned()));
        assert_eq!(decimal("+7.").map(|n| n.to_string()), Some("7".to_owned()));
        for bad in ["", ".", "-", "1,000.00", "1e3", "1_000", "12 34", "0x1", "79228162514264337593543950336"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn days_may_carry_a_time_zone_and_nothing_else() {
        assert!(day("2026-03-01").is_some());
        assert!(day("2026-03-01Z").is_some());
        assert!(day("2026-03-01+02:00").is_some());
        for bad in ["", "2026-3-1", "01.03.2026", "2026-02-30", "2026-03-01T00:00:00", "2026-03-01+2", "20260301"] {
            assert_eq!(day(bad), None, "{bad}");
        }
    }
}
