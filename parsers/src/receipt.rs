//! What an acknowledgment is written from: what was received, envelope by envelope, and how it was taken.
//!
//! A reader fills these while it reads ([`crate::Summary::receipts`]); [`crate::acknowledge`] turns them into
//! the bytes of an answer, in the words of the same standard.

use jiff::civil::DateTime;

use crate::canonical::{Acknowledgment, Identifier};

/// One interchange that was received, and the answer to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Who sent it (ISA05 and ISA06, UNB S002) and to whom (ISA07 and ISA08, UNB S003), as the interchange says.
    pub sender: Identifier,
    pub recipient: Identifier,
    /// Its date and time as they were written (ISA09, ISA10; UNB S004): a TA1 repeats them.
    pub date: String,
    pub time: String,
    /// The version of its envelope (ISA12; UNB S001, with the character set: `UNOC:3`).
    pub version: String,
    /// `P` for production, `T` for a test (ISA15, UNB 0035): an answer to a test is a test.
    pub usage: String,
    /// Its sender asks for an answer to the interchange itself (ISA14, UNB 0031).
    pub wanted: bool,
    /// The answer to the envelope: a TA1; a CONTRL, whose items answer the messages.
    pub interchange: Acknowledgment,
    /// The answers to its functional groups, one each: a 997 or a 999. An acknowledgment is not among them,
    /// for it is never acknowledged.
    pub groups: Vec<Acknowledgment>,
}

/// What an answer takes that no reading can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The control number of the first interchange written; further ones count on from it.
    pub control: u32,
    /// Now, in the time the partner expects.
    pub at: DateTime,
    /// Answer every interchange itself (TA1), not only one that asks for it or that is faulty.
    pub every_interchange: bool,
}
