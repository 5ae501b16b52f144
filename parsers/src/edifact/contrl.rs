//! Reads one CONTRL (syntax versions 2 to 4) into an acknowledgment: how an interchange and its messages
//! were taken, and the syntax errors found in them.

use super::groups::{Grammar, Group};
use super::record::{Kept, Record, Told};
use super::segment::{Segment, Spot, Tag};
use crate::canonical::{
    AcknowledgedFault, AcknowledgedItem, Acknowledgment, Body, Identifier, Party, Subject, Text, Verdict,
};
use crate::finding::{Code, Finding};
use crate::path::Steps;
use crate::short::Short;
use crate::{Halt, Limits};

static GRAMMAR: Grammar = Grammar { opens, holds };

fn opens(tag: &Tag) -> Option<Group> {
    matches!(tag, b"UCM" | b"UCF" | b"UCS").then_some(Group::Fault)
}

/// UCI holds all; UCF and UCM hold UCS, and UCS holds UCD.
fn holds(group: Group, tag: &Tag) -> bool {
    match group {
        Group::Message => true,
        _ => matches!(tag, b"UCS" | b"UCD"),
    }
}

const VERDICT: Spot = Spot::new(4, 1, "/0083");
const CONTROL: Spot = Spot::new(1, 1, "/0020");

/// A CONTRL while it is read.
pub(super) struct ContrlReader {
    record: Record,
    acknowledgment: Acknowledgment,
    seen_uci: bool,
    /// The segment error at hand (UCS): an element error refines it.
    segment_fault: Option<AcknowledgedFault>,
}

impl ContrlReader {
    pub(super) fn new(prefix: Steps, ordinal: u32, limits: Limits) -> Self {
        Self {
            record: Record::new(prefix, ordinal, &GRAMMAR, limits),
            acknowledgment: Acknowledgment::default(),
            seen_uci: false,
            segment_fault: None,
        }
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    pub(super) fn report(&mut self, finding: Finding) {
        self.record.report(finding);
    }

    pub(super) fn take(&mut self, segment: &Segment<'_>) -> Result<(), Halt> {
        self.record.step(segment)?;
        match &segment.tag {
            b"UCI" if !self.seen_uci => self.take_interchange(segment),
            b"UCF" | b"UCM" => {
                self.close_segment_fault();
                let kind = if &segment.tag == b"UCM" { kind(segment) } else { Some("group".into()) };
                let at = if &segment.tag == b"UCM" { 3 } else { 4 };
                let code = segment.owned(at, 1);
                let item = AcknowledgedItem {
                    kind,
                    control: segment.owned(1, 1),
                    verdict: verdict(code.as_deref()),
                    verdict_code: code,
                    faults: service_fault(segment, at + 1).into_iter().collect(),
                };
                self.acknowledgment.items.push(item);
            }
            b"UCS" => {
                self.close_segment_fault();
                self.segment_fault = Some(AcknowledgedFault {
                    code: segment.owned(2, 1),
                    segment_position: segment.owned(1, 1).and_then(|position| position.parse().ok()),
                    ..AcknowledgedFault::default()
                });
            }
            b"UCD" => self.take_element(segment),
            _ => self.record.unknown(segment, "a CONTRL"),
        }
        self.record.part(segment)
    }

    pub(super) fn finish(mut self, unh: &Kept, complete: bool) -> Told {
        self.close_segment_fault();
        if complete && !self.seen_uci {
            let finding = Finding::error(
                Code::EDI_SEGMENT_MISSING,
                unh.location.clone(),
                "this CONTRL has no UCI segment, and thus does not say which interchange it answers",
                "Send UCI right after UNH, with the reference of the interchange in 0020.",
            );
            self.record.report(finding.with_rule("MISSING-UCI").with_field("UCI").with_excerpt(&unh.excerpt));
        }
        let acknowledgment = &mut self.acknowledgment;
        let is_refused = |item: &AcknowledgedItem| item.verdict == Verdict::Rejected;
        if acknowledgment.verdict == Verdict::Accepted {
            if acknowledgment.items.iter().any(is_refused) {
                acknowledgment.verdict = Verdict::PartiallyAccepted;
            } else if !acknowledgment.faults.is_empty() {
                acknowledgment.verdict = Verdict::AcceptedWithErrors;
            }
        }
        let Record { evidence, findings, faults, .. } = self.record;
        Told { body: Body::Acknowledgment(Box::new(self.acknowledgment)), evidence, findings, faults }
    }

    fn take_interchange(&mut self, uci: &Segment<'_>) {
        self.seen_uci = true;
        let code = uci.owned(4, 1);
        self.record.prove(Short::fixed("verdict"), uci, VERDICT);
        self.record.prove(Short::fixed("subject.control"), uci, CONTROL);
        self.acknowledgment = Acknowledgment {
            verdict: verdict(code.as_deref()),
            verdict_code: code,
            subject: Subject { kind: Some("interchange".into()), control: uci.owned(1, 1), ..Subject::default() },
            // UCI names sender and recipient of what is answered: the recipient answers the sender.
            sender: interchange_party(uci, 3),
            recipient: interchange_party(uci, 2),
            faults: service_fault(uci, 5).into_iter().collect(),
            ..Acknowledgment::default()
        };
    }

    /// UCD: an element of the segment at hand, by its position and its component's.
    fn take_element(&mut self, ucd: &Segment<'_>) {
        let segment = self.segment_fault.clone().unwrap_or_default();
        // The segment's own code, where it has one, is a fault of its own.
        if segment.code.is_some() {
            self.push_fault(segment.clone());
        }
        self.segment_fault = Some(AcknowledgedFault { code: None, ..segment.clone() });
        self.push_fault(AcknowledgedFault {
            code: ucd.owned(1, 1),
            element_position: element_position(ucd, 2),
            component_position: ucd.owned(2, 2).and_then(|position| position.parse().ok()),
            segment_position: segment.segment_position,
            ..AcknowledgedFault::default()
        });
    }

    fn close_segment_fault(&mut self) {
        if let Some(fault) = self.segment_fault.take().filter(|fault| fault.code.is_some()) {
            self.push_fault(fault);
        }
    }

    fn push_fault(&mut self, fault: AcknowledgedFault) {
        match self.acknowledgment.items.last_mut() {
            Some(item) => item.faults.push(fault),
            None => self.acknowledgment.faults.push(fault),
        }
    }
}

/// S009 of UCM: the type of the message, with its directory where it is named: `INVOIC.D.96A`.
fn kind(ucm: &Segment<'_>) -> Option<Text> {
    let name = ucm.owned(2, 1)?;
    Some(match ucm.owned(2, 2).zip(ucm.owned(2, 3)) {
        Some((version, release)) => format!("{name}.{version}.{release}").into(),
        None => name,
    })
}

/// 0085, 0135 and S011 of UCI, UCF and UCM: a fault of a service segment.
fn service_fault(segment: &Segment<'_>, at: usize) -> Option<AcknowledgedFault> {
    let fault = AcknowledgedFault {
        code: segment.owned(at, 1),
        segment: segment.owned(at + 1, 1),
        element_position: element_position(segment, at + 2),
        component_position: segment.owned(at + 2, 2).and_then(|position| position.parse().ok()),
        ..AcknowledgedFault::default()
    };
    (fault != AcknowledgedFault::default()).then_some(fault)
}

/// 0098 counts the tag as 1; here the first element after it is 1, as everywhere.
fn element_position(segment: &Segment<'_>, element: usize) -> Option<u32> {
    segment.owned(element, 1)?.parse::<u32>().ok()?.checked_sub(1)
}

/// S002, S003: an identification and its qualifier (0007).
fn interchange_party(uci: &Segment<'_>, element: usize) -> Party {
    let Some(value) = uci.owned(element, 1) else { return Party::default() };
    let scheme = uci.owned(element, 2);
    let scheme = scheme.map(|code| if code == "14" { "0088".to_owned() } else { format!("edifact:{code}") });
    Party { ids: vec![Identifier { scheme: scheme.map(Into::into), value }], ..Party::default() }
}

/// 0083: 4 and 5 refuse, 1, 6 and 7 accept, 8 says that it arrived.
fn verdict(code: Option<&str>) -> Verdict {
    match code {
        Some("4" | "5") => Verdict::Rejected,
        Some("1" | "6" | "7") => Verdict::Accepted,
        Some("2" | "3") => Verdict::AcceptedWithErrors,
        _ => Verdict::Received,
    }
}
