//! What X12 and EDIFACT share: a bounded window on the input, and segments with their places.

mod segment;
mod window;

pub(crate) use segment::{Segment, sort};
pub(crate) use window::Window;
