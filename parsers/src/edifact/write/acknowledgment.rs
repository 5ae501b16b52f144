//! Writes acknowledgments: CONTRL (of syntax version 3) from what was received, APERAK (D.96A) for what an
//! application found.
//!
//! An APERAK has no place for: the positions of faults, items, counts, the version of its subject.

use super::parties::{details, party};
use super::segments::{Out, code_of, segment};
use super::{EdifactEnvelope, WriteError};
use crate::canonical::{AcknowledgedFault, AcknowledgedItem, Acknowledgment, Verdict};
use crate::receipt::{Receipt, Reply};

/// UNB 0020 has fourteen places.
const CONTROL_DIGITS: usize = 9;

/// The interchanges to send back, one for each that was received; `None` when nothing is to be said. One that
/// says neither who sent it nor what it is called cannot be answered.
pub(crate) fn acknowledgment(receipts: &[Receipt], reply: &Reply) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut control = reply.control;
    for receipt in receipts {
        if let Ok(answer) = contrl(receipt, reply, control) {
            bytes.extend(answer);
            control = control.wrapping_add(1);
        }
    }
    Some(bytes).filter(|bytes| !bytes.is_empty())
}

/// One interchange with one CONTRL: the answer to an interchange.
fn contrl(receipt: &Receipt, reply: &Reply, control: u32) -> Result<Vec<u8>, WriteError> {
    let answer = &receipt.interchange;
    let Some(answered) = &answer.subject.control else {
        return Err(WriteError::Missing { field: "the reference of the interchange", element: "UCI 0020" });
    };
    let mut out = Out::default();
    out.open("CONTRL", "D", "3", "");
    let partner = |id: &crate::canonical::Identifier| {
        let scheme = match id.scheme.as_deref() {
            Some("0088") => "14".to_owned(),
            scheme => code_of(scheme, ""),
        };
        [id.value.clone(), scheme.into()]
    };
    let ([sender, sender_code], [recipient, recipient_code]) = (partner(&receipt.sender), partner(&receipt.recipient));
    let uci = segment("UCI")
        .one(answered)
        .all(&[&sender, &sender_code])
        .all(&[&recipient, &recipient_code])
        .one(answer.verdict_code.as_deref().unwrap_or("7"));
    out.add(service_fault(uci, answer.faults.first()));
    for item in &answer.items {
        message(item, &mut out);
    }
    out.close();
    out.into_interchange(&EdifactEnvelope {
        sender: receipt.recipient.clone(),
        recipient: receipt.sender.clone(),
        reference: format!("{control:0width$}", width = CONTROL_DIGITS),
        at: reply.at,
        is_test: receipt.usage == "T",
    })
}

/// UCM, with a fault of the service segments; then UCS and UCD, fault by fault in the order of segments.
fn message(item: &AcknowledgedItem, out: &mut Out) {
    let kind = item.kind.as_deref().unwrap_or_default();
    let mut kind = kind.splitn(3, '.');
    let [name, version, release] = [(); 3].map(|()| kind.next().unwrap_or_default());
    let agency = if version.is_empty() { "" } else { "UN" };
    let ucm = segment("UCM")
        .one(item.control.as_deref().unwrap_or_default())
        .all(&[name, version, release, agency])
        .one(item.verdict_code.as_deref().unwrap_or("7"));
    let of_envelope = item.faults.iter().find(|fault| fault.segment_position.is_none());
    out.add(service_fault(ucm, of_envelope));
    let mut located: Vec<&AcknowledgedFault> =
        item.faults.iter().filter(|fault| fault.segment_position.is_some()).collect();
    located.sort_by_key(|fault| fault.segment_position);
    let mut at_hand = None;
    for fault in located {
        let code = fault.code.as_deref().unwrap_or("18");
        let position = fault.segment_position.unwrap_or_default().to_string();
        match fault.element_position {
            None => out.add(segment("UCS").one(&position).one(code)),
            Some(element) => {
                if at_hand != Some(fault.segment_position) {
                    out.add(segment("UCS").one(&position));
                }
                let component = fault.component_position.map(|at| at.to_string()).unwrap_or_default();
                out.add(segment("UCD").one(code).all(&[&counted(element), &component]));
            }
        }
        at_hand = Some(fault.segment_position);
    }
}

/// 0085, 0135 and S011 of a fault in a service segment.
fn service_fault(segment: super::segments::Segment, fault: Option<&AcknowledgedFault>) -> super::segments::Segment {
    let Some(fault) = fault else { return segment };
    let element = fault.element_position.map(counted).unwrap_or_default();
    let component = fault.component_position.map(|at| at.to_string()).unwrap_or_default();
    segment
        .one(fault.code.as_deref().unwrap_or_default())
        .one(fault.segment.as_deref().unwrap_or_default())
        .all(&[&element, &component])
}

/// 0098 counts the tag as 1.
fn counted(element: u32) -> String {
    element.saturating_add(1).to_string()
}

/// One APERAK.
pub(super) fn aperak(acknowledgment: &Acknowledgment, out: &mut Out) -> Result<(), WriteError> {
    let Some(number) = acknowledgment.number.as_deref().filter(|number| !number.is_empty()) else {
        return Err(WriteError::Missing { field: "number", element: "BGM 1004" });
    };
    out.open("APERAK", "D", "96A", "");
    let (kind, response) = match acknowledgment.verdict {
        Verdict::Accepted => ("312", "AP"),
        Verdict::AcceptedWithErrors | Verdict::PartiallyAccepted => ("312", "AC"),
        Verdict::Rejected => ("313", "RE"),
        Verdict::Received => ("305", ""),
    };
    let response = acknowledgment.verdict_code.as_deref().unwrap_or(response);
    out.add(segment("BGM").one(kind).one(number).one("9").one(response));
    out.date("137", acknowledgment.issue_date);
    for note in &acknowledgment.notes {
        out.text("AAI", note);
    }
    let subject = &acknowledgment.subject;
    out.reference(&code_of(subject.kind.as_deref(), "ACE"), subject.control.as_deref());
    for (role, of) in [("MS", &acknowledgment.sender), ("MR", &acknowledgment.recipient)] {
        party(role, of, out);
        details(of, out);
    }
    let of_items = acknowledgment.items.iter().flat_map(|item| &item.faults);
    for fault in acknowledgment.faults.iter().chain(of_items) {
        out.add(segment("ERC").one(fault.code.as_deref().unwrap_or("ZZZ")));
        if let Some(text) = &fault.text {
            out.text("AAO", text);
        }
        out.reference("ACW", fault.value.as_deref());
    }
    out.close();
    Ok(())
}
