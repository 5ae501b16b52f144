//! Generic XML, piece by piece: namespaces resolved, references resolved, limits kept, and everything
//! that is not plain well-formed XML refused with its place.
//!
//! There are no document types here. A DOCTYPE ends the reading: it is never expanded and nothing it
//! names is ever fetched (XXE, billion laughs).

use std::borrow::Cow;

use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::escape::EscapeError;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, NamespaceError, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

use super::head::{AGGREGATE, BASIC, CREDIT_NOTE, INVOICE};
use super::source::{Fault, Place, Source};
use crate::{Code, Finding, Halt, Limit, Limits, Location};

/// Which vocabulary a name is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Invoice,
    CreditNote,
    /// `cac:`, whatever the file's prefix is.
    Aggregate,
    /// `cbc:`, whatever the file's prefix is.
    Basic,
    Other,
}

/// One piece of a file.
#[derive(Debug)]
pub(super) enum Piece<'b> {
    Open(Space, String, Vec<(String, String)>),
    Close,
    Text(Cow<'b, str>),
    /// A comment, a processing instruction, the declaration.
    Nothing,
    End,
}

/// Why reading cannot go on.
pub(super) enum Trouble {
    Halt(Halt),
    /// The file is refused from here on.
    Refused(Box<Finding>),
}

impl Trouble {
    /// The same, saying which document it was in.
    pub(super) fn inside(mut self, path: &str) -> Self {
        if let Self::Refused(finding) = &mut self
            && finding.location.path.is_empty()
        {
            path.clone_into(&mut finding.location.path);
        }
        self
    }
}

/// A file being read.
pub(super) struct Stream<'a> {
    reader: NsReader<Source<'a>>,
    token: Vec<u8>,
    limits: Limits,
    depth: usize,
    start: Place,
    root_closed: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(source: Source<'a>, limits: Limits) -> Self {
        let mut reader = NsReader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Self { start: reader.get_ref().place(), reader, token: Vec::new(), limits, depth: 0, root_closed: false }
    }

    /// Where the piece that was read last begins.
    pub(super) fn start(&self) -> Place {
        self.start
    }

    /// Where the next piece begins.
    pub(super) fn end(&self) -> Place {
        self.reader.get_ref().place()
    }

    /// Where it stands after `text` has been read from `place` on.
    pub(super) fn after(&self, place: Place, text: &str) -> Place {
        self.reader.get_ref().after(place, text)
    }

    /// Discards the text ahead, however long it is.
    pub(super) fn skip_text(&mut self) {
        self.reader.get_mut().skip_text();
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece<'_>, Trouble> {
        self.token.clear();
        // A token that was long once must not cost its memory until the end of the file.
        self.token.shrink_to(64 * 1024);
        let source = self.reader.get_mut();
        source.begin_token();
        let start = source.place();
        self.start = start;
        let event = match self.reader.read_event_into(&mut self.token) {
            Ok(event) => event,
            Err(error) => return Err(trouble(&error, start, &mut self.reader, self.limits)),
        };
        match event {
            Event::Start(_) if self.root_closed => {
                Err(malformed(start, "a second root element begins here", "Send one XML document per file."))
            }
            Event::Start(element) => {
                self.depth += 1;
                if self.depth > self.limits.depth_max {
                    return Err(too_deep(start, self.limits.depth_max));
                }
                let attributes = attributes_of(&element, start, self.limits)?;
                let (local, space) = match self.reader.resolver().resolve_element(element.name()) {
                    (ResolveResult::Bound(namespace), local) => (local, space_of(namespace)),
                    (ResolveResult::Unbound, local) => (local, Space::Other),
                    (ResolveResult::Unknown(prefix), _) => {
                        return Err(malformed(
                            start,
                            format!("the namespace prefix `{prefix}` is declared nowhere"),
                            "Declare the prefix on the root element.",
                        ));
                    }
                };
                Ok(Piece::Open(space, local.into_inner().to_owned(), attributes))
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                self.root_closed = self.depth == 0;
                Ok(Piece::Close)
            }
            Event::Text(text) if self.depth == 0 => {
                if text.trim_ascii().is_empty() {
                    return Ok(Piece::Nothing);
                }
                Err(malformed(start, "there is text outside the root element", "Remove what is not XML."))
            }
            Event::Text(text) => Ok(Piece::Text(unified(text.into_inner()))),
            Event::CData(text) if self.depth > 0 => Ok(Piece::Text(unified(text.into_inner()))),
            Event::GeneralRef(reference) if self.depth > 0 => referred(&reference, start).map(Piece::Text),
            Event::CData(_) | Event::GeneralRef(_) => {
                Err(malformed(start, "there is text outside the root element", "Remove what is not XML."))
            }
            Event::DocType(_) => Err(refused(
                Code::XML_DTD,
                "XML-DTD",
                start,
                "the file has a DOCTYPE; document types and entities are not accepted",
                "Send the document without a DOCTYPE and without entities of your own.",
            )),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => Ok(Piece::Nothing),
            Event::Empty(_) => Ok(Piece::Nothing),
            Event::Eof if self.root_closed => Ok(Piece::End),
            Event::Eof => Err(malformed(
                start,
                match self.depth {
                    0 => "the file ends before its root element begins".to_owned(),
                    open => format!("the file ends in the middle: {open} elements are still open"),
                },
                "Send the whole file again; check that the transfer was not cut off.",
            )),
        }
    }
}

fn space_of(namespace: Namespace<'_>) -> Space {
    match namespace.into_inner() {
        INVOICE => Space::Invoice,
        CREDIT_NOTE => Space::CreditNote,
        AGGREGATE => Space::Aggregate,
        BASIC => Space::Basic,
        _ => Space::Other,
    }
}

/// Line ends as XML 1.0 §2.11 wants them: LF.
fn unified(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text }
}

/// The attributes without a prefix; those are all that UBL uses.
fn attributes_of(element: &BytesStart<'_>, start: Place, limits: Limits) -> Result<Vec<(String, String)>, Trouble> {
    let mut kept = Vec::new();
    for (index, attribute) in element.attributes().enumerate() {
        if index >= limits.attributes_max {
            return Err(past("attributes of one element", "attributes_max", limits.attributes_max, start));
        }
        let attribute = attribute.map_err(|error| {
            malformed(start, format!("an attribute cannot be read: {error}"), "Write each attribute once, in quotes.")
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
            kept.push((name.to_owned(), value.into_owned()));
        }
    }
    Ok(kept)
}

/// A character reference or one of the five predefined entities (XML 1.0 §4.6).
fn referred(reference: &BytesRef<'_>, start: Place) -> Result<Cow<'static, str>, Trouble> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) if character >= ' ' || matches!(character, '\t' | '\n' | '\r') => {
            return Ok(Cow::Owned(character.to_string()));
        }
        Ok(None) => {}
        Ok(Some(_)) | Err(_) => {
            return Err(malformed(
                start,
                format!("`&{}` refers to no character XML allows", &**reference),
                "Remove the character.",
            ));
        }
    }
    match &**reference {
        "amp" => Ok(Cow::Borrowed("&")),
        "lt" => Ok(Cow::Borrowed("<")),
        "gt" => Ok(Cow::Borrowed(">")),
        "quot" => Ok(Cow::Borrowed("\"")),
        "apos" => Ok(Cow::Borrowed("'")),
        name => Err(unknown_entity(start, name)),
    }
}

fn unknown_entity(start: Place, name: &str) -> Trouble {
    let name: String = name.chars().take(40).collect();
    refused(
        Code::XML_DTD,
        "XML-DTD",
        start,
        format!("`&{name};` is an entity that XML does not define; entities are not expanded"),
        "Write the text itself, or a character reference such as `&#228;`.",
    )
}

fn too_deep(start: Place, depth_max: usize) -> Trouble {
    refused(
        Code::XML_DEPTH,
        "XML-DEPTH",
        start,
        format!("elements are nested more than {depth_max} deep"),
        "Send a UBL document; none is nested this deep.",
    )
}

pub(super) fn malformed(place: Place, message: impl Into<String>, fix: &str) -> Trouble {
    refused(Code::XML_MALFORMED, "XML-WF", place, message, fix)
}

fn refused(code: Code, rule: &'static str, place: Place, message: impl Into<String>, fix: &str) -> Trouble {
    let location = Location::new(place.byte, place.line, "");
    Trouble::Refused(Box::new(Finding::error(code, location, message, fix).with_rule(rule)))
}

pub(super) fn past(what: &'static str, setting: &'static str, max: usize, place: Place) -> Trouble {
    Trouble::Halt(Halt::Limit(Limit { what, setting, max: max as u64, byte: place.byte, line: place.line }))
}

/// What the XML reader's error means for the sender.
fn trouble(error: &Error, start: Place, reader: &mut NsReader<Source<'_>>, limits: Limits) -> Trouble {
    let source = reader.get_mut();
    let place = source.place();
    match source.take_fault() {
        Some(Fault::Read(error)) => return Trouble::Halt(Halt::Read(error)),
        Some(Fault::TokenTooLong) => return past("XML text", "token_bytes_max", limits.token_bytes_max, start),
        Some(Fault::Encoding) => {
            return refused(
                Code::ENCODING_INVALID,
                "XML-ENCODING",
                place,
                format!("byte {} is not valid in the encoding of the file, {}", place.byte, source.encoding()),
                "Write the file in the encoding its XML declaration names; UTF-8 is best.",
            );
        }
        Some(Fault::Control(byte)) => {
            return malformed(
                place,
                format!("the control character 0x{byte:02X} is not allowed in XML"),
                "Remove control characters from the texts before you write the file.",
            );
        }
        None => {}
    }
    match error {
        Error::Namespace(NamespaceError::TooDeeplyNested(_)) => too_deep(start, limits.depth_max),
        Error::Namespace(NamespaceError::TooManyBindings(max)) => {
            past("namespace declarations in scope", "attributes_max", *max, start)
        }
        Error::Syntax(SyntaxError::UnclosedDoctype) => refused(
            Code::XML_DTD,
            "XML-DTD",
            start,
            "the file has a DOCTYPE; document types and entities are not accepted",
            "Send the document without a DOCTYPE and without entities of your own.",
        ),
        Error::Syntax(error) => malformed(
            start,
            format!("this is not well-formed XML: {error}"),
            "Send the whole file again; check that the transfer was not cut off.",
        ),
        Error::IllFormed(error) => malformed(
            start,
            format!("this is not well-formed XML: {error}"),
            match error {
                IllFormedError::UnclosedReference => "Write `&` as `&amp;` where it stands for itself.",
                _ => "Write the file with an XML library rather than by joining text.",
            },
        ),
        error => malformed(
            start,
            format!("this is not well-formed XML: {error}"),
            "Write the file with an XML library rather than by joining text.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All text of a file, or the rule it is refused by.
    fn text_of(file: &str) -> Result<String, &'static str> {
        let mut input = file.as_bytes();
        let limits = Limits { depth_max: 5, ..Limits::default() };
        let mut stream = Stream::new(Source::new(&mut input, 1_000).expect("bytes in memory"), limits);
        let mut all = String::new();
        loop {
            match stream.next() {
                Ok(Piece::Text(text)) => all.push_str(&text),
                Ok(Piece::End) => return Ok(all),
                Ok(_) => {}
                Err(Trouble::Refused(finding)) => return Err(finding.rule.unwrap_or_default()),
                Err(Trouble::Halt(_)) => return Err("halt"),
            }
        }
    }

    #[test]
    fn references_and_sections_are_text() {
        assert_eq!(text_of("<a>1 &lt; 2 &amp;&#x20;<![CDATA[3 < 4 &amp;]]></a>"), Ok("1 < 2 & 3 < 4 &amp;".to_owned()));
        assert_eq!(text_of("<a>one\r\ntwo\rthree</a>\r\n"), Ok("one\ntwo\nthree".to_owned()));
        assert_eq!(text_of("<?xml version='1.0'?><!-- c --><a b='&quot;&#65;'/>"), Ok(String::new()));
    }

    #[test]
    fn what_is_not_plain_xml_is_refused_by_its_rule() {
        for (file, rule) in [
            ("<!DOCTYPE a><a/>", "XML-DTD"),
            ("<!doctype a [<!ENTITY b 'c'>]><a/>", "XML-DTD"),
            ("<!DOCTYPE a [", "XML-DTD"),
            ("<a>&b;</a>", "XML-DTD"),
            ("<a c='&b;'/>", "XML-DTD"),
            ("<a><a><a><a><a><a/></a></a></a></a></a>", "XML-DEPTH"),
            ("<a>&#0;</a>", "XML-WF"),
            ("<a>&#xFFFFFFFF;</a>", "XML-WF"),
            ("<a>\u{1}</a>", "XML-WF"),
            ("<a>fish & chips</a>", "XML-WF"),
            ("<a b='1' b='2'/>", "XML-WF"),
            ("<a b=1/>", "XML-WF"),
            ("<n:a/>", "XML-WF"),
            ("<a></b>", "XML-WF"),
            ("<a/><a/>", "XML-WF"),
            ("<a/>b", "XML-WF"),
            ("b<a/>", "XML-WF"),
            ("</a>", "XML-WF"),
            ("<a>", "XML-WF"),
            ("<a", "XML-WF"),
            ("", "XML-WF"),
        ] {
            assert_eq!(text_of(file), Err(rule), "{file}");
        }
    }
}
