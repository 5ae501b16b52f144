//! Where in a file something stands, as a path in the format's own words.
//!
//! A reader of EDI knows a path as numbers, and writes down some dozens of them for every document; next to
//! nobody reads them. So they stay numbers, and become text where one is read.

use std::fmt::{self, Write};
use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::canonical::Text;
use crate::short::Short;

/// A path: `ISA[1]/GS[1]/ST[2]/IT1[3]/04` (X12), `/Invoice/cbc:ID` (XML), `row 12/amount` (CSV). Reads as a
/// `str` everywhere.
pub struct Path(Kept);

enum Kept {
    Text(Short),
    Steps {
        steps: Steps,
        /// The same as text, once it is asked for.
        text: OnceLock<Box<str>>,
    },
    Cell {
        row: u64,
        /// Empty for the row itself.
        column: Text,
        text: OnceLock<Box<str>>,
    },
}

impl Path {
    /// The path of the file as a whole.
    #[must_use]
    pub const fn new() -> Self {
        Self(Kept::Text(Short::new()))
    }

    /// The path of an element of a segment, by its number: `…/04`.
    #[inline]
    pub(crate) fn of_element(segment: &Steps, number: usize) -> Self {
        let element = u16::try_from(number).unwrap_or(NO_ELEMENT - 1);
        Self(Kept::Steps { steps: Steps { element, ..*segment }, text: OnceLock::new() })
    }

    /// The path of an element of a segment, by the name that a path has for it.
    #[inline]
    pub(crate) fn of_named(segment: &Steps, name: &'static str) -> Self {
        Self(Kept::Steps { steps: Steps { name, ..*segment }, text: OnceLock::new() })
    }

    /// The path of a row of a table: `row 12`.
    pub(crate) fn of_row(row: u64) -> Self {
        Self(Kept::Cell { row, column: Text::new(), text: OnceLock::new() })
    }

    /// The path of a cell of a table: `row 12/amount`.
    #[inline]
    pub(crate) fn of_cell(row: u64, column: &Text) -> Self {
        Self(Kept::Cell { row, column: column.clone(), text: OnceLock::new() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Kept::Text(text) => text,
            Kept::Steps { steps, text } => text.get_or_init(|| steps.to_string().into()),
            Kept::Cell { row, column, text } if column.is_empty() => text.get_or_init(|| format!("row {row}").into()),
            Kept::Cell { row, column, text } => text.get_or_init(|| format!("row {row}/{column}").into()),
        }
    }
}

/// So deep do segments stand: three envelopes, eight loops one within the other.
const DEPTH_MAX: usize = 11;

/// No element is named.
const NO_ELEMENT: u16 = u16::MAX;

/// The path of a segment, or of an element of it: the envelopes and the loops it stands in, each by the tag of
/// the segment that opens it and its ordinal among its kind.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    ordinals: [u32; DEPTH_MAX],
    tags: [[u8; 3]; DEPTH_MAX],
    depth: u8,
    /// X12 knows the elements of a segment by number,
    element: u16,
    /// EDIFACT by name: `/C516.5004`.
    name: &'static str,
}

impl Steps {
    /// Of the file as a whole.
    pub(crate) const fn new() -> Self {
        Self { ordinals: [0; DEPTH_MAX], tags: [[0; 3]; DEPTH_MAX], depth: 0, element: NO_ELEMENT, name: "" }
    }

    /// The `ordinal`th segment of a kind in this.
    pub(crate) fn within(&self, tag: &[u8], ordinal: u32) -> Self {
        let mut inner = *self;
        inner.push(tag, ordinal);
        inner
    }

    /// Goes one step further in.
    #[inline]
    pub(crate) fn push(&mut self, tag: &[u8], ordinal: u32) {
        let depth = usize::from(self.depth);
        let (Some(to), Some(number)) = (self.tags.get_mut(depth), self.ordinals.get_mut(depth)) else { return };
        *to = match *tag {
            [a, b, c, ..] => [a, b, c],
            [a, b] => [a, b, 0],
            [a] => [a, 0, 0],
            [] => *b"?\0\0",
        };
        *number = ordinal;
        self.depth += 1;
    }

    /// How many steps it has.
    pub(crate) fn depth(&self) -> usize {
        usize::from(self.depth)
    }

    /// Goes back out until there are so many steps.
    pub(crate) fn truncate(&mut self, depth: usize) {
        self.depth = self.depth.min(u8::try_from(depth).unwrap_or(u8::MAX));
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.tags.iter().zip(self.ordinals).take(self.depth());
        for (at, (tag, ordinal)) in steps.enumerate() {
            if at > 0 {
                out.write_char('/')?;
            }
            for byte in tag.iter().filter(|byte| **byte != 0) {
                out.write_char(char::from(*byte))?;
            }
            write!(out, "[{ordinal}]")?;
        }
        if self.element != NO_ELEMENT {
            write!(out, "/{:02}", self.element)?;
        }
        out.write_str(self.name)
    }
}

impl Default for Path {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Path {
    fn clone(&self) -> Self {
        match &self.0 {
            Kept::Text(text) => Self(Kept::Text(text.clone())),
            Kept::Steps { steps, .. } => Self::from(*steps),
            Kept::Cell { row, column, .. } => Self::of_cell(*row, column),
        }
    }
}

impl Deref for Path {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<Steps> for Path {
    #[inline]
    fn from(steps: Steps) -> Self {
        Self(Kept::Steps { steps, text: OnceLock::new() })
    }
}

impl From<Short> for Path {
    fn from(text: Short) -> Self {
        Self(Kept::Text(text))
    }
}

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        Self::from(Short::from(text))
    }
}

impl From<&String> for Path {
    fn from(text: &String) -> Self {
        Self::from(Short::from(text))
    }
}

impl From<String> for Path {
    fn from(text: String) -> Self {
        Self::from(Short::from(text))
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.as_str().to_owned()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Path {}

impl PartialEq<str> for Path {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Path {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Path {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_read_as_their_text() {
        let set = Steps::new().within(b"ISA", 1).within(b"GS", 20).within(b"ST", 3);
        assert_eq!(Path::from(set), "ISA[1]/GS[20]/ST[3]");
        assert_eq!(Path::of_element(&set.within(b"IT1", 4), 4), "ISA[1]/GS[20]/ST[3]/IT1[4]/04");
        assert_eq!(Path::of_element(&set, 104), "ISA[1]/GS[20]/ST[3]/104");
        let mut message = Steps::new().within(b"UNB", 1).within(b"UNH", 2).within(b"LIN", 3);
        message.truncate(2);
        message.push(b"MOA", 1);
        assert_eq!(Path::of_named(&message, "/C516.5004"), "UNB[1]/UNH[2]/MOA[1]/C516.5004");
        assert_eq!(Path::from(Steps::new()), "");
    }

    #[test]
    fn a_path_is_the_same_however_it_is_kept() {
        let steps = Path::of_element(&Steps::new().within(b"ISA", 1), 6);
        let text = Path::from("ISA[1]/06");
        assert_eq!(steps, text);
        assert_eq!(steps.clone(), text.clone());
        assert_eq!(format!("{steps:?}"), format!("{text:?}"));
        let written = serde_json::to_string(&steps).unwrap();
        assert_eq!(serde_json::from_str::<Path>(&written).unwrap(), steps);
        assert_eq!(Path::of_row(12), "row 12");
        let cell = Path::of_cell(12, &"amount".into());
        assert_eq!((cell.clone(), cell.as_str()), (cell.clone(), "row 12/amount"));
    }
}
