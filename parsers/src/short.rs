//! Text that is mostly short: where a field stands, which field it is, how it was written.
//!
//! Every amount of every document has three of these. Kept as a `String` each, they were the greater part
//! of the time it takes to read an EDI file; kept in place, they cost a copy.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// So many bytes stand in the value itself.
const IN_PLACE_BYTES: usize = 38;

/// A text that needs no memory of its own up to 38 bytes. Reads as a `str` everywhere.
#[derive(Clone)]
pub struct Short(Kept);

#[derive(Clone)]
enum Kept {
    /// The first `len` bytes, which are UTF-8.
    InPlace {
        len: u8,
        bytes: [u8; IN_PLACE_BYTES],
    },
    /// A word of the program's own.
    Fixed(&'static str),
    Apart(String),
}

impl Short {
    /// The empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self(Kept::InPlace { len: 0, bytes: [0; IN_PLACE_BYTES] })
    }

    /// A word of the program's own, which is not copied.
    #[must_use]
    #[inline]
    pub const fn fixed(text: &'static str) -> Self {
        Self(Kept::Fixed(text))
    }

    /// A field of one of several: `lines[3].quantity`.
    #[must_use]
    #[inline(always)]
    pub fn part(list: &str, index: usize, field: &str) -> Self {
        // Nearly all have less than ten of anything, and room for it.
        if let digit @ 0..10 = index
            && let mut bytes = [0; IN_PLACE_BYTES]
            && let Some((before, rest)) = bytes.split_at_mut_checked(list.len())
            && let Some((middle, rest)) = rest.split_first_chunk_mut::<4>()
            && let Some(after) = rest.get_mut(..field.len())
        {
            before.copy_from_slice(list.as_bytes());
            *middle = [b'[', b'0' + digit as u8, b']', b'.'];
            after.copy_from_slice(field.as_bytes());
            return Self(Kept::InPlace { len: (list.len() + 4 + field.len()) as u8, bytes });
        }
        Self::part_of_many(list, index, field)
    }

    fn part_of_many(list: &str, index: usize, field: &str) -> Self {
        let mut short = Self::from(list);
        short.push_ascii(b'[');
        short.push_number(index as u64);
        short.push_ascii(b']');
        short.push_ascii(b'.');
        short.push_str(field);
        short
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Only whole texts are ever copied in.
            Kept::InPlace { .. } => std::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Kept::Fixed(text) => text,
            Kept::Apart(text) => text,
        }
    }

    /// The bytes of the text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Kept::InPlace { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Kept::Fixed(text) => text.as_bytes(),
            Kept::Apart(text) => text.as_bytes(),
        }
    }

    /// Adds to the end.
    pub fn push_str(&mut self, more: &str) {
        match &mut self.0 {
            Kept::InPlace { len, bytes } => {
                let start = usize::from(*len);
                if let Some(room) = bytes.get_mut(start..start + more.len()) {
                    room.copy_from_slice(more.as_bytes());
                    *len += more.len() as u8;
                } else {
                    let mut text = String::with_capacity(start + more.len() + IN_PLACE_BYTES / 2);
                    text.push_str(self.as_str());
                    text.push_str(more);
                    self.0 = Kept::Apart(text);
                }
            }
            Kept::Fixed(text) => {
                *self = Self::from(*text);
                self.push_str(more);
            }
            Kept::Apart(text) => text.push_str(more),
        }
    }

    /// Adds one character of ASCII to the end; anything else is a question mark.
    pub fn push_ascii(&mut self, byte: u8) {
        let byte = if byte.is_ascii() { byte } else { b'?' };
        if let Kept::InPlace { len, bytes } = &mut self.0
            && let Some(slot) = bytes.get_mut(usize::from(*len))
        {
            *slot = byte;
            *len += 1;
        } else {
            self.push_str(char::from(byte).encode_utf8(&mut [0; 4]));
        }
    }

    /// Adds a number to the end, in decimal.
    pub fn push_number(&mut self, number: u64) {
        if number < 10 {
            return self.push_ascii(b'0' + number as u8);
        }
        let mut digits = [0_u8; 20];
        let mut rest = number;
        let mut first = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            first -= 1;
            if rest == 0 {
                break;
            }
        }
        let written = digits.get(first..).unwrap_or_default();
        self.push_str(std::str::from_utf8(written).unwrap_or_default());
    }
}

impl Default for Short {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Short {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Short {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Short {
    #[inline]
    fn from(text: &str) -> Self {
        let mut bytes = [0; IN_PLACE_BYTES];
        let Some(room) = bytes.get_mut(..text.len()) else { return Self(Kept::Apart(text.to_owned())) };
        room.copy_from_slice(text.as_bytes());
        Self(Kept::InPlace { len: text.len() as u8, bytes })
    }
}

impl From<&String> for Short {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Short {
    fn from(text: String) -> Self {
        if text.len() <= IN_PLACE_BYTES { Self::from(text.as_str()) } else { Self(Kept::Apart(text)) }
    }
}

impl From<Cow<'_, str>> for Short {
    #[inline]
    fn from(text: Cow<'_, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::from(text),
            Cow::Owned(text) => Self::from(text),
        }
    }
}

impl From<&Short> for Short {
    fn from(text: &Short) -> Self {
        text.clone()
    }
}

impl From<Short> for String {
    fn from(text: Short) -> Self {
        match text.0 {
            Kept::Apart(text) => text,
            Kept::InPlace { .. } | Kept::Fixed(_) => text.as_str().to_owned(),
        }
    }
}

impl FromIterator<char> for Short {
    fn from_iter<I: IntoIterator<Item = char>>(chars: I) -> Self {
        let mut short = Self::new();
        chars.into_iter().for_each(|char| short.push_str(char.encode_utf8(&mut [0; 4])));
        short
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.push_str(more);
        Ok(())
    }
}

impl fmt::Display for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl PartialEq for Short {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Short {}

impl PartialEq<str> for Short {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Short {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Short {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<Short> for str {
    fn eq(&self, other: &Short) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Short> for &str {
    fn eq(&self, other: &Short) -> bool {
        *self == other.as_str()
    }
}

impl PartialEq<Short> for String {
    fn eq(&self, other: &Short) -> bool {
        self == other.as_str()
    }
}

impl Hash for Short {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_no_larger_than_five_words() {
        assert!(size_of::<Short>() <= 40);
    }

    proptest! {
        #[test]
        fn a_text_is_kept_however_long_it_is(pieces in prop::collection::vec("\\PC{0,30}", 0..6), number: u64) {
            let mut short = Short::new();
            let mut whole = String::new();
            for piece in &pieces {
                short.push_str(piece);
                whole.push_str(piece);
            }
            short.push_number(number);
            whole.push_str(&number.to_string());
            prop_assert_eq!(&short, &whole);
            prop_assert_eq!(Short::part(&whole, 12, "tax"), format!("{whole}[12].tax"));
            prop_assert_eq!(Short::from(whole.clone()), short.clone());
            prop_assert_eq!(Short::from(whole.as_str()), short.clone());
            prop_assert_eq!(String::from(short), whole);
        }
    }
}
