//! Single values of a Cross Industry Invoice.

use std::fmt::Display;

use jiff::civil::Date;

use super::Draft;
use crate::canonical::Text;
use crate::xml::draft::day;
use crate::xml::element::Element;

/// The day below a child of `parent`: `IssueDateTime/DateTimeString`, by its format (UNTDID 2379).
pub(super) fn date(
    draft: &mut Draft,
    parent: Element<'_>,
    path: &str,
    name: &str,
    field: impl Display,
) -> Option<Date> {
    let around = parent.child(name)?;
    let path = around.path_below(path);
    let inner =
        around.elements().find(|inner| matches!(inner.name(), "DateTimeString" | "DateString" | "DateTime" | "Date"));
    // Schemas before D16B wrote some days without an element inside.
    let (element, path) = inner.map_or_else(|| (around, path.clone()), |inner| (inner, inner.path_below(&path)));
    let value = element.value().unwrap_or_default();
    let date = dated(value, element.attribute("format"));
    let fix = "Write the day as YYYYMMDD with the format 102.";
    draft.date_from(date, value, fix, element, element.location(path), field)
}

/// 102 is CCYYMMDD; 203 and 204 have a time behind it; without a format, also an xs:date.
fn dated(value: &str, format: Option<&str>) -> Option<Date> {
    let digits = match format {
        Some("102") => value,
        Some("203") if value.len() == 12 => value.get(..8)?,
        Some("204") if value.len() == 14 => value.get(..8)?,
        None if value.len() == 8 => value,
        None => return day(value.split_once('T').map_or(value, |(date, _)| date)),
        Some(_) => return None,
    };
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(part(4, 6)?).ok()?, i8::try_from(part(6, 8)?).ok()?);
    Date::new(part(0, 4)?, month, day).ok()
}

/// The number of a document that is referred to; ZUGFeRD 1 calls it `ID`.
pub(super) fn referred(reference: Element<'_>) -> Option<Text> {
    reference.text_at(&["IssuerAssignedID"]).or_else(|| reference.text_at(&["ID"]))
}

/// The first child that has one of the names.
pub(super) fn one_of<'e>(parent: Element<'e>, names: &[&str]) -> Option<Element<'e>> {
    parent.elements().find(|child| names.contains(&child.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_by_their_format() {
        let say = |value, format| dated(value, format).map(|date| date.to_string());
        for (value, format) in [
            ("20260301", Some("102")),
            ("202603011200", Some("203")),
            ("20260301120000", Some("204")),
            ("20260301", None),
            ("2026-03-01", None),
            ("2026-03-01T00:00:00", None),
        ] {
            assert_eq!(say(value, format).as_deref(), Some("2026-03-01"), "{value} {format:?}");
        }
        for (value, format) in [
            ("2026-03-01", Some("102")),
            ("260301", Some("102")),
            ("20260230", Some("102")),
            ("+2026031", Some("102")),
            ("202603", Some("610")),
            ("", None),
        ] {
            assert_eq!(say(value, format), None, "{value} {format:?}");
        }
    }
}
