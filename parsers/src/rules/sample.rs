//! An invoice that breaks no rule, for the tests of the rules to spoil.

use jiff::civil::date;
use rust_decimal::Decimal;

use super::{Claim, Places, check};
use crate::canonical::{
    Address, Contact, CreditTransfer, Delivery, Identifier, Invoice, Item, Line, Party, Payment, TaxBreakdown, Totals,
};

/// The ids of the rules an invoice breaks, each once.
pub(super) fn broken(invoice: &Invoice) -> Vec<&'static str> {
    let findings = check(invoice, &Places::nowhere(), Claim::En16931, 100);
    let mut rules = Vec::new();
    for finding in &findings {
        assert!(!finding.message.is_empty() && finding.fix.ends_with('.'), "{finding:?}");
        let rule =
            finding.rule.unwrap_or(if finding.code == crate::Code::AMOUNT_INVALID { "amount_invalid" } else { "" });
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules
}

/// One line of 100.00 at 19 %.
pub(super) fn invoice() -> Invoice {
    let text = |text: &str| Some(text.to_owned());
    let party = |name: &str, vat_id: &str| Party {
        name: text(name).map(Into::into),
        vat_id: text(vat_id).map(Into::into),
        address: Some(Address { country: text("DE").map(Into::into), ..Address::default() }),
        ..Party::default()
    };
    let hundred = Some(Decimal::new(10_000, 2));
    let tax = Some(Decimal::new(1_900, 2));
    let gross = Some(Decimal::new(11_900, 2));
    Invoice {
        number: text("R-1").map(Into::into),
        issue_date: Some(date(2026, 3, 1)),
        type_code: text("380").map(Into::into),
        currency: text("EUR").map(Into::into),
        specification_id: text("urn:cen.eu:en16931:2017").map(Into::into),
        seller: party("Lindner Schrauben GmbH", "DE111111111"),
        buyer: party("Hafenbau AG", "DE222222222"),
        totals: Totals {
            line_net: hundred,
            tax_exclusive: hundred,
            tax,
            tax_inclusive: gross,
            payable: gross,
            ..Totals::default()
        },
        tax_breakdown: vec![TaxBreakdown {
            base: hundred,
            tax,
            category: text("S").map(Into::into),
            rate: Some(Decimal::from(19)),
            ..TaxBreakdown::default()
        }],
        lines: vec![Line {
            id: text("1").map(Into::into),
            quantity: Some(Decimal::from(4)),
            unit: text("C62").map(Into::into),
            net_amount: hundred,
            net_price: Some(Decimal::from(25)),
            tax_category: text("S").map(Into::into),
            tax_rate: Some(Decimal::from(19)),
            item: Item { name: text("Bolt").map(Into::into), ..Item::default() },
            ..Line::default()
        }],
        ..Invoice::default()
    }
}

/// The same invoice in another VAT category.
pub(super) fn in_category(code: &str) -> Invoice {
    let mut invoice = invoice();
    let is_taxed = matches!(code, "S" | "L" | "M");
    let rate = match code {
        "O" => None,
        _ if is_taxed => Some(Decimal::from(19)),
        _ => Some(Decimal::ZERO),
    };
    for line in &mut invoice.lines {
        line.tax_category = Some(code.into());
        line.tax_rate = rate;
    }
    for tax in &mut invoice.tax_breakdown {
        tax.category = Some(code.into());
        tax.rate = rate;
        if !is_taxed {
            tax.tax = Some(Decimal::ZERO);
            tax.exemption_reason = (code != "Z").then(|| "no VAT here".to_owned()).map(Into::into);
        }
    }
    if !is_taxed {
        invoice.totals.tax = Some(Decimal::ZERO);
        invoice.totals.tax_inclusive = invoice.totals.tax_exclusive;
        invoice.totals.payable = invoice.totals.tax_exclusive;
    }
    match code {
        "O" => {
            for party in [&mut invoice.seller, &mut invoice.buyer] {
                party.legal_id = Some(crate::canonical::Identifier { scheme: None, value: "HRB 1".into() });
                party.vat_id = None;
            }
        }
        "K" => {
            invoice.delivery = Some(Delivery {
                date: Some(date(2026, 2, 27)),
                address: Some(Address { country: Some("FR".into()), ..Address::default() }),
                ..Delivery::default()
            });
        }
        _ => {}
    }
    invoice
}

/// An invoice that follows Peppol BIS Billing 3 to the letter.
pub(super) fn peppol() -> Invoice {
    let mut invoice = invoice();
    invoice.specification_id =
        Some("urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0".to_owned().into());
    invoice.process_id = Some("urn:fdc:peppol.eu:2017:poacc:billing:01:1.0".into());
    invoice.buyer_reference = Some("PO-9".into());
    invoice.seller.endpoint = identifier("9930", "DE111111111");
    invoice.buyer.endpoint = identifier("0088", "7300010000001");
    invoice
}

/// An invoice that follows XRechnung to the letter.
pub(super) fn xrechnung() -> Invoice {
    let mut invoice = invoice();
    invoice.specification_id =
        Some("urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0".to_owned().into());
    invoice.buyer_reference = Some("04011000-12345-34".into());
    let text = |text: &str| Some(text.to_owned());
    invoice.seller.contact = Some(Contact {
        name: text("Jana Brandt").map(Into::into),
        phone: text("+49 431 5550").map(Into::into),
        email: text("rechnung@kiel.example").map(Into::into),
    });
    for party in [&mut invoice.seller, &mut invoice.buyer] {
        let address = Address {
            city: text("Kiel").map(Into::into),
            postal_code: text("24143").map(Into::into),
            country: text("DE").map(Into::into),
            ..Address::default()
        };
        party.address = Some(address);
    }
    invoice.delivery = Some(Delivery { date: Some(date(2026, 2, 27)), ..Delivery::default() });
    invoice.payments.push(Payment {
        means_code: text("58").map(Into::into),
        credit_transfers: vec![CreditTransfer {
            account: "DE02120300000000202051".into(),
            ..CreditTransfer::default()
        }],
        ..Payment::default()
    });
    invoice
}

pub(super) fn identifier(scheme: &str, value: &str) -> Option<Identifier> {
    Some(Identifier { scheme: Some(scheme.into()), value: value.into() })
}
