//! What the exchange system (SdI) checks of an invoice's sums, under its own numbers: 00400 and 00401 on
//! natures, 00411 on withholding, 00421 on tax, 00422 on taxable amounts, 00423 on prices.
//!
//! The exchange system has looked already, so that a fault here is a warning: the file did not come through
//! it, or it was changed since.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::body::Body;
use crate::Location;
use crate::canonical::{AllowanceCharge, Invoice, Line};
use crate::xml::draft::Draft;
use crate::xml::values::{Doubts, sum};

/// The exchange system allows one cent.
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

pub(super) fn check(draft: &mut Draft<Invoice>, body: &Body, whole: &Location) {
    let mut doubts = Doubts::default();
    let invoice = &draft.body;
    check_lines(&mut doubts, invoice);
    check_summaries(&mut doubts, invoice, body);
    if let Some(line) = body.line_withholds.filter(|_| invoice.withholdings.is_empty()) {
        let message = "tax is withheld on a line, but the document says nothing of withholding".to_owned();
        doubts.add("SDI-00411", &format!("lines[{line}]"), message, "Write `DatiRitenuta`.");
    }
    check_total(&mut doubts, invoice, body);
    draft.settle(doubts, whole);
}

/// 00423: a line's amount is its price, less discounts, times its quantity.
fn check_lines(doubts: &mut Doubts, invoice: &Invoice) {
    for (index, line) in invoice.lines.iter().enumerate() {
        let (Some(stated), Some(expected)) = (line.net_amount, expected_of(line)) else { continue };
        if !is_near(stated, expected, CENT) {
            let message = format!("`PrezzoTotale` says {stated}, but price and quantity make {}", expected.normalize());
            let fix = "Correct the amount of the line, its price, its quantity or its discounts.";
            doubts.add("SDI-00423", &format!("lines[{index}].net_amount"), message, fix);
        }
    }
}

fn expected_of(line: &Line) -> Option<Decimal> {
    let price = discounted(line.net_price?, &line.allowances_charges)?;
    price.checked_mul(line.quantity.unwrap_or(Decimal::ONE))
}

/// Discounts apply one after another, each to what the last has left.
fn discounted(price: Decimal, parts: &[AllowanceCharge]) -> Option<Decimal> {
    parts.iter().try_fold(price, |price, part| {
        let less = match (part.amount, part.percent) {
            (Some(amount), _) => amount,
            (None, Some(percent)) => price.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?,
            (None, None) => return None,
        };
        if part.is_charge { price.checked_add(less) } else { price.checked_sub(less) }
    })
}

fn check_summaries(doubts: &mut Doubts, invoice: &Invoice, body: &Body) {
    let taxable = taxable_by_rate(invoice, body);
    let mut summaries: HashMap<Option<Decimal>, usize> = HashMap::new();
    for tax in &invoice.tax_breakdown {
        *summaries.entry(tax.rate).or_insert(0) += 1;
    }
    for (index, tax) in invoice.tax_breakdown.iter().enumerate() {
        let field = format!("tax_breakdown[{index}]");
        if let (Some(base), Some(rate), Some(stated)) = (tax.base, tax.rate, tax.tax)
            && let Some(expected) = base.checked_mul(rate).and_then(|tax| tax.checked_div(Decimal::ONE_HUNDRED))
            && !is_near(stated, expected, CENT)
        {
            let message = format!("`Imposta` says {stated}, but {rate} % of {base} is {}", expected.normalize());
            doubts.add("SDI-00421", &format!("{field}.tax"), message, "Correct the tax or its base.");
        }
        let is_zero = tax.rate.is_some_and(|rate| rate.is_zero());
        if is_zero && tax.exemption_code.is_none() {
            let message = "the rate is zero, and no `Natura` says why".to_owned();
            doubts.add("SDI-00400", &format!("{field}.rate"), message, "Write `Natura` where the rate is zero.");
        }
        if tax.rate.is_some() && !is_zero && tax.exemption_code.is_some() {
            let message = "there is a `Natura` although the rate is not zero".to_owned();
            doubts.add("SDI-00401", &format!("{field}.rate"), message, "Leave `Natura` out.");
        }
        // Two summaries of one rate share its lines, by nature: then nobody can say which is whose.
        let is_alone = summaries.get(&tax.rate) == Some(&1);
        let expected = taxable.get(&tax.rate).copied().unwrap_or(Some(Decimal::ZERO)).filter(|_| is_alone);
        if let (Some(stated), Some(expected)) = (tax.base, expected)
            && !is_near(stated, expected, Decimal::ONE)
        {
            let message = format!("`ImponibileImporto` says {stated}, but the lines of that rate add up to {expected}");
            let fix = "Correct the taxable amount, or the line that is wrong.";
            doubts.add("SDI-00422", &format!("{field}.base"), message, fix);
        }
    }
}

/// 00422: the taxable amount of a rate is what its lines and funds come to; `None` where one is not known.
fn taxable_by_rate(invoice: &Invoice, body: &Body) -> HashMap<Option<Decimal>, Option<Decimal>> {
    let lines = invoice.lines.iter().map(|line| (line.tax_rate, line.net_amount));
    let funds = body.funds.iter().map(|fund| (fund.rate, fund.amount));
    let mut taxable = HashMap::new();
    for (rate, amount) in lines.chain(funds) {
        let sum = taxable.entry(rate).or_insert(Some(Decimal::ZERO));
        *sum = sum.zip(amount).and_then(|(sum, amount): (Decimal, Decimal)| sum.checked_add(amount));
    }
    taxable
}

/// The total is what the summaries come to, with discounts of the whole document taken off.
fn check_total(doubts: &mut Doubts, invoice: &Invoice, body: &Body) {
    let parts = invoice.tax_breakdown.iter().flat_map(|tax| [tax.base, tax.tax]);
    let (Some(stated), Some(summed)) = (invoice.totals.tax_inclusive, sum(parts)) else { return };
    let of_document = invoice.allowances_charges.get(body.funds.len()..).unwrap_or_default();
    let Some(expected) = discounted(summed, of_document) else { return };
    // Stamp duty may or may not be in the total.
    let with_stamp = expected.checked_add(Decimal::TWO);
    let is_fine = is_near(stated, expected, CENT) || with_stamp.is_some_and(|more| is_near(stated, more, CENT));
    if !is_fine && !invoice.tax_breakdown.is_empty() {
        let message = format!("`ImportoTotaleDocumento` says {stated}, but the summaries come to {expected}");
        doubts.add("FPA-TOTAL", "totals.tax_inclusive", message, "Correct the total of the document.");
    }
}

fn is_near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool {
    one.checked_sub(other).is_some_and(|difference| difference.abs() <= tolerance)
}
