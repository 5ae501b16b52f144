//! The worked examples of B6, and the life of an offer.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::Timestamp;
use crate::ledger::calendar::PayRun;
use crate::ledger::lifecycle::Status;
use crate::ledger::money::Currency;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn usd() -> Currency {
    Currency::parse("USD").unwrap()
}

fn programme(curve: Curve, basis: Basis) -> Programme {
    Programme::new(curve, basis, usd(), 1, Decimal::ZERO).unwrap()
}

fn apr(percent: &str, basis: Basis) -> Programme {
    programme(Curve::Apr { percent: decimal(percent) }, basis)
}

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn run(date: Date) -> PayRun {
    PayRun { date, cut_off: moment("2026-03-02T17:00:00Z") }
}

/// Due on 1 April 2026, of 2 March: net 30.
fn priced(base: &str) -> Priced {
    Priced { currency: usd(), base: decimal(base), due: date(2026, 4, 1), issued: Some(date(2026, 3, 2)) }
}

#[test]
fn a_rate_a_year_for_29_days_is_83_38_or_84_53() {
    let paid = run(date(2026, 3, 3));
    let year = apr("8.5", Basis::Days365).price(&priced("12345.67"), paid).unwrap();
    assert_eq!((year.days_early, year.discount, year.net), (29, decimal("83.38"), decimal("12262.29")));
    assert_eq!((year.apr, year.percent), (decimal("8.50"), decimal("0.68")));
    let banks = apr("8.5", Basis::Days360).price(&priced("12345.67"), paid).unwrap();
    assert_eq!(banks.discount, decimal("84.53"));
    assert_eq!(banks.apr, decimal("8.50"));
    assert!(year.sentence().starts_with("83.38 USD (0.68 %) for payment on 2026-03-03, 29 days early"));
}

#[test]
fn a_sliding_scale_of_1_5_percent_on_day_10_of_30_is_1_percent() {
    let sliding = programme(Curve::Sliding { percent: decimal("1.5"), net_days: 30 }, Basis::Days365);
    let price = sliding.price(&priced("10000"), run(date(2026, 3, 12))).unwrap();
    assert_eq!((price.discount, price.percent), (decimal("100.00"), decimal("1.00")));
    let at_once = sliding.price(&priced("10000"), run(date(2026, 3, 2))).unwrap();
    assert_eq!(at_once.discount, decimal("150.00"));
    // Never more than the whole rate, however late it is due.
    let later = Priced { due: date(2026, 6, 1), ..priced("10000") };
    assert_eq!(sliding.price(&later, run(date(2026, 3, 2))).unwrap().discount, decimal("150.00"));
}

#[test]
fn a_cliff_is_the_whole_rate_or_nothing() {
    let cliff = programme(Curve::Cliff { percent: decimal("1.5"), within_days: 10 }, Basis::Days365);
    let on = |day| cliff.price(&priced("10000"), run(date(2026, 3, day)));
    assert_eq!(on(2).unwrap().discount, decimal("150.00"));
    assert_eq!(on(12).unwrap().discount, decimal("150.00"));
    assert_eq!(on(13), Err(Unpriced::PastCliff { within_days: 10 }));
    let undated = Priced { issued: None, ..priced("10000") };
    assert_eq!(cliff.price(&undated, run(date(2026, 3, 3))), Err(Unpriced::NoInvoiceDate));
}

#[test]
fn the_yearly_rate_is_shown_both_ways() {
    let sliding = programme(Curve::Sliding { percent: decimal("1.5"), net_days: 30 }, Basis::Days365);
    let price = sliding.price(&priced("10000"), run(date(2026, 3, 2))).unwrap();
    assert_eq!((price.apr, price.effective_apr), (decimal("18.25"), decimal("18.53")));
    // 2/10 net 30.
    let cliff = programme(Curve::Cliff { percent: decimal("2"), within_days: 10 }, Basis::Days365);
    let price = cliff.price(&priced("10000"), run(date(2026, 3, 12))).unwrap();
    assert_eq!((price.days_early, price.effective_apr), (20, decimal("37.24")));
}

#[test]
fn the_discount_has_the_decimals_of_its_currency() {
    for (code, base, discount) in [("JPY", "1000000", "6753"), ("KWD", "1000.000", "6.753")] {
        let currency = Currency::parse(code).unwrap();
        let curve = Curve::Apr { percent: decimal("8.5") };
        let programme = Programme::new(curve, Basis::Days365, currency, 1, Decimal::ZERO).unwrap();
        let priced = Priced { currency, ..priced(base) };
        assert_eq!(programme.price(&priced, run(date(2026, 3, 3))).unwrap().discount.to_string(), discount, "{code}");
    }
}

#[test]
fn what_has_no_price_says_why() {
    let curve = Curve::Apr { percent: decimal("8.5") };
    let strict = Programme::new(curve, Basis::Days365, usd(), 5, decimal("100")).unwrap();
    let price = |priced: &Priced, day| strict.price(priced, run(date(2026, 3, day)));
    assert_eq!(price(&priced("99.99"), 3), Err(Unpriced::TooSmall { least: decimal("100") }));
    assert_eq!(price(&priced("0"), 3), Err(Unpriced::CreditsExceed));
    assert_eq!(price(&priced("-5"), 3), Err(Unpriced::CreditsExceed));
    assert_eq!(price(&priced("100"), 31), Err(Unpriced::TooFewDays { days: 1, least: 5 }));
    let due = Priced { due: date(2026, 3, 3), ..priced("100") };
    assert_eq!(price(&due, 3), Err(Unpriced::NotEarly));
    let overdue = Priced { due: date(2026, 1, 3), ..priced("100") };
    assert_eq!(price(&overdue, 3), Err(Unpriced::NotEarly));
    let euro = Priced { currency: Currency::parse("EUR").unwrap(), ..priced("100") };
    assert_eq!(price(&euro, 3), Err(Unpriced::OtherCurrency));
    assert_eq!(apr("0.01", Basis::Days365).price(&priced("1"), run(date(2026, 3, 31))), Err(Unpriced::NothingOff));
    let all = programme(Curve::Cliff { percent: decimal("100"), within_days: 10 }, Basis::Days365);
    assert_eq!(all.price(&priced("10"), run(date(2026, 3, 3))), Err(Unpriced::NothingLeft));
    let immense = Priced { base: Decimal::MAX, ..priced("1") };
    assert_eq!(apr("8.55555", Basis::Days365).price(&immense, run(date(2026, 3, 3))), Err(Unpriced::TooLarge));
}

#[test]
fn a_programme_out_of_its_range_is_none() {
    let new = |curve, open_min| Programme::new(curve, Basis::Days365, usd(), 1, open_min).err();
    for percent in ["0", "-1", "100.01"] {
        let curve = Curve::Apr { percent: decimal(percent) };
        assert_eq!(new(curve, Decimal::ZERO), Some(ProgrammeError::Percent), "{percent}");
    }
    for net_days in [0, 366] {
        let curve = Curve::Sliding { percent: Decimal::ONE, net_days };
        assert_eq!(new(curve, Decimal::ZERO), Some(ProgrammeError::Days));
    }
    let curve = Curve::Cliff { percent: Decimal::ONE, within_days: 10 };
    assert_eq!(new(curve, Decimal::NEGATIVE_ONE), Some(ProgrammeError::OpenMin));
}

#[test]
fn all_reasons_against_an_invoice_are_said_at_once() {
    let fine = Invoice {
        status: Status::Approved,
        is_held: false,
        is_disputed: false,
        is_exception: false,
        is_suspected_duplicate: false,
        open: Some(decimal("100")),
        due: Some(date(2026, 4, 1)),
        has_offer: false,
        is_stale: false,
    };
    assert_eq!(barred(&fine), []);
    assert_eq!(barred(&Invoice { status: Status::Scheduled, ..fine }), []);
    let nothing = Invoice {
        status: Status::InReview,
        is_held: true,
        is_disputed: true,
        is_exception: true,
        is_suspected_duplicate: true,
        open: None,
        due: None,
        has_offer: true,
        is_stale: true,
    };
    assert_eq!(barred(&nothing).len(), 9);
    assert_eq!(barred(&Invoice { open: Some(decimal("-5")), ..fine }), [Barred::Credit]);
    let paid = barred(&Invoice { status: Status::Paid, ..fine });
    assert_eq!(paid[0].to_string(), "Only an approved invoice can be paid early; this one is paid.");
}

fn item(id: u32, open: &str, credits: &str, day: i8) -> BasketItem<u32> {
    BasketItem { id, open: decimal(open), credits: decimal(credits), due: date(2026, 4, day) }
}

#[test]
fn credits_come_off_their_invoice_and_then_off_the_basket() {
    let items = [item(1, "1000", "200", 9), item(2, "500", "0", 2), item(3, "50", "80", 3)];
    let bases = basket(&items, decimal("300")).unwrap();
    // 30 of the third's credit is left over: 330 off the earliest due.
    assert_eq!(bases, [(2, decimal("170")), (3, Decimal::ZERO), (1, decimal("800"))]);
    let nothing = basket(&items, decimal("5000")).unwrap();
    assert!(nothing.iter().all(|(_, base)| base.is_zero()));
}

fn offer() -> Offer {
    let price = apr("8.5", Basis::Days365).price(&priced("12345.67"), run(date(2026, 3, 3))).unwrap();
    Offer::new(price)
}

fn accept(offer: &Offer, at: &str) -> Result<Offer, OfferRefusal> {
    offer.after(&OfferEvent::Accepted { seen: offer.price, by: "ann".into(), at: moment(at) })
}

#[test]
fn an_offer_is_accepted_a_minute_before_the_cut_off_and_refused_a_minute_after() {
    let accepted = accept(&offer(), "2026-03-02T16:59:00Z").unwrap();
    assert_eq!(accepted.state, OfferState::Accepted);
    assert_eq!(accept(&accepted, "2026-03-02T16:59:30Z"), Ok(accepted.clone()), "again is the same");
    for late in ["2026-03-02T17:00:00Z", "2026-03-02T17:01:00Z"] {
        let refused = accept(&offer(), late).unwrap_err();
        assert_eq!(refused, OfferRefusal::Late { cut_off: moment("2026-03-02T17:00:00Z") });
        assert_eq!(refused.code(), "offer_locked");
        let revoked = accepted.after(&OfferEvent::Revoked { at: moment(late) });
        assert_eq!(revoked, Err(refused));
    }
    let revoked = accepted.after(&OfferEvent::Revoked { at: moment("2026-03-02T16:59:59Z") }).unwrap();
    assert_eq!((revoked.state, revoked.acceptance), (OfferState::Withdrawn, None));
}

#[test]
fn the_price_is_frozen_when_it_is_accepted() {
    let dearer = apr("9", Basis::Days365).price(&priced("12345.67"), run(date(2026, 3, 3))).unwrap();
    let repriced = offer().after(&OfferEvent::Priced(dearer)).unwrap();
    assert_eq!(repriced.price, dearer);
    let old = OfferEvent::Accepted { seen: offer().price, by: "ann".into(), at: moment("2026-03-02T16:00:00Z") };
    assert_eq!(repriced.after(&old), Err(OfferRefusal::PriceChanged));
    let accepted = accept(&offer(), "2026-03-02T16:00:00Z").unwrap();
    assert_eq!(accepted.after(&OfferEvent::Priced(dearer)), Ok(accepted.clone()));
}

#[test]
fn an_accepted_offer_is_locked_exported_acknowledged_and_settled_to_a_cent() {
    let cut_off = OfferEvent::Tick { now: moment("2026-03-02T17:00:00Z") };
    let exported = OfferEvent::Exported { file_seq: 17, line: 1 };
    let accepted = accept(&offer(), "2026-03-02T16:00:00Z").unwrap();
    assert_eq!(accepted.after(&OfferEvent::Tick { now: moment("2026-03-02T16:59:59Z") }), Ok(accepted.clone()));
    assert_eq!(accepted.after(&exported), Err(OfferRefusal::OutOfOrder(OfferState::Accepted)));
    let locked = accepted.after(&cut_off).unwrap();
    assert_eq!(accept(&locked, "2026-03-02T16:00:00Z"), Err(OfferRefusal::Locked(OfferState::Locked)));
    let awarded = locked.after(&exported).unwrap();
    assert_eq!((awarded.state, awarded.award), (OfferState::Exported, Some((17, 1))));
    assert_eq!(awarded.after(&exported), Ok(awarded.clone()));
    let twice = awarded.after(&OfferEvent::Exported { file_seq: 18, line: 1 });
    assert_eq!(twice, Err(OfferRefusal::OutOfOrder(OfferState::Exported)), "exactly once");
    let read = awarded.after(&OfferEvent::Acknowledged).unwrap();
    assert_eq!(read.state, OfferState::Acknowledged);
    for (paid, state) in [
        ("12262.29", OfferState::Settled),
        ("12262.30", OfferState::Settled),
        ("12262.28", OfferState::Settled),
        ("12262.31", OfferState::Mismatch),
        ("12345.67", OfferState::Mismatch),
    ] {
        let after = read.after(&OfferEvent::Paid { paid: decimal(paid) }).unwrap();
        assert_eq!(after.state, state, "{paid}");
        let mended = after.after(&OfferEvent::Paid { paid: decimal("12262.29") }).unwrap();
        assert_eq!(mended.state, OfferState::Settled);
    }
    assert_eq!(read.after(&OfferEvent::Unpaid).unwrap().state, OfferState::Mismatch);
    assert_eq!(locked.after(&OfferEvent::Barred), Ok(locked), "what stands, stands");
    assert_eq!(accepted.after(&OfferEvent::Barred).unwrap().state, OfferState::Withdrawn);
    assert_eq!(offer().after(&cut_off).unwrap().state, OfferState::Expired);
    let expired = offer().after(&cut_off).unwrap();
    assert!(matches!(accept(&expired, "2026-03-02T16:00:00Z"), Err(OfferRefusal::Late { .. })));
}

#[test]
fn a_standing_rule_takes_the_earliest_run_it_may() {
    let programme = apr("8.5", Basis::Days365);
    let prices: Vec<Price> = [27, 3, 13]
        .into_iter()
        .map(|day| programme.price(&priced("12345.67"), run(date(2026, 3, day))).unwrap())
        .collect();
    let rule = |apr_max: &str, days_early_min| StandingRule { apr_max: decimal(apr_max), days_early_min };
    assert_eq!(rule("8.5", 10).choose(&prices).unwrap().pay_date, date(2026, 3, 3));
    assert_eq!(rule("8.49", 10).choose(&prices), None);
    assert_eq!(rule("8.5", 30).choose(&prices), None);
    assert!(rule("8.5", 5).accepts(&prices[0]));
    assert!(!rule("8.5", 6).accepts(&prices[0]));
}

#[test]
fn a_run_pays_no_more_than_its_budget() {
    let price = offer().price;
    assert_eq!(within_budget(None, Decimal::MAX, &price), Ok(()));
    assert_eq!(within_budget(Some(decimal("20000")), decimal("7737.71"), &price), Ok(()));
    let refused = within_budget(Some(decimal("20000")), decimal("7737.72"), &price);
    assert_eq!(refused, Err(OfferRefusal::BudgetSpent { left: decimal("12262.28"), needed: price.net }));
    let spent = within_budget(Some(decimal("10")), decimal("20"), &price);
    assert_eq!(spent, Err(OfferRefusal::BudgetSpent { left: Decimal::ZERO, needed: price.net }));
    let committed: Vec<&str> =
        OfferState::ALL.iter().filter(|state| state.is_committed()).map(|state| state.as_str()).collect();
    assert_eq!(committed, ["accepted", "locked", "exported", "acknowledged", "settled", "mismatch"]);
}

#[test]
fn an_award_file_has_its_number_and_every_locked_offer_once() {
    let locked = accept(&offer(), "2026-03-02T16:00:00Z")
        .and_then(|offer| offer.after(&OfferEvent::Tick { now: moment("2026-03-02T17:00:00Z") }))
        .unwrap();
    let award = |voucher: &str, offer: &Offer| Award {
        company_code: Some("1000".into()),
        vendor_no: Some("4711".into()),
        site_code: None,
        voucher_number: Some(voucher.into()),
        invoice_number: Some("INV-1".into()),
        open: decimal("12345.67"),
        offer: offer.clone(),
    };
    let awards = [award("52", &locked), award("51", &locked), award("50", &offer())];
    let lines = award_lines(17, &awards);
    let mut turned = awards.clone();
    turned.reverse();
    assert_eq!(award_lines(17, &turned), lines, "written again it is the same");
    assert_eq!(lines.len(), 2);
    let cells = lines[0].cells().join(",");
    assert_eq!(
        cells,
        "000017-0001,1000,4711,,51,INV-1,USD,12345.67,83.38,12262.29,8.50,2026-04-01,2026-03-03,ann,\
         2026-03-02T16:00:00.000000Z"
    );
    assert_eq!(award_lines(18, &[]), [], "an empty file is a file");
    assert_eq!(award_file_name(date(2026, 3, 2), 17), "awards_20260302_000017.csv");
    assert_eq!(AWARD_COLUMNS.len(), lines[0].cells().len());
}

fn any_event() -> impl Strategy<Value = OfferEvent> {
    let price = offer().price;
    let at = || (0_i64..48).prop_map(|hour| moment("2026-03-01T17:00:00Z").plus_micros(hour * 3_600_000_000));
    prop_oneof![
        Just(OfferEvent::Priced(price)),
        at().prop_map(move |at| OfferEvent::Accepted { seen: price, by: "ann".into(), at }),
        at().prop_map(|at| OfferEvent::Revoked { at }),
        Just(OfferEvent::Barred),
        at().prop_map(|now| OfferEvent::Tick { now }),
        (1_u64..3).prop_map(|file_seq| OfferEvent::Exported { file_seq, line: 1 }),
        Just(OfferEvent::Acknowledged),
        prop_oneof![Just(price.net), Just(Decimal::ONE)].prop_map(|paid| OfferEvent::Paid { paid }),
        Just(OfferEvent::Unpaid),
    ]
}

proptest! {
    #[test]
    fn a_discount_is_never_negative_and_earlier_never_costs_less(
        cents in 1_i64..1_000_000_000, rate in 1_i64..4_000, day in 2_i8..30, sliding in any::<bool>(),
    ) {
        let percent = Decimal::new(rate, 2);
        let curve = if sliding { Curve::Sliding { percent, net_days: 30 } } else { Curve::Apr { percent } };
        let programme = programme(curve, Basis::Days365);
        let priced = Priced { base: Decimal::new(cents, 2), ..priced("1") };
        let price = |day| programme.price(&priced, run(date(2026, 3, day)));
        if let Ok(later) = price(day + 1) {
            let earlier = price(day).unwrap();
            prop_assert!(earlier.discount >= later.discount);
            prop_assert_eq!(later.discount + later.net, priced.base);
            prop_assert!(later.discount > Decimal::ZERO && later.net > Decimal::ZERO);
            prop_assert!(later.effective_apr >= later.apr);
        }
    }

    #[test]
    fn a_basket_is_what_is_open_less_all_credits(
        items in proptest::collection::vec((0_i64..100_000, 0_i64..120_000, 1_i8..28), 0..6),
        unmatched in 0_i64..200_000,
    ) {
        let items: Vec<BasketItem<u32>> = (0_u32..).zip(&items).map(|(id, (open, credits, day))| BasketItem {
            id, open: Decimal::new(*open, 2), credits: Decimal::new(*credits, 2), due: date(2026, 4, *day),
        }).collect();
        let unmatched = Decimal::new(unmatched, 2);
        let open: Decimal = items.iter().map(|item| item.open).sum();
        let credits: Decimal = items.iter().map(|item| item.credits).sum::<Decimal>() + unmatched;
        let bases = basket(&items, unmatched).unwrap();
        let sum: Decimal = bases.iter().map(|(_, base)| *base).sum();
        prop_assert_eq!(sum, (open - credits).max(Decimal::ZERO));
        for (id, base) in bases {
            let item = items.iter().find(|item| item.id == id).unwrap();
            prop_assert!(base >= Decimal::ZERO && base <= item.open);
        }
    }

    /// However events come: what is exported was accepted before the cut-off, at the price it has, in one file.
    #[test]
    fn no_order_of_events_exports_what_was_not_accepted(events in proptest::collection::vec(any_event(), 1..30)) {
        let mut now = offer();
        let mut file = None;
        for event in &events {
            let Ok(next) = now.after(event) else { continue };
            if !matches!(event, OfferEvent::Priced(_)) {
                prop_assert_eq!(&next.after(event).unwrap_or_else(|_| next.clone()), &next);
            }
            if let Some(award) = next.award {
                prop_assert_eq!(*file.get_or_insert(award), award);
                let acceptance = next.acceptance.as_ref().unwrap();
                prop_assert!(acceptance.at < next.price.cut_off);
            }
            now = next;
        }
    }
}
