//! Who may see whose vouchers: a connection links a supplier with vendor numbers of a payer.
//!
//! * A [`Connection`] is invited by the payer or requested by the supplier, accepted, suspended, revoked.
//! * [`prove`] lets a supplier show who it is by what only the payee knows: an invoice of its own and the amount
//!   that was paid of it.
//! * [`siblings`] finds the other vendor numbers of the same vendor, which one connection may hold together.
//! * [`vendor_of`] finds the vendor a row speaks of; a row whose vendor is not known yet is parked under
//!   [`parking_key`], and tried again when a vendor with that key arrives.

mod life;
mod proof;
#[cfg(test)]
mod tests;
mod vendors;

pub use life::{Access, Connection, ConnectionEvent, ConnectionRefusal, ConnectionStatus, Party};
pub use proof::{Fact, Known, PROOF_SLOTS, Proof, may_try, prove};
pub use vendors::{Sibling, VendorFacts, VendorKey, VendorResolution, VendorRow, parking_key, siblings, vendor_of};
