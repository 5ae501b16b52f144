//! TA1: the other side's answer to an interchange of ours (X12.5).

use super::open::Interchange;
use super::values;
use crate::canonical::{AcknowledgedFault, Acknowledgment, Body, Document, Evidence, Subject, Verdict};
use crate::edi::Segment;
use crate::path::Steps;

/// The format of its documents.
pub(super) const FORMAT: &str = "x12-ta1";

/// Reads a TA1 of the open interchange.
pub(super) fn read(ta1: &Segment<'_>, interchange: &Interchange, path: Steps, ordinal: u32) -> Document {
    let verdict_code = ta1.text(4);
    let verdict = match verdict_code.as_deref() {
        Some("A") => Verdict::Accepted,
        Some("E") => Verdict::AcceptedWithErrors,
        Some("R") => Verdict::Rejected,
        _ => Verdict::Received,
    };
    let note = ta1.text(5).filter(|code| code.bytes().any(|byte| byte != b'0'));
    let fault = note.map(|code| AcknowledgedFault { code: Some(code), ..AcknowledgedFault::default() });
    let control = ta1.text(1);
    let (sender, recipient) = interchange.parties();
    let acknowledgment = Acknowledgment {
        number: control.clone(),
        // TA102 is the date of what is answered; the answer's own is that of its interchange.
        issue_date: interchange.date,
        verdict,
        verdict_code,
        subject: Subject { kind: Some("interchange".into()), control, ..Subject::default() },
        sender,
        recipient,
        faults: fault.into_iter().collect(),
        ..Acknowledgment::default()
    };
    let proofs = [("subject.control", 1), ("verdict", 4), ("faults[0].code", 5)];
    let proofs = proofs.into_iter().filter(|(field, element)| {
        ta1.text(*element).is_some() && (*field != "faults[0].code" || !acknowledgment.faults.is_empty())
    });
    let evidence = proofs
        .map(|(field, element)| Evidence::new(field, ta1.element_location(element, &path), &*ta1.as_written(element)));
    let control = Some(interchange.control.clone()).filter(|control| !control.is_empty());
    Document {
        ordinal,
        format: FORMAT.into(),
        version: None,
        location: ta1.location(path),
        control: control.map(|control| ("ISA13".into(), control)).into_iter().collect(),
        evidence: evidence.collect(),
        body: Body::Acknowledgment(Box::new(acknowledgment)),
    }
}

/// Whether a TA1 says what it must: a control number and one of its three codes.
pub(super) fn lacks(ta1: &Segment<'_>) -> Option<(usize, &'static str)> {
    if ta1.text(1).is_none_or(|control| values::decimal(&control).is_none()) {
        return Some((1, "the control number of the interchange it answers"));
    }
    match ta1.text(4).as_deref() {
        Some("A" | "E" | "R") => None,
        _ => Some((4, "whether that interchange was taken (A, E or R)")),
    }
}
