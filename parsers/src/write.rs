//! Writers: canonical documents out as the formats of the trade. Pure functions; numbers and the time come from
//! the caller.

use crate::canonical::{Acknowledgment, Invoice, RemittanceAdvice};
use crate::edifact::write as edifact;
use crate::x12::write as x12;
use crate::xml::write as ubl;

pub use crate::edifact::write::{EdifactEnvelope, WriteError as EdifactError};
pub use crate::x12::write::{WriteError as X12Error, X12Envelope, X12Version};
pub use crate::xml::write::WriteError as UblError;

/// Writes invoices and credit notes as one X12 interchange of 810s.
///
/// # Errors
/// A document holds what an 810 cannot: the error says which element and why.
pub fn x12_invoices(invoices: &[&Invoice], envelope: &X12Envelope) -> Result<Vec<u8>, X12Error> {
    x12::invoices(invoices, envelope)
}

/// Writes one invoice or credit note as an X12 interchange.
///
/// # Errors
/// As [`x12_invoices`].
pub fn x12_invoice(invoice: &Invoice, envelope: &X12Envelope) -> Result<Vec<u8>, X12Error> {
    x12_invoices(&[invoice], envelope)
}

/// Writes remittance advices as one X12 interchange of 820s.
///
/// # Errors
/// A document holds what an 820 cannot: the error says which element and why.
pub fn x12_remittances(advices: &[&RemittanceAdvice], envelope: &X12Envelope) -> Result<Vec<u8>, X12Error> {
    x12::remittances(advices, envelope)
}

/// Writes one remittance advice as an X12 interchange.
///
/// # Errors
/// As [`x12_remittances`].
pub fn x12_remittance(advice: &RemittanceAdvice, envelope: &X12Envelope) -> Result<Vec<u8>, X12Error> {
    x12_remittances(&[advice], envelope)
}

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

/// Writes invoices and credit notes as one EDIFACT interchange of INVOIC messages (D.96A).
///
/// # Errors
/// A document holds what an INVOIC cannot: the error says which element and why.
pub fn edifact_invoices(invoices: &[&Invoice], envelope: &EdifactEnvelope) -> Result<Vec<u8>, EdifactError> {
    edifact::invoices(invoices, envelope)
}

/// Writes one invoice or credit note as an EDIFACT interchange.
///
/// # Errors
/// As [`edifact_invoices`].
pub fn edifact_invoice(invoice: &Invoice, envelope: &EdifactEnvelope) -> Result<Vec<u8>, EdifactError> {
    edifact_invoices(&[invoice], envelope)
}

/// Writes remittance advices as one EDIFACT interchange of REMADV messages (D.96A).
///
/// # Errors
/// A document holds what a REMADV cannot: the error says which element and why.
pub fn edifact_remittances(advices: &[&RemittanceAdvice], envelope: &EdifactEnvelope) -> Result<Vec<u8>, EdifactError> {
    edifact::remittances(advices, envelope)
}

/// Writes one remittance advice as an EDIFACT interchange.
///
/// # Errors
/// As [`edifact_remittances`].
pub fn edifact_remittance(advice: &RemittanceAdvice, envelope: &EdifactEnvelope) -> Result<Vec<u8>, EdifactError> {
    edifact_remittances(&[advice], envelope)
}

/// Writes application acknowledgments as one EDIFACT interchange of APERAK messages (D.96A): what an
/// application found in a document whose syntax is right. The answer to the syntax is [`crate::acknowledge`].
///
/// # Errors
/// An acknowledgment holds what an APERAK cannot.
pub fn edifact_applications(
    acknowledgments: &[&Acknowledgment],
    envelope: &EdifactEnvelope,
) -> Result<Vec<u8>, EdifactError> {
    edifact::applications(acknowledgments, envelope)
}
