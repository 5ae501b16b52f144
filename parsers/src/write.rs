//! Writers: canonical documents out as the formats of the trade. Pure functions; numbers and the time come from
//! the caller.

use crate::canonical::{Invoice, RemittanceAdvice};
use crate::xml::write as ubl;

pub use crate::xml::write::WriteError as UblError;

/// Writes an invoice or a credit note as UBL 2.1, in the element order of EN 16931.
///
/// # Errors
/// The document lacks what UBL must have, or holds what XML cannot: the error says which element.
pub fn ubl_invoice(invoice: &Invoice) -> Result<Vec<u8>, UblError> {
    ubl::invoice(invoice)
}

/// Writes a remittance advice as UBL 2.1.
///
/// # Errors
/// As [`ubl_invoice`].
pub fn ubl_remittance(advice: &RemittanceAdvice) -> Result<Vec<u8>, UblError> {
    ubl::remittance(advice)
}
