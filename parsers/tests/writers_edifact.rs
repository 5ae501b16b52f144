//! What the EDIFACT writers write is read back equal, whatever is in it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::ops::ControlFlow;

use jiff::civil::{Date, DateTime, date};
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{
    Account, AcknowledgedFault, Acknowledgment, Address, Adjustment, AllowanceCharge, Attachment, Body, Contact,
    CreditTransfer, Delivery, Identifier, Invoice, InvoiceKind, Item, ItemId, Line, Note, Party, Payment, PaymentTerms,
    Period, Preceding, References, RemittanceAdvice, RemittanceLine, SettledKind, Subject, TaxBreakdown, TermsDiscount,
    Text, Totals, Verdict,
};
use waybill_parsers::write::{
    EdifactEnvelope, EdifactError as WriteError, edifact_applications as applications, edifact_invoices as invoices,
    edifact_remittances as remittances,
};
use waybill_parsers::{Context, Document, Event, Finding, Limits, Severity, read};

fn envelope() -> EdifactEnvelope {
    EdifactEnvelope {
        sender: gln("4000001000005"),
        recipient: Identifier { scheme: Some("edifact:ZZ".into()), value: "O'Hara".into() },
        reference: "IC+1".to_owned(),
        at: DateTime::constant(2026, 4, 12, 10, 30, 0, 0),
        is_test: true,
    }
}

fn gln(value: &str) -> Identifier {
    Identifier { scheme: Some("0088".into()), value: value.into() }
}

fn told(bytes: &[u8]) -> (Vec<Document>, Vec<Finding>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let context = Context { profiles: &[], limits: Limits::default() };
    read(&mut &*bytes, &context, &mut |event| {
        match event {
            Event::Document(document) => documents.push(*document),
            Event::Finding(finding) => findings.push(*finding),
            Event::Unlisted { .. } => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (documents, findings)
}

/// Findings that say something of the form, not of sums and rules.
fn of_form(findings: &[Finding]) -> Vec<&Finding> {
    let is_of_form = |finding: &&Finding| {
        finding.code.as_str().starts_with("edi_")
            || finding.rule == Some("BAD-NUMBER")
            || finding.rule == Some("W-CHARSET")
    };
    findings.iter().filter(is_of_form).collect()
}

fn text() -> impl Strategy<Value = Text> {
    let latin = "[A-Za-z0-9+:'? .,/&À-ÖØ-öø-ÿ*-]{1,60}";
    let any = "[a-z+:'?€ŁЖ漢 ]{1,40}";
    prop_oneof![6 => latin, 1 => any].prop_map(|text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() { "x".into() } else { words.join(" ").into() }
    })
}

fn code() -> impl Strategy<Value = Text> {
    "[A-Z0-9?+-]{1,12}".prop_map(Text::from)
}

fn amount() -> impl Strategy<Value = Decimal> {
    (0i64..100_000_000, 0u32..4).prop_map(|(number, scale)| Decimal::new(number, scale))
}

fn day() -> impl Strategy<Value = Date> {
    (0i32..9_000).prop_map(|days| date(2010, 1, 1).saturating_add(jiff::Span::new().days(days)))
}

fn maybe<T: std::fmt::Debug + Clone + 'static>(of: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Option<T>> {
    prop::option::of(of).boxed()
}

fn party() -> BoxedStrategy<Party> {
    let id = prop_oneof![
        "[0-9]{13}".prop_map(|value| gln(&value)),
        code().prop_map(|value| Identifier { scheme: Some("edifact:92".into()), value }),
        code().prop_map(|value| Identifier { scheme: None, value }),
    ];
    let more = code().prop_map(|value| Identifier { scheme: None, value });
    let address = (prop::collection::vec(text(), 0..4), maybe(text()), maybe(code()), maybe(text()), maybe("[A-Z]{2}"))
        .prop_map(|(lines, city, postal_code, region, country)| Address {
            lines,
            city,
            postal_code,
            region,
            country: country.map(Into::into),
        });
    let address = address.prop_filter("an address says something", |address| *address != Address::default());
    let contact = (maybe(text()), maybe("[0-9 +]{3,12}"), maybe("[a-z]{1,8}@[a-z]{1,8}\\.example"));
    let contact = contact.prop_map(|(name, phone, email)| Contact {
        name,
        phone: phone.map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).map(Into::into),
        email: email.map(Into::into),
    });
    let contact = contact.prop_filter("a contact says something", |contact| *contact != Contact::default());
    let legal = code().prop_map(|value| Identifier { scheme: None, value });
    (
        (maybe(text()), maybe(text()), maybe((id, prop::collection::vec(more, 0..2)))),
        (maybe(legal), maybe(code()), maybe(code()), maybe(address), maybe(contact)),
    )
        .prop_map(|((name, trading_name, ids), (legal_id, vat_id, tax_id, address, contact))| Party {
            // Without a name there is nothing it trades under.
            trading_name: trading_name.filter(|_| name.is_some()),
            name,
            ids: ids.map_or_else(Vec::new, |(first, more)| [vec![first], more].concat()),
            legal_id,
            vat_id,
            tax_id,
            address,
            contact,
            ..Party::default()
        })
        .boxed()
}

fn charge() -> BoxedStrategy<AllowanceCharge> {
    (
        (any::<bool>(), amount(), maybe(amount()), maybe(amount())),
        (maybe("[SZE]"), maybe(amount()), maybe(text()), maybe(code())),
    )
        .prop_map(|((is_charge, amount, base, percent), (tax_category, tax_rate, reason, reason_code))| {
            AllowanceCharge {
                is_charge,
                amount: Some(amount),
                base,
                percent,
                tax_category: tax_category.map(Into::into),
                tax_rate,
                reason,
                reason_code,
            }
        })
        .boxed()
}

fn line() -> BoxedStrategy<Line> {
    let standard = "[0-9]{13}".prop_map(|value| Identifier { scheme: Some("0160".into()), value: value.into() });
    let class = code().prop_map(|code| ItemId { list: Some("CV".into()), code });
    let item = (
        (maybe(text()), maybe(text()), maybe(code()), maybe(code()), maybe(standard)),
        (prop::collection::vec(class, 0..2), maybe("[A-Z]{2}"), prop::collection::vec((code(), code()), 0..2)),
    );
    let item = item.prop_map(
        |((name, description, seller_id, buyer_id, standard_id), (classifications, origin, attributes))| Item {
            name,
            description,
            seller_id,
            buyer_id,
            standard_id,
            classifications,
            origin: origin.map(Into::into),
            attributes,
        },
    );
    let period = (maybe(day()), maybe(day())).prop_map(|(start, end)| Period { start, end });
    let period = period.prop_filter("a period has a day", |period| *period != Period::default());
    let object = code().prop_map(|value| Identifier { scheme: None, value });
    let price = (amount(), maybe(amount()), maybe(code()));
    (
        (code(), maybe(code()), maybe(text()), maybe(object), maybe((amount(), maybe(code())))),
        (maybe(amount()), maybe(code()), maybe(code()), maybe(period), prop::collection::vec(charge(), 0..3)),
        (maybe(price), maybe(amount()), maybe(amount()), maybe("[SZE]"), maybe(amount()), item),
    )
        .prop_map(
            |((id, parent_id, note, object, quantity), (net_amount, po_line, accounting, period, charges), rest)| {
                let (price, price_discount, gross_price, tax_category, tax_rate, item) = rest;
                Line {
                    id: Some(id),
                    parent_id,
                    note,
                    object,
                    quantity: quantity.as_ref().map(|(quantity, _)| *quantity),
                    unit: quantity.and_then(|(_, unit)| unit),
                    net_amount,
                    purchase_order_line: po_line,
                    accounting_reference: accounting,
                    period,
                    allowances_charges: charges,
                    net_price: price.as_ref().map(|(price, ..)| *price),
                    price_base_quantity: price.as_ref().and_then(|(_, base, _)| *base),
                    price_base_unit: price.and_then(|(.., unit)| unit),
                    price_discount,
                    gross_price,
                    tax_category: tax_category.map(Into::into),
                    tax_rate,
                    item,
                }
            },
        )
        .boxed()
}

/// An invoice of what an INVOIC has a place for.
fn invoice() -> BoxedStrategy<Invoice> {
    let other = |scheme: &'static str| code().prop_map(move |value| Identifier { scheme: Some(scheme.into()), value });
    let references = (
        (maybe(code()), maybe(code()), maybe(code()), maybe(code()), maybe(code())),
        (maybe(code()), maybe(code()), maybe(code()), prop::collection::vec(other("edifact:ZZZ"), 0..2)),
    );
    let references = references.prop_map(
        |(
            (project, contract, purchase_order, sales_order, receiving_advice),
            (despatch_advice, tender, object, other),
        )| References {
            project,
            contract,
            purchase_order,
            sales_order,
            receiving_advice,
            despatch_advice,
            tender,
            object: object.map(|value| Identifier { scheme: None, value }),
            other,
        },
    );
    let note = ("[A-Z]{2}X", text()).prop_map(|(subject, text)| Note { subject: Some(subject.into()), text });
    let preceding = (code(), maybe(day())).prop_map(|(number, issue_date)| Preceding { number, issue_date });
    let delivery = (party(), maybe(day())).prop_map(|(party, date)| Delivery {
        name: party.name,
        location_id: party.ids.into_iter().next(),
        date,
        address: party.address,
    });
    let delivery = delivery.prop_filter("a delivery says something", |delivery| *delivery != Delivery::default());
    let discount = (amount(), maybe(0u32..90), maybe(day())).prop_map(|(percent, days, date)| TermsDiscount {
        percent: Some(percent),
        days,
        date,
        amount: None,
    });
    let terms = (maybe(text()), maybe(0u32..90), prop::collection::vec(discount, 0..2))
        .prop_map(|(text, net_days, discounts)| PaymentTerms { text, net_days, discounts });
    let terms = terms.prop_filter("terms say something", |terms| *terms != PaymentTerms::default());
    let transfer =
        (code(), maybe(text()), maybe(code())).prop_map(|(account, name, bic)| CreditTransfer { account, name, bic });
    let payment = (maybe("[0-9]{2}"), maybe(code()), maybe(transfer), maybe(code()), maybe(code())).prop_map(
        |(means_code, remittance_information, transfer, mandate, debited_account)| Payment {
            means_code: means_code.map(Into::into),
            remittance_information,
            credit_transfers: transfer.into_iter().collect(),
            mandate,
            debited_account,
            ..Payment::default()
        },
    );
    let payment = payment.prop_filter("a payment says something", |payment| *payment != Payment::default());
    let attachment = (code(), maybe(text()), maybe("[a-z:/]{3,20}"), maybe(code())).prop_map(
        |(file_name, description, uri, reference)| Attachment {
            file_name: Some(file_name),
            description,
            uri: uri.map(Into::into),
            reference,
            ..Attachment::default()
        },
    );
    let tax = (amount(), amount(), "[SZ]", maybe(amount())).prop_map(|(base, tax, category, rate)| TaxBreakdown {
        base: Some(base),
        tax: Some(tax),
        category: Some(category.into()),
        rate,
        ..TaxBreakdown::default()
    });
    let totals = (
        (maybe(amount()), maybe(amount()), maybe(amount()), maybe(amount()), maybe(amount())),
        (maybe(amount()), maybe(amount()), maybe(amount()), amount()),
    );
    let totals = totals.prop_map(
        |((line_net, allowances, charges, tax_exclusive, tax), (tax_inclusive, prepaid, rounding, payable))| Totals {
            line_net,
            allowances,
            charges,
            tax_exclusive,
            tax,
            tax_inclusive,
            prepaid,
            rounding,
            payable: Some(payable),
            ..Totals::default()
        },
    );
    let (references, totals) = (references.boxed(), totals.boxed());
    let kind = prop_oneof![Just((InvoiceKind::Invoice, "380")), Just((InvoiceKind::CreditNote, "381"))];
    (
        (kind, code(), day(), maybe("[1-9]"), "[A-Z]{3}", maybe(amount()), maybe(day()), maybe(day())),
        (
            maybe(code()),
            maybe(code()),
            maybe(prop_oneof![Just("EAN008".to_owned()), text().prop_map(|t| format!("urn:spec:{t}"))]),
            references,
        ),
        (
            prop::collection::vec(note, 0..3),
            prop::collection::vec(preceding, 0..2),
            party(),
            party(),
            maybe(party()),
            maybe(party()),
            maybe(delivery),
        ),
        (maybe(terms), maybe(payment), prop::collection::vec(charge(), 0..3), totals, prop::collection::vec(tax, 0..3)),
        (prop::collection::vec(attachment, 0..2), prop::collection::vec(line(), 0..4), maybe((day(), maybe(day())))),
    )
        .prop_map(|(head, ids, people, money, rest)| {
            let ((kind, type_code), number, issue_date, purpose, currency, exchange_rate, tax_point_date, due_date) =
                head;
            let (buyer_reference, buyer_accounting_reference, specification_id, references) = ids;
            let (notes, preceding, seller, buyer, payee, tax_representative, delivery) = people;
            let (terms, payment, allowances_charges, mut totals, tax_breakdown) = money;
            let (attachments, lines, period) = rest;
            // What is not stated a reader derives.
            let sum = |is_charge: bool| {
                let of: Vec<Decimal> = allowances_charges
                    .iter()
                    .filter(|one| one.is_charge == is_charge)
                    .filter_map(|one| one.amount)
                    .collect();
                if of.is_empty() { None } else { Some(of.into_iter().sum()) }
            };
            totals.allowances = totals.allowances.or(sum(false));
            totals.charges = totals.charges.or(sum(true));
            let net_days = terms.as_ref().and_then(|terms| terms.net_days);
            let due = net_days.map(|days| issue_date.saturating_add(jiff::Span::new().days(days)));
            Invoice {
                kind,
                number: Some(number),
                issue_date: Some(issue_date),
                type_code: Some(type_code.into()),
                purpose: purpose.map(Into::into),
                currency: Some(currency.into()),
                exchange_rate,
                tax_point_date,
                due_date: due_date.or(due),
                buyer_reference,
                buyer_accounting_reference,
                specification_id: specification_id.map(Into::into),
                references,
                notes,
                preceding,
                seller,
                buyer,
                payee,
                tax_representative,
                delivery,
                period: period.map(|(start, end)| Period { start: Some(start), end }),
                terms,
                payments: payment.into_iter().collect(),
                allowances_charges,
                totals,
                tax_breakdown,
                attachments,
                lines,
                ..Invoice::default()
            }
        })
        .boxed()
}

/// An advice of what a REMADV has a place for; its lines add up.
fn advice() -> BoxedStrategy<RemittanceAdvice> {
    let kind = prop_oneof![
        Just((SettledKind::Invoice, "380")),
        Just((SettledKind::CreditNote, "381")),
        Just((SettledKind::DebitNote, "383"))
    ];
    let reference = || (code()).prop_map(|value| Identifier { scheme: Some("edifact:ACE".into()), value });
    let adjustment =
        (amount(), code(), maybe(text()), maybe(reference())).prop_map(|(amount, code, reason, reference)| {
            Adjustment { amount: -amount, reason_code: Some(code), reason, reference }
        });
    let line = (
        kind,
        maybe(code()),
        maybe(day()),
        maybe(code()),
        (amount(), maybe(amount())),
        prop::collection::vec(adjustment, 0..3),
        prop::collection::vec(reference(), 0..2),
    )
        .prop_map(
            |(
                (document_type, code),
                document_number,
                document_date,
                purchase_order,
                (original, discount),
                adjustments,
                references,
            )| {
                let is_credit = document_type == SettledKind::CreditNote;
                let (discount, adjustments) = if is_credit { (None, Vec::new()) } else { (discount, adjustments) };
                let taken: Decimal = adjustments.iter().map(|one: &Adjustment| one.amount).sum();
                let paid = original - discount.unwrap_or_default() + taken;
                let sign = if is_credit { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
                RemittanceLine {
                    document_type,
                    type_code: Some(code.into()),
                    document_number,
                    document_date,
                    purchase_order,
                    original: Some(original * sign),
                    paid: Some(paid * sign),
                    discount,
                    adjustments,
                    references,
                    note: None,
                }
            },
        );
    let account = || {
        (code(), maybe(text()), maybe(code())).prop_map(|(number, name, bic)| Account {
            number: Some(number),
            bank: bic.map(|value| Identifier { scheme: Some("bic".into()), value }),
            name,
        })
    };
    (
        (code(), day(), maybe(day()), maybe("[0-9]{2}"), "[A-Z]{3}", party(), party()),
        (
            maybe(account()),
            maybe(account()),
            prop::collection::vec(reference(), 0..2),
            prop::collection::vec(text(), 0..2),
            prop::collection::vec(line, 0..5),
        ),
    )
        .prop_map(
            |(
                (number, issue_date, payment_date, method, currency, payer, payee),
                (payer_account, payee_account, traces, notes, lines),
            )| RemittanceAdvice {
                number: Some(number),
                issue_date: Some(issue_date),
                payment_date,
                method: method.map(Into::into),
                currency: Some(currency.into()),
                total: Some(lines.iter().filter_map(|line: &RemittanceLine| line.paid).sum()),
                payer,
                payee,
                payer_account,
                payee_account,
                traces,
                notes,
                lines,
                ..RemittanceAdvice::default()
            },
        )
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_invoice_that_is_written_is_read_back_equal(all in prop::collection::vec(invoice(), 1..3)) {
        let bytes = invoices(&all.iter().collect::<Vec<_>>(), &envelope()).unwrap();
        let (documents, findings) = told(&bytes);
        prop_assert_eq!(of_form(&findings), Vec::<&Finding>::new());
        let read: Vec<Invoice> = documents.into_iter().map(|document| match document.body {
            Body::Invoice(invoice) => *invoice,
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(read, all, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn an_advice_that_is_written_is_read_back_equal(all in prop::collection::vec(advice(), 1..3)) {
        let bytes = remittances(&all.iter().collect::<Vec<_>>(), &envelope()).unwrap();
        let (documents, findings) = told(&bytes);
        prop_assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{findings:?}");
        let read: Vec<RemittanceAdvice> = documents.into_iter().map(|document| match document.body {
            Body::RemittanceAdvice(advice) => *advice,
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(read, all, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn western_text_is_written_in_iso_8859_1_and_other_text_in_utf_8() {
    let mut invoice = Invoice { number: Some("1".into()), ..Invoice::default() };
    invoice.seller.name = Some("Müller's".into());
    let latin = invoices(&[&invoice], &envelope()).unwrap();
    assert!(latin.starts_with(b"UNA:+.? '\nUNB+UNOC:3+4000001000005:14+O?'Hara:ZZ+260412:1030+IC?+1++++++1'\n"));
    assert!(latin.windows(10).any(|bytes| bytes == b"M\xfcller?'s'"), "{}", String::from_utf8_lossy(&latin));
    invoice.seller.name = Some("Łódź".into());
    let utf8 = String::from_utf8(invoices(&[&invoice], &envelope()).unwrap()).unwrap();
    assert!(utf8.contains("UNB+UNOW:4+") && utf8.contains("+20260412:1030+") && utf8.contains("Łódź"), "{utf8}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let nameless = Invoice::default();
    assert!(matches!(invoices(&[&nameless], &envelope()), Err(WriteError::Missing { element: "BGM 1004", .. })));
    let broken = Invoice { number: Some("1\n2".into()), ..Invoice::default() };
    assert!(matches!(invoices(&[&broken], &envelope()), Err(WriteError::Character { .. })));
    let adjustments = vec![Adjustment::default()];
    let free = RemittanceAdvice { number: Some("1".into()), adjustments, ..RemittanceAdvice::default() };
    assert!(matches!(remittances(&[&free], &envelope()), Err(WriteError::NoPlace { .. })));
    let long = EdifactEnvelope { reference: "123456789012345".to_owned(), ..envelope() };
    assert!(matches!(invoices(&[], &long), Err(WriteError::TooLong { .. })));
}

#[test]
fn an_application_acknowledgment_that_is_written_is_read_back_equal() {
    let fault = |code: &str, text: &str| AcknowledgedFault {
        code: Some(code.into()),
        text: Some(text.into()),
        value: Some("PO-1".into()),
        ..AcknowledgedFault::default()
    };
    let written = Acknowledgment {
        number: Some("AP-1".into()),
        issue_date: Some(date(2026, 4, 12)),
        verdict: Verdict::Rejected,
        verdict_code: Some("RE".into()),
        subject: Subject { kind: Some("edifact:ACE".into()), control: Some("NW-1".into()), ..Subject::default() },
        sender: Party { ids: vec![gln("4000001000005")], ..Party::default() },
        recipient: Party { ids: vec![gln("4000002000002")], ..Party::default() },
        faults: vec![fault("42", "unknown order: ask us"), fault("7", "wrong price")],
        notes: vec!["three bolts are missing".into()],
        ..Acknowledgment::default()
    };
    let (documents, findings) = told(&applications(&[&written], &envelope()).unwrap());
    assert_eq!((findings, &documents[0].body), (Vec::new(), &Body::Acknowledgment(Box::new(written))));
}
