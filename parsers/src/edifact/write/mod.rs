//! Writes EDIFACT: invoices (INVOIC) and remittance advices (REMADV) of directory D.96A, the one most
//! partners read, and acknowledgments (CONTRL, APERAK).
//!
//! What is written is read back equal, as far as the message has a place for it; the front page of each
//! writer lists what has none. Nothing is rounded or cut: what cannot be written is refused with a
//! [`WriteError`]. Lengths of names and texts are not held against the directory.

mod acknowledgment;
mod invoic;
mod parties;
mod remadv;
mod segments;

use jiff::civil::DateTime;

use self::segments::Out;
use crate::canonical::{Acknowledgment, Identifier, Invoice, RemittanceAdvice};

pub(crate) use self::acknowledgment::acknowledgment;

/// What an interchange takes beside its messages. Time and numbers come from the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdifactEnvelope {
    /// UNB S002. The scheme is `0088` for a GLN, `edifact:` and a code of 0007, or none.
    pub sender: Identifier,
    /// UNB S003.
    pub recipient: Identifier,
    /// UNB 0020, at most fourteen characters.
    pub reference: String,
    /// UNB S004.
    pub at: DateTime,
    /// UNB 0035: the interchange is a test.
    pub is_test: bool,
}

/// Why a document cannot be written as EDIFACT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("{field} is missing; {element} must have it")]
    Missing { field: &'static str, element: &'static str },
    #[error("`{value}` is too long for {element}, which takes {max} characters")]
    TooLong { element: &'static str, max: usize, value: String },
    #[error("{segment} cannot hold `{value}`: control characters have no place in EDIFACT")]
    Character { segment: String, value: String },
    #[error("{field} is `{value}`, for which {message} has no place")]
    NoPlace { field: &'static str, value: String, message: &'static str },
}

pub(crate) fn invoices(invoices: &[&Invoice], envelope: &EdifactEnvelope) -> Result<Vec<u8>, WriteError> {
    let mut out = Out::default();
    for invoice in invoices {
        invoic::write(invoice, &mut out)?;
    }
    out.into_interchange(envelope)
}

pub(crate) fn remittances(advices: &[&RemittanceAdvice], envelope: &EdifactEnvelope) -> Result<Vec<u8>, WriteError> {
    let mut out = Out::default();
    for advice in advices {
        remadv::write(advice, &mut out)?;
    }
    out.into_interchange(envelope)
}

pub(crate) fn applications(
    acknowledgments: &[&Acknowledgment],
    envelope: &EdifactEnvelope,
) -> Result<Vec<u8>, WriteError> {
    let mut out = Out::default();
    for acknowledgment in acknowledgments {
        acknowledgment::aperak(acknowledgment, &mut out)?;
    }
    out.into_interchange(envelope)
}
