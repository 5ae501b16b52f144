//! Amounts as people and ERPs write them: `1.578,92`, `$1,234.56`, `(12.50)`, `68089,87-`.

use rust_decimal::Decimal;

use crate::profile::{DecimalMark, Negative, NumberFormat, Profile};

/// How this file writes amounts: the profile's conventions, and the decimal mark once it is known.
#[derive(Debug, Clone)]
pub(super) struct Amounts<'p> {
    profile: &'p Profile,
    mark: Option<char>,
    has_leading_minus: bool,
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAmount {
    /// It is something else.
    NotANumber,
    /// `1,234` where neither the profile nor the file says what the comma is.
    Ambiguous,
    /// More digits than an exact decimal holds (28).
    TooLong,
}

impl<'p> Amounts<'p> {
    pub(super) fn new(profile: &'p Profile) -> Self {
        let mark = match profile.decimal {
            DecimalMark::Point => Some('.'),
            DecimalMark::Comma => Some(','),
            DecimalMark::Auto => None,
        };
        Self { profile, mark, has_leading_minus: profile.negative.contains(&Negative::Leading) }
    }

    /// Whether the decimal mark is still to be learned.
    pub(super) fn is_learning(&self) -> bool {
        self.mark.is_none()
    }

    /// Learns the decimal mark from an amount that can be read one way only.
    pub(super) fn learn(&mut self, text: &str) {
        if self.mark.is_none()
            && let Some((_, digits)) = self.unsigned(text)
            && let Guess::Mark(mark) = guess(digits)
        {
            self.mark = Some(mark);
        }
    }

    /// The amount `text` is. Its scale is kept as written.
    pub(super) fn read(&self, text: &str) -> Result<Decimal, NoAmount> {
        if let Some(amount) = self.read_plain(text) {
            return Ok(amount);
        }
        let (negative, digits) = self.unsigned(text).ok_or(NoAmount::NotANumber)?;
        let mark = match (self.mark, guess(digits)) {
            (Some(mark), _) | (None, Guess::Mark(mark)) => Some(mark),
            (None, Guess::NoDecimals) => None,
            (None, Guess::TwoWays) => return Err(NoAmount::Ambiguous),
        };
        let plain = self.plain(digits, mark).ok_or(NoAmount::NotANumber)?;
        let amount = Decimal::from_str_exact(&plain).map_err(|_too_long| NoAmount::TooLong)?;
        // Zero has no sign: `-0.00` would be another zero.
        Ok(if negative && !amount.is_zero() { -amount } else { amount })
    }

    /// Most amounts are a few digits around a point: `-1234.50`. Anything else is none to this reader.
    #[inline]
    fn read_plain(&self, text: &str) -> Option<Decimal> {
        const DIGITS_MAX: usize = 18;
        let mark = self.mark?;
        let mark = u8::try_from(mark).ok()?;
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) if self.has_leading_minus => (true, digits),
            Some(_) => return None,
            None => (false, text),
        };
        if digits.is_empty() || digits.len() > DIGITS_MAX {
            return None;
        }
        let (mut mantissa, mut scale, mut is_fraction) = (0_i64, 0, false);
        for byte in digits.bytes() {
            if byte.is_ascii_digit() {
                mantissa = mantissa * 10 + i64::from(byte - b'0');
                scale += u32::from(is_fraction);
            } else if byte == mark && !is_fraction {
                is_fraction = true;
            } else {
                return None;
            }
        }
        if is_fraction && digits.len() == 1 {
            return None;
        }
        Some(Decimal::new(if negative { -mantissa } else { mantissa }, scale))
    }

    /// The amount `text` is, where the profile says that it has no decimal mark, or COBOL's sign.
    pub(super) fn read_formatted(&self, text: &str, format: NumberFormat) -> Result<Decimal, NoAmount> {
        let (negative, digits) = match format.zoned {
            true => overpunched(text).ok_or(NoAmount::NotANumber)?,
            false => {
                let (negative, digits) = self.unsigned(text).ok_or(NoAmount::NotANumber)?;
                (negative, digits.to_owned())
            }
        };
        let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let Some(decimals) = format.decimals.filter(|_| all_digits) else {
            // The mark that is written wins.
            return match format.zoned {
                true => signed(negative, &digits),
                false => self.read(text),
            };
        };
        let width = decimals as usize + 1;
        let padded = format!("{digits:0>width$}");
        let (whole, fraction) = padded.split_at(padded.len() - decimals as usize);
        match decimals {
            0 => signed(negative, whole),
            _ => signed(negative, &format!("{whole}.{fraction}")),
        }
    }

    /// Takes sign and currency signs off: whether it is negative, and what is left.
    fn unsigned<'t>(&self, text: &'t str) -> Option<(bool, &'t str)> {
        let mut rest = self.bare(text);
        let allows = |way| self.profile.negative.contains(&way);
        let mut negative = false;
        if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            negative = allows(Negative::Parentheses).then_some(true)?;
            rest = self.bare(inner);
        } else if let Some(inner) = rest.strip_prefix(MINUS) {
            negative = allows(Negative::Leading).then_some(true)?;
            rest = self.bare(inner);
        } else if let Some(inner) = rest.strip_suffix(MINUS) {
            negative = allows(Negative::Trailing).then_some(true)?;
            rest = self.bare(inner);
        } else if let Some(inner) = rest.strip_prefix('+') {
            rest = self.bare(inner);
        }
        Some((negative, rest))
    }

    /// Without blanks and currency signs at either end.
    fn bare<'t>(&self, text: &'t str) -> &'t str {
        let mut rest = text.trim();
        for sign in &self.profile.currency_signs {
            let sign = sign.trim();
            if sign.is_empty() {
                continue;
            }
            rest = rest.strip_prefix(sign).or_else(|| rest.strip_suffix(sign)).unwrap_or(rest).trim();
        }
        rest
    }

    /// `1.578,92` as `1578.92`, if the groups are groups.
    fn plain(&self, digits: &str, mark: Option<char>) -> Option<String> {
        let (whole, fraction) = match mark.and_then(|mark| digits.split_once(mark)) {
            Some((whole, fraction)) => (whole, fraction),
            None => (digits, ""),
        };
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let mut plain = String::with_capacity(digits.len() + 2);
        let separator = whole.chars().find(|c| !c.is_ascii_digit());
        match separator {
            None => plain.push_str(whole),
            Some(separator) => {
                let known = self.profile.thousands.iter().any(|sign| *sign == like(separator));
                if !known || Some(separator) == mark {
                    return None;
                }
                for (index, group) in whole.split(separator).enumerate() {
                    let good = if index == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
                    if !good || !all_digits(group) {
                        return None;
                    }
                    plain.push_str(group);
                }
            }
        }
        if plain.is_empty() {
            plain.push('0');
        }
        if !fraction.is_empty() {
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(plain)
    }
}

/// A plain number with a sign; zero has none.
fn signed(negative: bool, plain: &str) -> Result<Decimal, NoAmount> {
    // Fixed fields are padded with more zeros than a decimal has digits.
    let trimmed = plain.trim_start_matches('0');
    let plain = if trimmed.starts_with('.') || trimmed.is_empty() { format!("0{trimmed}") } else { trimmed.to_owned() };
    let amount = Decimal::from_str_exact(&plain).map_err(|_too_long| NoAmount::TooLong)?;
    Ok(if negative && !amount.is_zero() { -amount } else { amount })
}

/// COBOL's `SIGN IS TRAILING`, without `SEPARATE`: the zone of the last digit is the sign. `{` and `A` to `I`
/// are 0 to 9 above zero, `}` and `J` to `R` below, as EBCDIC prints them; `p` to `y` are below zero as ASCII
/// compilers write them. A plain last digit has no sign.
fn overpunched(text: &str) -> Option<(bool, String)> {
    let text = text.trim();
    let last = text.chars().next_back()?;
    let digits = text.get(..text.len() - last.len_utf8())?;
    let (negative, digit) = match last {
        '0'..='9' => (false, last),
        '{' => (false, '0'),
        '}' => (true, '0'),
        'A'..='I' => (false, char::from(b'1' + (u8::try_from(last).ok()? - b'A'))),
        'J'..='R' => (true, char::from(b'1' + (u8::try_from(last).ok()? - b'J'))),
        'p'..='y' => (true, char::from(b'0' + (u8::try_from(last).ok()? - b'p'))),
        _ => return None,
    };
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| (negative, format!("{digits}{digit}")))
}

/// Hyphen-minus and the minus sign.
const MINUS: [char; 2] = ['-', '\u{2212}'];

/// A separator as a profile writes it: every kind of space is a space.
fn like(separator: char) -> char {
    if separator.is_whitespace() { ' ' } else { separator }
}

enum Guess {
    NoDecimals,
    Mark(char),
    TwoWays,
}

/// What an amount says about its own decimal mark.
fn guess(digits: &str) -> Guess {
    let Some(last) = digits.rfind(['.', ',']) else { return Guess::NoDecimals };
    let mark = if digits.get(last..=last) == Some(".") { '.' } else { ',' };
    let other = if mark == '.' { ',' } else { '.' };
    if digits.contains(other) {
        return Guess::Mark(mark);
    }
    if digits.matches(mark).count() > 1 {
        // 1.234.567: thousands; so the other one is the decimal mark.
        return Guess::Mark(other);
    }
    let (whole, fraction) = (digits.get(..last).unwrap_or_default(), digits.get(last + 1..).unwrap_or_default());
    let could_be_thousands = fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if could_be_thousands { Guess::TwoWays } else { Guess::Mark(mark) }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{Amounts, NoAmount};
    use crate::profile::{DecimalMark, Negative, NumberFormat, Profile};

    fn profile(decimal: DecimalMark) -> Profile {
        Profile {
            decimal,
            thousands: vec![',', '.', ' ', '\''],
            negative: vec![Negative::Leading, Negative::Trailing, Negative::Parentheses],
            currency_signs: vec!["$".to_owned(), "EUR".to_owned()],
            ..Profile::default()
        }
    }

    fn read(decimal: DecimalMark, text: &str) -> Result<String, NoAmount> {
        Amounts::new(&profile(decimal)).read(text).map(|amount: Decimal| amount.to_string())
    }

    #[test]
    fn every_convention_of_the_trade_is_read() {
        for (text, amount) in [
            ("1234.50", "1234.50"),
            ("$1,234.56", "1234.56"),
            ("($1,234.56)", "-1234.56"),
            ("-$5", "-5"),
            ("$-5", "-5"),
            ("12.50-", "-12.50"),
            ("1 234.5", "1234.5"),
            ("1\u{a0}234.5", "1234.5"),
            ("1'234'567.89", "1234567.89"),
            ("12.50 EUR", "12.50"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0.00", "0.00"),
        ] {
            assert_eq!(read(DecimalMark::Point, text), Ok(amount.to_owned()), "{text}");
        }
        assert_eq!(read(DecimalMark::Comma, "1.578,92"), Ok("1578.92".to_owned()));
        assert_eq!(read(DecimalMark::Comma, "68089,87-"), Ok("-68089.87".to_owned()));
    }

    #[test]
    fn digits_without_a_mark_have_the_decimals_of_the_profile_and_the_sign_of_their_zone() {
        let profile = profile(DecimalMark::Point);
        let amounts = Amounts::new(&profile);
        let read = |text: &str, decimals, zoned| {
            amounts.read_formatted(text, NumberFormat { decimals, zoned }).map(|amount| amount.to_string())
        };
        for (text, decimals, zoned, amount) in [
            ("0001250", Some(2), false, "12.50"),
            ("7", Some(2), false, "0.07"),
            ("-7", Some(2), false, "-0.07"),
            ("00012.50", Some(2), false, "12.50"),
            ("0000000000000000000000000000000001250", Some(2), false, "12.50"),
            ("000125{", Some(2), true, "12.50"),
            ("000125}", Some(2), true, "-12.50"),
            ("000125N", Some(2), true, "-12.55"),
            ("000125u", Some(2), true, "-12.55"),
            ("000125E", None, true, "1255"),
            ("0}", Some(2), true, "0.00"),
        ] {
            assert_eq!(read(text, decimals, zoned), Ok(amount.to_owned()), "{text}");
        }
        for text in ["12.5{", "-12{", "12Z", "", "{{"] {
            assert_eq!(read(text, Some(2), true), Err(NoAmount::NotANumber), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["12O.00", "", "-", "()", "1,23.4", "12,34,567.00", "1.2.3", "--1", "(1)-", "1e5", "0x10", "1.234,5 "]
        {
            assert_eq!(read(DecimalMark::Point, text), Err(NoAmount::NotANumber), "{text}");
        }
        assert_eq!(read(DecimalMark::Point, &"9".repeat(40)), Err(NoAmount::TooLong));
    }

    #[test]
    fn auto_reads_what_can_be_read_one_way_and_learns_the_rest() {
        assert_eq!(read(DecimalMark::Auto, "1.578,92"), Ok("1578.92".to_owned()));
        assert_eq!(read(DecimalMark::Auto, "260.56"), Ok("260.56".to_owned()));
        assert_eq!(read(DecimalMark::Auto, "0,125"), Ok("0.125".to_owned()));
        assert_eq!(read(DecimalMark::Auto, "1,234"), Err(NoAmount::Ambiguous));
        let profile = profile(DecimalMark::Auto);
        let mut amounts = Amounts::new(&profile);
        amounts.learn("9,5");
        assert_eq!(amounts.read("1.234").map(|amount| amount.to_string()), Ok("1234".to_owned()));
        assert_eq!(amounts.read("1,234").map(|amount| amount.to_string()), Ok("1.234".to_owned()));
        assert_eq!(amounts.read("9.5"), Err(NoAmount::NotANumber));
    }
}
