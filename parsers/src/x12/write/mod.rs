//! Writes X12: invoices (810) and remittance advices (820) from the canonical model, and acknowledgments (TA1,
//! 997, 999) from what was received.
//!
//! What is written is read back equal, as far as the transaction set has a place for it; the front page of
//! each writer lists what has none. What cannot be written is refused with a [`WriteError`]; nothing is
//! rounded or cut.

mod acknowledgment;
mod invoice_810;
mod party;
mod remittance_820;
mod segments;

use jiff::civil::DateTime;
use rust_decimal::Decimal;

pub(crate) use self::acknowledgment::acknowledgment;
use self::segments::{Interchange, Out, qualifier};
use crate::canonical::{Identifier, Invoice, RemittanceAdvice};

/// The largest control number: ISA13 has nine digits.
const CONTROL_MAX: u32 = 999_999_999;

/// The version of X12 that is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum X12Version {
    #[default]
    V004010,
    V005010,
}

impl X12Version {
    /// As GS08 has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V004010 => "004010",
            Self::V005010 => "005010",
        }
    }
}

/// What an interchange takes beside its documents. Time and numbers come from the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct X12Envelope {
    /// ISA05 and ISA06: the scheme is an X12 qualifier (`x12:01`), or none (`ZZ`, mutually defined).
    pub sender: Identifier,
    /// ISA07 and ISA08.
    pub recipient: Identifier,
    /// GS02 and GS03; without them, what ISA06 and ISA08 say.
    pub application_sender: Option<String>,
    pub application_recipient: Option<String>,
    /// ISA13 and GS06, 1 to 999999999.
    pub control: u32,
    pub at: DateTime,
    pub version: X12Version,
    /// ISA15: `T` in place of `P`.
    pub is_test: bool,
}

/// Why a document cannot be written as X12.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("{field} is missing; {element} must have it")]
    Missing { field: &'static str, element: &'static str },
    #[error("`{value}` is too long for {element}, which takes {max} characters")]
    TooLong { element: &'static str, max: usize, value: String },
    #[error("{element} cannot hold `{value}`: control characters have no place in X12")]
    Character { element: &'static str, value: String },
    #[error("{element} cannot hold {value}: {why}")]
    Amount { element: &'static str, value: Decimal, why: &'static str },
    #[error("{field} is `{value}`, for which {set} has no place")]
    NoPlace { field: &'static str, value: String, set: &'static str },
}

pub(crate) fn invoices(invoices: &[&Invoice], envelope: &X12Envelope) -> Result<Vec<u8>, WriteError> {
    interchange("IN", envelope, invoices.len(), |index, out| {
        invoices.get(index).map_or(Ok(()), |invoice| invoice_810::write(invoice, out))
    })
}

pub(crate) fn remittances(advices: &[&RemittanceAdvice], envelope: &X12Envelope) -> Result<Vec<u8>, WriteError> {
    interchange("RA", envelope, advices.len(), |index, out| {
        advices.get(index).map_or(Ok(()), |advice| remittance_820::write(advice, out))
    })
}

/// One interchange of one functional group, with `sets` transaction sets.
fn interchange(
    group: &'static str,
    envelope: &X12Envelope,
    sets: usize,
    write: impl Fn(usize, &mut Out) -> Result<(), WriteError>,
) -> Result<Vec<u8>, WriteError> {
    let kind = if group == "IN" { "810" } else { "820" };
    let mut out = Out::default();
    for index in 0..sets {
        out.open_set(kind, index, None);
        write(index, &mut out)?;
        out.close_set();
    }
    let (sender, recipient) = (&envelope.sender, &envelope.recipient);
    for (list, element, id) in [("ISA05", "ISA06", sender), ("ISA07", "ISA08", recipient)] {
        out.check(list, &qualifier(id.scheme.as_deref(), "ZZ"), 2)?;
        out.check(element, &id.value, 15)?;
        if id.value.trim().is_empty() {
            return Err(WriteError::Missing { field: "the id of the sender or recipient", element });
        }
    }
    if !(1..=CONTROL_MAX).contains(&envelope.control) {
        let value = envelope.control.to_string();
        return Err(WriteError::NoPlace { field: "the control number", value, set: "ISA13" });
    }
    let application = |code: &Option<String>, id: &Identifier| code.clone().unwrap_or_else(|| id.value.clone().into());
    let codes =
        [application(&envelope.application_sender, sender), application(&envelope.application_recipient, recipient)];
    for (element, code) in ["GS02", "GS03"].into_iter().zip(&codes) {
        out.check(element, code, 15)?;
    }
    let [from, to] = codes;
    let opened = Interchange {
        sender: sender.clone(),
        recipient: recipient.clone(),
        version: if envelope.version == X12Version::V004010 { "00401" } else { "00501" },
        control: envelope.control,
        at: envelope.at,
        usage: if envelope.is_test { "T" } else { "P" }.to_owned(),
    };
    let version = envelope.version.as_str();
    Ok(out.into_interchange(&opened, &[], &[(group, from, to, version, sets)]))
}
