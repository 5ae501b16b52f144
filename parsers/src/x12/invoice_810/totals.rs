//! What an 810 adds up to: an 810 states one total (TDS01), the rest is derived from its lines, charges
//! and taxes; a credit note's amounts are turned positive.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::canonical::{AllowanceCharge, Invoice, InvoiceKind, Line};

/// Σ of what was read, as it was signed in the file.
#[derive(Default)]
pub(super) struct Sums {
    /// Per line, quantity × price ÷ basis; `None` where the file does not give both.
    pub(super) products: Vec<Option<Decimal>>,
    /// Σ TXI02 of the lines, and of the summary.
    pub(super) line_tax: Decimal,
    pub(super) tax: Decimal,
    pub(super) has_tax: bool,
    /// A part of the sum is not known: a price, a charge's amount.
    pub(super) unknown: bool,
}

/// TDS01 does not agree with what was read.
pub(super) struct Disagreement {
    pub(super) lines: Decimal,
    pub(super) charges: Decimal,
    pub(super) allowances: Decimal,
    pub(super) tax: Decimal,
    pub(super) sum: Decimal,
}

/// Quantity × price ÷ basis, exact: the bases are powers of ten.
pub(in crate::x12) fn product(line: &Line) -> Option<Decimal> {
    let product = line.quantity?.checked_mul(line.net_price?)?;
    match line.price_base_quantity {
        Some(basis) => product.checked_div(basis),
        None => Some(product),
    }
}

/// Turns a credit note's amounts positive, kind by kind: a sender who writes its total as a negative
/// number need not write its lines so. One kind keeps its mix of signs; only its sum decides.
pub(super) fn turn_credit_positive(invoice: &mut Invoice, sums: &mut Sums) {
    if invoice.kind != InvoiceKind::CreditNote {
        return;
    }
    if let Some(total) = invoice.totals.payable {
        invoice.totals.payable = Some(total.abs());
    }
    if is_negative(sums.products.iter().flatten().copied()) {
        for (line, product) in invoice.lines.iter_mut().zip(&mut sums.products) {
            *product = product.map(|product| -product);
            match (line.quantity, line.net_price) {
                (_, Some(price)) if price.is_sign_negative() => line.net_price = Some(-price),
                (Some(quantity), _) => line.quantity = Some(-quantity),
                _ => {}
            }
        }
    }
    let header = invoice.allowances_charges.iter();
    let all = header.chain(invoice.lines.iter().flat_map(|line| &line.allowances_charges));
    if is_negative(all.filter_map(|charge| charge.amount)) {
        let lines = invoice.lines.iter_mut().flat_map(|line| &mut line.allowances_charges);
        for charge in invoice.allowances_charges.iter_mut().chain(lines) {
            charge.amount = charge.amount.map(|amount| -amount);
        }
    }
    if sums.tax.is_sign_negative() {
        sums.tax = -sums.tax;
        for tax in &mut invoice.tax_breakdown {
            tax.tax = tax.tax.map(|amount| -amount);
            tax.base = tax.base.map(|amount| amount.abs());
        }
    }
    sums.line_tax = sums.line_tax.abs();
}

fn is_negative(mut amounts: impl Iterator<Item = Decimal>) -> bool {
    let sum = amounts.try_fold(Decimal::ZERO, Decimal::checked_add);
    sum.is_some_and(|sum| sum < Decimal::ZERO)
}

/// Fills in what follows from the rest. `None` where a number no longer fits: it stays absent.
pub(super) fn derive(invoice: &mut Invoice, sums: &Sums) {
    let mut line_net = Some(Decimal::ZERO);
    for (line, product) in invoice.lines.iter_mut().zip(&sums.products) {
        // BT-131 has the line's own allowances and charges in it.
        line.net_amount = product.and_then(|product| product.checked_add(balance(&line.allowances_charges)?));
        line_net = line_net.and_then(|sum| sum.checked_add(line.net_amount?));
    }
    let totals = &mut invoice.totals;
    totals.line_net = line_net.filter(|_| !invoice.lines.is_empty());
    totals.charges = sum_of(&invoice.allowances_charges, true);
    totals.allowances = sum_of(&invoice.allowances_charges, false);
    totals.tax = sums.has_tax.then_some(sums.tax);
    totals.tax_inclusive = totals.payable;
    totals.tax_exclusive = totals.payable.and_then(|payable| payable.checked_sub(sums.tax));
}

/// Whether TDS01 is Σ lines + Σ charges − Σ allowances + Σ taxes. No standard says so (X12 leaves it to
/// the partners), hence every usual reading of the file may satisfy it: charges repeated in the summary
/// for its lines, and a tax given both as SAC (H850) and as TXI, count once.
pub(super) fn disagreement(invoice: &Invoice, sums: &Sums) -> Option<Disagreement> {
    let total = invoice.totals.payable?;
    if sums.unknown || sums.products.iter().any(Option::is_none) {
        return None;
    }
    let mut lines = Decimal::ZERO;
    for product in sums.products.iter().flatten() {
        lines = lines.checked_add(to_cents(*product))?;
    }
    let header = balance(&invoice.allowances_charges)?;
    let mut of_lines = Decimal::ZERO;
    for line in &invoice.lines {
        of_lines = of_lines.checked_add(balance(&line.allowances_charges)?)?;
    }
    let both = header.checked_add(of_lines)?;
    let has_both = !invoice.allowances_charges.is_empty() && !of_lines.is_zero();
    let charge_readings = [Some(both), has_both.then_some(header), has_both.then_some(of_lines)];
    let is_twice = invoice.allowances_charges.iter().any(|charge| charge.reason_code.as_deref() == Some("H850"));
    let both_taxes = sums.tax.checked_add(sums.line_tax)?;
    let tax_readings = [Some(sums.tax), Some(both_taxes), is_twice.then_some(Decimal::ZERO)];
    // Only a product of more than two decimals can be rounded otherwise than here.
    let rounded = sums.products.iter().flatten().filter(|product| to_cents(**product) != **product).count();
    let half_cents = Decimal::from(rounded).checked_mul(Decimal::new(5, 3))?;
    let tolerance = half_cents.max(Decimal::new(1, 2));
    for charges in charge_readings.into_iter().flatten() {
        for tax in tax_readings.into_iter().flatten() {
            let sum = lines.checked_add(charges)?.checked_add(tax)?;
            if total.checked_sub(sum)?.abs() <= tolerance {
                return None;
            }
        }
    }
    Some(Disagreement {
        lines,
        charges: every(invoice, true)?,
        allowances: every(invoice, false)?,
        tax: sums.tax,
        sum: lines.checked_add(both)?.checked_add(sums.tax)?,
    })
}

/// Half a cent goes up, away from zero.
fn to_cents(amount: Decimal) -> Decimal {
    if amount.scale() <= 2 {
        return amount;
    }
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// Charges less allowances.
fn balance(charges: &[AllowanceCharge]) -> Option<Decimal> {
    charges.iter().try_fold(Decimal::ZERO, |sum, charge| {
        let amount = charge.amount.unwrap_or_default();
        if charge.is_charge { sum.checked_add(amount) } else { sum.checked_sub(amount) }
    })
}

/// Σ charges or Σ allowances of the header; absent when there are none.
fn sum_of(charges: &[AllowanceCharge], is_charge: bool) -> Option<Decimal> {
    let mut amounts = charges.iter().filter(|charge| charge.is_charge == is_charge).peekable();
    amounts.peek()?;
    amounts.try_fold(Decimal::ZERO, |sum, charge| sum.checked_add(charge.amount?))
}

/// Σ charges or Σ allowances, header and lines.
fn every(invoice: &Invoice, is_charge: bool) -> Option<Decimal> {
    let lines = invoice.lines.iter().flat_map(|line| &line.allowances_charges);
    let all = invoice.allowances_charges.iter().chain(lines).filter(|charge| charge.is_charge == is_charge);
    all.filter_map(|charge| charge.amount).try_fold(Decimal::ZERO, Decimal::checked_add)
}
