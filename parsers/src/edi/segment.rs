//! One segment: its elements as text, and where each of them stands.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use super::window::line_ends;
use crate::canonical::Text;
use crate::finding::Finding;
use crate::location::Location;
use crate::path::{Path, Steps};
use crate::text::trimmed;

/// What bytes a segment has, as bits; none of them is the common case.
pub(crate) mod sort {
    /// A line break: the file is wrapped.
    pub(crate) const LINE_BREAK: u8 = 1;
    /// A control character that is neither a line break, a tab, nor a delimiter.
    pub(crate) const CONTROL: u8 = 2;
    /// A byte that is not ASCII.
    pub(crate) const HIGH: u8 = 4;
    /// The bytes are not UTF-8: they are read as windows-1252.
    pub(crate) const NOT_UTF8: u8 = 8;
}

/// One segment, borrowed from the window. Element 0 is its id.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    /// The id, without the line breaks of a wrapped file.
    pub(crate) id: &'a [u8],
    /// From the first byte of the id up to the terminator, which is not in it.
    pub(crate) raw: &'a [u8],
    /// The same as text, where it is text as it stands.
    pub(crate) text: Option<&'a str>,
    /// Where each element ends in `raw`; the next one begins a byte later.
    pub(crate) ends: &'a [u32],
    /// Sorts of bytes in it ([`sort`]).
    pub(crate) sorts: u8,
    pub(crate) byte: u64,
    pub(crate) line: u64,
    pub(crate) component_separator: Option<u8>,
    /// The file ended before its terminator.
    pub(crate) cut: bool,
}

impl<'a> Segment<'a> {
    /// How many elements follow the id.
    pub(crate) fn count(&self) -> usize {
        self.ends.len().saturating_sub(1)
    }

    /// An element as text, trimmed; `None` when it is absent or empty.
    #[inline(always)]
    pub(crate) fn value(&self, element: usize) -> Option<Cow<'a, str>> {
        let (start, end) = self.range(element)?;
        match self.text {
            Some(text) => trimmed(text.get(start..end)?).map(Cow::Borrowed),
            None => self.decoded(start, end),
        }
    }

    /// Whether an element is there, and not empty.
    #[inline(always)]
    pub(crate) fn says(&self, element: usize) -> bool {
        self.value(element).is_some()
    }

    /// An element as text of its own.
    #[inline(always)]
    pub(crate) fn text(&self, element: usize) -> Option<Text> {
        self.value(element).map(Text::from)
    }

    /// A component (from 1) of an element, trimmed; `None` when it is absent or empty.
    pub(crate) fn component(&self, element: usize, component: usize) -> Option<Text> {
        let (start, end) = self.range(element)?;
        let Some(separator) = self.component_separator else {
            return self.text(element).filter(|_| component == 1);
        };
        let mut from = start;
        for (index, piece) in self.bytes(element).split(|byte| *byte == separator).enumerate() {
            if index + 1 == component {
                return self.decoded(from, from + piece.len()).map(Text::from);
            }
            from = (from + piece.len() + 1).min(end);
        }
        None
    }

    /// An element exactly as written, without the line breaks of a wrapped file; "" when absent.
    #[inline(always)]
    pub(crate) fn as_written(&self, element: usize) -> Cow<'a, str> {
        let Some((start, end)) = self.range(element) else { return Cow::Borrowed("") };
        match self.text.and_then(|text| text.get(start..end)) {
            Some(text) => Cow::Borrowed(text),
            None => self.decode(start, end),
        }
    }

    /// The same, as a value of its own.
    pub(crate) fn written(&self, element: usize) -> String {
        self.as_written(element).into_owned()
    }

    /// The segment as text, for a finding; no more of it than a finding keeps.
    pub(crate) fn excerpt(&self) -> Cow<'a, str> {
        // Four bytes hold any character; one character more lets the finding see that it was cut.
        let length = self.raw.len().min(4 * (Finding::EXCERPT_CHARS_MAX + 1));
        match self.text.and_then(|text| text.get(..length)) {
            Some(text) => Cow::Borrowed(text),
            None => self.decode(0, length),
        }
    }

    /// The place of the whole segment.
    pub(crate) fn location(&self, path: impl Into<Path>) -> Location {
        Location::new(self.byte, self.line, path).spanning(self.raw.len())
    }

    /// The place of an element, in the segment of this path; of the segment when the element is absent.
    #[inline(always)]
    pub(crate) fn element_location(&self, element: usize, path: &Steps) -> Location {
        let (start, end) = self.range(element).filter(|(start, end)| start < end).unwrap_or((0, self.raw.len()));
        let mut line = self.line;
        if self.has(sort::LINE_BREAK) {
            line += line_ends(self.raw.get(..start).unwrap_or_default());
        }
        let len = u32::try_from(end - start).unwrap_or(u32::MAX);
        Location { byte: self.byte + start as u64, line, path: Path::of_element(path, element), len }
    }

    /// Which element the byte at `at` of `raw` belongs to.
    pub(crate) fn element_at(&self, at: usize) -> usize {
        self.ends.iter().position(|end| at < *end as usize).unwrap_or_else(|| self.count())
    }

    /// Whether it has bytes of these sorts.
    pub(crate) fn has(&self, sort: u8) -> bool {
        self.sorts & sort != 0
    }

    /// Where an element stands in `raw`.
    #[inline(always)]
    fn range(&self, element: usize) -> Option<(usize, usize)> {
        let end = *self.ends.get(element)?;
        let start = element.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + 1);
        Some((start as usize, end as usize))
    }

    #[inline]
    fn bytes(&self, element: usize) -> &'a [u8] {
        let range = self.range(element).and_then(|(start, end)| self.raw.get(start..end));
        range.unwrap_or_default()
    }

    #[cold]
    fn decoded(&self, start: usize, end: usize) -> Option<Cow<'a, str>> {
        match self.decode(start, end) {
            Cow::Borrowed(text) => trimmed(text).map(Cow::Borrowed),
            Cow::Owned(text) => match trimmed(&text)? {
                trimmed if trimmed.len() == text.len() => Some(Cow::Owned(text)),
                trimmed => Some(Cow::Owned(trimmed.to_owned())),
            },
        }
    }

    /// A range of `raw` as text, without the line breaks of a wrapped file.
    #[cold]
    fn decode(&self, start: usize, end: usize) -> Cow<'a, str> {
        let bytes = self.raw.get(start..end).unwrap_or_default();
        // It is no text where the range would cut a character.
        if !self.has(sort::LINE_BREAK | sort::NOT_UTF8)
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Cow::Borrowed(text);
        }
        let bytes = self.unwrapped(bytes);
        if self.has(sort::NOT_UTF8) {
            Cow::Owned(WINDOWS_1252.decode_without_bom_handling(&bytes).0.into_owned())
        } else {
            Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
        }
    }

    /// A file wrapped at 80 columns breaks lines anywhere: where a line break does not end a segment, it is
    /// not data.
    fn unwrapped(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.has(sort::LINE_BREAK) {
            Cow::Owned(bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect())
        } else {
            Cow::Borrowed(bytes)
        }
    }
}
