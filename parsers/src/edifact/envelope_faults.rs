//! What can be wrong with an envelope, in words for its sender.

use super::charset::{Charset, sort};
use super::segment::{Segment, Spot};
use crate::finding::{Code, Finding};
use crate::location::Location;
use crate::path::{Path, Steps};
use crate::text::brief;

/// A count that a trailer declares and that we made.
pub(super) struct Count {
    pub(super) rule: &'static str,
    pub(super) spot: Spot,
    /// What was counted: `segments (UNH and UNT included)`.
    pub(super) of: &'static str,
    pub(super) inside: &'static str,
    pub(super) counted: u64,
}

impl Count {
    /// The trailer's first element.
    pub(super) fn check(&self, trailer: &Segment<'_>, path: Steps) -> Option<Finding> {
        let declared = trailer.owned(1, 1).unwrap_or_default();
        if declared.parse() == Ok(self.counted) {
            return None;
        }
        let Self { rule, spot, of, inside, counted } = self;
        let field = field(trailer, *spot);
        let message = format!("{field} says {} {of}, but {inside} has {counted}", said(&declared));
        let fix = format!("Check that nothing was lost on the way, and write the number of {of} into {field}.");
        Some(trailing(Code::EDI_COUNT_MISMATCH, rule, trailer, *spot, path, message, fix))
    }
}

/// A reference that a trailer repeats: UNT 0062, UNE 0048, UNZ 0020. Compared as text.
pub(super) fn control(
    trailer: &Segment<'_>,
    path: Steps,
    rule: &'static str,
    spot: Spot,
    header: &str,
    opened: &str,
) -> Option<Finding> {
    let closed = trailer.owned(2, 1).unwrap_or_default();
    if closed == opened {
        return None;
    }
    let field = field(trailer, spot);
    let message = format!("{field} says reference {}, but {header} says {}", said(&closed), said(opened));
    let fix = format!("Write the same reference into {header} and {field}.");
    Some(trailing(Code::EDI_CONTROL_MISMATCH, rule, trailer, spot, path, message, fix))
}

fn trailing(
    code: Code,
    rule: &'static str,
    trailer: &Segment<'_>,
    spot: Spot,
    path: Steps,
    message: String,
    fix: String,
) -> Finding {
    Finding::error(code, place(trailer, spot, path), message, fix)
        .with_rule(rule)
        .with_field(field(trailer, spot))
        .with_value(trailer.written(spot.element, spot.component))
        .with_excerpt(trailer.excerpt())
}

/// A trailer that did not come: NO-UNT, NO-UNE, NO-UNZ. `before` is what came instead.
pub(super) fn missing_trailer(
    rule: &'static str,
    trailer: &'static str,
    what: &str,
    before: &str,
    location: Location,
) -> Finding {
    let message = format!("{what} is not closed: {before} comes where its {trailer} is due");
    let fix = format!("Close it with {trailer}, with its count and its reference.");
    Finding::error(Code::EDI_ENVELOPE, location, message, fix).with_rule(rule).with_field(trailer)
}

pub(super) fn truncated(location: Location, inside: &str) -> Finding {
    let message = format!("the file ends in the middle of {inside}; what follows is missing");
    let fix = "Send the whole file again; check that your export had finished before the transfer began.";
    Finding::error(Code::TRUNCATED, location, message, fix).with_rule("TRUNCATED")
}

/// The last segment has no terminator; perhaps a release character stands before it.
pub(super) fn no_terminator(segment: &Segment<'_>, path: Steps) -> Finding {
    let message = format!("the file ends without the terminator of its last segment, {}", segment.name());
    let fix = "End every segment with the terminator, and release no terminator that ends one.";
    Finding::error(Code::EDI_ENVELOPE, segment.location(path), message, fix)
        .with_rule("NO-TERMINATOR")
        .with_excerpt(segment.excerpt())
}

/// A reference used twice: DUP-UNB, UNH-DUP.
pub(super) fn duplicate(
    rule: &'static str,
    segment: &Segment<'_>,
    spot: Spot,
    path: Steps,
    message: String,
    fix: &str,
) -> Finding {
    Finding::error(Code::EDI_DUPLICATE_CONTROL, place(segment, spot, path), message, fix)
        .with_rule(rule)
        .with_field(field(segment, spot))
        .with_value(segment.written(spot.element, spot.component))
        .with_excerpt(segment.excerpt())
}

/// A segment where the envelope allows none of its kind.
pub(super) fn out_of_place(segment: &Segment<'_>, path: Steps, inside: &str) -> Finding {
    let name = segment.name();
    Finding::error(
        Code::EDI_SEGMENT_UNEXPECTED,
        segment.location(path),
        format!("segment `{name}` stands outside of {inside}; it and what follows up to the next envelope segment were left out"),
        "Put every segment of a message between its UNH and its UNT, and every UNH between UNB and UNZ.",
    )
    .with_value(name)
    .with_excerpt(segment.excerpt())
}

/// A message or a group without an interchange around it.
pub(super) fn no_interchange(segment: &Segment<'_>, path: Steps) -> Finding {
    Finding::error(
        Code::EDI_ENVELOPE,
        segment.location(path),
        format!("{} comes without an interchange around it: UNB is missing", segment.name()),
        "Begin every interchange with UNB, and end it with UNZ.",
    )
    .with_rule("NO-UNB")
    .with_field("UNB")
    .with_excerpt(segment.excerpt())
}

pub(super) fn trailing_data(location: Location, text: &str) -> Finding {
    Finding::error(
        Code::EDI_TRAILING_DATA,
        location,
        format!("after the end of an interchange (UNZ) stands something that is not one: `{}`", brief(text)),
        "Send nothing after UNZ but another interchange, beginning with UNA or UNB.",
    )
    .with_rule("TRAILING-DATA")
    .with_excerpt(text)
}

pub(super) fn bad_advice(location: Location, text: &str) -> Finding {
    Finding::error(
        Code::EDI_ENVELOPE,
        location,
        format!("`{}` names no usable service characters; the usual ones were taken: `:+.? '`", brief(text)),
        "Write UNA with six characters of which no two are the same and none is a letter or a digit, or leave it out.",
    )
    .with_rule("BAD-UNA")
    .with_field("UNA")
    .with_value(text)
}

/// W-CHARSET: what UNB declares in S001 is not what the bytes are.
pub(super) fn charset(segment: &Segment<'_>, charset: Charset, path: Steps) -> Option<Finding> {
    let fault = charset.fault(segment.raw, segment.sorts)?;
    let wanted = |byte: &u8| match charset {
        Charset::LevelA => byte.is_ascii_lowercase() || !byte.is_ascii() || b"@#$[\\]^_`{|}~".contains(byte),
        _ => !byte.is_ascii(),
    };
    let at = segment.raw.iter().position(wanted).unwrap_or_default();
    let (element, component) = segment.component_at(at);
    let path = format!("{path}/{element:02}.{component}");
    let read = segment.encoding.name();
    Some(
        Finding::warning(
            Code::ENCODING_INVALID,
            segment.component_location(element, component, path),
            format!("{fault}; read as {read} here, and nothing more is said of it in this interchange"),
            "Declare in UNB S001 the character set you send: UNOC for western letters, UNOW for UTF-8.",
        )
        .with_rule("W-CHARSET")
        .with_field(segment.name())
        .with_value(segment.written(element, component))
        .with_excerpt(segment.excerpt()),
    )
}

/// BAD-CHAR: a control character inside a segment. Line breaks and tabs are let pass.
pub(super) fn bad_character(segment: &Segment<'_>, path: Steps) -> Option<Finding> {
    if segment.sorts & sort::CONTROL == 0 {
        return None;
    }
    let is_bad = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n');
    let at = segment.raw.iter().position(is_bad)?;
    let byte = segment.raw.get(at).copied().unwrap_or_default();
    let (element, component) = segment.component_at(at);
    let path = format!("{path}/{element:02}.{component}");
    Some(
        Finding::error(
            Code::EDI_ELEMENT_INVALID,
            segment.component_location(element, component, path),
            format!("{} holds a control character (byte 0x{byte:02X})", segment.name()),
            "Remove control characters (NUL and kin) from the data before sending.",
        )
        .with_rule("BAD-CHAR")
        .with_field(segment.name())
        .with_value(segment.written(element, component))
        .with_excerpt(segment.excerpt()),
    )
}

fn place(segment: &Segment<'_>, spot: Spot, path: Steps) -> Location {
    segment.component_location(spot.element, spot.component, Path::of_named(&path, spot.path))
}

/// `UNT 0074`.
fn field(segment: &Segment<'_>, spot: Spot) -> String {
    format!("{} {}", segment.name(), spot.name())
}

/// A value as a sentence says it.
fn said(text: &str) -> String {
    if text.is_empty() { "nothing".to_owned() } else { format!("`{}`", brief(text)) }
}
