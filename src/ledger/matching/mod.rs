//! Which papers speak of the same thing: a supplier's invoice and a payer's voucher, a line of a remittance and what it
//! pays.
//!
//! A match that is certain is made; one that is likely is proposed to a person; nothing is ever guessed in silence.
//! The rules work on a handful of candidates, which the caller finds with indexed questions: [`voucher_for`] and
//! [`paid_document`] say which.

mod invoices;
mod remittances;
#[cfg(test)]
mod tests;

pub(in crate::ledger) use invoices::days_apart;
pub use invoices::{Candidate, Claim, Flag, Level, Match, NumberReuse, Proposal, Stage, WITHIN_DAYS_MAX, voucher_for};
pub use remittances::{LineReference, Payable, Resolution, Rule, WHY_ON_ACCOUNT, paid_document};
