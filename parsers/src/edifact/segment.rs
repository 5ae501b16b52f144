//! One segment: its elements and their components, and where each of them stands.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::charset::{decode, sort};
use crate::edi::line_ends;
use crate::finding::Finding;
use crate::location::Location;
use crate::path::Path;

/// A segment's tag. What is no tag is `???`.
pub(super) type Tag = [u8; 3];

/// A data element's place in its segment, and its name: `Spot::new(1, 2, "/C516.5004")`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// From 1.
    pub(super) element: usize,
    /// From 1.
    pub(super) component: usize,
    /// The composite and the data element, by their numbers in the directory, as a path has them: `/C516.5004`.
    pub(super) path: &'static str,
}

impl Spot {
    pub(super) const fn new(element: usize, component: usize, path: &'static str) -> Self {
        Self { element, component, path }
    }

    /// `C516.5004`.
    pub(super) fn name(&self) -> &'static str {
        self.path.strip_prefix('/').unwrap_or(self.path)
    }
}

/// A component as a range of the segment's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) start: usize,
    pub(super) end: usize,
    /// It begins a repetition of its element (syntax version 4).
    pub(super) repeats: bool,
}

/// One segment, borrowed from the window.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) tag: Tag,
    /// From the first byte of the tag up to the terminator, which is not in it.
    pub(super) raw: &'a [u8],
    pub(super) parts: &'a [Part],
    /// The first part of each element; element 0 is the tag.
    pub(super) elements: &'a [usize],
    pub(super) byte: u64,
    pub(super) line: u64,
    pub(super) release: Option<u8>,
    /// Sorts of characters in it ([`sort`]), and whether it has release characters.
    pub(super) sorts: u16,
    pub(super) has_release: bool,
    pub(super) encoding: &'static Encoding,
    /// Its bytes as text, where they are UTF-8 and that is how they are read.
    pub(super) utf8: Option<&'a str>,
    /// The file ended before its terminator.
    pub(super) cut: bool,
}

impl<'a> Segment<'a> {
    /// The tag as text.
    pub(super) fn name(&self) -> String {
        self.tag.iter().map(|byte| char::from(*byte)).collect()
    }

    /// A component as text, trimmed; `None` when it is absent or empty.
    pub(super) fn text(&self, element: usize, component: usize) -> Option<Cow<'a, str>> {
        // The common case: nothing is released or wrapped, and the bytes are text already.
        if let (Some(text), true) = (self.utf8, self.is_plain()) {
            let part = self.part(element, component)?;
            return trimmed(text.get(part.start..part.end)?).map(Cow::Borrowed);
        }
        let bytes = self.bytes(element, component);
        if bytes.is_empty() {
            return None;
        }
        match decode(bytes, self.encoding) {
            Cow::Borrowed(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(Cow::Borrowed),
            Cow::Owned(text) => match text.trim() {
                "" => None,
                trimmed if trimmed.len() == text.len() => Some(Cow::Owned(text)),
                trimmed => Some(Cow::Owned(trimmed.to_owned())),
            },
        }
    }

    /// The same, as a value of its own.
    pub(super) fn owned(&self, element: usize, component: usize) -> Option<String> {
        self.text(element, component).map(Cow::into_owned)
    }

    /// A code: a component's bytes; empty when it is absent.
    pub(super) fn code(&self, element: usize, component: usize) -> Cow<'a, [u8]> {
        if self.is_plain() {
            let bytes = self.part(element, component).map_or(&b""[..], |part| self.range(part));
            return Cow::Borrowed(bytes.trim_ascii());
        }
        match self.bytes(element, component) {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.trim_ascii()),
            Cow::Owned(bytes) => Cow::Owned(bytes.trim_ascii().to_vec()),
        }
    }

    /// Text that is spread over components `from..=to` of an element and of its repetitions. A component
    /// filled to one of the directory's `widths` goes on in the next; others are lines, joined by a blank.
    pub(super) fn joined(&self, element: usize, from: usize, to: usize, widths: &[usize]) -> Option<String> {
        let mut all = String::new();
        let mut runs_on = true;
        let wanted = |component: usize| (from..=to).contains(&component);
        let mut component = 0;
        for part in self.parts_of(element) {
            component = if part.repeats { 1 } else { component + 1 };
            if !wanted(component) {
                continue;
            }
            let text = decode(self.released(*part), self.encoding);
            if text.trim().is_empty() {
                continue;
            }
            if !runs_on {
                all.push(' ');
            }
            all.push_str(&text);
            runs_on = widths.contains(&text.chars().count());
        }
        let trimmed = all.trim();
        (!trimmed.is_empty()).then(|| trimmed.to_owned())
    }

    /// A component as text with its blanks; "" when it is absent.
    pub(super) fn written_text(&self, element: usize, component: usize) -> Cow<'a, str> {
        decode(self.bytes(element, component), self.encoding)
    }

    /// A component exactly as written, without the line breaks of a wrapped file; "" when absent.
    pub(super) fn written(&self, element: usize, component: usize) -> Cow<'a, str> {
        let Some(part) = self.part(element, component) else { return Cow::Borrowed("") };
        if let (Some(text), 0) = (self.utf8, self.sorts & sort::NEWLINE) {
            return Cow::Borrowed(text.get(part.start..part.end).unwrap_or_default());
        }
        decode(self.unwrapped(self.range(part)), self.encoding)
    }

    /// The segment as text, for a finding; no more of it than a finding keeps.
    pub(super) fn excerpt(&self) -> String {
        // Four bytes hold any character; one character more lets the finding see that it was cut.
        let bytes = self.raw.get(..4 * (Finding::EXCERPT_CHARS_MAX + 1)).unwrap_or(self.raw);
        decode(self.unwrapped(bytes), self.encoding).into_owned()
    }

    /// The place of the whole segment.
    pub(super) fn location(&self, path: impl Into<Path>) -> Location {
        Location::new(self.byte, self.line, path).spanning(self.raw.len())
    }

    /// The place of a component, with its path in full; of the segment when the component is absent.
    pub(super) fn component_location(&self, element: usize, component: usize, path: impl Into<Path>) -> Location {
        match self.part(element, component) {
            Some(part) if part.start < part.end => {
                let mut line = self.line;
                if self.sorts & sort::NEWLINE != 0 {
                    line += line_ends(self.raw.get(..part.start).unwrap_or_default());
                }
                Location::new(self.byte + part.start as u64, line, path).spanning(part.end - part.start)
            }
            _ => self.location(path),
        }
    }

    /// The element and the component that the byte at `at` of `raw` belongs to.
    pub(super) fn component_at(&self, at: usize) -> (usize, usize) {
        let part = self.parts.iter().position(|part| at < part.end).unwrap_or(self.parts.len().saturating_sub(1));
        let element = self.elements.iter().rposition(|first| *first <= part).unwrap_or_default();
        (element, 1 + part - self.elements.get(element).copied().unwrap_or_default())
    }

    /// A component without release characters and line breaks.
    pub(super) fn bytes(&self, element: usize, component: usize) -> Cow<'a, [u8]> {
        self.part(element, component).map_or(Cow::Borrowed(&[]), |part| self.released(part))
    }

    /// Nothing in it is released, and it is not wrapped.
    fn is_plain(&self) -> bool {
        !self.has_release && self.sorts & sort::NEWLINE == 0
    }

    fn part(&self, element: usize, component: usize) -> Option<Part> {
        let first = *self.elements.get(element)?;
        let at = first + component.checked_sub(1)?;
        if self.elements.get(element + 1).is_some_and(|next| at >= *next) {
            return None;
        }
        let part = self.parts.get(at).copied()?;
        // What belongs to a repetition is none of the first occurrence's components.
        let repeats =
            component > 1 && self.parts.get(first + 1..=at).is_some_and(|parts| parts.iter().any(|p| p.repeats));
        (!repeats).then_some(part)
    }

    /// Every part of an element, its repetitions included.
    fn parts_of(&self, element: usize) -> &'a [Part] {
        let Some(first) = self.elements.get(element) else { return &[] };
        let end = self.elements.get(element + 1).copied().unwrap_or(self.parts.len());
        self.parts.get(*first..end).unwrap_or_default()
    }

    fn range(&self, part: Part) -> &'a [u8] {
        self.raw.get(part.start..part.end).unwrap_or_default()
    }

    fn released(&self, part: Part) -> Cow<'a, [u8]> {
        let bytes = self.range(part);
        if !self.has_release {
            return self.unwrapped(bytes);
        }
        let Some(release) = self.release.filter(|release| bytes.contains(release)) else {
            return self.unwrapped(bytes);
        };
        let mut released = false;
        let is_data = |byte: &u8| {
            if matches!(byte, b'\r' | b'\n') {
                return false;
            }
            released = *byte == release && !released;
            !released
        };
        Cow::Owned(bytes.iter().copied().filter(is_data).collect())
    }

    /// A file wrapped at 80 columns breaks lines anywhere: a line break inside of a segment is not data.
    fn unwrapped(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.sorts & sort::NEWLINE == 0 {
            return Cow::Borrowed(bytes);
        }
        Cow::Owned(bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect())
    }
}

/// What is left without the white space around it, if anything is.
fn trimmed(text: &str) -> Option<&str> {
    match text.as_bytes() {
        [] => None,
        // Most components are padded with nothing: no need to look for Unicode's white space.
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => Some(text),
        [only] if only.is_ascii_graphic() => Some(text),
        _ => Some(text.trim()).filter(|text| !text.is_empty()),
    }
}
