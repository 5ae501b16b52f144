//! Invoices: the document's own fields from its first row, and a line from each.

use rust_decimal::Decimal;

use super::sheet::{Cells, Sheet};
use crate::canonical::{
    CreditTransfer, Evidence, Identifier, Invoice, InvoiceKind, Item, Line, Note, Party, Payment, PaymentTerms,
    Preceding, References, Totals,
};
use crate::{Code, Finding, Location};

/// What tells one invoice of a file from another.
pub(super) const KEY: [&str; 3] = ["seller_id", "seller_name", "number"];

/// Reads the document's own fields, as they are written: [`settle`] makes a credit note's amounts positive.
pub(super) fn read(sheet: &Sheet<'_>, cells: &mut Cells<'_>) -> Invoice {
    cells.require();
    let currency = cells.currency("currency");
    let code = currency.as_deref();
    let mut total = |field: &str| cells.money(field, &format!("totals.{field}"), code);
    let totals = Totals {
        line_net: total("line_net"),
        tax_exclusive: total("tax_exclusive"),
        tax: total("tax"),
        tax_inclusive: total("tax_inclusive"),
        prepaid: total("prepaid"),
        rounding: total("rounding"),
        payable: total("payable"),
        ..Totals::default()
    };
    let terms = cells.text("terms").map(|text| PaymentTerms { text: Some(text), ..PaymentTerms::default() });
    let account = cells.text("payment_account").map(|account| CreditTransfer { account, ..CreditTransfer::default() });
    let payment = |transfer| Payment { credit_transfers: vec![transfer], ..Payment::default() };
    let preceding = cells.text("preceding_number").map(|number| Preceding { number, issue_date: None });
    let mut buyer = party(cells, "buyer_no", ["buyer_id", "buyer_name", "buyer_vat_id"]);
    buyer.name = buyer.name.or_else(|| sheet.plan.profile.defaults.buyer_name.clone());
    let note = cells.text("note").map(|text| Note { subject: None, text });
    Invoice {
        number: cells.witnessed("number", "number"),
        issue_date: cells.date("issue_date", "issue_date"),
        due_date: cells.date("due_date", "due_date"),
        type_code: cells.text("type"),
        buyer_reference: cells.text("buyer_reference"),
        references: References {
            purchase_order: cells.text("purchase_order"),
            contract: cells.text("contract"),
            ..References::default()
        },
        seller: party(cells, "vendor_no", ["seller_id", "seller_name", "seller_vat_id"]),
        buyer,
        notes: note.into_iter().collect(),
        preceding: preceding.into_iter().collect(),
        payments: account.map(payment).into_iter().collect(),
        terms,
        totals,
        currency,
        ..Invoice::default()
    }
}

fn party(cells: &mut Cells<'_>, scheme: &str, [id, name, vat_id]: [&str; 3]) -> Party {
    let id = cells.text(id).map(|value| Identifier { scheme: Some(scheme.to_owned()), value });
    Party { name: cells.text(name), ids: id.into_iter().collect(), vat_id: cells.text(vat_id), ..Party::default() }
}

/// Reads a row's line; `None` where the row has nothing of one.
pub(super) fn read_line(cells: &mut Cells<'_>, index: usize, currency: Option<&str>) -> Option<Line> {
    let net_amount = cells.money("line_amount", &format!("lines[{index}].net_amount"), currency);
    let line = Line {
        id: cells.text("line_id"),
        quantity: cells.amount("line_quantity", &format!("lines[{index}].quantity")),
        unit: cells.text("line_unit"),
        net_price: cells.amount("line_price", &format!("lines[{index}].net_price")),
        tax_rate: cells.amount("line_tax_rate", &format!("lines[{index}].tax_rate")),
        net_amount,
        item: Item { name: cells.text("line_description"), seller_id: cells.text("line_item"), ..Item::default() },
        ..Line::default()
    };
    (line != Line::default()).then_some(line)
}

/// Decides what kind of document it is. A negative total makes a credit note, and every amount turns with
/// it; a credit note that is written with positive amounts stays as it is.
pub(super) fn settle(invoice: &mut Invoice, credit_types: &[String]) {
    let is_negative = invoice.totals.payable.is_some_and(|payable| payable.is_sign_negative() && !payable.is_zero());
    let type_code = invoice.type_code.as_deref().map(str::to_lowercase);
    let is_credit = type_code.is_some_and(|word| credit_types.iter().any(|known| known.to_lowercase() == word));
    if is_credit || is_negative {
        invoice.kind = InvoiceKind::CreditNote;
    }
    if !is_negative {
        return;
    }
    let totals = &mut invoice.totals;
    for amount in [
        &mut totals.line_net,
        &mut totals.tax_exclusive,
        &mut totals.tax,
        &mut totals.tax_inclusive,
        &mut totals.prepaid,
        &mut totals.rounding,
        &mut totals.payable,
    ] {
        turn(amount);
    }
    for line in &mut invoice.lines {
        // quantity × price keeps giving the amount: the factor that made it negative turns with it.
        if line.net_price.is_some_and(is_below_zero) && !line.quantity.is_some_and(is_below_zero) {
            turn(&mut line.net_price);
        } else if line.net_amount.is_none_or(is_below_zero) == line.quantity.is_some_and(is_below_zero) {
            turn(&mut line.quantity);
        }
        turn(&mut line.net_amount);
    }
}

fn is_below_zero(amount: Decimal) -> bool {
    amount.is_sign_negative() && !amount.is_zero()
}

/// The other sign; zero has none.
fn turn(amount: &mut Option<Decimal>) {
    if let Some(amount) = amount.as_mut().filter(|amount| !amount.is_zero()) {
        *amount = -*amount;
    }
}

/// What the lines and the tax come to, and the total they should: both or nothing.
///
/// Without a column of tax nobody knows whether the lines contain it; a line without an amount may be any.
pub(super) fn sums(invoice: &Invoice) -> Option<(Decimal, Decimal)> {
    let totals = &invoice.totals;
    if invoice.lines.is_empty() {
        return None;
    }
    let total = match totals.tax_inclusive {
        Some(total) => total,
        None if totals.prepaid.is_none() && totals.rounding.is_none() => totals.payable?,
        None => return None,
    };
    let mut sum = totals.tax?;
    for line in &invoice.lines {
        sum = sum.checked_add(line.net_amount?)?;
    }
    (sum != total).then_some((sum, total))
}

/// Says that the two differ, at the total.
pub(super) fn mismatch(
    invoice: &Invoice,
    evidence: &[Evidence],
    start: &Location,
    sum: Decimal,
    total: Decimal,
) -> Finding {
    let field = if invoice.totals.tax_inclusive.is_some() { "totals.tax_inclusive" } else { "totals.payable" };
    let at = evidence.iter().find(|evidence| evidence.field == field).map_or(start, |evidence| &evidence.at);
    let number = invoice.number.as_deref().unwrap_or_default();
    Finding::warning(
        Code::TOTAL_MISMATCH,
        at.clone(),
        format!("the lines and the tax of invoice {number} come to {sum}, but its total is {total}"),
        "Check the total, the tax and the amounts of the lines; send the lines that are missing.",
    )
    .with_value(total.to_string())
}
