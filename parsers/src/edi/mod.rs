//! What X12 and EDIFACT share: a bounded window on the input, segments with their places, and a memory
//! of what was met before.

mod scan;
mod seen;
mod segment;
mod window;

pub(crate) use scan::Scan;
pub(crate) use seen::{AsIs, Digest, Seen};
pub(crate) use segment::{Segment, sort};
pub(crate) use window::{Window, line_ends};
