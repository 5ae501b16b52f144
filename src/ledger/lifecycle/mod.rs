//! Where an invoice stands on its way to being paid, and who may move it there.
//!
//! An invoice hears from five sides: the supplier who filed it, the payer's nightly files, people in accounts
//! payable, payments, and the calendar of pay runs. What each said last is kept apart, in a [`Standing`]; the
//! [`Status`] is worked out of all of it, never stored as a step from the one before. That is why the same
//! files, however often and in whatever order they come, end in the same status.
//!
//! * [`Status`] are the words; each has a sentence for the supplier.
//! * [`Standing`] is what is known, and [`Standing::view`] what follows from it, by precedence: the payer's file, then
//!   accounts payable, then the supplier; payments raise, and lower only what payments had raised.
//! * [`apply`] takes an [`Event`]: a change, nothing, history only, or a [`Refusal`] with its reason.
//! * [`Hold`]s, [`Dispute`]s and a stale feed lie over the status and are no statuses.

mod disputes;
mod first;
mod holds;
mod standing;
mod status;
#[cfg(test)]
mod tests;
mod transition;

pub use disputes::{Action, Dispute, DisputeRefusal, DisputeState, Reason, Side};
pub use first::status_of;
pub use holds::{HOLDS_MAX, Hold, HoldMeaning, HoldsChange, Owner, held};
pub use standing::{AsOf, Decision, Evidence, Filing, Flag, Handover, PayerWord, Rules, Standing, View, is_stale};
pub use status::Status;
pub use transition::{Applied, Change, Event, Listing, Refusal, apply, relisted};
