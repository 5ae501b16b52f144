//! One segment: its elements as text, and where each of them stands.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;
use memchr::memchr2;

use super::window::line_ends;
use crate::finding::Finding;
use crate::location::Location;
use crate::short::Short;

/// One segment, borrowed from the window. Element 0 is its id.
#[derive(Clone, Copy)]
pub(crate) struct Segment<'a> {
    /// From the first byte of the id up to the terminator, which is not in it.
    pub(crate) raw: &'a [u8],
    /// The elements as ranges of `raw`.
    pub(crate) elements: &'a [(usize, usize)],
    pub(crate) byte: u64,
    pub(crate) line: u64,
    pub(crate) component_separator: Option<u8>,
    /// Its bytes are UTF-8; else they are read as windows-1252.
    pub(crate) utf8: bool,
    /// The file ended before its terminator.
    pub(crate) cut: bool,
}

impl<'a> Segment<'a> {
    /// The id, without the line breaks of a wrapped file.
    pub(crate) fn id(&self) -> Cow<'a, [u8]> {
        unwrapped(self.bytes(0))
    }

    /// How many elements follow the id.
    pub(crate) fn count(&self) -> usize {
        self.elements.len().saturating_sub(1)
    }

    /// An element as text, trimmed; `None` when it is absent or empty.
    pub(crate) fn text(&self, element: usize) -> Option<String> {
        self.decoded(self.bytes(element))
    }

    /// A component (from 1) of an element, trimmed; `None` when it is absent or empty.
    pub(crate) fn component(&self, element: usize, component: usize) -> Option<String> {
        let bytes = self.bytes(element);
        match self.component_separator {
            None if component == 1 => self.decoded(bytes),
            None => None,
            Some(separator) => self
                .decoded(bytes.split(|byte| *byte == separator).nth(component.saturating_sub(1)).unwrap_or_default()),
        }
    }

    /// An element exactly as written, without the line breaks of a wrapped file; "" when absent.
    pub(crate) fn written(&self, element: usize) -> String {
        self.decode(&unwrapped(self.bytes(element)))
    }

    /// The segment as text, for a finding; no more of it than a finding keeps.
    pub(crate) fn excerpt(&self) -> String {
        // Four bytes hold any character; one character more lets the finding see that it was cut.
        let bytes = self.raw.get(..4 * (Finding::EXCERPT_CHARS_MAX + 1)).unwrap_or(self.raw);
        self.decode(&unwrapped(bytes))
    }

    /// The place of the whole segment.
    pub(crate) fn location(&self, path: impl Into<Short>) -> Location {
        Location::new(self.byte, self.line, path).spanning(self.raw.len())
    }

    /// The place of an element; of the segment when the element is absent.
    pub(crate) fn element_location(&self, element: usize, path: &str) -> Location {
        let path = format!("{path}/{element:02}");
        match self.elements.get(element) {
            Some((start, end)) if start < end => {
                let before = self.raw.get(..*start).unwrap_or_default();
                let line = self.line + line_ends(before);
                Location::new(self.byte + *start as u64, line, path).spanning(end - start)
            }
            _ => self.location(path),
        }
    }

    /// Which element the byte at `at` of `raw` belongs to.
    pub(crate) fn element_at(&self, at: usize) -> usize {
        self.elements.iter().position(|(_, end)| at < *end).unwrap_or_else(|| self.count())
    }

    fn bytes(&self, element: usize) -> &'a [u8] {
        let range = self.elements.get(element).and_then(|(start, end)| self.raw.get(*start..*end));
        range.unwrap_or_default()
    }

    fn decoded(&self, bytes: &[u8]) -> Option<String> {
        if bytes.is_empty() {
            return None;
        }
        let text = self.decode(&unwrapped(bytes));
        match text.trim() {
            "" => None,
            trimmed if trimmed.len() == text.len() => Some(text),
            trimmed => Some(trimmed.to_owned()),
        }
    }

    fn decode(&self, bytes: &[u8]) -> String {
        if self.utf8 {
            String::from_utf8_lossy(bytes).into_owned()
        } else {
            WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
        }
    }
}

/// A file wrapped at 80 columns breaks lines anywhere: where a line break does not end a segment, it is
/// not data.
fn unwrapped(bytes: &[u8]) -> Cow<'_, [u8]> {
    match memchr2(b'\r', b'\n', bytes) {
        None => Cow::Borrowed(bytes),
        Some(_) => Cow::Owned(bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()),
    }
}
