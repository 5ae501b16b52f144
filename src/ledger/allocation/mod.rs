//! Payments: what each one pays, to the cent, and what is paid of each invoice.
//!
//! * A [`Payment`] comes from a remittance advice ([`Payment::of_advice`]), or from the paid rows of a payer's
//!   voucher file ([`derived`]), grouped by payment document.
//! * Its [`Part`]s are its allocations: the documents it settles, the adjustments that belong to none, and what nobody
//!   explained. **They always sum to the payment, exactly.** Lines that claim more than the payment are shown
//!   and allocate nothing.
//! * [`settle`] says from all the parts that point at one invoice whether it is partly paid, paid, or paid too much,
//!   whatever any status flag says.
//!
//! What the sign of an 820's adjustments means (it turned between 003030 and 003050) is settled where the 820 is
//! read: in the canonical advice, negative takes away from the payment. Nothing here turns it again.

mod derived;
mod part;
mod payment;
mod settlement;
#[cfg(test)]
mod tests;

pub use derived::{DerivedPayment, PaidColumn, PaidRow, derived};
pub use part::{Part, PartKind};
pub use payment::{Balance, Payment, PaymentKey, names_withholding};
pub use settlement::{Settlement, Tally, settle};

/// An amount that no decimal can hold: the file is wrong, or somebody tries us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amounts are too large to add up")]
pub struct TooLarge;
