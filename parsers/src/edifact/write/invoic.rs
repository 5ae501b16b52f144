//! Writes an invoice or a credit note as an INVOIC (D.96A).
//!
//! Without a place: BT-8, BT-82, cards, the schemes of BT-18, BT-30 and BT-128, BT-121, the delivery's party
//! beside name, address and first identifier, MIME codes and addresses of attachments, a price's base without
//! a price, a unit without a quantity. Written in the standard's words where the model holds others: a type
//! code that is none of UNCL1001 becomes 380 or 381, a note without a subject AAI, a reference by a foreign
//! scheme ZZZ. Of several payments, what each says goes into one. A total that is stated with taxes but not
//! as due is due. What the terms and totals leave open, a reader derives: the due date of net days, and the
//! sums of allowances and charges.

use rust_decimal::Decimal;

use super::WriteError;
use super::parties::{details, party};
use super::segments::{Out, as_strs, code_of, segment, split};
use crate::canonical::{AllowanceCharge, Invoice, InvoiceKind, Line, Party, TaxBreakdown, Text};

/// 0057 is at most six characters long: `EAN008`.
const GUIDE_CHARS_MAX: usize = 6;

pub(super) fn write(invoice: &Invoice, out: &mut Out) -> Result<(), WriteError> {
    let Some(number) = invoice.number.as_deref().filter(|number| !number.is_empty()) else {
        return Err(WriteError::Missing { field: "number", element: "BGM 1004" });
    };
    let specification = invoice.specification_id.as_deref().unwrap_or_default();
    let is_guide = specification.chars().count() <= GUIDE_CHARS_MAX;
    out.open("INVOIC", "D", "96A", if is_guide { specification } else { "" });
    let purpose = invoice.purpose.as_deref().unwrap_or_default();
    out.add(segment("BGM").one(&type_code(invoice)).one(number).one(purpose));
    header(invoice, if is_guide { "" } else { specification }, out);
    references(invoice, out);
    parties(invoice, out);
    terms(invoice, out);
    for charge in &invoice.allowances_charges {
        self::charge(charge, out);
    }
    for attachment in &invoice.attachments {
        let text = |text: &Option<Text>| text.clone().unwrap_or_default();
        out.add(segment("EFI").all(&[&text(&attachment.file_name), &text(&attachment.description)]));
        if let Some(uri) = &attachment.uri {
            out.add(segment("COM").all(&[uri, "AO"]));
        }
        out.reference("ATS", attachment.reference.as_deref());
    }
    for (index, line) in invoice.lines.iter().enumerate() {
        self::line(line, index, out);
    }
    summary(invoice, out);
    out.close();
    Ok(())
}

fn type_code(invoice: &Invoice) -> String {
    let is_code = |code: &&str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_digit());
    invoice.type_code.as_deref().filter(is_code).map_or_else(
        || match invoice.kind {
            InvoiceKind::Invoice => "380".to_owned(),
            InvoiceKind::CreditNote => "381".to_owned(),
        },
        str::to_owned,
    )
}

fn header(invoice: &Invoice, specification: &str, out: &mut Out) {
    out.date("137", invoice.issue_date);
    out.date("131", invoice.tax_point_date);
    out.date("35", invoice.delivery.as_ref().and_then(|delivery| delivery.date));
    if let Some(period) = &invoice.period {
        out.date("167", period.start);
        out.date("168", period.end);
    }
    let means = invoice.payments.iter().find_map(|payment| payment.means_code.as_deref());
    if let Some(means) = means {
        out.add(segment("PAI").all(&["", "", means]));
    }
    let process = invoice.process_id.as_deref().unwrap_or_default();
    if !specification.is_empty() || !process.is_empty() {
        out.add(segment("FTX").one("DOC").skip(1).one(process).one(specification));
    }
    if let Some(text) = invoice.terms.as_ref().and_then(|terms| terms.text.as_deref()) {
        out.text("AAB", text);
    }
    if let Some(reason) = invoice.tax_breakdown.iter().find_map(|tax| tax.exemption_reason.as_deref()) {
        out.text("AGM", reason);
    }
    for note in &invoice.notes {
        out.text(note.subject.as_deref().unwrap_or("AAI"), &note.text);
    }
}

fn references(invoice: &Invoice, out: &mut Out) {
    let references = &invoice.references;
    let payment = |of: fn(&crate::canonical::Payment) -> Option<&Text>| invoice.payments.iter().find_map(of);
    for (code, value) in [
        ("ON", references.purchase_order.as_ref()),
        ("CT", references.contract.as_ref()),
        ("VN", references.sales_order.as_ref()),
        ("AEP", references.project.as_ref()),
        ("ALO", references.receiving_advice.as_ref()),
        ("DQ", references.despatch_advice.as_ref()),
        ("AGB", references.tender.as_ref()),
        ("ATS", references.object.as_ref().map(|object| &object.value)),
        ("CR", invoice.buyer_reference.as_ref()),
        ("AOU", invoice.buyer_accounting_reference.as_ref()),
        ("PQ", payment(|payment| payment.remittance_information.as_ref())),
        ("AVS", payment(|payment| payment.mandate.as_ref())),
    ] {
        out.reference(code, value.map(Text::as_str));
    }
    for other in &references.other {
        out.reference(&code_of(other.scheme.as_deref(), "ZZZ"), Some(&other.value));
    }
    for preceding in &invoice.preceding {
        out.reference("OI", Some(&preceding.number));
        out.date("171", preceding.issue_date);
    }
}

fn parties(invoice: &Invoice, out: &mut Out) {
    party("SU", &invoice.seller, out);
    for payment in &invoice.payments {
        for transfer in &payment.credit_transfers {
            let bic = transfer.bic.as_deref().unwrap_or_default();
            let names = transfer.name.as_deref().map_or_else(Vec::new, |name| split(name, 35, 2));
            let account = [vec![transfer.account.as_str()], as_strs(&names)].concat();
            out.add(segment("FII").one("RB").all(&account).one(bic));
        }
    }
    details(&invoice.seller, out);
    party("BY", &invoice.buyer, out);
    for account in invoice.payments.iter().filter_map(|payment| payment.debited_account.as_deref()) {
        out.add(segment("FII").one("PB").one(account));
    }
    details(&invoice.buyer, out);
    for (role, other) in [("PE", &invoice.payee), ("LC", &invoice.tax_representative)] {
        if let Some(other) = other {
            party(role, other, out);
            details(other, out);
        }
    }
    if let Some(delivery) = &invoice.delivery {
        let place = Party {
            name: delivery.name.clone(),
            ids: delivery.location_id.iter().cloned().collect(),
            address: delivery.address.clone(),
            ..Party::default()
        };
        if place != Party::default() {
            party("DP", &place, out);
        }
    }
}

fn terms(invoice: &Invoice, out: &mut Out) {
    if let Some(currency) = &invoice.currency {
        let rate = invoice.exchange_rate.map(|rate| rate.to_string()).unwrap_or_default();
        out.add(segment("CUX").all(&["2", currency, "4"]).skip(1).one(&rate));
    }
    if let Some(currency) = &invoice.tax_currency {
        out.add(segment("CUX").all(&["6", currency]));
    }
    let days = invoice.terms.as_ref().and_then(|terms| terms.net_days);
    if let Some(days) = days {
        out.add(segment("PAT").one("1").skip(1).all(&["5", "3", "D", &days.to_string()]));
    } else if invoice.due_date.is_some() {
        out.add(segment("PAT").one("3"));
    }
    out.date("13", invoice.due_date);
    for discount in invoice.terms.iter().flat_map(|terms| &terms.discounts) {
        let days = discount.days.map(|days| days.to_string());
        let pat = segment("PAT").one("22").skip(1);
        out.add(days.map_or(segment("PAT").one("22"), |days| pat.all(&["5", "3", "D", &days])));
        out.date("12", discount.date);
        percent("12", discount.percent, out);
        out.amount("52", discount.amount);
    }
}

fn charge(charge: &AllowanceCharge, out: &mut Out) {
    let (kind, amount, rate) = if charge.is_charge { ("C", "23", "2") } else { ("A", "204", "1") };
    let reason = charge.reason.as_deref().map_or_else(Vec::new, |reason| split(reason, 35, 2));
    let code = charge.reason_code.as_deref().unwrap_or_default();
    let service = [vec![code, "", ""], as_strs(&reason)].concat();
    out.add(segment("ALC").one(kind).skip(3).all(&service));
    percent(rate, charge.percent, out);
    out.amount(amount, charge.amount);
    out.amount("25", charge.base);
    tax(charge.tax_category.as_deref(), charge.tax_rate, out);
}

fn percent(qualifier: &str, percent: Option<Decimal>, out: &mut Out) {
    if let Some(percent) = percent {
        out.add(segment("PCD").all(&[qualifier, &percent.to_string()]));
    }
}

/// TAX, unless nothing is known of it.
fn tax(category: Option<&str>, rate: Option<Decimal>, out: &mut Out) {
    if category.is_some() || rate.is_some() {
        let rate = rate.map(|rate| rate.to_string()).unwrap_or_default();
        let tax = segment("TAX").one("7").one("VAT").skip(2).all(&["", "", "", &rate]);
        out.add(tax.one(category.unwrap_or_default()));
    }
}

fn line(line: &Line, index: usize, out: &mut Out) {
    let text = |text: &Option<Text>| text.clone().unwrap_or_default();
    let item = &line.item;
    let (standard, kind) = item.standard_id.as_ref().map_or((String::new(), String::new()), |id| {
        let kind = code_of(id.scheme.as_deref(), "EN");
        (id.value.clone().into(), kind)
    });
    let id = line.id.clone().unwrap_or_else(|| (index + 1).to_string().into());
    let parent = text(&line.parent_id);
    let sub = if parent.is_empty() { "" } else { "1" };
    out.add(segment("LIN").one(&id).skip(1).all(&[&standard, &kind]).all(&[sub, &parent]));
    for (value, code) in [(&item.seller_id, "SA"), (&item.buyer_id, "IN")] {
        if let Some(value) = value {
            out.add(segment("PIA").one("5").all(&[value, code]));
        }
    }
    for class in &item.classifications {
        out.add(segment("PIA").one("1").all(&[&class.code, class.list.as_deref().unwrap_or("ZZZ")]));
    }
    for (kind, words) in [("F", &item.name), ("A", &item.description)] {
        if let Some(words) = words {
            let parts = split(words, 35, 2);
            out.add(segment("IMD").one(kind).skip(1).all(&[vec!["", "", ""], as_strs(&parts)].concat()));
        }
    }
    if let Some(quantity) = line.quantity {
        out.add(segment("QTY").all(&["47", &quantity.to_string(), &text(&line.unit)]));
    }
    if let Some(origin) = &item.origin {
        out.add(segment("ALI").one(origin));
    }
    if let Some(period) = &line.period {
        out.date("167", period.start);
        out.date("168", period.end);
    }
    if let Some(note) = &line.note {
        out.text("AAI", note);
    }
    for (name, value) in &item.attributes {
        out.add(segment("FTX").one("ACF").skip(2).all(&[name, value]));
    }
    out.amount("203", line.net_amount);
    if let Some(price) = line.net_price {
        let base = line.price_base_quantity.map(|base| base.to_string()).unwrap_or_default();
        out.add(segment("PRI").all(&["AAA", &price.to_string(), "", "", &base, &text(&line.price_base_unit)]));
    }
    if let Some(price) = line.gross_price {
        out.add(segment("PRI").all(&["AAB", &price.to_string()]));
    }
    out.reference("LI", line.purchase_order_line.as_deref());
    out.reference("AOU", line.accounting_reference.as_deref());
    out.reference("ATS", line.object.as_ref().map(|object| object.value.as_str()));
    tax(line.tax_category.as_deref(), line.tax_rate, out);
    for charge in &line.allowances_charges {
        self::charge(charge, out);
    }
    if line.price_discount.is_some() {
        out.add(segment("ALC").one("A"));
        out.amount("509", line.price_discount);
    }
}

fn summary(invoice: &Invoice, out: &mut Out) {
    out.add(segment("UNS").one("S"));
    out.add(segment("CNT").all(&["2", &invoice.lines.len().to_string()]));
    let totals = &invoice.totals;
    for (qualifier, amount) in [
        ("79", totals.line_net),
        ("260", totals.allowances),
        ("259", totals.charges),
        ("125", totals.tax_exclusive),
        ("124", totals.tax),
        ("77", totals.tax_inclusive),
        ("113", totals.prepaid),
        ("165", totals.rounding),
        ("9", totals.payable),
    ] {
        out.amount(qualifier, amount);
    }
    if let Some(amount) = totals.tax_in_tax_currency {
        let currency = invoice.tax_currency.as_deref().unwrap_or_default();
        out.add(segment("MOA").all(&["2", &amount.to_string(), currency]));
    }
    for TaxBreakdown { base, tax, category, rate, .. } in &invoice.tax_breakdown {
        let rate = rate.map(|rate| rate.to_string()).unwrap_or_default();
        let head = segment("TAX").one("7").one("VAT").skip(2).all(&["", "", "", &rate]);
        out.add(head.one(category.as_deref().unwrap_or_default()));
        out.amount("125", *base);
        out.amount("124", *tax);
    }
}
