//! A row of a payer's open items.

use super::sheet::{Cells, Sheet};
use crate::Code;
use crate::canonical::Voucher;
use crate::profile::StatusEntry;

/// What tells one open item of a file from another. Installments of one invoice differ in their due date.
pub(super) const KEY: [&str; 5] = ["company_code", "vendor_no", "invoice_number", "voucher_number", "due_date"];

/// Reads the item of a row.
pub(super) fn read(sheet: &Sheet<'_>, cells: &mut Cells<'_>) -> Voucher {
    let defaults = &sheet.plan.profile.defaults;
    cells.require();
    let currency = cells.currency("currency");
    let code = currency.as_deref();
    let gross = cells.money("gross", "gross", code);
    let net = cells.money("net", "net", code);
    let tax = cells.money("tax", "tax", code);
    let open = cells.money("open", "open", code);
    let paid = cells.money("paid", "paid", code);
    let status_code = cells.text("status_code");
    let known = status_code.as_deref().and_then(|code| status(sheet, cells, code));
    Voucher {
        company_code: cells.text("company_code").or_else(|| defaults.company_code.clone()),
        vendor_no: cells.text("vendor_no"),
        site_code: cells.text("site_code"),
        vendor_name: cells.text("vendor_name"),
        invoice_number: cells.witnessed("invoice_number", "invoice_number"),
        voucher_number: cells.text("voucher_number"),
        invoice_date: cells.date("invoice_date", "invoice_date"),
        due_date: cells.date("due_date", "due_date"),
        gross,
        net,
        tax,
        open,
        paid,
        purchase_order: cells.text("purchase_order"),
        status: known.map(|entry| entry.status),
        status_text: known.and_then(|entry| entry.text.clone()),
        status_code,
        hold_codes: cells.text("hold_codes").map(|codes| hold_codes(&codes)).unwrap_or_default(),
        payment_number: cells.text("payment_number"),
        payment_date: cells.date("payment_date", "payment_date"),
        payment_method: cells.text("payment_method"),
        currency,
    }
}

/// What the profile makes of a status code: as it is written, else whatever its case.
fn status<'p>(sheet: &Sheet<'p>, cells: &mut Cells<'_>, code: &str) -> Option<&'p StatusEntry> {
    let profile = sheet.plan.profile;
    let map = &profile.status;
    let folded = || map.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, entry)| entry);
    let entry = map.get(code).or_else(folded);
    if entry.is_none() {
        let known = map.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let what = format!("`{code}` is no status code of the profile `{}`, which knows {known}", profile.name);
        cells.report(
            Code::STATUS_UNMAPPED,
            None,
            "status_code",
            code,
            &what,
            "Add the code to [status] of the profile.",
        );
        if let Some(finding) = cells.findings.last_mut() {
            finding.severity = crate::Severity::Warning;
        }
    }
    entry
}

fn hold_codes(text: &str) -> Vec<String> {
    text.split([',', ';', '|', ' ', '\t', '\n']).filter(|code| !code.is_empty()).map(str::to_owned).collect()
}
