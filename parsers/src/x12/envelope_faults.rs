//! What can be wrong with an envelope, in words for its sender.

use super::delimiters::Delimiters;
use crate::edi::{Segment, sort};
use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::path::Steps;
use crate::text::brief;

/// The widths of ISA01 to ISA16 (X12.5): the ISA segment is the only one with fixed widths.
const ISA_WIDTHS: [usize; 16] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1];

/// ISA-LEN: the segment is not 106 bytes with everything in its place.
pub(super) fn isa_length(isa: &Segment<'_>, path: Steps) -> Option<Finding> {
    let widths = |element: usize| isa.written(element).chars().count();
    let what = if isa.count() == ISA_WIDTHS.len() {
        let (element, wanted) = (1..).zip(ISA_WIDTHS).find(|(element, wanted)| widths(*element) != *wanted)?;
        format!("ISA{element:02} is {} characters long, where {wanted} are due", widths(element))
    } else {
        format!("it has {} elements, where 16 are due", isa.count())
    };
    Some(
        Finding::error(
            Code::EDI_ENVELOPE,
            isa.location(path),
            format!("the ISA segment is not 106 bytes long with its terminator: {what}; it was read by its separators"),
            "Pad the elements of ISA to their fixed widths with blanks: ISA06 and ISA08 to 15, ISA02 and ISA04 to 10.",
        )
        .with_rule("ISA-LEN")
        .with_field("ISA")
        .with_excerpt(isa.excerpt()),
    )
}

/// A count that a trailer declares and that we made.
pub(super) struct Count {
    pub(super) rule: &'static str,
    /// What was counted: `segments (ST and SE included)`.
    pub(super) of: &'static str,
    pub(super) inside: &'static str,
    pub(super) counted: u64,
}

impl Count {
    /// SE01, GE01, IEA01: the trailer's first element.
    pub(super) fn check(&self, trailer: &Segment<'_>, path: Steps) -> Option<Finding> {
        let declared = trailer.text(1).unwrap_or_default();
        if declared.parse() == Ok(self.counted) {
            return None;
        }
        let Self { rule, of, inside, counted } = self;
        let message = format!("{rule} says {} {of}, but {inside} has {counted}", said(&declared));
        let fix = format!("Check that nothing was lost on the way, and write the number of {of} into {rule}.");
        Some(trailing(Code::EDI_COUNT_MISMATCH, rule, trailer, 1, path, message, fix))
    }
}

/// A control number that a trailer repeats: SE02, GE02, IEA02. Compared as text, as X12.5 has it.
pub(super) fn control(
    trailer: &Segment<'_>,
    path: Steps,
    rule: &'static str,
    header: &'static str,
    opened: &str,
) -> Option<Finding> {
    let closed = trailer.text(2).unwrap_or_default();
    if closed == opened {
        return None;
    }
    let message = format!("{rule} says control number {}, but {header} says {}", said(&closed), said(opened));
    let fix = format!("Write the same control number into {header} and {rule}.");
    Some(trailing(Code::EDI_CONTROL_MISMATCH, rule, trailer, 2, path, message, fix))
}

fn trailing(
    code: Code,
    rule: &'static str,
    trailer: &Segment<'_>,
    element: usize,
    path: Steps,
    message: String,
    fix: String,
) -> Finding {
    Finding::error(code, trailer.element_location(element, &path), message, fix)
        .with_rule(rule)
        .with_field(rule)
        .with_value(trailer.written(element))
        .with_excerpt(trailer.excerpt())
}

/// A trailer that did not come: NO-SE, NO-GE, NO-IEA. `before` is what came instead.
pub(super) fn missing_trailer(
    rule: &'static str,
    trailer: &'static str,
    what: &str,
    before: &str,
    location: Location,
) -> Finding {
    let message = format!("{what} is not closed: {before} comes where its {trailer} is due");
    let fix = format!("Close it with {trailer}, with its count and its control number.");
    Finding::error(Code::EDI_ENVELOPE, location, message, fix).with_rule(rule).with_field(trailer)
}

pub(super) fn truncated(location: Location, inside: &str) -> Finding {
    let message = format!("the file ends in the middle of {inside}; what follows is missing");
    let fix = "Send the whole file again; check that your export had finished before the transfer began.";
    Finding::error(Code::TRUNCATED, location, message, fix).with_rule("TRUNCATED")
}

/// A control number used twice: DUP-ISA13, ST02-DUP.
pub(super) fn duplicate(
    rule: &'static str,
    segment: &Segment<'_>,
    element: usize,
    path: Steps,
    message: String,
    fix: &str,
) -> Finding {
    Finding::error(Code::EDI_DUPLICATE_CONTROL, segment.element_location(element, &path), message, fix)
        .with_rule(rule)
        .with_field(format!("{}{element:02}", segment.written(0)))
        .with_value(segment.written(element))
        .with_excerpt(segment.excerpt())
}

/// A segment where the envelope allows none of its kind.
pub(super) fn out_of_place(segment: &Segment<'_>, path: Steps, inside: &str) -> Finding {
    let id = segment.written(0);
    Finding::error(
        Code::EDI_SEGMENT_UNEXPECTED,
        segment.location(path),
        format!("segment `{}` stands outside of {inside}; it and what follows up to the next envelope segment were left out", brief(&id)),
        "Put every segment of a document between its ST and its SE, and every ST between GS and GE.",
    )
    .with_value(id)
    .with_excerpt(segment.excerpt())
}

/// A transaction set without a functional group around it.
pub(super) fn no_group(st: &Segment<'_>, path: Steps) -> Finding {
    Finding::error(
        Code::EDI_ENVELOPE,
        st.location(path),
        "a transaction set begins outside of a functional group: GS is missing before its ST",
        "Put every ST between GS and GE.",
    )
    .with_rule("NO-GS")
    .with_field("GS")
    .with_excerpt(st.excerpt())
}

pub(super) fn trailing_data(rest: &Segment<'_>) -> Finding {
    let text = rest.excerpt();
    Finding::error(
        Code::EDI_TRAILING_DATA,
        rest.location(""),
        format!("after the end of an interchange (IEA) stands something that is not one: `{}`", brief(&text)),
        "Send nothing after IEA but another interchange, beginning with ISA.",
    )
    .with_rule("TRAILING-DATA")
    .with_excerpt(text)
}

/// BAD-CHAR: a control character inside a segment. Line breaks and tabs are let pass.
pub(super) fn bad_character(segment: &Segment<'_>, delimiters: Delimiters, path: Steps) -> Option<Finding> {
    if !segment.has(sort::CONTROL) {
        return None;
    }
    let is_bad =
        |byte: u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n') && !delimiters.contains(byte);
    let at = segment.raw.iter().position(|byte| is_bad(*byte))?;
    let byte = segment.raw.get(at).copied().unwrap_or_default();
    let count = segment.raw.iter().filter(|byte| is_bad(**byte)).count();
    let element = segment.element_at(at);
    let field = format!("{}{element:02}", segment.written(0));
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    Some(
        Finding::error(
            Code::EDI_ELEMENT_INVALID,
            segment.element_location(element, &path),
            format!("{} holds a control character (byte 0x{byte:02X}){more}", brief(&field)),
            "Remove control characters (NUL and kin) from the data before sending.",
        )
        .with_rule("BAD-CHAR")
        .with_field(brief(&field))
        .with_value(segment.written(element))
        .with_excerpt(segment.excerpt()),
    )
}

/// A value as a sentence says it.
fn said(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { format!("`{}`", brief(text)) }
}
