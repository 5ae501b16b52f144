//! A part of a payment: what of it goes where.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use waybill_parsers::canonical::{Adjustment, RemittanceLine, SettledKind, Text};

use super::TooLarge;
use crate::ledger::money;

/// What a part stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// A document that is settled: an invoice, or a credit note that takes away.
    Document,
    /// An adjustment of the payment that belongs to no document. It may name nothing but the payer's own reference; it
    /// is shown all the same.
    Adjustment,
    /// A cent, at most, between the payment and its parts.
    Rounding,
    /// What the payer did not explain.
    Unexplained,
}

/// One allocation. Amounts have the sign with which they count: a netted credit note's are negative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its place in the payment, from 0. With the payment's key, the document it is resolved to and the amount
    /// it is the allocation's key.
    pub ordinal: u32,
    pub kind: PartKind,
    /// What of the payment it is. These sum to the payment.
    pub paid: Decimal,
    /// What the document is settled by besides: the discount taken,
    pub discount: Decimal,
    /// what was deducted for a reason (less what was added),
    pub adjustment: Decimal,
    /// and the tax that was kept back.
    pub withholding: Decimal,
    /// The payer's words for it.
    pub text: Option<Text>,
}

impl Part {
    /// By how much it settles its document: paid + discount + adjustment + withholding.
    ///
    /// # Errors
    /// The sum passes what a decimal can hold.
    pub fn settles(&self) -> Result<Decimal, TooLarge> {
        money::sum([self.paid, self.discount, self.adjustment, self.withholding]).ok_or(TooLarge)
    }

    /// The part of the payment that takes this one back.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            paid: -self.paid,
            discount: -self.discount,
            adjustment: -self.adjustment,
            withholding: -self.withholding,
            ..self.clone()
        }
    }

    /// A part that settles no document.
    pub(super) fn bare(ordinal: usize, kind: PartKind, paid: Decimal, text: Option<Text>) -> Self {
        Self {
            ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
            kind,
            paid,
            discount: Decimal::ZERO,
            adjustment: Decimal::ZERO,
            withholding: Decimal::ZERO,
            text,
        }
    }

    /// The part of a remittance line. `is_before` says that the line's `paid` does not have its adjustments in it.
    pub(super) fn of_line(
        ordinal: usize,
        line: &RemittanceLine,
        is_before: bool,
        is_withholding: &dyn Fn(&Adjustment) -> bool,
    ) -> Result<Self, TooLarge> {
        let adjusted = money::sum(line.adjustments.iter().map(|each| each.amount)).ok_or(TooLarge)?;
        let withheld = line.adjustments.iter().filter(|each| is_withholding(each)).map(|each| each.amount);
        let withheld = money::sum(withheld).ok_or(TooLarge)?;
        let stated = paid_of(line)?;
        // A line that says what is owed and not what is paid has its adjustments taken off already.
        let is_before = is_before && line.paid.is_some();
        let paid = if is_before { stated.checked_add(adjusted).ok_or(TooLarge)? } else { stated };
        let takes_away = |amount: Decimal| if amount.is_zero() { amount } else { -amount };
        Ok(Self {
            paid,
            discount: discount_of(line),
            adjustment: takes_away(adjusted.checked_sub(withheld).ok_or(TooLarge)?),
            withholding: takes_away(withheld),
            ..Self::bare(ordinal, PartKind::Document, paid, words(line))
        })
    }
}

/// What a line pays: as it says; else what it says is owed, less discount and adjustments; else nothing.
pub(super) fn paid_of(line: &RemittanceLine) -> Result<Decimal, TooLarge> {
    if let Some(paid) = line.paid {
        return Ok(paid);
    }
    let Some(original) = line.original else { return Ok(Decimal::ZERO) };
    let adjusted = money::sum(line.adjustments.iter().map(|each| each.amount));
    let net = original.checked_sub(discount_of(line));
    net.zip(adjusted).and_then(|(net, adjusted)| net.checked_add(adjusted)).ok_or(TooLarge)
}

/// The discount with the direction of the document: the discount of a credit note takes away from what it takes away.
fn discount_of(line: &RemittanceLine) -> Decimal {
    let discount = line.discount.unwrap_or_default();
    let amount = [line.original, line.paid].into_iter().flatten().find(|amount| !amount.is_zero());
    let is_credit = amount.map_or(line.document_type == SettledKind::CreditNote, |amount| amount.is_sign_negative());
    if is_credit && !discount.is_zero() { -discount } else { discount }
}

fn words(line: &RemittanceLine) -> Option<Text> {
    let reasons = line.adjustments.iter().filter_map(|each| each.reason.clone().or_else(|| each.reason_code.clone()));
    line.note.clone().or_else(|| reasons.into_iter().next())
}
