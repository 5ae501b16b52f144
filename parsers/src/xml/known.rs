//! The start tags that a file has had: nearly all of them come again, and mean the same.

use memchr::memchr;

use super::stream::Space;
use super::tag::Run;
use crate::short::Short;

/// So many are remembered at most; one takes the place of another.
const SLOTS: usize = 256;

/// A longer tag is looked at each time.
const TAG_BYTES_MAX: usize = 48;

/// A tag with more attributes is looked at each time.
pub(super) const ATTRIBUTES_MAX: usize = 2;

/// What start tags mean, by their text and the namespaces in force.
#[derive(Debug)]
pub(super) struct KnownTags {
    /// Where in `known` the tag of a slot stands, from 1; 0 where there is none. A small file has few.
    places: [u8; SLOTS],
    known: Vec<Known>,
}

/// A tag, as it was written between its `<` and its `>` or `/>`, and what it means.
#[derive(Debug, Clone)]
struct Known {
    tag: Short,
    /// The state of the namespaces that it means this in.
    state: u64,
    meant: Meant,
}

/// What a start tag means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meant {
    /// Where in the tag the local name stands.
    pub(super) local: Run,
    pub(super) space: Space,
    /// Nobody keeps the text of such an element.
    pub(super) is_unread: bool,
    /// Where in the tag the names and the values of its attributes stand, none of which has a prefix.
    pub(super) attributes: [Option<(Run, Run)>; ATTRIBUTES_MAX],
}

impl KnownTags {
    pub(super) fn new() -> Self {
        Self { places: [0; SLOTS], known: Vec::new() }
    }

    /// The start tag that begins here, with what it means, if it is known to mean it in this state of the namespaces;
    /// and whether its element is empty.
    #[inline]
    pub(super) fn find<'t>(&self, ahead: &'t str, state: u64) -> Option<(&'t str, Meant, bool)> {
        let inner = ahead.get(1..)?;
        // A `>` in the value of an attribute ends no tag that was kept.
        let bytes = inner.as_bytes();
        let end = memchr(b'>', bytes.get(..TAG_BYTES_MAX).unwrap_or(bytes))?;
        let is_empty = end > 0 && bytes.get(end - 1) == Some(&b'/');
        let tag = inner.get(..end - usize::from(is_empty))?;
        let place = usize::from(*self.places.get(slot(tag))?).checked_sub(1)?;
        let known = self.known.get(place)?;
        (known.state == state && known.tag.as_bytes() == tag.as_bytes()).then_some((tag, known.meant, is_empty))
    }

    /// Remembers what a start tag means.
    pub(super) fn keep(&mut self, tag: &str, state: u64, meant: Meant) {
        if tag.len() + 1 >= TAG_BYTES_MAX || tag.contains('>') {
            return;
        }
        let Some(place) = self.places.get_mut(slot(tag)) else { return };
        let known = Known { tag: tag.into(), state, meant };
        match usize::from(*place).checked_sub(1).and_then(|place| self.known.get_mut(place)) {
            Some(before) => *before = known,
            // Of all slots one stays empty: a byte counts the others.
            None => {
                if let Ok(next) = u8::try_from(self.known.len() + 1) {
                    self.known.push(known);
                    *place = next;
                }
            }
        }
    }
}

/// Eight bytes at a time; the last may hold bytes of those before them.
#[inline]
fn slot(tag: &str) -> usize {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = tag.as_bytes();
    let mixed = |digest: u64, word: u64| (digest ^ word).wrapping_mul(MIX).rotate_left(29);
    let digest = bytes.as_chunks::<8>().0.iter().fold(0, |digest, eight| mixed(digest, u64::from_le_bytes(*eight)));
    let last = match bytes.last_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    (mixed(digest, last).wrapping_mul(MIX) >> 56) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_while_the_namespaces_are_the_same() {
        let mut tags = KnownTags::new();
        let local = Run { start: 4, end: 6 };
        let meant = Meant { local, space: Space::Own("cbc"), is_unread: false, attributes: [None; 2] };
        let find = |tags: &KnownTags, tag: &str, state| {
            let found = tags.find(tag, state);
            found.map(|(name, meant, is_empty)| (name.to_owned(), meant, is_empty))
        };
        assert_eq!(find(&tags, "<cbc:ID>", 7), None);
        tags.keep("cbc:ID", 7, meant);
        assert_eq!(find(&tags, "<cbc:ID>4711", 7), Some(("cbc:ID".to_owned(), meant, false)));
        assert_eq!(find(&tags, "<cbc:ID/>", 7), Some(("cbc:ID".to_owned(), meant, true)));
        assert_eq!(find(&tags, "<cbc:ID>", 8), None);
        for other in ["<cbc:ID a='1'>", "<cbc:ID", "<cbc:ID/", "<cbc:I>", "<cac:ID>", "<>", "</>", "<"] {
            assert_eq!(find(&tags, other, 7), None, "{other}");
        }
        let amount =
            Meant { attributes: [Some((Run { start: 7, end: 17 }, Run { start: 19, end: 22 })), None], ..meant };
        tags.keep("cbc:ID currencyID=\"EUR\"", 7, amount);
        let found = find(&tags, "<cbc:ID currencyID=\"EUR\">1.00", 7);
        assert_eq!(found, Some(("cbc:ID currencyID=\"EUR\"".to_owned(), amount, false)));
        assert_eq!(find(&tags, "<cbc:ID currencyID=\"USD\">1.00", 7), None);
        tags.keep("a b='>'", 7, amount);
        assert_eq!(find(&tags, "<a b='>'>", 7), None);
        for number in 0..10_000 {
            let tag = format!("cbc:ID{number}");
            let meant = Meant { local: Run { start: number, end: number }, ..meant };
            tags.keep(&tag, 7, meant);
            let found = find(&tags, &format!("<{tag}>"), 7);
            assert!(found.is_none_or(|found| found == (tag, meant, false)));
        }
        assert_eq!(tags.known.len(), usize::from(u8::MAX), "however many names come");
        let long = "n".repeat(TAG_BYTES_MAX);
        tags.keep(&long, 7, meant);
        assert_eq!(find(&tags, &format!("<{long}>"), 7), None);
    }
}
