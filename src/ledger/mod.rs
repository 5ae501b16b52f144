//! What documents mean. Pure: arithmetic and rules, no I/O.

pub mod allocation;
pub mod calendar;
pub mod discount;
pub mod duplicate;
pub mod guard;
pub mod lifecycle;
pub mod matching;
pub mod money;
pub mod number;

pub use lifecycle::status_of;
