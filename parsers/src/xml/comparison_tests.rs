//! Our tokenizer beside a general one (quick-xml): whatever ours takes, the other takes too, and it is the same
//! elements, attributes, namespaces and text.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

use super::source::Source;
use super::stream::{Piece, Stream};
use crate::Limits;

/// What is put into files: each is well-formed somewhere and not elsewhere.
const PIECES: [&str; 30] = [
    "<![CDATA[x<&]]>",
    "]]>",
    "&lt;",
    "&#228;",
    "&#x41;",
    "&nbsp;",
    "&",
    "&#0;",
    "&amp",
    "<!-- c -->",
    "<!--",
    "-->",
    "<?p i?>",
    "<?xml version='1.0'?>",
    "<a/>",
    "<a b='1' c=\"2\"/>",
    "<a b='1' b='2'/>",
    "<q:a xmlns:q='u'>",
    "</q:a>",
    "<a xmlns=''>",
    "</a>",
    "<",
    ">",
    "\"",
    "'",
    "/",
    "=",
    " b='&lt;&#9;\t'",
    "\r\n",
    "<!DOCTYPE a SYSTEM 'b'>",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_we_take_another_reads_the_same(
        which in 0_usize..1_000,
        changes in proptest::collection::vec((0.0..1.0_f64, 0_usize..12, 0_usize..PIECES.len()), 0..4),
    ) {
        let files = files();
        let mut file = files.get(which % files.len()).expect("a fixture").clone();
        for (at, removed, piece) in changes {
            let at = place(&file, at);
            let end = (at..=file.len()).find(|end| *end >= at + removed && file.is_char_boundary(*end));
            file.replace_range(at..end.unwrap_or(file.len()), PIECES.get(piece).expect("a piece"));
        }
        if let Some(ours) = ours(&file) {
            prop_assert_eq!(Some(ours), theirs(&file), "{}", file);
        }
    }
}

#[test]
fn every_fixture_is_the_same_to_both() {
    for file in files() {
        assert_eq!(ours(&file), theirs(&file), "{file}");
    }
}

fn place(file: &str, share: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    #[expect(clippy::float_arithmetic, reason = "a place in a file, not money")]
    let at = (file.len() as f64 * share) as usize;
    (0..=at.min(file.len())).rev().find(|at| file.is_char_boundary(*at)).unwrap_or(0)
}

/// Our fixtures that are UTF-8.
fn files() -> Vec<String> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut files = Vec::new();
    for format in ["ubl/ok", "cii/ok"] {
        for case in fs::read_dir(fixtures.join(format)).expect("our fixtures") {
            let bytes = fs::read(case.expect("a case").path().join("input.xml")).expect("an input");
            files.extend(String::from_utf8(bytes).ok().filter(|text| !text.starts_with('\u{feff}')));
        }
    }
    files.sort();
    files
}

/// Tags and texts, a line each; texts that follow each other are one.
#[derive(Default)]
struct Told(Vec<String>);

impl Told {
    fn open(&mut self, namespace: Option<&str>, name: &str, attributes: Vec<(String, String)>) {
        self.0.push(format!("<{{{}}}{name} {attributes:?}", namespace.unwrap_or_default()));
    }

    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(last) if last.starts_with('"') => last.push_str(text),
            _ => self.0.push(format!("\"{text}")),
        }
    }
}

fn ours(file: &str) -> Option<Vec<String>> {
    let mut input = file.as_bytes();
    let mut stream = Stream::new(Source::new(&mut input).ok()?, Limits::default());
    let mut told = Told::default();
    loop {
        match stream.next().ok()? {
            Piece::Open => {
                let attributes = stream.tag().attributes();
                let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                told.open(stream.namespace(), stream.tag().name(), attributes);
            }
            Piece::Text(text) | Piece::Blank(text) => told.text(text),
            Piece::Close => told.0.push(">".to_owned()),
            Piece::Nothing => {}
            Piece::End => return Some(told.0),
        }
    }
}

fn theirs(file: &str) -> Option<Vec<String>> {
    let mut reader = NsReader::from_str(file);
    reader.config_mut().expand_empty_elements = true;
    let mut told = Told::default();
    let mut depth = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                depth += 1;
                let mut attributes = Vec::new();
                for attribute in element.attributes() {
                    let attribute = attribute.ok()?;
                    let name = attribute.key.into_inner();
                    let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
                    if !name.contains(':') && name != "xmlns" {
                        attributes.push((name.to_owned(), value.into_owned()));
                    }
                }
                let (resolved, local) = reader.resolver().resolve_element(element.name());
                let namespace = match resolved {
                    // It gives the attribute as it is written.
                    ResolveResult::Bound(name) => {
                        let spaced = name.into_inner().replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
                        Some(quick_xml::escape::unescape(&spaced).ok()?.into_owned())
                    }
                    ResolveResult::Unbound => None,
                    ResolveResult::Unknown(_) => return None,
                };
                told.open(namespace.as_deref(), local.into_inner(), attributes);
            }
            Event::End(_) => {
                depth -= 1;
                told.0.push(">".to_owned());
            }
            Event::Text(text) if depth > 0 => told.text(&text.replace("\r\n", "\n").replace('\r', "\n")),
            Event::CData(text) if depth > 0 => told.text(&text.replace("\r\n", "\n").replace('\r', "\n")),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => told.text(&character.to_string()),
                None => told.text(quick_xml::escape::resolve_predefined_entity(&reference)?),
            },
            Event::Eof => return Some(told.0),
            _ => {}
        }
    }
}
