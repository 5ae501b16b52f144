//! Values as the vocabularies beside UBL and CII write them: along a way of elements, in attributes, with
//! times behind the days, with SAP's minus behind the digits. An empty element or attribute says nothing.

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::draft::{Draft, brief, day, decimal};
use super::element::Element;
use crate::canonical::{Evidence, Text};
use crate::rules::Places;
use crate::{Code, Finding, Location};

/// A value with where it stands: what an attribute says, or an element.
pub(super) type Said<'s> = Option<(&'s str, Location)>;

/// What the first descendant along the way says.
pub(super) fn said<'s>(base: Element<'s>, path: &str, way: &[&str]) -> Said<'s> {
    let (element, path) = follow(base, path, way)?;
    said_by(element, &path)
}

/// What an element says; `path` is its own.
pub(super) fn said_by<'s>(element: Element<'s>, path: &str) -> Said<'s> {
    let value = element.value()?;
    Some((value, element.location(path)))
}

/// The first descendant along the way, with its path.
pub(super) fn follow<'s>(base: Element<'s>, path: &str, way: &[&str]) -> Option<(Element<'s>, String)> {
    let mut element = base;
    let mut path = path.to_owned();
    for name in way {
        element = element.child(name)?;
        path = element.path_below(&path);
    }
    Some((element, path))
}

impl<B> Draft<B> {
    /// A number, with its evidence.
    pub(super) fn decimal_said(&mut self, said: Said<'_>, field: &str) -> Option<Decimal> {
        let (value, at) = said?;
        self.number_in(decimal(value), value, at, field)
    }

    /// A number as SAP writes it: the minus may stand behind.
    pub(super) fn sap_decimal_said(&mut self, said: Said<'_>, field: &str) -> Option<Decimal> {
        let (value, at) = said?;
        self.number_in(sap_decimal(value), value, at, field)
    }

    fn number_in(&mut self, number: Option<Decimal>, value: &str, at: Location, field: &str) -> Option<Decimal> {
        if number.is_none() {
            let name = name_in(&at);
            let message =
                format!("`{name}` says `{}`, which is not a decimal number we can keep exactly", brief(value));
            let fix = "Write digits with a point before the decimals, no thousands separators and no currency sign.";
            self.report(Finding::error(Code::AMOUNT_INVALID, at, message, fix).with_field(name).with_value(value));
            self.unreadable.insert(field.to_owned());
            return None;
        }
        self.witnessed(field, at, value);
        number
    }

    /// A day, with its evidence; a time behind it is read over, as the day is the issuer's own.
    pub(super) fn day_said(&mut self, said: Said<'_>, field: &str) -> Option<Date> {
        let (value, at) = said?;
        self.day_in(day_of(value), value, at, field, "Write the day as YYYY-MM-DD.")
    }

    /// A day as SAP writes it: `YYYYMMDD`, and `00000000` for none.
    pub(super) fn sap_day_said(&mut self, said: Said<'_>, field: &str) -> Option<Date> {
        let (value, at) = said.filter(|(value, _)| *value != "00000000")?;
        self.day_in(sap_day(value), value, at, field, "Write the day as YYYYMMDD.")
    }

    fn day_in(&mut self, date: Option<Date>, value: &str, at: Location, field: &str, fix: &str) -> Option<Date> {
        if date.is_none() {
            let name = name_in(&at);
            let message = format!("`{name}` says `{}`, which is not a day", brief(value));
            self.report(Finding::error(Code::DATE_INVALID, at, message, fix).with_field(name).with_value(value));
            self.unreadable.insert(field.to_owned());
            return None;
        }
        self.witnessed(field, at, value);
        date
    }

    /// A text, with its evidence.
    pub(super) fn text_said(&mut self, said: Said<'_>, field: &str) -> Option<Text> {
        let (value, at) = said?;
        self.witnessed(field, at, value);
        Some(value.into())
    }

    fn witnessed(&mut self, field: &str, at: Location, raw: &str) {
        self.evidence.push(Evidence { field: field.into(), at, raw: raw.into() });
    }

    /// Says that something its format requires is missing, unless it is there, right or wrong.
    pub(super) fn require(&mut self, is_there: bool, field: &str, name: &str, whole: &Location) {
        if is_there || self.unreadable.contains(field) {
            return;
        }
        let at = Location { len: 0, ..whole.clone() };
        let finding = Finding::error(
            Code::REQUIRED_MISSING,
            at,
            format!("`{name}` is missing or empty"),
            format!("Write `{name}`."),
        );
        self.report(finding.with_field(name));
    }

    /// Where a field stands, if the file says it.
    pub(super) fn place_of(&self, field: &str) -> Option<&Evidence> {
        self.evidence.iter().find(|item| item.field == field)
    }

    /// One field says what another does, too.
    pub(super) fn also(&mut self, field: &str, other: &str) {
        if let Some(item) = self.place_of(field).cloned() {
            self.evidence.push(Evidence { field: other.into(), ..item });
        }
    }

    /// A warning that something does not add up, at the field that says so.
    pub(super) fn doubt(
        &mut self,
        rule: &'static str,
        field: &str,
        message: String,
        fix: &'static str,
        whole: &Location,
    ) {
        let mut doubts = Doubts::default();
        doubts.add(rule, field, message, fix);
        self.settle(doubts, whole);
    }

    /// Warnings that things do not add up, each at its field or the part around it.
    pub(super) fn settle(&mut self, doubts: Doubts, whole: &Location) {
        if doubts.0.is_empty() {
            return;
        }
        let places = Places::new(&self.evidence, &self.groups, whole.clone());
        let mut findings = Vec::new();
        for Doubt { rule, field, message, fix } in doubts.0.into_iter().take(self.findings_max + 1) {
            let at = places.locate(&field);
            let name = name_in(&at);
            let mut finding = Finding::warning(code_of(rule), at, message, fix).with_rule(rule).with_field(name);
            if let Some(raw) = places.raw(&field) {
                finding = finding.with_value(raw);
            }
            findings.push(finding);
        }
        for finding in findings {
            self.report(finding);
        }
    }
}

/// Most rules are about sums; these are not.
fn code_of(rule: &str) -> Code {
    match rule {
        "SDI-00400" | "SDI-00411" | "CXML-DUE" => Code::REQUIRED_MISSING,
        "SDI-00401" => Code::XML_SCHEMA,
        "SDI-00421" => Code::TAX_MISMATCH,
        _ => Code::TOTAL_MISMATCH,
    }
}

/// What does not add up in a document, before it is said where.
#[derive(Debug, Default)]
pub(super) struct Doubts(Vec<Doubt>);

#[derive(Debug)]
struct Doubt {
    rule: &'static str,
    field: String,
    message: String,
    fix: &'static str,
}

impl Doubts {
    pub(super) fn add(&mut self, rule: &'static str, field: &str, message: String, fix: &'static str) {
        self.0.push(Doubt { rule, field: field.to_owned(), message, fix });
    }
}

/// The name of what stands at a place: the last part of its path.
pub(super) fn name_in(at: &Location) -> String {
    let last = at.path.rsplit('/').next().unwrap_or_default();
    last.split('[').next().unwrap_or_default().trim_start_matches('@').to_owned()
}

/// A number with the sign behind it, as SAP's conversion to text leaves it.
pub(super) fn sap_decimal(text: &str) -> Option<Decimal> {
    match text.strip_suffix('-') {
        Some(positive) if !positive.trim_end().starts_with(['-', '+']) => decimal(positive.trim_end()).map(|n| -n),
        Some(_) => None,
        None => decimal(text),
    }
}

/// An xs:date, or the day of an xs:dateTime.
pub(super) fn day_of(text: &str) -> Option<Date> {
    match text.split_once(['T', 't']) {
        None => day(text),
        Some((date, time)) => {
            let is_time = (5..=32).contains(&time.len())
                && time.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'-' | b'Z'));
            day(date).filter(|_| is_time && date.len() == 10)
        }
    }
}

/// `YYYYMMDD`.
pub(super) fn sap_day(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = text.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The sum, or `None` when it is too large or one of the numbers is not known.
pub(super) fn sum(numbers: impl IntoIterator<Item = Option<Decimal>>) -> Option<Decimal> {
    numbers.into_iter().try_fold(Decimal::ZERO, |sum, number| sum.checked_add(number?))
}

/// A count or a sum of the message that is not what it holds, at the element that states it.
pub(super) fn mismatch(rule: &'static str, element: &Stated, message: String, fix: &str) -> Finding {
    let finding = Finding::error(Code::TOTAL_MISMATCH, element.at.clone(), message, fix);
    finding.with_rule(rule).with_field(&element.name).with_value(&element.raw)
}

/// A count or a sum as a message states it.
#[derive(Debug, Clone)]
pub(super) struct Stated {
    pub(super) name: String,
    pub(super) raw: String,
    pub(super) at: Location,
}

impl Stated {
    pub(super) fn new(element: Element<'_>, path: &str) -> Option<Self> {
        let raw = element.value()?.to_owned();
        Some(Self { name: element.name().to_owned(), raw, at: element.location(path) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minus_may_stand_behind_a_number_of_sap() {
        let text = |number: &str| sap_decimal(number).map(|number| number.to_string());
        assert_eq!(text("1190.00-"), Some("-1190.00".to_owned()));
        assert_eq!(text("1190.00 -"), Some("-1190.00".to_owned()));
        assert_eq!(text("-1190.00"), Some("-1190.00".to_owned()));
        assert_eq!(text("1190.00"), Some("1190.00".to_owned()));
        for bad in ["-", "--1", "-1-", "1,00-", ""] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_may_carry_a_time() {
        for good in ["2026-03-01", "2026-03-01Z", "2026-03-01+02:00", "2026-03-01T10:00:00", "2026-03-01T10:00:00.5Z"] {
            assert_eq!(day_of(good).map(|day| day.to_string()), Some("2026-03-01".to_owned()), "{good}");
        }
        for bad in ["", "2026-3-1", "2026-02-30", "2026-03-01T", "2026-03-01 10:00", "20260301", "2026-03-01Tnoon!"] {
            assert_eq!(day_of(bad), None, "{bad}");
        }
        assert_eq!(sap_day("20260301").map(|day| day.to_string()), Some("2026-03-01".to_owned()));
        for bad in ["20260230", "2026031", "2026030a", "2026-3-1"] {
            assert_eq!(sap_day(bad), None, "{bad}");
        }
    }
}
