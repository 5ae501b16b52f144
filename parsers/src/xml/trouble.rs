//! Why reading an XML file cannot go on, in words for its sender.

use super::source::{Fault, Place, Source};
use crate::{Code, Finding, Halt, Limit, Location};

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

pub(super) fn malformed(place: Place, message: impl Into<String>, fix: &str) -> Trouble {
    refused(Code::XML_MALFORMED, "XML-WF", place, message, fix)
}

/// Markup that does not follow the rules of XML.
pub(super) fn not_well_formed(place: Place, what: &str) -> Trouble {
    malformed(
        place,
        format!("this is not well-formed XML: {what}"),
        "Write the file with an XML library rather than by joining text.",
    )
}

/// A token that the end of the file cuts off.
pub(super) fn cut_off(place: Place, what: &str) -> Trouble {
    malformed(
        place,
        format!("this is not well-formed XML: {what} is not closed before the file ends"),
        "Send the whole file again; check that the transfer was not cut off.",
    )
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

pub(super) fn doctype_refused(start: Place) -> Trouble {
    refused(
        Code::XML_DTD,
        "XML-DTD",
        start,
        "the DOCTYPE declares entities or other things itself; that is not accepted",
        "Send the document without a DOCTYPE, or with one that only names its document type.",
    )
}

pub(super) fn too_deep(start: Place, depth_max: usize) -> Trouble {
    refused(
        Code::XML_DEPTH,
        "XML-DEPTH",
        start,
        format!("elements are nested more than {depth_max} deep"),
        "Send a trade document; none is nested this deep.",
    )
}

pub(super) fn past(what: &'static str, setting: &'static str, max: usize, place: Place) -> Trouble {
    Trouble::Halt(Halt::Limit(Limit { what, setting, max: max as u64, byte: place.byte, line: place.line }))
}

/// What ended the text of a source, for the sender; `None` if it was the end of the file.
pub(super) fn fault(source: &mut Source<'_>) -> Option<Trouble> {
    let place = source.decoded_to();
    Some(match source.take_fault()? {
        Fault::Read(error) => Trouble::Halt(Halt::Read(error)),
        Fault::Encoding => refused(
            Code::ENCODING_INVALID,
            "XML-ENCODING",
            place,
            format!("byte {} is not valid in the encoding of the file, {}", place.byte, source.encoding()),
            "Write the file in the encoding its XML declaration names; UTF-8 is best.",
        ),
        Fault::Control(byte) => malformed(
            place,
            format!("the control character 0x{byte:02X} is not allowed in XML"),
            "Remove control characters from the texts before you write the file.",
        ),
    })
}

fn refused(code: Code, rule: &'static str, place: Place, message: impl Into<String>, fix: &str) -> Trouble {
    let location = Location::new(place.byte, place.line, "");
    Trouble::Refused(Box::new(Finding::error(code, location, message, fix).with_rule(rule)))
}
