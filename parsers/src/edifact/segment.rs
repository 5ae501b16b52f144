//! One segment: its elements and their components, and where each of them stands.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::charset::{decode, sort};
use crate::canonical::Text;
use crate::edi::line_ends;
use crate::finding::Finding;
use crate::location::Location;
use crate::path::Path;
use crate::text::trimmed;

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

/// One segment, borrowed from the window.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) tag: Tag,
    /// From the first byte of the tag up to the terminator, which is not in it.
    pub(super) raw: &'a [u8],
    /// The same as text, where it is text as it stands, but for release characters.
    pub(super) text: Option<&'a str>,
    /// Where each component ends in `raw`; the next one begins a byte later.
    pub(super) ends: &'a [u32],
    /// The first component of each element, by its place among all; element 0 is the tag.
    pub(super) elements: &'a [u32],
    /// Components that begin a repetition of their element (syntax version 4).
    pub(super) repeats: &'a [u32],
    pub(super) byte: u64,
    pub(super) line: u64,
    pub(super) release: Option<u8>,
    /// Sorts of characters in it ([`sort`]), and whether it has release characters.
    pub(super) sorts: u16,
    pub(super) has_release: bool,
    pub(super) encoding: &'static Encoding,
    /// The file ended before its terminator.
    pub(super) cut: bool,
}

impl<'a> Segment<'a> {
    /// The tag as text.
    pub(super) fn name(&self) -> String {
        self.tag.iter().map(|byte| char::from(*byte)).collect()
    }

    /// A component as text, trimmed; `None` when it is absent or empty.
    #[inline(always)]
    pub(super) fn text(&self, element: usize, component: usize) -> Option<Cow<'a, str>> {
        let (start, end) = self.part(element, component)?;
        // The common case: nothing is released or wrapped, and the bytes are text already.
        if let (Some(text), false) = (self.text, self.has_release) {
            return trimmed(text.get(start..end)?).map(Cow::Borrowed);
        }
        self.decoded(start, end)
    }

    #[cold]
    fn decoded(&self, start: usize, end: usize) -> Option<Cow<'a, str>> {
        let bytes = self.released(start, end);
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
    #[inline(always)]
    pub(super) fn owned(&self, element: usize, component: usize) -> Option<Text> {
        self.text(element, component).map(Text::from)
    }

    /// A code: a component's bytes; empty when it is absent.
    #[inline(always)]
    pub(super) fn code(&self, element: usize, component: usize) -> Cow<'a, [u8]> {
        if self.is_plain() {
            let range = self.part(element, component).and_then(|(start, end)| self.raw.get(start..end));
            return Cow::Borrowed(range.unwrap_or_default().trim_ascii());
        }
        match self.bytes(element, component) {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.trim_ascii()),
            Cow::Owned(bytes) => Cow::Owned(bytes.trim_ascii().to_vec()),
        }
    }

    /// How many elements follow the tag.
    pub(super) fn count(&self) -> usize {
        self.elements.len().saturating_sub(1)
    }

    /// The text of an element that is one component, needs no decoding, and is not empty.
    pub(super) fn only_component(&self, element: usize) -> Option<&'a str> {
        let (first, end) = self.parts_of(element);
        let text = self.text.filter(|_| !self.has_release && end == first + 1)?;
        let (start, end) = self.range(first);
        trimmed(text.get(start..end)?)
    }

    /// Text that is spread over components `from..=to` of an element and of its repetitions. A component
    /// filled to one of the directory's `widths` goes on in the next; others are lines, joined by a blank.
    pub(super) fn joined(&self, element: usize, from: usize, to: usize, widths: &[usize]) -> Option<Text> {
        let (first, end) = self.parts_of(element);
        let is_repeat = |part: usize| self.repeats.iter().any(|repeat| *repeat as usize == part);
        // Most texts stand in one component.
        if let (true, Some(text)) = (self.repeats.is_empty(), self.text.filter(|_| !self.has_release)) {
            let mut filled = (from..=to.min(end - first)).filter_map(|component| {
                let (start, end) = self.part(element, component)?;
                text.get(start..end).filter(|text| !text.trim().is_empty())
            });
            let only = filled.next()?;
            if filled.next().is_none() {
                return Some(only.trim().into());
            }
        }
        let mut all = String::new();
        let mut runs_on = true;
        let mut component = 0;
        for part in first..end {
            component = if is_repeat(part) { 1 } else { component + 1 };
            if !(from..=to).contains(&component) {
                continue;
            }
            let (start, end) = self.range(part);
            let text = decode(self.released(start, end), self.encoding);
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
        (!trimmed.is_empty()).then(|| trimmed.to_owned()).map(Into::into)
    }

    /// A component as text with its blanks; "" when it is absent.
    pub(super) fn written_text(&self, element: usize, component: usize) -> Cow<'a, str> {
        decode(self.bytes(element, component), self.encoding)
    }

    /// A component exactly as written, without the line breaks of a wrapped file; "" when absent.
    #[inline(always)]
    pub(super) fn written(&self, element: usize, component: usize) -> Cow<'a, str> {
        let Some((start, end)) = self.part(element, component) else { return Cow::Borrowed("") };
        match self.text {
            Some(text) => Cow::Borrowed(text.get(start..end).unwrap_or_default()),
            None => decode(self.unwrapped(self.raw.get(start..end).unwrap_or_default()), self.encoding),
        }
    }

    /// The segment as text, for a finding; no more of it than a finding keeps.
    pub(super) fn excerpt(&self) -> Cow<'a, str> {
        // Four bytes hold any character; one character more lets the finding see that it was cut.
        let bytes = self.raw.get(..4 * (Finding::EXCERPT_CHARS_MAX + 1)).unwrap_or(self.raw);
        match self.text.and_then(|text| text.get(..bytes.len())) {
            Some(text) => Cow::Borrowed(text),
            None => decode(self.unwrapped(bytes), self.encoding),
        }
    }

    /// The place of the whole segment.
    pub(super) fn location(&self, path: impl Into<Path>) -> Location {
        Location::new(self.byte, self.line, path).spanning(self.raw.len())
    }

    /// The place of a component, with its path in full; of the segment when the component is absent.
    #[inline(always)]
    pub(super) fn component_location(&self, element: usize, component: usize, path: impl Into<Path>) -> Location {
        let part = self.part(element, component).filter(|(start, end)| start < end);
        let (start, end) = part.unwrap_or((0, self.raw.len()));
        let mut line = self.line;
        if self.sorts & sort::NEWLINE != 0 {
            line += line_ends(self.raw.get(..start).unwrap_or_default());
        }
        let len = u32::try_from(end - start).unwrap_or(u32::MAX);
        Location { byte: self.byte + start as u64, line, path: path.into(), len }
    }

    /// The element and the component that the byte at `at` of `raw` belongs to.
    pub(super) fn component_at(&self, at: usize) -> (usize, usize) {
        let part = self.ends.iter().position(|end| at < *end as usize).unwrap_or(self.ends.len().saturating_sub(1));
        let element = self.elements.iter().rposition(|first| *first as usize <= part).unwrap_or_default();
        (element, 1 + part - self.elements.get(element).map_or(0, |first| *first as usize))
    }

    /// A component without release characters and line breaks.
    pub(super) fn bytes(&self, element: usize, component: usize) -> Cow<'a, [u8]> {
        self.part(element, component).map_or(Cow::Borrowed(&[]), |(start, end)| self.released(start, end))
    }

    /// Nothing in it is released, and it is not wrapped.
    fn is_plain(&self) -> bool {
        !self.has_release && self.sorts & sort::NEWLINE == 0
    }

    /// Where a component stands in `raw`.
    #[inline(always)]
    fn part(&self, element: usize, component: usize) -> Option<(usize, usize)> {
        let (first, end) = self.parts_of(element);
        let part = first + component.checked_sub(1)?;
        if part >= end {
            return None;
        }
        // What belongs to a repetition is none of the first occurrence's components.
        if !self.repeats.is_empty()
            && self.repeats.iter().any(|repeat| (first + 1..=part).contains(&(*repeat as usize)))
        {
            return None;
        }
        Some(self.range(part))
    }

    /// The components of an element, its repetitions included: the first, and the one after the last.
    #[inline(always)]
    fn parts_of(&self, element: usize) -> (usize, usize) {
        let Some(first) = self.elements.get(element) else { return (0, 0) };
        let end = self.elements.get(element + 1).map_or(self.ends.len(), |next| *next as usize);
        (*first as usize, end)
    }

    /// Where the component at this place among all stands in `raw`.
    #[inline(always)]
    fn range(&self, part: usize) -> (usize, usize) {
        let end_of = |part: usize| self.ends.get(part).map(|end| *end as usize);
        (part.checked_sub(1).and_then(end_of).map_or(0, |end| end + 1), end_of(part).unwrap_or_default())
    }

    fn released(&self, start: usize, end: usize) -> Cow<'a, [u8]> {
        let bytes = self.raw.get(start..end).unwrap_or_default();
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
