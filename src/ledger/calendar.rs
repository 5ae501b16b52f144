//! When a payer pays: its pay runs, until when each can be influenced, and when an invoice may expect its money.
//!
//! All dates are the day a run *starts*; how long the money is on its way is the bank's.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use crate::domain::Timestamp;
use crate::ledger::lifecycle::{Hold, Owner, Status};

/// How far ahead runs are looked for, in days.
pub const HORIZON_DAYS: i32 = 400;

/// A payer's pay calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub runs: Runs,
    /// Bank holidays: nothing is paid.
    pub holidays: BTreeSet<Date>,
    /// What a run does whose day is a holiday.
    pub on_holiday: OnHoliday,
    /// Until when before a run an invoice can still get into it.
    pub cut_off: CutOff,
    /// Which run an invoice is paid in.
    pub habit: Habit,
}

/// The days a payer pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// These dates.
    Dates(BTreeSet<Date>),
    /// These days of every week.
    Weekly(Vec<Weekday>),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnHoliday {
    /// It is held on the next day that is neither a holiday nor of a weekend.
    #[default]
    Next,
    /// It is held on the last such day before.
    Previous,
    /// It is not held.
    Skip,
}

/// The end of the day so many days before a run, or another time of it, where the payer is.
#[derive(Debug, Clone, PartialEq)]
pub struct CutOff {
    /// Whole days before the run, 0 to 30: 0 is the day itself.
    pub days_before: i8,
    pub time: Time,
    /// The payer's zone: the caller finds it by its name, or `TimeZone::fixed` for an offset.
    pub zone: TimeZone,
}

/// Which run an invoice that is due is paid in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Habit {
    /// The first on or after the due date.
    #[default]
    OnOrAfterDue,
    /// The last on or before it, if one is left; else the next.
    OnOrBeforeDue,
}

/// One pay run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PayRun {
    pub date: Date,
    /// The first moment that is too late.
    pub cut_off: Timestamp,
}

impl PayRun {
    /// Whether what happens at this moment still gets into the run. The cut-off itself is too late.
    #[must_use]
    pub fn takes(&self, at: Timestamp) -> bool {
        at < self.cut_off
    }
}

impl Calendar {
    /// The next run that something that happens now still gets into; `None` where the calendar has none within
    /// [`HORIZON_DAYS`].
    #[must_use]
    pub fn next_run(&self, now: Timestamp) -> Option<PayRun> {
        self.runs_after(now).next()
    }

    /// All the runs, in their order, that something that happens now still gets into.
    pub fn runs_after(&self, now: Timestamp) -> impl Iterator<Item = PayRun> + '_ {
        // From the day before, where it is still that day in another zone, and a week earlier, for a run that moves.
        let today = jiff::Timestamp::from_microsecond(now.micros()).ok().map(|now| {
            let here = self.cut_off.zone.to_datetime(now).date();
            here.saturating_sub(8.days())
        });
        let mut runs: Vec<PayRun> = Vec::new();
        if let Some(first) = today {
            let last = first.saturating_add(HORIZON_DAYS.days());
            let dates: BTreeSet<Date> =
                self.planned(first, last).into_iter().filter_map(|date| self.held_on(date)).collect();
            runs.extend(dates.into_iter().filter_map(|date| self.run(date)).filter(|run| run.takes(now)));
        }
        runs.into_iter()
    }

    /// The run of this day; `None` for a day no moment can be told of.
    #[must_use]
    fn run(&self, date: Date) -> Option<PayRun> {
        let day = date.checked_sub(i32::from(self.cut_off.days_before).days()).ok()?;
        let moment = self.cut_off.zone.to_timestamp(day.to_datetime(self.cut_off.time)).ok()?;
        Some(PayRun { date, cut_off: Timestamp::from_micros(moment.as_microsecond()) })
    }

    /// The planned days within a range.
    fn planned(&self, first: Date, last: Date) -> Vec<Date> {
        match &self.runs {
            Runs::Dates(dates) => dates.range(first..=last).copied().collect(),
            Runs::Weekly(days) => first
                .series(Span::new().days(1))
                .take_while(|date| *date <= last)
                .filter(|date| days.contains(&date.weekday()))
                .collect(),
        }
    }

    /// The day a planned run is held.
    fn held_on(&self, date: Date) -> Option<Date> {
        if !self.holidays.contains(&date) {
            return Some(date);
        }
        let step = match self.on_holiday {
            OnHoliday::Next => 1,
            OnHoliday::Previous => -1,
            OnHoliday::Skip => return None,
        };
        // A month of holidays on end is a mistake in the calendar; then the run is not held.
        date.series(Span::new().days(step)).take(31).find(|date| self.is_banking_day(*date))
    }

    /// Whether banks work: no holiday, no Saturday, no Sunday.
    #[must_use]
    pub fn is_banking_day(&self, date: Date) -> bool {
        !self.holidays.contains(&date) && !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    /// The run in which an approved invoice that is due then is paid, as things stand.
    #[must_use]
    pub fn run_for(&self, due: Option<Date>, now: Timestamp) -> Option<PayRun> {
        let runs: Vec<PayRun> = self.runs_after(now).collect();
        let next = runs.first().copied();
        let Some(due) = due else { return next };
        match self.habit {
            Habit::OnOrAfterDue => runs.into_iter().find(|run| run.date >= due),
            Habit::OnOrBeforeDue => runs.into_iter().take_while(|run| run.date <= due).last().or(next),
        }
    }
}

/// What is known of an invoice when it asks for its pay date.
#[derive(Debug, Clone)]
pub struct Awaiting<'a> {
    pub status: Status,
    pub due: Option<Date>,
    pub holds: &'a [Hold],
    pub is_disputed: bool,
    /// The day it was paid, where it was.
    pub paid_on: Option<Date>,
    /// The pay run the payer's file, or an accepted offer, names.
    pub named_run: Option<Date>,
}

/// When the money may be expected, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// The day the payment starts; `None` where nobody can say.
    pub date: Option<Date>,
    pub because: Because,
}

/// Why that day, or why none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    Paid,
    /// The payer, or an accepted offer, named the run.
    Named,
    /// The run that its due date falls to.
    Run {
        due: Option<Date>,
    },
    /// Not approved yet: the run it gets into if it is approved before this cut-off.
    IfApproved {
        before: Timestamp,
    },
    Held {
        by: Owner,
    },
    Disputed,
    /// It will not be paid as it stands.
    Closed,
    /// Not in the payer's books yet.
    NotReceived,
    /// The payer has said nothing of its pay runs.
    NoCalendar,
}

impl Expectation {
    /// What the supplier reads.
    #[must_use]
    pub fn sentence(&self) -> String {
        let day = self.date.map_or_else(String::new, |date| date.strftime("%a %-d %b %Y").to_string());
        match &self.because {
            Because::Paid if self.date.is_some() => format!("Paid on {day}."),
            Because::Paid => "Paid.".to_owned(),
            Because::Named => format!("In the pay run of {day}."),
            Because::Run { due: Some(due) } => format!("Approved and due on {due}: in the pay run of {day}."),
            Because::Run { due: None } => format!("Approved: in the pay run of {day}."),
            Because::IfApproved { before } => format!("If it is approved before {before}, in the pay run of {day}."),
            Because::Held { by } => format!("On hold. {}", by.sentence()),
            Because::Disputed => "No date while it is disputed.".to_owned(),
            Because::Closed => "It will not be paid as it stands; see its status.".to_owned(),
            Because::NotReceived => "No date until your customer has it in its books.".to_owned(),
            Because::NoCalendar => "Your customer has not told us its pay runs.".to_owned(),
        }
    }
}

/// When the money of an invoice may be expected. Without a calendar only what is paid or named has a date.
#[must_use]
pub fn expected(awaiting: &Awaiting<'_>, calendar: Option<&Calendar>, now: Timestamp) -> Expectation {
    let expect = |date, because| Expectation { date, because };
    match awaiting.status {
        Status::Paid | Status::Cleared => return expect(awaiting.paid_on, Because::Paid),
        Status::Rejected | Status::Cancelled | Status::ClosedUnconfirmed | Status::Superseded => {
            return expect(None, Because::Closed);
        }
        Status::Submitted | Status::Delivered => return expect(None, Because::NotReceived),
        _ => {}
    }
    // What the supplier can do something about comes first.
    let owners = || awaiting.holds.iter().map(|hold| hold.owner);
    if let Some(by) = owners().find(|owner| *owner == Owner::Supplier).or_else(|| owners().next()) {
        return expect(None, Because::Held { by });
    }
    if awaiting.is_disputed {
        return expect(None, Because::Disputed);
    }
    if awaiting.named_run.is_some() {
        return expect(awaiting.named_run, Because::Named);
    }
    let Some(run) = calendar.and_then(|calendar| calendar.run_for(awaiting.due, now)) else {
        return expect(None, Because::NoCalendar);
    };
    match awaiting.status {
        Status::Received | Status::InReview => expect(Some(run.date), Because::IfApproved { before: run.cut_off }),
        _ => expect(Some(run.date), Because::Run { due: awaiting.due }),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    use super::*;
    use crate::ledger::lifecycle::HoldMeaning;

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    /// Pays on Fridays, and takes until Thursday noon in New York.
    fn fridays() -> Calendar {
        Calendar {
            runs: Runs::Weekly(vec![Weekday::Friday]),
            holidays: BTreeSet::new(),
            on_holiday: OnHoliday::Next,
            cut_off: CutOff {
                days_before: 1,
                time: time(12, 0, 0, 0),
                zone: TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(),
            },
            habit: Habit::OnOrAfterDue,
        }
    }

    #[test]
    fn a_minute_before_the_cut_off_is_in_time_and_the_cut_off_is_not() {
        let calendar = fridays();
        // Noon in New York is 17:00 UTC in winter, and 16:00 after 8 March 2026.
        for (now, run) in [
            ("2026-03-05T16:59:00Z", date(2026, 3, 6)),
            ("2026-03-05T17:00:00Z", date(2026, 3, 13)),
            ("2026-03-05T17:01:00Z", date(2026, 3, 13)),
            ("2026-03-12T15:59:59Z", date(2026, 3, 13)),
            ("2026-03-12T16:00:00Z", date(2026, 3, 20)),
        ] {
            assert_eq!(calendar.next_run(moment(now)).unwrap().date, run, "{now}");
        }
        let run = calendar.next_run(moment("2026-03-05T16:59:00Z")).unwrap();
        assert_eq!(run.cut_off, moment("2026-03-05T17:00:00Z"));
    }

    #[test]
    fn a_run_on_a_holiday_moves_or_is_not_held() {
        // Good Friday 2026 and Easter Monday.
        let holidays = BTreeSet::from([date(2026, 4, 3), date(2026, 4, 6)]);
        let now = moment("2026-03-31T00:00:00Z");
        for (on_holiday, run) in [
            (OnHoliday::Next, date(2026, 4, 7)),
            (OnHoliday::Previous, date(2026, 4, 2)),
            (OnHoliday::Skip, date(2026, 4, 10)),
        ] {
            let calendar = Calendar { holidays: holidays.clone(), on_holiday, ..fridays() };
            assert_eq!(calendar.next_run(now).unwrap().date, run, "{on_holiday:?}");
        }
        // A run that moved past a cut-off that is still to come is still there on the days between.
        let calendar = Calendar { holidays, on_holiday: OnHoliday::Next, ..fridays() };
        assert_eq!(calendar.next_run(moment("2026-04-05T00:00:00Z")).unwrap().date, date(2026, 4, 7));
    }

    #[test]
    fn a_list_of_dates_ends() {
        let dates = BTreeSet::from([date(2026, 3, 16), date(2026, 3, 31)]);
        let calendar = Calendar { runs: Runs::Dates(dates), ..fridays() };
        assert_eq!(calendar.next_run(moment("2026-03-16T00:00:00Z")).unwrap().date, date(2026, 3, 31));
        assert_eq!(calendar.next_run(moment("2026-04-01T00:00:00Z")), None);
        assert_eq!(calendar.next_run(Timestamp::from_micros(i64::MAX)), None);
        assert_eq!(calendar.next_run(Timestamp::from_micros(i64::MIN)), None);
    }

    #[test]
    fn an_invoice_is_paid_in_the_run_its_due_date_falls_to() {
        let now = moment("2026-03-02T00:00:00Z");
        let due = Some(date(2026, 3, 18));
        assert_eq!(fridays().run_for(due, now).unwrap().date, date(2026, 3, 20));
        let before = Calendar { habit: Habit::OnOrBeforeDue, ..fridays() };
        assert_eq!(before.run_for(due, now).unwrap().date, date(2026, 3, 13));
        let overdue = Some(date(2026, 1, 1));
        for calendar in [fridays(), before] {
            assert_eq!(calendar.run_for(overdue, now).unwrap().date, date(2026, 3, 6));
            assert_eq!(calendar.run_for(None, now).unwrap().date, date(2026, 3, 6));
        }
    }

    #[test]
    fn an_expected_date_says_why() {
        let now = moment("2026-03-02T00:00:00Z");
        let calendar = fridays();
        let approved = Awaiting {
            status: Status::Approved,
            due: Some(date(2026, 3, 18)),
            holds: &[],
            is_disputed: false,
            paid_on: None,
            named_run: None,
        };
        let says = |awaiting: &Awaiting<'_>, calendar| expected(awaiting, calendar, now).sentence();
        let with = |status| Awaiting { status, ..approved.clone() };
        let known = Some(&calendar);
        assert_eq!(says(&approved, known), "Approved and due on 2026-03-18: in the pay run of Fri 20 Mar 2026.");
        let review = says(&with(Status::InReview), known);
        assert_eq!(review, "If it is approved before 2026-03-19T16:00:00.000000Z, in the pay run of Fri 20 Mar 2026.");
        let named = Awaiting { named_run: Some(date(2026, 3, 6)), ..approved.clone() };
        assert_eq!(says(&named, None), "In the pay run of Fri 6 Mar 2026.");
        let paid = Awaiting { status: Status::Paid, paid_on: Some(date(2026, 2, 27)), ..approved.clone() };
        assert_eq!(says(&paid, known), "Paid on Fri 27 Feb 2026.");
        assert_eq!(says(&approved, None), "Your customer has not told us its pay runs.");
        assert_eq!(says(&with(Status::Rejected), known), "It will not be paid as it stands; see its status.");
        assert_eq!(says(&with(Status::Delivered), known), "No date until your customer has it in its books.");
        let disputed = Awaiting { is_disputed: true, ..named.clone() };
        assert_eq!(says(&disputed, known), "No date while it is disputed.");
        let hold = |owner| {
            let HoldMeaning { text, .. } = HoldMeaning::unknown("H");
            Hold { code: "H".into(), text, owner, since: now }
        };
        let holds = [hold(Owner::Payer), hold(Owner::Supplier)];
        let held = Awaiting { holds: &holds, ..named };
        assert_eq!(expected(&held, known, now).because, Because::Held { by: Owner::Supplier });
        assert_eq!(
            says(&Awaiting { holds: &holds[..1], ..held }, known),
            "On hold. Your customer has to act; you need not."
        );
    }

    proptest! {
        #[test]
        fn runs_come_in_order_and_never_after_their_cut_off(
            seconds in 1_700_000_000_i64..1_900_000_000, day in 0_i8..7, holiday in 0_i32..30, days_before in 0_i8..5,
        ) {
            let now = Timestamp::from_micros(seconds * 1_000_000);
            let weekday = Weekday::from_sunday_zero_offset(day).unwrap();
            let today = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(TimeZone::UTC).date();
            let holidays = BTreeSet::from([today + holiday.days()]);
            let mut calendar = Calendar { runs: Runs::Weekly(vec![weekday]), holidays, ..fridays() };
            calendar.cut_off.days_before = days_before;
            let runs: Vec<PayRun> = calendar.runs_after(now).collect();
            prop_assert!(runs.len() > 50);
            prop_assert!(runs.windows(2).all(|pair| pair[0].date < pair[1].date));
            prop_assert!(runs.iter().all(|run| run.takes(now) && !calendar.holidays.contains(&run.date)));
        }
    }
}
