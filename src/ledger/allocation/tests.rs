//! Payments, worked out: partial, void, netted, adjusted, withheld, unexplained; and that the sums always close.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{Adjustment, Identifier, RemittanceAdvice, RemittanceLine, SettledKind};

use super::*;
use crate::domain::Timestamp;
use crate::ledger::lifecycle::AsOf;
use crate::ledger::money::Currency;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn line(number: &str, original: &str, paid: &str) -> RemittanceLine {
    RemittanceLine {
        document_number: Some(number.into()),
        original: Some(decimal(original)),
        paid: Some(decimal(paid)),
        ..RemittanceLine::default()
    }
}

fn adjusted(amount: &str, reason: &str) -> Adjustment {
    Adjustment { amount: decimal(amount), reason: Some(reason.into()), ..Adjustment::default() }
}

fn advice(total: &str, lines: Vec<RemittanceLine>) -> RemittanceAdvice {
    RemittanceAdvice {
        number: Some("10492".into()),
        payment_date: Some(date(2026, 3, 6)),
        currency: Some("USD".into()),
        total: Some(decimal(total)),
        lines,
        ..RemittanceAdvice::default()
    }
}

fn payment(advice: &RemittanceAdvice) -> Payment {
    Payment::of_advice(advice, &names_withholding).unwrap()
}

fn settled(gross: &str, parts: &[&Part]) -> (Settlement, Tally) {
    settle(decimal(gross), parts.iter().copied()).unwrap()
}

#[track_caller]
fn closes(payment: &Payment) {
    let sum: Decimal = payment.parts.iter().map(|part| part.paid).sum();
    assert_eq!(sum, payment.total);
}

#[test]
fn a_credit_is_netted_and_both_documents_are_settled() {
    let credit = RemittanceLine { document_type: SettledKind::CreditNote, ..line("CM-88", "-100.00", "-100.00") };
    let payment = payment(&advice("900.00", vec![line("INV-1", "1000.00", "1000.00"), credit]));
    assert_eq!(payment.balance, Balance::Balanced);
    closes(&payment);
    assert_eq!(settled("1000.00", &[&payment.parts[0]]).0, Settlement::Paid);
    assert_eq!(settled("-100.00", &[&payment.parts[1]]).0, Settlement::Paid);
    assert_eq!(settled("-250.00", &[&payment.parts[1]]).0, Settlement::Partial);
}

#[test]
fn discount_adjustment_and_withholding_settle_what_is_not_paid() {
    let adjustments = vec![adjusted("-50.00", "short shipment"), adjusted("-30.00", "Withholding tax 3 %")];
    let line = RemittanceLine { discount: Some(decimal("20.00")), adjustments, ..line("INV-1", "1000.00", "900.00") };
    let payment = payment(&advice("900.00", vec![line]));
    closes(&payment);
    let (settlement, tally) = settled("1000.00", &[&payment.parts[0]]);
    assert_eq!(settlement, Settlement::Paid);
    assert_eq!((tally.paid, tally.discount), (decimal("900"), decimal("20")));
    assert_eq!((tally.adjustment, tally.withholding), (decimal("50"), decimal("30")));
    assert_eq!((tally.closed, tally.open), (decimal("1000"), Decimal::ZERO));
    assert_eq!(payment.parts[0].text.as_deref(), Some("short shipment"));
}

#[test]
fn a_payment_in_parts_is_partial_until_the_sum_is_there() {
    let one = payment(&advice("400.00", vec![line("INV-1", "1000.00", "400.00")]));
    let other = payment(&advice("600.00", vec![line("INV-1", "1000.00", "600.00")]));
    assert_eq!(settled("1000.00", &[]).0, Settlement::Unpaid);
    let (settlement, tally) = settled("1000.00", &[&one.parts[0]]);
    assert_eq!((settlement, tally.open), (Settlement::Partial, decimal("600")));
    assert_eq!(settled("1000.00", &[&one.parts[0], &other.parts[0]]).0, Settlement::Paid);
    assert_eq!(settled("999.99", &[&one.parts[0], &other.parts[0]]).0, Settlement::Paid, "a cent is rounding");
    assert_eq!(settled("900.00", &[&one.parts[0], &other.parts[0]]).0, Settlement::Overpaid);
}

#[test]
fn a_void_takes_the_payment_back_in_either_form_and_either_order() {
    let first = payment(&advice("1000.00", vec![line("INV-1", "1000.00", "1000.00")]));
    let void = payment(&advice("-1000.00", vec![line("INV-1", "1000.00", "-1000.00")]));
    assert!(void.is_reversal() && !first.is_reversal());
    assert_ne!(void.key(), first.key(), "a void is a payment of its own");
    let by_status = first.voided(None);
    for void in [&void, &by_status] {
        closes(void);
        assert_eq!(settled("1000.00", &[&first.parts[0], &void.parts[0]]).0, Settlement::Reversed);
        assert_eq!(settled("1000.00", &[&void.parts[0], &first.parts[0]]).0, Settlement::Reversed);
        let again = &first.parts[0];
        assert_eq!(settled("1000.00", &[&void.parts[0], &first.parts[0], again]).0, Settlement::Paid);
    }
    assert_eq!(by_status.key(), void.key());
}

#[test]
fn an_adjustment_without_a_document_is_shown() {
    let free = Adjustment {
        reference: Some(Identifier { scheme: None, value: "CHARGEBACK 7".into() }),
        ..Adjustment { amount: decimal("-75.00"), ..Adjustment::default() }
    };
    let advice =
        RemittanceAdvice { adjustments: vec![free], ..advice("925.00", vec![line("INV-1", "1000.00", "1000.00")]) };
    let payment = payment(&advice);
    assert_eq!(payment.balance, Balance::Balanced);
    closes(&payment);
    assert_eq!(payment.parts[1].kind, PartKind::Adjustment);
    assert_eq!(payment.parts[1].text.as_deref(), Some("CHARGEBACK 7"));
}

/// 003030 says an adjustment of 100 reduces, 003050 says -100 does. The reader has turned the one, so that both come
/// here as -100, and here nobody turns them.
#[test]
fn the_sign_of_an_adjustment_is_taken_as_it_comes() {
    let line = RemittanceLine { adjustments: vec![adjusted("-100.00", "price")], ..line("INV-1", "1000.00", "900.00") };
    let payment = payment(&advice("900.00", vec![line]));
    assert_eq!(payment.balance, Balance::Balanced);
    assert_eq!(settled("1000.00", &[&payment.parts[0]]).0, Settlement::Paid);
    assert_eq!(payment.parts[0].adjustment, decimal("100.00"));
}

#[test]
fn some_write_what_is_paid_before_the_adjustments() {
    let line =
        RemittanceLine { adjustments: vec![adjusted("-100.00", "price")], ..line("INV-1", "1000.00", "1000.00") };
    let payment = payment(&advice("900.00", vec![line]));
    assert_eq!((payment.balance, payment.parts[0].paid), (Balance::Balanced, decimal("900.00")));
    closes(&payment);
    assert_eq!(settled("1000.00", &[&payment.parts[0]]).0, Settlement::Paid);
}

#[test]
fn a_line_that_does_not_say_what_it_pays_pays_what_is_owed() {
    let mut silent = line("INV-1", "1000.00", "0");
    (silent.paid, silent.discount) = (None, Some(decimal("20.00")));
    silent.adjustments = vec![adjusted("-30.00", "price")];
    let payment = payment(&advice("950.00", vec![silent]));
    assert_eq!((payment.balance, payment.parts[0].paid), (Balance::Balanced, decimal("950.00")));
    assert_eq!(settled("1000.00", &[&payment.parts[0]]).0, Settlement::Paid);
}

#[test]
fn a_debit_may_state_its_total_without_the_sign() {
    let payment = payment(&advice("120.00", vec![line("CM-9", "-120.00", "-120.00")]));
    assert_eq!((payment.balance, payment.total), (Balance::Balanced, decimal("-120.00")));
    closes(&payment);
}

#[test]
fn what_nobody_explains_stays_on_the_account() {
    let short = payment(&advice("1000.00", vec![line("INV-1", "700.00", "700.00")]));
    assert_eq!(short.balance, Balance::Short { by: decimal("300.00") });
    assert_eq!(short.parts[1].kind, PartKind::Unexplained);
    assert!(short.balance.sentence().contains("300.00"));
    let bare = payment(&advice("1000.00", vec![]));
    assert_eq!((bare.balance, bare.parts.len()), (Balance::NoDetails, 1));
    let cent = payment(&advice("700.01", vec![line("INV-1", "700.00", "700.00")]));
    assert_eq!((cent.balance, cent.parts[1].kind), (Balance::Rounded, PartKind::Rounding));
    for payment in [short, bare, cent] {
        closes(&payment);
    }
}

#[test]
fn lines_that_claim_more_than_the_payment_pay_nothing() {
    let lines = vec![line("INV-1", "700.00", "700.00"), line("INV-2", "700.00", "700.00")];
    let over = payment(&advice("1000.00", lines.clone()));
    assert_eq!(over.balance, Balance::Over { by: decimal("400.00") });
    assert!(over.balance.is_unbalanced());
    assert_eq!(over.parts.len(), 1);
    assert_eq!((over.parts[0].kind, over.parts[0].paid), (PartKind::Unexplained, decimal("1000.00")));
    assert_eq!(over.claimed.len(), 2, "and are shown");
    closes(&over);
    let nothing = payment(&advice("0", lines));
    assert!(nothing.parts.is_empty() && nothing.balance.is_unbalanced());
}

#[test]
fn amounts_no_decimal_can_hold_are_refused_and_never_a_panic() {
    let max = Decimal::MAX.to_string();
    let lines = vec![line("INV-1", &max, &max), line("INV-2", &max, &max)];
    assert_eq!(Payment::of_advice(&advice("1", lines), &names_withholding), Err(TooLarge));
}

fn row(voucher: u32, number: &str, day: i8, gross: &str, paid: Option<&str>, open: Option<&str>) -> PaidRow<u32> {
    let as_of = AsOf { at: Timestamp::from_micros(i64::from(day)), feed_seq: 0 };
    PaidRow {
        voucher,
        vendor: "4711".into(),
        as_of,
        payment_number: number.into(),
        payment_date: Some(Date::new(2026, 3, day).unwrap()),
        currency: Currency::parse("USD"),
        gross: decimal(gross),
        open: open.map(decimal),
        paid: paid.map(decimal),
    }
}

/// Number, total, and what of it goes to which voucher.
type Read = (String, String, Vec<(u32, String)>);

fn read(payments: &[DerivedPayment<u32>]) -> Vec<Read> {
    let parts =
        |payment: &DerivedPayment<u32>| payment.parts.iter().map(|(id, paid)| (*id, paid.to_string())).collect();
    payments.iter().map(|each| (each.number.clone(), each.total.to_string(), parts(each))).collect()
}

#[test]
fn the_paid_rows_of_one_document_are_one_payment() {
    let rows = [
        row(1, "CHK 10492", 6, "1000.00", None, None),
        row(2, "CHK 10492", 6, "500.00", None, None),
        row(3, "CHK 10493", 6, "70.00", None, None),
    ];
    let payments = read(&derived(&rows, PaidColumn::ThisPayment).unwrap());
    let first = ("CHK 10492".to_owned(), "1500.00".to_owned(), vec![(1, "1000.00".into()), (2, "500.00".into())]);
    assert_eq!(payments, [first, ("CHK 10493".into(), "70.00".into(), vec![(3, "70.00".into())])]);
}

#[test]
fn a_row_that_comes_again_with_a_new_document_was_paid_in_parts() {
    let expected = [
        ("A".to_owned(), "400.00".to_owned(), vec![(1, "400.00".to_owned())]),
        ("B".to_owned(), "600.00".to_owned(), vec![(1, "600.00".to_owned())]),
    ];
    let this = [row(1, "A", 6, "1000.00", Some("400.00"), None), row(1, "B", 9, "1000.00", Some("600.00"), None)];
    assert_eq!(read(&derived(&this, PaidColumn::ThisPayment).unwrap()), expected);
    let so_far = [row(1, "A", 6, "1000.00", Some("400.00"), None), row(1, "B", 9, "1000.00", Some("1000.00"), None)];
    assert_eq!(read(&derived(&so_far, PaidColumn::SoFar).unwrap()), expected);
    let open = [row(1, "A", 6, "1000.00", None, Some("600.00")), row(1, "B", 9, "1000.00", None, Some("0.00"))];
    assert_eq!(read(&derived(&open, PaidColumn::ThisPayment).unwrap()), expected);
    // The same rows again, night after night, and in any order, are the same payments.
    let again: Vec<_> = open.iter().rev().chain(&open).cloned().collect();
    assert_eq!(read(&derived(&again, PaidColumn::ThisPayment).unwrap()), expected);
}

#[test]
fn a_payments_key_does_not_depend_on_how_it_is_written() {
    let key = PaymentKey::new(Some("chk 10492 "), Some(date(2026, 3, 6)), decimal("100.50"));
    assert_eq!(key, PaymentKey::new(Some("CHK 10492"), Some(date(2026, 3, 6)), decimal("100.5")));
    assert_ne!(key, PaymentKey::new(Some("CHK 10492"), Some(date(2026, 3, 6)), decimal("-100.5")));
    assert_ne!(key, PaymentKey::new(Some("CHK 10492"), Some(date(2026, 3, 7)), decimal("100.5")));
}

fn any_line() -> impl Strategy<Value = RemittanceLine> {
    let cents = || (-100_000_i64..100_000).prop_map(|cents| Decimal::new(cents, 2));
    let adjustments = proptest::collection::vec(cents(), 0..3);
    let maybe = |some: bool, amount: Decimal| some.then_some(amount);
    (any::<[bool; 3]>(), cents(), cents(), 0_i64..5_000, adjustments).prop_map(
        move |([has_paid, has_original, has_discount], original, paid, discount, adjustments)| RemittanceLine {
            original: maybe(has_original, original),
            paid: maybe(has_paid, paid),
            discount: maybe(has_discount, Decimal::new(discount, 2)),
            adjustments: adjustments.into_iter().map(|amount| Adjustment { amount, ..Adjustment::default() }).collect(),
            ..RemittanceLine::default()
        },
    )
}

proptest! {
    /// Allocations never exceed a payment and always explain it, whatever an advice says.
    #[test]
    fn the_parts_are_the_payment_to_the_cent(
        lines in proptest::collection::vec(any_line(), 0..8),
        free in proptest::collection::vec(-10_000_i64..10_000, 0..3),
        total in proptest::option::of(-500_000_i64..500_000),
    ) {
        let advice = RemittanceAdvice {
            total: total.map(|cents| Decimal::new(cents, 2)),
            lines,
            adjustments: free.iter().map(|cents| Adjustment {
                amount: Decimal::new(*cents, 2), ..Adjustment::default()
            }).collect(),
            ..RemittanceAdvice::default()
        };
        let payment = payment(&advice);
        let sum: Decimal = payment.parts.iter().map(|part| part.paid).sum();
        prop_assert_eq!(sum, payment.total);
        if let Some(total) = advice.total {
            prop_assert_eq!(payment.total.abs(), total.abs());
        }
        // What the lines are allowed to allocate is never more than the payment, but for the cent.
        let explained: Decimal = payment.parts.iter()
            .filter(|part| matches!(part.kind, PartKind::Document | PartKind::Adjustment))
            .map(|part| part.paid).sum();
        prop_assert!(explained.abs() <= payment.total.abs() + Decimal::new(1, 2));
        let back = payment.voided(None);
        let both: Decimal = payment.parts.iter().chain(&back.parts).map(|part| part.settles().unwrap()).sum();
        prop_assert_eq!(both, Decimal::ZERO);
    }

    /// The state of an invoice does not depend on the order of its allocations, and every allocation counts.
    #[test]
    fn an_invoice_is_settled_by_the_sum_in_any_order(
        gross in 1_i64..100_000, paid in proptest::collection::vec(-50_000_i64..100_000, 0..6),
    ) {
        let parts: Vec<Part> = paid.iter()
            .map(|cents| Part::bare(0, PartKind::Document, Decimal::new(*cents, 2), None)).collect();
        let gross = Decimal::new(gross, 2);
        let (settlement, tally) = settle(gross, &parts).unwrap();
        prop_assert_eq!(settle(gross, parts.iter().rev()).unwrap(), (settlement, tally));
        let sum = Decimal::new(paid.iter().sum(), 2);
        prop_assert_eq!((tally.closed, tally.open), (sum, gross - sum));
        let expected = match sum {
            _ if paid.is_empty() => Settlement::Unpaid,
            sum if sum <= Decimal::ZERO => Settlement::Reversed,
            sum if sum < gross => Settlement::Partial,
            sum if sum <= gross + Decimal::new(1, 2) => Settlement::Paid,
            _ => Settlement::Overpaid,
        };
        prop_assert_eq!(settlement, expected);
        // A credit note is the same with every sign turned.
        let turned: Vec<Part> = parts.iter().map(Part::reversed).collect();
        prop_assert_eq!(settle(-gross, &turned).unwrap().0, settlement);
    }
}

/// What the readers make of files, from every format: the sums close, and the sign of an adjustment, which turned between
/// versions of the 820, comes out the same.
#[test]
fn every_advice_of_the_fixtures_is_explained_to_the_cent() {
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.file_name().is_some_and(|name| name == "expected.jsonl") {
                for advice in advices(&std::fs::read_to_string(&entry).unwrap()) {
                    closes(&payment(&advice));
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn an_adjustment_of_an_old_820_and_of_a_new_one_do_the_same() {
    let read = |jsonl: &str| payment(&advices(jsonl)[0]);
    let old = read(include_str!("../../../fixtures/x12/ok/remittance-820-adjustment-of-003030/expected.jsonl"));
    let between =
        read(include_str!("../../../fixtures/x12/ok/remittance-820-adjustment-of-003040-by-its-sum/expected.jsonl"));
    for payment in [&old, &between] {
        assert_eq!(payment.balance, Balance::Balanced);
        assert_eq!(settled("100.00", &[&payment.parts[0]]).0, Settlement::Paid);
        assert_eq!((payment.parts[1].kind, payment.parts[1].paid), (PartKind::Adjustment, decimal("-5.00")));
    }
    let new = read(include_str!("../../../fixtures/x12/ok/remittance-820/expected.jsonl"));
    assert_eq!(new.balance, Balance::Balanced);
}

fn advices(jsonl: &str) -> Vec<RemittanceAdvice> {
    let document = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let body = value.get("document")?.get("body")?.get("remittance_advice")?;
        Some(serde_json::from_value(body.clone()).unwrap())
    };
    jsonl.lines().filter_map(document).collect()
}
