//! Moments as people write and read them: `2h` ago, and the clock on their wall.

use jiff::tz::TimeZone;

use crate::config::Span;
use crate::domain::Timestamp;

/// Whose clock is shown.
#[derive(Debug, Clone)]
pub(super) struct Clock(TimeZone);

impl Clock {
    /// The machine's time zone, or UTC.
    pub(super) fn new(utc: bool) -> Self {
        Self(if utc { TimeZone::UTC } else { TimeZone::system() })
    }

    /// `02:14:07`
    pub(super) fn time(&self, moment: Timestamp) -> String {
        self.show(moment, "%H:%M:%S")
    }

    /// `2026-03-03`
    pub(super) fn day(&self, moment: Timestamp) -> String {
        self.show(moment, "%Y-%m-%d")
    }

    /// `2026-03-03 02:14:07`
    pub(super) fn full(&self, moment: Timestamp) -> String {
        self.show(moment, "%Y-%m-%d %H:%M:%S")
    }

    fn show(&self, moment: Timestamp, format: &str) -> String {
        match jiff::Timestamp::from_microsecond(moment.micros()) {
            Ok(instant) => instant.to_zoned(self.0.clone()).strftime(format).to_string(),
            Err(_) => moment.to_string(),
        }
    }
}

/// A moment as typed: RFC 3339, a date, or how long ago: `90s`, `15m`, `2h`, `3d`.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    ago(text, Timestamp::now()).map_or_else(|| Timestamp::parse(text).map_err(|error| format!("{error}, or 2h")), Ok)
}

fn ago(text: &str, now: Timestamp) -> Option<Timestamp> {
    let split = text.len().checked_sub(1).filter(|split| text.is_char_boundary(*split))?;
    let (count, unit) = text.split_at(split);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let count = count.parse::<u32>().ok()?;
    Some(now.plus_micros(-i64::from(count).checked_mul(seconds * 1_000_000)?))
}

/// How long: `90s`, `30m`, `12h`, `7d`.
pub(super) fn length(text: &str) -> Result<Span, String> {
    let now = Timestamp::from_micros(0);
    let micros = ago(text, now).map(|past| -past.micros()).filter(|micros| *micros > 0);
    micros
        .and_then(|micros| u64::try_from(micros / 1_000).ok())
        .map(Span::milliseconds)
        .ok_or_else(|| format!("`{text}` is not a length of time; write 30m, 12h or 7d"))
}

/// A number of days: `90d`.
pub(super) fn days(text: &str) -> Result<u32, String> {
    let count =
        text.strip_suffix('d').and_then(|count| count.parse().ok()).filter(|count| (1..=36_500).contains(count));
    count.ok_or_else(|| format!("`{text}` is not a number of days; write 90d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_is_counted_back_from_now() {
        let now = Timestamp::from_micros(1_000_000_000_000);
        for (text, seconds) in [("0s", 0), ("90s", 90), ("15m", 900), ("2h", 7_200), ("3d", 259_200)] {
            assert_eq!(ago(text, now), Some(now.plus_micros(-seconds * 1_000_000)), "{text}");
        }
        for bad in ["", "h", "-2h", "2", "2w", "2é", "99999999999d"] {
            assert_eq!(ago(bad, now), None, "{bad}");
        }
        assert_eq!(moment("2026-03-03"), Timestamp::parse("2026-03-03"));
        assert!(moment("noon").unwrap_err().contains("or 2h"));
    }

    #[test]
    fn a_length_of_time_is_some() {
        assert_eq!(length("30m"), Ok(Span::minutes(30)));
        assert_eq!(length("7d"), Ok(Span::hours(168)));
        for bad in ["0s", "m", "-1h", "1w", ""] {
            assert!(length(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_whole_and_not_for_ever() {
        assert_eq!(days("90d"), Ok(90));
        for bad in ["90", "0d", "d", "1.5d", "-1d", "99999999d"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_clock_shows_its_zone() {
        let moment = Timestamp::parse("2026-03-03T02:14:07.9Z").unwrap();
        let clock = Clock::new(true);
        assert_eq!(clock.time(moment), "02:14:07");
        assert_eq!(clock.full(moment), "2026-03-03 02:14:07");
        assert_eq!(clock.day(moment), "2026-03-03");
        assert_eq!(clock.full(Timestamp::from_micros(i64::MAX)), format!("{}us", i64::MAX));
    }
}
