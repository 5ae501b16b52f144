//! Which invoices may be paid early, and what of them after credits.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::ledger::allocation::TooLarge;
use crate::ledger::lifecycle::Status;

/// What is known of an invoice that wants to be paid early.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Invoice {
    pub status: Status,
    pub is_held: bool,
    pub is_disputed: bool,
    pub is_exception: bool,
    pub is_suspected_duplicate: bool,
    pub open: Option<Decimal>,
    pub due: Option<Date>,
    /// It has an accepted offer already.
    pub has_offer: bool,
    /// The payer's feed is late: what is known may be wrong by now.
    pub is_stale: bool,
}

/// Why an invoice may not be paid early now. There may be several reasons; all are said at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Barred {
    #[error("Only an approved invoice can be paid early; this one is {}.", .0.as_str())]
    NotApproved(Status),
    #[error("It is on hold.")]
    Held,
    #[error("It is disputed.")]
    Disputed,
    #[error("Your customer has to clear a question about it first.")]
    Exception,
    #[error("It looks like another invoice; your customer has to confirm that it is not.")]
    SuspectedDuplicate,
    #[error("Your customer has not said what is open of it.")]
    NoAmount,
    #[error("Your customer has not said when it is due.")]
    NoDueDate,
    #[error("It is a credit note.")]
    Credit,
    #[error("An offer for it is accepted already.")]
    HasOffer,
    #[error("Your customer's data are late; come back when they are there.")]
    Stale,
}

/// All the reasons why this invoice may not be paid early; none: it may.
#[must_use]
pub fn barred(invoice: &Invoice) -> Vec<Barred> {
    let is_approved = matches!(invoice.status, Status::Approved | Status::Scheduled);
    let reasons = [
        (!is_approved).then_some(Barred::NotApproved(invoice.status)),
        invoice.is_held.then_some(Barred::Held),
        invoice.is_disputed.then_some(Barred::Disputed),
        invoice.is_exception.then_some(Barred::Exception),
        invoice.is_suspected_duplicate.then_some(Barred::SuspectedDuplicate),
        match invoice.open {
            None => Some(Barred::NoAmount),
            Some(open) => (open <= Decimal::ZERO).then_some(Barred::Credit),
        },
        invoice.due.is_none().then_some(Barred::NoDueDate),
        invoice.has_offer.then_some(Barred::HasOffer),
        invoice.is_stale.then_some(Barred::Stale),
    ];
    reasons.into_iter().flatten().collect()
}

/// An invoice of a basket. `Id` is the caller's name for it.
#[derive(Debug, Clone, PartialEq)]
pub struct BasketItem<Id> {
    pub id: Id,
    /// What is open, positive.
    pub open: Decimal,
    /// Open credits that name this invoice, positive.
    pub credits: Decimal,
    pub due: Date,
}

/// What of each invoice is left to be paid early: open − credits that name it, and less the `unmatched` credits of the
/// supplier, which are taken from the basket, the earliest due first. Credits that are more than their invoice go
/// on to the others. The sum is what is open less all credits, and never below zero.
///
/// # Errors
/// The amounts pass what a decimal can hold.
pub fn basket<Id: Clone + Ord>(items: &[BasketItem<Id>], unmatched: Decimal) -> Result<Vec<(Id, Decimal)>, TooLarge> {
    let mut left = unmatched.max(Decimal::ZERO);
    let mut bases = Vec::with_capacity(items.len());
    for item in items {
        let open = item.open.max(Decimal::ZERO);
        let credits = item.credits.max(Decimal::ZERO);
        let base = open.checked_sub(credits.min(open)).ok_or(TooLarge)?;
        let more = credits.checked_sub(credits.min(open)).ok_or(TooLarge)?;
        left = left.checked_add(more).ok_or(TooLarge)?;
        bases.push((item.due, item.id.clone(), base));
    }
    bases.sort_by(|(due, id, _), (other_due, other_id, _)| (due, id).cmp(&(other_due, other_id)));
    for (_, _, base) in &mut bases {
        let taken = left.min(*base);
        *base = base.checked_sub(taken).ok_or(TooLarge)?;
        left = left.checked_sub(taken).ok_or(TooLarge)?;
    }
    Ok(bases.into_iter().map(|(_, id, base)| (id, base)).collect())
}
