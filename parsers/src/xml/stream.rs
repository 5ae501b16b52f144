//! Generic XML, piece by piece: namespaces resolved, references resolved, limits kept, and everything
//! that is not plain well-formed XML refused with its place.
//!
//! A DOCTYPE may name a document type somewhere else (cXML wants it): it is read over and nothing it names
//! is ever fetched. One with declarations of its own ends the reading, and so does an entity that XML does
//! not define: nothing is ever expanded (XXE, billion laughs).
//!
//! This is a tokenizer of our own, because every amount wants its place and a general one copies each token
//! before it is looked at. It is held against a general one in `comparison`.

use memchr::{memchr, memchr2, memchr3, memmem};

use super::known::{ATTRIBUTES_MAX, KnownTags, Meant};
use super::namespaces::{Meaning, Namespaces, space_of};
use super::source::{Place, Source};
use super::tag::{Run, Tag, is_space, lone_ampersand, referred};
pub(super) use super::trouble::{Trouble, past};
use super::trouble::{cut_off, doctype_refused, fault, malformed, not_well_formed, too_deep};
use super::vocabulary::Vocabulary;
use crate::Limits;

/// Which namespace a name is from, as the vocabulary of the document sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    /// One of the vocabulary's own, by the prefix that its names have in paths and findings whatever the
    /// file's own is; empty for none.
    Own(&'static str),
    /// Anybody else's: extensions, signatures, wrappers.
    Foreign,
}

/// More white space than that is text.
const BLANK_BYTES_MAX: usize = 256;

/// One piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    /// A start tag: see [`Stream::tag`].
    Open,
    Close,
    /// White space that ends at markup and needs no unifying.
    Blank(&'b str),
    Text(&'b str),
    /// A comment, a processing instruction, the declaration.
    Nothing,
    End,
}

/// A file being read.
pub(super) struct Stream<'a> {
    source: Source<'a>,
    tag: Tag,
    /// Text that is not as it stands in the file: line ends unified, references resolved.
    text: String,
    /// The names of the elements that are open, one after another, and where each begins.
    names: String,
    open: Vec<usize>,
    namespaces: Namespaces,
    known: KnownTags,
    vocabulary: Option<&'static Vocabulary>,
    limits: Limits,
    start: Place,
    /// An empty element was opened, and ends with the next piece.
    closes: bool,
    root_closed: bool,
    doctype_seen: bool,
    opened_unread: bool,
    is_verbatim: bool,
    /// Whether it is worked out where attributes stand; at roots it always is.
    locates_attributes: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(source: Source<'a>, limits: Limits) -> Self {
        Self {
            start: source.place(),
            source,
            tag: Tag::new(),
            text: String::new(),
            names: String::new(),
            open: Vec::new(),
            namespaces: Namespaces::default(),
            known: KnownTags::new(),
            vocabulary: None,
            limits,
            closes: false,
            root_closed: false,
            doctype_seen: false,
            opened_unread: false,
            is_verbatim: false,
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
        self.namespaces.speak(vocabulary);
        let space = match self.namespaces.meaning(self.tag.prefix()) {
            Meaning::Bound(_, space) => space,
            Meaning::Unbound | Meaning::Undeclared => space_of(vocabulary, ""),
        };
        self.tag.set_space(space);
    }

    /// The start tag that was read last.
    pub(super) fn tag(&self) -> &Tag {
        &self.tag
    }

    /// The namespace of the start tag that was just read.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self.namespaces.meaning(self.tag.prefix()) {
            Meaning::Bound(name, _) => Some(name),
            Meaning::Unbound | Meaning::Undeclared => None,
        }
    }

    /// Whether the piece that was read last is the start tag of an element whose text nobody keeps.
    pub(super) fn just_opened_unread(&self) -> bool {
        self.opened_unread
    }

    /// Whether the text that was read last stands in the file as it was given.
    pub(super) fn is_verbatim(&self) -> bool {
        self.is_verbatim
    }

    /// Reads over what is left of the element whose start tag was just read.
    pub(super) fn skip(&mut self) -> Result<(), Trouble> {
        let mut depth = 1_usize;
        while depth > 0 {
            if self.opened_unread {
                self.skip_text();
            }
            match self.next()? {
                Piece::Open => depth += 1,
                Piece::Close => depth -= 1,
                Piece::Blank(_) | Piece::Text(_) | Piece::Nothing | Piece::End => {}
            }
        }
        Ok(())
    }

    /// Where the piece that was read last begins.
    pub(super) fn start(&self) -> Place {
        self.start
    }

    /// Where the next piece begins.
    pub(super) fn end(&self) -> Place {
        self.source.place()
    }

    /// Where it stands after `text` has been read from `place` on.
    pub(super) fn after(&self, place: Place, text: &str) -> Place {
        self.source.after(place, text)
    }

    /// Discards the text ahead, however long it is.
    pub(super) fn skip_text(&mut self) {
        if !self.closes {
            self.source.skip_text();
        }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece<'_>, Trouble> {
        self.start = self.source.place();
        self.opened_unread = false;
        if self.closes {
            self.closes = false;
            return Ok(self.close());
        }
        if !self.source.has(1) {
            return self.at_end();
        }
        match self.source.ahead().as_bytes() {
            [b'<', b'/', ..] => self.end_tag(),
            // What may be more than a start tag is looked at when enough of it is there.
            [b'<', b'!' | b'?', ..] | [b'<'] => self.other_markup(),
            [b'<', ..] => self.start_tag(),
            [b'&', ..] => self.reference(),
            [b'\n' | b' ' | b'\t', ..] => self.blank(),
            _ => self.content(),
        }
    }

    fn at_end(&mut self) -> Result<Piece<'_>, Trouble> {
        if let Some(trouble) = fault(&mut self.source) {
            return Err(trouble);
        }
        if self.root_closed {
            return Ok(Piece::End);
        }
        let message = match self.open.len() {
            0 => "the file ends before its root element begins".to_owned(),
            open => format!("the file ends in the middle: {open} elements are still open"),
        };
        let fix = "Send the whole file again; check that the transfer was not cut off.";
        Err(malformed(self.start, message, fix))
    }

    /// How long the token ahead is: `scan` looks at bytes and gives the length, or from where to look on when
    /// there are more. `None` if the file ends first.
    fn measure(&mut self, mut scan: impl FnMut(&[u8]) -> Option<usize>) -> Result<Option<usize>, Trouble> {
        let max = self.limits.token_bytes_max;
        loop {
            let ahead = self.source.ahead().as_bytes();
            if let Some(length) = scan(ahead.get(..max).unwrap_or(ahead)) {
                return Ok(Some(length));
            }
            if ahead.len() > max {
                return Err(past("XML text", "token_bytes_max", max, self.start));
            }
            if !self.source.more() {
                return fault(&mut self.source).map_or(Ok(None), Err);
            }
        }
    }

    fn start_tag(&mut self) -> Result<Piece<'_>, Trouble> {
        if self.root_closed {
            let fix = "Send one XML document per file.";
            return Err(malformed(self.start, "a second root element begins here", fix));
        }
        if self.pass_known_tag() {
            return Ok(Piece::Open);
        }
        let (mut at, mut quote) = (1, None);
        let length = self.measure(|bytes| {
            while let Some(rest) = bytes.get(at..) {
                let found = match quote {
                    Some(quote) => memchr(quote, rest)?,
                    None => memchr3(b'>', b'"', b'\'', rest)?,
                };
                at += found + 1;
                quote = match (quote, rest.get(found)) {
                    (None, Some(b'>')) => return Some(at),
                    (None, opened) => opened.copied(),
                    (Some(_), _) => None,
                };
            }
            None
        })?;
        let Some(length) = length else { return Err(cut_off(self.start, "a tag")) };
        if self.open.len() >= self.limits.depth_max {
            return Err(too_deep(self.start, self.limits.depth_max));
        }
        let token = self.source.pass(length);
        let inner = self.source.piece(Run { start: token.start + 1, end: token.end - 1 });
        self.closes = inner.ends_with('/');
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let located = self.locates_attributes.then_some(&self.source);
        self.tag.fill(inner, self.start, self.limits.attributes_max, located)?;
        let name_bytes = self.tag.prefix().len() + usize::from(!self.tag.prefix().is_empty()) + self.tag.name().len();
        self.open.push(self.names.len());
        self.names.push_str(inner.get(..name_bytes).unwrap_or_default());
        for (prefix, name) in self.tag.declared() {
            self.namespaces.declare(prefix, name, self.open.len(), self.vocabulary);
        }
        if self.namespaces.len() > self.limits.attributes_max {
            let max = self.limits.attributes_max;
            return Err(past("namespace declarations in scope", "attributes_max", max, self.start));
        }
        let space = match self.namespaces.meaning(self.tag.prefix()) {
            Meaning::Bound(_, space) => space,
            Meaning::Unbound => space_of(self.vocabulary, ""),
            Meaning::Undeclared => {
                let prefix: String = self.tag.prefix().chars().take(40).collect();
                let message = format!("the namespace prefix `{prefix}` is declared nowhere");
                return Err(malformed(self.start, message, "Declare the prefix on the root element."));
            }
        };
        self.tag.set_space(space);
        self.opened_unread = self.vocabulary.is_some_and(|speaks| speaks.unread.contains(&self.tag.name()));
        // Where attributes stand is looked up each time.
        if let Some(attributes) = self.tag.plain_attributes(inner)
            && (located.is_none() || attributes == [None; ATTRIBUTES_MAX])
        {
            let local = Run { start: name_bytes - self.tag.name().len(), end: name_bytes };
            let meant = Meant { local, space, is_unread: self.opened_unread, attributes };
            self.known.keep(inner, self.namespaces.state(), meant);
        }
        Ok(Piece::Open)
    }

    /// Reads a start tag that has been met, as most have; `false` where it is another, and nothing is done.
    fn pass_known_tag(&mut self) -> bool {
        let Some((tag, meant, is_empty)) = self.known.find(self.source.ahead(), self.namespaces.state()) else {
            return false;
        };
        let length = tag.len() + if is_empty { "</>".len() } else { "<>".len() };
        let is_located = self.locates_attributes && meant.attributes != [None; ATTRIBUTES_MAX];
        if is_located || length > self.limits.token_bytes_max || self.open.len() >= self.limits.depth_max {
            return false;
        }
        self.tag.set_known(tag, &meant, self.start);
        self.opened_unread = meant.is_unread;
        self.closes = is_empty;
        self.open.push(self.names.len());
        self.names.push_str(tag.get(..meant.local.end).unwrap_or_default());
        self.source.pass(length);
        true
    }

    fn end_tag(&mut self) -> Result<Piece<'_>, Trouble> {
        // Nearly every end tag is the one that is awaited, without a space in it.
        if let Some(opened) = self.open.last().and_then(|start| self.names.get(*start..))
            && let Some(behind) = self.source.ahead().strip_prefix("</").and_then(|name| name.strip_prefix(opened))
            && behind.starts_with('>')
        {
            self.source.pass(opened.len() + "</>".len());
            return Ok(self.close());
        }
        let mut from = 2;
        let length = self.measure(|bytes| {
            let found = bytes.get(from..).and_then(|rest| memchr(b'>', rest));
            let length = found.map(|found| from + found + 1);
            from = bytes.len();
            length
        })?;
        let Some(length) = length else { return Err(cut_off(self.start, "a tag")) };
        let token = self.source.pass(length);
        let name = self.source.piece(Run { start: token.start + 2, end: token.end - 1 });
        let name = name.trim_end_matches([' ', '\t', '\n', '\r']);
        let opened = self.open.last().and_then(|start| self.names.get(*start..));
        if opened == Some(name) {
            return Ok(self.close());
        }
        let name: String = name.chars().take(40).collect();
        let what = match opened {
            Some(opened) => {
                format!("`</{name}>` stands where `</{}>` should", opened.chars().take(40).collect::<String>())
            }
            None => format!("`</{name}>` closes an element that is not open"),
        };
        Err(not_well_formed(self.start, &what))
    }

    fn close(&mut self) -> Piece<'static> {
        self.namespaces.leave(self.open.len());
        self.names.truncate(self.open.pop().unwrap_or(0));
        self.root_closed = self.open.is_empty();
        Piece::Close
    }

    /// White space before markup, as it stands between most elements; or text that begins with it.
    fn blank(&mut self) -> Result<Piece<'_>, Trouble> {
        let ahead = self.source.ahead().as_bytes();
        let length = ahead.iter().take(BLANK_BYTES_MAX).take_while(|byte| matches!(byte, b'\n' | b' ' | b'\t')).count();
        if ahead.get(length) != Some(&b'<') || length > self.limits.token_bytes_max {
            return self.content();
        }
        let token = self.source.pass(length);
        self.is_verbatim = true;
        Ok(if self.open.is_empty() { Piece::Nothing } else { Piece::Blank(self.source.piece(token)) })
    }

    /// Text up to the next markup or reference.
    fn content(&mut self) -> Result<Piece<'_>, Trouble> {
        let mut from = 0;
        let length = self.measure(|bytes| {
            let found = bytes.get(from..).and_then(|rest| memchr2(b'<', b'&', rest));
            let length = found.map(|found| from + found);
            from = bytes.len();
            length
        })?;
        let token = self.source.pass(length.unwrap_or(self.source.ahead().len()));
        if self.open.is_empty() {
            if self.source.piece(token).bytes().all(is_space) {
                return Ok(Piece::Nothing);
            }
            return Err(outside(self.start));
        }
        Ok(Piece::Text(self.unified(token)))
    }

    /// Line ends as XML 1.0 §2.11 wants them: LF.
    fn unified(&mut self, token: Run) -> &str {
        let text = self.source.piece(token);
        self.is_verbatim = !self.source.has_returns() || memchr(b'\r', text.as_bytes()).is_none();
        if self.is_verbatim {
            return text;
        }
        self.text.clear();
        self.text.shrink_to(64 * 1024);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('\r') {
            self.text.push_str(before);
            self.text.push('\n');
            rest = after.strip_prefix('\n').unwrap_or(after);
        }
        self.text.push_str(rest);
        &self.text
    }

    /// `&amp;`, `&#228;`: a character.
    fn reference(&mut self) -> Result<Piece<'_>, Trouble> {
        if self.open.is_empty() {
            return Err(outside(self.start));
        }
        let mut from = 1;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"_-.:#".contains(byte);
        let length = self.measure(|bytes| {
            let found = bytes.get(from..).and_then(|rest| rest.iter().position(|byte| !is_part(byte)));
            let length = found.map(|found| from + found);
            from = bytes.len();
            length
        })?;
        let length = length.filter(|length| self.source.ahead().as_bytes().get(*length) == Some(&b';'));
        let Some(length) = length else { return Err(lone_ampersand(self.start)) };
        let token = self.source.pass(length + 1);
        let name = self.source.piece(Run { start: token.start + 1, end: token.end - 1 });
        let character = referred(name, self.start)?;
        self.text.clear();
        self.text.push(character);
        self.is_verbatim = false;
        Ok(Piece::Text(&self.text))
    }

    /// Comments, CDATA sections, processing instructions, the DOCTYPE; or a `<` with nothing behind it yet.
    fn other_markup(&mut self) -> Result<Piece<'_>, Trouble> {
        self.source.has("<![CDATA[".len());
        let ahead = self.source.ahead();
        let is_doctype = ahead.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("<!DOCTYPE"));
        if ahead.starts_with("<![CDATA[") {
            self.cdata()
        } else if ahead.starts_with("<!--") {
            self.pass_to("-->", 4, "a comment")
        } else if ahead.starts_with("<?") {
            self.pass_to("?>", 2, "a processing instruction")
        } else if is_doctype {
            self.doctype()
        } else if ahead.starts_with("<!") {
            Err(fault(&mut self.source)
                .unwrap_or_else(|| not_well_formed(self.start, "there is a `<!` that begins nothing")))
        } else if ahead.starts_with("</") {
            self.end_tag()
        } else {
            self.start_tag()
        }
    }

    /// How long the token ahead is that ends with a mark.
    fn length_to(&mut self, mark: &str, from: usize, what: &str) -> Result<usize, Trouble> {
        let mut from = from;
        let length = self.measure(|bytes| {
            let found = bytes.get(from..).and_then(|rest| memmem::find(rest, mark.as_bytes()));
            let length = found.map(|found| from + found + mark.len());
            from = from.max((bytes.len() + 1).saturating_sub(mark.len()));
            length
        })?;
        length.ok_or_else(|| cut_off(self.start, what))
    }

    fn pass_to(&mut self, mark: &str, from: usize, what: &str) -> Result<Piece<'_>, Trouble> {
        let length = self.length_to(mark, from, what)?;
        self.source.pass(length);
        Ok(Piece::Nothing)
    }

    fn cdata(&mut self) -> Result<Piece<'_>, Trouble> {
        if self.open.is_empty() {
            return Err(outside(self.start));
        }
        let (before, behind) = ("<![CDATA[".len(), "]]>".len());
        let length = self.length_to("]]>", before, "a CDATA section")?;
        let token = self.source.pass(length);
        self.unified(Run { start: token.start + before, end: token.end - behind });
        let is_as_written = std::mem::replace(&mut self.is_verbatim, false);
        let inner = Run { start: token.start + before, end: token.end - behind };
        Ok(Piece::Text(if is_as_written { self.source.piece(inner) } else { &self.text }))
    }

    /// Reads over a document type that is only named; one with a `[` outside its quotes declares something.
    fn doctype(&mut self) -> Result<Piece<'_>, Trouble> {
        if !self.open.is_empty() || self.root_closed || self.doctype_seen {
            return Err(malformed(self.start, "there is a DOCTYPE where none may stand", "Remove it."));
        }
        self.doctype_seen = true;
        let (mut at, mut quote) = ("<!DOCTYPE".len(), None);
        let length = self.measure(|bytes| {
            while let Some(byte) = bytes.get(at).copied() {
                match (quote, byte) {
                    (None, b'>' | b'[') => return Some(at + 1),
                    (None, b'"' | b'\'') => quote = Some(byte),
                    (Some(open), close) if open == close => quote = None,
                    _ => {}
                }
                at += 1;
            }
            None
        })?;
        let last = length.and_then(|length| self.source.ahead().as_bytes().get(length - 1));
        let (Some(length), Some(b'>')) = (length, last) else { return Err(doctype_refused(self.start)) };
        self.source.pass(length);
        Ok(Piece::Nothing)
    }
}

fn outside(start: Place) -> Trouble {
    malformed(start, "there is text outside the root element", "Remove what is not XML.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All text of a file, or the rule it is refused by.
    fn text_of(file: &str) -> Result<String, &'static str> {
        let mut input = file.as_bytes();
        let limits = Limits { depth_max: 5, ..Limits::default() };
        let mut stream = Stream::new(Source::new(&mut input).expect("bytes in memory"), limits);
        let mut all = String::new();
        loop {
            match stream.next() {
                Ok(Piece::Text(text) | Piece::Blank(text)) => all.push_str(text),
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
