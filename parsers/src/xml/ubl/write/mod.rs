//! Writes UBL 2.1 from the canonical model: invoices and credit notes in the element order of EN 16931
//! (CEN/TS 16931-3-2), and remittance advices.
//!
//! What is written is read back equal, as far as UBL has a place for it. It has none for:
//!
//! - `purpose`, `terms.net_days`, `terms.discounts`, the content, type and file name of attachments;
//! - a second direct debit mandate, how long a card number was;
//! - `lines[].parent_id`, a gross price without a discount;
//! - of a remittance advice: `handling`, discounts, adjustments, purchase orders of lines, and all schemes of
//!   traces but `payment_order` and `payment`.
//!
//! A type code that is not of UNTDID 1001 is written as 380 or 381; a payment without a means code has the
//! code 1 (not defined), and so has the one that bears the due date of a credit note without payments; a VAT
//! total that is not stated because there is no VAT is stated. What cannot be written is refused with a [`WriteError`]; nothing is rounded or cut.

mod invoice;
mod line;
mod party;
mod pen;
mod remittance;
mod settlement;

pub(crate) use self::invoice::write as invoice;
pub(crate) use self::remittance::write as remittance;

/// Why a document cannot be written as UBL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("{field} is missing; `{element}` must have it")]
    Missing { field: &'static str, element: &'static str },
    #[error("{field} is in `{currency}`, not in the currency of the document")]
    Currency { field: String, currency: String },
    #[error("`{element}` cannot hold `{value}`: control characters have no place in XML")]
    Character { element: String, value: String },
}

/// What a document must have to be UBL at all.
fn required<'a, T>(value: Option<&'a T>, field: &'static str, element: &'static str) -> Result<&'a T, WriteError> {
    value.ok_or(WriteError::Missing { field, element })
}
