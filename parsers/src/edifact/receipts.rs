//! Keeps, while an interchange is read, what its acknowledgment (CONTRL) will say: message by message, with
//! the syntax errors located by segment and element. Bounded: what is past the bound is not kept.

use super::segment::Segment;
use crate::Profile;
use crate::canonical::{
    AcknowledgedFault, AcknowledgedItem, Acknowledgment, Identifier, Party, Subject, Text, Verdict,
};
use crate::finding::{Code, Finding, Severity};
use crate::receipt::Receipt;

/// Items and faults kept of one file; CONTRL need not name a message that is accepted.
const KEPT_MAX: usize = 20_000;
/// Interchanges kept of one file.
const INTERCHANGES_MAX: usize = 1_000;

#[derive(Default)]
pub(super) struct Receipts<'p> {
    /// The one profile that weighs findings, if there is one.
    profile: Option<&'p Profile>,
    done: Vec<Receipt>,
    open: Option<Receipt>,
    item: Option<AcknowledgedItem>,
    /// The open interchange holds something beside acknowledgments, or nothing at all.
    is_to_answer: bool,
    holds_acknowledgments: bool,
    kept: usize,
}

impl<'p> Receipts<'p> {
    pub(super) fn new(profiles: &'p [Profile]) -> Self {
        let profile = if let [profile] = profiles { Some(profile) } else { None };
        Self { profile, ..Self::default() }
    }

    pub(super) fn finish(mut self) -> Vec<Receipt> {
        self.close_interchange();
        self.done
    }

    pub(super) fn open_interchange(&mut self, unb: &Segment<'_>) {
        self.close_interchange();
        (self.is_to_answer, self.holds_acknowledgments) = (false, false);
        if self.done.len() >= INTERCHANGES_MAX {
            return;
        }
        let text = |element, component| unb.owned(element, component).unwrap_or_default();
        let partner = |element| {
            let scheme = unb.owned(element, 2);
            let scheme = scheme.map(|code| if code == "14" { "0088".to_owned() } else { format!("edifact:{code}") });
            Identifier { scheme: scheme.map(Into::into), value: text(element, 1) }
        };
        let (sender, recipient) = (partner(2), partner(3));
        let party = |id: &Identifier| Party { ids: vec![id.clone()], ..Party::default() };
        self.open = Some(Receipt {
            date: text(4, 1).into(),
            time: text(4, 2).into(),
            version: format!("{}:{}", text(1, 1), text(1, 2)),
            usage: if text(11, 1) == "1" { "T" } else { "P" }.to_owned(),
            wanted: text(9, 1) == "1",
            interchange: Acknowledgment {
                subject: Subject {
                    kind: Some("interchange".into()),
                    control: unb.owned(5, 1),
                    received: Some(0),
                    accepted: Some(0),
                    ..Subject::default()
                },
                // The answer goes the other way.
                sender: party(&recipient),
                recipient: party(&sender),
                ..Acknowledgment::default()
            },
            sender,
            recipient,
            // The answers to single messages are items of the interchange's: CONTRL has one for all.
            groups: Vec::new(),
        });
    }

    /// A message begins; one that is not read is refused: not supported (0085, 17: no agreement).
    pub(super) fn open_message(&mut self, kind: &str, control: &str, version: Option<&str>, is_read: bool) {
        self.close_message();
        // An acknowledgment is never acknowledged.
        if matches!(kind, "CONTRL" | "APERAK") {
            self.holds_acknowledgments = true;
            return;
        }
        self.is_to_answer = true;
        let kind = version.map_or_else(|| Text::from(kind), |version| Text::from(kind) + "." + version);
        let mut item =
            AcknowledgedItem { kind: Some(kind), control: Some(control.into()), ..AcknowledgedItem::default() };
        if !is_read {
            item.faults.push(coded("17"));
        }
        self.item = Some(item);
    }

    /// What was wrong in the message at hand: findings, each with the position of its segment, where it is
    /// known, and of the element and component in it.
    pub(super) fn fault(&mut self, finding: &Finding, at: Option<Fault>) {
        let Some(code) = self.syntax_error(finding) else { return };
        let Some(item) = self.item.as_mut().filter(|_| self.kept < KEPT_MAX) else { return };
        self.kept += 1;
        let at = at.unwrap_or_default();
        item.faults.push(AcknowledgedFault {
            code: Some(code.into()),
            segment: at.segment.map(Into::into),
            segment_position: at.position,
            element_position: at.element,
            component_position: at.component,
            ..AcknowledgedFault::default()
        });
    }

    pub(super) fn close_message(&mut self) {
        let (Some(mut item), Some(receipt)) = (self.item.take(), &mut self.open) else { return };
        let is_refused = !item.faults.is_empty();
        (item.verdict, item.verdict_code) =
            if is_refused { (Verdict::Rejected, Some("4".into())) } else { (Verdict::Accepted, Some("7".into())) };
        let subject = &mut receipt.interchange.subject;
        subject.received = subject.received.map(|count| count + 1);
        if !is_refused {
            subject.accepted = subject.accepted.map(|count| count + 1);
        }
        if self.kept < KEPT_MAX {
            self.kept += 1;
            receipt.interchange.items.push(item);
        }
    }

    /// Something is wrong with the interchange's own envelope: what could be read was read all the same.
    pub(super) fn fault_of_interchange(&mut self, finding: &Finding, segment: &str) {
        let Some(code) = self.syntax_error(finding) else { return };
        if let Some(receipt) = self.open.as_mut().filter(|receipt| receipt.interchange.faults.is_empty()) {
            receipt.interchange.faults.push(AcknowledgedFault {
                segment: Some(segment.to_owned()).filter(|segment| !segment.is_empty()).map(Into::into),
                ..coded(code)
            });
        }
    }

    pub(super) fn close_interchange(&mut self) {
        self.close_message();
        let Some(mut receipt) = self.open.take() else { return };
        if !self.is_to_answer && self.holds_acknowledgments {
            return;
        }
        let answer = &mut receipt.interchange;
        let (received, accepted) =
            (answer.subject.received.unwrap_or_default(), answer.subject.accepted.unwrap_or_default());
        let is_refused = accepted == 0 && (received > 0 || !answer.faults.is_empty());
        answer.verdict = match (is_refused, accepted < received) {
            (true, _) => Verdict::Rejected,
            (false, true) => Verdict::PartiallyAccepted,
            (false, false) if !answer.faults.is_empty() => Verdict::AcceptedWithErrors,
            (false, false) => Verdict::Accepted,
        };
        answer.verdict_code = Some((if is_refused { "4" } else { "7" }.to_owned()).into());
        self.done.push(receipt);
    }

    /// 0085 of what is an error of syntax, as the profile weighs it. Sums and business rules are none: they
    /// are an APERAK's.
    fn syntax_error(&self, finding: &Finding) -> Option<&'static str> {
        let weighed = match self.profile {
            None => Some(finding.severity),
            Some(profile) => profile.weigh(finding.code.as_str(), finding.rule, finding.severity),
        };
        if weighed != Some(Severity::Error) {
            return None;
        }
        match (finding.code, finding.rule) {
            (Code::EDI_COUNT_MISMATCH, Some("CNT-LIN")) => None,
            (Code::EDI_COUNT_MISMATCH, _) => Some("29"),
            (Code::EDI_CONTROL_MISMATCH, _) => Some("28"),
            (Code::EDI_DUPLICATE_CONTROL, _) => Some("26"),
            (Code::EDI_SEGMENT_UNEXPECTED, Some("UNKNOWN-SEGMENT")) => Some("15"),
            (Code::EDI_SEGMENT_UNEXPECTED, _) => Some("35"),
            (Code::EDI_SEGMENT_MISSING | Code::EDI_ENVELOPE | Code::TRUNCATED | Code::REQUIRED_MISSING, _) => {
                Some("13")
            }
            (Code::EDI_ELEMENT_INVALID, _) => Some("21"),
            (Code::AMOUNT_INVALID | Code::TYPE_INVALID, Some("BAD-NUMBER")) => Some("37"),
            (Code::DATE_INVALID | Code::CURRENCY_UNKNOWN, _) => Some("12"),
            _ => None,
        }
    }
}

/// Where a fault is, as CONTRL counts: UNH is segment 1, the first element after the tag is element 1 here.
#[derive(Debug, Clone, Default)]
pub(super) struct Fault {
    pub(super) segment: Option<String>,
    pub(super) position: Option<u64>,
    pub(super) element: Option<u32>,
    pub(super) component: Option<u32>,
}

fn coded(code: &str) -> AcknowledgedFault {
    AcknowledgedFault { code: Some(code.into()), ..AcknowledgedFault::default() }
}
