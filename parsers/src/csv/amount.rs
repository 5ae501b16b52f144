//! Amounts as people and ERPs write them: `1.578,92`, `$1,234.56`, `(12.50)`, `68089,87-`.

use rust_decimal::Decimal;

use crate::profile::{DecimalMark, Negative, Profile};

/// How this file writes amounts: the profile's conventions, and the decimal mark once it is known.
#[derive(Debug, Clone)]
pub(super) struct Amounts<'p> {
    profile: &'p Profile,
    mark: Option<char>,
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
        Self { profile, mark }
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
    use crate::profile::{DecimalMark, Negative, Profile};

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
