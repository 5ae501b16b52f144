//! What is checked when an INVOIC ends.

use rust_decimal::Decimal;

use super::InvoicReader;
use super::line::product;
use crate::canonical::AllowanceCharge;
use crate::edifact::record::Kept;
use crate::finding::{Code, Finding};
use crate::rules::{self, Claim, Places};
use crate::text::brief;

impl InvoicReader {
    pub(super) fn check_present(&mut self, unh: &Kept) {
        if !self.seen_bgm {
            let finding = Finding::error(
                Code::EDI_SEGMENT_MISSING,
                unh.location.clone(),
                "this INVOIC has no BGM segment, and thus no invoice number",
                "Send BGM right after UNH, with the document's type in C002 and its number in 1004.",
            );
            self.record.report(finding.with_rule("MISSING-BGM").with_field("BGM").with_excerpt(&unh.excerpt));
        }
        if !self.found_any {
            let finding = Finding::error(
                Code::EDI_SEGMENT_MISSING,
                unh.location.clone(),
                "this INVOIC has no MOA segment with a total amount",
                "Send the total amount after UNS, in MOA+9, MOA+77 or MOA+86.",
            );
            self.record.report(finding.with_rule("MISSING-MOA").with_field("MOA").with_excerpt(&unh.excerpt));
        }
    }

    pub(super) fn check_line_count(&mut self) {
        let counted = self.invoice.lines.len();
        let Some((place, declared, excerpt)) = self.lines_declared.take() else { return };
        if declared.parse() == Ok(counted) {
            return;
        }
        let finding = Finding::error(
            Code::EDI_COUNT_MISMATCH,
            place,
            format!("CNT says {} lines, but this INVOIC has {counted} (LIN)", brief(&declared)),
            "Check that no line was lost or doubled, and write the number of LIN segments into CNT+2.",
        );
        self.record.report(finding.with_rule("CNT-LIN").with_field("CNT").with_value(&declared).with_excerpt(excerpt));
    }

    /// Who claims EN 16931 is held to it. For all others the sums are looked at, as warnings, and the
    /// total has to be some usual sum of what was read.
    pub(super) fn check_sums(&mut self, unh: &Kept) {
        let claim = rules::claim_of(self.invoice.specification_id.as_deref());
        if claim == Claim::None {
            self.check_total();
            self.fill_sums_of_charges();
            // Places cost time; most invoices are right.
            let nowhere = Places::new(&[], &[], unh.location.clone());
            if rules::check(&self.invoice, &nowhere, claim, 1).is_empty() {
                return;
            }
        }
        let parts: Vec<_> = self.places.iter().map(|(name, place)| (name.to_string(), place.clone())).collect();
        let places = Places::new(&self.record.evidence, &parts, unh.location.clone());
        let findings = rules::check(&self.invoice, &places, claim, self.record.limits.findings_max);
        findings.into_iter().for_each(|finding| self.record.report(finding));
    }

    /// BT-107 and BT-108 have no place in most guides: what is not stated is the sum of its parts.
    fn fill_sums_of_charges(&mut self) {
        let sum = |is_charge: bool| {
            let mut parts =
                self.invoice.allowances_charges.iter().filter(|part| part.is_charge == is_charge).peekable();
            parts.peek()?;
            parts.try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part.amount?))
        };
        let (allowances, charges) = (sum(false), sum(true));
        let totals = &mut self.invoice.totals;
        totals.allowances = totals.allowances.or(allowances);
        totals.charges = totals.charges.or(charges);
    }

    /// MOA-ARITH: the total is no sum of what was read. No directory says which of the amounts it must
    /// be, hence every usual reading of the message may satisfy it.
    fn check_total(&mut self) {
        let Some(total) = self.total() else { return };
        let count = Decimal::from(self.invoice.lines.len());
        let half_cents = count.checked_mul(Decimal::new(5, 3)).unwrap_or_default();
        let tolerance = half_cents.max(Decimal::new(1, 2));
        let is_near = |sum: Decimal| total.abs().checked_sub(sum.abs()).is_some_and(|off| off.abs() <= tolerance);
        let Some(first) = self.first_reading_of_none(is_near) else { return };
        let field = if self.invoice.totals.tax_inclusive.is_some() { "totals.tax_inclusive" } else { "totals.payable" };
        let Some(proof) = self.record.evidence.iter().find(|evidence| evidence.field == field) else { return };
        let message = format!(
            "MOA says {total} in all, but net amounts ({}), charges less allowances ({}) and taxes ({}) make {}",
            first.net, first.charges, first.tax, first.sum
        );
        let finding = Finding::error(
            Code::TOTAL_MISMATCH,
            proof.at.clone(),
            message,
            "Check the lines, ALC and TAX against the total, and send the invoice again with the right one.",
        );
        let finding = finding.with_rule("MOA-ARITH").with_field("MOA C516.5004").with_value(&proof.raw);
        self.record.report(finding);
    }

    /// The total with taxes: as it is stated, or the amount due without what was paid before.
    fn total(&self) -> Option<Decimal> {
        let totals = &self.invoice.totals;
        totals.tax_inclusive.or_else(|| {
            let payable = totals.payable?.checked_add(totals.prepaid.unwrap_or_default())?;
            payable.checked_sub(totals.rounding.unwrap_or_default())
        })
    }

    /// The first usual sum, where none of them is the one that is sought; `None` when one is, or too little is
    /// known to say anything.
    fn first_reading_of_none(&self, is_sought: impl Fn(Decimal) -> bool) -> Option<Reading> {
        let invoice = &self.invoice;
        let totals = &invoice.totals;
        let of_lines = invoice
            .lines
            .iter()
            .try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.net_amount.or_else(|| product(line))?));
        let of_lines = of_lines.filter(|_| !invoice.lines.is_empty());
        let header = balance(&invoice.allowances_charges)?;
        let mut on_lines = Decimal::ZERO;
        for line in &invoice.lines {
            on_lines = on_lines.checked_add(balance(&line.allowances_charges)?)?;
        }
        let stated = totals.charges.unwrap_or_default().checked_sub(totals.allowances.unwrap_or_default())?;
        let mut charges = vec![header, header.checked_add(on_lines)?, on_lines, stated, Decimal::ZERO];
        charges.extend(self.balance_stated());
        charges.extend(self.balance_stated().map(|balance| -balance));
        let mut broken_down = invoice.tax_breakdown.iter().filter_map(|tax| tax.tax);
        let broken_down = broken_down.try_fold(Decimal::ZERO, Decimal::checked_add)?;
        let mut taxes: Vec<Decimal> = totals.tax.into_iter().collect();
        if !invoice.tax_breakdown.is_empty() || taxes.is_empty() {
            taxes.push(broken_down);
        }
        let mut first = None;
        let mut read = |net: Decimal, charges: Decimal, tax: Decimal| {
            let sum = net.checked_add(charges)?.checked_add(tax)?;
            first.get_or_insert(Reading { net, charges, tax, sum });
            (!is_sought(sum)).then_some(())
        };
        for tax in &taxes {
            for net in [totals.line_net, of_lines].into_iter().flatten() {
                for charges in &charges {
                    read(net, *charges, *tax)?;
                }
            }
            if let Some(net) = totals.tax_exclusive {
                read(net, Decimal::ZERO, *tax)?;
            }
        }
        first
    }
}

/// One way to add an invoice up.
struct Reading {
    net: Decimal,
    charges: Decimal,
    tax: Decimal,
    sum: Decimal,
}

/// Charges less allowances; `None` when an amount is not known.
fn balance(charges: &[AllowanceCharge]) -> Option<Decimal> {
    charges.iter().try_fold(Decimal::ZERO, |sum, charge| {
        let amount = charge.amount?;
        if charge.is_charge { sum.checked_add(amount) } else { sum.checked_sub(amount) }
    })
}
