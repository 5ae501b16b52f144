//! A payer's remittance table: the payment from its first row, and a settled document from each.

use rust_decimal::Decimal;

use super::cells::{Cells, Money, Path};
use super::draft::is_same_word;
use super::sheet::Sheet;
use crate::canonical::{
    Account, Adjustment, Evidence, Identifier, Party, RemittanceAdvice, RemittanceLine, SettledKind,
};
use crate::profile::{Documents, FieldId};
use crate::{Code, Finding, Location};

const fn field(name: &str) -> FieldId {
    FieldId::of(Documents::Remittance, name)
}

/// What tells one payment of a file from another.
pub(super) const KEY: [FieldId; 4] = [field("payer_id"), field("payee_id"), field("payee_name"), NUMBER];
pub(super) const NUMBER: FieldId = field("payment_number");

/// Reads the payment's own fields.
pub(super) fn read(sheet: &Sheet<'_>, cells: &mut Cells<'_>) -> (RemittanceAdvice, Option<Money>) {
    cells.require(false);
    let currency = cells.currency(const { field("currency") });
    let total = cells.money(const { field("payment_amount") }, Path::Own("total"), currency.as_ref());
    let number = cells.witnessed(NUMBER, Path::Own("number"));
    let trace = number.clone().map(|value| Identifier { scheme: Some("payment_number".into()), value });
    let account = |number| Account { number: Some(number), ..Account::default() };
    let mut payer = party(cells, "payer_no", const { [field("payer_id"), field("payer_name")] });
    payer.name = payer.name.or_else(|| sheet.plan.profile.defaults.buyer_name.clone().map(Into::into));
    let advice = RemittanceAdvice {
        number: cells.text(const { field("advice_number") }).or(number),
        issue_date: cells.date(const { field("issue_date") }, Path::Own("issue_date")),
        payment_date: cells.date(const { field("payment_date") }, Path::Own("payment_date")),
        method: cells.text(const { field("payment_method") }),
        currency: currency.as_ref().map(|money| money.code.clone()),
        total,
        payer,
        payee: party(cells, "vendor_no", const { [field("payee_id"), field("payee_name")] }),
        payer_account: cells.text(const { field("payer_account") }).map(account),
        payee_account: cells.text(const { field("payee_account") }).map(account),
        traces: trace.into_iter().collect(),
        notes: cells.text(const { field("note") }).into_iter().collect(),
        ..RemittanceAdvice::default()
    };
    (advice, currency)
}

fn party(cells: &mut Cells<'_>, scheme: &str, [id, name]: [FieldId; 2]) -> Party {
    let id = cells.text(id).map(|value| Identifier { scheme: Some(scheme.into()), value });
    Party { name: cells.text(name), ids: id.into_iter().collect(), ..Party::default() }
}

/// Reads the settled document of a row; `None` where the row has nothing of one.
pub(super) fn read_line(
    cells: &mut Cells<'_>,
    currency: Option<&Money>,
    credit_types: &[String],
) -> Option<RemittanceLine> {
    cells.require(true);
    let original = cells.money(const { field("invoice_amount") }, Path::Line("original"), currency);
    let discount = cells.money(const { field("discount") }, Path::Line("discount"), currency);
    let mut paid = cells.money(const { field("paid") }, Path::Line("paid"), currency);
    let adjusted = cells.money(const { field("adjustment") }, Path::Line("adjustments[0].amount"), currency);
    let reason = cells.text(const { field("adjustment_reason") });
    let type_code = cells.text(const { field("document_type") });
    let word = type_code.as_deref();
    let is_credit = word.is_some_and(|word| credit_types.iter().any(|known| is_same_word(known, word)));
    if is_credit {
        // A credit note takes away from the payment, whatever sign the table writes.
        paid = paid.map(|paid| if paid.is_zero() { paid } else { -paid.abs() });
    }
    let is_negative = paid.is_some_and(|paid| paid.is_sign_negative() && !paid.is_zero());
    let adjustment = |amount| Adjustment { amount, reason, ..Adjustment::default() };
    let voucher = cells.text(const { field("voucher_number") });
    let voucher = voucher.map(|value| Identifier { scheme: Some("voucher_number".into()), value });
    let line = RemittanceLine {
        document_type: if is_credit || is_negative { SettledKind::CreditNote } else { SettledKind::Invoice },
        type_code,
        document_number: cells.witnessed(const { field("invoice_number") }, Path::Line("document_number")),
        document_date: cells.date(const { field("invoice_date") }, Path::Line("document_date")),
        purchase_order: cells.text(const { field("purchase_order") }),
        original,
        paid,
        discount,
        adjustments: adjusted.filter(|amount| !amount.is_zero()).map(adjustment).into_iter().collect(),
        references: voucher.into_iter().collect(),
        note: cells.text(const { field("line_note") }),
    };
    (line != RemittanceLine::default()).then_some(line)
}

/// What the lines come to, and what the payment says it is, where they differ.
pub(super) fn sums(advice: &RemittanceAdvice) -> Option<(Decimal, Decimal)> {
    let total = advice.total?;
    if advice.lines.is_empty() {
        return None;
    }
    let mut sum = Decimal::ZERO;
    for line in &advice.lines {
        sum = sum.checked_add(line.paid?)?;
    }
    (sum != total).then_some((sum, total))
}

/// Says that the two differ, at the payment's amount.
pub(super) fn mismatch(
    advice: &RemittanceAdvice,
    evidence: &[Evidence],
    start: &Location,
    sum: Decimal,
    total: Decimal,
) -> Finding {
    let at = evidence.iter().find(|evidence| evidence.field == "total").map_or(start, |evidence| &evidence.at);
    let number = advice.number.as_deref().unwrap_or_default();
    Finding::warning(
        Code::TOTAL_MISMATCH,
        at.clone(),
        format!("the documents of payment {number} are paid {sum} in all, but the payment is {total}"),
        "Check the payment's amount and what is paid of each document; send the rows that are missing.",
    )
    .with_rule("REMIT-SUM")
    .with_value(total.to_string())
}
