//! How much two documents look like one, with the reasons.

use jiff::civil::Date;
use rust_decimal::Decimal;
use waybill_parsers::canonical::InvoiceKind;

use crate::domain::Digest;
use crate::ledger::lifecycle::Status;
use crate::ledger::matching::{WITHIN_DAYS_MAX, days_apart};
use crate::ledger::money::Currency;
use crate::ledger::number::Keys;

/// From here on the newer document waits until accounts payable confirms it.
pub const BLOCK_POINTS: u32 = 80;
/// From here on it is flagged.
pub const FLAG_POINTS: u32 = 50;

/// A document, as far as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    pub kind: InvoiceKind,
    pub keys: Keys,
    /// Who is to be paid: the vendor's key, the same for all the vendor numbers of one connection.
    pub vendor: String,
    /// A digest of the tax number, where it is known.
    pub tax_id: Option<Digest>,
    pub currency: Option<Currency>,
    pub gross: Option<Decimal>,
    pub date: Option<Date>,
    pub order: Option<Keys>,
    /// [`super::line_content`].
    pub lines: Option<Digest>,
    /// Of the bytes of the document itself.
    pub bytes: Option<Digest>,
    pub status: Status,
}

/// One reason, with its points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    SameBytes,
    SameNumber,
    SimilarNumber,
    NearNumber,
    SameGross,
    NearGross,
    SameDate,
    NearDate,
    SameOrder,
    SameLines,
    SameTaxId,
}

impl Reason {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameBytes => "same_bytes",
            Self::SameNumber => "same_number",
            Self::SimilarNumber => "similar_number",
            Self::NearNumber => "near_number",
            Self::SameGross => "same_gross",
            Self::NearGross => "near_gross",
            Self::SameDate => "same_date",
            Self::NearDate => "near_date",
            Self::SameOrder => "same_order",
            Self::SameLines => "same_lines",
            Self::SameTaxId => "same_tax_id",
        }
    }

    #[must_use]
    pub fn points(self) -> u32 {
        match self {
            Self::SameBytes => 100,
            Self::SameNumber => 60,
            Self::SimilarNumber => 40,
            Self::NearNumber => 35,
            Self::SameLines => 30,
            Self::SameGross => 25,
            Self::SameTaxId => 15,
            Self::NearGross | Self::SameDate | Self::SameOrder => 10,
            Self::NearDate => 5,
        }
    }

    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::SameBytes => "The two documents are the same, byte for byte.",
            Self::SameNumber => "The number is the same, but for zeros and punctuation.",
            Self::SimilarNumber => "The numbers are the same without prefix and punctuation, or look alike.",
            Self::NearNumber => "The numbers differ by one typing error, or by a suffix that marks a copy.",
            Self::SameGross => "The amount is the same.",
            Self::NearGross => "The amounts differ by at most 1 %.",
            Self::SameDate => "The date is the same.",
            Self::NearDate => "The dates are at most 30 days apart.",
            Self::SameOrder => "The order number is the same.",
            Self::SameLines => "The lines are the same.",
            Self::SameTaxId => "The vendor numbers differ and the tax number is the same: one vendor, listed twice.",
        }
    }
}

/// What follows from the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Below [`FLAG_POINTS`]: nothing.
    None,
    Flag,
    /// It waits until accounts payable confirms it. Nothing is ever rejected for a suspicion.
    Block,
}

/// How bad it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Normal,
    /// The earlier one is paid: the newer would be paid twice.
    High,
}

/// The suspicion that a document is an earlier one again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspicion {
    pub points: u32,
    pub reasons: Vec<Reason>,
    pub weight: Weight,
    pub severity: Severity,
}

/// How much `newer` looks like `earlier`. `None` where the two cannot be one: an invoice and a credit note, two
/// vendors with nothing in common, or an earlier one that will not be paid (rejected, withdrawn, superseded).
///
/// The caller looks up, within the payer and the vendor (and vendors of the same tax number), documents with the
/// same k1, k2 or k3; with a k1 in [`Keys::suffixed`] or equal to [`Keys::without_suffix`]; with a gross within
/// 1 % and a date within 30 days; with the same digest of bytes. Fifty of each are plenty; the highest score counts.
#[must_use]
pub fn suspect(newer: &Subject, earlier: &Subject) -> Option<Suspicion> {
    let same_bytes = newer.bytes.is_some() && newer.bytes == earlier.bytes;
    let same_vendor = newer.vendor == earlier.vendor;
    let same_tax_id = newer.tax_id.is_some() && newer.tax_id == earlier.tax_id;
    let is_gone = matches!(earlier.status, Status::Rejected | Status::Cancelled | Status::Superseded);
    if newer.kind != earlier.kind || is_gone || !(same_vendor || same_tax_id || same_bytes) {
        return None;
    }
    let found = [
        same_bytes.then_some(Reason::SameBytes),
        if same_vendor || same_tax_id { numbers(&newer.keys, &earlier.keys) } else { None },
        amounts(newer, earlier),
        dates(newer.date, earlier.date),
        alike(newer.order.as_ref(), earlier.order.as_ref(), |keys| &keys.k1).then_some(Reason::SameOrder),
        alike(newer.lines.as_ref(), earlier.lines.as_ref(), |digest| digest).then_some(Reason::SameLines),
        (same_tax_id && !same_vendor).then_some(Reason::SameTaxId),
    ];
    let reasons: Vec<Reason> = found.into_iter().flatten().collect();
    let points = reasons.iter().map(|reason| reason.points()).sum();
    let weight = match points {
        BLOCK_POINTS.. => Weight::Block,
        FLAG_POINTS.. => Weight::Flag,
        _ => Weight::None,
    };
    let is_paid = matches!(earlier.status, Status::PartiallyPaid | Status::Paid | Status::Cleared);
    Some(Suspicion { points, reasons, weight, severity: if is_paid { Severity::High } else { Severity::Normal } })
}

fn numbers(newer: &Keys, earlier: &Keys) -> Option<Reason> {
    let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    if newer.k1 == earlier.k1 {
        Some(Reason::SameNumber)
    } else if same(&newer.k2, &earlier.k2) || same(&newer.k3, &earlier.k3) {
        Some(Reason::SimilarNumber)
    } else if newer.is_within_one_edit(earlier) || newer.differs_by_suffix(earlier) {
        Some(Reason::NearNumber)
    } else {
        None
    }
}

fn amounts(newer: &Subject, earlier: &Subject) -> Option<Reason> {
    let (one, other) = newer.gross.zip(earlier.gross)?;
    if newer.currency != earlier.currency {
        return None;
    }
    let difference = one.checked_sub(other)?.abs();
    // 1 % of the earlier amount, without dividing.
    let is_near = difference.checked_mul(Decimal::ONE_HUNDRED)? <= other.abs();
    match difference {
        difference if difference.is_zero() => Some(Reason::SameGross),
        _ => is_near.then_some(Reason::NearGross),
    }
}

fn dates(newer: Option<Date>, earlier: Option<Date>) -> Option<Reason> {
    match days_apart(newer, earlier)? {
        0 => Some(Reason::SameDate),
        days => (days <= WITHIN_DAYS_MAX).then_some(Reason::NearDate),
    }
}

fn alike<T, K: PartialEq + ?Sized>(one: Option<&T>, other: Option<&T>, key: impl Fn(&T) -> &K) -> bool {
    one.zip(other).is_some_and(|(one, other)| key(one) == key(other))
}
