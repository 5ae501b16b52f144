//! Early payment: what a payer offers, which invoices may take it, what it costs, and how an acceptance becomes an
//! award in the payer's books.
//!
//! 1. A [`Programme`] says what being paid early costs: a yearly rate, a sliding scale or a cliff.
//! 2. [`barred`] says why an invoice may not take part; [`basket`] nets credits against what is open.
//! 3. [`Programme::price`] prices one invoice for one pay run. Only the days of pay runs have a price.
//! 4. An [`Offer`] goes from open to settled. Its price is frozen when it is accepted, and it can be taken back until
//!    the cut-off of its run. A [`StandingRule`] accepts by itself; [`within_budget`] keeps a run within its money.
//! 5. [`award_lines`] are what the payer's system reads: exactly once, under a number that shows a lost file.
//!
//! Every amount is rounded once, half up, to the currency's decimals.

mod award;
mod eligibility;
mod offer;
mod programme;
#[cfg(test)]
mod tests;

pub use award::{AWARD_COLUMNS, Award, AwardLine, award_file_name, award_lines};
pub use eligibility::{Barred, BasketItem, Invoice, barred, basket};
pub use offer::{Acceptance, Offer, OfferEvent, OfferRefusal, OfferState, StandingRule, within_budget};
pub use programme::{Basis, Curve, Price, Priced, Programme, ProgrammeError, Unpriced};
