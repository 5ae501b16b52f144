//! The documents of a file that were met, to tell when one comes again.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, RandomState};

use crate::edi::{AsIs, Digest};

/// So many of one file are remembered: 16 bytes each.
const MAX: usize = 400_000;

/// Documents by the digest of their key, with their first row.
#[derive(Default)]
pub(super) struct Seen {
    first_rows: HashMap<u64, u64, BuildHasherDefault<AsIs>>,
    /// Nobody knows beforehand which keys fall together.
    keys: RandomState,
}

impl Seen {
    /// The row of the document that came first with this key; `None` where this is it.
    pub(super) fn meet(&mut self, key: &Digest, row: u64) -> Option<u64> {
        let digest = self.keys.hash_one(key);
        let first_row = self.first_rows.get(&digest).copied();
        if first_row.is_none() && self.first_rows.len() < MAX {
            self.first_rows.insert(digest, row);
        }
        first_row
    }
}
