//! A start tag as it was read last, in buffers that are used again.

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::EscapeError;
use quick_xml::events::BytesStart;

use super::source::Place;
use super::stream::{Space, Trouble, malformed, past, unknown_entity};
use crate::Limits;

/// A piece of a longer text, from byte to byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Run {
    pub(super) const EMPTY: Self = Self { start: 0, end: 0 };
}

/// A start tag: the name, which namespace it is from, the attributes.
#[derive(Debug)]
pub(super) struct Tag {
    space: Space,
    text: String,
    /// How much of the text is the name as it was written, and where in it the local name begins.
    name: Run,
    /// Those without a prefix; they are all that the vocabularies use.
    attributes: Vec<(Run, Run)>,
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
        self.attributes.iter().map(|(key, value)| (self.text_of(*key), self.text_of(*value)))
    }

    /// An attribute without a prefix, without the white space around it.
    #[allow(dead_code, reason = "for the next vocabularies")]
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
                let pair = (self.push(name), self.push(&value));
                self.attributes.push(pair);
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
