//! What the values of columns show: dates and how they are written, amounts and how they are written.

use super::super::{DatePattern, Negative};
use crate::csv::minor_units;

/// What most of a column's filled cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Empty,
    Date,
    Amount,
    Currency,
    Text,
}

/// The patterns that are tried, the likeliest first.
const PATTERNS: [&str; 24] = [
    "YYYY-MM-DD",
    "DD.MM.YYYY",
    "YYYYMMDD",
    "MM/DD/YYYY",
    "DD/MM/YYYY",
    "M/D/YYYY",
    "D/M/YYYY",
    "D.M.YYYY",
    "YYYY/MM/DD",
    "DD-MM-YYYY",
    "MM-DD-YYYY",
    "DD-MMM-YYYY",
    "DD-MMM-YY",
    "D-MMM-YYYY",
    "DD MMM YYYY",
    "MMM D, YYYY",
    "DD.MM.YY",
    "MM/DD/YY",
    "DD/MM/YY",
    "M/D/YY",
    "D/M/YY",
    "D.M.YY",
    "YYYY.MM.DD",
    "YYMMDD",
];

fn patterns() -> impl Iterator<Item = DatePattern> {
    PATTERNS.into_iter().filter_map(|text| DatePattern::parse(text).ok())
}

impl Shape {
    /// By a column's filled cells.
    pub(super) fn of(values: &[&str]) -> Self {
        let most = |fits: &dyn Fn(&&&str) -> bool| values.iter().filter(fits).count() * 5 >= values.len() * 4;
        let patterns: Vec<DatePattern> = patterns().filter(|pattern| pattern.as_str() != "YYMMDD").collect();
        if values.is_empty() {
            Self::Empty
        } else if most(&|value| patterns.iter().any(|pattern| pattern.read(value).is_some())) {
            Self::Date
        } else if most(&|value| minor_units(value).is_some()) {
            Self::Currency
        } else if most(&|value| is_amount(value)) {
            Self::Amount
        } else {
            Self::Text
        }
    }
}

/// Digits with what may stand between and around them.
fn is_amount(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let inner = value.trim_matches(|c: char| !c.is_ascii_digit());
    digits > 0
        && value.chars().count() - inner.chars().count() <= 5
        && inner
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '\'' | '’' | '\u{a0}' | '\u{202f}'))
}

/// How the dates of a file are written.
#[derive(Debug, Default)]
pub(super) struct Dates {
    /// The pattern that fits every date, where only one reading does.
    pub(super) pattern: Option<String>,
    /// What decided it.
    pub(super) evidence: String,
    /// Patterns that fit just as well and mean other days.
    pub(super) rivals: Vec<String>,
}

impl Dates {
    /// By all date cells of a file, each with its row.
    pub(super) fn of(values: &[(u64, &str)]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let fits = |pattern: &DatePattern| values.iter().filter(|(_, value)| pattern.read(value).is_some()).count();
        let best = patterns().map(|pattern| fits(&pattern)).max().unwrap_or_default();
        if best == 0 {
            return Self::default();
        }
        let fitting: Vec<DatePattern> = patterns().filter(|pattern| fits(pattern) == best).collect();
        let Some(first) = fitting.first() else { return Self::default() };
        let disagrees = |other: &&DatePattern| {
            values.iter().any(|(_, value)| {
                let (one, two) = (first.read(value), other.read(value));
                one.is_some() && two.is_some() && one != two
            })
        };
        let rivals: Vec<String> =
            fitting.iter().skip(1).filter(disagrees).map(|other| other.as_str().to_owned()).collect();
        if !rivals.is_empty() {
            let of = values.first().map_or(String::new(), |(row, value)| format!("row {row}: {value}"));
            return Self {
                pattern: Some(first.as_str().to_owned()),
                evidence: format!("each of {best} dates can be read both ways ({of})"),
                rivals,
            };
        }
        // A pattern that lost tells which date decided.
        let decided = patterns().filter(|other| other.contradicts(first)).find_map(|loser| {
            let (row, value) =
                values.iter().find(|(_, value)| loser.read(value).is_none() && first.read(value).is_some())?;
            Some(format!("row {row} has {value}, which is no {}", loser.as_str()))
        });
        let evidence = decided.unwrap_or_else(|| format!("{best} of {} dates", values.len()));
        Self { pattern: Some(first.as_str().to_owned()), evidence, rivals }
    }
}

/// How the amounts of a file are written.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The decimal mark, and the amount that shows it.
    pub(super) mark: Option<(char, String)>,
    /// An amount that shows the other one.
    pub(super) contradiction: Option<String>,
    pub(super) thousands: Vec<char>,
    pub(super) negative: Vec<Negative>,
    pub(super) signs: Vec<String>,
}

impl Numbers {
    /// By all amounts of a file, each with its row.
    pub(super) fn of(values: &[(u64, &str)]) -> Self {
        let mut numbers = Self::default();
        for (row, value) in values {
            numbers.see(*row, value);
        }
        if let Some((mark, _)) = &numbers.mark {
            let mark = *mark;
            numbers.thousands.retain(|sign| *sign != mark);
        }
        numbers
    }

    fn see(&mut self, row: u64, value: &str) {
        let inner = value.trim_matches(|c: char| !c.is_ascii_digit());
        let (Some(start), true) = (value.find(inner), !inner.is_empty()) else { return };
        let before = value.get(..start).unwrap_or_default();
        let after = value.get(start + inner.len()..).unwrap_or_default();
        let negative = match () {
            () if before.contains('(') && after.contains(')') => Some(Negative::Parentheses),
            () if before.contains(['-', '\u{2212}']) => Some(Negative::Leading),
            () if after.contains(['-', '\u{2212}']) => Some(Negative::Trailing),
            () => None,
        };
        if let Some(negative) = negative.filter(|negative| !self.negative.contains(negative)) {
            self.negative.push(negative);
        }
        for around in [before, after] {
            let sign: String = around
                .chars()
                .filter(|c| !matches!(c, '(' | ')' | '-' | '\u{2212}' | '+' | '.' | ',') && !c.is_whitespace())
                .collect();
            if !sign.is_empty() && sign.chars().count() <= 4 && !self.signs.contains(&sign) {
                self.signs.push(sign);
            }
        }
        for c in inner.chars() {
            let sign = if c.is_whitespace() { ' ' } else { c };
            if matches!(sign, ' ' | '\'' | '’') && !self.thousands.contains(&sign) {
                self.thousands.push(sign);
            }
        }
        let Some((mark, thousands)) = marks(inner) else { return };
        if let Some(sign) = thousands.filter(|sign| !self.thousands.contains(sign)) {
            self.thousands.push(sign);
        }
        let seen = format!("row {row}: {value}");
        match &self.mark {
            None => self.mark = Some((mark, seen)),
            Some((known, _)) if *known != mark => self.contradiction = self.contradiction.take().or(Some(seen)),
            Some(_) => {}
        }
    }
}

/// The decimal mark that an amount shows beyond doubt, and the thousands separator beside it.
fn marks(digits: &str) -> Option<(char, Option<char>)> {
    let last = digits.rfind(['.', ','])?;
    let mark = digits.get(last..)?.chars().next()?;
    let other = if mark == '.' { ',' } else { '.' };
    let count = digits.matches(mark).count();
    if digits.contains(other) {
        return (count == 1).then_some((mark, Some(other)));
    }
    if count > 1 {
        return Some((other, Some(mark)));
    }
    let (whole, fraction) = (digits.get(..last)?, digits.get(last + 1..)?);
    let could_be_thousands = fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    (!could_be_thousands).then_some((mark, None))
}
