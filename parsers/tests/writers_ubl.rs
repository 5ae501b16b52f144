//! What is written as UBL is read back equal, as far as UBL has a place for it, and is wrong in nothing that
//! was right before.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{
    Account, Address, AllowanceCharge, Attachment, Body, Contact, CreditTransfer, Delivery, Identifier, Invoice,
    InvoiceKind, Item, ItemId, Line, Note, Party, Payment, PaymentTerms, Period, Preceding, References,
    RemittanceAdvice, RemittanceLine, SettledKind, TaxBreakdown, Text, Totals,
};
use waybill_parsers::write::{UblError, ubl_invoice, ubl_remittance};
use waybill_parsers::{Context, Document, Event, Finding, Limits, Severity, read};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_invoice_is_read_back_as_it_was_written(invoice in invoice()) {
        let (documents, _) = read_back(&ubl_invoice(&invoice).unwrap());
        let [Document { body: Body::Invoice(back), .. }] = documents.as_slice() else { panic!("{documents:?}") };
        prop_assert_eq!(&**back, &invoice);
    }

    #[test]
    fn a_remittance_advice_is_read_back_as_it_was_written(advice in advice()) {
        let (documents, _) = read_back(&ubl_remittance(&advice).unwrap());
        let [Document { body: Body::RemittanceAdvice(back), .. }] = documents.as_slice() else {
            panic!("{documents:?}")
        };
        prop_assert_eq!(&**back, &advice);
    }
}

#[test]
fn invoices_of_fixtures_and_corpus_survive_being_written() {
    let mut written = 0;
    let mut faults = Vec::new();
    for path in files() {
        let (documents, findings) = read_back(&fs::read(&path).unwrap());
        for document in documents {
            let Body::Invoice(invoice) = document.body else { continue };
            let has_errors = findings.iter().any(|finding| finding.severity == Severity::Error);
            let Ok(bytes) = ubl_invoice(&invoice) else {
                assert!(has_errors, "{} cannot be written", path.display());
                continue;
            };
            written += 1;
            let (again, findings) = read_back(&bytes);
            let [Document { body: Body::Invoice(back), .. }] = again.as_slice() else { panic!("{}", path.display()) };
            if carried(&invoice) != carried(back) {
                faults.push(format!("{}: {}", path.display(), difference(&carried(&invoice), &carried(back))));
            }
            // CII says means and mandate once for each account to pay to; UBL wants one of each in a document.
            let only_ubl =
                |finding: &&Finding| matches!(finding.code.as_str(), "UBL-SR-46" | "UBL-SR-47" | "UBL-SR-55");
            let is_error = |finding: &&Finding| finding.severity == Severity::Error && !only_ubl(finding);
            let errors = findings.iter().filter(is_error);
            let codes: Vec<&str> = errors.map(|finding| finding.code.as_str()).collect();
            // UBL has no sub-lines: what was a part is a line, and is added up.
            let has_parts = invoice.lines.iter().any(|line| line.parent_id.is_some());
            if !has_errors && !has_parts && !codes.is_empty() {
                faults.push(format!("{}: after it was written, {codes:?}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults in {written}:\n{}", faults.len(), faults.join("\n"));
    assert!(written > 50, "only {written} were written");
}

#[test]
fn what_ubl_cannot_hold_is_refused() {
    let whole = Invoice {
        number: Some("1".into()),
        issue_date: Some(date(2026, 3, 1)),
        currency: Some("EUR".into()),
        totals: Totals { payable: Some(Decimal::ONE), ..Totals::default() },
        ..Invoice::default()
    };
    assert!(ubl_invoice(&whole).is_ok());
    type Spoil = fn(&mut Invoice);
    let spoiled: [(Spoil, &str); 5] = [
        (|invoice| invoice.number = None, "cbc:ID"),
        (|invoice| invoice.issue_date = None, "cbc:IssueDate"),
        (|invoice| invoice.currency = None, "cbc:DocumentCurrencyCode"),
        (|invoice| invoice.totals.payable = None, "cbc:PayableAmount"),
        (|invoice| invoice.buyer_reference = Some("a\u{1}".into()), "cbc:BuyerReference"),
    ];
    for (spoil, name) in spoiled {
        let mut invoice = whole.clone();
        spoil(&mut invoice);
        match ubl_invoice(&invoice).unwrap_err() {
            UblError::Missing { element, .. } => assert_eq!(element, name),
            UblError::Character { element, .. } => assert_eq!(element, name),
            UblError::Currency { .. } => panic!("there is one currency"),
        }
    }
}

/// The first lines that differ.
fn difference(one: &Invoice, other: &Invoice) -> String {
    let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
    let differ = one.lines().zip(other.lines()).filter(|(one, other)| one != other);
    differ.take(3).map(|(one, other)| format!("{one} | {other}; ")).collect()
}

/// What UBL has a place for.
fn carried(invoice: &Invoice) -> Invoice {
    let mut invoice = invoice.clone();
    invoice.purpose = None;
    // UBL 2.0 type codes are words; BT-3 is a number.
    if invoice.type_code.as_ref().is_none_or(|code| code.parse::<u16>().is_err()) {
        invoice.type_code = Some(if invoice.kind == InvoiceKind::Invoice { "380" } else { "381" }.into());
    }
    for party in [&mut invoice.seller, &mut invoice.buyer] {
        // Outside EN 16931 one name stands for both.
        party.trading_name = party.trading_name.take().filter(|name| party.name.as_ref() != Some(name));
        party.ids.retain(|id| id.scheme.as_deref() != Some("SEPA"));
        // A part with nothing in it is not written.
        party.contact = party.contact.take().filter(|contact| *contact != Contact::default());
        party.address = party.address.take().filter(|address| *address != Address::default());
    }
    for party in [&mut invoice.payee, &mut invoice.tax_representative].into_iter().flatten() {
        party.trading_name = None;
    }
    for attachment in &mut invoice.attachments {
        attachment.mime = None;
        attachment.file_name = None;
    }
    if let Some(terms) = &mut invoice.terms {
        terms.net_days = None;
        terms.discounts.clear();
    }
    invoice.terms = invoice.terms.filter(|terms| terms.text.is_some());
    if invoice.references.sales_order.is_some() {
        invoice.references.purchase_order.get_or_insert_with(|| "NA".into());
    }
    // One account for each means of payment, and a code for each.
    let mut payments = Vec::new();
    for payment in invoice.payments {
        let one = |credit_transfers| Payment { credit_transfers, ..payment.clone() };
        match payment.credit_transfers.as_slice() {
            [] | [_] => payments.push(payment),
            accounts => payments.extend(accounts.iter().map(|account| one(vec![account.clone()]))),
        }
    }
    let mut mandate_seen = false;
    for payment in &mut payments {
        payment.card_number_length = None;
        if mandate_seen {
            (payment.mandate, payment.debited_account) = (None, None);
        }
        mandate_seen |= payment.mandate.is_some() || payment.debited_account.is_some();
        payment.means_code.get_or_insert_with(|| "1".into());
        // Said of direct debits only.
        if payment.mandate.is_none() && payment.debited_account.is_none() {
            payment.creditor_id = None;
        }
    }
    if payments.is_empty() && invoice.kind == InvoiceKind::CreditNote && invoice.due_date.is_some() {
        payments.push(Payment { means_code: Some("1".into()), ..Payment::default() });
    }
    invoice.payments = payments;
    let totals = &mut invoice.totals;
    if totals.tax.is_none() && totals.tax_inclusive.is_some() && totals.tax_inclusive == totals.tax_exclusive {
        totals.tax = Some(Decimal::ZERO);
    }
    if invoice.tax_currency.is_none() {
        invoice.exchange_rate = None;
    }
    for line in &mut invoice.lines {
        line.parent_id = None;
        line.gross_price = line.gross_price.filter(|_| line.price_discount.is_some());
    }
    invoice
}

fn read_back(bytes: &[u8]) -> (Vec<Document>, Vec<Finding>) {
    let context = Context { profiles: &[], limits: Limits::default() };
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let mut sink = |event| {
        match event {
            Event::Document(document) => documents.push(*document),
            Event::Finding(finding) => findings.push(*finding),
            Event::Unlisted { .. } => {}
        }
        ControlFlow::Continue(())
    };
    read(&mut BufReader::new(bytes), &context, &mut sink).unwrap();
    (documents, findings)
}

/// Our XML fixtures, and the XML invoices of the shared corpus if it is there.
fn files() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = Vec::new();
    for format in ["ubl", "cii"] {
        folders.push(here.join("../fixtures").join(format).join("ok"));
    }
    let corpus = here.join("../../shared/corpus");
    if corpus.exists() {
        let sources =
            ["cen-en16931-ubl-examples", "cen-en16931-cii-examples", "xrechnung-testsuite", "oasis-ubl", "own-xml"];
        folders.extend(sources.map(|source| corpus.join(source)));
    } else {
        eprintln!("skipped: there is no corpus at {}", corpus.display());
    }
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml")) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// A text as a reader gives it: not empty, no white space around it.
fn text() -> BoxedStrategy<Text> {
    "[A-Za-z0-9ä€&<>\"'.,]{1,8}([ \\n\\t][a-z<&\"]{1,6}){0,2}".prop_map(Text::from).boxed()
}

fn number() -> BoxedStrategy<Decimal> {
    (0_i64..10_000_000, 0_u32..4).prop_map(|(digits, scale)| Decimal::new(digits, scale)).boxed()
}

fn signed() -> BoxedStrategy<Decimal> {
    (number(), any::<bool>())
        .prop_map(|(number, is_negative)| if is_negative && !number.is_zero() { -number } else { number })
        .boxed()
}

fn day() -> BoxedStrategy<Date> {
    (2000_i16..2100, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| date(year, month, day)).boxed()
}

fn identifier() -> BoxedStrategy<Identifier> {
    (of("[0-9]{4}|EM"), text()).prop_map(|(scheme, value)| Identifier { scheme: scheme.map(Into::into), value }).boxed()
}

fn address() -> BoxedStrategy<Address> {
    (vec(text(), 0..4), of(text()), of(text()), of(text()), of("[A-Z]{2}"))
        .prop_map(|(lines, city, postal_code, region, country)| {
            // An address without anything in it is none.
            let country = country.or_else(|| Some("DE".to_owned()));
            Address { lines, city, postal_code, region, country: country.map(Into::into) }
        })
        .boxed()
}

fn contact() -> BoxedStrategy<Contact> {
    (text(), of(text()), of(text())).prop_map(|(name, phone, email)| Contact { name: Some(name), phone, email }).boxed()
}

fn party() -> BoxedStrategy<Party> {
    let names = (text(), of(text()), vec(identifier(), 0..3), of(identifier()));
    let numbers = (of(text()), of(text()), of(text()), of(identifier()), of(address()), of(contact()));
    (names, numbers)
        .prop_map(|((name, trading_name, ids, legal_id), (vat_id, tax_id, legal_form, endpoint, address, contact))| {
            Party {
                name: Some(name),
                trading_name,
                ids,
                legal_id,
                vat_id,
                tax_id,
                legal_form,
                endpoint,
                address,
                contact,
            }
        })
        .boxed()
}

fn allowance_charge() -> BoxedStrategy<AllowanceCharge> {
    (any::<bool>(), number(), of(number()), of(number()), of(text()), of("[A-Z]{2,3}"), of("[SZE]"), of(number()))
        .prop_map(|(is_charge, amount, base, percent, reason, reason_code, tax_category, tax_rate)| AllowanceCharge {
            is_charge,
            amount: Some(amount),
            base,
            percent,
            reason,
            reason_code: reason_code.map(Into::into),
            tax_category: tax_category.map(Into::into),
            tax_rate,
        })
        .boxed()
}

fn payment() -> BoxedStrategy<Payment> {
    let account =
        (text(), of(text()), of(text())).prop_map(|(account, name, bic)| CreditTransfer { account, name, bic });
    (of(text()), of(text()), vec(account, 0..2), of("[0-9]{4}"), of(text()), of(text()))
        .prop_map(|(means_text, remittance_information, credit_transfers, card, mandate, debited_account)| Payment {
            means_code: Some("30".into()),
            means_text,
            remittance_information,
            credit_transfers,
            card_holder: card.as_ref().map(|_| "A. Holder".to_owned()).map(Into::into),
            card_number_masked: card.map(Into::into),
            mandate,
            debited_account,
            ..Payment::default()
        })
        .boxed()
}

fn period() -> BoxedStrategy<Period> {
    (day(), of(day())).prop_map(|(start, end)| Period { start: Some(start), end }).boxed()
}

fn item() -> BoxedStrategy<Item> {
    let classification =
        (of("[A-Z]{2,3}"), text()).prop_map(|(list, code)| ItemId { list: list.map(Into::into), code });
    (
        text(),
        of(text()),
        of(text()),
        of(text()),
        of(identifier()),
        vec(classification, 0..2),
        of("[A-Z]{2}"),
        vec((text(), text()), 0..3),
    )
        .prop_map(|(name, description, seller_id, buyer_id, standard_id, classifications, origin, attributes)| Item {
            name: Some(name),
            description,
            seller_id,
            buyer_id,
            standard_id,
            classifications,
            origin: origin.map(Into::into),
            attributes,
        })
        .boxed()
}

fn line() -> BoxedStrategy<Line> {
    let texts = (of(text()), of(text()), of(identifier()), of(text()), of(text()));
    let numbers = (signed(), of("[A-Z0-9]{2,3}"), signed(), number(), of(number()), of(number()), of("[A-Z0-9]{3}"));
    (texts, numbers, of(period()), vec(allowance_charge(), 0..2), of("[SZE]"), of(number()), item())
        .prop_map(
            |(
                (id, note, object, purchase_order_line, accounting_reference),
                (quantity, unit, net, price, discount, base, base_unit),
                period,
                allowances_charges,
                tax_category,
                tax_rate,
                item,
            )| Line {
                id,
                note,
                object,
                purchase_order_line,
                accounting_reference,
                quantity: Some(quantity),
                unit: unit.map(Into::into),
                net_amount: Some(net),
                net_price: Some(price),
                gross_price: discount.map(|_| price),
                price_discount: discount,
                price_base_quantity: base,
                price_base_unit: base_unit.filter(|_| base.is_some()).map(Into::into),
                period,
                allowances_charges,
                tax_category: tax_category.map(Into::into),
                tax_rate,
                item,
                ..Line::default()
            },
        )
        .boxed()
}

fn breakdown() -> BoxedStrategy<TaxBreakdown> {
    (number(), number(), of("[SZE]"), of(number()), of(text()), of(text()))
        .prop_map(|(base, tax, category, rate, exemption_reason, exemption_code)| TaxBreakdown {
            base: Some(base),
            tax: Some(tax),
            category: category.map(Into::into),
            rate,
            exemption_reason,
            exemption_code,
        })
        .boxed()
}

fn totals() -> BoxedStrategy<Totals> {
    (of(signed()), of(number()), of(number()), of(signed()), signed(), of(signed()), of(number()), signed())
        .prop_map(|(line_net, allowances, charges, tax_exclusive, tax, tax_inclusive, prepaid, payable)| Totals {
            line_net,
            allowances,
            charges,
            tax_exclusive,
            tax: Some(tax),
            tax_in_tax_currency: None,
            tax_inclusive,
            prepaid,
            rounding: None,
            withheld: None,
            payable: Some(payable),
        })
        .boxed()
}

fn references() -> BoxedStrategy<References> {
    let other = ("[A-Z]{3}", text()).prop_map(|(scheme, value)| Identifier { scheme: Some(scheme.into()), value });
    let object =
        (of("[A-Z]{3}"), text()).prop_map(|(scheme, value)| Identifier { scheme: scheme.map(Into::into), value });
    (of(text()), of(text()), (text(), of(text())), of(text()), of(text()), of(text()), of(object), vec(other, 0..2))
        .prop_map(|(project, contract, (order, sales_order), receiving, despatch, tender, object, other)| References {
            project,
            contract,
            purchase_order: Some(order),
            sales_order,
            receiving_advice: receiving,
            despatch_advice: despatch,
            tender,
            object,
            other,
        })
        .boxed()
}

fn delivery() -> BoxedStrategy<Delivery> {
    (text(), of(identifier()), of(day()), of(address()))
        .prop_map(|(name, location_id, date, address)| Delivery { name: Some(name), location_id, date, address })
        .boxed()
}

fn attachment() -> BoxedStrategy<Attachment> {
    (text(), of(text()), of("https://[a-z]{3}\\.example/[a-z]{2}"))
        .prop_map(|(reference, description, uri)| Attachment {
            reference: Some(reference),
            description,
            uri: uri.map(Into::into),
            ..Attachment::default()
        })
        .boxed()
}

fn note() -> BoxedStrategy<Note> {
    (of("[A-Z]{3}"), text()).prop_map(|(subject, text)| Note { subject: subject.map(Into::into), text }).boxed()
}

fn preceding() -> BoxedStrategy<Preceding> {
    (text(), of(day())).prop_map(|(number, issue_date)| Preceding { number, issue_date }).boxed()
}

fn invoice() -> BoxedStrategy<Invoice> {
    let head = (any::<bool>(), text(), day(), of(day()), of(day()), of(text()), of(text()));
    let who = (party(), party(), of(party()), of(party()), of(delivery()), of(period()));
    let money = (vec(payment(), 1..3), vec(allowance_charge(), 0..3), totals(), vec(breakdown(), 0..3));
    let tax_currency = of((number(), of(number())));
    let rest = (references(), vec(note(), 0..2), vec(preceding(), 0..2), vec(attachment(), 0..2), of(text()));
    (head, who, money, tax_currency, rest, vec(line(), 0..4))
        .prop_map(
            |(
                (is_credit, number, issue_date, due_date, tax_point_date, buyer_reference, accounting),
                (seller, buyer, payee, tax_representative, delivery, period),
                (mut payments, allowances_charges, mut totals, tax_breakdown),
                tax_currency,
                (references, notes, preceding, attachments, terms),
                lines,
            )| {
                let by_party_name = |party: Party| Party { trading_name: None, ..party };
                totals.tax_in_tax_currency = tax_currency.map(|(tax, _)| tax);
                for payment in payments.iter_mut().skip(1) {
                    (payment.mandate, payment.debited_account) = (None, None);
                }
                Invoice {
                    kind: if is_credit { InvoiceKind::CreditNote } else { InvoiceKind::Invoice },
                    number: Some(number),
                    issue_date: Some(issue_date),
                    type_code: Some(if is_credit { "381" } else { "384" }.into()),
                    currency: Some("EUR".into()),
                    exchange_rate: tax_currency.and_then(|(_, rate)| rate),
                    tax_currency: tax_currency.map(|_| "SEK".to_owned()).map(Into::into),
                    tax_point_date,
                    due_date,
                    buyer_reference,
                    buyer_accounting_reference: accounting,
                    specification_id: Some("urn:cen.eu:en16931:2017".into()),
                    references,
                    notes,
                    preceding,
                    seller,
                    buyer,
                    payee: payee.map(by_party_name),
                    tax_representative: tax_representative.map(by_party_name),
                    delivery,
                    period,
                    terms: terms.map(|text| PaymentTerms { text: Some(text), ..PaymentTerms::default() }),
                    payments,
                    allowances_charges,
                    totals,
                    tax_breakdown,
                    attachments,
                    lines,
                    ..Invoice::default()
                }
            },
        )
        .boxed()
}

fn account() -> BoxedStrategy<Account> {
    let bank = (of("bic|aba"), text()).prop_map(|(scheme, value)| Identifier { scheme: scheme.map(Into::into), value });
    (text(), of(bank), of(text())).prop_map(|(number, bank, name)| Account { number: Some(number), bank, name }).boxed()
}

fn settled() -> BoxedStrategy<RemittanceLine> {
    let kind = prop_oneof![
        Just(SettledKind::Invoice),
        Just(SettledKind::CreditNote),
        Just(SettledKind::DebitNote),
        Just(SettledKind::Other)
    ];
    let reference =
        (of("[A-Z]{2}"), text()).prop_map(|(scheme, value)| Identifier { scheme: scheme.map(Into::into), value });
    (kind, of("[0-9]{3}"), text(), of(day()), of(signed()), of(signed()), vec(reference, 0..2), of(text()))
        .prop_map(|(document_type, type_code, number, document_date, original, paid, references, note)| {
            RemittanceLine {
                document_type,
                type_code: type_code.map(Into::into),
                document_number: Some(number),
                document_date,
                original,
                paid,
                references,
                note,
                ..RemittanceLine::default()
            }
        })
        .boxed()
}

fn advice() -> BoxedStrategy<RemittanceAdvice> {
    let head = (text(), day(), of(day()), signed(), vec(text(), 0..2));
    let traces = (of(text()), vec(text(), 0..2)).prop_map(|(order, payments)| {
        let trace = |scheme: &str, value| Identifier { scheme: Some(scheme.into()), value };
        let order = order.map(|value| trace("payment_order", value));
        order.into_iter().chain(payments.into_iter().map(|value| trace("payment", value))).collect::<Vec<_>>()
    });
    (head, traces, party(), party(), of(account()), of(account()), vec(settled(), 0..4))
        .prop_map(
            |(
                (number, issue_date, payment_date, total, notes),
                traces,
                payer,
                payee,
                payer_account,
                payee_account,
                lines,
            )| {
                RemittanceAdvice {
                    number: Some(number),
                    issue_date: Some(issue_date),
                    payment_date,
                    method: Some("58".into()),
                    currency: Some("EUR".into()),
                    total: Some(total),
                    payer,
                    payee,
                    payer_account,
                    payee_account,
                    traces,
                    notes,
                    lines,
                    ..RemittanceAdvice::default()
                }
            },
        )
        .boxed()
}
