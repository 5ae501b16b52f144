//! Names an account's files may have: patterns as a shell knows them, and nothing more.
//!
//! `*` is any run of characters, also none; `?` is one character; `[a-z0-9]` one of a set and `[!0-9]` one that is
//! not in it; everything else is itself. Letters of ASCII match in either case. A pattern is matched against the whole
//! name, in time proportional to the product of both lengths whatever it says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A pattern for names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamePattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Any,
    One,
    Of { not: bool, ranges: Vec<(char, char)> },
    This(char),
}

/// A pattern is at most this long, in bytes.
const PATTERN_BYTES_MAX: usize = 255;

impl NamePattern {
    /// Whether the whole name is as the pattern says.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().map(|c| c.to_ascii_lowercase()).collect();
        let (mut part, mut at) = (0, 0);
        // Where to go on if what follows the last `*` does not fit: one character further.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let fits = match (self.parts.get(part), name.get(at)) {
                (None, None) => return true,
                (Some(Part::Any), _) => {
                    retry = Some((part + 1, at));
                    part += 1;
                    continue;
                }
                (Some(expected), Some(found)) => expected.fits(*found),
                _ => false,
            };
            if fits {
                (part, at) = (part + 1, at + 1);
                continue;
            }
            match retry {
                Some((after, from)) if from < name.len() => {
                    retry = Some((after, from + 1));
                    (part, at) = (after, from + 1);
                }
                _ => return false,
            }
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Part {
    /// `found` is in lower case.
    fn fits(&self, found: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::This(expected) => *expected == found,
            Self::Of { not, ranges } => {
                let is_in = |c: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                (is_in(found) || is_in(found.to_ascii_uppercase())) != *not
            }
        }
    }
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is no pattern: {why}; write `*.edi` or `INV[0-9]*.csv`");
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        if text.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern is at most {PATTERN_BYTES_MAX} bytes long"));
        }
        if text.chars().any(|c| c.is_control() || matches!(c, '/' | '\\')) {
            return Err(wrong("names have no slashes and no control characters"));
        }
        let mut parts = vec![];
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            parts.push(match c {
                '*' => {
                    if parts.last() == Some(&Part::Any) {
                        continue;
                    }
                    Part::Any
                }
                '?' => Part::One,
                '[' => {
                    let not = rest.next_if_eq(&'!').is_some();
                    let mut ranges = vec![];
                    loop {
                        let from = match rest.next() {
                            None => return Err(wrong("a `[` has no `]`")),
                            Some(']') if ranges.is_empty() => return Err(wrong("a `[]` has nothing in it")),
                            Some(']') => break,
                            Some(from) => from,
                        };
                        let to = match rest.next_if_eq(&'-') {
                            None => from,
                            // A `-` at the end is itself.
                            Some(dash) if rest.peek() == Some(&']') => {
                                ranges.push((dash, dash));
                                from
                            }
                            Some(_) => rest.next().ok_or_else(|| wrong("a `[` has no `]`"))?,
                        };
                        if from > to {
                            return Err(wrong("a range in `[]` runs backwards"));
                        }
                        ranges.push((from, to));
                    }
                    Part::Of { not, ranges }
                }
                c => Part::This(c.to_ascii_lowercase()),
            });
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NamePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_or_do_not() {
        for (pattern, fitting, others) in [
            ("*.edi", &["a.edi", ".edi", "A.EDI", "a.b.edi"][..], &["a.edi.x", "aedi", "edi"][..]),
            ("INV?.csv", &["inv1.csv", "INVé.csv"], &["inv.csv", "inv12.csv"]),
            ("INV[0-9][0-9]*.csv", &["INV07.csv", "inv99-x.csv"], &["INV7.csv", "INVab.csv"]),
            ("[!0-9]*", &["a", "é7"], &["7a", ""]),
            ("[a-c]x", &["ax", "Bx"], &["dx"]),
            ("[A-C]x", &["ax", "Bx"], &["dx"]),
            ("[x-]", &["x", "-"], &["y"]),
            ("*", &["", "anything at all"], &[]),
            ("a*b*c", &["abc", "aXbYc", "abbcc"], &["ab", "acb"]),
            ("x.(1)+$^", &["x.(1)+$^"], &["xx(1)"]),
            ("{a,b}", &["{a,b}"], &["a", "b"]),
        ] {
            let pattern: NamePattern = pattern.parse().unwrap();
            for name in fitting {
                assert!(pattern.matches(name), "{name} fits {pattern}");
            }
            for name in others {
                assert!(!pattern.matches(name), "{name} does not fit {pattern}");
            }
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let pattern: NamePattern = "*a".repeat(127).parse().unwrap();
        let started = std::time::Instant::now();
        assert!(!pattern.matches(&"a".repeat(254).replace("aa", "ab")));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(254))));
        assert!(started.elapsed() < std::time::Duration::from_secs(1));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_advice() {
        for text in ["", "a/b", "a\\b", "[", "[]", "[a", "[z-a]", "[!]", "[a-", "a\n", &"x".repeat(256)] {
            assert!(text.parse::<NamePattern>().is_err(), "{text:?}");
        }
    }
}
