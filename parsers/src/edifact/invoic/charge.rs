//! Allowances and charges: ALC and the segments of its group, of the message or of a line.

use rust_decimal::Decimal;

use super::InvoicReader;
use super::tax::{category, rate};
use crate::Halt;
use crate::canonical::{AllowanceCharge, Evidence};
use crate::edifact::groups::Group;
use crate::edifact::record::AMOUNT;
use crate::edifact::segment::{Segment, Spot};
use crate::finding::Code;

pub(super) const PERCENT: Spot = Spot::new(1, 2, "/C501.5482");

/// An allowance or a charge while its group is read.
pub(super) struct OpenCharge {
    charge: AllowanceCharge,
    proof: Option<Evidence>,
    /// MOA+509: the discount within a line's price (BT-147), in the binding of EN 16931.
    off_price: Option<(Decimal, Evidence)>,
    of_line: bool,
    /// ALC+N: neither of the two.
    is_neither: bool,
}

impl InvoicReader {
    pub(super) fn take_in_charge(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        match &segment.tag {
            b"ALC" => {
                self.open_charge(segment);
                return self.record.part(segment);
            }
            b"MOA" if self.record.groups.innermost() == Group::Tax => {}
            b"MOA" => self.take_charge_amount(segment),
            b"PCD" => {
                let percent = self.record.number(segment, PERCENT, Code::TYPE_INVALID);
                if let Some(open) = &mut self.charge {
                    open.charge.percent = open.charge.percent.or(percent);
                }
            }
            b"TAX" => {
                let rate = rate(segment, &mut self.record);
                if let Some(open) = &mut self.charge {
                    open.charge.tax_category = open.charge.tax_category.take().or_else(|| category(segment));
                    open.charge.tax_rate = open.charge.tax_rate.or(rate);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_charge(&mut self, alc: &Segment<'_>) {
        let kind = alc.code(1, 1);
        // C552 says it in EN 16931's binding and in the oldest messages, C214 in EANCOM. Code 1230 is text
        // unless it is the only one and has the shape of a code.
        let (text, code) = (alc.owned(2, 1), alc.owned(2, 2));
        let service = alc.owned(5, 1);
        let reason = alc.joined(5, 4, 5, &[35]).or(text);
        let charge = AllowanceCharge {
            is_charge: kind.as_ref() == b"C",
            reason,
            reason_code: code.or(service),
            ..AllowanceCharge::default()
        };
        let of_line = self.record.groups.within(Group::Line);
        let is_neither = !matches!(kind.as_ref(), b"A" | b"C");
        self.charge = Some(OpenCharge { charge, proof: None, off_price: None, of_line, is_neither });
    }

    fn take_charge_amount(&mut self, moa: &Segment<'_>) {
        let Some(amount) = self.record.number(moa, AMOUNT, Code::AMOUNT_INVALID) else { return };
        let Some(open) = &mut self.charge else { return };
        match moa.code(1, 1).as_ref() {
            b"204" | b"23" | b"8" | b"98" | b"131" if open.charge.amount.is_none() => {
                open.charge.amount = Some(amount);
                open.proof = Some(self.record.evidence("", moa, AMOUNT));
            }
            b"25" => open.charge.base = open.charge.base.or(Some(amount)),
            b"509" => open.off_price = Some((amount, self.record.evidence("", moa, AMOUNT))),
            _ => {}
        }
    }

    pub(super) fn close_charge(&mut self) {
        let Some(open) = self.charge.take() else { return };
        if open.is_neither {
            return;
        }
        let index = self.invoice.lines.len().saturating_sub(1);
        let line = if open.of_line { self.invoice.lines.last_mut() } else { None };
        let prefix = line.as_ref().map_or_else(String::new, |_| format!("lines[{index}]."));
        let charges = match line {
            Some(line) => {
                if let Some((amount, proof)) = open.off_price {
                    line.price_discount = Some(amount);
                    self.record.evidence.push(Evidence { field: format!("{prefix}price_discount").into(), ..proof });
                    if open.charge.amount.is_none() {
                        return;
                    }
                }
                &mut line.allowances_charges
            }
            None => &mut self.invoice.allowances_charges,
        };
        if let Some(proof) = open.proof {
            let field = format!("{prefix}allowances_charges[{}].amount", charges.len());
            self.record.evidence.push(Evidence { field: field.into(), ..proof });
        }
        charges.push(open.charge);
    }
}
