//! What the payments make of one invoice.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::TooLarge;
use super::part::Part;
use crate::ledger::money::CENT;

/// How far an invoice is settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// No payment is known.
    #[default]
    Unpaid,
    /// There were payments, and all of them were taken back.
    Reversed,
    Partial,
    /// paid + discount + adjustment + withholding ≥ gross.
    Paid,
    /// More than a cent too much.
    Overpaid,
}

/// The sums over all allocations of one invoice, signed like the invoice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub paid: Decimal,
    pub discount: Decimal,
    pub adjustment: Decimal,
    pub withholding: Decimal,
    /// The sum of the four: by how much the invoice is settled.
    pub closed: Decimal,
    /// What is still open; negative where it is overpaid.
    pub open: Decimal,
}

/// What all the allocations of one invoice, voids among them, make of it. The order does not matter. `gross` is
/// negative for a credit note, and so are the parts that use it up.
///
/// # Errors
/// The amounts pass what a decimal can hold.
pub fn settle<'a>(gross: Decimal, parts: impl IntoIterator<Item = &'a Part>) -> Result<(Settlement, Tally), TooLarge> {
    let mut tally = Tally::default();
    let mut count = 0_usize;
    let add = |to: &mut Decimal, amount: Decimal| to.checked_add(amount).map(|sum| *to = sum).ok_or(TooLarge);
    for part in parts {
        count = count.saturating_add(1);
        add(&mut tally.paid, part.paid)?;
        add(&mut tally.discount, part.discount)?;
        add(&mut tally.adjustment, part.adjustment)?;
        add(&mut tally.withholding, part.withholding)?;
        add(&mut tally.closed, part.settles()?)?;
    }
    tally.open = gross.checked_sub(tally.closed).ok_or(TooLarge)?;
    let (closed, open) =
        if gross.is_sign_negative() { (-tally.closed, -tally.open) } else { (tally.closed, tally.open) };
    let settlement = match count {
        0 => Settlement::Unpaid,
        _ if closed <= Decimal::ZERO && !gross.is_zero() => Settlement::Reversed,
        _ if open > Decimal::ZERO => Settlement::Partial,
        _ if -open > CENT => Settlement::Overpaid,
        _ => Settlement::Paid,
    };
    Ok((settlement, tally))
}
