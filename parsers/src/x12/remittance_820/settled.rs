//! The documents a payment settles (RMR, RMT), and what was deducted (ADX).

use super::{RemittanceReader, Sign};
use crate::Halt;
use crate::canonical::{Adjustment, Identifier, RemittanceLine, SettledKind};
use crate::edi::Segment;
use crate::finding::Code;
use crate::short::Short;
use crate::x12::loops::Loop;
use crate::x12::record::within;

impl RemittanceReader {
    pub(super) fn take_in_settled(&mut self, id: &[u8], segment: &Segment<'_>) -> Result<(), Halt> {
        match id {
            b"RMR" => return self.take_settled(segment, &RMR),
            // RMT of qualifier IX is an item of the invoice before it, not a document.
            b"RMT" if segment.text(1).as_deref() != Some("IX") => return self.take_settled(segment, &RMT),
            b"REF" => self.take_reference(segment),
            b"DTM" if segment.text(1).as_deref() == Some("003") => {
                let date = self.record.date(segment, 2);
                let index = self.advice.lines.len().saturating_sub(1);
                if let Some(line) = self.advice.lines.last_mut().filter(|_| date.is_some()) {
                    line.document_date = date;
                    self.record.prove(Short::part("lines", index, "document_date"), segment, 2);
                }
            }
            b"NTE" => {
                if let Some(line) = self.advice.lines.last_mut() {
                    line.note = line.note.take().or_else(|| segment.text(2));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_settled(&mut self, segment: &Segment<'_>, places: &Settled) -> Result<(), Halt> {
        let index = self.advice.lines.len();
        let max = self.record.limits.lines_max;
        within(segment, "number of lines of one document", "lines_max", index + 1, max)?;
        let code = segment.text(1);
        let mut line = RemittanceLine {
            document_type: kind(code.as_deref()),
            type_code: code,
            document_number: segment.text(2),
            paid: self.record.number(segment, places.paid, Code::AMOUNT_INVALID),
            original: self.record.number(segment, places.original, Code::AMOUNT_INVALID),
            ..RemittanceLine::default()
        };
        if let Some(element) = places.discount {
            // The discount taken counts positive, as most write it.
            line.discount = self.record.number(segment, element, Code::AMOUNT_INVALID).map(|discount| discount.abs());
        }
        let named = [
            ("document_number", 2, line.document_number.is_some()),
            ("paid", places.paid, line.paid.is_some()),
            ("original", places.original, line.original.is_some()),
            ("discount", places.discount.unwrap_or_default(), line.discount.is_some()),
        ];
        let mut paid_at = None;
        for (name, element, _) in named.into_iter().filter(|(_, _, is_there)| *is_there) {
            if name == "paid" {
                paid_at = Some(self.record.evidence.len());
            }
            self.record.prove(Short::part("lines", index, name), segment, element);
        }
        self.paid_at.push((paid_at, self.record.position));
        if let Some((reason, amount)) = places.adjustment
            && let Some(amount) = self.record.number(segment, amount, Code::AMOUNT_INVALID)
        {
            let amount = if self.adjusts == Sign::AsWritten { amount } else { -amount };
            line.adjustments.push(Adjustment { amount, reason_code: segment.text(reason), ..Adjustment::default() });
        }
        self.advice.lines.push(line);
        Ok(())
    }

    fn take_reference(&mut self, segment: &Segment<'_>) {
        let (Some(code), Some(value)) = (segment.text(1), segment.text(2).or_else(|| segment.text(3))) else { return };
        let Some(line) = self.advice.lines.last_mut() else { return };
        self.parts += 1;
        match code.as_str() {
            "PO" if line.purchase_order.is_none() => line.purchase_order = Some(value),
            _ => line.references.push(Identifier { scheme: Some(format!("x12:{code}").into()), value }),
        }
    }

    /// ADX and what stands in its loop: of the document before it, or of the payment as a whole.
    pub(super) fn take_in_adjustment(&mut self, id: &[u8], segment: &Segment<'_>) {
        let index = self.advice.lines.len().saturating_sub(1);
        let of_line = self.record.loops.within(Loop::Settled);
        let is_as_written = self.adjusts == Sign::AsWritten;
        let adjustments = match self.advice.lines.last_mut() {
            Some(line) if of_line => &mut line.adjustments,
            _ => &mut self.advice.adjustments,
        };
        let reference = |qualifier: usize| {
            let value = segment.text(qualifier + 1)?;
            Some(Identifier {
                scheme: segment.text(qualifier).map(|code| format!("x12:{code}")).map(Into::into),
                value,
            })
        };
        match id {
            b"ADX" => {
                let place = adjustments.len();
                let Some(amount) = self.record.number(segment, 1, Code::AMOUNT_INVALID) else {
                    if segment.text(1).is_none() {
                        let finding = self.record.missing(segment, 1, "the amount of the adjustment");
                        self.record.report(finding);
                    }
                    return;
                };
                let adjustment = Adjustment {
                    amount: if is_as_written { amount } else { -amount },
                    reason_code: segment.text(2),
                    reason: None,
                    reference: reference(3),
                };
                adjustments.push(adjustment);
                self.parts += 1;
                let owner = if of_line { format!("lines[{index}].") } else { String::new() };
                self.record.prove(format!("{owner}adjustments[{place}].amount"), segment, 1);
            }
            b"NTE" => {
                if let Some(adjustment) = adjustments.last_mut() {
                    adjustment.reason = adjustment.reason.take().or_else(|| segment.text(2));
                }
            }
            b"REF" => {
                if let Some(adjustment) = adjustments.last_mut() {
                    adjustment.reference = adjustment.reference.take().or_else(|| reference(1));
                }
            }
            _ => {}
        }
    }
}

/// Where a segment of a settled document says what.
struct Settled {
    paid: usize,
    original: usize,
    discount: Option<usize>,
    /// Reason (element 426) and amount.
    adjustment: Option<(usize, usize)>,
}

const RMR: Settled = Settled { paid: 4, original: 5, discount: Some(6), adjustment: Some((7, 8)) };
/// Of 003010 and 003020.
const RMT: Settled = Settled { paid: 3, original: 4, discount: None, adjustment: None };

/// Element 128, as far as it names documents of accounts payable.
fn kind(code: Option<&str>) -> SettledKind {
    match code {
        Some("IV" | "OI" | "IK" | "IN" | "VN") => SettledKind::Invoice,
        Some("CM" | "CL" | "CN") => SettledKind::CreditNote,
        Some("DB" | "DL") => SettledKind::DebitNote,
        _ => SettledKind::Other,
    }
}
