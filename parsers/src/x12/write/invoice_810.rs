//! Writes an invoice or a credit note as an 810.
//!
//! What an 810 has no place for, and what comes back in other words:
//! * the tax currency and its total, the tax point, the buyer's references, the specification and process ids,
//!   project and tender, the tax representative, payment means, attachments, dates of preceding invoices;
//! * of a party: endpoint, legal form, all identifiers but the first (and those of REF); DUNS (`0060`) and GLN
//!   (`0088`) come back as `x12:1` and `x12:UL`, and an identifier without a scheme as `x12:92`;
//! * totals other than the payable amount: they are derived again from lines, charges and taxes. A prepaid
//!   amount or a rounding would make that sum wrong, and is refused;
//! * tax categories of UNCL5305, which come back as `VA` (value added tax), and no category, which comes back
//!   as `TX`; exemptions; bases of allowances and charges;
//! * codes of allowances and charges that are not of element 1300: they come back as `ZZZZ`;
//! * of a line: parent and sub-lines (left out), note, object, accounting reference, gross price and discount; an
//!   id of more than 20 characters comes back as the line's place; a price base other than 100 and 1000 is
//!   worked into the price. The net amount is derived, and one that quantity and price do not make is refused;
//! * attributes whose name is no code (element 750) come back in the description;
//! * units of UN/ECE Rec 20 come back as their kin of element 355 (`C62` as `EA`);
//! * the scheme of the standard id comes back as that of element 235 (`0160` as `x12:EN`);
//! * notes of more than 80 characters come back as several, terms of that length as notes (`PMT`).

use rust_decimal::Decimal;

use super::WriteError;
use super::party::{located, named, party};
use super::segments::{Out, date, id, implied, number, pieces, qualifier, text};
use crate::canonical::{AllowanceCharge, Identifier, Invoice, InvoiceKind, Line, Party, TermsDiscount, Text};
use crate::x12::invoice_810::{product, rate};

/// Writes what stands between ST and SE.
pub(super) fn write(invoice: &Invoice, out: &mut Out) -> Result<(), WriteError> {
    head(invoice, out)?;
    party("SE", &invoice.seller, out)?;
    party("BY", &invoice.buyer, out)?;
    party("RE", invoice.payee.as_ref().unwrap_or(&Party::default()), out)?;
    delivery(invoice, out)?;
    terms(invoice, out)?;
    dates(invoice, out);
    let lines = invoice.lines.iter().filter(|line| line.parent_id.is_none());
    let mut count: usize = 0;
    for written in lines {
        count += 1;
        line(written, out)?;
    }
    totals(invoice, out)?;
    out.segment("CTT", [Some(count.to_string())]);
    Ok(())
}

fn head(invoice: &Invoice, out: &mut Out) -> Result<(), WriteError> {
    let number = id("BIG02", invoice.number.as_deref(), 22)?;
    let number = number.ok_or(WriteError::Missing { field: "number", element: "BIG02" })?;
    let issued = invoice.issue_date.ok_or(WriteError::Missing { field: "issue_date", element: "BIG01" })?;
    let order = id("BIG04", invoice.references.purchase_order.as_deref(), 22)?;
    let kind = invoice.type_code.as_deref().filter(|code| {
        let is_credit = matches!(*code, "CR" | "CN");
        is_code(code, 2) && is_credit == (invoice.kind == InvoiceKind::CreditNote)
    });
    let kind = kind.unwrap_or(match invoice.kind {
        InvoiceKind::Invoice => "DI",
        InvoiceKind::CreditNote => "CR",
    });
    let purpose = invoice.purpose.clone().filter(|code| is_code(code, 2));
    out.segment(
        "BIG",
        [date(Some(issued)), Some(number), None, order, None, None, Some(kind.to_owned()), purpose.map(Into::into)],
    );
    for note in &invoice.notes {
        let subject = note.subject.as_deref().filter(|code| is_code(code, 3)).map(str::to_owned);
        for piece in pieces(&note.text, 80) {
            out.segment("NTE", [subject.clone(), Some(piece)]);
        }
    }
    // Terms that are too long for ITD12 are a note on the payment.
    let terms = invoice.terms.as_ref().and_then(|terms| terms.text.as_deref()).filter(|words| !is_short(words));
    for piece in pieces(terms.unwrap_or_default(), 80) {
        out.segment("NTE", [Some("PMT".to_owned()), Some(piece)]);
    }
    if let Some(currency) = id("CUR02", invoice.currency.as_deref(), 3)? {
        out.segment("CUR", [Some("SE".to_owned()), Some(currency)]);
    }
    let references = &invoice.references;
    let others = references.other.iter().map(|id| (qualifier(id.scheme.as_deref(), "ZZ"), Some(&id.value)));
    let named = [
        ("CT", references.contract.as_ref()),
        ("CO", references.sales_order.as_ref()),
        ("RV", references.receiving_advice.as_ref()),
        ("BM", references.despatch_advice.as_ref()),
    ];
    let named = named.into_iter().map(|(code, value)| (code.to_owned(), value));
    let preceding = invoice.preceding.iter().map(|earlier| ("OI".to_owned(), Some(&earlier.number)));
    for (code, value) in named.chain(others).chain(preceding) {
        if let Some(value) = id("REF02", value.map(Text::as_str), 50)? {
            out.segment("REF", [Some(code), Some(value)]);
        }
    }
    Ok(())
}

/// N1*ST. A delivery without a name is the buyer's.
fn delivery(invoice: &Invoice, out: &mut Out) -> Result<(), WriteError> {
    let Some(delivery) = &invoice.delivery else { return Ok(()) };
    if delivery.name.is_none() && delivery.location_id.is_none() && delivery.address.is_none() {
        return Ok(());
    }
    let name = delivery.name.as_deref().or(invoice.buyer.name.as_deref().filter(|_| delivery.location_id.is_none()));
    named("ST", text("N102", name, 60)?, delivery.location_id.as_ref(), out)?;
    delivery.address.as_ref().map_or(Ok(()), |address| located(address, out))
}

fn terms(invoice: &Invoice, out: &mut Out) -> Result<(), WriteError> {
    let due = date(invoice.due_date);
    let Some(terms) = &invoice.terms else {
        if due.is_some() {
            out.segment("ITD", [None, None, None, None, None, due]);
        }
        return Ok(());
    };
    let words = text("ITD12", terms.text.as_deref().filter(|words| is_short(words)), 80)?;
    let days = terms.net_days.map(|days| days.to_string());
    let nothing = [TermsDiscount::default()];
    let discounts = if terms.discounts.is_empty() { nothing.as_slice() } else { terms.discounts.as_slice() };
    for (index, discount) in discounts.iter().enumerate() {
        let first = |value: &Option<String>| value.clone().filter(|_| index == 0);
        out.segment(
            "ITD",
            [
                None,
                None,
                number("ITD03", discount.percent, 6)?,
                date(discount.date),
                discount.days.map(|days| days.to_string()),
                first(&due),
                first(&days),
                implied("ITD08", discount.amount)?,
                None,
                None,
                None,
                first(&words),
            ],
        );
    }
    Ok(())
}

fn dates(invoice: &Invoice, out: &mut Out) {
    let period = invoice.period.as_ref();
    for (code, value) in [
        ("035", invoice.delivery.as_ref().and_then(|delivery| delivery.date)),
        ("150", period.and_then(|period| period.start)),
        ("151", period.and_then(|period| period.end)),
    ] {
        if value.is_some() {
            out.segment("DTM", [Some(code.to_owned()), date(value)]);
        }
    }
}

fn line(line: &Line, out: &mut Out) -> Result<(), WriteError> {
    let quantity = line.quantity.ok_or(WriteError::Missing { field: "the quantity of a line", element: "IT102" })?;
    let price = line.net_price.ok_or(WriteError::Missing { field: "the price of a line", element: "IT104" })?;
    check_product(line)?;
    let (price, basis) = priced(price, line.price_base_quantity)?;
    let mut elements = vec![
        id("IT101", line.id.as_deref().filter(|id| id.chars().count() <= 20), 20)?,
        number("IT102", Some(quantity), 15)?,
        unit(line.unit.as_deref())?,
        number("IT104", Some(price), 17)?,
        basis,
    ];
    for (code, value) in product_ids(line) {
        elements.extend([Some(code.into()), id("IT107", Some(&value), 48)?]);
    }
    // IT106 to IT125 are ten pairs.
    if elements.len() > 25 {
        let count = ((elements.len() - 5) / 2).to_string();
        return Err(WriteError::NoPlace { field: "the number of a line's product ids", value: count, set: "an IT1" });
    }
    out.segment("IT1", elements);
    if line.tax_rate.is_some() || line.tax_category.is_some() {
        let percent = percentage(line.tax_rate, None, None)?;
        out.segment("TXI", [Some(tax(line.tax_category.as_deref())), None, percent]);
    }
    for words in [&line.item.name, &line.item.description].into_iter().flatten() {
        for piece in pieces(words, 80) {
            out.segment("PID", [Some("F".to_owned()), None, None, None, Some(piece)]);
        }
    }
    for (name, value) in &line.item.attributes {
        let (code, words) = if is_code(name, 2) || is_code(name, 3) {
            (Some(name.clone()), value.clone())
        } else {
            (None, format!("{name}: {value}").into())
        };
        for piece in pieces(&words, 80) {
            out.segment("PID", [Some("F".to_owned()), code.clone().map(Into::into), None, None, Some(piece)]);
        }
    }
    if let Some(period) = &line.period {
        for (code, value) in [("150", period.start), ("151", period.end)] {
            if value.is_some() {
                out.segment("DTM", [Some(code.to_owned()), date(value)]);
            }
        }
    }
    line.allowances_charges.iter().try_for_each(|item| charge(item, out))
}

/// An 810 has no place for what a line comes to: whoever reads it multiplies.
fn check_product(line: &Line) -> Result<(), WriteError> {
    let Some(net) = line.net_amount else { return Ok(()) };
    let charges = line.allowances_charges.iter().try_fold(Decimal::ZERO, |sum, item| {
        let amount = item.amount.unwrap_or_default();
        if item.is_charge { sum.checked_add(amount) } else { sum.checked_sub(amount) }
    });
    let made = product(line).and_then(|product| product.checked_add(charges?));
    if made.and_then(|made| made.checked_sub(net)).is_some_and(|off| off.abs() <= Decimal::new(1, 2)) {
        return Ok(());
    }
    let why = "quantity and price of the line make another amount";
    Err(WriteError::Amount { element: "IT104", value: net, why })
}

/// IT104 and IT105: a price per hundred (HP) or thousand (TP) has a code, any other base is worked in.
fn priced(price: Decimal, base: Option<Decimal>) -> Result<(Decimal, Option<String>), WriteError> {
    match base {
        None => Ok((price, None)),
        Some(base) if base == Decimal::ONE => Ok((price, None)),
        Some(base) if base == Decimal::ONE_HUNDRED => Ok((price, Some("HP".to_owned()))),
        Some(base) if base == Decimal::ONE_THOUSAND => Ok((price, Some("TP".to_owned()))),
        Some(base) => {
            let each = price.checked_div(base).filter(|each| each.checked_mul(base) == Some(price));
            let why = "its base is no divisor of it";
            let each = each.ok_or(WriteError::Amount { element: "IT104", value: price, why })?;
            Ok((each.normalize(), None))
        }
    }
}

/// IT103 takes codes of two letters (element 355); those of UN/ECE Rec 20 have kin there.
fn unit(code: Option<&str>) -> Result<Option<String>, WriteError> {
    let Some(code) = code else { return Ok(None) };
    let kin = match code {
        "C62" | "EA" => "EA",
        "H87" => "PC",
        "KGM" => "KG",
        "GRM" => "GR",
        "TNE" => "MP",
        "LBR" => "LB",
        "LTR" => "LT",
        "MLT" => "ML",
        "MTR" => "MR",
        "CMT" => "CM",
        "MMT" => "MM",
        "KMT" => "DK",
        "MTK" => "SM",
        "MTQ" => "CR",
        "HUR" => "HR",
        "MIN" => "MJ",
        "DAY" => "DA",
        "WEE" => "WK",
        "MON" => "MO",
        "ANN" => "YR",
        "KWH" => "KH",
        "SET" => "ST",
        "PR" => "PR",
        "DZN" => "DZ",
        "LS" => "LO",
        // Packages (UN/ECE Rec 21).
        "XPP" | "XPC" => "PC",
        "XBX" => "BX",
        "XCT" => "CT",
        "XCS" => "CA",
        "XPK" => "PK",
        "XBG" => "BG",
        "XBO" => "BO",
        "XPX" => "PL",
        code if is_code(code, 2) => code,
        _ => {
            let value = code.to_owned();
            return Err(WriteError::NoPlace { field: "the unit of a line", value, set: "element 355 (IT103)" });
        }
    };
    Ok(Some(kin.to_owned()))
}

/// The pairs of IT106 to IT125: a qualifier (element 235) and an id.
fn product_ids(line: &Line) -> Vec<(Text, Text)> {
    let item = &line.item;
    let standard = item.standard_id.as_ref().map(|id: &Identifier| {
        let known = qualifier(id.scheme.as_deref(), "EN");
        (known.into(), id.value.clone())
    });
    let plain = [
        ("VP", item.seller_id.clone()),
        ("BP", item.buyer_id.clone()),
        ("PL", line.purchase_order_line.clone()),
        ("CH", item.origin.clone()),
    ];
    let plain = plain.into_iter().filter_map(|(code, value)| Some((code.into(), value?)));
    let classes = item.classifications.iter().map(|class| {
        let list = class.list.as_deref();
        (qualifier(list, "ZZ").into(), class.code.clone())
    });
    plain.chain(standard).chain(classes).filter(|(_, value)| !value.trim().is_empty()).collect()
}

fn totals(invoice: &Invoice, out: &mut Out) -> Result<(), WriteError> {
    let totals = &invoice.totals;
    for (field, value) in [("totals.prepaid", totals.prepaid), ("totals.rounding", totals.rounding)] {
        if let Some(value) = value.filter(|value| !value.is_zero()) {
            return Err(WriteError::NoPlace { field, value: value.to_string(), set: "an 810" });
        }
    }
    let payable = totals.payable.ok_or(WriteError::Missing { field: "totals.payable", element: "TDS01" })?;
    out.segment("TDS", [implied("TDS01", Some(payable))?]);
    for entry in &invoice.tax_breakdown {
        let percent = percentage(entry.rate, entry.tax, entry.base)?;
        let amount = number("TXI02", entry.tax, 18)?;
        let base = number("TXI08", entry.base, 18)?;
        let category = Some(tax(entry.category.as_deref()));
        out.segment("TXI", [category, amount, percent, None, None, None, None, base]);
    }
    if let Some(tax) = totals.tax.filter(|tax| invoice.tax_breakdown.is_empty() && !tax.is_zero()) {
        out.segment("TXI", [Some("TX".to_owned()), number("TXI02", Some(tax), 18)?]);
    }
    invoice.allowances_charges.iter().try_for_each(|item| charge(item, out))
}

fn charge(item: &AllowanceCharge, out: &mut Out) -> Result<(), WriteError> {
    let code = item.reason_code.as_deref().filter(|code| is_code(code, 4)).unwrap_or("ZZZZ");
    let percent = number("SAC07", item.percent, 6)?;
    out.segment(
        "SAC",
        [
            Some(if item.is_charge { "C" } else { "A" }.to_owned()),
            Some(code.to_owned()),
            None,
            None,
            implied("SAC05", item.amount)?,
            percent.as_ref().map(|_| "Z".to_owned()),
            percent,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            text("SAC15", item.reason.as_deref(), 80)?,
        ],
    );
    Ok(())
}

/// TXI03 is a percentage as decimal (0.0825), which is often written as 8.25: whichever is read back right.
fn percentage(
    percent: Option<Decimal>,
    amount: Option<Decimal>,
    base: Option<Decimal>,
) -> Result<Option<String>, WriteError> {
    let Some(percent) = percent else { return Ok(None) };
    let fraction = percent.checked_div(Decimal::ONE_HUNDRED).map(|fraction| fraction.normalize());
    let mut written = fraction.into_iter().chain([percent]);
    let right = written.find(|written| rate(Some(*written), amount, base) == Some(percent));
    let why = "the tax and its base say otherwise";
    number("TXI03", Some(right.ok_or(WriteError::Amount { element: "TXI03", value: percent, why })?), 10)
}

/// TXI01 takes codes of two letters (element 963).
fn tax(category: Option<&str>) -> String {
    match category {
        None => "TX".to_owned(),
        Some("AE") => "VA".to_owned(),
        Some(code) if is_code(code, 2) => code.to_owned(),
        Some(_) => "VA".to_owned(),
    }
}

fn is_short(words: &str) -> bool {
    words.chars().count() <= 80
}

fn is_code(code: &str, length: usize) -> bool {
    code.len() == length && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
