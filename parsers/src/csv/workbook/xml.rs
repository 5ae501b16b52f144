//! The XML of a workbook's parts, piece by piece, in buffers that are used again.

use std::io::{self, BufRead, Read};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::Flaw;
use crate::packed::Inflated;

/// One piece. What it says is in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A start tag.
    Open,
    /// An end tag.
    Close,
    /// Some of a text; the next may go on with it.
    Text,
    End,
}

/// A part being read.
pub(super) struct Xml<'a> {
    reader: Reader<Bounded<'a>>,
    token: Vec<u8>,
    /// The local name of the tag that was read last.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    /// The text that was read last.
    pub(super) text: String,
}

impl<'a> Xml<'a> {
    pub(super) fn new(part: Inflated<'a>, token_bytes_max: usize) -> Self {
        let mut reader = Reader::from_reader(Bounded { part, token_bytes_max, left: 0 });
        reader.config_mut().expand_empty_elements = true;
        Self { reader, token: Vec::new(), name: String::new(), attributes: Vec::new(), text: String::new() }
    }

    /// An attribute of the tag that was read last, by its local name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads the next piece.
    pub(super) fn next(&mut self) -> Result<Piece, Flaw> {
        loop {
            self.token.clear();
            let bounded = self.reader.get_mut();
            bounded.left = bounded.token_bytes_max;
            let event = match self.reader.read_event_into(&mut self.token) {
                Ok(event) => event,
                Err(error) => {
                    let what = error.to_string();
                    return Err(self.reader.get_ref().flaw().unwrap_or(Flaw::Malformed(what)));
                }
            };
            self.text.clear();
            match event {
                Event::Start(element) | Event::Empty(element) => {
                    take(&element, &mut self.name, &mut self.attributes)?;
                    return Ok(Piece::Open);
                }
                Event::End(element) => {
                    local(element.name().into_inner()).clone_into(&mut self.name);
                    return Ok(Piece::Close);
                }
                Event::Text(text) => {
                    self.text.push_str(&text.into_inner());
                    return Ok(Piece::Text);
                }
                Event::CData(text) => {
                    self.text.push_str(&text.into_inner());
                    return Ok(Piece::Text);
                }
                Event::GeneralRef(reference) => {
                    let character = match (reference.resolve_char_ref(), &*reference) {
                        (Ok(Some(character)), _) => character,
                        (_, "amp") => '&',
                        (_, "lt") => '<',
                        (_, "gt") => '>',
                        (_, "quot") => '"',
                        (_, "apos") => '\'',
                        _ => return Err(Flaw::Malformed("an entity that XML does not define".to_owned())),
                    };
                    // The unit separator stands between our cells; no workbook can write it.
                    self.text.push(if character < ' ' && !character.is_whitespace() { '\u{fffd}' } else { character });
                    return Ok(Piece::Text);
                }
                Event::DocType(_) => return Err(Flaw::Malformed("a DOCTYPE, which no workbook has".to_owned())),
                Event::Eof => {
                    return match self.reader.get_ref().flaw() {
                        Some(flaw) => Err(flaw),
                        None => Ok(Piece::End),
                    };
                }
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
    }
}

fn take(element: &BytesStart<'_>, name: &mut String, attributes: &mut Vec<(String, String)>) -> Result<(), Flaw> {
    local(element.name().into_inner()).clone_into(name);
    attributes.clear();
    for attribute in element.attributes().take(ATTRIBUTES_MAX) {
        let attribute = attribute.map_err(|error| Flaw::Malformed(error.to_string()))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| Flaw::Malformed(error.to_string()))?;
        attributes.push((local(attribute.key.into_inner()).to_owned(), value.into_owned()));
    }
    Ok(())
}

/// No element of a workbook has more.
const ATTRIBUTES_MAX: usize = 64;

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A part whose tokens end: the XML reader keeps one whole, and sets itself no bound.
struct Bounded<'a> {
    part: Inflated<'a>,
    token_bytes_max: usize,
    left: usize,
}

impl Bounded<'_> {
    fn flaw(&self) -> Option<Flaw> {
        self.part.fault().map(Flaw::Packed)
    }
}

impl BufRead for Bounded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other("a text or a tag longer than any workbook's"));
        }
        let available = self.part.fill_buf()?;
        Ok(available.get(..self.left).unwrap_or(available))
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount);
        self.part.consume(amount);
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let count = available.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
