//! Codes that must be from their list: BR-CL, and the country in front of a VAT number (BR-CO-09). Peppol
//! has rules of its own for some of the lists, which are told beside EN 16931's.

use super::field::At;
use super::lists::{self, has};
use super::{Case, brief};
use crate::canonical::{Line, Party};

pub(super) fn check(case: &mut Case<'_>) {
    check_head(case);
    check_currencies(case);
    check_parties(case);
    check_attachments(case);
    let invoice = case.invoice;
    for (index, payment) in invoice.payments.iter().enumerate() {
        let code = payment.means_code.as_deref();
        check_one(case, &PAYMENT_MEANS, code, At::nth("payments", index, "means_code"));
    }
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        let at = At::nth("tax_breakdown", index, "");
        check_one(case, &CATEGORY, tax.category.as_deref(), at.named("category"));
        // The artefact for CII reads these in whatever case they are written.
        let reason = tax.exemption_code.as_ref().map(|code| code.to_ascii_uppercase());
        check_one(case, &EXEMPTION, reason.as_deref(), at.named("exemption_code"));
    }
    for (index, item) in invoice.allowances_charges.iter().enumerate() {
        let at = At::nth("allowances_charges", index, "");
        check_one(case, &CATEGORY, item.tax_category.as_deref(), at.named("tax_category"));
        check_one(case, reasons(item.is_charge), item.reason_code.as_deref(), at.named("reason_code"));
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        check_line(case, line, At::nth("lines", index, ""));
    }
}

/// A list, and what it is to people.
struct List {
    rule: &'static str,
    /// Peppol's rule for the same list.
    peppol: Option<&'static str>,
    codes: &'static [&'static str],
    what: &'static str,
}

const fn list(rule: &'static str, codes: &'static [&'static str], what: &'static str) -> List {
    List { rule, peppol: None, codes, what }
}

impl List {
    const fn or_peppol(self, rule: &'static str) -> Self {
        Self { peppol: Some(rule), ..self }
    }
}

static TAX_POINT: List =
    list("BR-CL-06", lists::TAX_POINT_CODES, "tax point code of UNTDID 2005").or_peppol("PEPPOL-EN16931-CL006");
static OBJECT: List = list("BR-CL-07", lists::OBJECT_SCHEMES, "scheme of UNTDID 1153");
static NOTE: List = list("BR-CL-08", lists::NOTE_SUBJECTS, "note subject of UNTDID 4451");
static PARTY_ID: List = list("BR-CL-10", lists::IDENTIFIER_SCHEMES, "identifier scheme of ISO 6523");
static LEGAL_ID: List = list("BR-CL-11", lists::IDENTIFIER_SCHEMES, "identifier scheme of ISO 6523");
static CLASSIFICATION: List = list("BR-CL-13", lists::CLASSIFICATION_SCHEMES, "classification of UNTDID 7143");
static COUNTRY: List = list("BR-CL-14", lists::COUNTRIES, "ISO 3166-1 country code");
static ORIGIN: List = list("BR-CL-15", lists::COUNTRIES, "ISO 3166-1 country code");
static PAYMENT_MEANS: List = list("BR-CL-16", lists::PAYMENT_MEANS, "means of payment of UNTDID 4461");
static CATEGORY: List = list("BR-CL-17", lists::TAX_CATEGORIES, "VAT category EN 16931 knows");
static LINE_CATEGORY: List = list("BR-CL-18", lists::TAX_CATEGORIES, "VAT category EN 16931 knows");
static ALLOWANCE: List =
    list("BR-CL-19", lists::ALLOWANCE_REASONS, "allowance reason of UNTDID 5189").or_peppol("PEPPOL-EN16931-CL002");
static CHARGE: List =
    list("BR-CL-20", lists::CHARGE_REASONS, "charge reason of UNTDID 7161").or_peppol("PEPPOL-EN16931-CL003");
static ITEM_ID: List = list("BR-CL-21", lists::IDENTIFIER_SCHEMES, "identifier scheme of ISO 6523");
static EXEMPTION: List = list("BR-CL-22", lists::EXEMPTION_REASONS, "exemption reason of the VATEX list");
static UNIT: List = list("BR-CL-23", lists::UNITS, "unit of UN/ECE Recommendation 20 or 21");
static MIME: List = list("BR-CL-24", lists::MIME_TYPES, "media type EN 16931 allows").or_peppol("PEPPOL-EN16931-CL001");
static ADDRESS: List = list("BR-CL-25", lists::ADDRESS_SCHEMES, "electronic address scheme");
static LOCATION_ID: List = list("BR-CL-26", lists::IDENTIFIER_SCHEMES, "identifier scheme of ISO 6523");

/// Whether a scheme is of the list of a rule, for identifiers that have no value and so are not kept.
pub(crate) fn is_of_list(rule: &str, code: &str) -> bool {
    let list = [&OBJECT, &PARTY_ID, &LEGAL_ID, &CLASSIFICATION, &ITEM_ID, &ADDRESS, &LOCATION_ID];
    list.iter().find(|list| list.rule == rule).is_none_or(|list| has(list.codes, code))
}

fn reasons(is_charge: bool) -> &'static List {
    if is_charge { &CHARGE } else { &ALLOWANCE }
}

/// A code that is there must be in its list. An X12 qualifier (`x12:92`) is of a list of its own.
fn check_one(case: &mut Case<'_>, list: &List, code: Option<&str>, at: At) {
    let Some(code) = code.filter(|code| !has(list.codes, code) && !code.starts_with("x12:")) else { return };
    let message = format!("`{}` is no {}", brief(code), list.what);
    case.broken(list.rule, at, &*message);
    if let Some(rule) = list.peppol.filter(|_| case.follows.peppol) {
        case.broken(rule, at, message);
    }
}

fn check_head(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let is_known = |code: &&str| lists::is_invoice_type(code) || lists::is_credit_note_type(code);
    if let Some(code) = invoice.type_code.as_deref().filter(|code| !is_known(code)) {
        let message = format!("`{}` is no document type of UNTDID 1001 that EN 16931 knows", brief(code));
        case.broken("BR-CL-01", "type_code", message);
    }
    check_one(case, &TAX_POINT, invoice.tax_point_code.as_deref(), At::field("tax_point_code"));
    let object = invoice.references.object.as_ref().and_then(|object| object.scheme.as_deref());
    check_one(case, &OBJECT, object, At::field("references.object"));
    for (index, note) in invoice.notes.iter().enumerate() {
        check_one(case, &NOTE, note.subject.as_deref(), At::nth("notes", index, "subject"));
    }
    if let Some(delivery) = &invoice.delivery {
        let country = delivery.address.as_ref().and_then(|address| address.country.as_deref());
        check_one(case, &COUNTRY, country, At::field("delivery.address.country"));
        let scheme = delivery.location_id.as_ref().and_then(|id| id.scheme.as_deref());
        check_one(case, &LOCATION_ID, scheme, At::field("delivery.location_id"));
    }
}

fn check_currencies(case: &mut Case<'_>) {
    let invoice = case.invoice;
    let is_known = |code: &str| has(lists::CURRENCIES, code) || has(lists::OTHER_CURRENCIES, code);
    for (code, rule, field) in
        [(&invoice.currency, "BR-CL-04", "currency"), (&invoice.tax_currency, "BR-CL-05", "tax_currency")]
    {
        if let Some(code) = code.as_deref().filter(|code| !is_known(code)) {
            case.broken(rule, field, format!("`{}` is no ISO 4217 currency code", brief(code)));
        }
    }
    for other in invoice.other_currencies.iter().filter(|other| !is_known(&other.currency)) {
        let message = format!("`{}` is no ISO 4217 currency code", brief(&other.currency));
        case.broken_at("BR-CL-03", &other.field, &*message);
        if case.follows.peppol {
            case.broken_at("PEPPOL-EN16931-CL007", &other.field, message);
        }
    }
}

fn check_parties(case: &mut Case<'_>) {
    let invoice = case.invoice;
    check_party(case, &invoice.seller, "seller", true);
    check_party(case, &invoice.buyer, "buyer", false);
    if let Some(payee) = &invoice.payee {
        check_party(case, payee, "payee", true);
    }
    if let Some(representative) = &invoice.tax_representative {
        check_party(case, representative, "tax_representative", false);
    }
}

/// `SEPA` is a scheme for those who are paid (BT-90).
fn check_party(case: &mut Case<'_>, party: &Party, field: &'static str, is_paid: bool) {
    if let Some(number) = party.vat_id.as_deref().filter(|number| !has_country(number)) {
        let message = format!("the VAT number `{}` does not begin with a country code", brief(number));
        case.broken("BR-CO-09", At::of(field, "vat_id"), message);
    }
    let country = party.address.as_ref().and_then(|address| address.country.as_deref());
    check_one(case, &COUNTRY, country, At::of(field, "address.country"));
    for id in &party.ids {
        let scheme = id.scheme.as_deref().filter(|scheme| !(is_paid && *scheme == "SEPA"));
        check_one(case, &PARTY_ID, scheme, At::of(field, "ids"));
    }
    let legal = party.legal_id.as_ref().and_then(|id| id.scheme.as_deref());
    check_one(case, &LEGAL_ID, legal, At::of(field, "legal_id"));
    let endpoint = party.endpoint.as_ref().and_then(|id| id.scheme.as_deref());
    check_one(case, &ADDRESS, endpoint, At::of(field, "endpoint"));
}

/// The first two letters; Greece writes EL.
fn has_country(number: &str) -> bool {
    number.get(..2).is_some_and(|country| country == "EL" || has(lists::COUNTRIES, country))
}

fn check_attachments(case: &mut Case<'_>) {
    for (index, attachment) in case.invoice.attachments.iter().enumerate() {
        check_one(case, &MIME, attachment.mime.as_deref(), At::nth("attachments", index, "mime"));
    }
}

fn check_line(case: &mut Case<'_>, line: &Line, at: At) {
    // The unit stands on the quantity, which may be there and unreadable.
    check_one(case, &UNIT, line.unit.as_deref(), at.named("quantity.unit"));
    check_one(case, &UNIT, line.price_base_unit.as_deref(), at.named("price_base_quantity.unit"));
    check_one(case, &LINE_CATEGORY, line.tax_category.as_deref(), at.named("tax_category"));
    let object = line.object.as_ref().and_then(|object| object.scheme.as_deref());
    check_one(case, &OBJECT, object, at.named("object"));
    let item = &line.item;
    check_one(case, &ORIGIN, item.origin.as_deref(), at.named("item.origin"));
    let standard = item.standard_id.as_ref().and_then(|id| id.scheme.as_deref());
    check_one(case, &ITEM_ID, standard, at.named("item.standard_id"));
    for classification in &item.classifications {
        check_one(case, &CLASSIFICATION, classification.list.as_deref(), at.named("item.classifications"));
    }
    for (inner, item) in line.allowances_charges.iter().enumerate() {
        let at = at.nested("allowances_charges", inner).named("reason_code");
        check_one(case, reasons(item.is_charge), item.reason_code.as_deref(), at);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{broken, invoice};
    use crate::canonical::{
        AllowanceCharge, Attachment, Delivery, Identifier, Invoice, ItemId, Note, OtherCurrency, Party, Payment,
    };

    fn scheme(scheme: &str) -> Option<Identifier> {
        Some(Identifier { scheme: Some(scheme.into()), value: "1".into() })
    }

    fn reason(is_charge: bool, code: &str) -> AllowanceCharge {
        AllowanceCharge { is_charge, reason_code: Some(code.into()), ..AllowanceCharge::default() }
    }

    /// Each list with one code that is not in it and one that is.
    #[test]
    fn codes_must_be_from_their_lists() {
        type Write = fn(&mut Invoice, &str);
        fn line(invoice: &mut Invoice) -> &mut crate::canonical::Line {
            invoice.lines.first_mut().expect("the sample has a line")
        }
        let cases: &[(&str, &str, &str, Write)] = &[
            ("BR-CL-01", "999", "381", |invoice, code| invoice.type_code = Some(code.into())),
            ("BR-CL-03", "EUX", "USD", |invoice, code| {
                let other = OtherCurrency { field: "totals.tax".into(), currency: code.into() };
                invoice.other_currencies.push(other);
            }),
            ("BR-CL-04", "EUX", "HRK", |invoice, code| invoice.currency = Some(code.into())),
            ("BR-CL-05", "eur", "SEK", |invoice, code| invoice.tax_currency = Some(code.into())),
            ("BR-CL-06", "4", "35", |invoice, code| invoice.tax_point_code = Some(code.into())),
            ("BR-CL-07", "A B", "AAJ", |invoice, code| invoice.references.object = scheme(code)),
            ("BR-CL-08", "QQQ", "AAI", |invoice, code| {
                invoice.notes.push(Note { subject: Some(code.into()), text: String::new().into() });
            }),
            ("BR-CL-10", "SEPA", "0088", |invoice, code| invoice.buyer.ids.extend(scheme(code))),
            ("BR-CL-10", "9901", "SEPA", |invoice, code| invoice.seller.ids.extend(scheme(code))),
            ("BR-CL-11", "SEPA", "0002", |invoice, code| invoice.seller.legal_id = scheme(code)),
            ("BR-CL-13", "UNSPSC", "TST", |invoice, code| {
                line(invoice).item.classifications.push(ItemId { list: Some(code.into()), code: "1".into() });
            }),
            ("BR-CL-14", "UK", "GB", |invoice, code| {
                invoice.buyer.address.as_mut().expect("an address").country = Some(code.into());
            }),
            ("BR-CL-15", "XX", "XI", |invoice, code| line(invoice).item.origin = Some(code.into())),
            ("BR-CL-16", "0", "ZZZ", |invoice, code| {
                invoice.payments.push(Payment { means_code: Some(code.into()), ..Payment::default() });
            }),
            ("BR-CL-17", "X", "K", |invoice, code| {
                invoice.tax_breakdown.first_mut().expect("a tax").category = Some(code.into());
            }),
            ("BR-CL-18", "X", "B", |invoice, code| line(invoice).tax_category = Some(code.into())),
            ("BR-CL-19", "AA", "95", |invoice, code| invoice.allowances_charges.push(reason(false, code))),
            ("BR-CL-20", "95", "FC", |invoice, code| line(invoice).allowances_charges.push(reason(true, code))),
            ("BR-CL-21", "GTIN", "0160", |invoice, code| line(invoice).item.standard_id = scheme(code)),
            ("BR-CL-22", "VATEX-EU-Q", "VATEX-EU-IC", |invoice, code| {
                invoice.tax_breakdown.first_mut().expect("a tax").exemption_code = Some(code.into());
            }),
            ("BR-CL-23", "pcs", "H87", |invoice, code| line(invoice).unit = Some(code.into())),
            ("BR-CL-24", "text/html", "text/csv", |invoice, code| {
                invoice.attachments.push(Attachment { mime: Some(code.into()), ..Attachment::default() });
            }),
            ("BR-CL-25", "GLN", "9930", |invoice, code| invoice.seller.endpoint = scheme(code)),
            ("BR-CL-26", "GLN", "0088", |invoice, code| {
                invoice.delivery = Some(Delivery { location_id: scheme(code), ..Delivery::default() });
            }),
            ("BR-CO-09", "111111111", "EL123456789", |invoice, code| {
                invoice.tax_representative = Some(Party { vat_id: Some(code.into()), ..Party::default() });
            }),
        ];
        for (rule, wrong, right, write) in cases {
            let with = |code: &str| {
                let mut invoice = invoice();
                write(&mut invoice, code);
                broken(&invoice)
            };
            assert!(with(wrong).contains(rule), "{rule} lets {wrong} pass: {:?}", with(wrong));
            assert!(!with(right).contains(rule), "{rule} refuses {right}");
        }
    }
}
