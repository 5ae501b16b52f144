//! XML: the documents of every vocabulary we know, one to a file or many in a wrapper.
//!
//! ```text
//! bytes ─► source (encoding, bounds) ─► stream (XML) ─► vocabulary (by the root's name and namespace)
//!                                                          └─► element (a section) ─► documents ─► rules
//! ```
//!
//! A file is read once and a section of it at a time. Which vocabulary a document is from its root element
//! says, by namespace and name, at whatever depth it stands: batches, envelopes and wrappers are read
//! through. XML that is not well-formed ends the reading there: what was whole before it has been told, the
//! rest is refused.

mod cfdi;
mod cii;
mod closing;
mod cxml;
mod desk;
mod draft;
mod element;
mod facturae;
mod fatturapa;
mod head;
mod idoc;
mod invoice;
mod iso20022;
mod known;
mod namespaces;
mod source;
mod stream;
mod tag;
mod trouble;
mod ubl;
mod values;
mod vocabulary;
mod walk;

pub(crate) use self::ubl::write;

use std::io::BufRead;

use self::desk::Desk;
use self::source::Source;
use self::stream::{Piece, Stream, Trouble};
use self::vocabulary::{Root, Vocabulary, vocabulary_of};
use crate::{Code, Context, Finding, Format, Halt, Location, Profile, Sink, Summary};

/// The XML reader.
pub(crate) struct Xml;

impl Format for Xml {
    fn name(&self) -> &'static str {
        "xml"
    }

    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        head::is_xml(head)
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let source = Source::new(input).map_err(Halt::Read)?;
        let mut desk = Desk::new(context, sink, source.encoding());
        let mut stream = Stream::new(source, context.limits);
        let outcome = match read_all(&mut stream, &mut desk) {
            Err(Trouble::Refused(finding)) => desk.finding(*finding),
            outcome => outcome,
        };
        match outcome {
            Ok(()) | Err(Trouble::Refused(_)) => Ok(desk.summary()),
            Err(Trouble::Halt(halt)) => Err(halt),
        }
    }
}

/// Reads a file to its end: the documents at any depth, and nothing else.
fn read_all(stream: &mut Stream<'_>, desk: &mut Desk<'_, '_>) -> Result<(), Trouble> {
    let mut around: Vec<Around> = Vec::new();
    let mut outermost: Option<String> = None;
    loop {
        let piece = stream.next().map_err(|trouble| match &outermost {
            Some(name) if !desk.has_entered() => unknown_after(name, trouble),
            _ => trouble,
        })?;
        match piece {
            Piece::Open => {
                desk.count(1);
                let (namespace, name) = (stream.namespace(), stream.tag().name());
                let Some(vocabulary) = vocabulary_of(namespace, name) else {
                    if outermost.is_none() {
                        outermost = Some(named(namespace, name));
                        if namespace.is_some_and(|namespace| namespace == head::RULE_TEST_SET) {
                            return Err(unknown(&named(namespace, name)));
                        }
                    }
                    around.push(Around { name: name.chars().take(NAME_CHARS_MAX).collect(), held: Vec::new() });
                    continue;
                };
                let (namespace, name) = (namespace.map(str::to_owned), name.to_owned());
                let path = path_of(&mut around, &name);
                read_document(stream, vocabulary, Root { namespace, name, path }, desk)?;
            }
            Piece::Close => {
                around.pop();
            }
            Piece::Blank(_) | Piece::Text(_) | Piece::Nothing => {}
            Piece::End => {
                return match outermost {
                    Some(name) if !desk.has_entered() => Err(unknown(&name)),
                    _ => Ok(()),
                };
            }
        }
    }
}

fn read_document(
    stream: &mut Stream<'_>,
    vocabulary: &'static Vocabulary,
    root: Root,
    desk: &mut Desk<'_, '_>,
) -> Result<(), Trouble> {
    let path = root.path.clone();
    desk.enter(vocabulary.name);
    stream.speak(Some(vocabulary));
    (vocabulary.read)(stream, root, desk).map_err(|trouble| trouble.inside(&path))?;
    stream.speak(None);
    Ok(())
}

/// An element around the documents of a wrapper.
struct Around {
    name: String,
    /// How many documents it has held, by the names of their roots.
    held: Vec<(String, u32)>,
}

/// A wrapper's element name counts to this many characters in a path.
const NAME_CHARS_MAX: usize = 60;

/// The path of a document: `/Invoice`, `/Batch/Invoice[2]`.
fn path_of(around: &mut [Around], root: &str) -> String {
    let mut path = String::new();
    for element in around.iter() {
        path.push('/');
        path.push_str(&element.name);
    }
    path.push('/');
    path.push_str(root);
    if let Some(parent) = around.last_mut() {
        let place = match parent.held.iter_mut().find(|(name, _)| name == root) {
            Some((_, held)) => {
                *held += 1;
                *held
            }
            None => {
                parent.held.push((root.to_owned(), 1));
                1
            }
        };
        path.push_str(&format!("[{place}]"));
    }
    path
}

/// A root element for a person: its name and its namespace.
fn named(namespace: Option<&str>, name: &str) -> String {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    match namespace {
        Some(namespace) => format!("`{name}` of `{}`", namespace.chars().take(120).collect::<String>()),
        None => format!("`{name}` without a namespace"),
    }
}

const SEND: &str = "Send a document of a kind and version that is listed, in its own namespace.";

fn unknown(root: &str) -> Trouble {
    let message = format!("unknown format: this is XML, its root element is {root}, and it holds no document we know");
    Trouble::Refused(Box::new(Finding::error(Code::UNKNOWN_FORMAT, Location::file(), message, SEND)))
}

/// A file that is no document of ours as far as it can be read: that comes before how it is broken.
fn unknown_after(root: &str, trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Refused(why) if matches!(why.code, Code::XML_MALFORMED | Code::ENCODING_INVALID) => {
            let message = format!(
                "unknown format: this looks like XML, its root element is {root}, and it holds no document we know up \
                 to line {}, where it cannot be read on: {}",
                why.location.line, why.message
            );
            Trouble::Refused(Box::new(Finding::error(Code::UNKNOWN_FORMAT, why.location, message, SEND)))
        }
        trouble => trouble,
    }
}

#[cfg(test)]
mod comparison_tests;
#[cfg(test)]
mod rule_tests;
