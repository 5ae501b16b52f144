//! The table of the life cycle, row by row, and that no order of files matters.

use proptest::prelude::*;

use jiff::civil::date;
use waybill_parsers::canonical::PaymentStatus;

use super::*;
use crate::domain::Timestamp;
use crate::ledger::allocation::Settlement;

fn at(day: i64) -> Timestamp {
    Timestamp::from_micros(day * 86_400_000_000)
}

fn as_of(day: i64) -> AsOf {
    AsOf { at: at(day), feed_seq: u64::try_from(day).unwrap() }
}

fn listed(day: i64, status: PaymentStatus) -> Event {
    Event::Listed(Listing { as_of: as_of(day), status: Some(status), is_exception: false, hold_codes: vec![] })
}

fn paid(settlement: Settlement, day: i64) -> Event {
    Event::Payments { settlement, as_of: at(day) }
}

fn after(events: &[Event]) -> Standing {
    events.iter().fold(Standing::default(), |standing, event| step(&standing, event).unwrap().standing)
}

fn step(standing: &Standing, event: &Event) -> Result<Applied, Refusal> {
    apply(standing, event, &Rules::default(), &HoldMeaning::unknown)
}

#[track_caller]
fn stands(events: &[Event], status: Status, evidence: Evidence) {
    let view = after(events).view(&Rules::default()).unwrap();
    assert_eq!((view.status, view.evidence), (status, evidence), "{events:?}");
}

use PaymentStatus as P;

#[test]
fn a_suppliers_invoice_is_submitted_delivered_and_then_what_the_payer_says() {
    assert_eq!(Standing::default().view(&Rules::default()), None);
    let taken = Event::HandedOver { at: at(1) };
    stands(&[Event::Filed], Status::Submitted, Evidence::Filing);
    stands(&[Event::Filed, taken.clone()], Status::Delivered, Evidence::Filing);
    stands(&[Event::Filed, taken.clone(), listed(2, P::InReview)], Status::InReview, Evidence::PayerFile);
    // Origin at the payer: the normal case of a portal fed by an ERP.
    stands(&[listed(2, P::Approved)], Status::Approved, Evidence::PayerFile);
    assert_eq!(step(&after(&[Event::Filed]), &Event::Filed), Err(Refusal::FiledBefore));
    assert_eq!(step(&Standing::default(), &taken), Err(Refusal::NotFiled));
}

#[test]
fn a_refused_handover_is_ours_to_mend_and_puts_it_back() {
    let events = [Event::Filed, Event::HandedOver { at: at(1) }, Event::HandoverRefused { at: at(2) }];
    stands(&events, Status::Submitted, Evidence::Filing);
    assert_eq!(after(&events).flags(&Rules::default()), [Flag::HandoverRefused]);
    // The two answers, heard the other way round.
    let events = [Event::Filed, Event::HandoverRefused { at: at(2) }, Event::HandedOver { at: at(1) }];
    stands(&events, Status::Submitted, Evidence::Filing);
    let events = [Event::Filed, Event::HandoverRefused { at: at(2) }, Event::HandedOver { at: at(3) }];
    stands(&events, Status::Delivered, Evidence::Filing);
}

#[test]
fn the_payer_may_go_backwards_and_it_shows() {
    let applied = step(&after(&[listed(1, P::Approved)]), &listed(2, P::InReview)).unwrap();
    let change = applied.change.unwrap();
    assert_eq!((change.from, change.to, change.is_regression), (Some(Status::Approved), Status::InReview, true));
    let forward = step(&after(&[listed(1, P::InReview)]), &listed(2, P::Approved)).unwrap();
    assert!(!forward.change.unwrap().is_regression);
}

#[test]
fn an_older_file_is_history_only() {
    let standing = after(&[listed(5, P::Approved)]);
    let late = step(&standing, &listed(4, P::InReview)).unwrap();
    assert!(late.is_history_only);
    assert_eq!((late.change, &late.standing), (None, &standing));
    let again = step(&standing, &listed(5, P::Approved)).unwrap();
    assert_eq!((again.change, again.is_history_only, again.standing), (None, false, standing));
    // The same day, the next file of the feed.
    let next = Listing {
        as_of: AsOf { at: at(5), feed_seq: 6 },
        status: Some(P::Scheduled),
        is_exception: false,
        hold_codes: vec![],
    };
    let events = [Event::Listed(next), listed(5, P::Approved)];
    stands(&events, Status::Scheduled, Evidence::PayerFile);
}

#[test]
fn a_code_nobody_mapped_leaves_the_status_alone() {
    let unmapped = |day| {
        Event::Listed(Listing { as_of: as_of(day), status: None, is_exception: true, hold_codes: vec!["X".into()] })
    };
    stands(&[unmapped(1)], Status::Received, Evidence::PayerFile);
    stands(&[listed(1, P::Approved), unmapped(2)], Status::Approved, Evidence::PayerFile);
    stands(&[unmapped(2), listed(1, P::Approved)], Status::Approved, Evidence::PayerFile);
    let standing = after(&[listed(1, P::Approved), unmapped(2)]);
    assert_eq!(standing.flags(&Rules::default()), [Flag::Exception]);
    assert_eq!(standing.holds[0].owner, Owner::Payer);
}

#[test]
fn holds_are_no_status_and_leave_with_the_snapshot() {
    let with = |day, codes: &[&str]| {
        let hold_codes = codes.iter().map(|code| (*code).into()).collect();
        Event::Listed(Listing { as_of: as_of(day), status: Some(P::Approved), is_exception: false, hold_codes })
    };
    let held = step(&after(&[with(1, &[])]), &with(2, &["QTY"])).unwrap();
    assert_eq!((held.change, held.holds.set.len()), (None, 1));
    let released = step(&held.standing, &with(3, &[])).unwrap();
    assert_eq!((released.change, released.holds.released.len()), (None, 1));
    let late = step(&released.standing, &with(2, &["QTY"])).unwrap();
    assert!(late.is_history_only && late.standing.holds.is_empty());
}

#[test]
fn a_pay_run_schedules_what_is_approved_and_nothing_else() {
    let run = Event::PayRun { date: Some(date(2026, 3, 6)) };
    stands(&[listed(1, P::Approved), run.clone()], Status::Scheduled, Evidence::PayerFile);
    stands(&[listed(1, P::InReview), run.clone()], Status::InReview, Evidence::PayerFile);
    stands(&[listed(1, P::Approved), run, Event::PayRun { date: None }], Status::Approved, Evidence::PayerFile);
}

#[test]
fn payments_raise_by_their_sum_and_never_by_a_flag() {
    let partial = paid(Settlement::Partial, 3);
    stands(&[listed(1, P::Approved), partial.clone()], Status::PartiallyPaid, Evidence::Payments);
    // A Paid row with a new payment document is a partial payment.
    stands(&[listed(1, P::Paid), partial], Status::PartiallyPaid, Evidence::Payments);
    stands(&[listed(1, P::Approved), paid(Settlement::Paid, 3)], Status::Paid, Evidence::Payments);
    stands(&[listed(1, P::Cleared), paid(Settlement::Paid, 3)], Status::Cleared, Evidence::PayerFile);
    stands(&[listed(1, P::Paid)], Status::Paid, Evidence::StatusOnly);
    assert_eq!(after(&[listed(1, P::Paid)]).flags(&Rules::default()), [Flag::StatusOnly]);
    // A row that still says approved after the payment does not lower it.
    stands(&[paid(Settlement::Paid, 3), listed(4, P::Approved)], Status::Paid, Evidence::Payments);
}

#[test]
fn a_payment_taken_back_is_recomputed() {
    let events = [listed(1, P::Paid), paid(Settlement::Paid, 2), paid(Settlement::Reversed, 3)];
    stands(&events, Status::Approved, Evidence::Payments);
    let voided = after(&events);
    let change = step(&after(&events[..2]), &events[2]).unwrap().change.unwrap();
    assert!(change.is_regression);
    // Paid again, without a payment: the flag is newer than the reversal.
    let again = step(&voided, &listed(4, P::Paid)).unwrap().standing;
    assert_eq!(again.view(&Rules::default()).unwrap().evidence, Evidence::StatusOnly);
    // A payment that is known to be older does not undo it.
    let late = step(&voided, &paid(Settlement::Paid, 2)).unwrap();
    assert!(late.is_history_only && late.change.is_none());
}

#[test]
fn a_payment_does_not_bring_a_rejected_invoice_back_but_shows() {
    let events = [listed(1, P::Rejected), paid(Settlement::Paid, 2)];
    stands(&events, Status::Rejected, Evidence::PayerFile);
    assert_eq!(after(&events).flags(&Rules::default()), [Flag::PaidButRefused]);
    let over = after(&[listed(1, P::Approved), paid(Settlement::Overpaid, 2)]);
    assert_eq!(over.flags(&Rules::default()), [Flag::Overpaid]);
}

#[test]
fn absence_is_not_payment_and_closes_after_three_snapshots() {
    let absent = |day, snapshots| Event::Absent { as_of: as_of(day), snapshots };
    let open = listed(1, P::Approved);
    stands(&[open.clone(), absent(2, 1), absent(3, 2)], Status::Approved, Evidence::PayerFile);
    let events = [open.clone(), absent(2, 1), absent(3, 2), absent(4, 3)];
    stands(&events, Status::ClosedUnconfirmed, Evidence::Absence);
    // It comes back, or its payment does.
    let back = [events.as_slice(), &[listed(5, P::Approved)]].concat();
    stands(&back, Status::Approved, Evidence::PayerFile);
    let settled = [events.as_slice(), &[paid(Settlement::Paid, 5)]].concat();
    stands(&settled, Status::Paid, Evidence::Payments);
    // What is paid leaves the list of open items, as it should.
    stands(&[listed(1, P::Paid), absent(2, 1), absent(4, 9)], Status::Paid, Evidence::StatusOnly);
    // Never listed is not missing; a snapshot older than the listing says nothing.
    stands(&[Event::Filed, absent(2, 9)], Status::Submitted, Evidence::Filing);
    stands(&[listed(5, P::Approved), absent(4, 9)], Status::Approved, Evidence::PayerFile);
    let once = Rules { absent_snapshots: 0 };
    assert_eq!(after(&[open]).view(&once).unwrap().status, Status::Approved, "zero is read as one");
}

#[test]
fn the_payers_file_comes_before_accounts_payable_and_they_before_the_supplier() {
    let decided = |decision, day| Event::Decided { decision, at: at(day) };
    let rejected = decided(Decision::Rejected, 2);
    stands(&[Event::Filed, rejected.clone()], Status::Rejected, Evidence::AccountsPayable);
    let reconsidered = [Event::Filed, rejected.clone(), decided(Decision::Approved, 3)];
    stands(&reconsidered, Status::Approved, Evidence::AccountsPayable);
    stands(&[Event::Filed, rejected.clone(), listed(3, P::InReview)], Status::InReview, Evidence::PayerFile);
    let refused = step(&after(&[listed(1, P::InReview)]), &rejected);
    assert_eq!(refused, Err(Refusal::PayerFileDecides(Status::InReview)));
    let refused = step(&after(&[Event::Filed, paid(Settlement::Paid, 1)]), &rejected);
    assert_eq!(refused, Err(Refusal::Decided(Status::Paid)));
    assert_eq!(step(&Standing::default(), &rejected), Err(Refusal::Unknown));
    let late = step(&after(&[Event::Filed, rejected]), &decided(Decision::Approved, 1)).unwrap();
    assert!(late.is_history_only);
}

#[test]
fn a_supplier_withdraws_only_what_the_payer_has_not_booked() {
    stands(&[Event::Filed, Event::Withdrawn, Event::Withdrawn], Status::Cancelled, Evidence::Filing);
    stands(&[Event::Filed, Event::HandedOver { at: at(1) }, Event::Withdrawn], Status::Cancelled, Evidence::Filing);
    let refused = step(&after(&[Event::Filed, listed(1, P::Received)]), &Event::Withdrawn);
    assert_eq!(refused, Err(Refusal::TooLateToWithdraw(Status::Received)));
    assert_eq!(step(&after(&[listed(1, P::Received)]), &Event::Withdrawn).err(), Some(Refusal::NotFiled));
    // It was booked while it was withdrawn: the payer's file decides.
    stands(&[Event::Filed, Event::Withdrawn, listed(1, P::Received)], Status::Received, Evidence::PayerFile);
}

#[test]
fn only_what_is_rejected_or_not_fetched_can_be_superseded() {
    stands(&[Event::Filed, listed(1, P::Rejected), Event::Superseded], Status::Superseded, Evidence::Filing);
    stands(&[Event::Filed, Event::Superseded, Event::Superseded], Status::Superseded, Evidence::Filing);
    let refused = step(&after(&[Event::Filed, listed(1, P::Approved)]), &Event::Superseded);
    assert_eq!(refused, Err(Refusal::NotSupersedable(Status::Approved)));
    assert!(refused.unwrap_err().to_string().contains("this one is approved"));
    let taken = after(&[Event::Filed, Event::HandedOver { at: at(1) }]);
    assert_eq!(step(&taken, &Event::Superseded), Err(Refusal::NotSupersedable(Status::Delivered)));
}

#[test]
fn a_match_joins_two_standings_and_can_be_undone() {
    let invoice = after(&[Event::Filed, Event::HandedOver { at: at(1) }]);
    let voucher = after(&[listed(2, P::Approved), paid(Settlement::Partial, 3)]);
    let joined = Standing::joined(&invoice, &voucher);
    assert_eq!(joined.view(&Rules::default()).unwrap().status, Status::PartiallyPaid);
    assert_eq!(joined.parted(), (invoice, voucher));
}

#[test]
fn a_feed_is_late_when_its_newest_file_is_old() {
    let day = 86_400_000_000;
    assert!(is_stale(None, at(1), day));
    assert!(!is_stale(Some(as_of(1)), at(2), day));
    assert!(is_stale(Some(as_of(1)), at(2).plus_micros(1), day));
}

/// Any row of a payer's file, of one of eight files.
fn any_listing() -> impl Strategy<Value = Event> {
    let statuses = prop_oneof![
        Just(None),
        Just(Some(P::InReview)),
        Just(Some(P::Approved)),
        Just(Some(P::Paid)),
        Just(Some(P::Rejected)),
    ];
    (1_i64..9, statuses, 0_usize..3).prop_map(|(day, status, holds)| {
        let hold_codes = ["QTY", "PRI"].into_iter().take(holds).map(Into::into).collect();
        Event::Listed(Listing { as_of: as_of(day), status, is_exception: false, hold_codes })
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let settlements = prop_oneof![
        Just(Settlement::Unpaid),
        Just(Settlement::Partial),
        Just(Settlement::Paid),
        Just(Settlement::Reversed)
    ];
    prop_oneof![
        4 => any_listing(),
        1 => Just(Event::Filed),
        1 => (1_i64..9).prop_map(|day| Event::HandedOver { at: at(day) }),
        1 => (1_i64..9).prop_map(|day| Event::HandoverRefused { at: at(day) }),
        2 => (settlements, 1_i64..9).prop_map(|(settlement, day)| paid(settlement, day)),
        1 => (1_i64..9, 1_u32..5).prop_map(|(day, snapshots)| Event::Absent { as_of: as_of(day), snapshots }),
        1 => Just(Event::Withdrawn),
        1 => Just(Event::Superseded),
    ]
}

proptest! {
    /// Files of different moments, in any order and more than once, end in the state their own order ends in. (The
    /// beginning of a hold is recounted by `relisted`; everything else falls out.)
    #[test]
    fn any_order_of_files_ends_in_the_same_state(
        events in proptest::collection::vec(any_listing(), 1..8),
        order in proptest::collection::vec(0_usize..64, 24),
    ) {
        let mut events = events;
        events.sort_by_key(moment);
        events.dedup_by_key(|event| moment(event));
        let expected = after(&events);
        let mut shuffled = Vec::new();
        for place in order {
            shuffled.push(events[place % events.len()].clone());
        }
        shuffled.extend(events.iter().rev().cloned());
        let got = after(&shuffled);
        prop_assert_eq!(got.view(&Rules::default()), expected.view(&Rules::default()));
        let codes = |standing: &Standing| standing.holds.iter().map(|hold| hold.code.clone()).collect::<Vec<_>>();
        prop_assert_eq!(codes(&got), codes(&expected));
        let listings: Vec<Listing> = shuffled.iter().filter_map(|event| match event {
            Event::Listed(listing) => Some(listing.clone()),
            _ => None,
        }).collect();
        prop_assert_eq!(relisted(&got, &listings, &HoldMeaning::unknown), expected);
    }

    #[test]
    fn no_sequence_of_events_breaks_it_and_a_second_time_changes_nothing(
        events in proptest::collection::vec(any_event(), 1..20),
    ) {
        let mut standing = Standing::default();
        for event in &events {
            let Ok(applied) = step(&standing, event) else { continue };
            if let Some(change) = applied.change {
                prop_assert_ne!(change.from, Some(change.to));
            }
            if !matches!(event, Event::Filed) {
                let again = step(&applied.standing, event).unwrap();
                prop_assert_eq!(&again.standing, &applied.standing);
                prop_assert_eq!(again.change, None);
            }
            standing = applied.standing;
        }
        let kept: Standing = serde_json::from_str(&serde_json::to_string(&standing).unwrap()).unwrap();
        prop_assert_eq!(kept, standing);
    }
}

fn moment(event: &Event) -> Option<AsOf> {
    match event {
        Event::Listed(listing) => Some(listing.as_of),
        _ => None,
    }
}
