//! X12 data types (X12.6): dates, R (decimal point written) and N2 (two decimals implied).

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::number;

/// `CCYYMMDD`, or `YYMMDD` where the version is old enough to have it. Two-digit years from 70 on are
/// of the last century.
pub(super) fn date(text: &str, two_digit_years: bool) -> Option<Date> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i32 = match text.len() {
        8 => text.parse().ok()?,
        6 if two_digit_years => {
            let short: i32 = text.parse().ok()?;
            short + if short >= 700_000 { 19_000_000 } else { 20_000_000 }
        }
        _ => return None,
    };
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// R: digits, at most one decimal point, a leading minus. Keeps the scale as written.
#[inline]
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    // Decimal holds 28 digits; more are nobody's money.
    if text.len() > 29 + usize::from(text.starts_with('-')) {
        return None;
    }
    number::decimal(text.as_bytes(), |byte| byte == b'.')
}

/// N2: two decimals implied. A point that is written anyway counts; the second value says so.
#[inline]
pub(super) fn implied(text: &str) -> Option<(Decimal, bool)> {
    if text.bytes().any(|byte| byte == b'.') {
        return Some((decimal(text)?, true));
    }
    if text.len() > 28 + usize::from(text.starts_with('-')) {
        return None;
    }
    Some((number::implied(text.as_bytes(), 2)?, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_scale() {
        for (text, expected) in
            [("12.50", "12.50"), ("-3", "-3"), ("0012.5", "12.5"), (".5", "0.5"), ("5.", "5"), ("-.25", "-0.25")]
        {
            assert_eq!(decimal(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "-", ".", "1O", "1,5", "1.2.3", "--1", "+1", "1e3", "1_0", "99999999999999999999999999999999"]
        {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn n2_implies_two_decimals_and_an_explicit_point_wins() {
        let read = |text| implied(text).map(|(value, explicit)| (value.to_string(), explicit));
        assert_eq!(read("17060"), Some(("170.60".to_owned(), false)));
        assert_eq!(read("5"), Some(("0.05".to_owned(), false)));
        assert_eq!(read("-100"), Some(("-1.00".to_owned(), false)));
        assert_eq!(read("150.75"), Some(("150.75".to_owned(), true)));
        assert_eq!(read("12a"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn two_digit_years_belong_to_old_versions() {
        assert_eq!(date("20260105", false), Some(Date::constant(2026, 1, 5)));
        assert_eq!(date("260105", true), Some(Date::constant(2026, 1, 5)));
        assert_eq!(date("971211", true), Some(Date::constant(1997, 12, 11)));
        assert_eq!(date("260105", false), None);
        assert_eq!(date("20260231", false), None);
        assert_eq!(date("2026-1-5", false), None);
    }
}
