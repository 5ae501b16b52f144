//! What documents mean. Pure: arithmetic and rules, no I/O.

mod status;

pub use status::status_of;
