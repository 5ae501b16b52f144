//! Moments: whole microseconds in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment, in whole microseconds since 1970-01-01T00:00:00Z. As a number it sorts as time does, in
/// either database; as text it is RFC 3339 with six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The wall clock now. For display and for rows; timers use the monotonic clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds, as SFTP and HTTP say modification times.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment moved by `micros`, saturating.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// RFC 3339 text or a bare date (its first moment).
    ///
    /// # Errors
    /// The sentence to show to whoever wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(moment.as_microsecond()));
        }
        text.parse::<jiff::civil::Date>()
            .ok()
            .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok())
            .map(|zoned| Self(zoned.timestamp().as_microsecond()))
            .ok_or_else(|| format!("`{text}` is not a time: write 2026-03-03T02:14:07Z or 2026-03-03"))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(out, "{moment:.6}"),
            Err(_) => write!(out, "{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_are_the_same_moment() {
        let moment = Timestamp::parse("2026-03-03T02:14:07.123456Z").unwrap();
        assert_eq!(moment.micros(), 1_772_504_047_123_456);
        assert_eq!(moment.to_string(), "2026-03-03T02:14:07.123456Z");
        assert_eq!(Timestamp::parse("2026-03-03").unwrap().to_string(), "2026-03-03T00:00:00.000000Z");
        assert!(Timestamp::parse("yesterday").is_err());
    }
}
