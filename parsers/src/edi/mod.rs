//! What X12 and EDIFACT share: a bounded window on the input, segments with their places, and how much is remembered
//! of what was met before.

mod scan;
mod segment;
mod window;

pub(crate) use scan::Scan;
pub(crate) use segment::{Segment, sort};
pub(crate) use window::{Window, line_ends};

/// Interchanges, groups and documents of one file, to tell when one comes again.
pub(crate) type Seen = crate::seen::Seen<{ 1 << 18 }>;
