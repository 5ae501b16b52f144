//! What an 820 adds up to: the payment is what its documents are paid, and what was adjusted besides.

use rust_decimal::Decimal;

use super::{RemittanceReader, Sign};
use crate::canonical::{Adjustment, RemittanceAdvice, RemittanceLine, SettledKind};
use crate::finding::{Code, Finding};
use crate::text::brief;

impl RemittanceReader {
    /// Some write a netted credit as a positive number that its type (CM) turns, and 003040 may mean ADX01
    /// either way: what makes the sum come out is what was meant; else the canonical reading.
    pub(super) fn settle_signs(&mut self) {
        if self.adjusts == Sign::BySum {
            let mut other = self.advice.clone();
            turn_adjustments(&mut other);
            if !self.adds_up(&self.advice) && self.adds_up(&other) {
                self.advice = other;
            }
        }
        let is_positive_credit = |line: &RemittanceLine| {
            line.document_type == SettledKind::CreditNote && line.paid.is_some_and(|paid| paid > Decimal::ZERO)
        };
        if self.is_premium || !self.advice.lines.iter().any(is_positive_credit) {
            return;
        }
        let mut turned = self.advice.clone();
        for line in turned.lines.iter_mut().filter(|line| is_positive_credit(line)) {
            line.paid = line.paid.map(|paid| -paid);
            line.original = line.original.map(|original| -original.abs());
        }
        if self.adds_up(&turned) || !self.adds_up(&self.advice) {
            self.advice = turned;
        }
    }

    /// RMR05 − RMR06 + Σ ADX01 = RMR04 is how most partners mean it, where they explain the difference at all.
    pub(super) fn check_lines(&mut self) {
        if self.is_premium {
            return;
        }
        let mut found = Vec::new();
        for (line, (proof, position)) in self.advice.lines.iter().zip(&self.paid_at) {
            let (Some(paid), Some(original)) = (line.paid, line.original) else { continue };
            let discount = line.discount.unwrap_or_default();
            let discount = if original.is_sign_negative() { -discount } else { discount };
            let explained = sum(&line.adjustments).and_then(|sum| original.checked_sub(discount)?.checked_add(sum));
            let explains = !line.adjustments.is_empty() || !discount.is_zero();
            let Some(explained) = explained.filter(|explained| explains && *explained != paid) else { continue };
            let number = line.document_number.clone().unwrap_or_default();
            let Some(proof) = proof.and_then(|index| self.record.evidence.get(index)) else { continue };
            let finding = Finding::warning(
                Code::TOTAL_MISMATCH,
                proof.at.clone(),
                format!(
                    "{paid} is paid of `{}`, but its amount less discount and adjustments is {explained}",
                    brief(&number)
                ),
                "Check RMR05, RMR06 and ADX01 against RMR04.",
            );
            let finding = finding.with_rule("RMR04-ARITH").with_field("RMR04").with_value(&proof.raw);
            found.push((finding, *position));
        }
        for (finding, position) in found {
            self.record.report_at(finding, position);
        }
    }

    /// BPR02 = Σ RMR04 + Σ ADX01 that belong to no document.
    ///
    /// Premium payments are left out: the guides of insurers (X061, X218, X306) use RMR04 for what is owed,
    /// paid or carried over, line by line, show summary bills whose lines are a part of the payment, and their
    /// own examples do not add up.
    pub(super) fn check_total(&mut self) {
        let advice = &self.advice;
        let (Some(total), Some(noted)) = (advice.total, &self.total) else { return };
        // Nothing is paid by this message, or nothing is settled by it.
        let is_empty = advice.lines.is_empty() && advice.adjustments.is_empty();
        let is_no_payment = total.is_zero() && advice.method.as_deref() == Some("NON");
        if self.is_premium || is_empty || is_no_payment || self.adds_up(advice) {
            return;
        }
        let (Some(paid), Some(free)) = (paid(advice), sum(&advice.adjustments)) else { return };
        let Some(both) = paid.checked_add(free) else { return };
        let field = if noted.place.path.contains("BPS") { "BPS02" } else { "BPR02" };
        let finding = Finding::error(
            Code::TOTAL_MISMATCH,
            noted.place.clone(),
            format!("{field} says {total}, but the documents ({paid}) + adjustments without one ({free}) make {both}"),
            format!("Check RMR04 and ADX01 against {field}, and send the advice again with the right amounts."),
        );
        let finding = finding.with_rule("BPR02-ARITH").with_field(field).with_value(&noted.raw);
        let (finding, position) = (finding.with_excerpt(&noted.excerpt), noted.position);
        self.record.report_at(finding, position);
    }

    /// Whether the payment is what its parts make; adjustments of documents count a second time with some.
    fn adds_up(&self, advice: &RemittanceAdvice) -> bool {
        let Some(total) = advice.total else { return false };
        let parts = || {
            let plain = paid(advice)?.checked_add(sum(&advice.adjustments)?)?;
            let mut adjusted = plain;
            for line in &advice.lines {
                adjusted = adjusted.checked_add(sum(&line.adjustments)?)?;
            }
            Some([plain, adjusted])
        };
        let matches = |made: Decimal| made == total || (self.is_debit && made == -total);
        parts().is_some_and(|made| made.into_iter().any(matches))
    }
}

/// Σ of what is paid; `None` when a document does not say.
fn paid(advice: &RemittanceAdvice) -> Option<Decimal> {
    advice.lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(line.paid?))
}

fn sum(adjustments: &[Adjustment]) -> Option<Decimal> {
    adjustments.iter().try_fold(Decimal::ZERO, |sum, adjustment| sum.checked_add(adjustment.amount))
}

fn turn_adjustments(advice: &mut RemittanceAdvice) {
    let lines = advice.lines.iter_mut().flat_map(|line| &mut line.adjustments);
    for adjustment in advice.adjustments.iter_mut().chain(lines) {
        adjustment.amount = -adjustment.amount;
    }
}
