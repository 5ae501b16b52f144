//! The fault laboratory: senders that write down what they were told, daemons that are killed, paused, cut off and lied
//! to, and an oracle that afterwards compares what was promised with what is there.

#![allow(dead_code, reason = "the laboratory runs more than the test command does")]

mod bench;
mod forgetful;
mod journal;
pub(crate) mod kills;
pub(crate) mod liar;
mod load;
mod oracle;
mod small;

pub(crate) use bench::{Bench, Store};
pub(crate) use journal::Journal;
pub(crate) use load::Load;
pub(crate) use oracle::verify;

/// Chance that can be had again: the same seed, the same choices.
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end.max(1)
    }

    pub(crate) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}
