//! The life of an offer: open, accepted, locked at the cut-off, exported as an award, acknowledged, settled.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::programme::Price;
use crate::domain::Timestamp;
use crate::ledger::money;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferState {
    /// It may be accepted.
    Open,
    /// The price is frozen; it may be taken back until the cut-off.
    Accepted,
    /// The cut-off has passed: it stands.
    Locked,
    /// It is in an award file.
    Exported,
    /// The payer's system has fetched the file.
    Acknowledged,
    /// Paid as agreed, to a cent.
    Settled,
    /// Paid otherwise, or not: somebody must look.
    Mismatch,
    /// The cut-off has passed and nobody accepted it.
    Expired,
    /// The supplier took it back, or the invoice may no longer be paid early.
    Withdrawn,
}

impl OfferState {
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::Accepted,
        Self::Locked,
        Self::Exported,
        Self::Acknowledged,
        Self::Settled,
        Self::Mismatch,
        Self::Expired,
        Self::Withdrawn,
    ];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Locked => "locked",
            Self::Exported => "exported",
            Self::Acknowledged => "acknowledged",
            Self::Settled => "settled",
            Self::Mismatch => "mismatch",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Open => "You can accept this offer until the cut-off of its pay run.",
            Self::Accepted => "You have accepted. You can take it back until the cut-off.",
            Self::Locked => "The cut-off has passed; your acceptance stands.",
            Self::Exported => "Your customer's system is told to pay early.",
            Self::Acknowledged => "Your customer's system has read that it is to pay early.",
            Self::Settled => "Paid early, as agreed.",
            Self::Mismatch => "The payment is not what was agreed. Your customer has been told.",
            Self::Expired => "The cut-off has passed and the offer was not accepted.",
            Self::Withdrawn => "The offer was taken back.",
        }
    }

    /// Whether its money counts against the budget of its run.
    #[must_use]
    pub fn is_committed(self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Locked | Self::Exported | Self::Acknowledged | Self::Settled | Self::Mismatch
        )
    }
}

/// Who accepted, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The user, or the standing rule.
    pub by: String,
    pub at: Timestamp,
}

/// One invoice's offer for one pay run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub state: OfferState,
    /// Of the moment until it is accepted, and from then on as it was accepted.
    pub price: Price,
    pub acceptance: Option<Acceptance>,
    /// The award file it is in, and its line there.
    pub award: Option<(u64, u32)>,
}

/// What can happen to an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfferEvent {
    /// The price is worked out anew: it changes while nobody has accepted it.
    Priced(Price),
    /// Somebody accepts the price they saw.
    Accepted { seen: Price, by: String, at: Timestamp },
    /// The supplier takes its acceptance back.
    Revoked { at: Timestamp },
    /// The invoice was held, disputed, paid or rejected, or the programme ended.
    Barred,
    /// Time has passed: the cut-off may be over.
    Tick { now: Timestamp },
    /// It stands in line `line`, from 1, of award file `file_seq`.
    Exported { file_seq: u64, line: u32 },
    /// The payer's system fetched the file.
    Acknowledged,
    /// What was paid of the invoice since it was accepted, all in all.
    Paid { paid: Decimal },
    /// The pay date has passed, with the days of grace, and nothing was paid.
    Unpaid,
}

/// Why it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferRefusal {
    #[error("the cut-off of this pay run has passed ({cut_off})")]
    Late { cut_off: Timestamp },
    #[error("this offer is {} and can no longer be changed", .0.as_str())]
    Locked(OfferState),
    #[error("the price has changed since you saw it; look at the new one and accept that")]
    PriceChanged,
    #[error("the budget of this pay run has {left} left, and this payment needs {needed}")]
    BudgetSpent { left: Decimal, needed: Decimal },
    #[error("an offer that is {} cannot do that", .0.as_str())]
    OutOfOrder(OfferState),
}

impl OfferRefusal {
    /// The code of the API's error catalogue.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Late { .. } | Self::Locked(_) => "offer_locked",
            Self::PriceChanged => "precondition_failed",
            Self::BudgetSpent { .. } | Self::OutOfOrder(_) => "state_conflict",
        }
    }
}

impl Offer {
    /// An open offer at this price.
    #[must_use]
    pub fn new(price: Price) -> Self {
        Self { state: OfferState::Open, price, acceptance: None, award: None }
    }

    /// What the event makes of the offer. The same event a second time makes the same of it.
    ///
    /// # Errors
    /// The event may not happen now.
    pub fn after(&self, event: &OfferEvent) -> Result<Self, OfferRefusal> {
        use OfferState as S;
        let to = |state| Ok(Self { state, ..self.clone() });
        match (event, self.state) {
            (OfferEvent::Priced(price), S::Open | S::Withdrawn) => Ok(Self::new(*price)),
            // What is accepted keeps its price.
            (OfferEvent::Priced(_), _) => Ok(self.clone()),
            (OfferEvent::Accepted { seen, by, at }, S::Open) => self.accepted(seen, by, *at),
            (OfferEvent::Accepted { .. }, S::Accepted) => Ok(self.clone()),
            (OfferEvent::Accepted { .. } | OfferEvent::Revoked { .. }, S::Expired) => {
                Err(OfferRefusal::Late { cut_off: self.price.cut_off })
            }
            (OfferEvent::Revoked { at }, S::Accepted) if *at >= self.price.cut_off => {
                Err(OfferRefusal::Late { cut_off: self.price.cut_off })
            }
            (OfferEvent::Revoked { .. }, S::Accepted) => {
                Ok(Self { state: S::Withdrawn, acceptance: None, ..self.clone() })
            }
            (OfferEvent::Revoked { .. }, S::Withdrawn) => Ok(self.clone()),
            (OfferEvent::Revoked { .. }, S::Open) => Err(OfferRefusal::OutOfOrder(S::Open)),
            (OfferEvent::Accepted { .. } | OfferEvent::Revoked { .. }, state) => Err(OfferRefusal::Locked(state)),
            (OfferEvent::Barred, S::Open | S::Accepted) => to(S::Withdrawn),
            // Past its cut-off the payer's system is told, or about to be; what it pays will be compared.
            (OfferEvent::Barred, _) => Ok(self.clone()),
            (OfferEvent::Tick { now }, S::Open) if *now >= self.price.cut_off => to(S::Expired),
            (OfferEvent::Tick { now }, S::Accepted) if *now >= self.price.cut_off => to(S::Locked),
            (OfferEvent::Tick { .. }, _) => Ok(self.clone()),
            (OfferEvent::Exported { file_seq, line }, S::Locked) => {
                Ok(Self { state: S::Exported, award: Some((*file_seq, *line)), ..self.clone() })
            }
            (OfferEvent::Exported { file_seq, line }, _) if self.award == Some((*file_seq, *line)) => Ok(self.clone()),
            (OfferEvent::Acknowledged, S::Exported) => to(S::Acknowledged),
            (OfferEvent::Acknowledged, S::Acknowledged | S::Settled | S::Mismatch) => Ok(self.clone()),
            (OfferEvent::Paid { paid }, S::Locked | S::Exported | S::Acknowledged | S::Settled | S::Mismatch) => {
                to(if money::is_close(*paid, self.price.net) { S::Settled } else { S::Mismatch })
            }
            (OfferEvent::Unpaid, S::Locked | S::Exported | S::Acknowledged) => to(S::Mismatch),
            (OfferEvent::Unpaid, S::Settled | S::Mismatch) => Ok(self.clone()),
            (_, state) => Err(OfferRefusal::OutOfOrder(state)),
        }
    }

    fn accepted(&self, seen: &Price, by: &str, at: Timestamp) -> Result<Self, OfferRefusal> {
        if at >= self.price.cut_off {
            return Err(OfferRefusal::Late { cut_off: self.price.cut_off });
        }
        if *seen != self.price {
            return Err(OfferRefusal::PriceChanged);
        }
        let acceptance = Some(Acceptance { by: by.to_owned(), at });
        Ok(Self { state: OfferState::Accepted, acceptance, ..self.clone() })
    }
}

/// A supplier's word that it accepts by itself: every offer at this rate or less, this many days early or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingRule {
    /// Against the simple yearly rate ([`Price::apr`]), in percent.
    pub apr_max: Decimal,
    pub days_early_min: u32,
}

impl StandingRule {
    #[must_use]
    pub fn accepts(&self, price: &Price) -> bool {
        price.apr <= self.apr_max && price.days_early >= self.days_early_min
    }

    /// The price it takes of several: of the earliest run.
    #[must_use]
    pub fn choose<'a>(&self, prices: &'a [Price]) -> Option<&'a Price> {
        prices.iter().filter(|price| self.accepts(price)).min_by_key(|price| price.pay_date)
    }
}

/// Whether the budget of a pay run has room for one more. `committed` is the sum of what the run's committed
/// offers pay ([`OfferState::is_committed`]); no budget has no end. Ask within the transaction that accepts.
///
/// # Errors
/// It has not.
pub fn within_budget(budget: Option<Decimal>, committed: Decimal, price: &Price) -> Result<(), OfferRefusal> {
    let Some(budget) = budget else { return Ok(()) };
    let left = budget.checked_sub(committed).unwrap_or(Decimal::ZERO).max(Decimal::ZERO);
    if price.net <= left { Ok(()) } else { Err(OfferRefusal::BudgetSpent { left, needed: price.net }) }
}
