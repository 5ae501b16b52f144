//! Canonical documents as JSON, one to a line (JSON Lines), written and read back: what a program takes that
//! wants neither EDI nor XML. `docs/canonical.schema.json` is the shape.
//!
//! ```text
//! bytes ─► values (one `{…}` at a time) ─► serde ─► places (where each amount stands) ─► rules
//! ```
//!
//! A document read from JSON stands in that JSON: its location and evidence are places there. What its
//! lines say about the file it once was read from is that file's business. Documents may also be printed over
//! several lines; a line that begins a new one ends the one before it, finished or not.

mod places;
mod values;

use std::io::{self, BufRead, Write};
use std::ops::ControlFlow;

use rust_decimal::Decimal;

use self::places::Leaf;
use self::values::{Piece, Value, Values};
use crate::canonical::{Body, Evidence};
use crate::limits::Limit;
use crate::rules::{self, Claim, Places};
use crate::{Code, Context, Document, Event, Finding, Format, Halt, Location, Profile, Sink, Summary};

/// Writes a document as one line of JSON.
///
/// # Errors
/// Those of the writer.
pub fn write(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    // `?` on the conversion keeps the kind of the error: a closed pipe stays a closed pipe.
    serde_json::to_writer(&mut *out, document)?;
    out.write_all(b"\n")
}

/// The reader of what [`write`] writes.
pub(crate) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        NAME
    }

    /// An object whose first member is one of a document's. What is in it, its findings say.
    fn recognize(&self, head: &[u8], _profiles: &[Profile]) -> bool {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let Some(member) = head.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else { return false };
        MEMBERS.iter().any(|name| member.strip_prefix(b"\"").is_some_and(|rest| rest.starts_with(name.as_bytes())))
    }

    fn parse(&self, input: &mut dyn BufRead, context: &Context<'_>, sink: &mut Sink<'_>) -> Result<Summary, Halt> {
        let bytes_max = context.limits.token_bytes_max.saturating_mul(DOCUMENT_TOKENS);
        let mut values = Values::new(input, bytes_max);
        let mut summary = Summary { format: NAME.to_owned(), encoding: Some("utf-8".to_owned()), ..Summary::default() };
        loop {
            let mut tell = |event| match sink(event) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(Halt::Stopped),
            };
            match values.next()? {
                Piece::End => return Ok(summary),
                Piece::Stray(stray) => tell(Event::Finding(Box::new(between(&stray))))?,
                Piece::Value(value) => {
                    summary.units += 1;
                    let ordinal = u32::try_from(summary.documents).unwrap_or(u32::MAX);
                    match document(&value, ordinal, summary.units, context) {
                        Err(Refused::Over(limit)) => return Err(Halt::Limit(limit)),
                        Err(Refused::Bad(finding)) => tell(Event::Finding(finding))?,
                        Ok((document, findings)) => {
                            for finding in findings {
                                tell(Event::Finding(Box::new(finding.in_document(ordinal))))?;
                            }
                            summary.documents += 1;
                            tell(Event::Document(document))?;
                        }
                    }
                }
            }
        }
    }
}

const NAME: &str = "json";

/// The members of a document.
const MEMBERS: [&str; 7] = ["ordinal\"", "format\"", "version\"", "location\"", "control\"", "evidence\"", "body\""];

/// A document takes at most this many times the longest token: fifty thousand lines with their evidence.
const DOCUMENT_TOKENS: usize = 64;

/// Why there is no document.
enum Refused {
    Bad(Box<Finding>),
    Over(Limit),
}

impl From<Finding> for Refused {
    fn from(finding: Finding) -> Self {
        Self::Bad(Box::new(finding))
    }
}

/// The document a value is, and what the rules say of it. `number` is its place among the values, from 1.
fn document(
    value: &Value,
    ordinal: u32,
    number: u64,
    context: &Context<'_>,
) -> Result<(Box<Document>, Vec<Finding>), Refused> {
    let path = format!("document {number}");
    let mut document: Document = serde_json::from_slice(&value.bytes).map_err(|error| not_one(value, &path, &error))?;
    within(&document, value, context.limits.lines_max).map_or(Ok(()), |limit| Err(Refused::Over(limit)))?;
    let mut evidence = Vec::new();
    let mut lines = value.places();
    for leaf in places::disputed(&value.bytes) {
        let at = lines.at(leaf.start, format!("{path}{}", leaf.pointer)).spanning(leaf.raw.len());
        if leaf.is_number && !is_exact(&leaf.raw) {
            return Err(inexact(value, at, &leaf).into());
        }
        evidence.push(Evidence { field: leaf.field.into(), at, raw: leaf.raw.into() });
    }
    document.ordinal = ordinal;
    document.format = NAME.into();
    document.version = None;
    document.location = value.place(0, path).spanning(value.bytes.len());
    document.evidence = evidence;
    let findings = match &document.body {
        Body::Invoice(invoice) => {
            let places = Places::new(&document.evidence, &[], document.location.clone());
            let mut broken = rules::check(invoice, &places, Claim::AsStated, context.limits.findings_max);
            // The VAT total may be let out where the totals with and without VAT are the same (CII does so): the
            // model does not know which of the two syntaxes would want it.
            let totals = &invoice.totals;
            if totals.tax.is_none() && totals.tax_exclusive == totals.tax_inclusive {
                broken.retain(|finding| finding.rule != Some("BR-CO-15"));
            }
            broken
        }
        _ => Vec::new(),
    };
    Ok((Box::new(document), findings))
}

/// The limit a document passes by its number of lines.
fn within(document: &Document, value: &Value, lines_max: usize) -> Option<Limit> {
    let lines = match &document.body {
        Body::Invoice(invoice) => invoice.lines.len(),
        Body::RemittanceAdvice(advice) => advice.lines.len(),
        Body::PaymentOrder(order) => order.lines.len(),
        Body::Statement(statement) => statement.transactions.len(),
        Body::Acknowledgment(acknowledgment) => acknowledgment.items.len(),
        Body::Voucher(_) | Body::Vendor(_) => 0,
    };
    (lines > lines_max).then_some(Limit {
        what: "number of lines of one document",
        setting: "lines_max",
        max: lines_max as u64,
        byte: value.byte,
        line: value.line,
    })
}

/// Whether a number is one as the schema has them, and has no digits that would be lost.
fn is_exact(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(part) && Decimal::from_str_exact(raw).is_ok()
}

fn inexact(value: &Value, at: Location, leaf: &Leaf) -> Finding {
    Finding::error(
        Code::AMOUNT_INVALID,
        at,
        format!("`{}` is no exact number in {}", shown(&leaf.raw), leaf.field),
        "Write digits with at most one point, as \"1234.50\"; up to 28 digits are kept.",
    )
    .with_field(&leaf.field)
    .with_value(&leaf.raw)
    .with_excerpt(value.excerpt(leaf.start))
}

/// Text between documents.
fn between(stray: &Value) -> Finding {
    Finding::error(
        Code::JSON_MALFORMED,
        stray.place(0, "").spanning(stray.bytes.len()),
        format!("here a document should begin with `{{`, not with `{}`", shown(&String::from_utf8_lossy(&stray.bytes))),
        "Write one document a line (JSON Lines), and nothing between them.",
    )
    .with_excerpt(String::from_utf8_lossy(&stray.bytes))
}

/// Why a value is no document: it is cut off, no JSON, or JSON of another shape.
fn not_one(value: &Value, path: &str, error: &serde_json::Error) -> Finding {
    let is_cut = !value.is_whole || error.is_eof();
    let at = if is_cut { value.bytes.trim_ascii_end().len() } else { value.offset(error.line(), error.column()) };
    let (pointer, leaf) = places::pointer_at(&value.bytes, at);
    // What serde does not take it names when it has read it; broken text, where it breaks.
    let (start, len) = if error.is_data() && !is_cut { (leaf.start, leaf.len()) } else { (at, 0) };
    let place = value.place(start, format!("{path}{pointer}")).spanning(len);
    let field = pointer.rsplit('/').next().filter(|field| !field.is_empty());
    // Its own place is in its text too: ours is in the file.
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let finding = if is_cut {
        let fix = "Send the whole document; the export or the transfer stopped inside it.";
        Finding::error(Code::TRUNCATED, place, format!("{path} is cut off"), fix)
    } else if error.is_data() {
        let fix = match field {
            Some(field) if places::NUMBERS.contains(&field) => "Write exact numbers as text: \"1234.50\".",
            _ => "Write it as docs/canonical.schema.json says.",
        };
        Finding::error(Code::JSON_SCHEMA, place, format!("{path} is no canonical document: {said}"), fix)
    } else {
        let fix = "Mend the JSON; a program that writes JSON does it right.";
        Finding::error(Code::JSON_MALFORMED, place, format!("{path} is no JSON: {said}"), fix)
    };
    let finding = finding.with_excerpt(value.excerpt(start));
    match field {
        Some(field) => finding.with_field(field),
        None => finding,
    }
}

fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).take(40).collect()
}

#[cfg(test)]
mod tests;
