//! What is settled: DOC and its group, with its adjustments (AJT).

use rust_decimal::Decimal;

use super::RemadvReader;
use crate::Halt;
use crate::canonical::{Adjustment, Evidence, Identifier, RemittanceLine, SettledKind};
use crate::edifact::groups::Group;
use crate::edifact::party::scheme_of;
use crate::edifact::record::AMOUNT;
use crate::edifact::segment::{Segment, Spot};
use crate::finding::Code;

const NUMBER: Spot = Spot::new(2, 1, "/C503.1004");

/// A settled document while its group is read.
pub(super) struct OpenDocument {
    line: RemittanceLine,
    /// MOA+12, and its proof.
    paid: Option<Evidence>,
    /// The document's own amount, by its rank: the lower the better.
    original: Option<(usize, Evidence)>,
    adjustments: Vec<OpenAdjustment>,
}

struct OpenAdjustment {
    amount: Option<Decimal>,
    code: Option<String>,
    reason: Option<String>,
    reference: Option<Identifier>,
}

impl RemadvReader {
    pub(super) fn take_in_document(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        if &segment.tag == b"DOC" {
            return self.open_document(segment);
        }
        let groups = &self.record.groups;
        // A line of a settled document (DLI) repeats parts of it; parties of it have no place here.
        if groups.within(Group::SettledLine) || groups.within(Group::Party) {
            return Ok(());
        }
        let in_adjustment = groups.within(Group::Adjustment);
        let in_reference = groups.innermost() == Group::Reference;
        let index = self.advice.lines.len();
        let Some(open) = &mut self.document else { return Ok(()) };
        match &segment.tag {
            b"AJT" => open.adjustments.push(OpenAdjustment {
                amount: None,
                code: segment.owned(1, 1).map(Into::into),
                reason: segment.owned(2, 1).map(Into::into),
                reference: None,
            }),
            b"MOA" if in_adjustment => {
                let amount = self.record.number(segment, AMOUNT, Code::AMOUNT_INVALID);
                if let Some(adjustment) = open.adjustments.last_mut() {
                    adjustment.amount = adjustment.amount.or(amount);
                }
            }
            b"RFF" if in_adjustment => {
                let scheme = Some(scheme_of(&segment.code(1, 1)));
                let reference = segment.owned(1, 2).map(|value| Identifier { scheme, value });
                if let Some(adjustment) = open.adjustments.last_mut() {
                    adjustment.reference = adjustment.reference.take().or(reference);
                }
            }
            b"FTX" if in_adjustment => {
                let text = segment.joined(4, 1, 5, &[70, 512]);
                if let (Some(adjustment), Some(text)) = (open.adjustments.last_mut(), text) {
                    adjustment.reason =
                        Some(adjustment.reason.take().map_or(text.clone().into(), |before| before + " " + &text));
                }
            }
            b"MOA" => self.take_amount(segment, index),
            b"DTM" if !in_reference && matches!(segment.code(1, 1).as_ref(), b"137" | b"171" | b"3") => {
                open.line.document_date = open.line.document_date.or(self.record.date(segment));
            }
            b"RFF" => open.refer(segment),
            b"FTX" => {
                if let Some(text) = segment.joined(4, 1, 5, &[70, 512]) {
                    open.line.note = Some(open.line.note.take().map_or(text.clone(), |note| note + "\n" + &text));
                }
            }
            _ => return Ok(()),
        }
        self.record.part(segment)
    }

    fn open_document(&mut self, doc: &Segment<'_>) -> Result<(), Halt> {
        let index = self.advice.lines.len();
        let lines_max = self.record.limits.lines_max;
        self.record.within(doc, "number of lines of one document", "lines_max", index + 1, lines_max)?;
        let line = RemittanceLine {
            document_type: settled_kind(&doc.code(1, 1)),
            type_code: doc.owned(1, 1),
            document_number: doc.owned(2, 1),
            ..RemittanceLine::default()
        };
        if line.document_number.is_some() {
            self.record.prove(format!("lines[{index}].document_number"), doc, NUMBER);
        }
        self.document = Some(OpenDocument { line, paid: None, original: None, adjustments: Vec::new() });
        Ok(())
    }

    fn take_amount(&mut self, moa: &Segment<'_>, index: usize) {
        let qualifier = moa.code(1, 1);
        let ranking: [&[u8]; 5] = [b"9", b"77", b"39", b"86", b"388"];
        let rank = ranking.iter().position(|known| *known == qualifier.as_ref());
        if rank.is_none() && !matches!(qualifier.as_ref(), b"12" | b"52") {
            return;
        }
        let Some(amount) = self.record.number(moa, AMOUNT, Code::AMOUNT_INVALID) else { return };
        let Some(open) = &mut self.document else { return };
        match (rank, qualifier.as_ref()) {
            (Some(rank), _) if open.original.as_ref().is_none_or(|(before, _)| rank < *before) => {
                open.line.original = Some(amount);
                let proof = self.record.evidence(format!("lines[{index}].original"), moa, AMOUNT);
                open.original = Some((rank, proof));
            }
            (None, b"12") if open.paid.is_none() => {
                open.line.paid = Some(amount);
                open.paid = Some(self.record.evidence(format!("lines[{index}].paid"), moa, AMOUNT));
            }
            (None, b"52") if open.line.discount.is_none() => {
                open.line.discount = Some(amount.abs());
                self.record.prove(format!("lines[{index}].discount"), moa, AMOUNT);
            }
            _ => {}
        }
    }

    pub(super) fn close_document(&mut self) {
        let Some(mut open) = self.document.take() else { return };
        open.settle_adjustments();
        let original = open.original.take().map(|(_, proof)| proof);
        self.record.evidence.extend(original.into_iter().chain(open.paid.take()));
        self.paid.push(open.line.paid);
        self.advice.lines.push(open.line);
    }
}

impl OpenDocument {
    fn refer(&mut self, rff: &Segment<'_>) {
        let Some(value) = rff.owned(1, 2) else { return };
        let code = rff.code(1, 1);
        if code.as_ref() == b"ON" && self.line.purchase_order.is_none() {
            self.line.purchase_order = Some(value);
        } else {
            self.line.references.push(Identifier { scheme: Some(scheme_of(&code)), value });
        }
    }

    /// An adjustment takes away, unless only adding it leads to what is paid. One that says no amount
    /// stands for the whole difference if it is the only one; else its reason is all there is to know.
    fn settle_adjustments(&mut self) {
        let adjustments = std::mem::take(&mut self.adjustments);
        let line = &mut self.line;
        let due = line.original.and_then(|original| original.checked_sub(line.discount.unwrap_or_default()));
        let difference = due.zip(line.paid).and_then(|(due, paid)| paid.checked_sub(due));
        let sum = adjustments.iter().filter_map(|one| one.amount).try_fold(Decimal::ZERO, Decimal::checked_add);
        let adds = difference.is_some() && sum == difference;
        let is_only_one = adjustments.len() == 1;
        for one in adjustments {
            let amount = match one.amount {
                Some(amount) if adds => Some(amount),
                Some(amount) => Some(-amount.abs()),
                None if is_only_one => difference.filter(|difference| !difference.is_zero()),
                None => None,
            };
            match amount {
                Some(amount) => line.adjustments.push(Adjustment {
                    amount,
                    reason_code: one.code.map(Into::into),
                    reason: one.reason.map(Into::into),
                    reference: one.reference,
                }),
                None => {
                    let said: Vec<String> = [one.code, one.reason].into_iter().flatten().collect();
                    let text = format!("AJT {}", said.join(" "));
                    line.note = Some(line.note.take().map_or(text.clone().into(), |note| note + "\n" + &text));
                    line.references.extend(one.reference);
                }
            }
        }
    }
}

/// What a document name code (1001) says is settled.
fn settled_kind(code: &[u8]) -> SettledKind {
    match code {
        b"81" | b"83" | b"261" | b"262" | b"308" | b"381" | b"396" | b"420" | b"458" | b"532" => {
            SettledKind::CreditNote
        }
        b"80" | b"84" | b"383" => SettledKind::DebitNote,
        b"" | b"380" | b"82" | b"325" | b"326" | b"384" | b"385" | b"386" | b"388" | b"389" | b"390" | b"393"
        | b"395" | b"751" => SettledKind::Invoice,
        _ => SettledKind::Other,
    }
}
