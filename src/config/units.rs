//! Sizes and durations as operators write them: `"2 GiB"`, `"5 min"`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A size in bytes. Units: B, KiB, MiB, GiB, TiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    #[must_use]
    pub const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    #[must_use]
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    #[must_use]
    pub const fn of(bytes: u64) -> Self {
        Self(bytes)
    }

    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

const SIZES: [(&str, u64); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl std::str::FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_in_units(text, &SIZES).map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_in_units(out, self.0, &SIZES)
    }
}

/// A length of time. Units: ms, s, min, h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(u64);

impl Span {
    #[must_use]
    pub const fn milliseconds(count: u64) -> Self {
        Self(count)
    }

    #[must_use]
    pub const fn seconds(count: u64) -> Self {
        Self(count * 1_000)
    }

    #[must_use]
    pub const fn minutes(count: u64) -> Self {
        Self(count * 60_000)
    }

    #[must_use]
    pub const fn hours(count: u64) -> Self {
        Self(count * 3_600_000)
    }

    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// In microseconds, as the database counts.
    #[must_use]
    pub fn micros(self) -> i64 {
        i64::try_from(self.0.saturating_mul(1_000)).unwrap_or(i64::MAX)
    }
}

const SPANS: [(&str, u64); 4] = [("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1)];

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_in_units(out, self.0, &SPANS)
    }
}

/// In the largest unit that needs no fraction.
fn write_in_units(out: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    let fitting = units.iter().find(|(_, size)| value != 0 && value.is_multiple_of(*size)).or(units.last());
    let (unit, size) = fitting.copied().unwrap_or(("", 1));
    write!(out, "{} {unit}", value / size)
}

fn parse_in_units(text: &str, units: &[(&str, u64)]) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let known: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
    let advice =
        || format!("`{text}` is not a size or time here; write a whole number and one of {}", known.join(", "));
    let number: u64 = number.parse().map_err(|_| advice())?;
    let (_, size) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(advice)?;
    number.checked_mul(*size).ok_or_else(advice)
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_in_units(&text, &SIZES).map(Self).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_in_units(&text, &SPANS).map(Self).map_err(serde::de::Error::custom)
    }
}
