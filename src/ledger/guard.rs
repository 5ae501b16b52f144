//! The snapshot guard: a full file that would drop or change too much of what is open is set aside until a person has
//! seen the difference.
//!
//! It is the worst that can happen to a portal: one truncated file, and three hundred invoices are not paid any more.

use std::collections::BTreeMap;

use waybill_parsers::canonical::PaymentStatus;

use super::lifecycle::Status;
use crate::domain::{Digest, counted};

/// A row of a snapshot, or what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// [`super::duplicate::voucher_content`].
    pub content: Digest,
    pub status: Option<PaymentStatus>,
}

impl Row {
    /// Whether something is still to be paid of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status.is_none_or(|status| Status::from(status).is_open())
    }

    fn is_paid(&self) -> bool {
        matches!(self.status, Some(PaymentStatus::Paid | PaymentStatus::Cleared))
    }
}

/// What a file would do. The numbers may also come from the database; [`Difference::count`] is what they mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    pub new: u64,
    pub modified: u64,
    pub unchanged: u64,
    /// Rows that are known and not in the file.
    pub deleted: u64,
    /// Of the rows that are known: how many are open,
    pub open_before: u64,
    /// and how many of these the file changes
    pub open_modified: u64,
    /// or drops.
    pub open_deleted: u64,
    /// Of the rows that are known: how many are paid,
    pub paid_before: u64,
    /// and how many of these the file says are open.
    pub unpaid: u64,
    /// How many rows of the file have each status; those the profile could not map are under `unmapped`.
    pub by_status: BTreeMap<&'static str, u64>,
}

impl Difference {
    /// Counts one voucher: as it is known, and as the file has it.
    pub fn count(&mut self, before: Option<Row>, after: Option<Row>) {
        let add = |to: &mut u64| *to = to.saturating_add(1);
        if let Some(after) = after {
            let status = after.status.map_or("unmapped", PaymentStatus::as_str);
            add(self.by_status.entry(status).or_default());
        }
        match (before, after) {
            (None, None) => {}
            (None, Some(_)) => add(&mut self.new),
            (Some(_), None) => add(&mut self.deleted),
            (Some(before), Some(after)) if before.content == after.content => add(&mut self.unchanged),
            (Some(_), Some(_)) => add(&mut self.modified),
        }
        let Some(before) = before else { return };
        if before.is_open() {
            add(&mut self.open_before);
            match after {
                None => add(&mut self.open_deleted),
                Some(after) if after.content != before.content => add(&mut self.open_modified),
                Some(_) => {}
            }
        }
        if before.is_paid() {
            add(&mut self.paid_before);
            if after.is_some_and(|after| after.is_open()) {
                add(&mut self.unpaid);
            }
        }
    }

    /// One line of it, for the person who decides.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} new, {} modified, {} unchanged, {} deleted; of {}, {} would change and {} would go",
            self.new,
            self.modified,
            self.unchanged,
            self.deleted,
            counted(self.open_before, "open row"),
            self.open_modified,
            self.open_deleted
        )
    }
}

/// How much is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In percent, 0 to 100: a file that touches a greater share of what is open is set aside.
    pub share_percent: u8,
    /// However great the share, so many rows must be touched.
    pub rows_min: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { share_percent: 20, rows_min: 20 }
    }
}

/// Why a file is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tripped {
    /// It would drop or change so many of the open rows.
    Open { touched: u64, of: u64 },
    /// It would make open what is paid.
    Unpaid { touched: u64, of: u64 },
}

impl Tripped {
    /// What the one who is called reads.
    #[must_use]
    pub fn sentence(&self, limits: &Limits) -> String {
        let (what, touched, of) = match self {
            Self::Open { touched, of } => ("drop or change", touched, counted(*of, "open row")),
            Self::Unpaid { touched, of } => ("take back the payment of", touched, counted(*of, "paid row")),
        };
        format!(
            "This file would {what} {touched} of {of}, which is more than {} %. It is set aside: look at the \
             difference, and release it or have it sent again.",
            limits.share_percent
        )
    }
}

/// Whether a full file is to be set aside. The first file of a feed never is: nothing is known before it.
#[must_use]
pub fn tripped(difference: &Difference, limits: &Limits) -> Option<Tripped> {
    let is_too_much = |touched: u64, of: u64| {
        let (touched, of) = (u128::from(touched), u128::from(of));
        touched >= u128::from(limits.rows_min.max(1)) && touched * 100 > of * u128::from(limits.share_percent)
    };
    let touched = difference.open_modified.saturating_add(difference.open_deleted);
    if is_too_much(touched, difference.open_before) {
        return Some(Tripped::Open { touched, of: difference.open_before });
    }
    let (touched, of) = (difference.unpaid, difference.paid_before);
    is_too_much(touched, of).then_some(Tripped::Unpaid { touched, of })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(content: &str, status: PaymentStatus) -> Option<Row> {
        Some(Row { content: Digest::of(content.as_bytes()), status: Some(status) })
    }

    use PaymentStatus::{Approved, InReview, Paid};

    /// So many open rows, of which so many change and so many go.
    fn difference(open: u64, modified: u64, deleted: u64) -> Difference {
        let mut difference = Difference::default();
        for n in 0..open {
            let after = match n {
                n if n < modified => row("b", Approved),
                n if n < modified + deleted => None,
                _ => row("a", InReview),
            };
            difference.count(row("a", InReview), after);
        }
        difference
    }

    #[test]
    fn more_than_a_fifth_of_the_open_rows_trips_and_a_fifth_does_not() {
        let limits = Limits::default();
        assert_eq!(tripped(&difference(1_000, 100, 100), &limits), None);
        let found = tripped(&difference(1_000, 100, 101), &limits).unwrap();
        assert_eq!(found, Tripped::Open { touched: 201, of: 1_000 });
        assert!(found.sentence(&limits).starts_with("This file would drop or change 201 of 1000 open rows"));
        let strict = Limits { share_percent: 0, ..limits };
        assert!(tripped(&difference(1_000, 20, 0), &strict).is_some());
        assert_eq!(tripped(&difference(1_000, 19, 0), &strict), None, "the least count");
    }

    #[test]
    fn a_small_feed_is_not_caught_for_being_small() {
        assert_eq!(tripped(&difference(5, 2, 3), &Limits::default()), None);
        assert_eq!(tripped(&difference(30, 0, 19), &Limits::default()), None);
        assert!(tripped(&difference(30, 0, 20), &Limits::default()).is_some());
        assert_eq!(tripped(&Difference::default(), &Limits { share_percent: 0, rows_min: 0 }), None);
    }

    #[test]
    fn a_file_that_takes_payments_back_trips_although_nothing_open_changes() {
        let mut difference = Difference::default();
        for n in 0..400 {
            difference.count(row("a", Paid), if n < 300 { row("b", Approved) } else { row("a", Paid) });
        }
        assert_eq!(tripped(&difference, &Limits::default()), Some(Tripped::Unpaid { touched: 300, of: 400 }));
        assert_eq!(difference.open_before, 0);
    }

    #[test]
    fn the_first_file_and_new_rows_never_trip() {
        let mut difference = Difference::default();
        for _ in 0..1_000 {
            difference.count(None, row("a", InReview));
        }
        assert_eq!(tripped(&difference, &Limits { share_percent: 0, rows_min: 0 }), None);
        assert_eq!(difference.by_status, BTreeMap::from([("in_review", 1_000)]));
    }

    #[test]
    fn the_difference_counts_every_row_once() {
        let difference = difference(10, 3, 2);
        assert_eq!((difference.modified, difference.deleted, difference.unchanged), (3, 2, 5));
        assert_eq!(
            difference.sentence(),
            "0 new, 3 modified, 5 unchanged, 2 deleted; of 10 open rows, 3 would change and 2 would go"
        );
        assert_eq!(difference.by_status.get("approved"), Some(&3));
    }

    proptest! {
        #[test]
        fn the_guard_is_the_share_and_nothing_else(
            open in 0_u64..u64::MAX, touched in 0_u64..u64::MAX, share_percent in 0_u8..=100, rows_min in 1_u64..1_000,
        ) {
            let touched = touched.min(open);
            let difference =
                Difference { open_before: open, open_deleted: touched, ..Difference::default() };
            let expected = touched >= rows_min
                && u128::from(touched) * 100 > u128::from(open) * u128::from(share_percent);
            prop_assert_eq!(tripped(&difference, &Limits { share_percent, rows_min }).is_some(), expected);
        }
    }
}
