//! A start tag as it was read last, in buffers that are used again.

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::EscapeError;
use quick_xml::events::BytesStart;

use super::source::Place;
use super::stream::{Space, Trouble, malformed, past, unknown_entity};
use crate::{Limits, Location};

/// A piece of a longer text, from byte to byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Attribute {
    /// Its value without the white space around it, if anything is left, with where it stands.
    pub(super) fn said<'v>(&self, name: &str, value: &'v str, path: &str) -> Option<(&'v str, Location)> {
        let value = Some(value.trim()).filter(|value| !value.is_empty())?;
        Some((
            value,
            Location { byte: self.byte, line: self.line, path: format!("{path}/@{name}").into(), len: self.len },
        ))
    }
}

impl Run {
    pub(super) const EMPTY: Self = Self { start: 0, end: 0 };
}

/// Where a text ends that begins at a place.
pub(super) type After<'f> = dyn Fn(Place, &str) -> Place + 'f;

/// A start tag: the name, which namespace it is from, the attributes.
#[derive(Debug)]
pub(super) struct Tag {
    space: Space,
    text: String,
    /// How much of the text is the name as it was written, and where in it the local name begins.
    name: Run,
    /// Those without a prefix; they are all that the vocabularies use.
    attributes: Vec<Attribute>,
}

/// An attribute, with where its value stands if the vocabulary wants to know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute {
    pub(super) key: Run,
    pub(super) value: Run,
    pub(super) byte: u64,
    pub(super) line: u64,
    pub(super) len: u32,
}

impl Tag {
    pub(super) fn new() -> Self {
        Self { space: Space::Foreign, text: String::new(), name: Run::EMPTY, attributes: Vec::new() }
    }

    /// The name without a prefix.
    pub(super) fn name(&self) -> &str {
        self.text_of(self.name)
    }

    /// The name as the file writes it, prefix and all.
    pub(super) fn written_name(&self) -> &str {
        self.text.get(..self.name.end).unwrap_or_default()
    }

    /// Which namespace of the vocabulary it is from.
    pub(super) fn space(&self) -> Space {
        self.space
    }

    /// The attributes without a prefix, as they were written.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.located().map(|(key, value, _)| (key, value))
    }

    /// The attributes without a prefix, each with where it stands.
    pub(super) fn located(&self) -> impl Iterator<Item = (&str, &str, Attribute)> {
        let text = |run| self.text_of(run);
        self.attributes.iter().map(move |found| (text(found.key), text(found.value), *found))
    }

    /// An attribute without a prefix, with where it stands below `path`, the element's own.
    pub(super) fn attribute_at(&self, name: &str, path: &str) -> Option<(&str, Location)> {
        let (_, value, found) = self.located().find(|(key, ..)| *key == name)?;
        found.said(name, value, path)
    }

    /// An attribute without a prefix, without the white space around it.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes().find(|(key, _)| *key == name).map(|(_, value)| value.trim())
    }

    pub(super) fn set_space(&mut self, space: Space) {
        self.space = space;
    }

    fn text_of(&self, run: Run) -> &str {
        self.text.get(run.start..run.end).unwrap_or_default()
    }

    pub(super) fn fill(
        &mut self,
        element: &BytesStart<'_>,
        space: Space,
        start: Place,
        limits: Limits,
        after: Option<&After<'_>>,
    ) -> Result<(), Trouble> {
        let name = element.name().into_inner();
        let prefix_bytes = name.find(':').map_or(0, |colon| colon + 1);
        self.space = space;
        self.text.clear();
        self.text.shrink_to(64 * 1024);
        self.text.push_str(name);
        self.name = Run { start: prefix_bytes, end: name.len() };
        self.attributes.clear();
        if element.attributes_raw().trim_ascii().is_empty() {
            return Ok(());
        }
        let tag: &str = element;
        let mut passed = (0, after.map(|after| after(start, "<")));
        for (index, attribute) in element.attributes().enumerate() {
            if index >= limits.attributes_max {
                return Err(past("attributes of one element", "attributes_max", limits.attributes_max, start));
            }
            let attribute = attribute.map_err(|error| {
                let message = format!("an attribute cannot be read: {error}");
                malformed(start, message, "Write each attribute once, in quotes.")
            })?;
            let name: &str = attribute.key.into_inner();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| match error {
                Error::Escape(EscapeError::UnrecognizedEntity(_, name)) => unknown_entity(start, &name),
                error => malformed(
                    start,
                    format!("an attribute cannot be read: {error}"),
                    "Write `&` as `&amp;` and `<` as `&lt;`.",
                ),
            })?;
            if !name.contains(':') && name != "xmlns" {
                let mut found = Attribute {
                    key: self.push(name),
                    value: self.push(&value),
                    byte: start.byte,
                    line: start.line,
                    len: 0,
                };
                if let (Some(after), (from, Some(place))) = (after, passed) {
                    // The raw value is a piece of the tag: what is before it says where it stands.
                    let raw: &str = &attribute.value;
                    let to = raw.as_ptr().addr().saturating_sub(tag.as_ptr().addr());
                    let first = after(place, tag.get(from..to).unwrap_or_default());
                    let last = after(first, raw);
                    (found.byte, found.line) = (first.byte, first.line);
                    found.len = u32::try_from(last.byte - first.byte).unwrap_or(u32::MAX);
                    passed = (to + raw.len(), Some(last));
                }
                self.attributes.push(found);
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Run {
        let start = self.text.len();
        self.text.push_str(text);
        Run { start, end: self.text.len() }
    }
}
