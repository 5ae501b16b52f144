//! What the UBL binding of EN 16931 wants of the syntax, which the canonical model does not show: how often
//! a part may stand (UBL-SR), what an attachment says of itself (UBL-DT), whether a tax is VAT; and what
//! Peppol wants of it beyond. Only documents that claim to follow them are looked at.

use super::{Content, Draft};
use crate::canonical::OtherCurrency;
use crate::rules::{self, explain};
use crate::xml::element::Element;
use crate::xml::ubl::Kind;
use crate::{Code, Finding, Severity};

/// What a document is held to, and what has been counted of it.
#[derive(Debug, Default)]
pub(super) struct Syntax {
    /// Whether it claims EN 16931.
    pub(super) is_claimed: bool,
    /// Whether it claims Peppol BIS Billing 3 too.
    pub(super) is_peppol: bool,
    /// How often a part with a rule of its own has come, by the rule.
    counts: Vec<(&'static str, usize)>,
    payment_id: Option<String>,
    means_code: Option<String>,
}

/// At most so many elements along a way, below a section.
type AtMost = (&'static [&'static str], usize, &'static str);

/// The cardinalities inside a section.
fn inside(section: &str) -> &'static [AtMost] {
    match section {
        "AccountingSupplierParty" => &[
            (&["Party", "PartyLegalEntity", "RegistrationName"], 1, "UBL-SR-09"),
            (&["Party", "PartyName", "Name"], 1, "UBL-SR-10"),
            (&["Party", "PartyLegalEntity", "CompanyID"], 1, "UBL-SR-11"),
            (&["Party", "PartyLegalEntity", "CompanyLegalForm"], 1, "UBL-SR-14"),
            (&["Party", "PartyTaxScheme"], 2, "UBL-SR-42"),
        ],
        "AccountingCustomerParty" => &[
            (&["Party", "PartyLegalEntity", "RegistrationName"], 1, "UBL-SR-15"),
            (&["Party", "PartyIdentification", "ID"], 1, "UBL-SR-16"),
            (&["Party", "PartyLegalEntity", "CompanyID"], 1, "UBL-SR-17"),
            (&["Party", "PartyName", "Name"], 1, "UBL-SR-40"),
        ],
        "PayeeParty" => {
            &[(&["PartyName", "Name"], 1, "UBL-SR-19"), (&["PartyLegalEntity", "CompanyID"], 1, "UBL-SR-21")]
        }
        "TaxRepresentativeParty" => {
            &[(&["PartyName", "Name"], 1, "UBL-SR-22"), (&["PartyTaxScheme", "CompanyID"], 1, "UBL-SR-23")]
        }
        "Delivery" => &[
            (&["DeliveryParty", "PartyName", "Name"], 1, "UBL-SR-25"),
            (&["DeliveryLocation", "Address", "AddressLine"], 1, "UBL-SR-51"),
        ],
        "PaymentMeans" => &[
            (&["PaymentID"], 1, "UBL-SR-26"),
            (&["PaymentMeansCode"], 1, "UBL-SR-27"),
            (&["PaymentMandate", "ID"], 1, "UBL-SR-28"),
        ],
        "AdditionalDocumentReference" => &[(&["DocumentDescription"], 1, "UBL-SR-33")],
        "BillingReference" => &[(&["InvoiceDocumentReference"], 1, "UBL-SR-06")],
        "InvoiceLine" | "CreditNoteLine" => &[
            (&["Note"], 1, "UBL-SR-34"),
            (&["OrderLineReference", "LineID"], 1, "UBL-SR-35"),
            (&["InvoicePeriod"], 1, "UBL-SR-36"),
            (&["Price", "AllowanceCharge", "Amount"], 1, "UBL-SR-37"),
            (&["Item", "ClassifiedTaxCategory"], 1, "UBL-SR-48"),
            (&["Item", "Description"], 1, "UBL-SR-50"),
            (&["DocumentReference"], 1, "UBL-SR-52"),
        ],
        _ => &[],
    }
}

/// How often a section, or what is in it, may come in a document.
fn of_document(section: &str) -> &'static [AtMost] {
    match section {
        "ContractDocumentReference" => &[(&["ID"], 1, "UBL-SR-01")],
        "ReceiptDocumentReference" => &[(&["ID"], 1, "UBL-SR-02")],
        "DespatchDocumentReference" => &[(&["ID"], 1, "UBL-SR-03")],
        "PaymentTerms" => &[(&["Note"], 1, "UBL-SR-05")],
        "InvoicePeriod" => &[(&[], 1, "UBL-SR-08"), (&["DescriptionCode"], 1, "UBL-SR-49")],
        "Delivery" => &[(&[], 1, "UBL-SR-24")],
        "ProjectReference" => &[(&["ID"], 1, "UBL-SR-39")],
        "PaymentMeans" => &[
            (&["PaymentDueDate"], 1, "UBL-SR-45"),
            (&["CardAccount"], 1, "UBL-SR-54"),
            (&["PaymentMandate"], 1, "UBL-SR-55"),
        ],
        "OriginatorDocumentReference" => &[(&["ID"], 1, "UBL-SR-56")],
        _ => &[],
    }
}

/// Looks at one section, after it was read; the parties come in the order of the schema, the seller first.
pub(super) fn check(draft: &mut Draft, section: Element<'_>, path: &str) {
    if section.name() == "CustomizationID" {
        let specification = draft.body.invoice.specification_id.as_deref();
        draft.body.syntax.is_claimed |= rules::claims_en16931(specification);
        draft.body.syntax.is_peppol = rules::claims_peppol(specification);
    }
    if !draft.body.syntax.is_claimed {
        return;
    }
    for (way, most, rule) in inside(section.name()) {
        if count(section, way) > *most {
            let element = all(section, way).into_iter().nth(*most).unwrap_or(section);
            broken(draft, rule, element, path, format!("`{}` stands too often", element.qualified_name()));
        }
    }
    for (way, most, rule) in of_document(section.name()) {
        more(draft, rule, *most, count(section, way), section, path);
    }
    match section.name() {
        "InvoiceTypeCode" | "CreditNoteTypeCode" => check_type(draft, section, path),
        "AccountingSupplierParty" | "AccountingCustomerParty" | "TaxRepresentativeParty" => {
            check_party(draft, section, path);
        }
        "PayeeParty" => {
            check_party(draft, section, path);
            check_payee(draft, section, path);
        }
        "PaymentMeans" => check_payment(draft, section, path),
        "AdditionalDocumentReference" => check_reference(draft, section, path),
        "BillingReference" => {
            let is_named = section.at(&["InvoiceDocumentReference", "ID"]).is_some();
            want(draft, is_named, "UBL-SR-07", section, path, "a billing reference names no invoice (BT-25)");
        }
        "AllowanceCharge" => check_allowance_charge(draft, section, path, true),
        "TaxTotal" => check_tax_total(draft, section, path),
        "InvoiceLine" | "CreditNoteLine" => check_line(draft, section, path),
        _ => {}
    }
    if draft.body.syntax.is_peppol {
        check_empty(draft, section, path);
    }
}

/// BR-CL-01 has a list for each root; a code that is in neither, the rules over the model tell.
fn check_type(draft: &mut Draft, section: Element<'_>, path: &str) {
    let code = section.value().unwrap_or_default();
    let is_of_other = match draft.body.kind {
        Kind::Invoice => rules::is_credit_note_type(code) && !rules::is_invoice_type(code),
        Kind::CreditNote => rules::is_invoice_type(code) && !rules::is_credit_note_type(code),
        _ => false,
    };
    let message = "the type code is of the other kind of document";
    want(draft, !is_of_other, "BR-CL-01", section, path, message);
    let process = draft.body.invoice.process_id.as_deref().unwrap_or_default();
    if is_of_other && draft.body.syntax.is_peppol && process.contains(":billing:01:") {
        let is_invoice = draft.body.kind == Kind::Invoice;
        let rule = if is_invoice { "PEPPOL-EN16931-P0100" } else { "PEPPOL-EN16931-P0101" };
        broken(draft, rule, section, path, message.to_owned());
    }
}

fn check_party(draft: &mut Draft, section: Element<'_>, path: &str) {
    let party = section.child("Party").unwrap_or(section);
    let is_seller = section.name() == "AccountingSupplierParty";
    let (mut vat, mut other) = (0, 0);
    for scheme in party.children("PartyTaxScheme") {
        let (name, number) = (scheme.at(&["TaxScheme", "ID"]), scheme.child("CompanyID"));
        let is_whole = name.is_some() && number.is_some();
        want(
            draft,
            is_whole,
            "UBL-SR-53",
            scheme,
            path,
            "a tax scheme stands without a number, or a number without it",
        );
        let numbers = scheme.children("CompanyID").count();
        if is_vat(scheme) {
            vat += numbers;
        } else if name.is_some() {
            other += numbers;
        }
        match section.name() {
            "AccountingSupplierParty" if is_vat(scheme) => {
                want(draft, vat <= 1, "UBL-SR-12", scheme, path, "the seller has a second VAT number (BT-31)");
            }
            "AccountingSupplierParty" => {
                want(draft, other <= 1, "UBL-SR-13", scheme, path, "the seller has a second tax registration (BT-32)");
            }
            "AccountingCustomerParty" if is_vat(scheme) => {
                want(draft, vat <= 1, "UBL-SR-18", scheme, path, "the buyer has a second VAT number (BT-48)");
            }
            _ => {}
        }
    }
    if let Some(address) = party.child("PostalAddress") {
        let is_short = address.children("AddressLine").count() <= 1;
        want(draft, is_short, "UBL-SR-51", address, path, "an address has a second additional line");
    }
    if let Some(endpoint) = party.child("EndpointID") {
        check_scheme(draft, endpoint, "schemeID", path, "BR-CL-25");
    }
    for (group, name, rule) in
        [("PartyIdentification", "ID", "BR-CL-10"), ("PartyLegalEntity", "CompanyID", "BR-CL-11")]
    {
        let is_paid = matches!(section.name(), "AccountingSupplierParty" | "PayeeParty");
        for id in all(party, &[group, name]) {
            if is_paid && rule == "BR-CL-10" && id.attribute("schemeID") == Some("SEPA") {
                continue;
            }
            check_scheme(draft, id, "schemeID", path, rule);
        }
    }
    let ids = || party.children("PartyIdentification").filter_map(|identification| identification.child("ID"));
    let is_banks =
        |id: &Element<'_>| id.attribute("schemeID").is_some_and(|scheme| scheme.eq_ignore_ascii_case("SEPA"));
    let banks = ids().filter(is_banks).count();
    if banks > 0 || is_seller {
        more(draft, "UBL-SR-29", 1, banks, party, path);
    }
}

/// UBL-SR-19 to 21 want a payee whose name is not the registered name of the seller.
fn check_payee(draft: &mut Draft, section: Element<'_>, path: &str) {
    let name = section.text_at(&["PartyName", "Name"]);
    let seller = &draft.body.invoice.seller.name;
    let is_other = name.is_some() && seller.is_some() && name != *seller;
    let ids = section.children("PartyIdentification").filter_map(|identification| identification.child("ID"));
    let of_register =
        |id: &Element<'_>| id.attribute("schemeID").is_some_and(|scheme| !scheme.eq_ignore_ascii_case("SEPA"));
    let is_single = ids.filter(of_register).count() <= 1;
    if !is_other {
        for rule in ["UBL-SR-19", "UBL-SR-20", "UBL-SR-21"] {
            broken(draft, rule, section, path, "the payee has no name, or the seller's".to_owned());
        }
    } else if !is_single {
        broken(draft, "UBL-SR-20", section, path, "the payee has a second identifier (BT-60)".to_owned());
    }
}

fn check_payment(draft: &mut Draft, section: Element<'_>, path: &str) {
    for code in section.children("PaymentMeansCode") {
        let text = code.text();
        let first = draft.body.syntax.means_code.get_or_insert_with(|| text.to_owned());
        let is_same = first == text;
        want(draft, is_same, "UBL-SR-47", code, path, "the means of payment is another than before (BT-81)");
        let names = usize::from(code.attribute("name").is_some());
        more(draft, "UBL-SR-46", 1, names, code, path);
    }
    for id in section.children("PaymentID") {
        let text = id.text();
        let first = draft.body.syntax.payment_id.get_or_insert_with(|| text.to_owned());
        let is_same = first == text;
        want(draft, is_same, "UBL-SR-44", id, path, "the payment reference is another than before (BT-83)");
    }
}

/// UBL-SR-04, 43, UBL-DT-06, 07, and Peppol's R080.
fn check_reference(draft: &mut Draft, section: Element<'_>, path: &str) {
    let code = section.text_at(&["DocumentTypeCode"]);
    let has_scheme = section.child("ID").is_some_and(|id| id.attribute("schemeID").is_some());
    let is_credit = draft.body.kind == Kind::CreditNote;
    let is_allowed = match code.as_deref() {
        Some("130") => true,
        Some("50") => is_credit,
        Some(_) => false,
        None => !has_scheme && section.child("DocumentTypeCode").is_none(),
    };
    let message = "a supporting document has a scheme or a type code, which are for the invoiced object";
    want(draft, is_allowed, "UBL-SR-43", section, path, message);
    if code.as_deref() == Some("130") {
        for id in section.children("ID") {
            check_scheme(draft, id, "schemeID", path, "BR-CL-07");
        }
        more(draft, "UBL-SR-04", 1, section.children("ID").count(), section, path);
    }
    if is_credit && draft.body.syntax.is_peppol && code.as_deref() == Some("50") {
        more(draft, "PEPPOL-EN16931-R080", 1, 1, section, path);
    }
    let object = section.at(&["Attachment", "EmbeddedDocumentBinaryObject"]);
    let Some(object) = object else { return };
    let has = |name| object.attribute(name).is_some();
    want(draft, has("mimeCode"), "UBL-DT-06", object, path, "an attachment does not name its media type (mimeCode)");
    want(draft, has("filename"), "UBL-DT-07", object, path, "an attachment does not name its file (filename)");
}

/// UBL-SR-30, 31, BR-32, 37, and Peppol's R043.
fn check_allowance_charge(draft: &mut Draft, section: Element<'_>, path: &str, is_of_document: bool) {
    let indicator = section.text_at(&["ChargeIndicator"]);
    let is_charge = matches!(indicator.as_deref(), Some("true" | "1"));
    let is_short = section.children("AllowanceChargeReason").count() <= 1;
    let rule = if is_charge { "UBL-SR-31" } else { "UBL-SR-30" };
    want(draft, is_short, rule, section, path, "the reason is given twice");
    if is_of_document && let Some(category) = section.child("TaxCategory") {
        let rule = if is_charge { "BR-37" } else { "BR-32" };
        check_vat(draft, category, path, rule);
    }
    if draft.body.syntax.is_peppol {
        let is_plain = matches!(indicator.as_deref(), Some("true" | "false"));
        let message = "the charge indicator is neither `true` nor `false`";
        want(draft, is_plain, "PEPPOL-EN16931-R043", section, path, message);
    }
}

/// UBL-SR-32, BR-47, and Peppol's R053 and R054.
fn check_tax_total(draft: &mut Draft, section: Element<'_>, path: &str) {
    for subtotal in section.children("TaxSubtotal") {
        let Some(category) = subtotal.child("TaxCategory") else { continue };
        let is_short = category.children("TaxExemptionReason").count() <= 1;
        want(draft, is_short, "UBL-SR-32", category, path, "the exemption reason is given twice (BT-120)");
        check_vat(draft, category, path, "BR-47");
    }
    if draft.body.syntax.is_peppol {
        if section.child("TaxSubtotal").is_some() {
            more(draft, "PEPPOL-EN16931-R053", 1, 1, section, path);
        } else {
            let most = usize::from(draft.body.invoice.tax_currency.is_some());
            more(draft, "PEPPOL-EN16931-R054", most, 1, section, path);
        }
    }
}

/// BR-CO-04, UBL-SR-48, and Peppol's R044, R100, R101.
fn check_line(draft: &mut Draft, section: Element<'_>, path: &str) {
    for item in section.children("Item") {
        let has_category = item.child("ClassifiedTaxCategory").is_some();
        want(draft, has_category, "UBL-SR-48", item, path, "the line has no VAT category (BT-151)");
        if let Some(category) = item.child("ClassifiedTaxCategory") {
            check_vat(draft, category, path, "BR-CO-04");
        }
    }
    for (way, name, rule) in [
        (&["Item", "CommodityClassification", "ItemClassificationCode"][..], "listID", "BR-CL-13"),
        (&["Item", "StandardItemIdentification", "ID"], "schemeID", "BR-CL-21"),
    ] {
        for id in all(section, way) {
            check_scheme(draft, id, name, path, rule);
        }
    }
    for reference in section.children("DocumentReference") {
        if reference.child("DocumentTypeCode").and_then(Element::value) == Some("130") {
            for id in reference.children("ID") {
                check_scheme(draft, id, "schemeID", path, "BR-CL-07");
            }
        }
    }
    for allowance in section.children("AllowanceCharge") {
        check_allowance_charge(draft, allowance, path, false);
    }
    if !draft.body.syntax.is_peppol {
        return;
    }
    let references = section.children("DocumentReference").count();
    want(
        draft,
        references <= 1,
        "PEPPOL-EN16931-R100",
        section,
        path,
        "the line has a second invoiced object (BT-128)",
    );
    if let Some(reference) = section.child("DocumentReference") {
        let is_object = reference.children("DocumentTypeCode").any(|code| code.value() == Some("130"));
        want(
            draft,
            is_object,
            "PEPPOL-EN16931-R101",
            reference,
            path,
            "a document reference of a line is no invoiced object",
        );
    }
    let discounts = section.children("Price").flat_map(|price| price.children("AllowanceCharge"));
    for discount in discounts {
        let is_discount = discount.text_at(&["ChargeIndicator"]).as_deref() == Some("false");
        want(draft, is_discount, "PEPPOL-EN16931-R044", discount, path, "the price has a charge");
    }
}

/// The scheme of an identifier without a value, which the model does not keep.
fn check_scheme(draft: &mut Draft, id: Element<'_>, name: &str, path: &str, rule: &'static str) {
    let scheme = id.attribute(name).filter(|_| id.value().is_none());
    if let Some(scheme) = scheme.filter(|scheme| !rules::is_of_list(rule, scheme)) {
        let scheme: String = scheme.chars().take(40).collect();
        broken(draft, rule, id, path, format!("`{scheme}` is no scheme of the list"));
    }
}

/// A category counts only where its tax is VAT.
fn check_vat(draft: &mut Draft, category: Element<'_>, path: &str, rule: &'static str) {
    let is_told = category.child("ID").is_none() || is_vat(category);
    want(draft, is_told, rule, category, path, "the tax scheme of a tax category is not VAT");
}

fn is_vat(element: Element<'_>) -> bool {
    let scheme = element.at(&["TaxScheme", "ID"]).and_then(Element::value);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("VAT"))
}

/// R008: an element that holds nothing, at any depth. The depth of a document is limited.
fn check_empty(draft: &mut Draft, element: Element<'_>, path: &str) {
    let mut is_leaf = true;
    for child in element.elements() {
        is_leaf = false;
        check_empty(draft, child, path);
    }
    // The content of an attachment is not read.
    if is_leaf && element.value().is_none() && element.name() != "EmbeddedDocumentBinaryObject" {
        broken(draft, "PEPPOL-EN16931-R008", element, path, format!("`{}` is empty", element.qualified_name()));
    }
}

fn want(draft: &mut Draft, holds: bool, rule: &'static str, element: Element<'_>, path: &str, message: &str) {
    if !holds {
        broken(draft, rule, element, path, message.to_owned());
    }
}

/// Counts something of the document, and says once when there is more than may be.
fn more(draft: &mut Draft, rule: &'static str, most: usize, by: usize, element: Element<'_>, path: &str) {
    let counts = &mut draft.body.syntax.counts;
    let before = match counts.iter_mut().find(|(known, _)| *known == rule) {
        Some((_, count)) => std::mem::replace(count, *count + by),
        None => {
            counts.push((rule, by));
            0
        }
    };
    if before <= most && before + by > most {
        let message = format!("`{}` stands too often in the document", element.qualified_name());
        broken(draft, rule, element, path, message);
    }
}

/// Says that a rule is broken at an element of the section at `path`.
fn broken(draft: &mut Draft, rule: &'static str, element: Element<'_>, path: &str, message: String) {
    let known = explain(rule);
    let fix = known.map_or("Correct it as the rule says.", |known| known.fix);
    let location = element.location(element.path_from(path));
    let finding = match known.map(|known| known.severity) {
        Some(Severity::Warning) => Finding::warning(Code::rule(rule), location, message, fix),
        Some(Severity::Error) | None => Finding::error(Code::rule(rule), location, message, fix),
    };
    draft.claim(finding.with_rule(rule).with_field(element.qualified_name()));
}

fn count(element: Element<'_>, way: &[&str]) -> usize {
    match way {
        [] => 1,
        [name, rest @ ..] => element.children(name).map(|child| count(child, rest)).sum(),
    }
}

/// Every element along a way.
fn all<'e>(element: Element<'e>, way: &[&str]) -> Vec<Element<'e>> {
    match way {
        [] => vec![element],
        [name, rest @ ..] => element.children(name).flat_map(|child| all(child, rest)).collect(),
    }
}

impl Content {
    /// Remembers an amount that is in another currency than the document; says whether it is.
    pub(super) fn note_currency(&mut self, element: Element<'_>, field: &impl ToString) -> bool {
        let other = element.attribute("currencyID").filter(|code| self.invoice.currency.as_deref() != Some(*code));
        if let Some(currency) = other {
            let other = OtherCurrency { field: field.to_string().into(), currency: currency.into() };
            self.invoice.other_currencies.push(other);
        }
        other.is_some()
    }
}
