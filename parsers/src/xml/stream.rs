//! Generic XML, piece by piece: namespaces resolved, references resolved, limits kept, and everything
//! that is not plain well-formed XML refused with its place.
//!
//! A DOCTYPE may name a document type somewhere else (cXML wants it): it is read over and nothing it names
//! is ever fetched. One with declarations of its own ends the reading, and so does an entity that XML does
//! not define: nothing is ever expanded (XXE, billion laughs).

use std::borrow::Cow;

use quick_xml::NsReader;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::{Namespace, NamespaceError, QName, ResolveResult};

use super::source::{Fault, Place, Source};
use super::tag::{After, Tag};
use super::vocabulary::Vocabulary;
use crate::{Code, Finding, Halt, Limit, Limits, Location};

/// Which namespace a name is from, as the vocabulary of the document sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// One of the vocabulary's own, by the prefix that its names have in paths and findings whatever the
    /// file's own is; empty for none.
    Own(&'static str),
    /// Anybody else's: extensions, signatures, wrappers.
    Foreign,
}

/// One piece of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'b> {
    /// A start tag: see [`Stream::tag`].
    Open,
    Close,
    Text(&'b str),
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
            finding.location.path = path.into();
        }
        self
    }
}

/// A file being read.
pub(super) struct Stream<'a> {
    reader: NsReader<Source<'a>>,
    token: Vec<u8>,
    tag: Tag,
    /// Text that is not as it stands in the file: line ends unified, references resolved.
    text: String,
    vocabulary: Option<&'static Vocabulary>,
    limits: Limits,
    depth: usize,
    start: Place,
    root_closed: bool,
    doctype_seen: bool,
    opened_unread: bool,
    /// Whether it is worked out where attributes stand; at roots it always is.
    locates_attributes: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(source: Source<'a>, limits: Limits) -> Self {
        let mut reader = NsReader::from_reader(source);
        reader.config_mut().expand_empty_elements = true;
        Self {
            start: reader.get_ref().place(),
            reader,
            token: Vec::new(),
            tag: Tag::new(),
            text: String::new(),
            vocabulary: None,
            limits,
            depth: 0,
            root_closed: false,
            doctype_seen: false,
            opened_unread: false,
            locates_attributes: true,
        }
    }

    /// From here on in this document attributes say where they stand.
    pub(super) fn locate_attributes(&mut self) {
        self.locates_attributes = true;
    }

    /// From here on names are those of a vocabulary, the tag that was read last included; of none, between
    /// documents.
    pub(super) fn speak(&mut self, vocabulary: Option<&'static Vocabulary>) {
        self.vocabulary = vocabulary;
        self.locates_attributes = vocabulary.is_none();
        let space = self.space_of(self.namespace().unwrap_or_default());
        self.tag.set_space(space);
    }

    /// The start tag that was read last.
    pub(super) fn tag(&self) -> &Tag {
        &self.tag
    }

    /// The namespace of the start tag that was just read.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self.reader.resolver().resolve_element(QName(self.tag.written_name())).0 {
            ResolveResult::Bound(Namespace(namespace)) => Some(namespace),
            ResolveResult::Unbound | ResolveResult::Unknown(_) => None,
        }
    }

    /// Whether the piece that was read last is the start tag of an element whose text nobody keeps.
    pub(super) fn just_opened_unread(&self) -> bool {
        self.opened_unread
    }

    /// Reads over what is left of the element whose start tag was just read.
    pub(super) fn skip(&mut self) -> Result<(), Trouble> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.next()? {
                Piece::Open => depth += 1,
                Piece::Close => depth -= 1,
                Piece::Text(_) | Piece::Nothing | Piece::End => {}
            }
            if self.opened_unread {
                self.skip_text();
            }
        }
        Ok(())
    }

    fn space_of(&self, namespace: &str) -> Space {
        self.vocabulary.map_or(Space::Foreign, |vocabulary| (vocabulary.space)(namespace))
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
        self.opened_unread = false;
        match event {
            Event::Start(_) if self.root_closed => {
                Err(malformed(start, "a second root element begins here", "Send one XML document per file."))
            }
            Event::Start(element) => {
                self.depth += 1;
                if self.depth > self.limits.depth_max {
                    return Err(too_deep(start, self.limits.depth_max));
                }
                let space = match self.reader.resolver().resolve_element(element.name()).0 {
                    ResolveResult::Bound(Namespace(namespace)) => {
                        self.vocabulary.map_or(Space::Foreign, |vocabulary| (vocabulary.space)(namespace))
                    }
                    ResolveResult::Unbound => self.vocabulary.map_or(Space::Foreign, |speaks| (speaks.space)("")),
                    ResolveResult::Unknown(prefix) => {
                        return Err(malformed(
                            start,
                            format!("the namespace prefix `{prefix}` is declared nowhere"),
                            "Declare the prefix on the root element.",
                        ));
                    }
                };
                let after = |place, text: &str| self.reader.get_ref().after(place, text);
                let after: Option<&After<'_>> = if self.locates_attributes { Some(&after) } else { None };
                self.tag.fill(&element, space, start, self.limits, after)?;
                let unread = self.vocabulary.map_or(&[][..], |vocabulary| vocabulary.unread);
                self.opened_unread = unread.contains(&self.tag.name());
                Ok(Piece::Open)
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
            Event::Text(text) => Ok(Piece::Text(unified(text.into_inner(), &mut self.text))),
            Event::CData(text) if self.depth > 0 => Ok(Piece::Text(unified(text.into_inner(), &mut self.text))),
            Event::GeneralRef(reference) if self.depth > 0 => {
                self.text.clear();
                self.text.push(referred(&reference, start)?);
                Ok(Piece::Text(&self.text))
            }
            Event::CData(_) | Event::GeneralRef(_) => {
                Err(malformed(start, "there is text outside the root element", "Remove what is not XML."))
            }
            Event::DocType(_) if self.depth > 0 || self.root_closed || self.doctype_seen => {
                Err(malformed(start, "there is a DOCTYPE where none may stand", "Remove it."))
            }
            Event::DocType(doctype) => {
                self.doctype_seen = true;
                if has_internal_subset(&doctype) { Err(doctype_refused(start)) } else { Ok(Piece::Nothing) }
            }
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

/// Line ends as XML 1.0 §2.11 wants them: LF.
fn unified<'b>(text: Cow<'b, str>, room: &'b mut String) -> &'b str {
    match text {
        Cow::Borrowed(text) if !text.contains('\r') => text,
        text => {
            room.clear();
            room.shrink_to(64 * 1024);
            let mut rest = &*text;
            while let Some((before, after)) = rest.split_once('\r') {
                room.push_str(before);
                room.push('\n');
                rest = after.strip_prefix('\n').unwrap_or(after);
            }
            room.push_str(rest);
            room
        }
    }
}

/// Whether a document type declares anything itself: there is a `[` outside the quotes of what it names.
fn has_internal_subset(doctype: &str) -> bool {
    let mut quote = None;
    for character in doctype.chars() {
        match (quote, character) {
            (None, '"' | '\'') => quote = Some(character),
            (None, '[') => return true,
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    quote.is_some()
}

/// A character reference or one of the five predefined entities (XML 1.0 §4.6).
fn referred(reference: &BytesRef<'_>, start: Place) -> Result<char, Trouble> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) if character >= ' ' || matches!(character, '\t' | '\n' | '\r') => {
            return Ok(character);
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
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        name => Err(unknown_entity(start, name)),
    }
}

pub(super) fn unknown_entity(start: Place, name: &str) -> Trouble {
    let name: String = name.chars().take(40).collect();
    refused(
        Code::XML_DTD,
        "XML-DTD",
        start,
        format!("`&{name};` is an entity that XML does not define; entities are not expanded"),
        "Write the text itself, or a character reference such as `&#228;`.",
    )
}

fn doctype_refused(start: Place) -> Trouble {
    refused(
        Code::XML_DTD,
        "XML-DTD",
        start,
        "the DOCTYPE declares entities or other things itself; that is not accepted",
        "Send the document without a DOCTYPE, or with one that only names its document type.",
    )
}

fn too_deep(start: Place, depth_max: usize) -> Trouble {
    refused(
        Code::XML_DEPTH,
        "XML-DEPTH",
        start,
        format!("elements are nested more than {depth_max} deep"),
        "Send a trade document; none is nested this deep.",
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
        Error::Syntax(SyntaxError::UnclosedDoctype) => doctype_refused(start),
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
                Ok(Piece::Text(text)) => all.push_str(text),
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
    fn a_document_type_that_is_only_named_is_read_over() {
        for doctype in
            ["<!DOCTYPE a>", "<!DOCTYPE a SYSTEM 'http://[::1]/a.dtd'>", "<!DOCTYPE a PUBLIC \"-//A//B[1]\" 'c'>"]
        {
            assert_eq!(
                text_of(&format!("<?xml version='1.0'?>\n{doctype}\n<a>b</a>")),
                Ok("b".to_owned()),
                "{doctype}"
            );
        }
    }

    #[test]
    fn what_is_not_plain_xml_is_refused_by_its_rule() {
        for (file, rule) in [
            ("<!DOCTYPE a SYSTEM 'b' []><a/>", "XML-DTD"),
            ("<!doctype a [<!ENTITY b 'c'>]><a/>", "XML-DTD"),
            ("<!DOCTYPE a [", "XML-DTD"),
            ("<a><!DOCTYPE a></a>", "XML-WF"),
            ("<a/><!DOCTYPE a>", "XML-WF"),
            ("<!DOCTYPE a><!DOCTYPE a><a/>", "XML-WF"),
            ("<!DOCTYPE a SYSTEM 'b'><a>&b;</a>", "XML-DTD"),
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
