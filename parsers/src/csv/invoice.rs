//! Invoices: the document's own fields from its first row, and a line from each.

use rust_decimal::Decimal;

use super::cells::{Cells, Money, Path};
use super::draft::is_same_word;
use super::sheet::Sheet;
use crate::canonical::{
    CreditTransfer, Evidence, Identifier, Invoice, InvoiceKind, Line, Note, Party, Payment, PaymentTerms, Preceding,
    References, Totals,
};
use crate::profile::{Documents, FieldId};
use crate::{Code, Finding, Location};

const fn field(name: &str) -> FieldId {
    FieldId::of(Documents::Invoice, name)
}

/// What tells one invoice of a file from another.
pub(super) const KEY: [FieldId; 3] = [field("seller_id"), field("seller_name"), NUMBER];
pub(super) const NUMBER: FieldId = field("number");

/// Reads the document's own fields, as they are written: [`settle`] makes a credit note's amounts positive.
pub(super) fn read(sheet: &Sheet<'_>, cells: &mut Cells<'_>) -> (Box<Invoice>, Option<Money>) {
    cells.require(false);
    let currency = cells.currency(const { field("currency") });
    let mut total = |field, path| cells.money(field, Path::Own(path), currency.as_ref());
    let totals = Totals {
        line_net: total(const { field("line_net") }, "totals.line_net"),
        tax_exclusive: total(const { field("tax_exclusive") }, "totals.tax_exclusive"),
        tax: total(const { field("tax") }, "totals.tax"),
        tax_inclusive: total(const { field("tax_inclusive") }, "totals.tax_inclusive"),
        prepaid: total(const { field("prepaid") }, "totals.prepaid"),
        rounding: total(const { field("rounding") }, "totals.rounding"),
        payable: total(const { field("payable") }, "totals.payable"),
        ..Totals::default()
    };
    let terms =
        cells.text(const { field("terms") }).map(|text| PaymentTerms { text: Some(text), ..PaymentTerms::default() });
    let account = cells
        .text(const { field("payment_account") })
        .map(|account| CreditTransfer { account, ..CreditTransfer::default() });
    let payment = |transfer| Payment { credit_transfers: vec![transfer], ..Payment::default() };
    let preceding =
        cells.text(const { field("preceding_number") }).map(|number| Preceding { number, issue_date: None });
    let buyer = const { [field("buyer_id"), field("buyer_name"), field("buyer_vat_id")] };
    let mut buyer = party(cells, "buyer_no", buyer);
    buyer.name = buyer.name.or_else(|| sheet.plan.profile.defaults.buyer_name.clone().map(Into::into));
    let note = cells.text(const { field("note") }).map(|text| Note { subject: None, text });
    let seller = const { [field("seller_id"), field("seller_name"), field("seller_vat_id")] };
    let invoice = Box::new(Invoice {
        number: cells.witnessed(NUMBER, Path::Own("number")),
        issue_date: cells.date(const { field("issue_date") }, Path::Own("issue_date")),
        due_date: cells.date(const { field("due_date") }, Path::Own("due_date")),
        type_code: cells.text(const { field("type") }),
        buyer_reference: cells.text(const { field("buyer_reference") }),
        references: References {
            purchase_order: cells.text(const { field("purchase_order") }),
            contract: cells.text(const { field("contract") }),
            ..References::default()
        },
        seller: party(cells, "vendor_no", seller),
        buyer,
        notes: note.into_iter().collect(),
        preceding: preceding.into_iter().collect(),
        payments: account.map(payment).into_iter().collect(),
        terms,
        totals,
        currency: currency.as_ref().map(|money| money.code.clone()),
        ..Invoice::default()
    });
    (invoice, currency)
}

fn party(cells: &mut Cells<'_>, scheme: &str, [id, name, vat_id]: [FieldId; 3]) -> Party {
    let id = cells.text(id).map(|value| Identifier { scheme: Some(scheme.into()), value });
    Party { name: cells.text(name), ids: id.into_iter().collect(), vat_id: cells.text(vat_id), ..Party::default() }
}

/// Reads a row's line and adds it; whether the row has anything of one. It is filled where it stays.
pub(super) fn read_line(cells: &mut Cells<'_>, lines: &mut Vec<Line>, currency: Option<&Money>) -> bool {
    cells.require(true);
    lines.push(Line::default());
    let Some(line) = lines.last_mut() else { return false };
    line.net_amount = cells.money(const { field("line_amount") }, Path::Line("net_amount"), currency);
    line.id = cells.text(const { field("line_id") });
    line.quantity = cells.amount(const { field("line_quantity") }, Path::Line("quantity"));
    line.unit = cells.text(const { field("line_unit") });
    line.net_price = cells.amount(const { field("line_price") }, Path::Line("net_price"));
    line.tax_rate = cells.amount(const { field("line_tax_rate") }, Path::Line("tax_rate"));
    line.item.name = cells.text(const { field("line_description") });
    line.item.seller_id = cells.text(const { field("line_item") });
    let is_empty = line.id.is_none()
        && line.quantity.is_none()
        && line.unit.is_none()
        && line.net_price.is_none()
        && line.tax_rate.is_none()
        && line.net_amount.is_none()
        && line.item.name.is_none()
        && line.item.seller_id.is_none();
    if is_empty {
        lines.pop();
    }
    !is_empty
}

/// Decides what kind of document it is. A negative total makes a credit note, and every amount turns with
/// it; a credit note that is written with positive amounts stays as it is.
pub(super) fn settle(invoice: &mut Invoice, credit_types: &[String]) {
    let is_negative = invoice.totals.payable.is_some_and(|payable| payable.is_sign_negative() && !payable.is_zero());
    let type_code = invoice.type_code.as_deref();
    let is_credit = type_code.is_some_and(|word| credit_types.iter().any(|known| is_same_word(known, word)));
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
