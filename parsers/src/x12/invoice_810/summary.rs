//! The summary area: the total (TDS), the taxes (TXI), the allowances and charges (SAC).

use super::InvoiceReader;
use super::line::{charge, rate};
use crate::canonical::TaxBreakdown;
use crate::edi::Segment;
use crate::finding::Code;
use crate::short::Short;

impl InvoiceReader {
    pub(super) fn take_total(&mut self, tds: &Segment<'_>) {
        if self.total.is_some() {
            return self.record.repeated(tds);
        }
        if !tds.says(1) {
            let finding = self.record.missing(tds, 1, "the total amount of the invoice");
            self.record.report(finding);
        }
        self.invoice.totals.payable = self.record.implied(tds, 1);
        if self.invoice.totals.payable.is_some() {
            self.record.prove(Short::fixed("totals.payable"), tds, 1);
        }
        self.total = Some(self.record.note(tds, 1));
    }

    pub(super) fn take_tax(&mut self, txi: &Segment<'_>) {
        let amount = self.record.number(txi, 2, Code::AMOUNT_INVALID);
        let percent = self.record.number(txi, 3, Code::TYPE_INVALID);
        let base = self.record.number(txi, 8, Code::AMOUNT_INVALID);
        if let Some(amount) = amount {
            self.sums.has_tax = true;
            match self.sums.tax.checked_add(amount) {
                Some(sum) => self.sums.tax = sum,
                None => self.sums.unknown = true,
            }
            self.record.prove(Short::part("tax_breakdown", self.invoice.tax_breakdown.len(), "tax"), txi, 2);
        } else if txi.says(2) {
            self.sums.unknown = true;
        }
        let rate = rate(percent, amount, base);
        self.invoice.tax_breakdown.push(TaxBreakdown {
            base,
            tax: amount,
            category: txi.text(1),
            rate,
            ..TaxBreakdown::default()
        });
    }

    pub(super) fn take_charge(&mut self, sac: &Segment<'_>) {
        let Some(charge) = charge(sac, &mut self.record) else { return };
        match charge.amount {
            None => self.sums.unknown = true,
            Some(_) => {
                let index = self.invoice.allowances_charges.len();
                self.record.prove(Short::part("allowances_charges", index, "amount"), sac, 5);
            }
        }
        self.invoice.allowances_charges.push(charge);
    }
}
