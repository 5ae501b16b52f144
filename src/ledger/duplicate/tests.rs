//! Levels 3 and 4, by their table.

use jiff::civil::date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{Invoice, Line, References, Totals, Voucher};

use super::*;
use crate::ledger::money::Currency;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn subject(number: &str) -> Subject {
    Subject {
        kind: InvoiceKind::Invoice,
        keys: Keys::of(number).unwrap(),
        vendor: "4711".into(),
        tax_id: None,
        currency: Currency::parse("USD"),
        gross: None,
        date: None,
        order: None,
        lines: None,
        bytes: None,
        status: Status::Approved,
    }
}

#[track_caller]
fn scores(newer: &Subject, earlier: &Subject, points: u32, weight: Weight, reasons: &[Reason]) {
    let suspicion = suspect(newer, earlier).unwrap();
    assert_eq!((suspicion.points, suspicion.weight, suspicion.reasons.as_slice()), (points, weight, reasons));
}

#[test]
fn the_points_are_those_of_the_table() {
    let earlier = subject("INV-1005");
    scores(&subject("inv 01005"), &earlier, 60, Weight::Flag, &[Reason::SameNumber]);
    scores(&subject("1005"), &earlier, 40, Weight::None, &[Reason::SimilarNumber]);
    scores(&subject("INV-1O05"), &earlier, 40, Weight::None, &[Reason::SimilarNumber]);
    scores(&subject("INV-1050"), &earlier, 35, Weight::None, &[Reason::NearNumber]);
    scores(&subject("INV-1005-B"), &earlier, 35, Weight::None, &[Reason::NearNumber]);
    // A suffix without a look-alike leaves the digits what they were, which is the stronger reason.
    scores(&subject("INV-1005 COPY"), &earlier, 40, Weight::None, &[Reason::SimilarNumber]);
    scores(&subject("X-77"), &earlier, 0, Weight::None, &[]);
}

#[test]
fn the_classic_second_copy_is_flagged_and_with_its_date_and_order_blocked() {
    let whole = |number: &str| Subject {
        gross: Some(decimal("100.00")),
        date: Some(date(2026, 2, 10)),
        order: Keys::of("PO-7"),
        ..subject(number)
    };
    let reasons = [Reason::SimilarNumber, Reason::SameGross, Reason::SameDate, Reason::SameOrder];
    scores(&whole("4281-R"), &whole("4281"), 85, Weight::Block, &reasons);
    let other_month = Subject { date: Some(date(2026, 3, 20)), order: None, ..whole("4281-R") };
    scores(&other_month, &whole("4281"), 65, Weight::Flag, &reasons[..2]);
    let near = Subject { gross: Some(decimal("101.00")), date: Some(date(2026, 3, 12)), ..whole("4281") };
    let reasons = [Reason::SameNumber, Reason::NearGross, Reason::NearDate, Reason::SameOrder];
    scores(&near, &whole("4281"), 85, Weight::Block, &reasons);
    let farther = Subject { gross: Some(decimal("101.01")), date: Some(date(2026, 3, 13)), ..near };
    scores(&farther, &whole("4281"), 70, Weight::Flag, &[Reason::SameNumber, Reason::SameOrder]);
}

#[test]
fn lines_tax_numbers_and_bytes_count() {
    let digest = Some(Digest::of(b"x"));
    let lines = |number: &str| Subject { lines: digest, ..subject(number) };
    scores(&lines("A-1"), &lines("B-7"), 30, Weight::None, &[Reason::SameLines]);
    let listed_twice = Subject { vendor: "4711-B".into(), tax_id: digest, ..subject("A-1") };
    let known = Subject { tax_id: digest, ..subject("A-1") };
    scores(&listed_twice, &known, 75, Weight::Flag, &[Reason::SameNumber, Reason::SameTaxId]);
    let stranger = Subject { vendor: "9".into(), ..subject("A-1") };
    assert_eq!(suspect(&stranger, &known), None, "two vendors may use one number");
    let bytes = Subject { bytes: digest, ..stranger };
    scores(&bytes, &Subject { bytes: digest, ..known }, 100, Weight::Block, &[Reason::SameBytes]);
}

#[test]
fn what_will_not_be_paid_and_what_is_a_credit_note_raises_no_suspicion() {
    let newer = subject("INV-1");
    for status in [Status::Rejected, Status::Cancelled, Status::Superseded] {
        assert_eq!(suspect(&newer, &Subject { status, ..subject("INV-1") }), None);
    }
    let credit = Subject { kind: InvoiceKind::CreditNote, ..subject("INV-1") };
    assert_eq!(suspect(&newer, &credit), None);
    assert_eq!(suspect(&credit, &newer), None);
    assert!(suspect(&credit, &credit).is_some());
}

#[test]
fn a_paid_earlier_one_makes_it_worse_and_not_likelier() {
    let paid = Subject { status: Status::Paid, ..subject("INV-1") };
    let suspicion = suspect(&subject("INV-1"), &paid).unwrap();
    assert_eq!((suspicion.points, suspicion.severity), (60, Severity::High));
    assert_eq!(suspect(&subject("INV-1"), &subject("INV-1")).unwrap().severity, Severity::Normal);
}

#[test]
fn another_currency_is_another_amount() {
    let dollars = Subject { gross: Some(decimal("100")), ..subject("INV-1") };
    let euros = Subject { currency: Currency::parse("EUR"), ..dollars.clone() };
    scores(&dollars, &euros, 60, Weight::Flag, &[Reason::SameNumber]);
    let immense = Subject { gross: Some(Decimal::MAX), ..dollars.clone() };
    let owed = Subject { gross: Some(Decimal::MIN), ..dollars };
    assert!(suspect(&immense, &owed).is_some());
}

fn invoice() -> Invoice {
    Invoice {
        number: Some("INV-1".into()),
        issue_date: Some(date(2026, 2, 10)),
        currency: Some("USD".into()),
        references: References { purchase_order: Some("PO-7".into()), ..References::default() },
        totals: Totals { payable: Some(decimal("100.00")), ..Totals::default() },
        lines: vec![Line { net_amount: Some(decimal("100")), ..Line::default() }],
        ..Invoice::default()
    }
}

#[test]
fn the_content_is_what_is_said_and_not_how() {
    let same = Invoice {
        number: Some(" inv-1".into()),
        totals: Totals { payable: Some(decimal("100.0")), ..Totals::default() },
        notes: vec![waybill_parsers::canonical::Note::default()],
        ..invoice()
    };
    assert_eq!(invoice_content(&invoice()), invoice_content(&same));
    let mut others = vec![invoice(); 5];
    others[0].totals.payable = Some(decimal("100.01"));
    others[1].issue_date = Some(date(2026, 2, 11));
    others[2].lines.push(Line::default());
    others[3].kind = InvoiceKind::CreditNote;
    others[4].references.purchase_order = None;
    for other in &others {
        assert_ne!(invoice_content(&invoice()), invoice_content(other));
    }
    assert_eq!(line_content(&[]), None);
    assert_eq!(line_content(&invoice().lines), line_content(&same.lines));
}

#[test]
fn a_voucher_is_unchanged_whatever_the_order_of_its_holds() {
    let row = |holds: &[&str], open: &str| {
        let hold_codes = holds.iter().map(|hold| (*hold).into()).collect();
        voucher_content(&Voucher { hold_codes, open: Some(decimal(open)), ..Voucher::default() })
    };
    assert_eq!(row(&["A", "B"], "1.0"), row(&["B", "A", "A"], "1.00"));
    assert_ne!(row(&["A"], "1"), row(&["A", "B"], "1"));
    assert_ne!(row(&["A"], "1"), row(&["A"], "2"));
    // A text may not slip from one field into the next.
    let fields = |company: &str, vendor: &str| {
        let (company_code, vendor_no) = (Some(company.into()), Some(vendor.into()));
        voucher_content(&Voucher { company_code, vendor_no, ..Voucher::default() })
    };
    assert_ne!(fields("1", "23"), fields("12", "3"));
    let vendor = waybill_parsers::canonical::Vendor::default();
    let active = waybill_parsers::canonical::Vendor { is_active: Some(true), ..vendor.clone() };
    assert_ne!(vendor_content(&vendor), vendor_content(&active));
}

#[test]
fn a_second_invoice_of_a_number_is_unchanged_newer_or_refused() {
    let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
    let earlier = |status| Some(Earlier { content: one, status });
    assert_eq!(resubmitted(one, false, None), Resubmission::New);
    for status in [Status::Submitted, Status::Approved, Status::Paid, Status::Rejected] {
        assert_eq!(resubmitted(one, false, earlier(status)), Resubmission::Unchanged);
    }
    assert_eq!(resubmitted(other, false, earlier(Status::Submitted)), Resubmission::NewVersion);
    assert_eq!(resubmitted(other, true, earlier(Status::Submitted)), Resubmission::Supersedes);
    assert_eq!(resubmitted(other, true, earlier(Status::Rejected)), Resubmission::Supersedes);
    let refused = Resubmitted::SaysSomethingElse(Status::Rejected);
    assert_eq!(resubmitted(other, false, earlier(Status::Rejected)), Resubmission::Refused(refused));
    let refused = Resubmitted::NotSupersedable(Status::Approved);
    assert_eq!(resubmitted(other, true, earlier(Status::Approved)), Resubmission::Refused(refused));
    assert!(refused.to_string().contains("it is to supersede is approved"));
    for status in [Status::Cancelled, Status::Superseded] {
        assert_eq!(resubmitted(one, false, earlier(status)), Resubmission::New);
    }
    assert_eq!(listed_again(one, None), Resubmission::New);
    assert_eq!(listed_again(one, Some(one)), Resubmission::Unchanged);
    assert_eq!(listed_again(other, Some(one)), Resubmission::NewVersion);
}

#[test]
fn a_document_key_has_the_year_where_numbers_restart() {
    let keys = Keys::of("INV-017").unwrap();
    let key = |year| DocumentKey::new(InvoiceKind::Invoice, &keys, year);
    assert_eq!(key(None).k1, "INV-17");
    assert_ne!(key(Some(2025)), key(Some(2026)));
    assert_ne!(key(None), DocumentKey::new(InvoiceKind::CreditNote, &keys, None));
}

proptest! {
    #[test]
    fn a_suspicion_is_the_same_from_either_side_and_never_more_than_its_reasons(
        one in "[AI]{0,1}[01O]{1,3}", other in "[AI]{0,1}[01O]{1,3}(-R)?", gross in 1_i64..300, same in any::<bool>(),
    ) {
        let one = Subject { gross: Some(Decimal::from(gross)), ..subject(&one) };
        let other = Subject { gross: Some(Decimal::from(if same { gross } else { 300 })), ..subject(&other) };
        let (there, back) = (suspect(&one, &other).unwrap(), suspect(&other, &one).unwrap());
        prop_assert_eq!(there.points, there.reasons.iter().map(|reason| reason.points()).sum::<u32>());
        // The 1 % is of the earlier amount; all else is symmetrical.
        if !there.reasons.contains(&Reason::NearGross) && !back.reasons.contains(&Reason::NearGross) {
            prop_assert_eq!(there.points, back.points);
        }
    }
}
