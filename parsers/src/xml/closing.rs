//! The end of a document of a vocabulary that claims no specification: its sums are looked at, its sign is
//! turned where the format writes credit with a minus, and it is told.

use rust_decimal::Decimal;

use super::desk::Desk;
use super::draft::{self, Draft};
use super::stream::Trouble;
use crate::canonical::{AllowanceCharge, Body, Invoice, InvoiceKind, Text};
use crate::rules::Claim;
use crate::{Document, Location};

/// What a document is besides its content.
#[derive(Debug, Clone)]
pub(super) struct Cover {
    pub(super) format: String,
    pub(super) version: Option<String>,
    pub(super) control: Vec<(Text, Text)>,
}

/// Tells an invoice: the arithmetic of EN 16931 is looked at, and what is off is a warning.
pub(super) fn tell_invoice(
    mut draft: Draft<Invoice>,
    cover: Cover,
    whole: Location,
    desk: &mut Desk<'_, '_>,
) -> Result<(), Trouble> {
    let invoice = std::mem::take(&mut draft.body);
    let broken = draft.broken_rules(&invoice, &whole, Claim::None);
    draft.findings.extend(broken);
    tell(draft, Body::Invoice(Box::new(invoice)), cover, whole, desk)
}

/// Tells a document of another kind.
pub(super) fn tell<B>(
    draft: Draft<B>,
    body: Body,
    cover: Cover,
    whole: Location,
    desk: &mut Desk<'_, '_>,
) -> Result<(), Trouble> {
    let mut findings = draft.findings;
    draft::sort(&mut findings);
    let Cover { format, version, control } = cover;
    let document = Document {
        ordinal: 0,
        format: format.into(),
        version: version.map(Into::into),
        location: whole,
        control,
        evidence: draft.evidence,
        body,
    };
    desk.document(document, findings)
}

/// Some formats write what is credited with a minus. The canonical credit note is positive: then every amount
/// and every quantity is turned, and the evidence keeps what was written.
pub(super) fn turn_if_negative(invoice: &mut Invoice) {
    let totals = &invoice.totals;
    let is_negative = [totals.payable, totals.tax_inclusive, totals.tax_exclusive, totals.line_net]
        .into_iter()
        .flatten()
        .find(|amount| !amount.is_zero())
        .is_some_and(|amount| amount.is_sign_negative());
    if invoice.kind == InvoiceKind::CreditNote && is_negative {
        turn(invoice);
    }
}

fn turn(invoice: &mut Invoice) {
    let totals = &mut invoice.totals;
    for amount in [
        &mut totals.line_net,
        &mut totals.allowances,
        &mut totals.charges,
        &mut totals.tax_exclusive,
        &mut totals.tax,
        &mut totals.tax_in_tax_currency,
        &mut totals.tax_inclusive,
        &mut totals.prepaid,
        &mut totals.rounding,
        &mut totals.withheld,
        &mut totals.payable,
    ] {
        negate(amount);
    }
    for tax in &mut invoice.tax_breakdown {
        negate(&mut tax.base);
        negate(&mut tax.tax);
    }
    for withholding in &mut invoice.withholdings {
        negate(&mut withholding.base);
        negate(&mut withholding.amount);
    }
    invoice.allowances_charges.iter_mut().for_each(turn_part);
    for line in &mut invoice.lines {
        // A price is no amount: the quantity carries the sign. Where it does not, the price did.
        let quantity_is_negative = line.quantity.is_some_and(|quantity| quantity.is_sign_negative());
        let price_is_negative = line.net_price.is_some_and(|price| price.is_sign_negative());
        if quantity_is_negative {
            negate(&mut line.quantity);
        } else if price_is_negative {
            negate(&mut line.net_price);
            negate(&mut line.gross_price);
        }
        negate(&mut line.net_amount);
        line.allowances_charges.iter_mut().for_each(turn_part);
    }
}

fn turn_part(part: &mut AllowanceCharge) {
    negate(&mut part.amount);
    negate(&mut part.base);
}

fn negate(amount: &mut Option<Decimal>) {
    if let Some(amount) = amount {
        // Zero has no sign in a file.
        if !amount.is_zero() {
            *amount = -*amount;
        }
    }
}
