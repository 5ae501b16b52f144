//! One section of a document (a party, a line, the totals) as a small tree, read, mapped and forgotten
//! before the next: what is in memory is a section, never the file.
//!
//! A [`Section`] is read into over and over, so that a section in the middle of a file allocates nothing.

use std::fmt::Write as _;

use super::source::Place;
use super::stream::{Piece, Space, Stream, Trouble, past};
use super::tag::{Attribute, Run, Tag};
use crate::canonical::{Identifier, Text};
use crate::text::trimmed;
use crate::{Limits, Location, Path};

/// A section holds at most this many elements; an invoice line has some thirty.
const SECTION_ELEMENTS_MAX: usize = 50_000;

/// A section's text is at most this many times as long as one token may be.
const SECTION_TOKENS: usize = 8;

/// All that is kept of one document is at most this many times as long as one token may be.
const DOCUMENT_TOKENS: usize = 64;

/// Up to this many children are counted when somebody asks for their place; more are sorted.
const FEW_CHILDREN: usize = 16;

/// What a document may still hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    token_bytes_max: usize,
    document_bytes_left: usize,
}

impl Budget {
    /// For one document.
    pub(super) fn new(limits: Limits) -> Self {
        let token_bytes_max = limits.token_bytes_max;
        Self { token_bytes_max, document_bytes_left: token_bytes_max.saturating_mul(DOCUMENT_TOKENS) }
    }
}

/// Room for a section.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// Names, attributes and texts, one after another.
    text: String,
    nodes: Vec<Node>,
    attributes: Vec<Attribute>,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Node {
    space: Space,
    name: Run,
    text: Run,
    attributes: Run,
    /// Where it is; of its text, if it has any that is not white space and no children, else of its start tag.
    byte: u64,
    line: u64,
    len: u32,
    /// Its place among its siblings of the same name, from 1; 0 when it is the only one; `None` while it may be
    /// counted, as it has few siblings.
    position: Option<u32>,
    parent: Option<usize>,
    first_child: Option<usize>,
    next: Option<usize>,
}

/// An element whose end tag has not come.
#[derive(Debug, Clone, Copy)]
struct Open {
    index: usize,
    last_child: Option<usize>,
    children: usize,
    /// From the first character of its text that is not white space to after the last.
    span: Option<(Place, Place)>,
}

impl Section {
    /// Reads the element whose start tag was just read, to its end tag.
    pub(super) fn read(&mut self, stream: &mut Stream<'_>, budget: &mut Budget) -> Result<Element<'_>, Trouble> {
        let start = stream.start();
        self.forget();
        let mut bytes_left = budget.token_bytes_max.saturating_mul(SECTION_TOKENS);
        let mut taken = 0;
        self.opened(stream.tag(), start);
        loop {
            let more = self.text.len() - taken;
            taken = self.text.len();
            match (bytes_left.checked_sub(more), budget.document_bytes_left.checked_sub(more)) {
                (Some(section), Some(document)) => (bytes_left, budget.document_bytes_left) = (section, document),
                _ => return Err(past("text of one section", "token_bytes_max", budget.token_bytes_max, start)),
            }
            if self.nodes.len() > SECTION_ELEMENTS_MAX {
                return Err(past("elements in one section of a document", "lines_max", SECTION_ELEMENTS_MAX, start));
            }
            // The base64 of an attachment goes by unread: it is not kept, and may be of any length.
            if stream.just_opened_unread() {
                stream.skip_text();
            }
            match stream.next()? {
                Piece::Open => self.opened(stream.tag(), stream.start()),
                // What stands between children for looks.
                Piece::Blank(_) if self.open.last().is_some_and(|open| open.children > 0) => {}
                Piece::Text(text) | Piece::Blank(text) => {
                    let is_blank = text.bytes().all(|byte| byte.is_ascii_whitespace());
                    // What stands between children for looks.
                    if is_blank && self.open.last().is_some_and(|open| open.children > 0) {
                        continue;
                    }
                    let run = self.push(text);
                    self.written(run, is_blank, stream);
                }
                Piece::Close => {
                    self.closed(stream);
                    if self.open.is_empty() {
                        return Ok(self.root());
                    }
                }
                Piece::Nothing | Piece::End => {}
            }
        }
    }

    fn root(&self) -> Element<'_> {
        const NOTHING: &Node = &Node {
            space: Space::Foreign,
            name: Run::EMPTY,
            text: Run::EMPTY,
            attributes: Run::EMPTY,
            byte: 0,
            line: 1,
            len: 0,
            position: None,
            parent: None,
            first_child: None,
            next: None,
        };
        Element { section: self, node: self.nodes.first().unwrap_or(NOTHING) }
    }

    fn forget(&mut self) {
        self.text.clear();
        // A section that was large once must not cost its memory until the end of the file.
        self.text.shrink_to(64 * 1024);
        self.nodes.clear();
        self.nodes.shrink_to(1024);
        self.attributes.clear();
        self.attributes.shrink_to(1024);
        self.open.clear();
    }

    fn push(&mut self, text: &str) -> Run {
        let start = self.text.len();
        self.text.push_str(text);
        Run { start, end: self.text.len() }
    }

    fn opened(&mut self, tag: &Tag, place: Place) {
        let index = self.nodes.len();
        let name = self.push(tag.name());
        let first_attribute = self.attributes.len();
        for (key, value, found) in tag.located() {
            let kept = Attribute { key: self.push(key), value: self.push(value), ..found };
            self.attributes.push(kept);
        }
        let attributes = Run { start: first_attribute, end: self.attributes.len() };
        self.nodes.push(Node {
            space: tag.space(),
            name,
            text: Run::EMPTY,
            attributes,
            byte: place.byte,
            line: place.line,
            len: 0,
            position: None,
            parent: self.open.last().map(|parent| parent.index),
            first_child: None,
            next: None,
        });
        if let Some(parent) = self.open.last_mut() {
            let before = parent.last_child.replace(index);
            parent.children += 1;
            match before {
                Some(sibling) => self.nodes.get_mut(sibling).map(|node| node.next = Some(index)),
                None => self.nodes.get_mut(parent.index).map(|node| node.first_child = Some(index)),
            };
        }
        self.open.push(Open { index, last_child: None, children: 0, span: None });
    }

    /// An element's text is its first run that is not white space only: comments and CDATA sections do
    /// not end a run, children do.
    fn written(&mut self, run: Run, is_blank: bool, stream: &Stream<'_>) {
        let Some(open) = self.open.last_mut() else { return };
        let Some(node) = self.nodes.get_mut(open.index) else { return };
        if !is_blank && open.children == 0 {
            let text = self.text.get(run.start..run.end).unwrap_or_default();
            let span = span_of(text, stream);
            open.span = Some((open.span.map_or(span.0, |(first, _)| first), span.1));
        }
        if node.text.end == run.start && node.text != Run::EMPTY {
            node.text.end = run.end;
        } else if self.text.get(node.text.start..node.text.end).is_none_or(|text| text.trim_ascii().is_empty()) {
            node.text = run;
        }
    }

    fn closed(&mut self, stream: &Stream<'_>) {
        let Some(open) = self.open.pop() else { return };
        if open.children > FEW_CHILDREN {
            self.number_children(open);
        }
        let Some(node) = self.nodes.get_mut(open.index) else { return };
        match open.span {
            Some((first, last)) if open.children == 0 => {
                node.byte = first.byte;
                node.line = first.line;
                node.len = u32::try_from(last.byte - first.byte).unwrap_or(u32::MAX);
            }
            _ => node.len = u32::try_from(stream.end().byte.saturating_sub(node.byte)).unwrap_or(u32::MAX),
        }
    }

    /// Numbers the children that have siblings of the same name.
    fn number_children(&mut self, parent: Open) {
        let mut order = Vec::with_capacity(parent.children);
        let mut next = self.nodes.get(parent.index).and_then(|node| node.first_child);
        while let Some(child) = next.and_then(|index| self.nodes.get(index)) {
            order.extend(next);
            next = child.next;
        }
        let name = |index: usize| self.nodes.get(index).map_or("", |node| self.text_of(node.name));
        order.sort_unstable_by(|one, two| name(*one).cmp(name(*two)).then(one.cmp(two)));
        let mut positions = Vec::with_capacity(order.len());
        let mut position = 0;
        for (rank, index) in order.iter().enumerate() {
            let is_alike = |other: Option<&usize>| other.is_some_and(|other| name(*other) == name(*index));
            let again = rank > 0 && is_alike(order.get(rank - 1));
            position = if again { position + 1 } else { u32::from(is_alike(order.get(rank + 1))) };
            positions.push((*index, position));
        }
        for (index, position) in positions {
            if let Some(child) = self.nodes.get_mut(index) {
                child.position = Some(position);
            }
        }
    }

    #[inline]
    fn text_of(&self, run: Run) -> &str {
        self.text.get(run.start..run.end).unwrap_or_default()
    }

    /// Whether that stands there; most names differ in length already.
    #[inline]
    fn says(&self, run: Run, text: &str) -> bool {
        run.end - run.start == text.len() && self.text_of(run) == text
    }
}

/// Where the text that was just read stands, without the white space around it.
fn span_of(text: &str, stream: &Stream<'_>) -> (Place, Place) {
    let (start, end) = (stream.start(), stream.end());
    let trimmed = trimmed(text).unwrap_or_default();
    // Of a reference or a CDATA section all counts.
    if trimmed.len() == text.len() || !stream.is_verbatim() {
        return (start, end);
    }
    let before = text.get(..text.len() - text.trim_start().len()).unwrap_or_default();
    let first = stream.after(start, before);
    (first, stream.after(first, trimmed))
}

/// An element with what is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'s> {
    section: &'s Section,
    node: &'s Node,
}

impl<'s> Element<'s> {
    /// `cbc:ID`, by the usual prefix whatever the file's own is.
    pub(super) fn qualified_name(self) -> String {
        let mut name = String::new();
        self.qualify(&mut name);
        name
    }

    fn qualify(self, into: &mut String) {
        if let Space::Own(prefix) = self.node.space
            && !prefix.is_empty()
        {
            into.push_str(prefix);
            into.push(':');
        }
        into.push_str(self.name());
    }

    /// Its name without a prefix.
    pub(super) fn name(self) -> &'s str {
        self.section.text_of(self.node.name)
    }

    /// Its text as it was written: the first run that is not white space only.
    pub(super) fn text(self) -> &'s str {
        self.section.text_of(self.node.text)
    }

    /// Its text without the white space around it, if anything is left.
    pub(super) fn value(self) -> Option<&'s str> {
        trimmed(self.text())
    }

    /// An attribute without a prefix, without the white space around it.
    pub(super) fn attribute(self, name: &str) -> Option<&'s str> {
        let Run { start, end } = self.node.attributes;
        let pairs = self.section.attributes.get(start..end).unwrap_or_default();
        let found = pairs.iter().find(|pair| self.section.says(pair.key, name));
        found.map(|pair| self.section.text_of(pair.value).trim())
    }

    /// An attribute without a prefix, with where it stands; `path` is the element's own.
    pub(super) fn attribute_at(self, name: &str, path: &str) -> Option<(&'s str, Location)> {
        let Run { start, end } = self.node.attributes;
        let pairs = self.section.attributes.get(start..end).unwrap_or_default();
        let found = pairs.iter().find(|pair| self.section.says(pair.key, name))?;
        found.said(name, self.section.text_of(found.value), path)
    }

    /// All that is in it, in the order of the file; not what is from foreign namespaces.
    pub(super) fn elements(self) -> impl Iterator<Item = Element<'s>> {
        let section = self.section;
        let at = move |index: Option<usize>| index.and_then(|index| section.nodes.get(index));
        std::iter::successors(at(self.node.first_child), move |node| at(node.next))
            .filter(|node| node.space != Space::Foreign)
            .map(move |node| Element { section, node })
    }

    /// The first child of that name.
    pub(super) fn child(self, name: &str) -> Option<Element<'s>> {
        self.elements().find(|child| child.section.says(child.node.name, name))
    }

    /// All children of that name.
    pub(super) fn children<'n>(self, name: &'n str) -> impl Iterator<Item = Element<'s>> + use<'s, 'n> {
        self.elements().filter(move |child| child.section.says(child.node.name, name))
    }

    /// The first descendant along the way.
    pub(super) fn at(self, way: &[&str]) -> Option<Element<'s>> {
        way.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The text of the first descendant along the way.
    pub(super) fn text_at(self, way: &[&str]) -> Option<Text> {
        self.at(way).and_then(Element::value).map(Text::from)
    }

    /// Its text as an identifier, with the scheme that an attribute names.
    pub(super) fn identifier(self, scheme: &str) -> Option<Identifier> {
        let scheme = self.attribute(scheme).filter(|scheme| !scheme.is_empty());
        Some(Identifier { scheme: scheme.map(Text::from), value: self.value()?.into() })
    }

    /// Where it stands; `path` is its own path.
    pub(super) fn location(self, path: impl Into<Path>) -> Location {
        Location { byte: self.node.byte, line: self.node.line, path: path.into(), len: self.node.len }
    }

    /// Its path below `path`: `cac:Party/cbc:ID[2]`.
    pub(super) fn path_below(self, path: &str) -> String {
        let mut below = String::with_capacity(path.len() + self.name().len() + 10);
        below.push_str(path);
        below.push('/');
        self.qualify(&mut below);
        match self.position() {
            0 => {}
            position @ 1..10 => below.extend(['[', char::from(b'0' + position as u8), ']']),
            // Writing to a String cannot fail.
            position => _ = write!(below, "[{position}]"),
        }
        below
    }

    /// Its path, where that of its section is `section`.
    pub(super) fn path_from(self, section: &str) -> String {
        match self.node.parent.and_then(|parent| self.section.nodes.get(parent)) {
            Some(node) => self.path_below(&Element { section: self.section, node }.path_from(section)),
            None => section.to_owned(),
        }
    }

    /// Its place among its siblings of the same name, from 1; 0 when it is the only one.
    fn position(self) -> u32 {
        if let Some(position) = self.node.position {
            return position;
        }
        let at = |index: Option<usize>| index.and_then(|index| self.section.nodes.get(index));
        let first = at(self.node.parent).and_then(|parent| at(parent.first_child));
        let (name, mut alike, mut position) = (self.name(), 0, 0);
        for sibling in std::iter::successors(first, |node| at(node.next)) {
            if self.section.says(sibling.name, name) {
                alike += 1;
            }
            if std::ptr::eq(sibling, self.node) {
                position = alike;
            }
        }
        if alike > 1 { position } else { 0 }
    }
}
