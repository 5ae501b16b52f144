//! What documents mean. Pure: arithmetic and rules, no I/O.

pub mod allocation;
pub mod lifecycle;
pub mod money;
pub mod number;

pub use lifecycle::status_of;
