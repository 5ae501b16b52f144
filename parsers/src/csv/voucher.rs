//! A row of a payer's open items.

use super::cells::{Cells, Path};
use super::sheet::Sheet;
use crate::Code;
use crate::canonical::{Text, Voucher};
use crate::profile::{Documents, FieldId, StatusEntry};

const fn field(name: &str) -> FieldId {
    FieldId::of(Documents::Voucher, name)
}

/// What tells one open item of a file from another. Installments of one invoice differ in their due date.
pub(super) const KEY: [FieldId; 5] =
    [field("company_code"), field("vendor_no"), NUMBER, field("voucher_number"), field("due_date")];
pub(super) const NUMBER: FieldId = field("invoice_number");

/// Reads the item of a row.
pub(super) fn read(sheet: &Sheet<'_>, cells: &mut Cells<'_>) -> Voucher {
    let defaults = &sheet.plan.profile.defaults;
    cells.require(false);
    let currency = cells.currency(const { field("currency") });
    let code = currency.as_ref();
    let gross = cells.money(const { field("gross") }, Path::Own("gross"), code);
    let net = cells.money(const { field("net") }, Path::Own("net"), code);
    let tax = cells.money(const { field("tax") }, Path::Own("tax"), code);
    let open = cells.money(const { field("open") }, Path::Own("open"), code);
    let paid = cells.money(const { field("paid") }, Path::Own("paid"), code);
    let status_code = cells.text(STATUS);
    let known = status_code.as_deref().and_then(|code| status(sheet, cells, code));
    Voucher {
        company_code: cells
            .text(const { field("company_code") })
            .or_else(|| defaults.company_code.clone().map(Into::into)),
        vendor_no: cells.text(const { field("vendor_no") }),
        site_code: cells.text(const { field("site_code") }),
        vendor_name: cells.text(const { field("vendor_name") }),
        invoice_number: cells.witnessed(NUMBER, Path::Own("invoice_number")),
        voucher_number: cells.text(const { field("voucher_number") }),
        invoice_date: cells.date(const { field("invoice_date") }, Path::Own("invoice_date")),
        due_date: cells.date(const { field("due_date") }, Path::Own("due_date")),
        gross,
        net,
        tax,
        open,
        paid,
        purchase_order: cells.text(const { field("purchase_order") }),
        status: known.map(|entry| entry.status),
        status_text: known.and_then(|entry| entry.text.clone()).map(Into::into),
        status_code,
        hold_codes: cells.text(const { field("hold_codes") }).map(|codes| hold_codes(&codes)).unwrap_or_default(),
        payment_number: cells.text(const { field("payment_number") }),
        payment_date: cells.date(const { field("payment_date") }, Path::Own("payment_date")),
        payment_method: cells.text(const { field("payment_method") }),
        currency: currency.map(|money| money.code),
    }
}

const STATUS: FieldId = field("status_code");

/// What the profile makes of a status code: as it is written, else whatever its case.
fn status<'p>(sheet: &Sheet<'p>, cells: &mut Cells<'_>, code: &str) -> Option<&'p StatusEntry> {
    let profile = sheet.plan.profile;
    let map = &profile.status;
    let folded = || map.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, entry)| entry);
    let entry = map.get(code).or_else(folded);
    if entry.is_none() {
        let known = map.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let what = format!("`{code}` is no status code of the profile `{}`, which knows {known}", profile.name);
        cells.report(Code::STATUS_UNMAPPED, None, STATUS, code, &what, "Add the code to [status] of the profile.");
        cells.only_warn();
    }
    entry
}

fn hold_codes(text: &str) -> Vec<Text> {
    text.split([',', ';', '|', ' ', '\t', '\n']).filter(|code| !code.is_empty()).map(Text::from).collect()
}
