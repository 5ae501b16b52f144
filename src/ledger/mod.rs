//! What documents mean: the rules between a payer's files and a supplier's answers.
//!
//! Everything here is a function of its arguments: no database, no clock, no chance, no file. What a rule has to know
//! it is given, in small structs that name what a caller looks up; what it decides it returns, with the reason as a
//! sentence that the one it concerns may read. Amounts are exact decimals; sums that no decimal can hold are refused.
//!
//! Read the rooms in this order:
//!
//! 1. [`number`]: what makes two document numbers the same. All that follows compares numbers by these keys.
//! 2. [`money`]: currencies and rounding.
//! 3. [`connection`]: who may see whose vouchers, and which vendor a row speaks of.
//! 4. [`guard`]: whether a full file may be applied at all.
//! 5. [`duplicate`]: whether a document came before.
//! 6. [`matching`]: which voucher a supplier's invoice is, which document a remittance line pays.
//! 7. [`allocation`]: what of a payment goes where, and how far an invoice is settled.
//! 8. [`lifecycle`]: where an invoice stands, worked out of all that was said of it.
//! 9. [`calendar`]: when it will be paid.
//! 10. [`discount`]: what it costs to be paid earlier.
//! 11. [`permission`]: who may do what.
//!
//! docs/LEDGER.md tells the same to an accountant, with examples.

pub mod allocation;
pub mod calendar;
pub mod connection;
pub mod discount;
pub mod duplicate;
pub mod guard;
pub mod lifecycle;
pub mod matching;
pub mod money;
pub mod number;
pub mod permission;

pub use lifecycle::status_of;
