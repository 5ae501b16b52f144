//! What X12 and EDIFACT share.
