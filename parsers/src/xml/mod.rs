//! UBL 2.1 invoices and credit notes (ISO/IEC 19845, OASIS UBL 2.1), one to a file or many in a wrapper.
//!
//! ```text
//! bytes ─► source (encoding, bounds) ─► stream (XML) ─► element (a section) ─► ubl (what it means) ─► rules
//! ```
//!
//! A file is read once and a section of it at a time. XML that is not well-formed ends the reading there:
//! what was whole before it has been told, the rest is refused.

mod element;
mod head;
mod source;
mod stream;
mod ubl;

use std::io::BufRead;
use std::ops::ControlFlow;

use self::source::Source;
use self::stream::{Piece, Space, Stream, Trouble};
use self::ubl::Reading;
use crate::rules::Claim;
use crate::{Code, Context, Document, Event, Finding, Format, Halt, Location, Profile, Sink, Summary};

/// The UBL reader.
pub(crate) struct Ubl;

impl Format for Ubl {
    fn name(&self) -> &'static str {
        "ubl"
    }

    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        head::is_ours(head)
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let source = Source::new(input, context.limits.token_bytes_max).map_err(Halt::Read)?;
        let mut summary = Summary { encoding: Some(source.encoding()), ..Summary::default() };
        let mut stream = Stream::new(source, context.limits);
        let outcome = read_all(&mut stream, context, &mut summary, sink);
        if summary.format.is_empty() {
            summary.format.push_str("ubl");
        }
        match outcome {
            Ok(()) => Ok(summary),
            Err(Trouble::Halt(halt)) => Err(halt),
            Err(Trouble::Refused(finding)) => {
                tell(Event::Finding(finding), sink)?;
                summary.errors += 1;
                Ok(summary)
            }
        }
    }
}

/// Reads a file to its end: the documents at any depth, and nothing else.
fn read_all(
    stream: &mut Stream<'_>,
    context: &Context<'_>,
    summary: &mut Summary,
    sink: &mut Sink<'_>,
) -> Result<(), Trouble> {
    let mut around: Vec<Around> = Vec::new();
    loop {
        match stream.next()? {
            Piece::Open(space, name, _) => {
                summary.units += 1;
                let kind = match (space, name.as_str()) {
                    (Space::Invoice, "Invoice") => ubl::Root::Invoice,
                    (Space::CreditNote, "CreditNote") => ubl::Root::CreditNote,
                    _ => {
                        around.push(Around { name: name.chars().take(NAME_CHARS_MAX).collect(), held: [0; 2] });
                        continue;
                    }
                };
                let path = path_of(&mut around, kind);
                let ordinal = u32::try_from(summary.documents).unwrap_or(u32::MAX);
                let reading = ubl::read(stream, kind, path.clone(), ordinal, context.limits, Claim::AsStated)
                    .map_err(|trouble| trouble.inside(&path))?;
                tally(summary, &reading);
                tell_all(reading, sink).map_err(Trouble::Halt)?;
            }
            Piece::Close => {
                around.pop();
            }
            Piece::Text(_) | Piece::Nothing => {}
            Piece::End if summary.documents == 0 => return Err(holds_nothing()),
            Piece::End => return Ok(()),
        }
    }
}

/// An element around the documents of a wrapper.
struct Around {
    name: String,
    /// How many invoices and credit notes it has held.
    held: [u32; 2],
}

/// A wrapper's element name counts to this many characters in a path.
const NAME_CHARS_MAX: usize = 60;

/// The path of a document: `/Invoice`, `/Batch/Invoice[2]`.
fn path_of(around: &mut [Around], root: ubl::Root) -> String {
    let mut path = String::new();
    for element in around.iter() {
        path.push('/');
        path.push_str(&element.name);
    }
    path.push('/');
    path.push_str(root.name());
    if let Some(parent) = around.last_mut() {
        let [invoices, credit_notes] = &mut parent.held;
        let held = if root == ubl::Root::Invoice { invoices } else { credit_notes };
        *held += 1;
        path.push_str(&format!("[{held}]"));
    }
    path
}

fn holds_nothing() -> Trouble {
    Trouble::Refused(Box::new(Finding::error(
        Code::UNKNOWN_FORMAT,
        Location::file(),
        "the file names the namespace of UBL invoices or credit notes, but holds none",
        "Send UBL 2.1 Invoice or CreditNote elements in their own namespace.",
    )))
}

fn tally(summary: &mut Summary, reading: &Reading) {
    let format = &reading.document.format;
    if summary.documents == 0 {
        summary.format.clone_from(format);
        summary.version.clone_from(&reading.document.version);
    } else if summary.format != *format {
        "ubl".clone_into(&mut summary.format);
    }
    summary.documents += 1;
    summary.units += reading.sections;
    for finding in &reading.findings {
        match finding.severity {
            crate::Severity::Error => summary.errors += 1,
            crate::Severity::Warning => summary.warnings += 1,
        }
    }
}

fn tell_all(reading: Reading, sink: &mut Sink<'_>) -> Result<(), Halt> {
    let Reading { document, findings, .. } = reading;
    for finding in findings {
        let finding: Finding = finding.in_document(document.ordinal);
        tell(Event::Finding(Box::new(finding)), sink)?;
    }
    let document: Document = document;
    tell(Event::Document(Box::new(document)), sink)
}

fn tell(event: Event, sink: &mut Sink<'_>) -> Result<(), Halt> {
    match sink(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Halt::Stopped),
    }
}

#[cfg(test)]
mod rule_tests;
