//! Taxes: TAX with its MOA, in the summary (the breakdown) or before the lines (what holds for all).

use rust_decimal::Decimal;

use super::InvoicReader;
use super::totals::is_total;
use crate::Halt;
use crate::canonical::{TaxBreakdown, Text};
use crate::edifact::record::{AMOUNT, Record};
use crate::edifact::segment::{Segment, Spot};
use crate::finding::Code;
use crate::short::Short;

const RATE: Spot = Spot::new(5, 4, "/C243.5278");
const BASE: Spot = Spot::new(4, 1, "/5286");

/// 5305: the category (UNCL5305).
pub(super) fn category(tax: &Segment<'_>) -> Option<Text> {
    tax.owned(6, 1)
}

/// 5278 (5279 in old directories): the rate in percent.
pub(super) fn rate(tax: &Segment<'_>, record: &mut Record) -> Option<Decimal> {
    record.number(tax, RATE, Code::TYPE_INVALID)
}

impl InvoicReader {
    pub(super) fn take_in_tax(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        match &segment.tag {
            b"TAX" => {
                let rate = rate(segment, &mut self.record);
                let base = self.record.number(segment, BASE, Code::AMOUNT_INVALID);
                let is_default = !self.in_summary && self.invoice.lines.is_empty();
                self.tax_is_listed = false;
                self.tax_at_hand = TaxBreakdown { base, category: category(segment), rate, ..TaxBreakdown::default() };
                if is_default {
                    self.default_tax = (category(segment), rate);
                } else {
                    self.list_tax(segment)?;
                }
                Ok(())
            }
            b"MOA" => self.take_tax_amount(segment),
            _ => Ok(()),
        }
    }

    fn list_tax(&mut self, at: &Segment<'_>) -> Result<(), Halt> {
        if !std::mem::replace(&mut self.tax_is_listed, true) {
            self.invoice.tax_breakdown.push(std::mem::take(&mut self.tax_at_hand));
            self.record.part(at)?;
        }
        Ok(())
    }

    fn take_tax_amount(&mut self, moa: &Segment<'_>) -> Result<(), Halt> {
        let qualifier = moa.code(1, 1);
        let slot = match qualifier.as_ref() {
            b"125" => "base",
            b"124" | b"150" | b"161" | b"176" => "tax",
            // A total that follows the taxes stands in their last group by the letter only.
            other if is_total(other) => return self.take_total(moa),
            _ => return Ok(()),
        };
        let Some(amount) = self.record.number(moa, AMOUNT, Code::AMOUNT_INVALID) else { return Ok(()) };
        if self.is_other_currency(moa) {
            return Ok(());
        }
        self.list_tax(moa)?;
        let index = self.invoice.tax_breakdown.len().saturating_sub(1);
        let Some(tax) = self.invoice.tax_breakdown.last_mut() else { return Ok(()) };
        let place = if slot == "base" { &mut tax.base } else { &mut tax.tax };
        if slot == "base" || place.is_none() {
            *place = Some(amount);
            self.record.prove(Short::part("tax_breakdown", index, slot), moa, AMOUNT);
        }
        Ok(())
    }

    /// MOA with a currency of its own (6345) that is not the document's.
    pub(super) fn is_other_currency(&self, moa: &Segment<'_>) -> bool {
        let currency = moa.code(1, 3);
        !currency.is_empty() && self.invoice.currency.as_deref().is_some_and(|own| own.as_bytes() != currency.as_ref())
    }

    /// A TAX before the lines holds for those without one; a reason for exemption goes where no tax is due.
    pub(super) fn settle_taxes(&mut self) {
        // So does the only TAX after them, where it states a rate and no amounts.
        if let [only] = self.invoice.tax_breakdown.as_slice()
            && only.base.is_none()
            && only.tax.is_none()
        {
            self.default_tax = (only.category.clone(), only.rate);
            self.invoice.tax_breakdown.clear();
        }
        let (category, rate) = &self.default_tax;
        if category.is_some() || rate.is_some() {
            for line in &mut self.invoice.lines {
                if line.tax_category.is_none() && line.tax_rate.is_none() {
                    (line.tax_category, line.tax_rate) = (category.clone(), *rate);
                }
            }
        }
        let Some(reason) = self.exemption.take() else { return };
        let is_exempt = |tax: &&mut TaxBreakdown| matches!(tax.category.as_deref(), Some("E" | "AE" | "K" | "G" | "O"));
        if let Some(tax) = self.invoice.tax_breakdown.iter_mut().find(is_exempt) {
            tax.exemption_reason = Some(reason.into());
        } else {
            let subject = Some("AGM".to_owned());
            self.invoice.notes.push(crate::canonical::Note { subject: subject.map(Into::into), text: reason.into() });
        }
    }
}
