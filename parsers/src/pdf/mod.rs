//! PDF/A-3 with an invoice inside: Factur-X and ZUGFeRD attach it as XML (ISO 32000-1, 7.11.4), and that is
//! what is read. What the pages show is nobody's business here.
//!
//! A PDF is read from its end, so it is held in memory, up to [`crate::Limits::pdf_bytes_max`]. A place in
//! the attachment has no place in the file as it was stored: findings and evidence point at where the
//! attachment begins, their paths say the rest (`factur-x.xml!/CrossIndustryInvoice/…`), and a finding
//! quotes the line of the attachment.

mod attachment;
mod decode;
mod file;
mod value;

use std::io::{BufRead, Read};
use std::ops::ControlFlow;

use self::attachment::Attachment;
use self::file::Fault;
use crate::xml::Xml;
use crate::{Code, Context, Document, Event, Finding, Format, Halt, Limit, Location, Profile, Sink, Summary};

/// The PDF reader.
pub(crate) struct Pdf;

impl Format for Pdf {
    fn name(&self) -> &'static str {
        "pdf"
    }

    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        head.starts_with(b"%PDF-")
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let max = context.limits.pdf_bytes_max;
        let mut bytes = Vec::new();
        let more = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
        input.take(more).read_to_end(&mut bytes).map_err(Halt::Read)?;
        if bytes.len() > max {
            let limit = Limit { what: "PDF", setting: "pdf_bytes_max", max: max as u64, byte: max as u64, line: 1 };
            return Err(Halt::Limit(limit));
        }
        match attachment::find(&bytes, max) {
            Ok(attachment) => read(&attachment, &bytes, context, sink),
            Err(none) => {
                tell(Event::Finding(Box::new(none.finding())), sink)?;
                Ok(Summary { format: "unknown".to_owned(), ..Summary::default() })
            }
        }
    }
}

/// Reads the attachment as the XML file it is, and says where it is from.
fn read(attachment: &Attachment, bytes: &[u8], context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
    let before = bytes.get(..attachment.start).unwrap_or_default();
    let at = Located {
        byte: attachment.start as u64,
        line: 1 + lines_of(before),
        len: attachment.len,
        name: &attachment.name,
        content: &attachment.content,
    };
    let result = Xml.parse(&mut attachment.content.as_slice(), context, &mut |event| {
        sink(match event {
            Event::Finding(mut finding) => {
                at.quote(&mut finding);
                at.move_to(&mut finding.location);
                Event::Finding(finding)
            }
            Event::Document(mut document) => {
                at.move_all(&mut document);
                Event::Document(document)
            }
            event @ Event::Unlisted { .. } => event,
        })
    });
    result.map_err(|halt| match halt {
        Halt::Limit(limit) => Halt::Limit(Limit { byte: at.byte, line: at.line, ..limit }),
        halt => halt,
    })
}

/// Lines end at LF, CR LF, or a lone CR.
fn lines_of(bytes: &[u8]) -> u64 {
    let mut lines = 0;
    let mut rest = bytes;
    while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
        let after = rest.get(end..).unwrap_or_default();
        let bytes = if after.starts_with(b"\r\n") { 2 } else { 1 };
        rest = after.get(bytes..).unwrap_or_default();
        lines += 1;
    }
    lines
}

/// Where the attachment is in the PDF.
struct Located<'a> {
    byte: u64,
    line: u64,
    len: usize,
    name: &'a str,
    content: &'a [u8],
}

impl Located<'_> {
    fn move_to(&self, location: &mut Location) {
        let path = format!("{}!{}", self.name, location.path);
        *location = Location::new(self.byte, self.line, path);
    }

    fn move_all(&self, document: &mut Document) {
        self.move_to(&mut document.location);
        document.location = std::mem::take(&mut document.location).spanning(self.len);
        for evidence in &mut document.evidence {
            self.move_to(&mut evidence.at);
        }
    }

    /// The line of the attachment that a finding is about.
    fn quote(&self, finding: &mut Finding) {
        if finding.excerpt.is_some() || finding.location.path.is_empty() && finding.location.byte == 0 {
            return;
        }
        let at = usize::try_from(finding.location.byte).unwrap_or(usize::MAX).min(self.content.len());
        let (before, after) = self.content.split_at_checked(at).unwrap_or_default();
        let start = memchr::memrchr2(b'\n', b'\r', before).map_or(0, |end| end + 1);
        let end = memchr::memchr2(b'\n', b'\r', after).map_or(self.content.len(), |length| at + length);
        let line = self.content.get(start..end.min(start.saturating_add(4 * Finding::EXCERPT_CHARS_MAX)));
        let line = String::from_utf8_lossy(line.unwrap_or_default());
        *finding = finding.clone().with_excerpt(line.trim());
    }
}

/// Why there is nothing to read in a PDF.
struct Nothing {
    fault: Option<Fault>,
    /// The attachments there are.
    names: Vec<String>,
}

impl Nothing {
    fn finding(&self) -> Finding {
        let error = |code, message: String, fix: &str| Finding::error(code, Location::file(), message, fix);
        let send = "Send the XML invoice itself, or a Factur-X or ZUGFeRD PDF with it attached.";
        match &self.fault {
            Some(Fault::Broken) => error(Code::UNKNOWN_FORMAT, "unknown format: this is a PDF".to_owned(), send),
            Some(Fault::Encrypted) => error(
                Code::UNKNOWN_FORMAT,
                "unknown format: this PDF is encrypted, and what is attached to it cannot be read".to_owned(),
                "Send the PDF without a password and without restrictions, or the XML invoice itself.",
            ),
            Some(Fault::Filter(name)) => error(
                Code::UNKNOWN_FORMAT,
                format!("unknown format: the invoice attached to this PDF is packed with `{name}`, which is not read"),
                "Attach the XML uncompressed or with FlateDecode, or send it by itself.",
            ),
            Some(Fault::TooLarge) => error(
                Code::SIZE_LIMIT,
                "the invoice attached to this PDF is larger than it may be when it is unpacked".to_owned(),
                "Send the XML invoice by itself.",
            ),
            None if self.names.is_empty() => error(
                Code::UNKNOWN_FORMAT,
                "unknown format: this is a PDF without an XML invoice attached to it".to_owned(),
                send,
            ),
            None => {
                let names: Vec<String> = self.names.iter().take(5).map(|name| format!("`{name}`")).collect();
                let message =
                    format!("unknown format: this PDF has no invoice attached to it, only {}", names.join(", "));
                error(Code::UNKNOWN_FORMAT, message, send)
            }
        }
    }
}

fn tell(event: Event, sink: &mut Sink<'_>) -> Result<(), Halt> {
    match sink(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Halt::Stopped),
    }
}
