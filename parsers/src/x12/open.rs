//! The envelopes that are open: an interchange, a group in it, a transaction set in that.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::delimiters::Delimiters;
use super::invoice_810::{InvoiceReader, Place, brief};

pub(super) struct Interchange {
    pub(super) path: String,
    /// ISA13.
    pub(super) control: String,
    pub(super) delimiters: Delimiters,
    pub(super) is_duplicate: bool,
    pub(super) groups: u32,
}

pub(super) struct Group {
    pub(super) path: String,
    /// GS06; `None` when there was no GS.
    pub(super) control: Option<String>,
    /// GS08.
    pub(super) version: Option<String>,
    pub(super) sets: u32,
    pub(super) seen: Seen,
}

pub(super) struct Set {
    pub(super) path: String,
    /// ST02.
    pub(super) control: String,
    pub(super) st: Place,
    pub(super) segments: u64,
    /// Where its last segment ends.
    pub(super) end: u64,
    pub(super) digest: DefaultHasher,
    /// The 810; any other set is passed over.
    pub(super) invoice: Option<Box<InvoiceReader>>,
    /// Some of its findings have been told: its document must come.
    pub(super) told: bool,
}

impl Set {
    pub(super) fn named(&self) -> String {
        format!("(ST02 `{}`)", brief(&self.control))
    }
}

/// What was met before, by digest. Bounded: beyond its limit nothing more is noticed as repeated.
#[derive(Default)]
pub(super) struct Seen(HashSet<u64>);

impl Seen {
    const MAX: usize = 1 << 18;

    pub(super) fn is_new(&mut self, thing: &impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        let digest = hasher.finish();
        if self.0.len() < Self::MAX { self.0.insert(digest) } else { !self.0.contains(&digest) }
    }
}
