//! Cuts segments eight bytes at a time.
//!
//! Most segments are whole in the window and hold printable ASCII only. For these one pass finds the end of
//! the segment and all that separates its parts, and knows that there is nothing else to look at; all others
//! are left to a reader that looks at each byte.

/// What separates what, each byte repeated eight times.
pub(crate) struct Scan<const SEPARATORS: usize, const STRANGERS: usize> {
    separators: [u64; SEPARATORS],
    /// What makes of a segment one that is not like most: release characters.
    strangers: [u64; STRANGERS],
    terminator: u64,
}

/// One in each byte, and the highest bit of each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

impl<const SEPARATORS: usize, const STRANGERS: usize> Scan<SEPARATORS, STRANGERS> {
    pub(crate) fn new(separators: [u8; SEPARATORS], strangers: [u8; STRANGERS], terminator: u8) -> Self {
        let repeated = |byte: u8| u64::from(byte) * ONES;
        let (separators, strangers) = (separators.map(repeated), strangers.map(repeated));
        Self { separators, strangers, terminator: repeated(terminator) }
    }

    /// The length of the segment that starts here; where its parts end is added to `ends`, and to `firsts` how many
    /// of them end with each that the first of the separators ends. `None` where it is not whole, holds a stranger,
    /// or a byte that is not printable ASCII.
    #[inline]
    pub(crate) fn cut(&self, bytes: &[u8], ends: &mut Vec<u32>, firsts: &mut Vec<u32>) -> Option<u32> {
        let mut at = 0;
        for eight in bytes.as_chunks::<8>().0 {
            let word = u64::from_le_bytes(*eight);
            let hits = equal(word, &self.separators);
            let strange = odd(word) | equal(word, &self.strangers);
            let stop = equal(word, &[self.terminator]);
            if stop | strange != 0 {
                // All that stands before the terminator.
                let inside = (stop & stop.wrapping_neg()).wrapping_sub(1);
                if strange & inside != 0 {
                    return None;
                }
                self.add(at, word, hits & inside, ends, firsts);
                let length = at + stop.trailing_zeros() / 8;
                ends.push(length);
                return Some(length);
            }
            self.add(at, word, hits, ends, firsts);
            at += 8;
        }
        None
    }

    /// Adds the places of bytes that are marked.
    #[inline]
    fn add(&self, at: u32, word: u64, mut marked: u64, ends: &mut Vec<u32>, firsts: &mut Vec<u32>) {
        while marked != 0 {
            let bit = marked.trailing_zeros();
            ends.push(at + bit / 8);
            // Where there is but one, each of them ends a part.
            if SEPARATORS > 1 && self.separators.first().is_some_and(|first| (word >> (bit - 7)) as u8 == *first as u8)
            {
                firsts.push(ends.len() as u32);
            }
            marked &= marked - 1;
        }
    }
}

/// The highest bit of each byte that is one of those searched for, which are ASCII. What stands after a byte that
/// is not may be marked, or missed.
#[inline]
fn equal<const SEARCHED: usize>(word: u64, searched: &[u64; SEARCHED]) -> u64 {
    // A byte that is off carries into its highest bit; one that is not ASCII may carry past it.
    !searched.iter().fold(HIGHS, |off, repeated| off & (word ^ repeated).wrapping_add(!HIGHS)) & HIGHS & !word
}

/// The highest bit of each byte that is not printable ASCII. What stands after the first of them in the word may
/// be marked as well.
fn odd(word: u64) -> u64 {
    (word | word.wrapping_sub(0x20 * ONES) | word.wrapping_add(ONES)) & HIGHS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_scan_finds_what_a_look_at_each_byte_finds(bytes in prop::collection::vec(prop_oneof![
            9 => 0x20_u8..0x7f, 4 => Just(b'*'), 2 => Just(b':'), 2 => Just(b'~'), 1 => Just(b'?'), 1 => any::<u8>(),
        ], 0..80)) {
            let (mut ends, mut firsts) = (Vec::new(), Vec::new());
            let found = Scan::new([b'*', b':'], [b'?'], b'~').cut(&bytes, &mut ends, &mut firsts);
            let length = bytes.iter().position(|byte| matches!(byte, b'~' | b'?') || !(0x20..0x7f).contains(byte));
            // The last bytes are looked at only where eight of them are there.
            let whole = bytes.len() / 8 * 8;
            match length.filter(|length| *length < whole && bytes[*length] == b'~') {
                None => prop_assert_eq!(found, None),
                Some(length) => {
                    let parts = bytes[..length].split(|byte| matches!(byte, b'*' | b':'));
                    let expected: Vec<u32> = parts.scan(0, |end, part| {
                        *end += part.len() as u32 + 1;
                        Some(*end - 1)
                    }).collect();
                    prop_assert_eq!(found, Some(length as u32));
                    let first: Vec<u32> = expected.iter().zip(1..).filter(|(end, _)| bytes[**end as usize] == b'*')
                        .map(|(_, count)| count).collect();
                    prop_assert_eq!(ends, expected);
                    prop_assert_eq!(firsts, first);
                }
            }
        }
    }
}
