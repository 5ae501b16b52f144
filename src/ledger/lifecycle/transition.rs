//! What happens to an invoice: an event, and what it changes or why it may not.

use jiff::civil::Date;
use waybill_parsers::canonical::{PaymentStatus, Text};

use super::holds::{HoldMeaning, HoldsChange, held};
use super::standing::{AsOf, Decision, Evidence, Filing, Handover, PayerWord, Rules, Standing};
use super::status::Status;
use crate::domain::Timestamp;
use crate::ledger::allocation::Settlement;

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The supplier filed a valid invoice.
    Filed,
    /// The payer's system fetched it, or accepted it by 997 or CONTRL.
    HandedOver { at: Timestamp },
    /// A 997 or CONTRL refused it.
    HandoverRefused { at: Timestamp },
    /// A row of the payer's file.
    Listed(Listing),
    /// A full snapshot does not list it. `snapshots` is how many full snapshots newer than the last listing do
    /// not: count the feed's snapshots, do not add one each time, and late files do no harm.
    Absent { as_of: AsOf, snapshots: u32 },
    /// The pay run it is in, from the calendar or the file; `None` takes it out.
    PayRun { date: Option<Date> },
    /// What all the allocations there are make of it, and as of when they are known.
    Payments { settlement: Settlement, as_of: Timestamp },
    /// A person in accounts payable decided.
    Decided { decision: Decision, at: Timestamp },
    /// The supplier takes it back.
    Withdrawn,
    /// The supplier filed another that names this one as superseded.
    Superseded,
}

/// A row of the payer's file.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    pub as_of: AsOf,
    /// `None` where the profile does not map the code: the status stays what it was, `received` at first.
    pub status: Option<PaymentStatus>,
    pub is_exception: bool,
    pub hold_codes: Vec<Text>,
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    pub standing: Standing,
    /// What the status does; `None` where it stays.
    pub change: Option<Change>,
    /// Older than what is known: it goes into the history and moves nothing.
    pub is_history_only: bool,
    /// What became of the holds.
    pub holds: HoldsChange,
}

/// A status that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub from: Option<Status>,
    pub to: Status,
    pub evidence: Evidence,
    /// A step down the ladder: right, and worth a look.
    pub is_regression: bool,
}

/// Why an event may not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this invoice was filed before")]
    FiledBefore,
    #[error("nothing was filed by the supplier, so nothing can be handed over, withdrawn or superseded")]
    NotFiled,
    #[error(
        "an invoice can be withdrawn until the customer has it in its books; this one is {}: ask the customer to void \
         it", .0.as_str()
    )]
    TooLateToWithdraw(Status),
    #[error(
        "only a rejected invoice, or one that nobody has fetched yet, can be superseded; this one is {}", .0.as_str()
    )]
    NotSupersedable(Status),
    #[error("the customer's own file says that the invoice is {}, and the file decides", .0.as_str())]
    PayerFileDecides(Status),
    #[error("the invoice is {} and accounts payable cannot decide about it any more", .0.as_str())]
    Decided(Status),
    #[error("nothing is known of this invoice yet")]
    Unknown,
}

impl Refusal {
    /// The code of the API's error catalogue: every refusal is a conflict with the state.
    #[must_use]
    pub fn code(self) -> &'static str {
        "state_conflict"
    }
}

/// What the event makes of the standing. `meaning` gives a hold code its text and its owner, from the payer's profile.
///
/// Events that come a second time, or out of order, change nothing: the newest word of each side counts.
///
/// # Errors
/// The event may not happen now.
pub fn apply(
    standing: &Standing,
    event: &Event,
    rules: &Rules,
    meaning: &dyn Fn(&str) -> HoldMeaning,
) -> Result<Applied, Refusal> {
    let mut next = standing.clone();
    let mut holds = HoldsChange::default();
    let is_current = match event {
        Event::Filed if standing.filing.is_some() => return Err(Refusal::FiledBefore),
        Event::Filed => {
            next.filing = Some(Filing::default());
            true
        }
        Event::HandedOver { at } => hand_over(&mut next, Handover::Taken, *at)?,
        Event::HandoverRefused { at } => hand_over(&mut next, Handover::Refused, *at)?,
        Event::Listed(listing) => list(&mut next, listing, meaning, &mut holds),
        Event::Absent { as_of, snapshots } => {
            let is_current = standing.listed.is_some_and(|listed| *as_of > listed);
            if is_current {
                next.absent = *snapshots;
            }
            is_current
        }
        Event::PayRun { date } => {
            next.pay_run = *date;
            true
        }
        Event::Payments { settlement, as_of } => {
            let is_current = standing.settled_as_of.is_none_or(|known| *as_of >= known);
            if is_current {
                (next.settlement, next.settled_as_of) = (*settlement, Some(*as_of));
            }
            is_current
        }
        Event::Decided { decision, at } => decide(&mut next, *decision, *at, rules)?,
        Event::Withdrawn => {
            withdraw(&mut next, rules)?;
            true
        }
        Event::Superseded => {
            supersede(&mut next, rules)?;
            true
        }
    };
    let (from, to) = (standing.view(rules), next.view(rules));
    let change = to.filter(|to| from.map(|from| from.status) != Some(to.status)).map(|to| Change {
        from: from.map(|from| from.status),
        to: to.status,
        evidence: to.evidence,
        is_regression: from.is_some_and(|from| from.status.regresses_to(to.status)),
    });
    Ok(Applied { standing: next, change, is_history_only: !is_current, holds })
}

/// The standing with what the payer's files say told anew from all their rows, in whatever order they are given: for
/// when an older file came late and the beginnings of holds are to be right. What the other sides said stays, and so
/// does how often it was missing; count that again, too.
#[must_use]
pub fn relisted(standing: &Standing, history: &[Listing], meaning: &dyn Fn(&str) -> HoldMeaning) -> Standing {
    let mut next = Standing { listed: None, payer: None, is_exception: false, holds: Vec::new(), ..standing.clone() };
    let mut rows: Vec<&Listing> = history.iter().collect();
    rows.sort_by_key(|row| row.as_of);
    for row in rows {
        list(&mut next, row, meaning, &mut HoldsChange::default());
    }
    next.absent = if next.listed == standing.listed { standing.absent } else { 0 };
    next
}

fn hand_over(next: &mut Standing, handover: Handover, at: Timestamp) -> Result<bool, Refusal> {
    let filing = next.filing.as_mut().ok_or(Refusal::NotFiled)?;
    let is_current = filing.handover.is_none_or(|(_, known)| at >= known);
    if is_current {
        filing.handover = Some((handover, at));
    }
    Ok(is_current)
}

/// Whether the row is not older than the newest that is known. An older one still says the status where no newer row
/// said any the profile could map.
fn list(
    next: &mut Standing,
    listing: &Listing,
    meaning: &dyn Fn(&str) -> HoldMeaning,
    holds: &mut HoldsChange,
) -> bool {
    let says = listing.status.filter(|_| next.payer.is_none_or(|word| listing.as_of >= word.as_of));
    if let Some(status) = says {
        next.payer = Some(PayerWord { status, as_of: listing.as_of });
    }
    let is_newest = next.listed.is_none_or(|listed| listing.as_of >= listed);
    if is_newest {
        // Listed again is present again; the same file a second time is the same.
        if next.listed != Some(listing.as_of) {
            next.absent = 0;
        }
        next.listed = Some(listing.as_of);
        next.is_exception = listing.is_exception;
        *holds = held(&next.holds, &listing.hold_codes, meaning, listing.as_of.at);
        next.holds.clone_from(&holds.now);
    }
    is_newest || says.is_some()
}

fn decide(next: &mut Standing, decision: Decision, at: Timestamp, rules: &Rules) -> Result<bool, Refusal> {
    if let Some(word) = next.payer {
        return Err(Refusal::PayerFileDecides(word.status.into()));
    }
    let view = next.view(rules).ok_or(Refusal::Unknown)?;
    let is_decidable = view.status.is_open() && view.status != Status::PartiallyPaid
        || matches!(view.status, Status::Rejected | Status::Cancelled if next.decision.is_some());
    if !is_decidable {
        return Err(Refusal::Decided(view.status));
    }
    let is_current = next.decision.is_none_or(|(_, known)| at >= known);
    if is_current {
        next.decision = Some((decision, at));
    }
    Ok(is_current)
}

fn withdraw(next: &mut Standing, rules: &Rules) -> Result<(), Refusal> {
    let status = next.view(rules).ok_or(Refusal::NotFiled)?.status;
    let filing = next.filing.as_mut().ok_or(Refusal::NotFiled)?;
    match status {
        Status::Submitted | Status::Delivered => filing.is_withdrawn = true,
        Status::Cancelled if filing.is_withdrawn => {}
        status => return Err(Refusal::TooLateToWithdraw(status)),
    }
    Ok(())
}

fn supersede(next: &mut Standing, rules: &Rules) -> Result<(), Refusal> {
    let status = next.view(rules).ok_or(Refusal::NotFiled)?.status;
    let filing = next.filing.as_mut().ok_or(Refusal::NotFiled)?;
    match status {
        Status::Submitted | Status::Rejected | Status::Superseded => filing.is_superseded = true,
        status => return Err(Refusal::NotSupersedable(status)),
    }
    Ok(())
}
