//! Single values of a UBL document: amounts and dates with their evidence, texts, identifiers.

use std::collections::HashSet;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Root;
use crate::canonical::{Evidence, Identifier, Invoice};
use crate::xml::element::Element;
use crate::{Code, Finding, Location};

/// A document while it is read.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) root: Root,
    pub(super) path: String,
    pub(super) version: Option<String>,
    pub(super) invoice: Invoice,
    pub(super) evidence: Vec<Evidence>,
    /// Where parts stand that are no single value: `lines[0]`, `seller`.
    pub(super) groups: Vec<(String, Location)>,
    /// `currencyID` of the amount due.
    pub(super) payable_currency: Option<String>,
    findings_max: usize,
    pub(super) findings: Vec<Finding>,
    /// What only documents that claim EN 16931 hear of.
    pub(super) claimed: Vec<Finding>,
    /// Fields that are there and cannot be read: they are wrong, not missing.
    pub(super) unreadable: HashSet<String>,
    /// The tax totals as they came, each with its currency.
    pub(super) tax_totals: Vec<TaxTotal>,
}

/// A tax total before we know which currency is the document's.
#[derive(Debug)]
pub(super) struct TaxTotal {
    pub(super) currency: Option<String>,
    pub(super) amount: Option<Decimal>,
    pub(super) evidence: Option<Evidence>,
}

/// Evidence keeps a text as it was written up to this length; a longer one, without its white space.
const RAW_BYTES_MAX: usize = 200;

impl Draft {
    pub(super) fn new(root: Root, path: String, findings_max: usize) -> Self {
        Self {
            findings_max,
            root,
            path,
            version: None,
            invoice: Invoice::default(),
            evidence: Vec::new(),
            groups: Vec::new(),
            payable_currency: None,
            findings: Vec::new(),
            claimed: Vec::new(),
            unreadable: HashSet::new(),
            tax_totals: Vec::new(),
        }
    }

    /// A number below `parent`, with its evidence.
    pub(super) fn number(&mut self, parent: &Element, path: &str, name: &str, field: &str) -> Option<Decimal> {
        let element = parent.child(name)?;
        let location = element.location(element.path_below(path));
        self.number_of(element, location, field)
    }

    /// The number an element holds, with its evidence.
    pub(super) fn number_of(&mut self, element: &Element, location: Location, field: &str) -> Option<Decimal> {
        let value = element.value().unwrap_or_default();
        let number = decimal(value);
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
            self.unreadable.insert(field.to_owned());
            return None;
        }
        self.witness(element, location, field);
        number
    }

    /// A day below `parent`, with its evidence.
    pub(super) fn date(&mut self, parent: &Element, path: &str, name: &str, field: &str) -> Option<Date> {
        let element = parent.child(name)?;
        let location = element.location(element.path_below(path));
        self.date_of(element, location, field)
    }

    /// The day an element holds, with its evidence.
    pub(super) fn date_of(&mut self, element: &Element, location: Location, field: &str) -> Option<Date> {
        let value = element.value().unwrap_or_default();
        let Some(date) = day(value) else {
            let finding = Finding::error(
                Code::DATE_INVALID,
                location,
                format!("`{}` says `{}`, which is not a day", element.name(), brief(value)),
                "Write the day as YYYY-MM-DD.",
            );
            self.report(finding.with_field(element.qualified_name()).with_value(value));
            self.unreadable.insert(field.to_owned());
            return None;
        };
        self.witness(element, location, field);
        Some(date)
    }

    /// The text an element holds, with its evidence.
    pub(super) fn text_of(&mut self, element: &Element, path: &str, field: &str) -> Option<String> {
        let text = element.value()?.to_owned();
        self.witness(element, element.location(path), field);
        Some(text)
    }

    /// Says what is wrong; past the limit, which the caller will tell the sender, nothing more.
    pub(super) fn report(&mut self, finding: Finding) {
        if self.findings.len() <= self.findings_max {
            self.findings.push(finding);
        }
    }

    /// Remembers where a part stands.
    pub(super) fn group(&mut self, field: impl Into<String>, element: &Element, path: &str) {
        self.groups.push((field.into(), element.location(path)));
    }

    fn witness(&mut self, element: &Element, location: Location, field: &str) {
        self.evidence.push(evidence(element, location, field));
    }
}

pub(super) fn evidence(element: &Element, at: Location, field: &str) -> Evidence {
    let raw = if element.text().len() <= RAW_BYTES_MAX { element.text() } else { element.text().trim() };
    Evidence { field: field.to_owned(), at, raw: raw.to_owned() }
}

/// UBL-DT-01: amounts have at most two decimals, counted as the text was written, white space and all,
/// as the published rule counts them.
pub(super) fn amounts_as_written(evidence: &[Evidence], root: Root, findings_max: usize) -> Vec<Finding> {
    let is_amount = |field: &str| {
        let name = field.rsplit('.').next().unwrap_or(field);
        (field.starts_with("totals.") || matches!(name, "amount" | "base" | "tax" | "net_amount"))
            && !field.contains("payments")
    };
    let mut findings = Vec::new();
    for item in evidence.iter().filter(|item| is_amount(&item.field)) {
        let decimals = item.raw.split_once('.').map_or(0, |(_, decimals)| decimals.chars().count());
        if decimals > 2 && findings.len() <= findings_max {
            let name = item.at.path.rsplit('/').next().unwrap_or_default().to_owned();
            let finding = Finding::error(
                Code::rule("UBL-DT-01"),
                item.at.clone(),
                format!(
                    "`{name}` of this {} is written with {decimals} characters after the point: `{}`",
                    root.name(),
                    item.raw.escape_debug()
                ),
                "Round the amount to two decimals, and write no white space around it.",
            );
            findings.push(finding.with_rule("UBL-DT-01").with_field(name).with_value(&item.raw));
        }
    }
    findings
}

/// An identifier with its scheme.
pub(super) fn identifier(element: &Element, scheme: &str) -> Option<Identifier> {
    let value = element.value()?.to_owned();
    let scheme = element.attribute(scheme).filter(|scheme| !scheme.is_empty()).map(str::to_owned);
    Some(Identifier { scheme, value })
}

/// An xs:decimal, exactly.
fn decimal(text: &str) -> Option<Decimal> {
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
fn day(text: &str) -> Option<Date> {
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

fn brief(text: &str) -> String {
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
