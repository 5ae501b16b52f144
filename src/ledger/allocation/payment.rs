//! A payment, as a remittance advice explains it.

use jiff::civil::Date;
use rust_decimal::Decimal;
use waybill_parsers::canonical::{Adjustment, RemittanceAdvice, Text};

use super::TooLarge;
use super::part::{Part, PartKind, paid_of};
use crate::ledger::money::{self, CENT, Currency};
use crate::ledger::number::Keys;

/// What tells one payment of a payer to a payee from another: date, number and amount. A number alone does not: checks
/// are voided and written again, and a void has the number of what it voids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentKey {
    /// k0 of the payment's number; empty where it has none.
    pub number: String,
    pub date: Option<Date>,
    /// Without zeros behind the point.
    pub amount: Decimal,
}

impl PaymentKey {
    #[must_use]
    pub fn new(number: Option<&str>, date: Option<Date>, amount: Decimal) -> Self {
        let number = number.and_then(Keys::of).map(|keys| keys.k0).unwrap_or_default();
        Self { number, date, amount: amount.normalize() }
    }
}

/// One payment with its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    pub number: Option<Text>,
    pub date: Option<Date>,
    pub method: Option<Text>,
    pub currency: Option<Currency>,
    /// What is paid; negative where the payee owes, and where an earlier payment is taken back.
    pub total: Decimal,
    /// The allocations: their `paid` sum to `total`. A line of the advice keeps its place as `ordinal`.
    pub parts: Vec<Part>,
    /// Where the lines claim more than the payment: what they say, to be shown, allocating nothing.
    pub claimed: Vec<Part>,
    pub balance: Balance,
}

/// Whether the lines explain the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    Balanced,
    /// To a cent.
    Rounded,
    /// The advice has no lines: a payment without details.
    NoDetails,
    /// `by` of the payment is not explained.
    Short {
        by: Decimal,
    },
    /// The lines say `by` more than is paid.
    Over {
        by: Decimal,
    },
}

impl Balance {
    /// Whether `remittance_unbalanced` is to be said.
    #[must_use]
    pub fn is_unbalanced(self) -> bool {
        matches!(self, Self::Short { .. } | Self::Over { .. })
    }

    /// What the supplier reads.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::Balanced => "The documents and adjustments make up the payment.".to_owned(),
            Self::Rounded => {
                "The documents and adjustments make up the payment, but for a cent of rounding.".to_owned()
            }
            Self::NoDetails => "Your customer has not said what this payment is for.".to_owned(),
            Self::Short { by } => format!("Your customer has not explained {} of this payment.", by.abs()),
            Self::Over { by } => format!(
                "The documents your customer lists come to {} more than the payment, so none of them counts as paid \
                 until your customer corrects the advice.",
                by.abs()
            ),
        }
    }
}

/// How the lines of an advice are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// What a line pays has its adjustments in it.
    Net,
    /// What a line pays is before its adjustments, and they count besides.
    BeforeAdjustments,
}

impl Payment {
    /// The payment of an advice. `is_withholding` tells adjustments that are tax kept back from others:
    /// [`names_withholding`], or the payer's own list of codes.
    ///
    /// The check is total = Σ lines + Σ adjustments of no line. Where that fails and the sum comes out with the
    /// adjustments of lines counted besides, that is what the payer means; an advice of a debit (the payee owes) may
    /// state its total without the sign its lines have.
    ///
    /// # Errors
    /// The amounts pass what a decimal can hold.
    pub fn of_advice(
        advice: &RemittanceAdvice,
        is_withholding: &dyn Fn(&Adjustment) -> bool,
    ) -> Result<Self, TooLarge> {
        let (net, before) = (sum_of(advice, Reading::Net)?, sum_of(advice, Reading::BeforeAdjustments)?);
        let total = advice.total.unwrap_or(net);
        let (reading, total) = match total {
            total if total == net => (Reading::Net, total),
            total if total == before => (Reading::BeforeAdjustments, total),
            total if -total == net && !total.is_zero() => (Reading::Net, -total),
            total if -total == before && !total.is_zero() => (Reading::BeforeAdjustments, -total),
            total => (Reading::Net, total),
        };
        let said = parts_of(advice, reading, is_withholding)?;
        let (parts, claimed, balance) = explained(total, said)?;
        Ok(Self {
            number: number_of(advice),
            date: advice.payment_date,
            method: advice.method.clone(),
            currency: advice.currency.as_deref().and_then(Currency::parse),
            total,
            parts,
            claimed,
            balance,
        })
    }

    #[must_use]
    pub fn key(&self) -> PaymentKey {
        PaymentKey::new(self.number.as_deref(), self.date, self.total)
    }

    /// Whether it takes money back: a payer's way to void a payment is a negative one with its number.
    #[must_use]
    pub fn is_reversal(&self) -> bool {
        self.total < Decimal::ZERO
    }

    /// The payment that takes this one back, for payers who void by a status and send no negative payment.
    #[must_use]
    pub fn voided(&self, date: Option<Date>) -> Self {
        let back = |parts: &[Part]| parts.iter().map(Part::reversed).collect();
        Self {
            date: date.or(self.date),
            total: -self.total,
            parts: back(&self.parts),
            claimed: back(&self.claimed),
            ..self.clone()
        }
    }
}

/// Whether an adjustment says that it is tax kept back: `WHT`, or withholding in words. Payers whose codes say it
/// otherwise have a list of their own.
#[must_use]
pub fn names_withholding(adjustment: &Adjustment) -> bool {
    let says = |text: &Text| {
        let text = text.to_ascii_lowercase();
        text == "wht" || text.contains("withh") || text.split_whitespace().any(|word| word == "wht")
    };
    adjustment.reason.iter().chain(&adjustment.reason_code).any(says)
}

/// The number of the payment itself (the check, the transfer), before that of the advice.
fn number_of(advice: &RemittanceAdvice) -> Option<Text> {
    let of = |scheme: &str| advice.traces.iter().find(|trace| trace.scheme.as_deref() == Some(scheme));
    of("payment_number").map(|trace| trace.value.clone()).or_else(|| advice.number.clone())
}

fn sum_of(advice: &RemittanceAdvice, reading: Reading) -> Result<Decimal, TooLarge> {
    let free = advice.adjustments.iter().map(|each| each.amount);
    let mut sum = money::sum(free).ok_or(TooLarge)?;
    for line in &advice.lines {
        sum = sum.checked_add(paid_of(line)?).ok_or(TooLarge)?;
        if reading == Reading::BeforeAdjustments && line.paid.is_some() {
            let adjusted = money::sum(line.adjustments.iter().map(|each| each.amount)).ok_or(TooLarge)?;
            sum = sum.checked_add(adjusted).ok_or(TooLarge)?;
        }
    }
    Ok(sum)
}

fn parts_of(
    advice: &RemittanceAdvice,
    reading: Reading,
    is_withholding: &dyn Fn(&Adjustment) -> bool,
) -> Result<Vec<Part>, TooLarge> {
    let mut parts = Vec::with_capacity(advice.lines.len().saturating_add(advice.adjustments.len()));
    for line in &advice.lines {
        parts.push(Part::of_line(parts.len(), line, reading == Reading::BeforeAdjustments, is_withholding)?);
    }
    for each in &advice.adjustments {
        let reference = each.reference.as_ref().map(|reference| reference.value.clone());
        let text = each.reason.clone().or(reference).or_else(|| each.reason_code.clone());
        parts.push(Part::bare(parts.len(), PartKind::Adjustment, each.amount, text));
    }
    Ok(parts)
}

/// Closes the sum: the parts that count, those that are only claimed, and how far they explain the payment.
fn explained(total: Decimal, mut said: Vec<Part>) -> Result<(Vec<Part>, Vec<Part>, Balance), TooLarge> {
    let rest_of = |parts: &[Part]| {
        let sum = money::sum(parts.iter().map(|part| part.paid));
        sum.and_then(|sum| total.checked_sub(sum)).ok_or(TooLarge)
    };
    let rest = rest_of(&said)?;
    let whole = Part::bare(said.len(), PartKind::Unexplained, total, None);
    if rest.is_zero() {
        return Ok((said, Vec::new(), Balance::Balanced));
    }
    if said.is_empty() {
        return Ok((vec![whole], Vec::new(), Balance::NoDetails));
    }
    let is_short = rest.is_sign_negative() == total.is_sign_negative() && rest.abs() <= total.abs();
    let (kind, balance) = match rest {
        rest if rest.abs() <= CENT => (PartKind::Rounding, Balance::Rounded),
        rest if is_short => (PartKind::Unexplained, Balance::Short { by: rest }),
        rest => {
            // Nothing of the payment is left for what its lines say: allocate none of them.
            let parts = if total.is_zero() { Vec::new() } else { vec![whole] };
            return Ok((parts, said, Balance::Over { by: -rest }));
        }
    };
    said.push(Part::bare(said.len(), kind, rest, None));
    Ok((said, Vec::new(), balance))
}
