//! What documents mean. Pure: arithmetic and rules, no I/O.

pub mod money;
pub mod number;
mod status;

pub use status::status_of;
