//! What is written as X12 is read back equal, as far as X12 has a place for it; and what was received is
//! acknowledged in its own words, located, and never twice.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{
    Account, AcknowledgedFault, AcknowledgedItem, Acknowledgment, Address, Adjustment, AllowanceCharge, Body, Contact,
    Delivery, Handling, Identifier, Invoice, InvoiceKind, Item, ItemId, Line, Note, Party, PaymentTerms, Period,
    Preceding, References, RemittanceAdvice, RemittanceLine, SettledKind, TaxBreakdown, TermsDiscount, Text, Totals,
    Verdict,
};
use waybill_parsers::write::{X12Envelope, X12Error, X12Version, x12_invoice, x12_invoices, x12_remittance};
use waybill_parsers::{
    Context, Document, Event, Finding, Limits, Profile, Reply, Severity, Summary, acknowledge, read,
};

fn envelope(version: X12Version) -> X12Envelope {
    X12Envelope {
        sender: Identifier { scheme: None, value: "NORTHWIND".into() },
        recipient: Identifier { scheme: Some("x12:01".into()), value: "123456789".into() },
        application_sender: None,
        application_recipient: Some("AP".to_owned()),
        control: 7,
        at: date(2026, 1, 5).at(9, 30, 0, 0),
        version,
        is_test: false,
    }
}

struct Told {
    documents: Vec<Document>,
    findings: Vec<Finding>,
    summary: Summary,
}

impl Told {
    fn of(bytes: &[u8]) -> Self {
        Self::with(bytes, &[])
    }

    fn with(bytes: &[u8], profiles: &[Profile]) -> Self {
        let (mut documents, mut findings) = (Vec::new(), Vec::new());
        let context = Context { profiles, limits: Limits::default() };
        let summary = read(&mut &*bytes, &context, &mut |event| {
            match event {
                Event::Document(document) => documents.push(*document),
                Event::Finding(finding) => findings.push(*finding),
                Event::Unlisted { .. } => {}
            }
            ControlFlow::Continue(())
        });
        Self { documents, findings, summary: summary.unwrap() }
    }

    fn has_no_envelope_fault(&self) {
        let of_envelope = |finding: &&Finding| finding.code.as_str().starts_with("edi_");
        let faults: Vec<&Finding> = self.findings.iter().filter(of_envelope).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }

    fn acknowledgments(&self) -> Vec<&Acknowledgment> {
        let bodies = self.documents.iter().map(|document| &document.body);
        bodies.filter_map(|body| if let Body::Acknowledgment(one) = body { Some(&**one) } else { None }).collect()
    }
}

fn reread_invoice(invoice: &Invoice, version: X12Version) -> Invoice {
    let bytes = x12_invoice(invoice, &envelope(version)).unwrap();
    let told = Told::of(&bytes);
    told.has_no_envelope_fault();
    assert_eq!(told.summary.version.as_deref(), Some(version.as_str()));
    match &told.documents.as_slice() {
        [Document { body: Body::Invoice(read), .. }] => (**read).clone(),
        other => panic!("{other:?}"),
    }
}

// What an 810 can carry.

fn word() -> impl Strategy<Value = Text> {
    // Delimiters among the data, letters beyond ASCII, blanks inside.
    "[A-Za-z0-9*~>^:|'é€][A-Za-z0-9 *~>^:|'!é€.-]{0,14}[A-Za-z0-9é€*~]".prop_map(Text::from)
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(of: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Option<T>> {
    prop::option::of(of).boxed()
}

fn day() -> impl Strategy<Value = Date> {
    (2000i16..2099, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

fn amount() -> impl Strategy<Value = Decimal> {
    (0i64..10_000_000, 0u32..=2).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn exact() -> impl Strategy<Value = Decimal> {
    (1i64..1_000_000, 0u32..=5).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn id(scheme: &'static str) -> impl Strategy<Value = Identifier> {
    word().prop_map(move |value| Identifier { scheme: Some(scheme.into()), value })
}

fn address() -> impl Strategy<Value = Address> {
    let region = prop_oneof![Just("GA".to_owned()), Just("Lower Saxony".to_owned())];
    (prop::collection::vec(word(), 0..4), maybe(word()), maybe("[0-9]{5}"), maybe(region), maybe(Just("US".to_owned())))
        .prop_filter_map("an address says something", |(lines, city, postal_code, region, country)| {
            let address = Address {
                lines,
                city,
                postal_code: postal_code.map(Into::into),
                region: region.map(Into::into),
                country: country.map(Into::into),
            };
            (address != Address::default()).then_some(address)
        })
}

fn contact() -> impl Strategy<Value = Contact> {
    (maybe(word()), maybe("[0-9]{8}"), maybe("[a-z]{3}@[a-z]{3}\\.com")).prop_map(|(name, phone, email)| Contact {
        name,
        phone: phone.map(Into::into),
        email: email.map(Into::into),
    })
}

fn party() -> impl Strategy<Value = Party> {
    let more = prop::collection::vec(id("x12:REF:IA"), 0..2);
    (word(), maybe(word()), maybe(id("x12:9")), more, maybe(word()), maybe(word()), maybe(id("x12:EI"))).prop_flat_map(
        |(name, trading, first, more, vat_id, tax_id, legal_id)| {
            (maybe(address()), maybe(contact())).prop_map(move |(address, contact)| Party {
                name: Some(name.clone()),
                trading_name: trading.clone(),
                ids: first.iter().chain(&more).cloned().collect(),
                legal_id: legal_id.clone(),
                vat_id: vat_id.clone(),
                tax_id: tax_id.clone(),
                address,
                contact,
                ..Party::default()
            })
        },
    )
}

fn charge() -> impl Strategy<Value = AllowanceCharge> {
    (any::<bool>(), amount(), maybe((1i64..9999).prop_map(|mantissa| Decimal::new(mantissa, 2))), maybe(word()))
        .prop_map(|(is_charge, amount, percent, reason)| AllowanceCharge {
            is_charge,
            amount: Some(amount),
            percent,
            reason,
            reason_code: Some("D240".into()),
            ..AllowanceCharge::default()
        })
}

fn line() -> impl Strategy<Value = Line> {
    let item = (
        word(),
        maybe(word()),
        maybe(word()),
        maybe(word()),
        maybe(id("x12:EN")),
        prop::collection::vec(word().prop_map(|code| ItemId { list: Some("x12:ZZ".into()), code }), 0..3),
    );
    let item = item.prop_map(|(name, description, seller_id, buyer_id, standard_id, classifications)| Item {
        name: Some(name),
        description,
        seller_id,
        buyer_id,
        standard_id,
        classifications,
        ..Item::default()
    });
    let rate = prop_oneof![Just(Decimal::new(825, 2)), Just(Decimal::new(20, 0)), Just(Decimal::new(5, 1))];
    let period = (maybe(day()), maybe(day())).prop_filter_map("a period says something", |(start, end)| {
        (start.is_some() || end.is_some()).then_some(Period { start, end })
    });
    let base = prop_oneof![Just(Decimal::ONE_HUNDRED), Just(Decimal::ONE_THOUSAND)];
    (
        exact(),
        exact(),
        maybe(base),
        item,
        maybe(rate),
        maybe(period),
        prop::collection::vec(charge(), 0..2),
        maybe(word()),
    )
        .prop_map(|(quantity, price, base, item, tax_rate, period, allowances_charges, order)| Line {
            quantity: Some(quantity),
            unit: Some("EA".into()),
            net_price: Some(price),
            price_base_quantity: base,
            item,
            tax_category: tax_rate.map(|_| "ST".to_owned()).map(Into::into),
            tax_rate,
            period,
            allowances_charges,
            purchase_order_line: order,
            ..Line::default()
        })
}

fn invoice() -> impl Strategy<Value = Invoice> {
    let head = (
        any::<bool>(),
        word(),
        day(),
        maybe(Just("00".to_owned())),
        maybe(Just("USD".to_owned())),
        (maybe(word()), maybe(word()), maybe(word()), maybe(word()), maybe(word())),
        prop::collection::vec((maybe(Just("GEN".to_owned())), word()), 0..3),
        prop::collection::vec(word(), 0..2),
    );
    let discount =
        (exact(), maybe(1u32..90), maybe(day()), maybe(amount())).prop_map(|(percent, days, date, amount)| {
            TermsDiscount { percent: Some(percent.trunc_with_scale(2).max(Decimal::ONE)), days, date, amount }
        });
    let terms = (word(), maybe(1u32..120), prop::collection::vec(discount, 0..3))
        .prop_map(|(text, net_days, discounts)| PaymentTerms { text: Some(text), net_days, discounts });
    let discount_fits =
        |terms: &PaymentTerms| terms.discounts.iter().all(|discount| discount.percent.unwrap().to_string().len() <= 6);
    let terms = terms.prop_filter("percentages of six digits", discount_fits);
    let body = (
        party(),
        party(),
        maybe(party()),
        maybe((word(), maybe(day()), maybe(address()))),
        maybe(terms),
        maybe(day()),
        prop::collection::vec(line(), 0..4),
        prop::collection::vec(charge(), 0..3),
    );
    let tax = (amount(), amount()).prop_map(|(base, tax)| TaxBreakdown {
        base: Some(base),
        tax: Some(tax),
        category: Some("ST".into()),
        rate: None,
        ..TaxBreakdown::default()
    });
    (head, body, amount(), prop::collection::vec(tax, 0..3)).prop_map(|(head, body, payable, tax_breakdown)| {
        let (is_credit, number, issued, purpose, currency, references, notes, preceding) = head;
        let (seller, buyer, payee, delivery, terms, due_date, lines, allowances_charges) = body;
        let (purchase_order, contract, sales_order, receiving_advice, despatch_advice) = references;
        Invoice {
            kind: if is_credit { InvoiceKind::CreditNote } else { InvoiceKind::Invoice },
            number: Some(number),
            issue_date: Some(issued),
            type_code: Some(if is_credit { "CR" } else { "DI" }.into()),
            purpose: purpose.map(Into::into),
            currency: currency.map(Into::into),
            due_date,
            references: References {
                purchase_order,
                contract,
                sales_order,
                receiving_advice,
                despatch_advice,
                ..References::default()
            },
            notes: notes.into_iter().map(|(subject, text)| Note { subject: subject.map(Into::into), text }).collect(),
            preceding: preceding.into_iter().map(|number| Preceding { number, issue_date: None }).collect(),
            seller,
            buyer,
            payee,
            delivery: delivery.map(|(name, date, address)| Delivery {
                name: Some(name),
                location_id: None,
                date,
                address,
            }),
            terms,
            allowances_charges,
            totals: Totals { payable: Some(payable), ..Totals::default() },
            tax_breakdown,
            lines,
            ..Invoice::default()
        }
    })
}

/// Amounts as numbers: N2 implies two decimals, so that 5 comes back as 5.00. Lines are numbered, and what is
/// derived on reading is not compared.
fn comparable(mut invoice: Invoice) -> Invoice {
    let plain = |amount: &mut Option<Decimal>| *amount = amount.map(|amount| amount.normalize());
    // A negative sum of charges is turned on a credit note; the generator makes allowances larger at times.
    let charges = invoice.allowances_charges.iter_mut();
    for charge in charges.chain(invoice.lines.iter_mut().flat_map(|line| &mut line.allowances_charges)) {
        plain(&mut charge.amount);
        plain(&mut charge.percent);
    }
    let payable = invoice.totals.payable;
    invoice.totals = Totals { payable, ..Totals::default() };
    plain(&mut invoice.totals.payable);
    for (index, line) in invoice.lines.iter_mut().enumerate() {
        line.id = Some(line.id.clone().unwrap_or_else(|| (index + 1).to_string().into()));
        line.net_amount = None;
        plain(&mut line.tax_rate);
    }
    for entry in &mut invoice.tax_breakdown {
        plain(&mut entry.base);
        plain(&mut entry.tax);
        plain(&mut entry.rate);
    }
    if let Some(terms) = &mut invoice.terms {
        terms.discounts.iter_mut().for_each(|discount| plain(&mut discount.amount));
    }
    // A due date comes back with terms that say nothing else; without one, days of terms make one.
    invoice.terms = invoice.terms.filter(|terms| *terms != PaymentTerms::default());
    if invoice.terms.as_ref().is_some_and(|terms| terms.net_days.is_some()) {
        invoice.due_date = None;
    }
    invoice
}

fn remittance() -> impl Strategy<Value = RemittanceAdvice> {
    let signed = || (amount(), any::<bool>()).prop_map(|(amount, minus)| if minus { -amount } else { amount });
    let adjustment = (signed(), maybe(word()), maybe(id("x12:CM"))).prop_map(|(amount, reason, reference)| {
        Adjustment { amount, reason_code: Some("59".into()), reason, reference }
    });
    let adjustments = prop::collection::vec(adjustment, 0..3).boxed();
    let kinds = prop_oneof![
        Just((SettledKind::Invoice, "IV")),
        Just((SettledKind::CreditNote, "CM")),
        Just((SettledKind::DebitNote, "DL")),
        Just((SettledKind::Other, "PO")),
    ];
    let line = (
        kinds,
        word(),
        maybe(day()),
        maybe(word()),
        (maybe(signed()), maybe(signed()), maybe(amount())),
        adjustments.clone(),
        prop::collection::vec(id("x12:BM"), 0..2),
        maybe(word()),
    )
        .prop_map(
            |((document_type, code), number, document_date, order, amounts, adjustments, references, note)| {
                let (original, paid, discount) = amounts;
                // A netted credit is negative.
                let paid = paid.map(|paid| if document_type == SettledKind::CreditNote { -paid.abs() } else { paid });
                RemittanceLine {
                    document_type,
                    type_code: Some(code.into()),
                    document_number: Some(number),
                    document_date,
                    purchase_order: order,
                    original,
                    paid,
                    discount,
                    adjustments,
                    references,
                    note,
                }
            },
        );
    let handling = prop_oneof![
        Just(Handling::PaymentAndAdvice),
        Just(Handling::AdviceOnly),
        Just(Handling::PaymentOnly),
        Just(Handling::Prenotification),
        Just(Handling::Splittable),
    ];
    let account = ("[0-9]{9}", prop_oneof![Just("aba"), Just("bic"), Just("x12:04")], maybe("[0-9]{4,12}")).prop_map(
        |(bank, scheme, number)| Account {
            number: number.map(Into::into),
            bank: Some(Identifier { scheme: Some(scheme.into()), value: bank.into() }),
            name: None,
        },
    );
    let account = account.boxed();
    let head = (word(), day(), maybe(day()), handling, maybe(Just("EUR".to_owned())), signed(), maybe(id("x12:EV")));
    let parties = (party(), party(), maybe(account.clone()), maybe(account));
    (head, parties, prop::collection::vec(word(), 0..3), prop::collection::vec(line, 0..5), adjustments).prop_map(
        |(head, parties, notes, lines, adjustments)| {
            let (number, issued, payment_date, handling, currency, total, trace) = head;
            let (payer, payee, payer_account, payee_account) = parties;
            let own = Identifier { scheme: Some("x12:TRN".into()), value: number.clone() };
            RemittanceAdvice {
                number: Some(number),
                issue_date: Some(issued),
                payment_date,
                method: Some("ACH".into()),
                handling: Some(handling),
                currency: currency.map(Into::into),
                total: Some(total),
                payer,
                payee,
                payer_account,
                payee_account,
                traces: std::iter::once(own).chain(trace).collect(),
                notes,
                lines,
                adjustments,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_invoice_that_is_written_is_read_back_equal(invoice in invoice(), newer: bool) {
        let version = if newer { X12Version::V005010 } else { X12Version::V004010 };
        let read = reread_invoice(&invoice, version);
        let (read, written) = (comparable(read), comparable(invoice));
        prop_assert!(read == written, "read {read:#?}\nwritten {written:#?}");
    }

    #[test]
    fn a_remittance_advice_that_is_written_is_read_back_equal(advice in remittance(), newer: bool) {
        let version = if newer { X12Version::V005010 } else { X12Version::V004010 };
        let bytes = x12_remittance(&advice, &envelope(version)).unwrap();
        let told = Told::of(&bytes);
        told.has_no_envelope_fault();
        let [Document { body: Body::RemittanceAdvice(read), .. }] = told.documents.as_slice() else { panic!() };
        prop_assert_eq!(&**read, &advice);
    }

    #[test]
    fn whatever_is_written_is_x12_or_refused(text in "\\PC{0,60}|[\\x00-\\x1f*~]{1,9}", digits in any::<i64>(), scale in 0u32..28) {
        let amount = Decimal::new(digits, scale);
        let line = Line {
            quantity: Some(amount),
            net_price: Some(amount),
            item: Item { name: Some(text.clone().into()), ..Item::default() },
            ..Line::default()
        };
        let invoice = Invoice {
            number: Some(text.clone().into()),
            issue_date: Some(date(2026, 1, 5)),
            seller: Party { name: Some(text.clone().into()), ..Party::default() },
            totals: Totals { payable: Some(amount), ..Totals::default() },
            lines: vec![line],
            ..Invoice::default()
        };
        if let Ok(bytes) = x12_invoice(&invoice, &envelope(X12Version::V004010)) {
            let told = Told::of(&bytes);
            told.has_no_envelope_fault();
            prop_assert_eq!(told.documents.len(), 1);
            prop_assert_eq!(told.documents[0].payable(), Some(amount));
        }
    }
}

#[test]
fn what_an_810_cannot_hold_is_refused_by_name() {
    let good = Invoice {
        number: Some("NW-1".into()),
        issue_date: Some(date(2026, 1, 5)),
        totals: Totals { payable: Some(Decimal::new(100, 2)), ..Totals::default() },
        ..Invoice::default()
    };
    let fault = |change: fn(&mut Invoice)| {
        let mut invoice = good.clone();
        change(&mut invoice);
        x12_invoice(&invoice, &envelope(X12Version::V004010)).unwrap_err()
    };
    assert!(matches!(fault(|invoice| invoice.number = None), X12Error::Missing { element: "BIG02", .. }));
    assert!(matches!(
        fault(|invoice| invoice.number = Some("x".repeat(23).into())),
        X12Error::TooLong { element: "BIG02", .. }
    ));
    assert!(matches!(fault(|invoice| invoice.number = Some("a\nb".into())), X12Error::Character { .. }));
    let third = |invoice: &mut Invoice| invoice.totals.payable = Some(Decimal::new(1001, 3));
    assert!(matches!(fault(third), X12Error::Amount { element: "TDS01", .. }));
    let prepaid = |invoice: &mut Invoice| invoice.totals.prepaid = Some(Decimal::ONE);
    assert!(matches!(fault(prepaid), X12Error::NoPlace { field: "totals.prepaid", .. }));
    assert!(x12_invoice(&good, &envelope(X12Version::V004010)).is_ok());
}

#[test]
fn several_invoices_are_one_group_with_right_counts() {
    let one = |number: &str| Invoice {
        number: Some(number.into()),
        issue_date: Some(date(2026, 1, 5)),
        totals: Totals { payable: Some(Decimal::ZERO), ..Totals::default() },
        ..Invoice::default()
    };
    let (first, second) = (one("A-1"), one("A-2"));
    let bytes = x12_invoices(&[&first, &second], &envelope(X12Version::V004010)).unwrap();
    let told = Told::of(&bytes);
    assert_eq!((told.documents.len(), told.findings.len()), (2, 0), "{:?}", told.findings);
    assert_eq!(told.documents[1].number(), Some("A-2"));
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.find('~'), Some(105), "ISA is 106 bytes with its terminator: {text}");
}

// Acknowledgments.

const REPLY: Reply = Reply { control: 41, at: date(2026, 1, 5).at(10, 15, 0, 0), every_interchange: false };

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/x12");
    let cases = ["ok", "err"].into_iter().flat_map(|verdict| std::fs::read_dir(folder.join(verdict)).unwrap());
    cases.map(|case| case.unwrap().path().join("input.edi")).collect()
}

/// What an acknowledgment has no place for: a 997 none for the group's version, a TA1 none for a number of its
/// own kind; and the day it was written is the answer's.
fn plain(acknowledgment: &Acknowledgment) -> Acknowledgment {
    let mut plain = acknowledgment.clone();
    plain.issue_date = None;
    if plain.subject.version.as_deref().is_some_and(|version| version < "005") {
        plain.subject.version = None;
    }
    plain
}

#[test]
fn every_fixture_is_acknowledged_in_words_that_are_read_back_equal() {
    let mut answered = 0;
    for path in fixtures() {
        let told = Told::of(&std::fs::read(&path).unwrap());
        for every_interchange in [false, true] {
            let reply = Reply { every_interchange, ..REPLY };
            let Some(bytes) = acknowledge(&told.summary, &reply) else { continue };
            let answer = Told::of(&bytes);
            let shown = String::from_utf8_lossy(&bytes);
            assert!(answer.findings.is_empty(), "{}: {:?}\n{shown}", path.display(), answer.findings);
            let mut expected = Vec::new();
            for receipt in &told.summary.receipts {
                let itself = receipt.wanted || every_interchange || !receipt.interchange.faults.is_empty();
                expected.extend(Some(&receipt.interchange).filter(|_| itself).map(plain));
                let of_version = |newer: bool| {
                    receipt.groups.iter().filter(move |group| {
                        group.subject.version.as_deref().is_some_and(|version| version >= "005") == newer
                    })
                };
                expected.extend(of_version(false).chain(of_version(true)).map(plain));
            }
            let read: Vec<Acknowledgment> = answer.acknowledgments().into_iter().map(plain).collect();
            assert_eq!(read, expected, "{}\n{shown}", path.display());
            assert_eq!(acknowledge(&answer.summary, &reply), None, "an acknowledgment is acknowledged: {shown}");
            answered += 1;
        }
    }
    assert!(answered > 50, "only {answered} answers");
}

const HEAD: &str =
    "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*HARBOUR        *260105*0900*U*00401*000000007*0*P*>~\n";

fn answer_to(body: &str) -> String {
    let told = Told::of(format!("{HEAD}{body}").as_bytes());
    acknowledge(&told.summary, &REPLY).map_or_else(String::new, |bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn a_fault_is_located_by_segment_and_element() {
    let answer = answer_to(
        "GS*IN*NW*HF*20260105*0900*7*X*004010~\n\
         ST*810*0001~BIG*20260105*NW-1~ZZQ*1~IT1*1*ten*EA*2.50~TDS*2500~SE*6*0001~\n\
         ST*810*0002~BIG*2026-01-05*NW-2~IT1*1*10*EA*2.50~TDS*2500~SE*5*0002~\n\
         ST*810*0003~BIG*20260105*NW-3~IT1*1*10*EA*2.50~TDS*2500~SE*5*0003~\n\
         ST*810*0004~BIG*20260105*NW-4~IT1*1*10*EA*2.50~TDS*9900~SE*5*0004~\n\
         ST*850*0005~BEG*00*SA*1**20260105~SE*3*0005~\n\
         GE*5*7~\nIEA*1*000000007~\n",
    );
    let expected = "\
        ST*997*0001~\nAK1*IN*7~\n\
        AK2*810*0001~\nAK3*ZZQ*3**6~\nAK3*IT1*4**8~\nAK4*2**6*ten~\nAK5*R*5~\n\
        AK2*810*0002~\nAK3*BIG*2**8~\nAK4*1**8*2026-01-05~\nAK5*R*5~\n\
        AK2*810*0003~\nAK5*A~\n\
        AK2*810*0004~\nAK3*TDS*4~\nAK5*E*5~\n\
        AK2*850*0005~\nAK5*R*1~\n\
        AK9*P*5*5*2~\nSE*20*0001~\nGE*1*41~\nIEA*1*000000041~\n";
    let (head, body) = answer.split_once("ST*997").unwrap();
    assert_eq!(format!("ST*997{body}"), expected);
    assert_eq!(
        head,
        "ISA*00*          *00*          *ZZ*HARBOUR        *ZZ*NORTHWIND      *260105*1015*U*00401*000000041*0*P*>~\n\
         GS*FA*HF*NW*20260105*1015*41*X*004010~\n"
    );
}

#[test]
fn a_group_of_005010_is_answered_with_a_999() {
    let answer = answer_to(
        "GS*IN*NW*HF*20260105*0900*7*X*005010~\nST*810*0001~BIG*20260105*NW-1~TDS*0~SE*4*0001~\n\
         GE*1*7~\nIEA*1*000000007~\n",
    );
    let expected = "ST*999*0001*005010X231A1~\nAK1*IN*7*005010~\nAK2*810*0001~\nIK5*A~\nAK9*A*1*1*1~\nSE*6*0001~\n";
    assert!(answer.contains(expected), "{answer}");
    assert!(answer.contains("*^*00501*"), "{answer}");
}

#[test]
fn a_faulty_envelope_is_answered_with_a_ta1() {
    let answer = answer_to(
        "GS*IN*NW*HF*20260105*0900*7*X*004010~\nST*810*0001~BIG*20260105*NW-1~TDS*0~SE*4*0001~\n\
         GE*2*8~\nIEA*3*000000009~\n",
    );
    assert!(answer.contains("TA1*000000007*260105*0900*E*021~\n"), "{answer}");
    assert!(answer.contains("AK9*E*2*1*1*5*4~\n"), "{answer}");
}

#[test]
fn a_file_that_is_cut_off_is_answered_as_such() {
    let answer = answer_to(
        "GS*IN*NW*HF*20260105*0900*7*X*004010~\nST*810*0001~BIG*20260105*NW-1~TDS*0~SE*4*0001~\n\
         ST*810*0002~BIG*20260105*NW-2~TDS*29",
    );
    assert!(answer.contains("TA1*000000007*260105*0900*E*023~\n"), "{answer}");
    assert!(answer.contains("AK2*810*0002~\nAK5*R*2~\nAK9*P*2*2*1*3~\n"), "{answer}");
}

#[test]
fn an_envelope_that_does_not_fit_is_refused() {
    let invoices: [&Invoice; 0] = [];
    let refused = |change: fn(&mut X12Envelope)| {
        let mut envelope = envelope(X12Version::V004010);
        change(&mut envelope);
        x12_invoices(&invoices, &envelope).unwrap_err()
    };
    assert!(matches!(refused(|envelope| envelope.control = 0), X12Error::NoPlace { set: "ISA13", .. }));
    assert!(matches!(
        refused(|envelope| envelope.sender.value = "".into()),
        X12Error::Missing { element: "ISA06", .. }
    ));
    let long = |envelope: &mut X12Envelope| envelope.recipient.value = "x".repeat(16).into();
    assert!(matches!(refused(long), X12Error::TooLong { element: "ISA08", .. }));
    let scheme = |envelope: &mut X12Envelope| envelope.sender.scheme = Some("x12:ABC".into());
    assert!(matches!(refused(scheme), X12Error::TooLong { element: "ISA05", .. }));
}

#[test]
fn an_acknowledgment_is_not_acknowledged() {
    let group = "GS*FA*NW*HF*20260105*0900*7*X*004010~\nST*997*0001~AK1*IN*7~AK9*A*1*1*1~SE*77*0001~\nGE*1*7~\n";
    assert_eq!(answer_to(&format!("{group}IEA*2*000000007~\n")), "");
    assert_eq!(answer_to("TA1*000000001*260105*0900*A*000~\nIEA*0*000000007~\n"), "");
    let beside = format!(
        "{group}GS*IN*NW*HF*20260105*0900*8*X*004010~\nST*810*0001~BIG*20260105*NW-1~TDS*0~SE*4*0001~\nGE*1*8~\n\
         IEA*2*000000007~\n"
    );
    let answer = answer_to(&beside);
    assert!(answer.contains("AK1*IN*8~") && !answer.contains("AK1*FA"), "{answer}");
}

#[test]
fn a_fault_that_the_profile_weighs_lightly_is_no_reason_to_refuse() {
    let body = "GS*IN*NW*HF*20260105*0900*7*X*004010~\n\
                ST*810*0001~BIG*2026-01-05*NW-1~TDS*0~SE*4*0001~\nGE*1*7~\nIEA*1*000000007~\n";
    let profile: Profile = toml::from_str("name = \"light\"\n[severities]\ndate_invalid = \"warning\"\n")
        .unwrap_or_else(|error| panic!("{error}"));
    let told = Told::with(format!("{HEAD}{body}").as_bytes(), &[profile]);
    assert_eq!(told.findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Warning]);
    assert_eq!(told.summary.receipts[0].groups[0].verdict, Verdict::Accepted);
}

#[test]
fn a_million_sets_are_acknowledged_in_bounded_memory() {
    use std::io::Read as _;
    let set = "ST*810*0001~BIG*20260105*NW-1~TDS*0~SE*4*0001~";
    let head = format!("{HEAD}GS*IN*NW*HF*20260105*0900*7*X*004010~");
    let body = set.repeat(30_000);
    let mut input = std::io::BufReader::new(head.as_bytes().chain(body.as_bytes()));
    let context = Context { profiles: &[], limits: Limits::default() };
    let summary = read(&mut input, &context, &mut |_| ControlFlow::Continue(())).unwrap();
    let group = &summary.receipts[0].groups[0];
    assert_eq!(group.subject.received, Some(30_000));
    let faults: usize = group.items.iter().map(|item: &AcknowledgedItem| item.faults.len()).sum();
    let whole: Vec<&AcknowledgedFault> = group.faults.iter().collect();
    assert!(group.items.len() + faults + whole.len() <= 41_000, "{} items, {faults} faults", group.items.len());
    assert!(acknowledge(&summary, &REPLY).is_some());
}
