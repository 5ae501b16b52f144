//! Which bytes mean something to who cuts rows into cells, looked up for many rows at once: the compiler makes of the
//! loop what the machine has for it, sixteen bytes at a time or more.

use super::rows::Dialect;

/// What a byte may be, as the place of a bit.
pub(super) mod kind {
    pub(crate) const DELIMITER: u32 = 0;
    pub(crate) const QUOTE: u32 = 1;
    pub(crate) const LINE_END: u32 = 2;
    /// Not ASCII.
    pub(crate) const HIGH: u32 = 3;
}

/// What the bytes ahead are.
#[derive(Default)]
pub(super) struct Ahead {
    /// A few more than are known, for they are looked at by eights.
    kinds: Vec<u8>,
    known: usize,
    /// How many of them have been passed.
    passed: usize,
}

/// So many are looked up at once.
const AHEAD_BYTES: usize = 16 * 1024;
/// When fewer are left, others are looked up: what is looked at twice is little.
const AHEAD_BYTES_MIN: usize = 1024;

impl Ahead {
    /// What the bytes of the buffer are, as many as are looked up; or more, where the buffer has become shorter.
    pub(super) fn of(&mut self, buffer: &[u8], dialect: Dialect) -> &[u8] {
        if self.known.saturating_sub(self.passed) < AHEAD_BYTES_MIN.min(buffer.len()) {
            let bytes = buffer.get(..AHEAD_BYTES).unwrap_or(buffer);
            self.kinds.clear();
            self.kinds.extend(kinds(bytes, dialect));
            self.kinds.extend([0; 8]);
            (self.known, self.passed) = (bytes.len(), 0);
        }
        self.kinds.get(self.passed..).unwrap_or_default()
    }

    /// So many bytes of the buffer are consumed.
    pub(super) fn pass(&mut self, count: usize) {
        self.passed = (self.passed + count).min(self.known);
    }
}

/// What each of these bytes is: most are nothing, 0.
fn kinds(bytes: &[u8], dialect: Dialect) -> impl Iterator<Item = u8> {
    let Dialect { delimiter, quote } = dialect;
    let quote = quote.unwrap_or(delimiter);
    bytes.iter().map(move |byte| {
        let byte = *byte;
        let is_delimiter = byte == delimiter;
        u8::from(is_delimiter) << kind::DELIMITER
            | u8::from((byte == quote) & !is_delimiter) << kind::QUOTE
            | u8::from((byte == b'\n') | (byte == b'\r')) << kind::LINE_END
            | u8::from(byte >= 0x80) << kind::HIGH
    })
}

/// The places of bytes that are something, with what they are, first to last. What fills no eight bytes at the end is
/// not looked at.
#[inline]
pub(super) fn places(kinds: &[u8]) -> Places<'_> {
    Places { eights: kinds.as_chunks().0.iter(), word: 0, at: 0 }
}

/// See [`places`].
pub(super) struct Places<'a> {
    eights: std::slice::Iter<'a, [u8; 8]>,
    /// What is left of the eight kinds looked at.
    word: u64,
    /// Where the next eight stand.
    at: u32,
}

impl Iterator for Places<'_> {
    /// The place, and what stands there.
    type Item = (u32, u32);

    #[inline]
    fn next(&mut self) -> Option<(u32, u32)> {
        while self.word == 0 {
            self.word = u64::from_le_bytes(*self.eights.next()?);
            self.at += 8;
        }
        let bit = self.word.trailing_zeros();
        self.word &= self.word - 1;
        Some((self.at - 8 + bit / 8, bit % 8))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_byte_is_what_it_is_alone(bytes in prop::collection::vec(any::<u8>(), 0..100), passed in 0..100_usize) {
            let dialect = Dialect { delimiter: b';', quote: Some(b'"') };
            let mut ahead = Ahead::default();
            ahead.of(&bytes, dialect);
            let passed = passed.min(bytes.len());
            ahead.pass(passed);
            let rest = &bytes[passed..];
            let expected: Vec<(u32, u32)> = rest.iter().zip(0..).filter_map(|(byte, at)| match byte {
                b';' => Some((at, kind::DELIMITER)),
                b'"' => Some((at, kind::QUOTE)),
                b'\n' | b'\r' => Some((at, kind::LINE_END)),
                0x80.. => Some((at, kind::HIGH)),
                _ => None,
            }).collect();
            prop_assert_eq!(places(ahead.of(rest, dialect)).collect::<Vec<_>>(), expected);
        }
    }
}
