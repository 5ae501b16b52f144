//! One section of a document (a party, a line, the totals) as a small tree, read, mapped and dropped
//! before the next: what is in memory is a section, never the file.

use std::fmt::Write as _;

use super::source::Place;
use super::stream::{Piece, Space, Stream, Trouble, past};
use crate::Location;

/// A section holds at most this many elements; an invoice line has some thirty.
const SECTION_ELEMENTS_MAX: usize = 50_000;

/// A section's text is at most this many times as long as one token may be.
const SECTION_TOKENS: usize = 8;

/// An element with what is in it.
#[derive(Debug)]
pub(super) struct Element {
    space: Space,
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    /// Where it is; of its text, if it has any that is not white space, else of its start tag.
    byte: u64,
    line: u64,
    len: u32,
    /// Its place among its siblings of the same name, from 1; 0 when it is the only one.
    position: u32,
    children: Vec<Element>,
}

impl Element {
    /// `cbc:ID`, by the usual prefix whatever the file's own is.
    pub(super) fn qualified_name(&self) -> String {
        match self.space {
            Space::Aggregate => format!("cac:{}", self.name),
            Space::Basic => format!("cbc:{}", self.name),
            Space::Invoice | Space::CreditNote | Space::Other => self.name.clone(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its text as it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Its text without the white space around it, if anything is left.
    pub(super) fn value(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim())
    }

    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name && child.space != Space::Other)
    }

    /// All children of that name.
    pub(super) fn children<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |child| child.name == name && child.space != Space::Other)
    }

    /// The first descendant along the way.
    pub(super) fn at(&self, way: &[&str]) -> Option<&Element> {
        way.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The text of the first descendant along the way.
    pub(super) fn text_at(&self, way: &[&str]) -> Option<String> {
        self.at(way).and_then(Element::value).map(str::to_owned)
    }

    /// Where it stands; `path` is its own path.
    pub(super) fn location(&self, path: impl Into<String>) -> Location {
        Location { byte: self.byte, line: self.line, path: path.into(), len: self.len }
    }

    /// The path of a child below `path`.
    pub(super) fn path_below(&self, path: &str) -> String {
        let mut below = format!("{path}/{}", self.qualified_name());
        if self.position > 0 {
            // Writing to a String cannot fail.
            let _ = write!(below, "[{}]", self.position);
        }
        below
    }

    fn opened(space: Space, name: &str, attributes: Vec<(String, String)>, place: Place) -> Self {
        Self {
            space,
            name: name.to_owned(),
            attributes,
            text: String::new(),
            byte: place.byte,
            line: place.line,
            len: 0,
            position: 0,
            children: Vec::new(),
        }
    }

    /// Numbers the children that have siblings of the same name.
    fn number_children(&mut self) {
        let mut order: Vec<usize> = (0..self.children.len()).collect();
        let key = |index: usize| self.children.get(index).map(|child| (child.name.as_str(), index));
        order.sort_unstable_by(|one, other| key(*one).cmp(&key(*other)));
        let name = |index: Option<&usize>| index.and_then(|i| self.children.get(*i)).map(|child| child.name.as_str());
        let mut positions = Vec::with_capacity(order.len());
        let mut position = 0;
        for (rank, index) in order.iter().enumerate() {
            let here = name(Some(index));
            let again = rank > 0 && name(order.get(rank - 1)) == here;
            let more = name(order.get(rank + 1)) == here;
            position = if again { position + 1 } else { u32::from(more) };
            positions.push((*index, position));
        }
        for (index, position) in positions {
            if let Some(child) = self.children.get_mut(index) {
                child.position = position;
            }
        }
    }
}

/// Reads the element whose start tag was just read, to its end tag; `document_bytes_left` is what the
/// document may still hold.
pub(super) fn read(
    stream: &mut Stream<'_>,
    opened: (Space, String, Vec<(String, String)>),
    token_bytes_max: usize,
    document_bytes_left: &mut usize,
) -> Result<Element, Trouble> {
    let start = stream.start();
    let (space, name, attributes) = opened;
    let mut open = vec![(Element::opened(space, &name, attributes, start), None)];
    let mut elements = 1;
    let mut bytes_left = token_bytes_max.saturating_mul(SECTION_TOKENS);
    loop {
        // The base64 of an attachment goes by unread: it is not kept, and may be of any length.
        if open.last().is_some_and(|(element, _)| element.name == "EmbeddedDocumentBinaryObject") {
            stream.skip_text();
        }
        let piece = stream.next()?;
        let text_bytes = match &piece {
            Piece::Text(text) => text.len(),
            Piece::Open(_, name, attributes) => {
                name.len() + attributes.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()
            }
            Piece::Close | Piece::Nothing | Piece::End => 0,
        };
        match piece {
            Piece::Open(space, name, attributes) => {
                open.push((Element::opened(space, &name, attributes, stream.start()), None));
                elements += 1;
            }
            Piece::Text(text) => {
                let text = text.into_owned();
                add_text(stream, open.last_mut(), &text);
            }
            Piece::Close => {
                let Some((mut element, span)) = open.pop() else { continue };
                finish(&mut element, span, stream);
                match open.last_mut() {
                    Some((parent, _)) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
            Piece::Nothing | Piece::End => {}
        }
        if elements > SECTION_ELEMENTS_MAX {
            return Err(past("elements in one section of a document", "lines_max", SECTION_ELEMENTS_MAX, start));
        }
        match (bytes_left.checked_sub(text_bytes), document_bytes_left.checked_sub(text_bytes)) {
            (Some(of_section), Some(of_document)) => (bytes_left, *document_bytes_left) = (of_section, of_document),
            _ => return Err(past("text of one section or document", "token_bytes_max", token_bytes_max, start)),
        }
    }
}

/// From the first character that is not white space to after the last.
type Span = (Place, Place);

fn add_text(stream: &Stream<'_>, open: Option<&mut (Element, Option<Span>)>, text: &str) {
    let Some((element, span)) = open else { return };
    element.text.push_str(text);
    let inside = text.trim();
    if inside.is_empty() {
        return;
    }
    // A piece that is longer in the file than as text is a reference or a CDATA section: all of it counts.
    let (start, end) = (stream.start(), stream.end());
    let (first, last) = if stream.after(start, text).byte == end.byte {
        let before = text.get(..text.len() - text.trim_start().len()).unwrap_or_default();
        let first = stream.after(start, before);
        (first, stream.after(first, inside))
    } else {
        (start, end)
    };
    *span = Some((span.map_or(first, |(begun, _)| begun), last));
}

fn finish(element: &mut Element, span: Option<Span>, stream: &Stream<'_>) {
    match span {
        Some((first, last)) if element.children.is_empty() => {
            element.byte = first.byte;
            element.line = first.line;
            element.len = u32::try_from(last.byte - first.byte).unwrap_or(u32::MAX);
        }
        _ => element.len = u32::try_from(stream.end().byte.saturating_sub(element.byte)).unwrap_or(u32::MAX),
    }
    element.number_children();
    element.text.shrink_to_fit();
}
