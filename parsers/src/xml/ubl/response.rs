//! UBL application responses: how a document that was sent has been taken (Peppol message level and invoice
//! responses).

use super::remittance::named;
use super::sections::{Shape, read_sections};
use super::{Kind, Reading, party};
use crate::canonical::{AcknowledgedFault, AcknowledgedItem, Acknowledgment, Body, Subject, Text, Verdict};
use crate::xml::draft;
use crate::xml::element::Element;
use crate::xml::stream::{Stream, Trouble};
use crate::{Code, Document, Finding, Limits};

const SHAPE: Shape = Shape {
    once: &["UBLVersionID", "ID", "IssueDate", "SenderParty", "ReceiverParty"],
    many: &["Note"],
    lines: &["DocumentResponse"],
};

type Draft = draft::Draft<Acknowledgment>;

/// Reads the response whose start tag was just read, to its end tag.
pub(super) fn read(stream: &mut Stream<'_>, path: String, limits: Limits) -> Result<Reading, Trouble> {
    let mut draft = Draft::new(Acknowledgment::default(), path, limits);
    let (whole, sections) = read_sections(stream, &mut draft, &SHAPE, limits, map)?;
    if draft.body.items.is_empty() {
        let at = crate::Location { len: 0, ..whole.clone() };
        let message = "the response answers no document";
        let fix = "Write a `cac:DocumentResponse` for each document it answers.";
        draft.report(Finding::error(Code::REQUIRED_MISSING, at, message, fix).with_field("cac:DocumentResponse"));
    }
    conclude(&mut draft.body);
    draft::sort(&mut draft.findings);
    let document = Document {
        ordinal: 0,
        format: Kind::ApplicationResponse.format().into(),
        version: draft.version.map(Into::into),
        location: whole,
        control: Vec::new(),
        evidence: draft.evidence,
        body: Body::Acknowledgment(Box::new(draft.body)),
    };
    Ok(Reading { document, findings: draft.findings, sections })
}

fn map(draft: &mut Draft, section: Element<'_>, path: &str) {
    match section.name() {
        "UBLVersionID" => draft.version = section.value().map(str::to_owned),
        "ID" => draft.body.number = draft.text_of(section, path, "number"),
        "IssueDate" => draft.body.issue_date = draft.date_of(section, section.location(path), "issue_date"),
        "Note" => draft.body.notes.extend(section.value().map(Text::from)),
        "SenderParty" => draft.body.sender = named(party::party(draft, section, path, "sender")),
        "ReceiverParty" => draft.body.recipient = named(party::party(draft, section, path, "recipient")),
        "DocumentResponse" => map_response(draft, section, path),
        _ => {}
    }
}

fn map_response(draft: &mut Draft, section: Element<'_>, path: &str) {
    let field = format!("items[{}]", draft.body.items.len());
    draft.group(field.clone(), section, path);
    let mut item = AcknowledgedItem::default();
    if let Some(reference) = section.child("DocumentReference") {
        let path = reference.path_below(path);
        item.kind = reference.text_at(&["DocumentTypeCode"]);
        item.control = draft.text(reference, &path, "ID", format_args!("{field}.control"));
    }
    if let Some(response) = section.child("Response") {
        let path = response.path_below(path);
        item.verdict_code = draft.text(response, &path, "ResponseCode", format_args!("{field}.verdict_code"));
        item.verdict = verdict_of(item.verdict_code.as_deref());
        item.faults.extend(faults_of(response, None));
    }
    for line in section.children("LineResponse") {
        let place = line.text_at(&["LineReference", "LineID"]);
        for response in line.children("Response") {
            item.faults.extend(faults_of(response, place.as_deref()));
        }
    }
    draft.body.items.push(item);
}

/// What a response says beside its verdict; an acceptance without a word is no fault.
fn faults_of(response: Element<'_>, place: Option<&str>) -> Vec<AcknowledgedFault> {
    let description = response.text_at(&["Description"]);
    let mut faults: Vec<AcknowledgedFault> = response
        .children("Status")
        .map(|status| AcknowledgedFault {
            code: status.text_at(&["StatusReasonCode"]),
            text: status.text_at(&["StatusReason"]).or_else(|| description.clone()),
            segment: place.map(Text::from),
            ..AcknowledgedFault::default()
        })
        .collect();
    if faults.is_empty() && (description.is_some() || place.is_some()) {
        let code = response.text_at(&["ResponseCode"]).filter(|_| place.is_some());
        let segment = place.map(str::to_owned);
        faults.push(AcknowledgedFault {
            code,
            text: description,
            segment: segment.map(Into::into),
            ..AcknowledgedFault::default()
        });
    }
    faults
}

/// UNCL4343 as Peppol uses it, and the words of older UBL communities.
fn verdict_of(code: Option<&str>) -> Verdict {
    match code {
        Some("AP" | "PD" | "BusinessAccept" | "TechnicalAccept" | "ProfileAccept") => Verdict::Accepted,
        Some("CA") => Verdict::AcceptedWithErrors,
        Some("RE" | "BusinessReject" | "TechnicalReject" | "ProfileReject") => Verdict::Rejected,
        // AB: it arrived; IP: being worked on; UQ: there are questions.
        _ => Verdict::Received,
    }
}

/// The verdict of the whole, and what it is about.
fn conclude(response: &mut Acknowledgment) {
    let verdicts: Vec<Verdict> = response.items.iter().map(|item| item.verdict).collect();
    let rejected = verdicts.iter().filter(|verdict| **verdict == Verdict::Rejected).count();
    response.verdict = match verdicts.as_slice() {
        [] => Verdict::Received,
        [first, rest @ ..] if rest.iter().all(|verdict| verdict == first) => *first,
        _ if rejected > 0 => Verdict::PartiallyAccepted,
        all if all.contains(&Verdict::Received) => Verdict::Received,
        _ => Verdict::AcceptedWithErrors,
    };
    if let [only] = response.items.as_slice() {
        response.verdict_code.clone_from(&only.verdict_code);
        response.subject = Subject { kind: only.kind.clone(), control: only.control.clone(), ..Subject::default() };
    }
}
