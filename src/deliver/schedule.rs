//! When it is a partner's turn again.

use std::str::FromStr;

use crate::config::{Partner, Partners, Span};
use crate::domain::Timestamp;
use crate::record::Direction;

/// The first turn of a partner that was not known: at once, or when its cron expression says.
pub(super) fn first(partner: &Partner, direction: Direction, now: Timestamp) -> Timestamp {
    let (_, cron, zone) = of(partner, direction);
    by_cron(cron, zone, now).unwrap_or(now)
}

/// The turn after one that went well.
pub(super) fn next(partner: &Partner, direction: Direction, now: Timestamp) -> Timestamp {
    let (every, cron, zone) = of(partner, direction);
    by_cron(cron, zone, now).unwrap_or_else(|| now.plus_micros(every.micros()))
}

/// The turn after so many in a row that failed.
pub(super) fn after_failures(settings: &Partners, failures: u32, now: Timestamp) -> Timestamp {
    let doubled =
        settings.backoff.micros().saturating_mul(1_i64.checked_shl(failures.saturating_sub(1)).unwrap_or(0).max(1));
    let doubled = if failures > 40 { settings.backoff_max.micros() } else { doubled };
    now.plus_micros(doubled.min(settings.backoff_max.micros()))
}

fn of(partner: &Partner, direction: Direction) -> (Span, &str, &str) {
    match (direction, &partner.pull, &partner.push) {
        (Direction::Pull, Some(pull), _) => (pull.every, &pull.cron, &pull.time_zone),
        (Direction::Push, _, Some(push)) => (push.every, &push.cron, &push.time_zone),
        _ => (Span::hours(1), "", "UTC"),
    }
}

/// `None` without an expression. The settings have been checked: what they name is there.
fn by_cron(cron: &str, zone: &str, now: Timestamp) -> Option<Timestamp> {
    if cron.is_empty() {
        return None;
    }
    let cron = croner::Cron::from_str(cron).ok()?;
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    let now = jiff::Timestamp::from_microsecond(now.micros()).ok()?.to_zoned(zone);
    let next = cron.find_next_occurrence(&now, false).ok()?;
    Some(Timestamp::from_micros(next.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::partners::{Protocol, Push};

    fn partner(cron: &str, time_zone: &str) -> Partner {
        Partner {
            name: "x".to_owned(),
            account: "x".to_owned(),
            protocol: Protocol::Sftp,
            host: "x".to_owned(),
            port: 0,
            user: "x".to_owned(),
            password_file: "x".into(),
            key_file: "".into(),
            host_keys: vec![],
            legacy_algorithms: false,
            tls_ca: "".into(),
            tls_fingerprint: String::new(),
            connect_deadline: Span::seconds(1),
            stall_deadline: Span::seconds(1),
            pull: None,
            push: Some(Push {
                folder: "/in".to_owned(),
                answers: true,
                temporary: ".part".to_owned(),
                every: Span::minutes(15),
                cron: cron.to_owned(),
                time_zone: time_zone.to_owned(),
            }),
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_cron_expression_is_read_in_its_time_zone_also_when_the_clocks_change() {
        let nightly = partner("30 2 * * *", "Europe/Berlin");
        let next = |now| next(&nightly, Direction::Push, at(now));
        assert_eq!(next("2026-01-10T12:00:00Z"), at("2026-01-11T01:30:00Z"));
        assert_eq!(next("2026-07-10T12:00:00Z"), at("2026-07-11T00:30:00Z"));
        assert!(next("2026-03-28T12:00:00Z") > at("2026-03-28T12:00:00Z"), "02:30 is not on the clock that night");
        let work = partner("*/15 6-20 * * MON-FRI", "UTC");
        assert_eq!(super::next(&work, Direction::Push, at("2026-11-27T20:50:00Z")), at("2026-11-30T06:00:00Z"));
        assert_eq!(first(&work, Direction::Push, at("2026-11-27T12:01:00Z")), at("2026-11-27T12:15:00Z"));
        let often = partner("", "UTC");
        let noon = at("2026-11-27T12:00:00Z");
        assert_eq!(first(&often, Direction::Push, noon), noon);
        assert_eq!(super::next(&often, Direction::Push, noon), at("2026-11-27T12:15:00Z"));
    }

    #[test]
    fn failures_in_a_row_wait_longer_and_never_longer_than_the_longest() {
        let settings = Partners::default();
        let noon = at("2026-11-27T12:00:00Z");
        let waits: Vec<i64> = [1, 2, 3, 7, 8, 60, u32::MAX]
            .map(|failures| (after_failures(&settings, failures, noon).micros() - noon.micros()) / 1_000_000)
            .to_vec();
        assert_eq!(waits, [30, 60, 120, 1_920, 3_600, 3_600, 3_600]);
    }
}
