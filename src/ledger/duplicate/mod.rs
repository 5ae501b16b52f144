//! Whether a document came before: levels 3 and 4 of five.
//!
//! Level 0 (the same bytes), 1 (the same interchange) and 2 (the same transaction) are seen by their digests and
//! control numbers where files are read. Here a document is compared by what it says:
//!
//! * **Level 3**, the same number: [`DocumentKey`] finds the earlier document, [`invoice_content`] and
//!   [`voucher_content`] tell whether it says the same, and [`resubmitted`] what follows.
//! * **Level 4**, a suspicion: [`suspect`] scores two documents and says why. It never rejects; from 80 points it
//!   waits for accounts payable, from 50 it is flagged.

mod content;
mod score;
#[cfg(test)]
mod tests;

pub use content::{invoice_content, line_content, vendor_content, voucher_content};
pub use score::{BLOCK_POINTS, FLAG_POINTS, Reason, Severity, Subject, Suspicion, Weight, suspect};

use waybill_parsers::canonical::InvoiceKind;

use crate::domain::Digest;
use crate::ledger::lifecycle::Status;
use crate::ledger::number::Keys;

/// What makes two documents of one payer and one vendor the same document: its kind, the k1 of its number, and the year
/// where numbers restart ([`super::matching::NumberReuse::year`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DocumentKey {
    pub kind: InvoiceKind,
    pub k1: String,
    pub year: Option<i16>,
}

impl DocumentKey {
    #[must_use]
    pub fn new(kind: InvoiceKind, keys: &Keys, year: Option<i16>) -> Self {
        Self { kind, k1: keys.k1.clone(), year }
    }
}

/// The earlier document of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    pub content: Digest,
    pub status: Status,
}

/// What a document is that may have come before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resubmission {
    New,
    /// It says what the earlier one says: nothing to do, nothing to complain about.
    Unchanged,
    /// It takes the place of the earlier one, which nobody has fetched yet; or it is the payer's newer word.
    NewVersion,
    /// The supplier says that it supersedes the earlier one, and it may.
    Supersedes,
    Refused(Resubmitted),
}

/// Why a second invoice of the same number is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Resubmitted {
    #[error(
        "an invoice of this number was submitted before and says something else; it is {}. Give the new one another \
         number, or say that it supersedes the earlier one once that is rejected", .0.as_str()
    )]
    SaysSomethingElse(Status),
    #[error(
        "the invoice it is to supersede is {}: only a rejected invoice, or one that nobody has fetched yet, can be \
         superseded", .0.as_str()
    )]
    NotSupersedable(Status),
}

impl Resubmitted {
    /// The code of the error catalogue.
    #[must_use]
    pub fn code(self) -> &'static str {
        "duplicate_document"
    }
}

/// What a supplier's invoice is to an earlier one of the same [`DocumentKey`]. `supersedes` is whether it says so.
///
/// An earlier one that was withdrawn or superseded is out of the way. The same text again is always `Unchanged`, also
/// of a rejected one: to be looked at again, an invoice must change.
#[must_use]
pub fn resubmitted(content: Digest, supersedes: bool, earlier: Option<Earlier>) -> Resubmission {
    let Some(Earlier { content: known, status }) = earlier else { return Resubmission::New };
    match status {
        Status::Cancelled | Status::Superseded => Resubmission::New,
        _ if content == known => Resubmission::Unchanged,
        Status::Submitted if !supersedes => Resubmission::NewVersion,
        Status::Submitted | Status::Rejected if supersedes => Resubmission::Supersedes,
        status if supersedes => Resubmission::Refused(Resubmitted::NotSupersedable(status)),
        status => Resubmission::Refused(Resubmitted::SaysSomethingElse(status)),
    }
}

/// What a payer's row is to the row before it of the same voucher: the payer may say something new every night.
#[must_use]
pub fn listed_again(content: Digest, earlier: Option<Digest>) -> Resubmission {
    match earlier {
        None => Resubmission::New,
        Some(known) if known == content => Resubmission::Unchanged,
        Some(_) => Resubmission::NewVersion,
    }
}
