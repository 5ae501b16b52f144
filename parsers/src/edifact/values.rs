//! EDIFACT data types: numbers (ISO 9735 §10) and the dates of C507 by their format (UNCL2379).

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::number;

/// Digits with at most one decimal mark and a leading minus. Both marks count everywhere: ISO 9735 allows
/// either, whatever UNA says. No thousands separators. Keeps the scale as written.
#[inline]
pub(super) fn decimal(text: &[u8]) -> Option<Decimal> {
    // Decimal holds 28 digits; more are nobody's money.
    if text.len() > 28 && text.iter().filter(|byte| byte.is_ascii_digit()).count() > 28 {
        return None;
    }
    number::decimal(text, |byte| matches!(byte, b'.' | b','))
}

/// A day, by its format; times and zones are left out: the day is the one that is written.
pub(super) fn date(value: &[u8], format: &[u8]) -> Option<Date> {
    let digits = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let rest = value.get(digits..).unwrap_or_default();
    let at = |from: usize, count: usize| number(value.get(from..from + count)?);
    // After the digits only a zone may follow (303: `202504011200+00`), in letters or as an offset.
    let zoned = matches!(rest.first(), None | Some(b'+' | b'-' | b'A'..=b'Z')) && rest.len() <= 6;
    match (format, digits) {
        (b"102" | b"", 8) if rest.is_empty() => day(at(0, 4)?, at(4, 2)?, at(6, 2)?),
        (b"203" | b"204" | b"205" | b"303" | b"304", 12 | 14) if zoned => day(at(0, 4)?, at(4, 2)?, at(6, 2)?),
        // A time is often left out where the format promises one.
        (b"203" | b"204" | b"303" | b"304", 8) if rest.is_empty() => day(at(0, 4)?, at(4, 2)?, at(6, 2)?),
        (b"101" | b"", 6) if rest.is_empty() => day(full(at(0, 2)?), at(2, 2)?, at(4, 2)?),
        (b"201" | b"202" | b"301" | b"302", 10 | 12) if zoned => day(full(at(0, 2)?), at(2, 2)?, at(4, 2)?),
        (b"2", 6) if rest.is_empty() => day(full(at(4, 2)?), at(2, 2)?, at(0, 2)?),
        (b"3", 6) if rest.is_empty() => day(full(at(4, 2)?), at(0, 2)?, at(2, 2)?),
        (b"4", 8) if rest.is_empty() => day(at(4, 4)?, at(2, 2)?, at(0, 2)?),
        _ => None,
    }
}

/// From a day to a day: 711, 713, 717, 718, 719, with a hyphen between them or without; and a whole month (610).
pub(super) fn period(value: &[u8], format: &[u8]) -> Option<(Date, Date)> {
    let (width, short) = match format {
        b"711" | b"718" => (8, false),
        b"713" => (10, true),
        b"717" => (6, true),
        b"719" => (12, false),
        b"610" if value.len() == 6 => {
            let first = day(number(value.get(..4)?)?, number(value.get(4..)?)?, 1)?;
            return Some((first, first.last_of_month()));
        }
        _ => return None,
    };
    let format: &[u8] = match (short, width) {
        (false, 8) => b"102",
        (false, _) => b"203",
        (true, 6) => b"101",
        (true, _) => b"201",
    };
    let end = value.strip_suffix(b"-").unwrap_or(value);
    let (first, last) = (end.get(..width)?, end.get(end.len().checked_sub(width)?..)?);
    if end.len() != 2 * width && !(end.len() == 2 * width + 1 && end.get(width) == Some(&b'-')) {
        return None;
    }
    Some((date(first, format)?, date(last, format)?))
}

fn day(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Two-digit years from 70 on are of the last century.
fn full(year: i16) -> i16 {
    if year >= 70 { 1900 + year } else { 2000 + year }
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0i16, |number, byte| {
        byte.is_ascii_digit().then(|| number.checked_mul(10)?.checked_add(i16::from(byte - b'0')))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_scale_and_either_mark_counts() {
        for (text, expected) in
            [("12.50", "12.50"), ("12,50", "12.50"), ("-3", "-3"), (".5", "0.5"), ("5,", "5"), ("007", "7")]
        {
            assert_eq!(decimal(text.as_bytes()).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "-", ".", "12,3x", "1.234,56", "1,234,567", "+1", "1-", "$1", "1e3", &"9".repeat(29)] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn each_format_has_its_day() {
        let the_day = Some(Date::constant(2026, 4, 9));
        for (value, format) in [
            ("20260409", "102"),
            ("20260409", ""),
            ("260409", "101"),
            ("202604091205", "203"),
            ("20260409120500", "204"),
            ("202604092200+00", "303"),
            ("20260409220000+00", "303"),
            ("2604091205", "201"),
            ("090426", "2"),
            ("040926", "3"),
            ("09042026", "4"),
        ] {
            assert_eq!(date(value.as_bytes(), format.as_bytes()), the_day, "{value} {format}");
        }
        for (value, format) in [("19999715", "102"), ("2026-4-9", "102"), ("20260409", "101"), ("x", "102"), ("", "")] {
            assert_eq!(date(value.as_bytes(), format.as_bytes()), None, "{value} {format}");
        }
    }

    #[test]
    fn a_period_is_two_days_or_a_month() {
        let of = |from, to| Some((Date::constant(2026, 4, from), Date::constant(2026, 4, to)));
        assert_eq!(period(b"2026040120260430", b"718"), of(1, 30));
        assert_eq!(period(b"20260401-20260430", b"718"), of(1, 30));
        assert_eq!(period(b"202604010000202604302359", b"719"), of(1, 30));
        assert_eq!(period(b"202604", b"610"), of(1, 30));
        assert_eq!(period(b"20260401", b"718"), None);
    }
}
