//! What was met before, by digest.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A bounded memory of things: beyond its limit nothing more is noticed as repeated.
#[derive(Default)]
pub(crate) struct Seen(HashSet<u64>);

impl Seen {
    const MAX: usize = 1 << 18;

    /// Whether this was never met before; from now on it was.
    pub(crate) fn is_new(&mut self, thing: &(impl Hash + ?Sized)) -> bool {
        let mut hasher = DefaultHasher::new();
        thing.hash(&mut hasher);
        let digest = hasher.finish();
        if self.0.len() < Self::MAX { self.0.insert(digest) } else { !self.0.contains(&digest) }
    }
}
