//! What XRechnung wants beyond EN 16931: BR-DE-1 to BR-DE-31 (XRechnung 3.0, KoSIT schematron of 2026-07),
//! for documents that say they follow it. Not here are the rules of its extension (BR-DEX) and of the clean
//! vehicles directive (BR-DE-CVD), whose fields the canonical model does not have, and the second half of
//! BR-DE-18, the line break behind the last discount, which readers trim.

use super::field::At;
use super::registers::is_iban;
use super::{Case, brief, is_given};
use crate::canonical::{Address, Payment, Text};

const SPECIFICATION: &str = "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0";
const EXTENSION: &str = "#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0";
const VEHICLES: &str = "#compliant#urn:xeinkauf.de:kosit:xrechnung:cvd_0.9";

/// Partial, commercial, corrected, self-billed, credit note, and three of construction (BR-DE-17).
const TYPES: [&str; 8] = ["326", "380", "384", "389", "381", "875", "876", "877"];

pub(super) fn check(case: &mut Case<'_>) {
    check_head(case);
    check_seller(case);
    check_addresses(case);
    let invoice = case.invoice;
    if invoice.payments.is_empty() {
        case.broken("BR-DE-1", "payments", "the document does not say how to pay (BG-16)");
    }
    for (index, payment) in invoice.payments.iter().enumerate() {
        check_payment(case, payment, At::nth("payments", index, ""));
    }
    check_debit(case);
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        if tax.rate.is_none() {
            let message = format!("VAT breakdown {} has no rate (BT-119)", index + 1);
            case.broken("BR-DE-14", At::nth("tax_breakdown", index, "rate"), message);
        }
    }
    check_attachments(case);
}

/// BR-DE-15 to 18, 21, 26, TMP-32.
fn check_head(case: &mut Case<'_>) {
    let invoice = case.invoice;
    if !is_given(invoice.buyer_reference.as_deref()) {
        case.broken("BR-DE-15", "buyer_reference", "the document has no buyer reference (BT-10)");
    }
    let is_taxed =
        |code: &Option<Text>| matches!(code.as_deref(), Some("S" | "Z" | "E" | "AE" | "K" | "G" | "L" | "M"));
    let seller = &invoice.seller;
    let is_registered = is_given(seller.vat_id.as_deref()) || is_given(seller.tax_id.as_deref());
    if !is_registered
        && invoice.tax_representative.is_none()
        && (invoice.lines.iter().any(|line| is_taxed(&line.tax_category))
            || invoice.allowances_charges.iter().any(|item| is_taxed(&item.tax_category)))
    {
        let message = "VAT is charged, but the seller has no VAT number, tax registration or tax representative";
        case.broken("BR-DE-16", "seller", message);
    }
    if let Some(code) = invoice.type_code.as_deref().filter(|code| !TYPES.contains(&code.trim())) {
        case.broken("BR-DE-17", "type_code", format!("the type code `{}` is not used in XRechnung", brief(code)));
    }
    let terms = invoice.terms.as_ref().and_then(|terms| terms.text.as_deref()).unwrap_or_default();
    let is_wrong = |line: &&str| line.starts_with('#') && !is_discount(line);
    if let Some(line) = terms.lines().map(str::trim).find(is_wrong) {
        case.broken("BR-DE-18", "terms", format!("`{}` is no discount as XRechnung writes it", brief(line)));
    }
    let rest = invoice.specification_id.as_deref().and_then(|id| id.strip_prefix(SPECIFICATION));
    if !matches!(rest, Some("" | EXTENSION | VEHICLES)) {
        case.broken("BR-DE-21", "specification_id", "the specification identifier (BT-24) is not XRechnung's of today");
    }
    if invoice.type_code.as_deref().map(str::trim) == Some("384") && invoice.preceding.is_empty() {
        case.broken("BR-DE-26", "preceding", "a corrected invoice (384) does not say which invoice it corrects (BG-3)");
    }
    let is_dated = invoice.delivery.as_ref().is_some_and(|delivery| delivery.date.is_some())
        || invoice.period.is_some()
        || invoice.lines.iter().all(|line| line.period.is_some());
    if !is_dated {
        let message = "the document does not say when goods or services were delivered (BT-72, BG-14, BG-26)";
        case.broken("BR-DE-TMP-32", "delivery.date", message);
    }
}

/// `#SKONTO#TAGE=14#PROZENT=2.25#BASISBETRAG=100.00#`, the last part if the base is not the amount due.
fn is_discount(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("#SKONTO#TAGE=").and_then(|rest| rest.strip_suffix('#')) else { return false };
    let mut parts = rest.split('#');
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = |text: &str| {
        text.split_once('.').is_some_and(|(whole, cents)| is_digits(whole) && cents.len() == 2 && is_digits(cents))
    };
    let days = parts.next().is_some_and(is_digits);
    let percent = parts.next().and_then(|part| part.strip_prefix("PROZENT=")).is_some_and(is_number);
    let base = parts.next().is_none_or(|part| {
        part.strip_prefix("BASISBETRAG=").is_some_and(|base| is_number(base.strip_prefix('-').unwrap_or(base)))
    });
    days && percent && base && parts.next().is_none()
}

/// BR-DE-2, 5, 6, 7, 27, 28.
fn check_seller(case: &mut Case<'_>) {
    let Some(contact) = &case.invoice.seller.contact else {
        case.broken("BR-DE-2", "seller.contact", "the seller names nobody to ask (BG-6)");
        return;
    };
    for (value, rule, field, message) in [
        (&contact.name, "BR-DE-5", "seller.contact.name", "the seller's contact has no name (BT-41)"),
        (&contact.phone, "BR-DE-6", "seller.contact.phone", "the seller's contact has no telephone number (BT-42)"),
        (&contact.email, "BR-DE-7", "seller.contact.email", "the seller's contact has no email address (BT-43)"),
    ] {
        if !is_given(value.as_deref()) {
            case.broken(rule, field, message);
        }
    }
    let phone = contact.phone.as_deref().unwrap_or_default();
    if phone.bytes().filter(u8::is_ascii_digit).count() < 3 {
        let message = format!("the telephone number `{}` has fewer than three digits (BT-42)", brief(phone));
        case.broken("BR-DE-27", "seller.contact.phone", message);
    }
    let email = contact.email.as_deref().unwrap_or_default();
    if !is_email(email.trim()) {
        let message = format!("`{}` is no email address (BT-43)", brief(email));
        case.broken("BR-DE-28", "seller.contact.email", message);
    }
}

/// One `@` with something in front, and behind it two or more parts with a point between.
fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace());
    is_plain(name) && host.contains('.') && host.split('.').all(is_plain)
}

/// BR-DE-3, 4, 8 to 11.
fn check_addresses(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let delivery = invoice.delivery.as_ref().and_then(|delivery| delivery.address.as_ref());
    for (address, part, rules) in [
        (invoice.seller.address.as_ref(), "seller", ["BR-DE-3", "BR-DE-4"]),
        (invoice.buyer.address.as_ref(), "buyer", ["BR-DE-8", "BR-DE-9"]),
        (delivery, "delivery", ["BR-DE-10", "BR-DE-11"]),
    ] {
        let Some(Address { city, postal_code, .. }) = address else { continue };
        let [city_rule, code_rule] = rules;
        if !is_given(city.as_deref()) {
            case.broken(city_rule, At::of(part, "address.city"), format!("the address ({part}) has no city"));
        }
        if !is_given(postal_code.as_deref()) {
            let message = format!("the address ({part}) has no postal code");
            case.broken(code_rule, At::of(part, "address.postal_code"), message);
        }
    }
}

/// BR-DE-19, 20, 23 to 25.
fn check_payment(case: &mut Case<'_>, payment: &Payment, at: At) {
    let has_transfer = !payment.credit_transfers.is_empty();
    let has_card = payment.card_number_masked.is_some() || payment.card_holder.is_some();
    let has_debit = payment.mandate.is_some() || payment.debited_account.is_some();
    match payment.means_code.as_deref().map(str::trim) {
        Some(code @ ("30" | "58")) => {
            if !has_transfer {
                case.broken("BR-DE-23-a", at, "payment by transfer is asked for, but there is no account (BG-17)");
            }
            if has_card || has_debit {
                case.broken("BR-DE-23-b", at, "payment by transfer stands beside a card or a direct debit");
            }
            let account = payment.credit_transfers.first().map(|transfer| transfer.account.as_str());
            if code == "58" && !account.is_some_and(is_iban) {
                let message = format!("`{}` is no IBAN (BT-84)", brief(account.unwrap_or_default()));
                case.broken("BR-DE-19", at, message);
            }
        }
        Some("48" | "54" | "55") => {
            if !has_card {
                case.broken("BR-DE-24-a", at, "payment by card is agreed, but there is no card (BG-18)");
            }
            if has_transfer || has_debit {
                case.broken("BR-DE-24-b", at, "payment by card stands beside an account or a direct debit");
            }
        }
        Some("59") => {
            if !has_debit {
                case.broken("BR-DE-25-a", at, "payment by direct debit is agreed, but there is no mandate (BG-19)");
            }
            if has_transfer || has_card {
                case.broken("BR-DE-25-b", at, "payment by direct debit stands beside an account or a card");
            }
            let account = payment.debited_account.as_deref().unwrap_or_default();
            if !is_iban(account) {
                case.broken("BR-DE-20", at, format!("`{}` is no IBAN (BT-91)", brief(account)));
            }
        }
        _ => {}
    }
}

/// BR-DE-30 and BR-DE-31, which look at all the payments of a document together.
fn check_debit(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let is_debit = |payment: &Payment| payment.mandate.is_some() || payment.debited_account.is_some();
    let Some(index) = invoice.payments.iter().position(is_debit) else { return };
    let at = At::nth("payments", index, "");
    let payee_ids = invoice.payee.iter().flat_map(|payee| &payee.ids);
    let mut ids = invoice.seller.ids.iter().chain(payee_ids);
    let is_named = invoice.payments.iter().any(|payment| payment.creditor_id.is_some())
        || ids.any(|id| id.scheme.as_deref() == Some("SEPA"));
    if !is_named {
        case.broken("BR-DE-30", at, "direct debit without the creditor identifier of the bank (BT-90)");
    }
    if !invoice.payments.iter().any(|payment| payment.debited_account.is_some()) {
        case.broken("BR-DE-31", at, "direct debit without the account it is taken from (BT-91)");
    }
}

/// BR-DE-22, BR-TMP-2.
fn check_attachments(case: &mut Case<'_>) {
    let mut names = std::collections::BTreeSet::new();
    for (index, attachment) in case.invoice.attachments.iter().enumerate() {
        let at = At::nth("attachments", index, "");
        if let Some(name) = attachment.file_name.as_deref().filter(|name| !names.insert(*name)) {
            case.broken("BR-DE-22", at, format!("a second attachment is named `{}`", brief(name)));
        }
        if let Some(uri) = attachment.uri.as_deref().filter(|uri| !is_absolute(uri)) {
            case.broken("BR-TMP-2", at, format!("`{}` is no absolute URL (BT-124)", brief(uri)));
        }
    }
}

/// A scheme of two letters or more, and a colon.
fn is_absolute(uri: &str) -> bool {
    uri.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() >= 2
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::sample::{broken, identifier, xrechnung};
    use super::*;
    use crate::canonical::{Attachment, Contact, CreditTransfer, Delivery, Invoice, PaymentTerms};

    type Spoil = fn(&mut Invoice);

    fn contact(invoice: &mut Invoice) -> &mut Contact {
        invoice.seller.contact.as_mut().expect("the sample has a contact")
    }

    fn payment(invoice: &mut Invoice) -> &mut Payment {
        invoice.payments.first_mut().expect("the sample is paid")
    }

    /// To be paid by another means, with nothing said of it.
    fn pay_by(invoice: &mut Invoice, code: &str) {
        *payment(invoice) = Payment { means_code: Some(code.into()), ..Payment::default() };
    }

    fn address_of(party: &mut crate::canonical::Party) -> &mut Address {
        party.address.as_mut().expect("an address")
    }

    fn deliver(invoice: &mut Invoice) {
        let address = Some(Address { country: Some("DE".into()), ..Address::default() });
        invoice.delivery = Some(Delivery { address, date: Some(date(2026, 2, 27)), ..Delivery::default() });
    }

    fn attach(invoice: &mut Invoice, name: &str, uri: &str) {
        invoice.attachments.push(Attachment {
            reference: Some("A".into()),
            file_name: Some(name.into()),
            uri: Some(uri.into()),
            ..Attachment::default()
        });
    }

    #[test]
    fn the_whole_sample_breaks_nothing_and_a_document_of_another_specification_is_not_asked() {
        assert_eq!(broken(&xrechnung()), Vec::<&str>::new());
        let mut other = xrechnung();
        other.specification_id = Some("urn:cen.eu:en16931:2017".into());
        other.seller.contact = None;
        other.buyer_reference = None;
        assert_eq!(broken(&other), Vec::<&str>::new());
    }

    #[test]
    fn each_rule_is_broken_by_what_it_forbids() {
        let cases: &[(&str, Spoil)] = &[
            ("BR-DE-1", |invoice| invoice.payments.clear()),
            ("BR-DE-2", |invoice| invoice.seller.contact = None),
            ("BR-DE-3", |invoice| address_of(&mut invoice.seller).city = None),
            ("BR-DE-4", |invoice| address_of(&mut invoice.seller).postal_code = None),
            ("BR-DE-5", |invoice| contact(invoice).name = None),
            ("BR-DE-6", |invoice| contact(invoice).phone = None),
            ("BR-DE-7", |invoice| contact(invoice).email = Some(" ".into())),
            ("BR-DE-8", |invoice| address_of(&mut invoice.buyer).city = None),
            ("BR-DE-9", |invoice| address_of(&mut invoice.buyer).postal_code = None),
            ("BR-DE-10", deliver),
            ("BR-DE-11", deliver),
            ("BR-DE-14", |invoice| invoice.tax_breakdown.first_mut().expect("a tax").rate = None),
            ("BR-DE-15", |invoice| invoice.buyer_reference = None),
            ("BR-DE-16", |invoice| invoice.seller.vat_id = None),
            ("BR-DE-17", |invoice| invoice.type_code = Some("386".into())),
            ("BR-DE-18", |invoice| {
                let text = Some("30 Tage\n#SKONTO#TAGE=14#PROZENT=2,00#".to_owned());
                invoice.terms = Some(PaymentTerms { text: text.map(Into::into), ..PaymentTerms::default() });
            }),
            ("BR-DE-19", |invoice| {
                payment(invoice).credit_transfers.first_mut().expect("one").account = "12345".into();
            }),
            ("BR-DE-20", |invoice| pay_by(invoice, "59")),
            ("BR-DE-21", |invoice| {
                let old = "urn:cen.eu:en16931:2017#compliant#urn:xoev-de:kosit:standard:xrechnung_2.0";
                invoice.specification_id = Some(old.into());
            }),
            ("BR-DE-22", |invoice| {
                attach(invoice, "a.pdf", "https://example.com/1");
                attach(invoice, "a.pdf", "https://example.com/2");
            }),
            ("BR-DE-23-a", |invoice| pay_by(invoice, "30")),
            ("BR-DE-23-b", |invoice| payment(invoice).mandate = Some("M-1".into())),
            ("BR-DE-24-a", |invoice| pay_by(invoice, "48")),
            ("BR-DE-24-b", |invoice| {
                pay_by(invoice, "54");
                payment(invoice).credit_transfers.push(CreditTransfer::default());
            }),
            ("BR-DE-25-a", |invoice| pay_by(invoice, "59")),
            ("BR-DE-25-b", |invoice| {
                pay_by(invoice, "59");
                payment(invoice).card_number_masked = Some("2222".into());
            }),
            ("BR-DE-26", |invoice| invoice.type_code = Some("384".into())),
            ("BR-DE-27", |invoice| contact(invoice).phone = Some("n/a 12".into())),
            ("BR-DE-28", |invoice| contact(invoice).email = Some("rechnung@kiel".to_owned().into())),
            ("BR-DE-30", |invoice| {
                pay_by(invoice, "59");
                payment(invoice).mandate = Some("M-1".into());
            }),
            ("BR-DE-31", |invoice| {
                pay_by(invoice, "59");
                payment(invoice).mandate = Some("M-1".into());
            }),
            ("BR-DE-TMP-32", |invoice| invoice.delivery = None),
            ("BR-TMP-2", |invoice| attach(invoice, "a.pdf", "example.com/a.pdf")),
        ];
        for (rule, spoil) in cases {
            let mut spoiled = xrechnung();
            spoil(&mut spoiled);
            assert!(broken(&spoiled).contains(rule), "{rule}: {:?}", broken(&spoiled));
        }
    }

    #[test]
    fn a_direct_debit_that_says_everything_breaks_nothing() {
        let mut invoice = xrechnung();
        pay_by(&mut invoice, "59");
        payment(&mut invoice).mandate = Some("M-1".into());
        payment(&mut invoice).debited_account = Some("DE02 1203 0000 0000 2020 51".into());
        invoice.seller.ids.extend(identifier("SEPA", "DE98ZZZ09999999999"));
        assert_eq!(broken(&invoice), Vec::<&str>::new());
    }

    #[test]
    fn discounts_and_addresses_are_told_by_their_form() {
        for right in ["#SKONTO#TAGE=14#PROZENT=2.25#", "#SKONTO#TAGE=7#PROZENT=10.00#BASISBETRAG=-99.50#"] {
            assert!(is_discount(right), "{right}");
        }
        for wrong in [
            "#SKONTO#TAGE=14#PROZENT=2#",
            "#SKONTO#TAGE=14#PROZENT=2.25",
            "#VERZUG#TAGE=14#PROZENT=2.25#",
            "#SKONTO#TAGE=#PROZENT=2.25#",
            "#SKONTO#TAGE=14#PROZENT=2.25#BASISBETRAG=1.0#",
            "#SKONTO#TAGE=14#PROZENT=2.25#BASISBETRAG=1.00#X#",
        ] {
            assert!(!is_discount(wrong), "{wrong}");
        }
        assert!(is_email("a.b@c.example"));
        for wrong in ["", "@", "a@b", "a@b@c.example", "a b@c.example", "a@.example", "a@c.example."] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }
}
