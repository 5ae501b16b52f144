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

/// What tells a run of segments from another, quickly: it finds what was sent twice, it proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Digest(u64, u64);

impl Digest {
    const MIX: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];

    /// Goes on with one segment.
    pub(crate) fn add(&mut self, segment: &[u8]) {
        let mut words = segment.chunks_exact(8);
        for word in words.by_ref() {
            self.mix(word.try_into().map_or(0, u64::from_le_bytes));
        }
        let mut last = [0; 8];
        for (place, byte) in last.iter_mut().zip(words.remainder()) {
            *place = *byte;
        }
        self.mix(u64::from_le_bytes(last));
        self.mix(segment.len() as u64);
    }

    fn mix(&mut self, word: u64) {
        let [first, second] = Self::MIX;
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(first);
        self.1 = (self.1.rotate_left(29) ^ word).wrapping_mul(second) ^ (self.0 >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_segments_and_their_order_apart() {
        let of = |segments: &[&str]| {
            let mut digest = Digest::default();
            segments.iter().for_each(|segment| digest.add(segment.as_bytes()));
            digest
        };
        let all = [
            of(&["BGM+380+NW-1"]),
            of(&["BGM+380+NW-2"]),
            of(&["BGM+380+", "NW-1"]),
            of(&["NW-1", "BGM+380+"]),
            of(&["BGM+380+NW-1", ""]),
            of(&["BGM+380+NW-1\0"]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one), "{at}");
        }
        assert_eq!(of(&["BGM+380+NW-1"]), of(&["BGM+380+NW-1"]));
    }
}
