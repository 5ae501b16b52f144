//! A supplier's invoice and the payer's voucher of it: stages M1 to M6.
//!
//! | stage | rule | result |
//! | --- | --- | --- |
//! | M1 | k0, currency, gross to a cent | matched |
//! | M2 | k1, gross, date to 3 days | matched |
//! | M3 | k1, and gross or date differ | matched, with a flag |
//! | M4 | order number, gross, date to 7 days, number one typing error away | proposed, high |
//! | M5 | k2 or k3, and gross | proposed, medium |
//! | M6 | gross, and the only one within 30 days | proposed, low |
//!
//! Several vouchers at one of the first three stages are installments or a payer's own duplicates: they are proposed.
//! So is a voucher whose currency is not known. An invoice and a credit note, or two currencies, are never the same.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::ledger::money::{self, Currency};
use crate::ledger::number::Keys;

/// The farthest any stage looks from the date of the invoice, in days: the range of the lookup by gross.
pub const WITHIN_DAYS_MAX: u32 = 30;

/// What of a supplier's invoice is matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub keys: Keys,
    pub currency: Option<Currency>,
    /// Negative for a credit note ([`waybill_parsers::canonical::Invoice::signed_payable`]).
    pub gross: Option<Decimal>,
    pub date: Option<Date>,
    /// Keys of the order's number.
    pub order: Option<Keys>,
}

/// A voucher that may be it. `Id` is the caller's name for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<Id> {
    pub id: Id,
    pub keys: Keys,
    pub currency: Option<Currency>,
    /// Negative for a credit.
    pub gross: Option<Decimal>,
    pub date: Option<Date>,
    pub order: Option<Keys>,
    /// Another invoice of the supplier's is matched with it already.
    pub is_taken: bool,
}

/// Whether a supplier begins its numbers again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NumberReuse {
    /// A number is given once.
    #[default]
    Never,
    /// Numbers restart with the fiscal year, which begins in this month, 1 to 12. Then a number alone matches only
    /// within the year of its date.
    EveryYear { first_month: i8 },
}

impl NumberReuse {
    /// Which fiscal year a date is in, where that matters: what goes into the key of a document beside its number.
    #[must_use]
    pub fn year(self, date: Option<Date>) -> Option<i16> {
        match self {
            Self::Never => None,
            Self::EveryYear { first_month } => {
                date.map(|date| if date.month() < first_month { date.year().saturating_sub(1) } else { date.year() })
            }
        }
    }

    /// Whether two dates are surely of one year of numbers.
    fn same_year(self, one: Option<Date>, other: Option<Date>) -> bool {
        self == Self::Never || self.year(one).is_some() && self.year(one) == self.year(other)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    M1,
    M2,
    M3,
    M4,
    M5,
    M6,
}

impl Stage {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::M1 => "m1",
            Self::M2 => "m2",
            Self::M3 => "m3",
            Self::M4 => "m4",
            Self::M5 => "m5",
            Self::M6 => "m6",
        }
    }

    /// Why, for the person who confirms it.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::M1 => "Number, currency and amount are the same.",
            Self::M2 => {
                "The number is the same but for zeros and punctuation, the amount is the same, and the dates \
                         are at most 3 days apart."
            }
            Self::M3 => "The number is the same but for zeros and punctuation; the amount or the date differs.",
            Self::M4 => {
                "The order number and the amount are the same, the dates are at most 7 days apart, and the \
                         numbers differ by one typing error."
            }
            Self::M5 => "The amount is the same, and the numbers look alike.",
            Self::M6 => "It is the only one of the vendor's of this amount within 30 days.",
        }
    }
}

/// How sure a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    High,
    Medium,
    Low,
}

impl Level {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// What a person should see of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    AmountMismatch,
    DateMismatch,
}

impl Flag {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AmountMismatch => "amount_mismatch",
            Self::DateMismatch => "date_mismatch",
        }
    }

    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::AmountMismatch => "Your customer has booked another amount than your invoice states.",
            Self::DateMismatch => "Your customer has booked another date than your invoice states.",
        }
    }
}

/// A voucher a person may confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proposal<Id> {
    pub id: Id,
    pub stage: Stage,
    pub level: Level,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match<Id> {
    /// This is the voucher.
    Matched { id: Id, stage: Stage, flags: Vec<Flag> },
    /// It may be one of these, the likeliest first.
    Proposed(Vec<Proposal<Id>>),
    /// The voucher of this number has its invoice already: this may be a second copy.
    Taken { id: Id },
    /// None of them. The invoice waits; the next files are tried.
    Unmatched,
}

/// Which of the candidates is the voucher of this invoice.
///
/// The caller looks up, among the payer's vouchers of the vendor numbers that are connected to the supplier (never
/// outside them), those with
/// 1. the same k0, or k1, or k2, or k3 (four indexed questions, or one with `or`);
/// 2. the same k1 of the order number;
/// 3. a gross within a cent of the invoice's and a date within [`WITHIN_DAYS_MAX`] days;
///
/// a hundred of each are plenty. Where a lookup is cut off, pass what came: a stage that asks for the only one then has
/// more than one. Vouchers with the same `id` count once. The same function, with the parts exchanged, finds the
/// invoice of a new voucher: look up invoices, and let the claim be the voucher.
#[must_use]
pub fn voucher_for<Id: Clone + Ord>(claim: &Claim, candidates: &[Candidate<Id>], reuse: NumberReuse) -> Match<Id> {
    let mut possible: Vec<&Candidate<Id>> = candidates.iter().filter(|each| may_be(claim, each)).collect();
    possible.sort_by(|one, other| one.id.cmp(&other.id));
    possible.dedup_by(|one, other| one.id == other.id);
    let (taken, free): (Vec<_>, Vec<_>) = possible.into_iter().partition(|each| each.is_taken);
    for stage in [Stage::M1, Stage::M2, Stage::M3] {
        let here: Vec<_> = free.iter().filter(|each| certain(claim, each, reuse) == Some(stage)).collect();
        match here.as_slice() {
            [] => {}
            [one] if claim.currency.is_some() && claim.currency == one.currency => {
                return Match::Matched { id: one.id.clone(), stage, flags: flags(claim, one) };
            }
            several => {
                let propose = |each: &&&Candidate<Id>| Proposal { id: each.id.clone(), stage, level: Level::High };
                return Match::Proposed(several.iter().map(propose).collect());
            }
        }
    }
    if let Some(taken) = taken.iter().find(|each| certain(claim, each, reuse).is_some()) {
        return Match::Taken { id: taken.id.clone() };
    }
    let by_amount: Vec<_> = free.iter().filter(|each| is_of_amount_and_month(claim, each)).collect();
    let only = if let [only] = by_amount.as_slice() { Some(&only.id) } else { None };
    let mut proposals: Vec<Proposal<Id>> = free
        .iter()
        .filter_map(|each| {
            let (stage, level) = likely(claim, each, only == Some(&each.id))?;
            Some(Proposal { id: each.id.clone(), stage, level })
        })
        .collect();
    proposals.sort_by(|one, other| (one.stage, &one.id).cmp(&(other.stage, &other.id)));
    if proposals.is_empty() { Match::Unmatched } else { Match::Proposed(proposals) }
}

/// An invoice is no credit note, and one currency no other.
fn may_be<Id>(claim: &Claim, candidate: &Candidate<Id>) -> bool {
    let gross = claim.gross.zip(candidate.gross);
    let currencies = claim.currency.zip(candidate.currency);
    gross.is_none_or(|(one, other)| money::same_direction(one, other))
        && currencies.is_none_or(|(one, other)| one == other)
}

/// The stage at which it is a match without a person.
fn certain<Id>(claim: &Claim, candidate: &Candidate<Id>, reuse: NumberReuse) -> Option<Stage> {
    let gross = claim.gross.zip(candidate.gross);
    let same_year = reuse.same_year(claim.date, candidate.date);
    let same_gross = gross.is_some_and(|(one, other)| one == other);
    if claim.keys.k0 == candidate.keys.k0 && same_year && gross.is_some_and(|(one, other)| money::is_close(one, other))
    {
        return Some(Stage::M1);
    }
    if claim.keys.k1 != candidate.keys.k1 {
        return None;
    }
    match days_apart(claim.date, candidate.date) {
        Some(days) if same_gross && days <= 3 => Some(Stage::M2),
        _ => Some(Stage::M3).filter(|_| same_year),
    }
}

/// The stage at which it is worth a person's look.
fn likely<Id>(claim: &Claim, candidate: &Candidate<Id>, is_only: bool) -> Option<(Stage, Level)> {
    if claim.gross.is_none() || claim.gross != candidate.gross {
        return None;
    }
    let same_order = claim.order.as_ref().zip(candidate.order.as_ref()).is_some_and(|(one, other)| one.k1 == other.k1);
    let near = days_apart(claim.date, candidate.date).is_some_and(|days| days <= 7);
    if same_order && near && claim.keys.is_within_one_edit(&candidate.keys) {
        return Some((Stage::M4, Level::High));
    }
    let alike = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    if alike(&claim.keys.k2, &candidate.keys.k2) || alike(&claim.keys.k3, &candidate.keys.k3) {
        return Some((Stage::M5, Level::Medium));
    }
    is_only.then_some((Stage::M6, Level::Low))
}

fn is_of_amount_and_month<Id>(claim: &Claim, candidate: &Candidate<Id>) -> bool {
    claim.gross.is_some()
        && claim.gross == candidate.gross
        && days_apart(claim.date, candidate.date).is_some_and(|days| days <= WITHIN_DAYS_MAX)
}

fn flags<Id>(claim: &Claim, candidate: &Candidate<Id>) -> Vec<Flag> {
    let mut flags = Vec::new();
    if claim.gross.zip(candidate.gross).is_some_and(|(one, other)| !money::is_close(one, other)) {
        flags.push(Flag::AmountMismatch);
    }
    if days_apart(claim.date, candidate.date).is_some_and(|days| days > 3) {
        flags.push(Flag::DateMismatch);
    }
    flags
}

/// How many days two dates are apart; `None` where one is not known.
pub(in crate::ledger) fn days_apart(one: Option<Date>, other: Option<Date>) -> Option<u32> {
    let days = one?.until(other?).ok()?.get_days();
    Some(days.unsigned_abs())
}
