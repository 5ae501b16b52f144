//! How dates are written: `YYYY-MM-DD`, `DD.MM.YYYY`, `M/D/YY`, `DD-MMM-YYYY`.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A date pattern. `YYYY`, `YY` (70 to 99 are of the last century), `MM`, `DD` (two digits), `M`, `D` (one
/// or two), `MMM` (`Jan`, in English); everything else stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatePattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year { digits: usize },
    Month { digits_min: usize },
    MonthName,
    Day { digits_min: usize },
    Literal(char),
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl DatePattern {
    /// Reads a pattern: a year, a month and a day, once each.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (part, length) = part_at(rest).unwrap_or((Part::Literal(first), first.len_utf8()));
            if matches!(part, Part::Literal(letter) if letter.is_alphanumeric() && letter != 'T') {
                return Err(format!(
                    "`{text}` is no date pattern: use YYYY, YY, MMM, MM, M, DD, D and what stands between"
                ));
            }
            parts.push(part);
            rest = rest.get(length..).unwrap_or_default();
        }
        let count = |wanted: fn(&Part) -> bool| parts.iter().filter(|part| wanted(part)).count();
        let years = count(|part| matches!(part, Part::Year { .. }));
        let months = count(|part| matches!(part, Part::Month { .. } | Part::MonthName));
        let days = count(|part| matches!(part, Part::Day { .. }));
        if (years, months, days) != (1, 1, 1) {
            return Err(format!("`{text}` is no date pattern: it needs a year, a month and a day, once each"));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The date that `text` is, if it fits the pattern wholly and exists.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<Date> {
        let mut rest = text;
        let (mut year, mut month, mut day) = (0, 0, 0);
        for part in &self.parts {
            match *part {
                Part::Year { digits } => {
                    let number = digits_of(&mut rest, digits, digits)?;
                    year = match digits {
                        4 => number,
                        _ if number < 70 => 2000 + number,
                        _ => 1900 + number,
                    };
                }
                Part::Month { digits_min } => month = digits_of(&mut rest, digits_min, 2)?,
                Part::Day { digits_min } => day = digits_of(&mut rest, digits_min, 2)?,
                Part::MonthName => {
                    let name = rest.get(..3)?.to_ascii_lowercase();
                    month = i16::try_from(MONTHS.iter().position(|known| *known == name)?).ok()? + 1;
                    rest = rest.get(3..)?;
                }
                Part::Literal(sign) => rest = rest.strip_prefix(sign)?,
            }
        }
        if !rest.is_empty() || year == 0 {
            return None;
        }
        Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    }

    /// Whether some text could be read as two different dates by the two patterns.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        if self == other {
            return false;
        }
        let fixed_digits = |pattern: &Self| -> Option<usize> {
            pattern.parts.iter().try_fold(0, |sum, part| match part {
                Part::Year { digits } => Some(sum + digits),
                Part::Month { .. } | Part::Day { .. } => Some(sum + 2),
                Part::MonthName | Part::Literal(_) => None,
            })
        };
        match (fixed_digits(self), fixed_digits(other)) {
            (Some(mine), Some(theirs)) => mine == theirs && order(self) != order(other),
            _ => shape(self) == shape(other) && order(self) != order(other),
        }
    }
}

impl TryFrom<String> for DatePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<DatePattern> for String {
    fn from(pattern: DatePattern) -> Self {
        pattern.text
    }
}

fn part_at(text: &str) -> Option<(Part, usize)> {
    const PARTS: [(&str, Part); 7] = [
        ("YYYY", Part::Year { digits: 4 }),
        ("YY", Part::Year { digits: 2 }),
        ("MMM", Part::MonthName),
        ("MM", Part::Month { digits_min: 2 }),
        ("M", Part::Month { digits_min: 1 }),
        ("DD", Part::Day { digits_min: 2 }),
        ("D", Part::Day { digits_min: 1 }),
    ];
    PARTS.into_iter().find(|(word, _)| text.starts_with(word)).map(|(word, part)| (part, word.len()))
}

/// Takes `min` to `max` digits off the front.
fn digits_of(rest: &mut &str, min: usize, max: usize) -> Option<i16> {
    let (mut count, mut number) = (0, 0);
    // Four digits at most.
    for byte in rest.bytes().take(max).take_while(u8::is_ascii_digit) {
        count += 1;
        number = number * 10 + i16::from(byte - b'0');
    }
    if count < min {
        return None;
    }
    *rest = rest.get(count..)?;
    Some(number)
}

/// The order of the parts, whatever their width.
fn order(pattern: &DatePattern) -> Vec<char> {
    let letter = |part: &Part| match part {
        Part::Year { .. } => Some('y'),
        Part::Month { .. } | Part::MonthName => Some('m'),
        Part::Day { .. } => Some('d'),
        Part::Literal(_) => None,
    };
    pattern.parts.iter().filter_map(letter).collect()
}

/// What a reader sees who does not know which number is which.
fn shape(pattern: &DatePattern) -> Vec<char> {
    let sign = |part: &Part| match part {
        Part::Year { digits: 4 } => 'Y',
        Part::Year { .. } | Part::Month { .. } | Part::Day { .. } => 'n',
        Part::MonthName => 'a',
        Part::Literal(sign) => *sign,
    };
    pattern.parts.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::DatePattern;

    fn read(pattern: &str, text: &str) -> Option<jiff::civil::Date> {
        DatePattern::parse(pattern).unwrap().read(text)
    }

    #[test]
    fn a_date_is_read_by_its_pattern_and_by_no_other() {
        let day = Some(date(2026, 3, 9));
        assert_eq!(read("YYYY-MM-DD", "2026-03-09"), day);
        assert_eq!(read("DD.MM.YYYY", "09.03.2026"), day);
        assert_eq!(read("M/D/YYYY", "3/9/2026"), day);
        assert_eq!(read("M/D/YYYY", "03/09/2026"), day);
        assert_eq!(read("YYYYMMDD", "20260309"), day);
        assert_eq!(read("DD-MMM-YY", "09-MAR-26"), day);
        assert_eq!(read("MM/DD/YYYY", "3/9/2026"), None);
        assert_eq!(read("YYYY-MM-DD", "2026-03-09 "), None);
        assert_eq!(read("YYYY-MM-DD", "2026-02-30"), None);
        assert_eq!(read("YYYY-MM-DD", "0000-02-03"), None);
    }

    #[test]
    fn two_patterns_contradict_when_a_text_could_be_two_days() {
        let contradict = |a: &str, b: &str| DatePattern::parse(a).unwrap().contradicts(&DatePattern::parse(b).unwrap());
        assert!(contradict("DD/MM/YYYY", "MM/DD/YYYY"));
        assert!(contradict("YYYYMMDD", "DDMMYYYY"));
        assert!(contradict("D/M/YY", "M/D/YY"));
        assert!(!contradict("DD.MM.YYYY", "MM/DD/YYYY"));
        assert!(!contradict("YYYY-MM-DD", "DD.MM.YYYY"));
        assert!(!contradict("M/D/YYYY", "MM/DD/YYYY"));
    }

    #[test]
    fn a_pattern_without_a_day_is_refused() {
        assert!(DatePattern::parse("YYYY-MM").is_err());
        assert!(DatePattern::parse("yyyy-mm-dd").is_err());
    }
}
