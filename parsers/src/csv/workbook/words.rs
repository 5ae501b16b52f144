//! The words of workbooks: names of cells, numbers and days as they are stored.

use jiff::ToSpan;
use jiff::civil::{Date, date};

/// `C12`: the column in letters, from A, and the row.
pub(in super::super) fn cell_name(column: usize, row: u64) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(b'A' + u8::try_from(rest % 26).unwrap_or_default());
        rest /= 26;
    }
    letters.reverse();
    format!("{}{row}", String::from_utf8(letters).unwrap_or_default())
}

/// A number as it is stored (`1234.5`, `1.5E-3`, `8255.2000000000007`), in plain digits.
///
/// A workbook keeps numbers in binary, and writes up to 17 digits of one; what it shows has at most 15
/// (ECMA-376 part 1, §18.8.30: the precision of General). More than 15 are the tail of the binary number and
/// nobody's amount, so they are rounded off, in decimal.
pub(in super::super) fn plain_number(text: &str) -> Option<String> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
    // How many of the digits stand before the decimal point.
    let mut point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..zeros);
    point -= i64::try_from(zeros).ok()?;
    if digits.len() > DIGITS_SHOWN {
        point += i64::from(round(&mut digits));
        while digits.last() == Some(&0) && i64::try_from(digits.len()).ok()? > point.max(0) {
            digits.pop();
        }
    }
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    if !(-DIGITS_MAX..=DIGITS_MAX).contains(&point) {
        return None;
    }
    let mut plain = String::new();
    if negative && digits.iter().any(|digit| *digit > 0) {
        plain.push('-');
    }
    let written = |digit: &u8| char::from(b'0' + digit);
    match usize::try_from(point) {
        Ok(point) if point > 0 => {
            plain.extend(digits.iter().take(point).map(written));
            plain.extend(std::iter::repeat_n('0', point.saturating_sub(digits.len())));
            if digits.len() > point {
                plain.push('.');
                plain.extend(digits.iter().skip(point).map(written));
            }
        }
        _ => {
            plain.push_str("0.");
            plain.extend(std::iter::repeat_n('0', usize::try_from(-point).ok()?));
            plain.extend(digits.iter().map(written));
        }
    }
    Some(plain)
}

const DIGITS_SHOWN: usize = 15;
/// A number beyond is none that an exact decimal holds.
const DIGITS_MAX: i64 = 40;

/// Rounds to [`DIGITS_SHOWN`] digits, half up; whether a digit came in front.
fn round(digits: &mut Vec<u8>) -> bool {
    let up = digits.get(DIGITS_SHOWN).is_some_and(|digit| *digit >= 5);
    digits.truncate(DIGITS_SHOWN);
    if !up {
        return false;
    }
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return false;
        }
        *digit = 0;
    }
    digits.insert(0, 1);
    true
}

/// The day that a serial number is, counted from 1899-12-30; a time of the day is left off. 1900 was no leap
/// year, and days before March of it are off by one in every spreadsheet: they are nobody's invoice dates.
pub(in super::super) fn serial_day(text: &str) -> Option<Date> {
    let plain = plain_number(text)?;
    let days: i64 = plain.split('.').next()?.parse().ok()?;
    // 9999-12-31, the last day a spreadsheet knows.
    if !(1..=2_958_465).contains(&days) {
        return None;
    }
    date(1899, 12, 30).checked_add(days.days()).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{cell_name, plain_number, serial_day};

    #[test]
    fn cells_are_named_as_spreadsheets_name_them() {
        for (column, name) in [(0, "A7"), (25, "Z7"), (26, "AA7"), (701, "ZZ7"), (702, "AAA7")] {
            assert_eq!(cell_name(column, 7), name);
        }
    }

    #[test]
    fn a_stored_number_is_what_its_spreadsheet_shows() {
        for (stored, shown) in [
            ("1234.5", Some("1234.5")),
            ("12.50", Some("12.50")),
            ("-0.07", Some("-0.07")),
            ("8255.2000000000007", Some("8255.2")),
            ("21200.319999999999", Some("21200.32")),
            ("9.9999999999999999", Some("10")),
            ("1.5E-3", Some("0.0015")),
            ("4.587185467E9", Some("4587185467")),
            ("1E+3", Some("1000")),
            ("0", Some("0")),
            ("-0", Some("0")),
            ("100", Some("100")),
            ("", None),
            ("1,5", None),
            ("1E999999999999999999", None),
            ("1E999", None),
        ] {
            assert_eq!(plain_number(stored).as_deref(), shown, "{stored}");
        }
    }

    #[test]
    fn a_serial_number_is_a_day() {
        assert_eq!(serial_day("46056"), Some(date(2026, 2, 3)));
        assert_eq!(serial_day("46056.75"), Some(date(2026, 2, 3)));
        assert_eq!(serial_day("61"), Some(date(1900, 3, 1)));
        assert_eq!(serial_day("0"), None);
        assert_eq!(serial_day("99999999"), None);
    }
}
