//! What is written as a table is read back equal, by the built-in profile whose columns it has.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use jiff::civil::Date;
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{
    Account, Address, Adjustment, Body, Contact, Identifier, Invoice, InvoiceKind, Item, Line, Note, Party,
    PaymentStatus, RemittanceAdvice, RemittanceLine, SettledKind, Totals, Vendor, Voucher,
};
use waybill_parsers::csv::{Outcome, Writer};
use waybill_parsers::{Context, Document, Event, Limits, Location, profile, read};

fn document(body: Body) -> Document {
    Document {
        ordinal: 0,
        format: "test".into(),
        version: None,
        location: Location::file(),
        control: Vec::new(),
        evidence: Vec::new(),
        body,
    }
}

/// The documents as a table, and what is read from it.
fn there_and_back(bodies: &[Body]) -> (String, Vec<Body>) {
    let mut writer = Writer::new(Writer::documents_of(&document(bodies[0].clone())).unwrap());
    let mut table = Vec::new();
    for body in bodies {
        assert_eq!(writer.write(&document(body.clone()), &mut table).unwrap(), Outcome::Written);
    }
    let mut back = Vec::new();
    let context = Context { profiles: profile::built_in(), limits: Limits::default() };
    let text = String::from_utf8(table).unwrap();
    read(&mut text.as_bytes(), &context, &mut |event| {
        match event {
            Event::Document(document) => back.push(document.body),
            Event::Finding(finding) if finding.code.as_str() == "total_mismatch" => {}
            event => panic!("{event:?}\n{text}"),
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (text, back)
}

fn id(scheme: &str, value: &str) -> Identifier {
    Identifier { scheme: Some(scheme.into()), value: value.into() }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn amount(text: &str) -> Option<Decimal> {
    Some(text.parse().unwrap())
}

fn day(text: &str) -> Option<Date> {
    Some(text.parse().unwrap())
}

#[test]
fn vouchers_vendors_and_remittances_are_read_back_equal() {
    let voucher = Voucher {
        company_code: some("1000").map(Into::into),
        vendor_no: some("V-1").map(Into::into),
        vendor_name: some("Ash, \"Oak\" & Söhne").map(Into::into),
        invoice_number: some("R-1").map(Into::into),
        voucher_number: some("5100").map(Into::into),
        invoice_date: day("2026-02-03"),
        due_date: day("2026-03-03"),
        currency: some("KWD").map(Into::into),
        gross: amount("-1.234"),
        status_code: some("in_review").map(Into::into),
        status: Some(PaymentStatus::InReview),
        status_text: some("Your invoice is being checked.").map(Into::into),
        hold_codes: vec!["A1".into(), "B2".into()],
        ..Voucher::default()
    };
    let body = Body::Voucher(Box::new(voucher));
    assert_eq!(there_and_back(std::slice::from_ref(&body)).1, [body]);

    let address = Address {
        lines: vec!["1 Oak St".into(), "Suite 5".into()],
        city: some("Springfield").map(Into::into),
        ..Address::default()
    };
    let vendor = Vendor {
        vendor_no: some("V-1").map(Into::into),
        site_code: some("MAIN").map(Into::into),
        name: some("Ash Ltd").map(Into::into),
        ids: vec![id("tax_id", "12-345"), id("vat", "DE1"), id("duns", "99")],
        address: Some(address),
        contact: Some(Contact { email: some("a@ash.example").map(Into::into), ..Contact::default() }),
        currency: some("USD").map(Into::into),
        is_active: Some(true),
        ..Vendor::default()
    };
    let deleted = Vendor {
        vendor_no: some("V-2").map(Into::into),
        is_active: Some(false),
        is_deleted: true,
        ..Vendor::default()
    };
    let bodies = [Body::Vendor(Box::new(vendor)), Body::Vendor(Box::new(deleted))];
    assert_eq!(there_and_back(&bodies).1, bodies);

    let line = |number: &str, paid: &str, document_type| RemittanceLine {
        document_type,
        document_number: some(number).map(Into::into),
        document_date: day("2026-01-05"),
        original: amount(paid),
        paid: amount(paid),
        ..RemittanceLine::default()
    };
    let adjusted = RemittanceLine {
        adjustments: vec![Adjustment {
            amount: "-8.00".parse().unwrap(),
            reason: some("short").map(Into::into),
            ..Adjustment::default()
        }],
        references: vec![id("voucher_number", "77")],
        ..line("R-1", "92.00", SettledKind::Invoice)
    };
    let advice = RemittanceAdvice {
        number: some("ADV-1").map(Into::into),
        payment_date: day("2026-02-03"),
        method: some("ACH").map(Into::into),
        currency: some("EUR").map(Into::into),
        total: amount("72.00"),
        payee: Party { name: some("Ash").map(Into::into), ids: vec![id("vendor_no", "V-1")], ..Party::default() },
        payee_account: Some(Account { number: some("DE02").map(Into::into), ..Account::default() }),
        traces: vec![id("payment_number", "P-1")],
        lines: vec![adjusted, line("C-2", "-20.00", SettledKind::CreditNote)],
        ..RemittanceAdvice::default()
    };
    let body = Body::RemittanceAdvice(Box::new(advice));
    assert_eq!(there_and_back(std::slice::from_ref(&body)).1, [body]);
}

#[test]
fn a_table_holds_one_kind_of_numbered_documents() {
    let invoice = |number: Option<&str>| {
        document(Body::Invoice(Box::new(Invoice { number: number.map(Into::into), ..Invoice::default() })))
    };
    let mut writer = Writer::new(profile::Documents::Vendor);
    let mut out = Vec::new();
    assert!(matches!(writer.write(&invoice(Some("R-1")), &mut out).unwrap(), Outcome::NotWritten(_)));
    let mut writer = Writer::new(profile::Documents::Invoice);
    assert!(matches!(writer.write(&invoice(None), &mut out).unwrap(), Outcome::NotWritten(_)));
    assert!(out.is_empty());
}

#[test]
fn a_number_with_a_control_character_is_in_no_table() {
    let invoice = Invoice { number: some("NW-1\0").map(Into::into), ..Invoice::default() };
    let mut table = Vec::new();
    let outcome = Writer::new(profile::Documents::Invoice)
        .write(&document(Body::Invoice(Box::new(invoice))), &mut table)
        .unwrap();
    assert!(matches!(outcome, Outcome::NotWritten(why) if why.contains("control character")), "{outcome:?}");
    assert!(table.is_empty());
}

#[test]
fn an_amount_that_looks_like_a_thousand_is_told_from_one() {
    let bare = Invoice {
        number: some("R-1").map(Into::into),
        issue_date: day("2026-02-03"),
        currency: some("KWD").map(Into::into),
        totals: Totals { payable: amount("1.234"), ..Totals::default() },
        ..Invoice::default()
    };
    let (text, back) = there_and_back(&[Body::Invoice(Box::new(bare.clone()))]);
    assert!(text.contains(",1.2340,"), "{text}");
    assert_eq!(back, [Body::Invoice(Box::new(bare))]);
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[A-Za-zäß€\",;|~'().-]([A-Za-z0-9äß€\",; \n|'-]{0,12}[A-Za-z0-9.\"])?")
}

fn number(scale: u32) -> impl Strategy<Value = Decimal> {
    (1_i64..10_000_000).prop_map(move |mantissa| Decimal::new(mantissa, scale))
}

fn line() -> impl Strategy<Value = Line> {
    (text(), text(), number(3), number(4), number(2)).prop_map(|(name, seller_id, quantity, price, net)| Line {
        quantity: Some(quantity),
        net_price: Some(price),
        net_amount: Some(net),
        item: Item { name: name.map(Into::into), seller_id: seller_id.map(Into::into), ..Item::default() },
        ..Line::default()
    })
}

fn invoice() -> impl Strategy<Value = Invoice> {
    let texts = (text(), text(), text(), text());
    (any::<bool>(), texts, number(2), proptest::option::of(number(2)), proptest::collection::vec(line(), 0..4))
        .prop_map(|(is_credit, (seller, buyer, note, order), payable, tax, lines)| {
            let mut invoice = Invoice {
                kind: if is_credit { InvoiceKind::CreditNote } else { InvoiceKind::Invoice },
                issue_date: day("2026-02-03"),
                currency: some("EUR").map(Into::into),
                seller: Party { name: seller.map(Into::into), ids: vec![id("vendor_no", "V-1")], ..Party::default() },
                buyer: Party { name: buyer.map(Into::into), ..Party::default() },
                notes: note.map(|text| Note { subject: None, text: text.into() }).into_iter().collect(),
                totals: Totals { payable: Some(payable), tax, ..Totals::default() },
                lines,
                ..Invoice::default()
            };
            invoice.references.purchase_order = order.map(Into::into);
            invoice
        })
}

proptest! {
    #[test]
    fn invoices_and_credit_notes_are_read_back_equal(mut invoices in proptest::collection::vec(invoice(), 1..4)) {
        for (index, invoice) in invoices.iter_mut().enumerate() {
            invoice.number = Some(format!("R-{index}").into());
        }
        let bodies: Vec<Body> = invoices.into_iter().map(|invoice| Body::Invoice(Box::new(invoice))).collect();
        let (text, back) = there_and_back(&bodies);
        prop_assert_eq!(back, bodies, "{}", text);
    }
}
