//! The envelopes that are open: an interchange, a group in it, a message in that.

use super::aperak::AperakReader;
use super::contrl::ContrlReader;
use super::invoic::InvoicReader;
use super::receipts::Fault;
use super::record::{Kept, Record, Told};
use super::remadv::RemadvReader;
use super::segment::Segment;
use crate::canonical::Text;
use crate::edi::Seen;
use crate::finding::Finding;
use crate::path::Steps;
use crate::seen::Digest;
use crate::text::brief;
use crate::{Halt, Limits};

pub(super) struct Interchange {
    pub(super) path: Steps,
    /// UNB 0020; `None` when there was no UNB.
    pub(super) control: Option<Text>,
    pub(super) is_duplicate: bool,
    pub(super) groups: u32,
    /// Messages outside of groups, and in all.
    pub(super) messages: u32,
    /// Objects (UNO), which some senders count as messages.
    pub(super) objects: u32,
    /// The character set has been told off.
    pub(super) said_charset: bool,
    pub(super) seen: Seen,
}

pub(super) struct Group {
    pub(super) path: Steps,
    /// UNG 0048.
    pub(super) control: Text,
    pub(super) messages: u32,
}

pub(super) struct Message {
    pub(super) path: Steps,
    /// UNH 0062.
    pub(super) control: Text,
    /// UNH 0052 and 0054: `D.96A`.
    pub(super) version: Option<Text>,
    pub(super) unh: Kept,
    pub(super) segments: u64,
    /// Where its last segment ends.
    pub(super) end: u64,
    pub(super) digest: Digest,
    /// `None` for a message that is passed over.
    pub(super) reader: Option<Reader>,
    /// Some of its findings have been told: its document must come.
    pub(super) told: bool,
}

impl Message {
    pub(super) fn named(&self) -> String {
        format!("a message (UNH 0062 `{}`)", brief(&self.control))
    }
}

/// What reads a message.
pub(super) enum Reader {
    Invoic(Box<InvoicReader>),
    Remadv(Box<RemadvReader>),
    Contrl(Box<ContrlReader>),
    Aperak(Box<AperakReader>),
}

impl Reader {
    /// The reader for a kind of message, if it is one we read.
    pub(super) fn of(kind: &str, path: Steps, ordinal: u32, unh: &Segment<'_>, limits: Limits) -> Option<Self> {
        Some(match kind {
            "INVOIC" => Self::Invoic(Box::new(InvoicReader::new(path, ordinal, unh, limits))),
            "REMADV" => Self::Remadv(Box::new(RemadvReader::new(path, ordinal, limits))),
            "CONTRL" => Self::Contrl(Box::new(ContrlReader::new(path, ordinal, limits))),
            "APERAK" => Self::Aperak(Box::new(AperakReader::new(path, ordinal, limits))),
            _ => return None,
        })
    }

    pub(super) fn format(&self) -> &'static str {
        match self {
            Self::Invoic(_) => "edifact-invoic",
            Self::Remadv(_) => "edifact-remadv",
            Self::Contrl(_) => "edifact-contrl",
            Self::Aperak(_) => "edifact-aperak",
        }
    }

    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        match self {
            Self::Invoic(reader) => reader.take(segment),
            Self::Remadv(reader) => reader.take(segment),
            Self::Contrl(reader) => reader.take(segment),
            Self::Aperak(reader) => reader.take(segment),
        }
    }

    pub(super) fn report(&mut self, finding: Finding) {
        match self {
            Self::Invoic(reader) => reader.report(finding),
            Self::Remadv(reader) => reader.report(finding),
            Self::Contrl(reader) => reader.report(finding),
            Self::Aperak(reader) => reader.report(finding),
        }
    }

    /// The path of the segment taken last.
    pub(super) fn path(&mut self) -> Steps {
        self.record().path()
    }

    /// Nothing is wrong so far.
    pub(super) fn is_clean(&mut self) -> bool {
        self.record().findings.is_empty()
    }

    /// Findings so far, with their places, when there are too many to keep until the end.
    pub(super) fn overflow(&mut self) -> (Vec<Finding>, Vec<(usize, Fault)>) {
        self.record().overflow()
    }

    pub(super) fn finish(self, unh: &Kept, complete: bool) -> Told {
        match self {
            Self::Invoic(reader) => reader.finish(unh, complete),
            Self::Remadv(reader) => reader.finish(unh, complete),
            Self::Contrl(reader) => reader.finish(unh, complete),
            Self::Aperak(reader) => reader.finish(unh, complete),
        }
    }

    fn record(&mut self) -> &mut Record {
        match self {
            Self::Invoic(reader) => reader.record(),
            Self::Remadv(reader) => reader.record(),
            Self::Contrl(reader) => reader.record(),
            Self::Aperak(reader) => reader.record(),
        }
    }
}
