//! Waybill's readers: bytes in, canonical documents and located findings out.
//!
//! ```text
//! bytes ──► recognize ──► a Format ──► Event::Document, Event::Finding ──► your sink
//! ```
//!
//! This crate opens nothing: no file, no socket, no clock. It reads once, front to back, in bounded
//! memory, and it never gives up on a bad file: what is wrong becomes a [`Finding`] and reading goes on
//! at the next document. It halts for three reasons only, the variants of [`Halt`].
//!
//! Start at [`read`], which does all of it.

pub mod canonical;
pub mod csv;
pub mod finding;
pub mod json;
pub mod limits;
pub mod location;
pub mod profile;
pub mod receipt;
pub mod write;

mod cades;
mod completeness;
mod edi;
mod edifact;
mod number;
mod packed;
mod path;
mod pdf;
mod rules;
mod seen;
mod short;
mod text;
mod x12;
mod xml;

use std::io::{self, BufRead, Cursor, Read};
use std::ops::ControlFlow;

pub use canonical::Document;
pub use completeness::is_whole;
pub use finding::{Code, Finding, Severity};
pub use limits::{Limit, Limits};
pub use location::Location;
pub use path::Path;
pub use profile::Profile;
pub use receipt::{Receipt, Reply};
pub use rules::catalogue::{Explanation, explain, explanations};
pub use short::Short;

/// How much of a file [`recognize`] looks at, in bytes.
pub const HEAD_BYTES: usize = 64 * 1024;

/// One family of files this crate reads.
pub trait Format: Sync {
    /// Its name in answers and in the API: `x12`, `xml`, `csv`.
    fn name(&self) -> &'static str;

    /// Whether a file that starts with `head` (up to [`HEAD_BYTES`]; shorter only at end of file) is of
    /// this format. Looks at content only.
    fn recognize(&self, head: &[u8], profiles: &[Profile]) -> bool;

    /// Reads the whole input and tells the sink what is in it, in the order of the file; a document's
    /// findings come before the document.
    ///
    /// # Errors
    /// A [`Halt`]; a bad file is not one of its reasons.
    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt>;

    /// The format's own acknowledgment of what was read, as bytes to send back; `None` when it has none, or
    /// when there is nothing to acknowledge. An acknowledgment is never acknowledged.
    fn acknowledge(&self, _summary: &Summary, _reply: &Reply) -> Option<Vec<u8>> {
        None
    }
}

/// What a parse may use beside its input.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The candidate profiles: one, when the caller names it; else the format picks by content.
    pub profiles: &'a [Profile],
    pub limits: Limits,
}

/// What a parse tells its caller, one at a time.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Document(Box<Document>),
    Finding(Box<Finding>),
    /// A finding past [`Limits::findings_max`]: it counts, for its document too, but is not listed.
    Unlisted {
        severity: Severity,
        document: Option<u32>,
    },
}

/// Where the events go. `Break` ends the parse with [`Halt::Stopped`].
pub type Sink<'a> = dyn FnMut(Event) -> ControlFlow<()> + 'a;

/// Why a parse ended early. A bad file is not one of the reasons.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    #[error("could not read the input")]
    Read(#[source] io::Error),
    #[error(transparent)]
    Limit(Limit),
    #[error("stopped by the receiver of the events")]
    Stopped,
}

/// What was in a file, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// `x12-810`, `ubl-invoice`, `csv`; the family alone (`x12`) where a file holds several; `unknown`.
    pub format: String,
    /// The format's version: `004010`.
    pub version: Option<String>,
    /// The encoding it was read in: `utf-8`, `windows-1252`.
    pub encoding: Option<String>,
    /// The profile that was used.
    pub profile: Option<String>,
    pub documents: u64,
    pub errors: u64,
    pub warnings: u64,
    /// Rows, segments or elements read.
    pub units: u64,
    /// What an acknowledgment is written from, where the format has one.
    pub receipts: Vec<Receipt>,
}

/// Every format, in the order they are asked. CSV is last: almost any text looks like it.
static FORMATS: [&dyn Format; 8] =
    [&x12::X12, &edifact::Edifact, &xml::Xml, &pdf::Pdf, &json::Json, &packed::Packed, &cades::Cades, &csv::Csv];

/// The format of a file that starts with `head`, by its content alone.
#[must_use]
pub fn recognize(head: &[u8], profiles: &[Profile]) -> Option<&'static dyn Format> {
    FORMATS.into_iter().find(|format| format.recognize(head, profiles))
}

/// Reads one file: recognises it, parses it, weighs its findings by the profile and counts.
///
/// An empty or unknown file is a file with one finding.
///
/// # Errors
/// A [`Halt`]: the input could not be read, a limit was passed, or the sink said stop. The events before
/// it have been told.
pub fn read(input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
    let head = head_of(input)?;
    let format = recognize(&head, context.profiles);
    let asked = rules::Asked::of(context.profiles);
    let mut tally = Tally { context, asked, sink, errors: 0, warnings: 0, documents: 0, said_too_many: false };
    let result = match format {
        Some(format) => {
            let mut whole = Cursor::new(head).chain(input);
            format.parse(&mut whole, context, &mut |event| tally.pass(event))
        }
        None => refuse(&head, &mut tally),
    };
    let (documents, errors, warnings) = (tally.documents, tally.errors, tally.warnings);
    result.map(|summary| Summary { documents, errors, warnings, ..summary })
}

/// The acknowledgment of a file that was read, in its format's own words: X12 TA1 with 997 or 999, EDIFACT
/// CONTRL. `None`
/// when its format has none, or there is nothing in it to acknowledge.
#[must_use]
pub fn acknowledge(summary: &Summary, reply: &Reply) -> Option<Vec<u8>> {
    let family = summary.format.split('-').next()?;
    let format = FORMATS.into_iter().find(|format| format.name() == family)?;
    format.acknowledge(summary, reply)
}

/// The first [`HEAD_BYTES`] bytes, or all there are.
fn head_of(input: &mut dyn BufRead) -> Result<Vec<u8>, Halt> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    input.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(Halt::Read)?;
    Ok(head)
}

fn refuse(head: &[u8], tally: &mut Tally<'_, '_>) -> Result<Summary, Halt> {
    let finding = refusal(head);
    match tally.pass(Event::Finding(Box::new(finding))) {
        ControlFlow::Continue(()) => Ok(Summary { format: "unknown".to_owned(), ..Summary::default() }),
        ControlFlow::Break(()) => Err(Halt::Stopped),
    }
}

/// Says of a file that starts with `head` why it is of no format.
fn refusal(head: &[u8]) -> Finding {
    if text::is_blank(head) {
        Finding::error(
            Code::EMPTY_FILE,
            Location::file(),
            "the file is empty",
            "Send the file again; check that your export wrote it before the transfer began.",
        )
    } else if text::is_openpgp(head) {
        Finding::error(
            Code::ENCRYPTED,
            Location::file(),
            "this is an OpenPGP message, and there is no key to open it with",
            "Send the file as it is, the connection is encrypted; or agree on a key first.",
        )
        .with_rule("PGP-NO-KEY")
    } else {
        Finding::error(
            Code::UNKNOWN_FORMAT,
            Location::file(),
            format!("unknown format: {}", text::describe(head)),
            "Send X12, EDIFACT, XML that is listed in docs/FORMATS.md (UBL, CII, cXML, IDoc, ISO 20022 and others), a PDF with such an invoice attached, or a table that a feed profile describes.",
        )
    }
}

/// Stands between a format and the sink: weighs, counts, and keeps to the limit on findings.
struct Tally<'a, 's> {
    context: &'a Context<'a>,
    /// The rules a profile wants, where it does not leave that to the documents.
    asked: Option<rules::Asked>,
    sink: &'a mut Sink<'s>,
    errors: u64,
    warnings: u64,
    documents: u64,
    said_too_many: bool,
}

impl Tally<'_, '_> {
    fn pass(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::Document(document) => {
                if let Some(asked) = &mut self.asked {
                    for finding in asked.of_document(&document, self.context.limits.findings_max) {
                        self.weigh(Box::new(finding))?;
                    }
                }
                self.documents += 1;
                (self.sink)(Event::Document(document))
            }
            Event::Finding(finding) => self.weigh(finding),
            Event::Unlisted { .. } => (self.sink)(event),
        }
    }

    fn weigh(&mut self, mut finding: Box<Finding>) -> ControlFlow<()> {
        if let Some(asked) = &mut self.asked {
            match asked.weigh(&finding) {
                None => return ControlFlow::Continue(()),
                Some(severity) => finding.severity = severity,
            }
        }
        // One candidate means the caller or the content has decided; with several, none has a say.
        if let [profile] = self.context.profiles {
            match profile.weigh(finding.code.as_str(), finding.rule, finding.severity) {
                None => return ControlFlow::Continue(()),
                Some(severity) => finding.severity = severity,
            }
        }
        match finding.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        let kept_max = self.context.limits.findings_max as u64;
        if self.errors + self.warnings <= kept_max {
            return (self.sink)(Event::Finding(finding));
        }
        if !self.said_too_many {
            self.said_too_many = true;
            self.warnings += 1;
            // A warning: what is not listed counts by itself.
            (self.sink)(Event::Finding(Box::new(Finding::warning(
                Code::TOO_MANY_FINDINGS,
                finding.location,
                format!("more than {kept_max} findings; the rest of this file is counted but not listed"),
                "Mend what is listed, send the file again, and the next answer will list what remains.",
            ))))?;
        }
        (self.sink)(Event::Unlisted { severity: finding.severity, document: finding.document })
    }
}
