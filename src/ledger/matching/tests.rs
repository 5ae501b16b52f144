//! The stages of B4, one by one, and what must never be matched.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{Identifier, RemittanceLine, SettledKind};

use super::*;
use crate::ledger::money::Currency;
use crate::ledger::number::Keys;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn day(day: i8) -> Option<Date> {
    Some(date(2026, 2, day))
}

fn claim(number: &str, gross: &str) -> Claim {
    Claim {
        keys: Keys::of(number).unwrap(),
        currency: Currency::parse("USD"),
        gross: Some(decimal(gross)),
        date: day(10),
        order: Keys::of("PO-7"),
    }
}

fn voucher(id: u32, number: &str, gross: &str) -> Candidate<u32> {
    let Claim { keys, currency, gross, date, order } = claim(number, gross);
    Candidate { id, keys, currency, gross, date, order, is_taken: false }
}

fn matched(claim: &Claim, candidates: &[Candidate<u32>]) -> Match<u32> {
    voucher_for(claim, candidates, NumberReuse::Never)
}

fn proposed(stage: Stage, level: Level, ids: &[u32]) -> Match<u32> {
    Match::Proposed(ids.iter().map(|id| Proposal { id: *id, stage, level }).collect())
}

#[test]
fn m1_the_same_number_currency_and_amount_to_a_cent() {
    let expected = Match::Matched { id: 1, stage: Stage::M1, flags: vec![] };
    for gross in ["100.00", "100.01", "99.99"] {
        assert_eq!(matched(&claim("INV-1", "100.00"), &[voucher(1, "inv-1", gross)]), expected, "{gross}");
    }
    let undated = Candidate { date: None, ..voucher(1, "INV-1", "100.00") };
    assert_eq!(matched(&claim("INV-1", "100.00"), &[undated]), expected);
}

#[test]
fn m2_the_number_but_for_zeros_and_punctuation_within_three_days() {
    let late = Candidate { date: day(13), ..voucher(1, "INV0001", "100.00") };
    let expected = Match::Matched { id: 1, stage: Stage::M2, flags: vec![] };
    assert_eq!(matched(&claim("INV-1", "100.00"), &[late]), expected);
}

#[test]
fn m3_the_number_with_another_amount_or_date_is_matched_and_flagged() {
    for (voucher, flags) in [
        (voucher(1, "INV-1", "85.00"), vec![Flag::AmountMismatch]),
        (Candidate { date: day(14), ..voucher(1, "INV 01", "100.00") }, vec![Flag::DateMismatch]),
        (Candidate { date: day(20), ..voucher(1, "INV 01", "85.00") }, vec![Flag::AmountMismatch, Flag::DateMismatch]),
        (Candidate { date: None, ..voucher(1, "INV 01", "100.00") }, vec![]),
    ] {
        let expected = Match::Matched { id: 1, stage: Stage::M3, flags };
        assert_eq!(matched(&claim("INV-1", "100.00"), &[voucher]), expected);
    }
}

#[test]
fn m4_a_typing_error_with_the_same_order_is_proposed() {
    for number in ["INV-10050", "INV-1050", "INV-105", "INV-1006", "1NV-1005"] {
        let expected = proposed(Stage::M4, Level::High, &[1]);
        assert_eq!(matched(&claim("INV-1005", "100.00"), &[voucher(1, number, "100.00")]), expected, "{number}");
    }
    // Eight days apart, or another order, or two errors: only the amount is left.
    let low = proposed(Stage::M6, Level::Low, &[1]);
    let far = Candidate { date: day(18), ..voucher(1, "INV-1006", "100.00") };
    let other = Candidate { order: Keys::of("PO-8"), ..voucher(1, "INV-1006", "100.00") };
    for candidate in [far, other, voucher(1, "INV-1166", "100.00")] {
        assert_eq!(matched(&claim("INV-1005", "100.00"), &[candidate]), low);
    }
}

#[test]
fn m5_numbers_that_look_alike_with_the_same_amount_are_proposed() {
    let mut alone = claim("1-12", "100.00");
    alone.order = None;
    for number in ["11-2", "RE 112"] {
        let expected = proposed(Stage::M5, Level::Medium, &[1]);
        assert_eq!(matched(&alone, &[voucher(1, number, "100.00")]), expected, "{number}");
    }
    let scanned = Claim { order: None, ..claim("INV-1O5", "100.00") };
    assert_eq!(matched(&scanned, &[voucher(1, "105", "100.00")]), proposed(Stage::M5, Level::Medium, &[1]));
    assert_eq!(matched(&scanned, &[voucher(1, "105", "99.00")]), Match::Unmatched);
}

#[test]
fn m6_the_only_one_of_its_amount_within_thirty_days_is_proposed_low() {
    let near = Candidate { date: Some(date(2026, 3, 12)), ..voucher(1, "XY-9", "100.00") };
    let far = Candidate { date: Some(date(2026, 3, 13)), ..voucher(2, "XY-8", "100.00") };
    let invoice = claim("INV-1", "100.00");
    assert_eq!(matched(&invoice, &[near.clone(), far]), proposed(Stage::M6, Level::Low, &[1]));
    assert_eq!(matched(&invoice, &[near.clone(), voucher(3, "Q-5", "100.00")]), Match::Unmatched, "not the only one");
    assert_eq!(
        matched(&invoice, &[near.clone(), near]),
        proposed(Stage::M6, Level::Low, &[1]),
        "the same twice is one"
    );
}

#[test]
fn a_better_stage_wins_and_several_at_one_stage_are_for_a_person() {
    let candidates = [voucher(1, "INV01", "85.00"), voucher(2, "INV-1", "100.00")];
    let expected = Match::Matched { id: 2, stage: Stage::M1, flags: vec![] };
    assert_eq!(matched(&claim("INV-1", "100.00"), &candidates), expected);
    // Installments: one number, two amounts.
    let installments = [voucher(1, "INV-1", "50.00"), voucher(2, "INV-1", "50.00")];
    assert_eq!(matched(&claim("INV-1", "100.00"), &installments), proposed(Stage::M3, Level::High, &[1, 2]));
}

#[test]
fn what_is_different_is_never_matched() {
    let invoice = claim("INV-1", "100.00");
    assert_eq!(matched(&invoice, &[voucher(1, "INV-1", "-100.00")]), Match::Unmatched, "a credit note");
    let euro = Candidate { currency: Currency::parse("EUR"), ..voucher(1, "INV-1", "100.00") };
    assert_eq!(matched(&invoice, &[euro]), Match::Unmatched);
    let unknown = Candidate { currency: None, ..voucher(1, "INV-1", "100.00") };
    assert_eq!(matched(&invoice, &[unknown]), proposed(Stage::M1, Level::High, &[1]), "nobody knows the currency");
    let taken = Candidate { is_taken: true, ..voucher(1, "INV-1", "100.00") };
    assert_eq!(matched(&invoice, std::slice::from_ref(&taken)), Match::Taken { id: 1 });
    let second = Match::Matched { id: 2, stage: Stage::M2, flags: vec![] };
    assert_eq!(matched(&invoice, &[taken, voucher(2, "INV1", "100.00")]), second);
    assert_eq!(matched(&invoice, &[]), Match::Unmatched);
}

#[test]
fn a_number_that_is_used_again_matches_within_its_year() {
    let reuse = NumberReuse::EveryYear { first_month: 1 };
    let invoice = claim("17", "100.00");
    let last_year = Candidate { date: Some(date(2025, 2, 10)), ..voucher(1, "17", "100.00") };
    let this_year = voucher(2, "17", "100.00");
    let expected = Match::Matched { id: 2, stage: Stage::M1, flags: vec![] };
    assert_eq!(voucher_for(&invoice, &[last_year.clone(), this_year.clone()], reuse), expected);
    assert_eq!(
        voucher_for(&invoice, std::slice::from_ref(&last_year), reuse),
        proposed(Stage::M5, Level::Medium, &[1])
    );
    assert_eq!(matched(&invoice, &[last_year, this_year]), proposed(Stage::M1, Level::High, &[1, 2]));
    let undated = Candidate { date: None, ..voucher(1, "17", "100.00") };
    assert_eq!(voucher_for(&invoice, &[undated], reuse), proposed(Stage::M5, Level::Medium, &[1]), "who knows");
    let october = NumberReuse::EveryYear { first_month: 10 };
    assert_eq!(october.year(Some(date(2025, 10, 1))), october.year(day(10)));
    assert_ne!(october.year(Some(date(2025, 9, 30))), october.year(day(10)));
    assert_eq!(NumberReuse::Never.year(day(10)), None);
}

fn payable(id: u32, number: &str, gross: &str) -> Payable<u32> {
    Payable {
        id,
        voucher: Keys::of(&format!("000510{id}")),
        company_code: Some("1000".into()),
        number: Keys::of(number),
        order: Keys::of("PO-7"),
        date: day(10),
        gross: Some(decimal(gross)),
        open: Some(decimal(gross)),
    }
}

fn line(number: &str, paid: &str) -> RemittanceLine {
    RemittanceLine { document_number: Some(number.into()), paid: Some(decimal(paid)), ..RemittanceLine::default() }
}

fn pays(line: &RemittanceLine, documents: &[Payable<u32>]) -> Resolution<u32> {
    paid_document(&LineReference::of(line, Some(&"1000".into())), documents)
}

fn found(id: u32, rule: Rule) -> Resolution<u32> {
    Resolution::Found { id, rule }
}

#[test]
fn the_payers_own_number_is_the_strongest() {
    let documents = [payable(1, "INV-1", "100.00"), payable(2, "INV-2", "100.00")];
    let own = Identifier { scheme: Some("voucher_number".into()), value: "5102".into() };
    // Whatever supplier's number stands beside it.
    let with_own = RemittanceLine { references: vec![own], ..line("INV-1", "100.00") };
    assert_eq!(pays(&with_own, &documents), found(2, Rule::R1));
    let by_type = RemittanceLine { type_code: Some("VV".into()), ..line("5102", "100.00") };
    assert_eq!(pays(&by_type, &documents), found(2, Rule::R1));
    let elsewhere = [Payable { company_code: Some("2000".into()), ..payable(2, "INV-2", "100.00") }];
    assert_eq!(pays(&by_type, &elsewhere), Resolution::OnAccount, "another company's voucher has the same number");
}

#[test]
fn the_suppliers_number_finds_the_document() {
    let documents = [payable(1, "INV-0001", "100.00"), payable(2, "INV-2", "100.00")];
    assert_eq!(pays(&line("inv 1", "40.00"), &documents), found(1, Rule::R2));
    // Installments: the amount says which.
    let installments = [payable(1, "INV-1", "60.00"), payable(2, "INV-1", "40.00")];
    assert_eq!(pays(&line("INV-1", "40.00"), &installments), found(2, Rule::R2));
    assert_eq!(pays(&line("INV-1", "50.00"), &installments), Resolution::Ambiguous(vec![1, 2]));
    let of_last_year = Payable { date: Some(date(2025, 2, 10)), ..payable(1, "INV-1", "40.00") };
    let dated = RemittanceLine { document_date: day(10), ..line("INV-1", "40.00") };
    assert_eq!(pays(&dated, &[of_last_year, payable(2, "INV-1", "40.00")]), found(2, Rule::R2));
}

#[test]
fn a_credit_and_a_reversal_find_what_they_name() {
    let documents = [payable(1, "77", "100.00"), payable(2, "77", "-100.00")];
    let credit = RemittanceLine { document_type: SettledKind::CreditNote, ..line("77", "-100.00") };
    assert_eq!(pays(&credit, &documents), found(2, Rule::R2));
    assert_eq!(pays(&line("77", "100.00"), &documents), found(1, Rule::R2));
    assert_eq!(pays(&line("77", "-100.00"), &documents[..1]), found(1, Rule::R2), "a payment taken back");
}

#[test]
fn the_order_with_the_amount_is_the_last_resort() {
    let documents = [payable(1, "INV-1", "100.00"), payable(2, "INV-2", "70.00")];
    let by_order = RemittanceLine { purchase_order: Some("po 7".into()), ..line("?", "70.00") };
    assert_eq!(pays(&by_order, &documents), found(2, Rule::R3));
    let other_amount = RemittanceLine { paid: Some(decimal("71.00")), ..by_order };
    assert_eq!(pays(&other_amount, &documents), Resolution::OnAccount);
    assert_eq!(pays(&line("CHARGEBACK", "-5.00"), &documents), Resolution::OnAccount);
    assert_eq!(pays(&RemittanceLine::default(), &documents), Resolution::OnAccount);
}

proptest! {
    /// The order in which candidates are found is chance, and must not show.
    #[test]
    fn the_order_of_the_candidates_does_not_matter(
        vouchers in proptest::collection::vec(("[AI]{0,1}[01O]{1,3}", 1_i64..4, 1_i8..28), 1..8), turn in 0_usize..8,
    ) {
        let candidates: Vec<Candidate<u32>> = (0_u32..).zip(&vouchers).map(|(id, (number, gross, on))| Candidate {
            date: day(*on), ..voucher(id, number, &gross.to_string())
        }).collect();
        let mut turned = candidates.clone();
        turned.rotate_left(turn % candidates.len());
        let invoice = claim("I01", "2");
        let result = matched(&invoice, &candidates);
        prop_assert_eq!(&matched(&invoice, &turned), &result);
        if let Match::Matched { id, .. } = result {
            prop_assert_eq!(&candidates[usize::try_from(id).unwrap()].keys.k1, &invoice.keys.k1);
        }
    }
}
