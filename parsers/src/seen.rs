//! What was met before, by digest.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

/// A bounded memory of things, with what was noted of each when it came first: beyond `MAX` nothing more is noticed as
/// repeated.
#[derive(Default)]
pub(crate) struct Seen<const MAX: usize, Note = ()> {
    first: HashMap<u64, Note, BuildHasherDefault<AsIs>>,
    /// Nobody knows beforehand which things fall together.
    keys: RandomState,
}

impl<const MAX: usize, Note: Copy> Seen<MAX, Note> {
    /// What was noted when this was met first; `None` where this is the first time.
    pub(crate) fn meet(&mut self, thing: &(impl Hash + ?Sized), note: Note) -> Option<Note> {
        let digest = self.keys.hash_one(thing);
        let first = self.first.get(&digest).copied();
        if first.is_none() && self.first.len() < MAX {
            self.first.insert(digest, note);
        }
        first
    }
}

impl<const MAX: usize> Seen<MAX> {
    /// Whether this was never met before; from now on it was.
    pub(crate) fn is_new(&mut self, thing: &(impl Hash + ?Sized)) -> bool {
        self.meet(thing, ()).is_none()
    }
}

/// A digest is its own hash.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

/// What tells a run of segments, or of cells, from another, quickly: it finds what was sent twice, it proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Digest(u64, u64);

impl Digest {
    const MIX: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f];

    /// Goes on with one of them, whole: `a` and `bc` are not `ab` and `c`.
    #[inline]
    pub(crate) fn add(&mut self, segment: &[u8]) {
        let (pairs, _) = segment.as_chunks::<16>();
        for pair in pairs {
            self.mix(u128::from_le_bytes(*pair));
        }
        // The last pair may hold bytes of the one before it; the length says how many.
        let last = match (segment.last_chunk::<16>(), segment.first_chunk::<8>(), segment.last_chunk::<8>()) {
            (Some(pair), ..) => u128::from_le_bytes(*pair),
            (None, Some(first), Some(last)) => {
                u128::from(u64::from_le_bytes(*first)) << 64 | u128::from(u64::from_le_bytes(*last))
            }
            _ => segment.iter().fold(0, |word, byte| word << 8 | u128::from(*byte)),
        };
        self.mix(last ^ (segment.len() as u128) << 96);
    }

    /// Two words at a time, each with what came before, multiplied with each other.
    #[inline]
    fn mix(&mut self, pair: u128) {
        let [first, second] = Self::MIX;
        let (low, high) = (pair as u64 ^ self.0, (pair >> 64) as u64 ^ self.1);
        let product = u128::from(low ^ first) * u128::from(high ^ second);
        (self.0, self.1) = (product as u64 ^ high, (product >> 64) as u64 ^ low.rotate_left(32));
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
