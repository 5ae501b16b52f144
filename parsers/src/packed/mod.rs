//! Archives: gzip and zip drops, each member read as a file of its own; and workbooks, which are zip files
//! too.
//!
//! ```text
//! bytes ──► walk: what is it? ──► gzip: a stream        ──► inflate: counted, bounded ──► the member's format
//!                             ──► zip:  its directory   ──┘
//!                             ──► a workbook ──► csv
//! ```
//!
//! What a stranger's archive may cost is bounded four ways: the ratio of what comes out to what went in, the
//! sum of what comes out, how deep archives stand in archives, and how many members there are. A member that
//! fits in [`HELD_BYTES`] is read to its end, and its checksum compared, before any of it is believed.

mod inflate;
mod walk;
mod zip;

use std::io::BufRead;

pub(crate) use inflate::{Fault, Gauge, Inflated};
pub(crate) use zip::{Entry, Zip};

use crate::{Context, Format, Halt, Profile, Sink, Summary};

/// A member up to this size is checked before it is read.
const HELD_BYTES: u64 = 4 * 1024 * 1024;

/// What an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Gzip,
    Zip,
}

impl Kind {
    /// By the first bytes (RFC 1952 §2.3.1; APPNOTE.TXT 4.3.7 and, for an empty one, 4.3.16).
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        if head.starts_with(&[0x1f, 0x8b]) {
            return Some(Self::Gzip);
        }
        let is_zip = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
        is_zip.then_some(Self::Zip)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zip => "zip",
        }
    }
}

/// gzip and zip.
pub(crate) struct Packed;

impl Format for Packed {
    fn name(&self) -> &'static str {
        "archive"
    }

    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        Kind::of(head).is_some()
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        walk::read(input, context, sink)
    }
}
